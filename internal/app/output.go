package app

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zeebo/xxh3"
)

// output is a file that a run writes, or standard output.
type output struct {
	flag  string // that names it
	path  string // "": standard output
	file  *os.File
	w     *bufio.Writer
	bytes int64 // written, what is buffered included
	fresh bool  // it is not durable yet that the file is there
	err   error // the first: it stays and is returned by close, so that nothing is lost in silence
}

// newOutput is an output that is made when open is called, or the first line is
// written. stdout, if not nil, takes the place of a file without a name.
func newOutput(flag, path string, stdout io.Writer) *output {
	o := &output{flag: flag, path: path}
	if stdout != nil && path == "" {
		o.w = bufio.NewWriterSize(stdout, 1<<16)
	}
	return o
}

// open makes the file, empty.
func (o *output) open() error {
	if o.w == nil && o.err == nil {
		f, err := os.Create(o.path)
		if err != nil {
			o.err = fmt.Errorf("%s: %w", o.flag, err)
			return o.err
		}
		o.file, o.w, o.fresh = f, bufio.NewWriterSize(f, 1<<16), true
	}
	return o.err
}

// write writes a line, its end included.
func (o *output) write(line []byte) error {
	if o.w == nil && o.open() != nil {
		return o.err
	}
	n, err := o.w.Write(line)
	o.bytes += int64(n)
	return o.failed(err)
}

// flush hands what is buffered to the system.
func (o *output) flush() error {
	if o.w == nil {
		return o.err
	}
	return o.failed(o.w.Flush())
}

func (o *output) failed(err error) error {
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("write %s: %w", o.name(), err)
	}
	return o.err
}

// name names it in messages.
func (o *output) name() string {
	if o.path == "" {
		return "standard output"
	}
	return o.path
}

func (o *output) close() error {
	err := o.flush()
	if o.file == nil {
		return err
	}
	if cerr := o.file.Close(); err == nil {
		err = cerr
	}
	return err
}

// outputMark is how much of an output was written at a checkpoint.
type outputMark struct {
	Made  bool   `json:"made"` // it is a file, which can be cut off there
	Bytes int64  `json:"bytes"`
	Tail  string `json:"tail"` // hash of the last bytes before
}

// tailBytes is how much of a file is looked at to know it again.
const tailBytes = 4096

// mark hands what was written to the system and says how much it is.
func (o *output) mark() (m outputMark, err error) {
	if err := o.flush(); err != nil || o.file == nil || !isRegular(o.file) {
		return m, err
	}
	m = outputMark{Made: true, Bytes: o.bytes}
	m.Tail, err = tailOf(o.file, m.Bytes)
	return m, o.failed(err)
}

// sync makes what was marked durable.
func (o *output) sync(m outputMark, fresh bool) error {
	if !m.Made {
		return nil
	}
	if err := o.file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", o.name(), err)
	}
	if !fresh {
		return nil
	}
	return syncFolder(filepath.Dir(o.path))
}

// reopen opens the file that was marked, and finds out that it is the same. It
// is not changed before cut is called.
func (o *output) reopen(m outputMark) error {
	if !m.Made {
		return nil
	}
	f, err := os.OpenFile(o.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%s has to hold what the job has written so far: %w", o.flag, err)
	}
	o.file, o.w, o.bytes = f, bufio.NewWriterSize(f, 1<<16), m.Bytes
	tail, err := tailOf(f, m.Bytes)
	if err == nil && tail != m.Tail {
		err = fmt.Errorf("%s does not begin with the %d bytes that the job has written to it", o.path, m.Bytes)
	}
	return err
}

// changed says that the file that was marked is not as it was.
func (o *output) changed(m outputMark) bool {
	if !m.Made {
		return false
	}
	f, err := os.Open(o.path)
	if err != nil {
		return true
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() != m.Bytes {
		return true
	}
	tail, err := tailOf(f, m.Bytes)
	return err != nil || tail != m.Tail
}

// cut leaves of a reopened file what was marked.
func (o *output) cut() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Truncate(o.bytes); err != nil {
		return fmt.Errorf("%s: %w", o.flag, err)
	}
	if _, err := o.file.Seek(o.bytes, io.SeekStart); err != nil {
		return fmt.Errorf("%s: %w", o.flag, err)
	}
	return nil
}

func isRegular(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// tailOf hashes the last bytes before an offset; "" if the file ends before it.
func tailOf(f *os.File, end int64) (string, error) {
	n := min(end, tailBytes)
	tail := make([]byte, n)
	k, err := f.ReadAt(tail, end-n)
	if int64(k) < n {
		if err == io.EOF {
			err = nil
		}
		return "", err
	}
	return fmt.Sprintf("%016x", xxh3.Hash(tail)), nil
}
