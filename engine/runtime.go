package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// RuntimeConfig says how a runtime is kept and run. The zero RuntimeConfig
// with a Sink keeps nothing and runs on one shard.
type RuntimeConfig struct {
	// Dir is where the journal and the checkpoints lie; "" keeps nothing, and
	// a process that ends takes all with it. FS is the file system, nil: the
	// system's.
	Dir string
	FS  vfs.FS

	Shards int    // goroutines that share the keys, 0: 1; once a Dir has state it keeps its number
	Sink   Sink   // takes the alerts
	Limits Limits // what the engine may hold
	Queue  int64  // bytes that are taken in and not worked off; 0: DefaultQueue

	// Open makes the sources of a kind. A kind that is not here cannot be
	// deployed; "http" needs no opener.
	Open map[string]Opener
	// Lookups loads lists and tables from outside, by kind.
	Lookups map[string]lookup.FetcherOpener

	Interval time.Duration // between checkpoints; 0: DefaultInterval, negative: only on demand
	Keep     int           // older checkpoints that are kept beside the last
	// StateLimit bounds the memory of matching state, bytes; 0: none. Beyond
	// it nothing is taken in until keys whose time has run out have made room.
	StateLimit int64

	// JournalBytes and JournalAge bound what is kept of the journal beyond
	// what recovery needs; 0: no bound of that kind.
	JournalBytes int64
	JournalAge   time.Duration

	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: nothing is logged
	// Synced is told of each group commit of the journal, Saved of each
	// checkpoint, Found of alerts that have been committed, with the arrival of
	// what completed them, ns; not of those that a recovery finds again. They
	// must not block; nil: nobody is told.
	Synced func(took time.Duration, records int, bytes int64)
	Saved  func(Checkpoint)
	Found  func(arrived int64, alerts []*cep.Alert)

	every func(time.Duration) ticker // of tests; nil: the clock's
}

// Defaults of RuntimeConfig.
const (
	DefaultQueue    = 64 << 20
	DefaultInterval = 5 * time.Second
)

func (c *RuntimeConfig) fill() error {
	if c.Sink == nil {
		return errors.New("engine: a runtime needs a sink")
	}
	if c.FS == nil {
		c.FS = vfs.Default
	}
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Shards < 1 || c.Shards > MaxShards {
		return fmt.Errorf("engine: %d shards, it can be 1 to %d", c.Shards, MaxShards)
	}
	if c.Queue <= 0 {
		c.Queue = DefaultQueue
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.every == nil {
		c.every = clockTicker
	}
	return nil
}

func (c *RuntimeConfig) observe(p Checkpoint) {
	if c.Saved != nil {
		c.Saved(p)
	}
}

// ticker is a time.Ticker or a test's.
type ticker interface {
	C() <-chan time.Time
	Stop()
}

type realTicker struct{ *time.Ticker }

func (t realTicker) C() <-chan time.Time { return t.Ticker.C }

func clockTicker(d time.Duration) ticker { return realTicker{time.NewTicker(d)} }

// Runtime runs rules over what its sources bring, for as long as it is asked
// to, and survives: what is acknowledged is in its journal, and a new Runtime
// on the same directory goes on as if there had been no break.
type Runtime struct {
	cfg      RuntimeConfig
	node     atomic.Pointer[node]
	mu       sync.Mutex // of deployments and of opening
	broken   atomic.Pointer[trouble]
	sources  *sourceSet
	watch    *lookups
	recovery Recovery
	restarts atomic.Uint64
	closed   atomic.Bool
	started  time.Time
}

// trouble is why no node is open.
type trouble struct{ err error }

// Open opens the directory and recovers what is in it. Errors are about the
// directory: it is locked, cannot be written, was written by a newer version
// (*checkpoint.VersionError, *journal.VersionError) or is damaged.
func Open(ctx context.Context, cfg RuntimeConfig) (*Runtime, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	r := &Runtime{cfg: cfg, started: cfg.Now()}
	r.sources, r.watch = newSourceSet(r), newLookups(r)
	n, rec, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	r.recovery = rec
	r.node.Store(n)
	return r, nil
}

// open opens a node and recovers it, from an older checkpoint where the newest
// turns out to be damaged.
func (r *Runtime) open(ctx context.Context) (n *node, rec Recovery, err error) {
	if r.cfg.Dir == "" {
		n, rec, err = r.openWith(ctx, nil)
	} else {
		var lost []checkpoint.Lost
		o := checkpoint.Options{FS: r.cfg.FS, Dir: r.cfg.Dir, Keep: r.cfg.Keep, Logger: r.cfg.Logger}
		_, lost, err = checkpoint.Recover(o, func(s *checkpoint.Store) (err error) {
			n, rec, err = r.openWith(ctx, s)
			return err
		})
		for _, l := range lost {
			r.cfg.Logger.Error("the newest checkpoint is damaged and was set aside; the one before it is used", "dir", l.Dir, "error", l.Err)
		}
	}
	if err != nil {
		return nil, rec, err
	}
	if rec.Records > 0 || rec.Checkpoint > 0 {
		n.log.Info("recovered", "checkpoint", rec.Checkpoint, "records", rec.Records, "rows", rec.Rows, "reproduced", rec.Reproduced, "missing", rec.Missing, "took", rec.Took)
	}
	if rec.Missing > 0 {
		n.log.Error("the replay did not find alerts again that the log has", "missing", rec.Missing)
	}
	n.start()
	return n, rec, nil
}

// openWith opens a node on a store, nil if nothing is kept, and recovers it.
func (r *Runtime) openWith(ctx context.Context, s *checkpoint.Store) (*node, Recovery, error) {
	n := newNode(&r.cfg)
	n.store = s
	if err := n.openJournal(); err != nil {
		return nil, Recovery{}, errors.Join(err, n.closeStore())
	}
	n.startWorkers()
	rec, err := n.recover(ctx)
	if err != nil {
		n.abandon()
		return nil, rec, err
	}
	return n, rec, nil
}

func (n *node) openJournal() (err error) {
	c := n.cfg
	if c.Dir == "" {
		return nil
	}
	n.j, err = journal.Open(journal.Options{FS: c.FS, Dir: c.FS.PathJoin(c.Dir, "journal"), KeepBytes: c.JournalBytes, KeepAge: c.JournalAge,
		Now: c.Now, Synced: c.Synced, Logger: n.log})
	return err
}

func (n *node) closeStore() error {
	if n.store == nil {
		return nil
	}
	return n.store.Close()
}

// Run reads the sources until ctx ends, then works off what has been taken in
// and closes the runtime. After trouble with the disk it opens the directory
// anew until that succeeds; what cannot be mended is returned.
func (r *Runtime) Run(ctx context.Context) error {
	for {
		n := r.node.Load()
		run, stop := context.WithCancel(ctx)
		r.sources.start(run, n)
		r.watch.start(run, n)
		select {
		case <-ctx.Done():
			stop()
			r.sources.wait()
			r.watch.wait()
			return r.Close()
		case <-n.failed:
		}
		stop()
		r.sources.wait()
		r.watch.wait()
		if r.closed.Load() {
			return nil
		}
		r.cfg.Logger.Error("the state cannot be kept; it will be opened anew", "error", n.failure)
		r.broken.Store(&trouble{n.failure})
		if err := n.close(); err != nil {
			r.cfg.Logger.Warn("closing the state failed", "error", err)
		}
		if err := r.reopen(ctx); err != nil {
			return err
		}
	}
}

// reopen opens a node in place of one that has failed, as often as it takes.
func (r *Runtime) reopen(ctx context.Context) error {
	wait := time.Second
	for {
		select {
		case <-time.After(wait + rand.N(wait/2)):
		case <-ctx.Done():
			r.closed.Store(true)
			return nil
		}
		r.mu.Lock()
		n, rec, err := r.open(ctx)
		if err == nil {
			r.recovery = rec
			r.restarts.Add(1)
			r.node.Store(n)
			r.broken.Store(nil)
			r.mu.Unlock()
			return nil
		}
		r.mu.Unlock()
		if beyondRepair(err) {
			return err
		}
		r.broken.Store(&trouble{err})
		r.cfg.Logger.Error("the state cannot be opened yet", "error", err)
		wait = min(2*wait, 30*time.Second)
	}
}

// beyondRepair says that trying again is no use.
func beyondRepair(err error) bool {
	var damaged *journal.CorruptError
	var newer *journal.VersionError
	var page *checkpoint.CorruptError
	var layout *checkpoint.VersionError
	return errors.As(err, &damaged) || errors.As(err, &newer) || errors.As(err, &page) || errors.As(err, &layout)
}

// Close works off what has been taken in, writes a last checkpoint and closes
// the files. The sink is its owner's.
func (r *Runtime) Close() error {
	if r.closed.Swap(true) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.node.Load().close()
}

// current returns the open node; the error says why there is none.
func (r *Runtime) current() (*node, error) {
	if r.closed.Load() {
		return nil, ErrClosed
	}
	if t := r.broken.Load(); t != nil {
		return nil, fmt.Errorf("%w: %w", ErrStalled, t.err)
	}
	n := r.node.Load()
	select {
	case <-n.failed:
		return nil, fmt.Errorf("%w: %w", ErrStalled, n.failure)
	default:
		return n, nil
	}
}

// Checkpoint saves the state now.
func (r *Runtime) Checkpoint(ctx context.Context) (Checkpoint, error) {
	n, err := r.current()
	if err != nil {
		return Checkpoint{}, err
	}
	return n.checkpointNow(ctx)
}
