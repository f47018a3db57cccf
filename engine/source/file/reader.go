package file

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Limits of reading.
const (
	DefaultChunk = 1 << 18 // bytes of a chunk if a record fits
	MaxRecord    = 1 << 24 // bytes of one record; a longer one ends the reading with ErrRecord
)

// ErrRecord tells that a record is longer than MaxRecord.
var ErrRecord = errors.New("record longer than 16 MiB")

// Framing says where a record ends.
type Framing uint8

const (
	Lines Framing = iota // at a line's end
	CSV                  // at a line's end outside quotes (RFC 4180)
)

// Reader reads one file from its beginning to its end.
type Reader struct {
	name    string
	src     io.Reader
	close   []func() error
	read    atomic.Int64 // bytes of the file, packed ones if it is packed
	size    int64
	framing Framing
	chunk   int
	carry   []byte // the beginning of a record that the last chunk did not hold whole
	err     error
}

// Open opens a file; "-" is standard input. gzip and zstd are recognised by
// their first bytes. chunk is the usual size of a chunk in bytes, 0 for
// DefaultChunk.
func Open(path string, framing Framing, chunk int) (*Reader, error) {
	if path == "-" {
		return New("standard input", os.Stdin, framing, chunk)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open events: %w", err)
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = fmt.Errorf("%s is a folder", path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open events: %w", err)
	}
	r, err := New(path, f, framing, chunk)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.close = append(r.close, f.Close)
	r.size = st.Size()
	return r, nil
}

// New reads from src; name stands in errors.
func New(name string, src io.Reader, framing Framing, chunk int) (*Reader, error) {
	if chunk <= 0 {
		chunk = DefaultChunk
	}
	r := &Reader{name: name, framing: framing, chunk: chunk}
	buf := bufio.NewReaderSize(&counter{src, &r.read}, 1<<16)
	magic, err := buf.Peek(4)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, err)
		}
		r.src = z
		r.close = append(r.close, z.Close)
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, err)
		}
		r.src = z
		r.close = append(r.close, func() error { z.Close(); return nil })
	default:
		r.src = buf
	}
	return r, nil
}

// Next returns the next chunk: whole records, the last of which may lack its
// line's end only at the end of the file. It reuses buf's memory if it is large
// enough. The error is io.EOF behind the last chunk.
func (r *Reader) Next(buf []byte) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	buf = append(buf[:0], r.carry...)
	quoted, scanned, cut := false, 0, 0
	for {
		want := r.chunk
		if len(buf) > r.chunk/2 {
			want = len(buf) + r.chunk
		}
		if cap(buf) < want {
			grown := make([]byte, len(buf), max(want, 2*len(buf)))
			copy(grown, buf)
			buf = grown
		}
		n, err := fill(r.src, buf[len(buf):want])
		buf = buf[:len(buf)+n]
		end := 0
		end, quoted = r.records(buf[scanned:], quoted)
		if end > 0 {
			cut = scanned + end
		}
		scanned = len(buf)
		switch {
		case err == io.EOF:
			r.err = io.EOF
			r.carry = nil
			if len(buf) == 0 {
				return nil, io.EOF
			}
			return buf, nil
		case err != nil:
			r.err = fmt.Errorf("read %s: %w", r.name, err)
			return nil, r.err
		case cut > 0:
			r.carry = append(r.carry[:0], buf[cut:]...)
			return buf[:cut], nil
		case len(buf) > MaxRecord:
			r.err = fmt.Errorf("read %s: %w", r.name, ErrRecord)
			return nil, r.err
		}
	}
}

// fill reads until p is full. Unlike io.ReadFull it returns io.EOF also behind
// some bytes, so that io.ErrUnexpectedEOF can only be a damaged file's.
func fill(src io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var k int
		k, err = src.Read(p[n:])
		n += k
	}
	return n, err
}

// records returns where the last whole record of data ends, 0 if none does.
// quoted says whether data begins, and ends, inside quotes.
func (r *Reader) records(data []byte, quoted bool) (end int, still bool) {
	if r.framing == Lines {
		return bytes.LastIndexByte(data, '\n') + 1, false
	}
	for i := 0; i < len(data); {
		if quoted {
			j := bytes.IndexByte(data[i:], '"')
			if j < 0 {
				return end, true
			}
			quoted = false // a doubled quote opens again at once
			i += j + 1
			continue
		}
		j := bytes.IndexByte(data[i:], '"')
		plain := data[i:]
		if j >= 0 {
			plain = data[i : i+j]
		}
		if k := bytes.LastIndexByte(plain, '\n'); k >= 0 {
			end = i + k + 1
		}
		if j < 0 {
			break
		}
		quoted = true
		i += j + 1
	}
	return end, quoted
}

// Progress returns how many bytes of the file have been read and how many it
// has; size 0 means unknown. It may be called while another goroutine reads.
func (r *Reader) Progress() (read, size int64) { return r.read.Load(), r.size }

// Close closes the file.
func (r *Reader) Close() error {
	var errs []error
	for _, c := range r.close {
		errs = append(errs, c())
	}
	r.close = nil
	return errors.Join(errs...)
}

type counter struct {
	src io.Reader
	n   *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n.Add(int64(n))
	return n, err
}
