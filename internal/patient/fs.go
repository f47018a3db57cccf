package patient

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// FS waits until writes succeed. Reads are the file system's below.
type FS struct {
	vfs.FS
	waits atomic.Bool
	pause time.Duration

	mu      sync.Mutex
	waiting map[*stall]struct{}
	clear   chan struct{}     // closed while nothing waits
	synced  map[string]Prefix // files by name: what of them is on disk
}

// stall is an operation that waits.
type stall struct {
	since time.Time
	err   error
}

// DefaultPause makes the longest wait between two tries 1.6 s.
const DefaultPause = 50 * time.Millisecond

// New puts a patient file system over another one. The first wait of an
// operation takes that long, and each twice as long as the one before, up to 32
// times; 0 is DefaultPause.
func New(under vfs.FS, pause time.Duration) *FS {
	if pause == 0 {
		pause = DefaultPause
	}
	f := &FS{FS: under, pause: pause, waiting: map[*stall]struct{}{}, clear: make(chan struct{}), synced: map[string]Prefix{}}
	close(f.clear)
	return f
}

// Wait says that writes are waited for from now on.
func (f *FS) Wait() { f.waits.Store(true) }

// Stalled returns why an operation waits, and since when, the oldest one if
// there are several; nil: none does.
func (f *FS) Stalled() (since time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.waiting {
		if err == nil || s.since.Before(since) {
			since, err = s.since, s.err
		}
	}
	return since, err
}

// Clear returns a channel that is closed once no operation waits.
func (f *FS) Clear() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clear
}

// try does an operation until it succeeds, or fails for good.
func (f *FS) try(op func() error) error {
	var s *stall
	pause := f.pause
	for {
		err := op()
		if err == nil || !f.waits.Load() || isAnswer(err) {
			f.leave(s)
			return err
		}
		s = f.enter(s, err)
		time.Sleep(pause)
		pause = min(2*pause, 32*f.pause)
	}
}

// isAnswer says whether an error says something about names and handles, so
// that it would be the same the next time.
func isAnswer(err error) bool {
	return oserror.IsNotExist(err) || oserror.IsExist(err) || errors.Is(err, fs.ErrClosed) || errors.Is(err, fs.ErrInvalid)
}

func (f *FS) enter(s *stall, err error) *stall {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s == nil {
		s = &stall{since: time.Now()}
		if len(f.waiting) == 0 {
			f.clear = make(chan struct{})
		}
		f.waiting[s] = struct{}{}
	}
	s.err = err
	return s
}

func (f *FS) leave(s *stall) {
	if s == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.waiting, s)
	if len(f.waiting) == 0 {
		close(f.clear)
	}
}

// Create implements vfs.FS. The database's marker files say by their names
// which other file holds; that one must not get lost in a crash that the marker
// survives, as can happen to two entries of one directory.
func (f *FS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasPrefix(f.PathBase(name), "marker.") {
		if err := f.syncDir(f.PathDir(name)); err != nil {
			return nil, err
		}
	}
	return f.open(name, category, func() (vfs.File, error) { return f.FS.Create(name, category) })
}

// OpenReadWrite implements vfs.FS.
func (f *FS) OpenReadWrite(name string, category vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	return f.open(name, category, func() (vfs.File, error) { return f.FS.OpenReadWrite(name, category, opts...) })
}

// ReuseForWrite implements vfs.FS. It makes a new file instead: reusing one
// takes two steps, of which the first cannot be done twice.
func (f *FS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.Remove(oldname); err != nil {
		return nil, err
	}
	return f.Create(newname, category)
}

// OpenDir implements vfs.FS.
func (f *FS) OpenDir(name string) (vfs.File, error) {
	d, err := f.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &dir{File: d, fs: f}, nil
}

func (f *FS) syncDir(name string) error {
	d, err := f.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *FS) open(name string, category vfs.DiskWriteCategory, open func() (vfs.File, error)) (vfs.File, error) {
	var file vfs.File
	err := f.try(func() (err error) {
		file, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &File{File: file, fs: f, name: name, category: category, whole: !isTable(name)}, nil
}

// isTable says whether a file is a table, which a database writes from
// beginning to end and, if that fails, under another name again.
func isTable(name string) bool {
	ext := path.Ext(strings.ReplaceAll(name, `\`, "/"))
	return ext == ".sst" || ext == ".blob"
}

// Synced returns what is on disk of the files that were written through this
// file system from beginning to end and are not removed, tables left out.
func (f *FS) Synced() map[string]Prefix {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.synced)
}

func (f *FS) note(name string, p Prefix) {
	p.Sums = slices.Clone(p.Sums)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced[name] = p
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	delete(f.synced, name)
	f.mu.Unlock()
	return f.try(func() error { return f.FS.Remove(name) })
}

// Rename implements vfs.FS.
func (f *FS) Rename(oldname, newname string) error {
	if err := f.try(func() error { return f.FS.Rename(oldname, newname) }); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.synced[oldname]; ok {
		f.synced[newname] = p
		delete(f.synced, oldname)
	}
	return nil
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(dir string, perm os.FileMode) error {
	return f.try(func() error { return f.FS.MkdirAll(dir, perm) })
}

// Unwrap implements vfs.FS.
func (f *FS) Unwrap() vfs.FS { return f.FS }

// dir is a directory that is opened to be synced.
type dir struct {
	vfs.File
	fs *FS
}

func (d *dir) Sync() error { return d.fs.try(d.File.Sync) }
