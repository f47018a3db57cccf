package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/weir-cep/weir/internal/decode"
)

// input is one file that is being read.
type input struct {
	cutter
	path    string
	file    *os.File      // plain
	packed  *decode.Input // packed, nil for plain
	info    os.FileInfo   // when it was opened
	size    int64         // when it was last looked at
	offset  int64         // of rest in the text
	records uint64
	head    []byte // the first bytes of what was given out
	tail    []byte // and the last
	over    bool   // packed: the end has been seen
}

// errShort says that a file has less text than its place has bytes.
var errShort = errors.New("shorter than what was read of it")

// openInput opens a file at its beginning.
func openInput(path string, cfg decode.Config) (*input, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	in := &input{cutter: cutter{cfg: cfg}, path: path, file: f}
	if in.info, err = f.Stat(); err == nil && in.info.IsDir() {
		err = fmt.Errorf("read %s: it is a folder; to read the files in it, write path: \"%s/*\"", path, path)
	}
	if err == nil && isPacked(f) {
		in.packed, err = decode.Open(path)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	in.size = in.info.Size()
	return in, nil
}

func (in *input) close() {
	if in.packed != nil {
		in.packed.Close()
	}
	in.file.Close()
}

// isPacked looks at the first bytes.
func isPacked(f *os.File) bool {
	b := make([]byte, 4)
	n, _ := f.ReadAt(b, 0)
	return bytes.HasPrefix(b[:n], []byte{0x1f, 0x8b}) || bytes.Equal(b[:n], []byte{0x28, 0xb5, 0x2f, 0xfd})
}

// at is the place behind the last byte that was read.
func (in *input) at() int64 { return in.offset + int64(len(in.rest)) }

// read reads on, about a chunk; 0 says that there is no more at present.
func (in *input) read() (int, error) {
	want := decode.ChunkSize
	if in.packed == nil {
		info, err := in.file.Stat()
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", in.path, err)
		}
		in.size = info.Size()
		want = int(min(int64(want), in.size-in.at()))
	}
	if want <= 0 || in.over {
		return 0, nil
	}
	// What was given out must not change, so the rest moves to new memory.
	buf := make([]byte, len(in.rest), len(in.rest)+want)
	copy(buf, in.rest)
	var n int
	var err error
	if in.packed == nil {
		n, err = in.file.ReadAt(buf[len(buf):cap(buf)], in.at())
	} else {
		n, err = io.ReadFull(in.packed, buf[len(buf):cap(buf)])
		in.over = err == io.EOF || err == io.ErrUnexpectedEOF // of ReadFull; one of the packing is wrapped
	}
	in.rest = buf[:len(buf)+n]
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return n, nil
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return n, fmt.Errorf("%w: it is cut off, or still being written; it is read on when it is whole", err)
	}
	return n, fmt.Errorf("read %s: %w", in.path, err)
}

// first reads the first bytes of a file that was just opened.
func (in *input) first() ([]byte, error) {
	if in.packed == nil {
		b := make([]byte, printed)
		n, err := in.file.ReadAt(b, 0)
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read %s: %w", in.path, err)
		}
		return b[:n], nil
	}
	_, err := in.read()
	return in.rest[:min(printed, len(in.rest))], err
}

// take returns the complete records that have been read, nil if there are none
// yet, and steps over them.
func (in *input) take(last bool) ([]byte, error) {
	for {
		data, n, err := in.next(last)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", in.path, err)
		}
		in.step(n)
		if data != nil || n == 0 {
			in.records += uint64(bytes.Count(data, newline))
			return data, nil
		}
	}
}

var newline = []byte("\n")

// step steps over bytes of rest.
func (in *input) step(n int) {
	b := in.rest[:n]
	if k := printed - len(in.head); k > 0 {
		in.head = append(in.head, b[:min(k, n)]...)
	}
	in.tail = window(in.tail, b)
	in.rest = in.rest[n:]
	in.offset += int64(n)
}

// skipTo reads up to a place that a cursor names.
func (in *input) skipTo(offset int64) error {
	if in.packed != nil {
		return in.unpackTo(offset)
	}
	if in.size < offset {
		return errShort
	}
	in.head = make([]byte, min(printed, offset))
	in.tail = make([]byte, min(printed, offset))
	for _, b := range []struct {
		to []byte
		at int64
	}{{in.head, 0}, {in.tail, offset - int64(len(in.tail))}} {
		if _, err := in.file.ReadAt(b.to, b.at); err == io.EOF {
			return errShort
		} else if err != nil {
			return fmt.Errorf("read %s: %w", in.path, err)
		}
	}
	in.offset = offset
	return nil
}

// unpackTo unpacks up to a place and forgets what it reads.
func (in *input) unpackTo(offset int64) error {
	for in.at() < offset {
		if n, err := in.read(); err != nil {
			return err
		} else if n == 0 {
			return errShort
		}
		in.step(int(min(int64(len(in.rest)), offset-in.offset)))
	}
	return nil
}

// resume sets the state of the cutter as it was at a place.
func (in *input) resume(p *place) error {
	in.started, in.dropping, in.records = true, p.Dropping, p.Records
	if in.cfg.Format != decode.CSV {
		return nil
	}
	again, err := openInput(in.path, in.cfg)
	if err != nil {
		return err
	}
	defer again.close()
	for {
		if _, ok, err := again.start(again.over); err != nil {
			return fmt.Errorf("read %s: %w", in.path, err)
		} else if ok {
			in.header = again.header
			return nil
		}
		if n, err := again.read(); err != nil {
			return err
		} else if n == 0 && again.over {
			return fmt.Errorf("read %s: %w", in.path, decode.ErrNoHeader)
		} else if n == 0 {
			again.over = true
		}
	}
}

// place is where the input stands.
func (in *input) place(over []mark) *place {
	p := &place{Version: placeVersion, Path: in.path, Offset: in.offset, Records: in.records,
		Head: sumOf(in.head), Tail: sumOf(in.tail), Dropping: in.dropping, Over: over}
	p.Device, p.Inode = identity(in.info)
	return p
}

// left estimates how many records are not read yet, by the mean length of
// those that were; -1 if nothing is known.
func (in *input) left() int64 {
	if in.records == 0 {
		return -1
	}
	if in.packed != nil {
		read, size := in.packed.Progress()
		if read == 0 || size < 0 {
			return -1
		}
		return int64(float64(in.records) * float64(size-read) / float64(read))
	}
	return int64(float64(max(0, in.size-in.offset)) * float64(in.records) / float64(in.offset))
}
