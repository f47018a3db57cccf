package sink

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// Lanes are the lanes of all sinks of the rules that run. Set follows the rule
// files; Close ends them.
type Lanes struct {
	log    *alerts.Log
	kinds  Kinds
	logger *slog.Logger
	wait   func(context.Context, time.Duration) error

	mu     sync.Mutex
	lanes  map[string]*lane
	closed bool
}

// NewLanes makes lanes that read a log. Nothing runs before Set.
func NewLanes(log *alerts.Log, kinds Kinds, logger *slog.Logger) *Lanes {
	return &Lanes{log: log, kinds: kinds, logger: logger, wait: pause, lanes: map[string]*lane{}}
}

// Check says what is wrong with the sinks of a program that is not yet to run.
func (s *Lanes) Check(specs []Spec) error {
	senders, err := s.open(specs)
	for _, sender := range senders {
		sender.Close()
	}
	return err
}

// open makes the senders of sinks, by name.
func (s *Lanes) open(specs []Spec) (map[string]Sender, error) {
	senders, targets := map[string]Sender{}, map[string]string{}
	for _, spec := range specs {
		sender, err := s.kinds.open(spec)
		if err != nil {
			return senders, err
		}
		if sender == nil {
			continue
		}
		senders[spec.IR.Name] = sender
		t, ok := sender.(Targeter)
		if !ok {
			continue
		}
		if other, taken := targets[t.Target()]; taken {
			return senders, fmt.Errorf("sinks %s and %s both write %s: give them different places, or one sink to both rules", other, spec.IR.Name, t.Target())
		}
		targets[t.Target()] = spec.IR.Name
	}
	return senders, nil
}

// Set makes the lanes those of the given sinks: those that are as before go on,
// others end, begin, or change their sender and go on at their cursor. A sink
// that is new gets all alerts of the log that were addressed to its name. If
// one of the sinks is wrong, nothing changes.
func (s *Lanes) Set(specs []Spec) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return alerts.ErrClosed
	}
	senders, err := s.open(specs)
	if err != nil {
		for _, sender := range senders {
			sender.Close()
		}
		return err
	}
	for name, l := range s.lanes {
		i := slices.IndexFunc(specs, func(o Spec) bool { return o.IR.Name == name })
		if i >= 0 && l.spec.Equal(&specs[i]) {
			senders[name].Close()
			delete(senders, name)
			continue
		}
		l.stop()
		delete(s.lanes, name)
		s.log.Release(name)
	}
	for _, spec := range specs {
		if sender := senders[spec.IR.Name]; sender != nil {
			if err := s.start(spec, sender); err != nil {
				return err
			}
		}
	}
	return nil
}

// start lets a lane run.
func (s *Lanes) start(spec Spec, sender Sender) error {
	if err := s.log.Hold(spec.IR.Name); err != nil {
		sender.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &lane{
		log: s.log, spec: spec, sender: sender, wait: s.wait, cancel: cancel, ended: make(chan struct{}), drained: make(chan struct{}),
		logger: s.logger.With("sink", spec.IR.Name, "kind", spec.IR.Kind),
	}
	s.lanes[spec.IR.Name] = l
	go l.run(ctx)
	return nil
}

// stop ends a lane and waits for it.
func (l *lane) stop() {
	l.cancel()
	<-l.ended
}

// Stats returns the lanes' stats by the names of their sinks.
func (s *Lanes) Stats() []Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Stats, 0, len(s.lanes))
	for _, l := range s.lanes {
		list = append(list, l.snapshot())
	}
	slices.SortFunc(list, func(a, b Stats) int { return strings.Compare(a.Sink, b.Sink) })
	return list
}

// Close lets the lanes deliver what is in the log until ctx ends, and ends
// them. What is not delivered then is after the next start.
func (s *Lanes) Close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	head := s.log.Head()
	for _, l := range s.lanes {
		l.drain(ctx, head)
	}
	for _, l := range s.lanes {
		l.stop()
	}
}

// drain waits until a lane has passed an alert.
func (l *lane) drain(ctx context.Context, seq uint64) {
	l.mu.Lock()
	if l.stats.Cursor < seq {
		l.target = seq
	} else {
		close(l.drained)
	}
	l.mu.Unlock()
	select {
	case <-l.drained:
	case <-ctx.Done():
	}
}
