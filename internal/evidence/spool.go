package evidence

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"runtime"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// segmentSize is how much of a spool one temporary file takes, about. It is
// given up as a whole.
const segmentSize = 64 << 20

// spool keeps chunks of bytes in temporary files, up to a limit, the newest.
// Offsets count all bytes that were ever written.
type spool struct {
	dir      string
	max      int64
	size     int64 // of a segment; 0 is segmentSize
	segments []segment
	end      int64

	// Of files that outlive the process.
	fs     vfs.FS // nil: they do not
	prefix string // of their names
	number int    // of the newest
	gone   []segment
	going  int  // of gone, those that the last save did without
	fresh  bool // there are files since the last save
	sealed bool // the last segment was restored: nothing is written behind it
}

type segment struct {
	file   file
	number int // in its name
	start  int64
	n      int64
	synced int64
	sum    uint32 // of all that was written
}

// file is a part of *os.File and vfs.File.
type file interface {
	io.Closer
	io.ReaderAt
	io.WriterAt
}

// write appends a chunk, whole in one segment, and returns its offset.
func (s *spool) write(data []byte) (offset int64, err error) {
	limit := s.size
	if limit == 0 {
		limit = segmentSize
	}
	if k := len(s.segments); k == 0 || s.sealed || s.segments[k-1].n >= limit {
		if err := s.grow(); err != nil {
			return 0, err
		}
	}
	g := &s.segments[len(s.segments)-1]
	if _, err := g.file.WriteAt(data, g.n); err != nil {
		return 0, fmt.Errorf("keep raw events in %s: %w", s.where(), err)
	}
	if s.fs != nil {
		g.sum = crc32.Update(g.sum, castagnoli, data)
	}
	offset = s.end
	g.n += int64(len(data))
	s.end += int64(len(data))
	for len(s.segments) > 1 && s.end-s.segments[0].start > s.max {
		s.drop(s.segments[0])
		s.segments = append(s.segments[:0], s.segments[1:]...)
	}
	return offset, nil
}

// drop gives up a segment. A kept one stays until it is saved that it is gone.
func (s *spool) drop(g segment) {
	if s.fs != nil {
		s.gone = append(s.gone, g)
		return
	}
	g.file.Close()
	if f, ok := g.file.(*os.File); ok && runtime.GOOS == "windows" {
		os.Remove(f.Name())
	}
}

// where names the folder in errors.
func (s *spool) where() string {
	if s.dir == "" {
		return os.TempDir()
	}
	return s.dir
}

// grow begins a segment, in a file without a name, where the system has such,
// if it is not to be kept.
func (s *spool) grow() error {
	if s.fs != nil {
		return s.growKept()
	}
	f, err := os.CreateTemp(s.dir, "weir-events-*")
	if err != nil {
		return fmt.Errorf("keep raw events: %w", err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Remove(f.Name()); err != nil {
			f.Close()
			return fmt.Errorf("keep raw events: %w", err)
		}
	}
	s.segments = append(s.segments, segment{file: f, start: s.end})
	return nil
}

// readAt reads from an offset on, to the end of its segment at most.
func (s *spool) readAt(p []byte, offset int64) (int, error) {
	for i := len(s.segments) - 1; i >= 0; i-- {
		g := &s.segments[i]
		if offset >= g.start {
			p = p[:min(int64(len(p)), g.start+g.n-offset)]
			return g.file.ReadAt(p, offset-g.start)
		}
	}
	return 0, errors.New("its temporary file was given up for newer ones")
}

func (s *spool) close() error {
	var errs []error
	for _, g := range append(s.segments, s.gone...) {
		errs = append(errs, g.file.Close())
		if f, ok := g.file.(*os.File); ok && s.fs == nil && runtime.GOOS == "windows" {
			errs = append(errs, os.Remove(f.Name()))
		}
	}
	s.segments, s.gone = nil, nil
	return errors.Join(errs...)
}
