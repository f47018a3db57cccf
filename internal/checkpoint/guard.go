package checkpoint

import (
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// notes is the logger of a database, and the door through which it is called.
//
// Pebble is made for a process that ends when its manifest cannot be written:
// it calls Fatalf, and where a folder cannot be synced it panics. What it would
// do next is wrong, for it does not know what is on disk: it would remove
// tables that the manifest may name already. So a goroutine that comes to Fatalf
// ends there, the call that led to it returns the error, and the database is
// not touched again. It is opened anew, which reads what is on disk.
type notes struct {
	to  *slog.Logger
	dir string

	mu    sync.Mutex
	fatal error
	gone  chan struct{} // closed when fatal is set
}

func newNotes(to *slog.Logger, dir string) *notes {
	return &notes{to: to, dir: dir, gone: make(chan struct{})}
}

// Infof implements pebble.Logger.
func (n *notes) Infof(string, ...any) {}

// Errorf implements pebble.Logger.
func (n *notes) Errorf(format string, args ...any) {
	n.to.Warn("checkpoint store", "dir", n.dir, "error", fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. It does not return.
func (n *notes) Fatalf(format string, args ...any) {
	n.giveUp(fatalError(format, args))
	runtime.Goexit()
}

// fatalError keeps the error among the arguments, so that its kind is known.
func fatalError(format string, args []any) error {
	for _, a := range args {
		if err, ok := a.(error); ok {
			return fmt.Errorf("the database gave up: %w", err)
		}
	}
	return fmt.Errorf("the database gave up: "+format, args...)
}

func (n *notes) giveUp(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fatal == nil {
		n.fatal = err
		close(n.gone)
		n.to.Error("checkpoint store", "dir", n.dir, "error", err)
	}
}

// failed is why the database gave up, nil if it has not.
func (n *notes) failed() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fatal
}

// call calls into the database, on a goroutine of its own.
func (n *notes) call(f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case error:
				n.giveUp(fmt.Errorf("the database gave up: %w", r))
			default:
				n.giveUp(fmt.Errorf("the database gave up: %v", r))
			}
		}()
		done <- f()
	}()
	select {
	case err := <-done:
		if err == nil {
			err = n.failed()
		}
		return err
	case <-n.gone:
		return n.failed()
	}
}

// databaseFS is the file system of a database in a folder that is locked
// already: one that gave up never lets its lock go, and could not be opened
// anew.
//
// A marker says which manifest counts, by its name. Pebble makes a manifest,
// the new marker, and takes the old marker away before it syncs the folder, and
// a crash may leave any of these steps without the others. So the folder is
// synced before each step with a marker.
type databaseFS struct{ vfs.FS }

// Lock implements vfs.FS.
func (databaseFS) Lock(string) (io.Closer, error) { return noLock{}, nil }

// Create implements vfs.FS.
func (d databaseFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.settle(name); err != nil {
		return nil, err
	}
	return d.FS.Create(name, category)
}

// Remove implements vfs.FS.
func (d databaseFS) Remove(name string) error {
	if err := d.settle(name); err != nil {
		return err
	}
	return d.FS.Remove(name)
}

// settle syncs the folder of a marker.
func (d databaseFS) settle(name string) error {
	if !strings.HasPrefix(d.PathBase(name), "marker.") {
		return nil
	}
	return syncDirs(d.FS, d.PathDir(name))
}

type noLock struct{}

// Close implements io.Closer.
func (noLock) Close() error { return nil }

// lockDir locks the folder of a database, as Pebble would.
func lockDir(fs vfs.FS, dir string) (io.Closer, error) {
	lock, err := fs.Lock(fs.PathJoin(dir, lockFile))
	switch {
	case err == nil:
		return lock, nil
	case missing(err):
		return nil, fmt.Errorf("open %s: %w", dir, err)
	case unwritable(err):
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return nil, &LockedError{Dir: dir, Err: err}
}

const lockFile = "LOCK"
