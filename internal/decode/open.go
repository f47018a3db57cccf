package decode

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is how an input is packed, told by its first bytes.
type Compression uint8

// The compressions.
const (
	Plain Compression = iota
	Gzip
	Zstd
)

func (c Compression) String() string { return [...]string{"plain", "gzip", "zstd"}[c] }

// StandardInput is the path that stands for standard input.
const StandardInput = "-"

// maxWindow bounds the memory of a zstd stream: its writer chooses the window.
const maxWindow = 256 << 20

// Input is an opened event file. Reading it gives the decompressed bytes.
type Input struct {
	Path        string
	Compression Compression
	r           io.Reader
	file        *os.File
	size        int64
	read        atomic.Int64
	close       func()
	seekable    bool
}

// Open opens a file, or standard input for "-".
func Open(path string) (*Input, error) {
	file := os.Stdin
	if path != StandardInput {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		file = f
	}
	in := &Input{Path: path, file: file, size: -1, close: func() {}}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("read %s: it is a directory", path)
	}
	if err == nil {
		if info.Mode().IsRegular() {
			in.size = info.Size()
			in.seekable = path != StandardInput
		}
		err = in.unpack()
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// unpack looks at the first bytes and sets the reader.
func (in *Input) unpack() error {
	raw := bufio.NewReaderSize(counter{in}, 64<<10)
	head, err := raw.Peek(4)
	if err != nil && err != io.EOF {
		return fmt.Errorf("read %s: %w", in.Path, err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(raw)
		if err != nil {
			return fmt.Errorf("read %s: %w", in.Path, err)
		}
		in.Compression, in.r = Gzip, z
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(raw, zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("read %s: %w", in.Path, err)
		}
		in.Compression, in.r, in.close = Zstd, z, z.Close
	default:
		in.r = raw
	}
	return nil
}

// counter counts the bytes that are read from the file.
type counter struct{ in *Input }

func (c counter) Read(p []byte) (int, error) {
	n, err := c.in.file.Read(p)
	c.in.read.Add(int64(n))
	return n, err
}

// Read gives the decompressed bytes.
func (in *Input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read %s: %w", in.Path, err)
	}
	return n, err
}

// Skip passes over the next n bytes that Read would give, in a plain file
// without reading them.
func (in *Input) Skip(n int64) error {
	raw, ok := in.r.(*bufio.Reader)
	if !ok || !in.seekable {
		_, err := io.CopyN(io.Discard, in, n)
		return early(err)
	}
	here := min(n, int64(raw.Buffered()))
	if _, err := raw.Discard(int(here)); err != nil {
		return fmt.Errorf("read %s: %w", in.Path, err)
	}
	if n -= here; n == 0 {
		return nil
	}
	if _, err := in.file.Seek(n, io.SeekCurrent); err != nil {
		return fmt.Errorf("read %s: %w", in.Path, err)
	}
	raw.Reset(counter{in})
	in.read.Add(n)
	return nil
}

// Packed returns the file as it is packed if it can be read again at any
// place, else nil.
func (in *Input) Packed() *os.File {
	if !in.seekable {
		return nil
	}
	return in.file
}

// Progress returns how many bytes of the file have been read, as it is packed,
// and how many it has, -1 if that is not known. Any goroutine may call it.
func (in *Input) Progress() (read, size int64) { return in.read.Load(), in.size }

// File returns the file itself if its bytes are the input's and can be read
// again at any place, else nil.
func (in *Input) File() io.ReaderAt {
	if !in.seekable || in.Compression != Plain {
		return nil
	}
	return in.file
}

// Close closes the file; standard input stays open.
func (in *Input) Close() error {
	in.close()
	if in.file == os.Stdin {
		return nil
	}
	return in.file.Close()
}
