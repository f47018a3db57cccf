package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// sourceSet runs the sources of the deployed rules, each in a goroutine of its
// own. One that fails is begun again after a while, behind what is in the
// journal.
type sourceSet struct {
	r    *Runtime
	mu   sync.Mutex
	ctx  context.Context // nil: they do not run
	all  map[string]*running
	past map[string]uint64 // errors of sources so far, by name
}

// running is a source at work.
type running struct {
	feed  *feed
	stop  context.CancelFunc
	done  chan struct{}
	mu    sync.Mutex
	err   error     // the last, nil while it works
	since time.Time // when it failed
	fails uint64
	ended bool // it has nothing more
}

func newSourceSet(r *Runtime) *sourceSet {
	return &sourceSet{r: r, all: map[string]*running{}, past: map[string]uint64{}}
}

// start runs the sources of the node's rules until ctx ends.
func (s *sourceSet) start(ctx context.Context, n *node) {
	s.mu.Lock()
	s.ctx = ctx
	s.mu.Unlock()
	s.change(n)
}

// change stops and begins sources as a deployment asks.
func (s *sourceSet) change(n *node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := n.wire.Load()
	if s.ctx == nil || w == nil {
		return
	}
	for name, run := range s.all {
		if f := w.feed(name); f == nil || f.print != run.feed.print || f.kind != run.feed.kind {
			run.stop()
			<-run.done
			s.past[name] += run.fails
			delete(s.all, name)
		}
	}
	for _, f := range w.feeds {
		if run := s.all[f.name]; run != nil {
			run.feed = f
			continue
		}
		ctx, stop := context.WithCancel(s.ctx)
		run := &running{feed: f, stop: stop, done: make(chan struct{})}
		s.all[f.name] = run
		go s.run(ctx, n, run, f, w)
	}
}

// run reads one source, again and again where it fails.
func (s *sourceSet) run(ctx context.Context, n *node, run *running, f *feed, w *wiring) {
	defer close(run.done)
	if f.kind == "http" {
		if f.ir != nil { // one that the rules name is waited for from the start
			if _, err := n.partition(f, "", 0); err != nil {
				run.failed(err)
			}
		}
		return
	}
	wait := time.Second
	var src Source // what it knows of this process outlasts its errors
	for {
		begun := time.Now()
		var err error
		if src == nil {
			src, err = s.open(f, w)
		}
		if err == nil {
			err = runSource(ctx, &intake{n: n, feed: f, alive: run.recovered}, src)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			run.finished()
			return
		}
		run.failed(err)
		s.r.cfg.Logger.Warn("a source failed; it will be read again", "source", f.name, "error", err)
		if time.Since(begun) > time.Minute || errors.Is(err, ErrStalled) { // a full disk is not the source's fault
			wait = time.Second
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return
		}
		wait = min(2*wait, time.Minute)
	}
}

func (s *sourceSet) open(f *feed, w *wiring) (Source, error) {
	open := s.r.cfg.Open[f.kind]
	if open == nil {
		return nil, fmt.Errorf("this program has no sources of kind %q", f.kind)
	}
	return open(SourceConfig{Name: f.name, IR: f.ir, Zone: w.prog.Zone, Logger: s.r.cfg.Logger.With("source", f.name)})
}

func runSource(ctx context.Context, in *intake, src Source) error {
	err := src.Run(ctx, in)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		err = errors.New("the source stopped by itself")
	}
	return err
}

// wait waits until the sources have stopped, which their context's end tells
// them to.
func (s *sourceSet) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, run := range s.all {
		run.stop()
		<-run.done
		s.past[name] += run.fails
		delete(s.all, name)
	}
	s.ctx = nil
}

func (r *running) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.since = time.Now()
	}
	r.err, r.fails = err, r.fails+1
}

func (r *running) finished() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err, r.ended = nil, true
}

// recovered notes that the source brings something again.
func (r *running) recovered() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = nil
}
