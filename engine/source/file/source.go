package file

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
	"github.com/weir-cep/weir/engine/source/option"
	"github.com/weir-cep/weir/internal/decode"
)

// source reads the files that one declaration names.
type source struct {
	name   string
	path   string // absolute, or "-"; with glob a pattern
	folder string // of the rule file; partitions are named from there
	glob   bool
	follow bool
	cfg    decode.Config
	log    *slog.Logger
	times  times

	mu      sync.Mutex
	flights map[string]*flight.Flight // by partition name, of this run and those before
}

// times are how long the source waits for what.
type times struct {
	fast, slow time.Duration // between looks: after something came, and at most
	lull       time.Duration // a renamed file that does not grow for so long is over
	partial    time.Duration // the same if its last line is not complete
	gone       time.Duration // a path without a file is an error after so long
	scan       time.Duration // between looks for new files of a pattern
}

var usual = times{
	fast:    10 * time.Millisecond,
	slow:    250 * time.Millisecond,
	lull:    time.Second,
	partial: 5 * time.Second,
	gone:    5 * time.Second,
	scan:    time.Second,
}

// Open makes a source of kind file. Its options are path (a pattern if it
// holds one of *?[) and follow, which is false if it is not given.
func Open(c engine.SourceConfig) (engine.Source, error) {
	o := option.Source(c.IR)
	input := o.Input()
	s := &source{
		name:    c.Name,
		path:    o.Path("path"),
		folder:  filepath.Dir(c.IR.File),
		follow:  o.Bool("follow", false),
		log:     c.Logger,
		times:   usual,
		flights: map[string]*flight.Flight{},
	}
	s.cfg = decode.Config{Format: input.Format, Delimiter: input.Delimiter, MaxEvent: decode.DefaultMaxEvent}
	if s.path == "" && o.Err() == nil {
		o.Bad("path", "is empty")
	}
	s.glob = strings.ContainsAny(o.Text("path", ""), "*?[")
	if s.glob {
		if _, err := filepath.Match(s.path, ""); err != nil {
			o.Bad("path", "%q is not a pattern: %w", s.path, err)
		}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, o.Err()
}

// Run reads until ctx ends, or all files do if they are not followed.
func (s *source) Run(ctx context.Context, in engine.Intake) error {
	var err error
	switch {
	case s.path == decode.StandardInput:
		err = s.runStdin(ctx, in)
	case s.glob:
		err = s.runGlob(ctx, in)
	default:
		err = s.runFile(ctx, in)
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// partitionName names the partition of a path: from the rule file's folder if
// it lies in there, so that moving the folder changes nothing.
func (s *source) partitionName(path string) string {
	if rel, err := filepath.Rel(s.folder, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(path)
}

// takeUp takes a partition up when nothing of it is on its way any more.
func (s *source) takeUp(ctx context.Context, in engine.Intake, name string) (engine.Partition, *flight.Flight, error) {
	s.mu.Lock()
	before := s.flights[name]
	s.mu.Unlock()
	if before != nil {
		_ = before.Wait(ctx) // what was refused is read again
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	p, err := in.Partition(name, -1)
	if err != nil {
		return nil, nil, err
	}
	f := flight.New(p)
	s.mu.Lock()
	s.flights[name] = f
	s.mu.Unlock()
	return p, f, nil
}
