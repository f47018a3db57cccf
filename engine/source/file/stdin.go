package file

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
)

// stdin is standard input. There is one, and what was read of it cannot be read
// again, so it belongs to the process and outlasts every Run: the goroutine that
// reads goes on, and chunks are kept until they are in the journal.
type stdin struct {
	cutter
	process string // tells this process's cursors from those of earlier ones
	pieces  chan piece
	over    bool

	mu    sync.Mutex
	taken bool    // by a Run
	kept  []*kept // handed over or about to be, not in the journal yet
	n     uint64  // chunks so far
}

// piece is what one call of Read gave.
type piece struct {
	b   []byte
	err error
}

// kept is a chunk that is not in the journal.
type kept struct {
	n      uint64
	data   []byte
	header []string
}

// stdinCursor is what the journal holds of standard input.
type stdinCursor struct {
	Version int    `json:"v"`
	Process string `json:"process"`
	Chunk   uint64 `json:"chunk"`
}

var (
	standard     *stdin // nil until it is read
	standardLock sync.Mutex
	// standardInput opens it; a variable for tests.
	standardInput = func() (io.Reader, error) { return decode.Open(decode.StandardInput) }
)

// takeStdin takes standard input for a Run.
func takeStdin(cfg decode.Config) (*stdin, error) {
	standardLock.Lock()
	defer standardLock.Unlock()
	if standard == nil {
		standard = &stdin{cutter: cutter{cfg: cfg}, process: rand.Text(), pieces: make(chan piece)}
		go standard.read()
	}
	t := standard
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken {
		return nil, errors.New("standard input is read by another source already")
	}
	if cfg.Format != t.cfg.Format || cfg.Delimiter != t.cfg.Delimiter {
		return nil, errors.New("standard input was begun in another format; start weir again to read it in this one")
	}
	t.taken = true
	return t, nil
}

func (t *stdin) giveBack() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = false
}

// runStdin reads standard input to its end.
func (s *source) runStdin(ctx context.Context, in engine.Intake) error {
	t, err := takeStdin(s.cfg)
	if err != nil {
		return err
	}
	defer t.giveBack()
	p, f, err := s.takeUp(ctx, in, decode.StandardInput)
	if err != nil {
		return err
	}
	if err := t.forget(p.Cursor()); err != nil {
		return err
	}
	put := func(list []*kept) error {
		for _, k := range list {
			cursor, err := json.Marshal(stdinCursor{placeVersion, t.process, k.n})
			if err != nil {
				return err
			}
			err = f.Put(ctx, engine.Chunk{Data: k.data, Header: k.header, First: -1, Cursor: cursor, Durable: func(err error) {
				if err == nil {
					t.landed(k.n)
				}
			}})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := put(t.waiting()); err != nil {
		return err
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
		if err := put(cut); err != nil {
			return err
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
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		data, n, err := t.next(last)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		t.rest = slices.Clone(t.rest[n:]) // what was given out must not change
		if data != nil {
			t.n++
			cut = append(cut, &kept{t.n, data, t.header})
		} else if n == 0 {
			break
		}
	}
	t.kept = append(t.kept, cut...)
	return cut, nil
}

// forget drops the chunks that are in the journal as its cursor tells.
func (t *stdin) forget(cursor []byte) error {
	if len(cursor) == 0 {
		return nil
	}
	var c stdinCursor
	if err := json.Unmarshal(cursor, &c); err != nil {
		return fmt.Errorf("the journal holds a cursor that is not one of standard input: %w", err)
	}
	if c.Process == t.process {
		t.landed(c.Chunk)
	}
	return nil
}

func (t *stdin) waiting() []*kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.kept)
}

// landed drops the chunks up to the n-th.
func (t *stdin) landed(n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = slices.DeleteFunc(t.kept, func(k *kept) bool { return k.n <= n })
}

// read reads for as long as the process lives.
func (t *stdin) read() {
	r, err := standardInput()
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
