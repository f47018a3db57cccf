package patient

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// File is a file whose writes wait until they succeed. Like any vfs.File it is
// written and synced by one goroutine at a time.
type File struct {
	vfs.File
	fs       *FS
	name     string
	category vfs.DiskWriteCategory

	// whole says that the file must be whole: what was written since it was
	// last synced is kept. Of others a failed sync is passed on, after a pause.
	whole  bool
	offset int64     // where the next write goes
	since  []written // since the file was last synced, in the order of writing
	bytes  int
	spare  [][]byte // buffers for the next writes
	prefix Prefix   // of what was written
	mixed  bool     // it was not written from beginning to end
}

// written is a write that may not be on disk.
type written struct {
	at   int64
	data []byte
}

// maxSince bounds what is kept of a file: beyond it, the file is synced.
// maxSpare is how many buffers stay with it.
const (
	maxSince = 32 << 20
	maxSpare = 4
	buffer   = 256 << 10 // bytes of one
)

// Write implements vfs.File.
func (f *File) Write(p []byte) (int, error) {
	// The file below may change the bytes, so they are kept before.
	f.keep(f.offset, p)
	if f.whole {
		f.prefix.add(p)
	}
	done := 0
	err := f.fs.try(func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	f.offset += int64(done)
	if err == nil && f.bytes > maxSince {
		err = f.Sync()
	}
	return done, err
}

// WriteAt implements vfs.File.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	f.keep(off, p)
	f.mixed = true
	n := 0
	err := f.fs.try(func() (err error) {
		n, err = f.File.WriteAt(p, off)
		return err
	})
	if err == nil && f.bytes > maxSince {
		err = f.Sync()
	}
	return n, err
}

func (f *File) keep(at int64, p []byte) {
	if !f.whole || len(p) == 0 {
		return
	}
	f.bytes += len(p)
	if n := len(f.since); n > 0 {
		last := &f.since[n-1]
		if last.at+int64(len(last.data)) == at {
			n := min(len(p), cap(last.data)-len(last.data))
			last.data = append(last.data, p[:n]...)
			at, p = at+int64(n), p[n:]
		}
	}
	if len(p) > 0 {
		f.since = append(f.since, written{at, append(f.room(len(p)), p...)})
	}
}

// Preallocate implements vfs.File. That there is no room shows when something
// is written there.
func (f *File) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); err != nil && !f.fs.waits.Load() {
		return err
	}
	return nil
}

// Sync implements vfs.File.
func (f *File) Sync() error { return f.settle(f.File.Sync) }

// SyncData implements vfs.File.
func (f *File) SyncData() error { return f.settle(f.File.SyncData) }

// SyncTo implements vfs.File. It promises nothing, so that it is not waited for.
func (f *File) SyncTo(length int64) (fullSync bool, err error) {
	if f.whole {
		return false, nil // a failure that nobody hears of could hide one of Sync
	}
	return f.File.SyncTo(length)
}

// settle syncs the file.
func (f *File) settle(sync func() error) error {
	if !f.whole {
		err := sync()
		if err != nil && f.fs.waits.Load() {
			s := f.fs.enter(nil, err)
			time.Sleep(f.fs.pause)
			f.fs.leave(s)
		}
		return err
	}
	failed := false
	err := f.fs.try(func() error {
		if failed {
			if err := f.again(); err != nil {
				return err
			}
		}
		err := sync()
		failed = failed || err != nil
		return err
	})
	if err == nil {
		f.forget()
		if !f.mixed {
			f.fs.note(f.name, f.prefix)
		}
	}
	return err
}

// room returns a buffer for n bytes or more.
func (f *File) room(n int) []byte {
	if last := len(f.spare) - 1; last >= 0 && n <= buffer {
		b := f.spare[last]
		f.spare = f.spare[:last]
		return b
	}
	if len(f.since) == 0 {
		return make([]byte, 0, n) // most files are written once and synced
	}
	return make([]byte, 0, max(n, buffer))
}

// forget lets go of what is on disk.
func (f *File) forget() {
	for _, w := range f.since {
		if cap(w.data) == buffer && len(f.spare) < maxSpare {
			f.spare = append(f.spare, w.data[:0])
		}
	}
	clear(f.since)
	f.since, f.bytes = f.since[:0], 0
}

// again writes what may not be on disk once more, and syncs it.
func (f *File) again() (err error) {
	g, err := f.fs.FS.OpenReadWrite(f.name, f.category)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := g.Close(); err == nil {
			err = closeErr
		}
	}()
	for i := range f.since {
		// A copy: the file below may change the bytes.
		if _, err := g.WriteAt(append([]byte(nil), f.since[i].data...), f.since[i].at); err != nil {
			return err
		}
	}
	return g.Sync()
}
