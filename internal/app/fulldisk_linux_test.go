package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

// TestServeFullDisk: while the disk is full nothing is acknowledged, the
// sentence says what to do, and with room again it goes on by itself; a server
// that is killed meanwhile has lost nothing that it acknowledged.
func TestServeFullDisk(t *testing.T) {
	inFolder(t)
	disk := smallDisk(t, 192<<20)
	l := newTraffic(t, 3)
	write(t, "r.cep", loadRules+l.sources())
	args := []string{"r.cep", "--checkpoint-interval", "200ms", "--shards", "2", "--log-level", "warn"}
	p := serve(t, disk.dir+"/state", args...)
	l.begin(p)
	for i := range 4 {
		before := l.acked.Load()
		p.until("events come in", func() bool { return l.acked.Load() > before+2*ofHTTP })
		full := l.full.Load()
		disk.fill()
		p.until("a batch is refused with 503", func() bool {
			disk.fill() // what a checkpoint has given free
			return l.full.Load() > full
		})
		sentence := p.says("Nothing is taken in")
		if i == 0 {
			t.Log(sentence)
		}
		if !strings.Contains(sentence, "no space left") {
			t.Errorf("the sentence does not name the reason: %s", sentence)
		}
		if i == 2 {
			acked := l.acked.Load()
			p.stop(syscall.SIGKILL)
			disk.empty()
			p = serve(t, disk.dir+"/state", args...)
			l.turnTo(p)
			if c := p.counts(); c.posted-c.duplicates < acked {
				t.Fatalf("%d events were acknowledged; %+v are there", acked, c)
			}
			continue
		}
		p.until("it is not ready", func() bool {
			answer, err := http.Get(p.url + "/readyz")
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer.StatusCode == http.StatusServiceUnavailable
		})
		disk.empty()
	}
	before := l.acked.Load()
	p.until("it goes on by itself", func() bool {
		return l.acked.Load() > before && !strings.Contains(p.sentence(), "Nothing is taken in")
	})
	l.end()
	l.check(p)
	t.Logf("%d events, %d answers that there is no room, %d alerts", l.posted, l.full.Load(), l.alerts)
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.errs)
	}
	if code, out, errs := weir(t, "state", "verify", disk.dir+"/state"); code != exitOK {
		t.Error(out, errs)
	}
}
