package file

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
)

// stdin is standard input. What was read of it cannot be read again, so it
// outlives a Run: the goroutine that reads goes on, and chunks that were
// refused are handed over once more.
type stdin struct {
	cutter
	pieces chan piece

	mu   sync.Mutex
	kept []*kept // handed over or about to be, not in the journal yet
	over bool
}

// piece is what one call of Read gave.
type piece struct {
	b   []byte
	err error
}

// kept is a chunk that is not in the journal.
type kept struct {
	data   []byte
	header []string
}

// opened opens standard input; a variable for tests.
var opened = func() (io.Reader, error) { return decode.Open(decode.StandardInput) }

// runStdin reads standard input to its end.
func (s *source) runStdin(ctx context.Context, in engine.Intake) error {
	if s.stdin == nil {
		s.stdin = &stdin{cutter: cutter{cfg: s.cfg}, pieces: make(chan piece)}
		go s.stdin.read()
	}
	t := s.stdin
	p, f, err := s.takeUp(ctx, in, decode.StandardInput)
	if err != nil {
		return err
	}
	put := func(k *kept) error {
		return f.Put(ctx, engine.Chunk{Data: k.data, Header: k.header, First: -1, Cursor: []byte("-"), Durable: func(err error) {
			if err == nil {
				t.landed(k)
			}
		}})
	}
	for _, k := range t.waiting() {
		if err := put(k); err != nil {
			return err
		}
	}
	for !t.over {
		var got piece
		select {
		case got = <-t.pieces:
		case <-f.Failed():
			return f.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
		if got.err != nil && got.err != io.EOF {
			return got.err
		}
		t.over = got.err == io.EOF
		t.rest = append(t.rest, got.b...)
		cut, err := t.cut(t.over)
		if err != nil {
			return err
		}
		for _, k := range cut {
			if err := put(k); err != nil {
				return err
			}
		}
	}
	if err := f.Wait(ctx); err != nil {
		return err
	}
	p.End()
	return nil
}

// cut takes the complete records that have come.
func (t *stdin) cut(last bool) (cut []*kept, err error) {
	for {
		data, n, err := t.next(last)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		t.rest = slices.Clone(t.rest[n:]) // what was given out must not change
		if data != nil {
			cut = append(cut, &kept{data, t.header})
		} else if n == 0 {
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, cut...)
	return cut, nil
}

func (t *stdin) waiting() []*kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kept)
}

func (t *stdin) landed(k *kept) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = slices.DeleteFunc(t.kept, func(o *kept) bool { return o == k })
}

// read reads for as long as the process lives.
func (t *stdin) read() {
	r, err := opened()
	for err == nil {
		b := make([]byte, 64<<10)
		var n int
		n, err = r.Read(b)
		if n > 0 {
			t.pieces <- piece{b: b[:n]}
		}
	}
	for { // an error or the end stays what it is
		t.pieces <- piece{err: err}
	}
}
