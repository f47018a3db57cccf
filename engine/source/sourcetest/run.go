package sourcetest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

// IR compiles a rule file with one source and returns the source. Options are
// checked as those of a user are. path names the rule file; it need not exist.
func IR(t testing.TB, path, source string) *dsl.SourceIR {
	t.Helper()
	prog, ds := dsl.Check(nil, parse(t, path, source))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return prog.Sources[0]
}

const rules = `event E { time at  at: timestamp  k: string }
rule any { by k  on E  when k != ""  alert { severity low } }
`

func parse(t testing.TB, path, source string) *dsl.File {
	t.Helper()
	f, ds := dsl.Parse(path, []byte(rules+"source s of E from "+source+"\n"))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return f
}

// Open opens the source that a rule file declares.
func Open(t testing.TB, open engine.Opener, path, source string) engine.Source {
	t.Helper()
	ir := IR(t, path, source)
	s, err := open(engine.SourceConfig{Name: ir.Name, IR: ir, Zone: time.UTC, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Running is a source that runs, again and again as the runtime does it.
type Running struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu   sync.Mutex
	errs []error
}

// Start runs a source until Stop, or until it returns without an error. Errors
// are kept and it is run again.
func Start(t testing.TB, s engine.Source, in *Intake) *Running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for {
			err := s.Run(ctx, in)
			if err == nil || ctx.Err() != nil {
				return
			}
			r.mu.Lock()
			r.errs = append(r.errs, err)
			r.mu.Unlock()
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { r.Stop(t) })
	return r
}

// Stop ends the source and waits for it.
func (r *Running) Stop(t testing.TB) {
	t.Helper()
	r.cancel()
	select {
	case <-r.done:
	case <-time.After(Patience):
		t.Error("the source did not end")
	}
}

// Err joins what Run has returned so far.
func (r *Running) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

// Done is closed when the source has ended by itself or by Stop.
func (r *Running) Done() <-chan struct{} { return r.done }
