package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
)

// Kind is what rule files call these sinks.
const Kind = "webhook"

// Config says what endpoints work with.
type Config struct {
	Log    *alerts.Log
	Logger *slog.Logger     // nil: nothing is logged
	Base   string           // URL under which people reach the server, without a slash at its end; "": messages have no links
	Now    func() time.Time // nil: time.Now

	transport http.RoundTripper // of tests; nil: the guard's
}

// Endpoints are the endpoints of all webhook sinks of the rules that run. Set
// follows the rule files; Close ends them.
type Endpoints struct {
	cfg    Config
	mu     sync.Mutex
	list   map[string]*endpoint
	closed bool
}

// New makes endpoints that read a log. Nothing runs before Set.
func New(cfg Config) *Endpoints {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Endpoints{cfg: cfg, list: map[string]*endpoint{}}
}

// Check says what is wrong with the webhooks of a program that is not yet to
// run. Sinks of other kinds are not looked at.
func (s *Endpoints) Check(specs []sink.Spec) error {
	var errs []error
	for i := range specs {
		if specs[i].IR.Kind == Kind {
			_, err := settingsOf(&specs[i])
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Set makes the endpoints those of the given sinks: those that are as before go
// on, others end, begin, or change and go on with what they have to deliver. If
// one of the sinks is wrong, nothing changes.
func (s *Endpoints) Set(specs []sink.Spec) error {
	if err := s.Check(specs); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return alerts.ErrClosed
	}
	for name, e := range s.list {
		i := slices.IndexFunc(specs, func(o sink.Spec) bool { return o.IR.Name == name && o.IR.Kind == Kind })
		if i >= 0 && e.spec.Equal(&specs[i]) {
			continue
		}
		e.stop()
		delete(s.list, name)
		s.cfg.Log.Release(name)
	}
	for i := range specs {
		if specs[i].IR.Kind == Kind && s.list[specs[i].IR.Name] == nil {
			if err := s.start(specs[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// start lets an endpoint run.
func (s *Endpoints) start(spec sink.Spec) error {
	set, err := settingsOf(&spec)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &endpoint{
		set: set, spec: spec, log: s.cfg.Log, client: set.guard.Client(MaxWidth, callTime), now: s.cfg.Now, base: s.cfg.Base,
		logger: s.cfg.Logger.With("sink", set.name, "kind", Kind), cancel: cancel, ended: make(chan struct{}),
		calls: make(chan func()), results: make(chan result, 2*MaxWidth), queue: newQueue(), probes: newQueue(),
		trying: map[*alerts.Delivery]*group{}, tested: map[uint64]chan alerts.Delivery{}, width: MaxWidth,
	}
	if s.cfg.transport != nil {
		e.client.Transport = s.cfg.transport
	}
	e.others = func(d *alerts.Delivery) { go s.tell(set.name, d) }
	if !set.secret.Given() {
		e.logger.Warn("messages are not signed, so their receiver can't tell where they come from: give the sink a secret_file")
	}
	if err := s.cfg.Log.Hold(set.name); err != nil {
		cancel()
		return err
	}
	if err := e.open(); err != nil {
		cancel()
		return err
	}
	s.list[set.name] = e
	go e.run(ctx)
	return nil
}

// stop ends an endpoint and waits for it.
func (e *endpoint) stop() {
	e.cancel()
	<-e.ended
}

// tell lets every endpoint but one that is on deliver a notice.
func (s *Endpoints) tell(but string, d *alerts.Delivery) {
	for _, e := range s.all() {
		if e.set.name == but {
			continue
		}
		mine := *d
		_ = e.do(context.Background(), func() error {
			if e.saved.Disabled != nil {
				return nil
			}
			return e.save([]alerts.Delivery{mine})
		})
	}
}

// all are the endpoints, by name.
func (s *Endpoints) all() []*endpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*endpoint, 0, len(s.list))
	for _, e := range s.list {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b *endpoint) int { return strings.Compare(a.set.name, b.set.name) })
	return list
}

// ErrNoEndpoint says that no rule that runs has such a webhook.
var ErrNoEndpoint = errors.New("no such webhook")

func (s *Endpoints) find(name string) (*endpoint, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.list[name]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("sink %q: %w", name, ErrNoEndpoint)
}

// do lets the endpoint's goroutine do something, and waits for it.
func (e *endpoint) do(ctx context.Context, f func() error) (err error) {
	done := make(chan error, 1)
	select {
	case e.calls <- func() { done <- f() }:
		return <-done
	case <-e.ended:
		return alerts.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stats returns the endpoints' stats by name.
func (s *Endpoints) Stats() []Stats {
	list := []Stats{}
	for _, e := range s.all() {
		list = append(list, e.snapshot())
	}
	return list
}

// Close lets the endpoints deliver what is due until ctx ends, and ends them.
// What is not delivered then is after the next start.
func (s *Endpoints) Close(ctx context.Context) {
	list := s.all()
	s.mu.Lock()
	was := s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return
	}
	var wg sync.WaitGroup
	for _, e := range list {
		wg.Go(func() {
			e.drain(ctx)
			e.stop()
		})
	}
	wg.Wait()
}

const drainLook = 20 * time.Millisecond

// drain waits until nothing is due any more.
func (e *endpoint) drain(ctx context.Context) {
	for {
		idle := false
		err := e.do(ctx, func() error {
			at, waits := e.queue.next()
			due := waits && at <= e.now().UnixNano() && !e.now().Before(e.paused)
			idle = e.saved.Disabled != nil || e.cursor.Seq >= e.log.Head() && len(e.trying) == 0 && !due
			return nil
		})
		if err != nil || idle {
			return
		}
		select {
		case <-time.After(drainLook):
		case <-ctx.Done():
			return
		}
	}
}
