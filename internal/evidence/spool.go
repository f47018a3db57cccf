package evidence

import (
	"errors"
	"fmt"
	"os"
	"runtime"
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
}

type segment struct {
	file  *os.File
	start int64
	n     int64
}

// write appends a chunk, whole in one segment, and returns its offset.
func (s *spool) write(data []byte) (offset int64, err error) {
	limit := s.size
	if limit == 0 {
		limit = segmentSize
	}
	if k := len(s.segments); k == 0 || s.segments[k-1].n >= limit {
		if err := s.grow(); err != nil {
			return 0, err
		}
	}
	g := &s.segments[len(s.segments)-1]
	if _, err := g.file.WriteAt(data, g.n); err != nil {
		return 0, fmt.Errorf("keep raw events in %s: %w", g.file.Name(), err)
	}
	offset = s.end
	g.n += int64(len(data))
	s.end += int64(len(data))
	for len(s.segments) > 1 && s.end-s.segments[0].start > s.max {
		s.segments[0].file.Close()
		s.segments = append(s.segments[:0], s.segments[1:]...)
	}
	return offset, nil
}

// grow begins a segment in a file without a name, where the system has such.
func (s *spool) grow() error {
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
	for i := range s.segments {
		g := &s.segments[i]
		errs = append(errs, g.file.Close())
		if runtime.GOOS == "windows" {
			errs = append(errs, os.Remove(g.file.Name()))
		}
	}
	s.segments = nil
	return errors.Join(errs...)
}
