package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// How much of a segment is read at once: to read all of it, and to pass over
// records.
const (
	readAhead = 512 << 10
	headAhead = 32 << 10
)

// scanner reads the frames of a segment one after the other.
type scanner struct {
	f     vfs.File
	name  string
	salt  uint64
	off   int64    // of the next frame
	limit int64    // nothing is read from here on
	want  Position // of the next record, 0: any
	heads bool     // bodies are passed over

	buf  []byte
	base int64 // offset of buf[0]
	fr   frame
}

// next reads the frame at off and its body, which is valid until the next call.
// At the limit it returns io.EOF, *CorruptError for what is no frame.
func (s *scanner) next() (*frame, []byte, error) {
	f := &s.fr
	for {
		if s.off >= s.limit {
			return nil, nil, io.EOF
		}
		b, err := s.bytes(s.off, frameSize)
		if err != nil {
			return nil, nil, err
		}
		if !f.parse(b, s.salt, s.off) {
			return nil, nil, s.bad("the header of a record has a wrong checksum")
		}
		if f.end() > s.limit {
			return nil, nil, s.bad("the record is longer than the segment")
		}
		if s.want != 0 && f.rec.Pos != s.want {
			return nil, nil, s.bad(fmt.Sprintf("record %d stands where record %d belongs", f.rec.Pos, s.want))
		}
		if f.mark() {
			s.off = f.end()
			continue
		}
		var body []byte
		if !s.heads {
			if body, err = s.content(f); err != nil {
				return nil, nil, err
			}
		}
		s.off = f.end()
		if s.want != 0 {
			s.want++
		}
		return f, body, nil
	}
}

// content is the body of a frame, valid until the next call.
func (s *scanner) content(f *frame) ([]byte, error) {
	b, err := s.bytes(f.off+frameSize, int(f.body()))
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != f.sum {
		return nil, &CorruptError{s.name, f.off, fmt.Sprintf("the content of record %d has a wrong checksum", f.rec.Pos)}
	}
	return b, nil
}

// bytes is a part of the file, read ahead.
func (s *scanner) bytes(off int64, n int) ([]byte, error) {
	if off >= s.base && off+int64(n) <= s.base+int64(len(s.buf)) {
		return s.buf[off-s.base:][:n], nil
	}
	if off+int64(n) > s.limit {
		return nil, s.bad("the segment ends inside a record")
	}
	ahead := readAhead
	if s.heads {
		ahead = headAhead
	}
	room := int(min(int64(max(n, ahead)), s.limit-off))
	if cap(s.buf) < room {
		release(s.buf)
		s.buf = buffer(room)
	}
	s.buf, s.base = s.buf[:room], off
	got, err := readAt(s.f, s.buf, off)
	if err != nil {
		s.buf = s.buf[:0]
		return nil, fmt.Errorf("read %s: %w", s.name, err)
	}
	s.buf = s.buf[:got]
	if got < n {
		return nil, s.bad("the file is shorter than what was written")
	}
	return s.buf[:n], nil
}

// free gives the memory back.
func (s *scanner) free() {
	release(s.buf)
	s.buf = nil
}

func (s *scanner) bad(why string) error { return &CorruptError{s.name, s.off, why} }

// readAt reads up to len(b) bytes; fewer only at the end of the file.
func readAt(f vfs.File, b []byte, off int64) (n int, err error) {
	n, err = f.ReadAt(b, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
