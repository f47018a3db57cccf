package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// ErrClosed tells that the runtime has been closed.
var ErrClosed = errors.New("the runtime is closed")

// node is an opened state directory at work: the journal, the engine that
// works it off, and the checkpoints. One goroutine, the coordinator, applies
// records in their order; it alone touches the engine and the registry.
//
// A node does not survive an error of its storage: it is closed, and a new one
// is opened, which recovers what this one had.
type node struct {
	cfg   *RuntimeConfig
	log   *slog.Logger
	sink  Sink
	j     *journal.Journal  // nil: nothing is kept
	store *checkpoint.Store // nil: nothing is kept

	// Of the coordinator.
	e         *Engine // nil before the first deployment
	reg       *registry
	texts     map[string]lookup.Text
	lookups   *expr.Lookups
	version   uint64           // of lookups
	pos       journal.Position // of the record being applied, or the last one
	arrived   int64            // its time
	own       decoders
	headers   map[uint32][]string // of CSV partitions, by stream: the latest
	recall    *recall             // reads ids out of texts
	saving    *saving             // the checkpoint being written
	last      Checkpoint
	skipped   uint64 // checkpoints left out because the one before was not done
	whole     bool   // the next one has to be of all pages
	postponed int    // checkpoints in a row that were put off
	dirty     map[string]bool
	counts    counters
	replay    bool
	full      string    // why nothing is taken in; "": it is
	slow      bool      // only a trickle is
	told      string    // of that, to the room
	looked    time.Time // at the memory
	fed       int64     // bytes of records since
	slowed    bool
	crowded   bool // partitions wait for others

	// Shared.
	mu      sync.Mutex // order of appends
	live    map[uint32]*livePart
	room    *room
	wire    atomic.Pointer[wiring]
	queue   chan *inbound
	work    chan *inbound
	asks    chan func()
	spare   chan *prepared
	failed  chan struct{}
	failure error
	once    sync.Once
	closing chan struct{} // closed: no entry comes any more
	done    chan struct{} // closed: the coordinator has ended
	going   sync.WaitGroup
	ctx     context.Context // of the goroutines
	stop    context.CancelFunc
	ticked  time.Time // when wall time was last counted
	memPos  journal.Position
}

const (
	queueEntries = 8192 // that take no room: they are few
	sparePrep    = 64
)

func newNode(cfg *RuntimeConfig) *node {
	return &node{cfg: cfg, log: cfg.Logger, sink: cfg.Sink, reg: newRegistry(), texts: map[string]lookup.Text{},
		live: map[uint32]*livePart{}, room: newRoom(cfg.Queue), queue: make(chan *inbound, cfg.Queue/entryOverhead+queueEntries),
		work: make(chan *inbound, cfg.Queue/entryOverhead+queueEntries), asks: make(chan func()), spare: make(chan *prepared, sparePrep),
		failed: make(chan struct{}), closing: make(chan struct{}), done: make(chan struct{}), dirty: map[string]bool{}, headers: map[uint32][]string{}}
}

func (n *node) now() time.Time { return n.cfg.Now() }

// fail ends the node's work for good.
func (n *node) fail(err error) {
	n.once.Do(func() {
		n.failure = err
		close(n.failed)
		n.room.close()
	})
}

// append puts an entry into the journal and the queue. n.mu is held, so that
// both have one order.
func (n *node) append(en *inbound) error {
	select {
	case <-n.failed:
		return fmt.Errorf("%w: %w", ErrStalled, n.failure)
	case <-n.closing:
		return ErrClosed
	default:
	}
	en.rec.Time = n.now().UnixNano()
	if n.j == nil {
		n.memPos++
		en.rec.Pos = n.memPos
	} else {
		t, err := n.j.Append(en.rec)
		if err != nil {
			return n.appendError(err)
		}
		en.ticket = t
	}
	n.enqueue(en)
	return nil
}

func (n *node) appendError(err error) error {
	if errors.Is(err, journal.ErrStalled) {
		return fmt.Errorf("%w: %w", ErrStalled, err)
	}
	return err
}

// enqueue hands an entry to the workers and to the coordinator.
func (n *node) enqueue(en *inbound) {
	if en.rec.Kind == recRows {
		en.rows = &decoded{done: make(chan struct{})}
		select {
		case n.work <- en:
		case <-n.failed:
		}
	}
	select {
	case n.queue <- en:
	case <-n.failed:
	}
}

// worker decodes and prepares rows ahead of the coordinator.
func (n *node) worker(ctx context.Context) {
	var d decoders
	for {
		select {
		case en := <-n.work:
			if w := n.wire.Load(); w != nil {
				en.rows.out = n.borrow()
				d.work(w, &en.rec, &en.meta, en.rows)
			}
			close(en.rows.done)
		case <-ctx.Done():
			return
		}
	}
}

func (n *node) borrow() *prepared {
	if p := borrow(n.spare); p != nil {
		return p
	}
	return &prepared{batch: &cep.Batch{}, lent: true}
}

// startWorkers begins what decodes, which a recovery needs already.
func (n *node) startWorkers() {
	n.ctx, n.stop = context.WithCancel(context.Background())
	for range max(1, runtime.GOMAXPROCS(0)-1) {
		n.going.Go(func() { n.worker(n.ctx) })
	}
}

// start begins the rest.
func (n *node) start() {
	n.going.Go(func() { n.silence(n.ctx) })
	go n.coordinate()
}

// abandon lets a node go that did not come up.
func (n *node) abandon() {
	n.stop()
	n.going.Wait()
	if n.e != nil {
		n.e.Close()
	}
	if n.store != nil {
		_ = n.store.Close() // the error that matters came before
	}
	if n.j != nil {
		_ = n.j.Close()
	}
}

// coordinate is the coordinator's goroutine.
func (n *node) coordinate() {
	defer close(n.done)
	every := n.cfg.Interval
	if every <= 0 {
		every = 365 * 24 * time.Hour
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case <-n.failed:
			return
		default:
		}
		select {
		case en := <-n.queue:
			n.take(en)
		case ask := <-n.asks:
			ask()
		case <-tick.C:
			n.checkpoint(nil)
		case <-n.saved():
			n.finish()
		case <-look.C:
			n.hold()
		case <-n.failed:
			return
		case <-n.closing:
			for {
				select {
				case en := <-n.queue:
					n.take(en)
				default:
					return
				}
			}
		}
	}
}

// take applies an entry when it is durable.
func (n *node) take(en *inbound) {
	err := en.wait(n.failed)
	if en.part != nil {
		en.part.settled(en, err)
	}
	if en.tell != nil { // the cursor is right then
		en.tell(err)
	}
	if err == nil {
		err = n.applyLive(en)
	}
	n.room.free(en.bytes)
}

// wait waits until the entry is durable.
func (en *inbound) wait(failed chan struct{}) (err error) {
	if en.ticket != nil {
		select {
		case <-en.ticket.Done():
			en.rec.Pos, err = en.ticket.Result()
		case <-failed:
			return ErrStalled
		}
	}
	if err != nil && en.reply != nil {
		en.reply <- applied{err: fmt.Errorf("%w: %w", ErrStalled, err)}
		en.reply = nil
	}
	return err
}

func (n *node) applyLive(en *inbound) error {
	n.fed += int64(len(en.rec.Data))
	got, err := n.apply(en)
	if en.reply != nil {
		en.reply <- applied{carried: got, err: err}
	}
	if err != nil && !errors.As(err, new(*refused)) {
		n.fail(err)
	}
	n.hold()
	return err
}

// hold has the partitions wait that are ahead of their group, while too many
// rows wait for others, and everybody while there is no room for state.
func (n *node) hold() {
	if n.e == nil {
		return
	}
	n.watchMemory(n.now())
	crowded := n.e.crowded(1)
	if !crowded && !n.crowded && n.full == n.told && n.slow == n.slowed {
		return
	}
	var ahead map[uint32]bool
	if crowded {
		ahead = map[uint32]bool{}
		for _, p := range n.e.parts {
			ahead[streamID(p.source, p.id)] = !n.e.Room(p.source, p.id)
		}
	}
	n.room.hold(ahead, n.full, n.slow)
	n.crowded, n.told, n.slowed = crowded, n.full, n.slow
}

// ask runs f between two records.
func (n *node) ask(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case n.asks <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-n.failed:
		return fmt.Errorf("%w: %w", ErrStalled, n.failure)
	case <-n.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close ends the node: what has been taken in is worked off, a last checkpoint
// is written, the files are closed.
func (n *node) close() error {
	n.room.close()
	n.mu.Lock()
	select {
	case <-n.closing:
	default:
		close(n.closing)
	}
	n.mu.Unlock()
	<-n.done
	n.stop()
	n.going.Wait()
	var errs []error
	if n.failure == nil && n.e != nil && n.store != nil {
		errs = append(errs, n.lastCheckpoint())
		n.going.Wait() // what retention has begun
	}
	if n.saving != nil {
		<-n.saving.done
	}
	if n.e != nil {
		n.e.Close()
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	if n.j != nil {
		errs = append(errs, n.j.Close())
	}
	return errors.Join(errs...)
}

// counters are what the coordinator counts beside the engine.
type counters struct {
	records  map[uint32]uint64            // by stream
	rejected map[uint32]map[string]uint64 // by source and reason
	skipped  map[uint32]uint64            // by source
	unknown  []decode.TypeCount
	late     map[uint32]uint64 // by source
	alerts   map[alertCount]uint64
}

type alertCount struct {
	Rule     string
	Severity cep.Severity
	Status   string
}

func (c *counters) reject(source uint32, reason string) {
	if c.rejected == nil {
		c.rejected = map[uint32]map[string]uint64{}
	}
	m := c.rejected[source]
	if m == nil {
		m = map[string]uint64{}
		c.rejected[source] = m
	}
	m[reason]++
}

func add[K comparable](m *map[K]uint64, k K, v uint64) {
	if *m == nil {
		*m = map[K]uint64{}
	}
	(*m)[k] += v
}

// clone copies what another goroutine may read.
func (c *counters) clone() counters {
	out := counters{records: maps.Clone(c.records), skipped: maps.Clone(c.skipped), late: maps.Clone(c.late), alerts: maps.Clone(c.alerts),
		rejected: map[uint32]map[string]uint64{}}
	for s, m := range c.rejected {
		out.rejected[s] = maps.Clone(m)
	}
	out.unknown = append(out.unknown, c.unknown...)
	return out
}
