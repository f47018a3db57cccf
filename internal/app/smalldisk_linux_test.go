package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// disk is a file system of a test's own, in memory, that can be filled.
type disk struct {
	t    *testing.T
	dir  string
	file *os.File // that fills it; nil: nothing does
}

// smallDisk mounts a disk of so many bytes, which only root may.
func smallDisk(t *testing.T, size int64) *disk {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir()}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprint("size=", size)); err != nil {
		why := fmt.Sprintf("a small disk cannot be mounted (%v): run the test as root", err)
		if os.Getenv("WEIR_REQUIRE_SERVERS") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	t.Cleanup(func() {
		d.empty()
		if err := syscall.Unmount(d.dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return d
}

// fill takes all the room there is.
func (d *disk) fill() {
	d.t.Helper()
	if d.file == nil {
		f, err := os.Create(filepath.Join(d.dir, "filler"))
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
		d.file = f
	}
	for block := make([]byte, 64<<10); ; {
		n, err := d.file.Write(block)
		if errors.Is(err, syscall.ENOSPC) && n == 0 {
			return
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
	}
}

// empty makes room.
func (d *disk) empty() {
	d.t.Helper()
	if d.file == nil {
		return
	}
	if err := errors.Join(d.file.Close(), os.Remove(d.file.Name())); err != nil {
		d.t.Fatal(err)
	}
	d.file = nil
}
