package sink

import (
	"context"
	"io"
	"os"
)

// Stdout opens sinks of kind stdout: a line for each alert. After a crash the
// last ones may come again.
func Stdout(s Spec) (Sender, error) {
	w := s.Stdout
	if w == nil {
		w = os.Stdout
	}
	return &lines{w: w}, nil
}

type lines struct {
	w   io.Writer
	buf []byte
}

func (l *lines) Send(ctx context.Context, items []Item) error {
	l.buf = appendLines(l.buf[:0], items)
	_, err := l.w.Write(l.buf)
	return err
}

func (l *lines) Close() error { return nil }

func (l *lines) Target() string { return "standard output" }

func appendLines(dst []byte, items []Item) []byte {
	for i := range items {
		dst = append(append(dst, items[i].Text...), '\n')
	}
	return dst
}
