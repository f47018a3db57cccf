package patient

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

const pause = 10 * time.Microsecond

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errFull = errors.New("no space left on device")

// disk is a file system with a page cache as a kernel has one: a sync that
// fails drops the dirty pages from what will be written, and calls them clean.
type disk struct {
	vfs.FS
	mu     sync.Mutex
	cache  map[string][]byte
	dirty  map[string][]int // offsets of bytes
	stored map[string][]byte
	fail   func(op string) bool // whether an operation fails
}

func newDisk() *disk {
	return &disk{FS: vfs.NewMem(), cache: map[string][]byte{}, dirty: map[string][]int{}, stored: map[string][]byte{}, fail: func(string) bool { return false }}
}

func (d *disk) handle(f vfs.File, err error, name string) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &diskFile{File: f, d: d, name: name}, nil
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if d.fails("create") {
		return nil, errFull
	}
	f, err := d.FS.Create(name, c)
	return d.handle(f, err, name)
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	if d.fails("open") {
		return nil, errFull
	}
	f, err := d.FS.OpenReadWrite(name, c, opts...)
	return d.handle(f, err, name)
}

func (d *disk) fails(op string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fail(op)
}

type diskFile struct {
	vfs.File
	d    *disk
	name string
	off  int
}

func (f *diskFile) Write(p []byte) (int, error) {
	n := len(p)
	var err error
	if f.d.fails("write") {
		n, err = n/2, errFull
	}
	f.put(p[:n], f.off)
	f.off += n
	clear(p[:n]) // a file may change the bytes
	return n, err
}

func (f *diskFile) WriteAt(p []byte, off int64) (int, error) {
	if f.d.fails("writeat") {
		return 0, errFull
	}
	f.put(p, int(off))
	clear(p)
	return len(p), nil
}

func (f *diskFile) put(p []byte, off int) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	c := f.d.cache[f.name]
	for len(c) < off+len(p) {
		c = append(c, 0)
	}
	copy(c[off:], p)
	f.d.cache[f.name] = c
	for i := range p {
		f.d.dirty[f.name] = append(f.d.dirty[f.name], off+i)
	}
}

func (f *diskFile) Sync() error {
	failed := f.d.fails("sync")
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if !failed {
		s := f.d.stored[f.name]
		for len(s) < len(f.d.cache[f.name]) {
			s = append(s, 0)
		}
		for _, off := range f.d.dirty[f.name] {
			s[off] = f.d.cache[f.name][off]
		}
		f.d.stored[f.name] = s
	}
	f.d.dirty[f.name] = nil
	if failed {
		return errFull
	}
	return nil
}

func (f *diskFile) SyncData() error { return f.Sync() }

// TestWhatIsSyncedIsStored writes and syncs over a disk that fails now and
// then: what was synced must be on it.
func TestWhatIsSyncedIsStored(t *testing.T) {
	fails := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		d := newDisk()
		fs := New(d, pause)
		fs.Wait()
		d.fail = func(string) bool {
			if rng.IntN(3) == 0 {
				fails++
				return true
			}
			return false
		}
		f, err := fs.Create("000001.log", "wal")
		must(t, err)
		var want []byte
		for i := range 30 {
			p := make([]byte, rng.IntN(20))
			for j := range p {
				p[j] = byte(1 + rng.IntN(255))
			}
			want = append(want, p...)
			if n, err := f.Write(p); n != len(p) || err != nil {
				t.Fatalf("seed %d: wrote %d of %d: %v", seed, n, len(p), err)
			}
			if rng.IntN(4) == 0 || i == 29 {
				must(t, f.SyncData())
				if !bytes.Equal(d.stored["000001.log"], want) {
					t.Fatalf("seed %d: on disk is\n%x\nwant\n%x", seed, d.stored["000001.log"], want)
				}
			}
		}
		if _, err := fs.Stalled(); err != nil {
			t.Fatalf("seed %d: still stalled: %v", seed, err)
		}
	}
	t.Logf("%d failures", fails)
}

// TestRepeatedSyncIsNotEnough shows that the disk of the test above does lose
// data where a failed sync is only repeated.
func TestRepeatedSyncIsNotEnough(t *testing.T) {
	d := newDisk()
	f, err := d.Create("000001.log", "wal")
	must(t, err)
	_, err = f.Write([]byte("abc"))
	must(t, err)
	n := 0
	d.fail = func(op string) bool { n++; return n == 1 }
	if f.Sync() == nil || f.Sync() != nil {
		t.Fatal("the first sync should fail and the second not")
	}
	if bytes.Equal(d.stored["000001.log"], []byte("abc")) {
		t.Fatal("nothing is lost")
	}
}

func TestTablesAreWrittenAnew(t *testing.T) {
	d := newDisk()
	fs := New(d, pause)
	fs.Wait()
	f, err := fs.Create("000002.sst", "flush")
	must(t, err)
	_, err = f.Write([]byte("abc"))
	must(t, err)
	d.fail = func(op string) bool { return op == "sync" }
	if err := f.Sync(); !errors.Is(err, errFull) {
		t.Fatalf("error %v", err)
	}
}

// TestStallShows lets an operation wait, looks, and lets it go on.
func TestStallShows(t *testing.T) {
	d := newDisk()
	fs := New(d, pause)
	fs.Wait()
	d.mu.Lock()
	d.fail = func(op string) bool { return op == "create" }
	d.mu.Unlock()
	done := make(chan error)
	go func() {
		_, err := fs.Create("a", "")
		done <- err
	}()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		since, err := fs.Stalled()
		if errors.Is(err, errFull) && !since.IsZero() {
			select {
			case <-fs.Clear():
				t.Fatal("something waits, but all is clear")
			default:
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal("no stall shows")
		}
	}
	d.mu.Lock()
	d.fail = func(string) bool { return false }
	d.mu.Unlock()
	must(t, <-done)
	<-fs.Clear()
	if _, err := fs.Stalled(); err != nil {
		t.Fatalf("still stalled: %v", err)
	}
}

func TestAnswersArePassedOn(t *testing.T) {
	fs := New(vfs.NewMem(), pause)
	fs.Wait()
	if err := fs.Remove("nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
	if _, err := fs.Open("nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
}

func TestImpatientAtFirst(t *testing.T) {
	var ops []string
	fs := New(errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		ops = append(ops, op.Path)
		return errFull
	})), pause)
	if _, err := fs.Create("a", ""); !errors.Is(err, errFull) {
		t.Fatalf("error %v", err)
	}
	if !slices.Equal(ops, []string{"a"}) {
		t.Fatalf("tried %v", ops)
	}
}
