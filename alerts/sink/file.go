package sink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine/source/option"
)

// File opens sinks of kind file: alerts are appended as lines to the file that
// option path names, which is made if it is not there.
//
// Each batch is on disk (fsync) before the lane's cursor passes it, and the
// file's length is kept with the cursor. What a crash left behind that length
// is cut off and written again, so every alert is in the file once. A file that
// was moved away or removed is begun anew with the next batch.
func File(s Spec) (Sender, error) {
	o := option.Sink(s.IR)
	o.Required("path")
	path, err := filepath.Abs(o.Path("path"))
	if err != nil {
		o.Bad("path", "%w", err)
	}
	return &file{path: path, logger: s.Logger}, o.Err()
}

// file is the sender of a file. What it has written stands up to end, what is
// durable of it up to length. torn says that behind end there may be something
// that must go before anything is written.
type file struct {
	path        string
	logger      *slog.Logger
	f           *os.File
	length, end int64
	torn        bool
	plain       bool // a regular file: one that has a length
	buf         []byte
}

func (f *file) Target() string { return f.path }

// The state kept with the cursor: a version, the file's length, its path.
const fileState = 1

func (f *file) state() []byte {
	s := binary.BigEndian.AppendUint64([]byte{fileState}, uint64(f.length))
	return append(s, f.path...)
}

// Resume opens the file and cuts off what a crash left behind its length.
func (f *file) Resume(c alerts.Cursor) error {
	if err := f.open(); err != nil {
		return err
	}
	s := c.State
	if !f.plain || len(s) < 9 || s[0] != fileState || string(s[9:]) != f.path {
		return f.begin()
	}
	kept := int64(binary.BigEndian.Uint64(s[1:]))
	switch {
	case f.length < kept:
		f.logger.Warn("a file of alerts is shorter than it was; it goes on at its end", "path", f.path, "length", f.length, "was", kept)
		return f.begin()
	case f.length == kept:
		return nil
	}
	if err := f.ours(kept, c.Seq); err != nil {
		return err
	}
	f.end, f.torn = kept, true
	return f.mend()
}

// mend cuts off what is behind the end.
func (f *file) mend() error {
	if !f.torn || !f.plain {
		return nil
	}
	if err := f.f.Truncate(f.end); err != nil {
		return fmt.Errorf("cut off what was half written: %w", err)
	}
	f.torn = false
	return nil
}

// begin makes sure that what is appended begins a line.
func (f *file) begin() error {
	if !f.plain || f.end == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := f.f.ReadAt(last, f.end-1); err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	if last[0] == '\n' {
		return nil
	}
	return f.write([]byte{'\n'})
}

// open opens the file, made if need be.
func (f *file) open() error {
	f.close()
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, os.ErrPermission) { // one that can only be written, such as a pipe
		file, err = os.OpenFile(f.path, os.O_WRONLY, 0)
	}
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	f.f, f.plain, f.torn = file, info.Mode().IsRegular(), false
	f.length, f.end = info.Size(), info.Size()
	return nil
}

// ours fails unless what is behind an offset are alerts that this sink had
// written when it crashed: ones with numbers behind seq, the last one perhaps
// in part. Nothing else is ever cut off.
func (f *file) ours(from int64, seq uint64) error {
	const look = 256
	tail := make([]byte, min(look, f.length-from))
	if _, err := f.f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	n, whole := numberOf(tail)
	if n > seq || !whole && n == 0 && isStart(tail) {
		return nil
	}
	return fmt.Errorf("%s holds %d bytes behind offset %d that this sink did not write: move the file away, or give the sink another path",
		f.path, f.length-from, from)
}

const lineStart = `{"alert_id":"`

// isStart says whether the text could be the torn beginning of an alert.
func isStart(b []byte) bool {
	n := min(len(b), len(lineStart))
	return string(b[:n]) == lineStart[:n] && !bytes.ContainsRune(b, '\n')
}

// numberOf reads the number of the alert that a text begins with; whole says
// that the text goes on behind it.
func numberOf(b []byte) (n uint64, whole bool) {
	const mark = `","seq":`
	at := len(lineStart) + 32
	if len(b) <= at+len(mark) || string(b[:len(lineStart)]) != lineStart || string(b[at:at+len(mark)]) != mark {
		return 0, false
	}
	for _, c := range b[at+len(mark):] {
		if c < '0' || c > '9' {
			return n, true
		}
		n = n*10 + uint64(c-'0')
	}
	return 0, false
}

// Send appends the items.
func (f *file) Send(ctx context.Context, items []Item) error {
	if err := f.follow(); err != nil {
		return err
	}
	f.buf = appendLines(f.buf[:0], items)
	return f.write(f.buf)
}

// follow begins the file anew if it is not there any more under its name.
func (f *file) follow() error {
	if f.f != nil {
		if err := f.mend(); err != nil {
			return err
		}
		open, err := f.f.Stat()
		if err != nil {
			return err
		}
		there, err := os.Stat(f.path)
		if err == nil && os.SameFile(open, there) {
			if !f.plain || open.Size() == f.end {
				return nil
			}
			return f.reopen() // cut, or written to, by somebody else
		}
		f.logger.Info("a file of alerts was moved away; it is begun anew", "path", f.path)
	}
	return f.reopen()
}

func (f *file) reopen() error {
	if err := f.open(); err != nil {
		return err
	}
	return f.begin()
}

// write appends bytes.
func (f *file) write(b []byte) error {
	var err error
	if f.plain {
		_, err = f.f.WriteAt(b, f.end)
	} else {
		_, err = f.f.Write(b)
	}
	if err != nil {
		f.torn = true
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	f.end += int64(len(b))
	return nil
}

// Settle makes what was written durable, or takes it back.
func (f *file) Settle() ([]byte, error) {
	if f.plain {
		if err := f.f.Sync(); err != nil {
			f.end, f.torn = f.length, true
			return nil, fmt.Errorf("sync %s: %w", f.path, err)
		}
	}
	f.length = f.end
	return f.state(), nil
}

func (f *file) close() {
	if f.f != nil {
		f.f.Close()
		f.f = nil
	}
}

func (f *file) Close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}
