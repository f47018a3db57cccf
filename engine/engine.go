package engine

import (
	"errors"
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Sentinel errors of feeding.
var (
	ErrWaiting = errors.New("too many rows wait for the watermark")
	ErrInput   = errors.New("row of an input that was not declared")
	ErrOrder   = errors.New("row behind the end of its input")
)

// Engine runs a program over batches of rows. It is driven by one goroutine:
// Feed for every batch, Finish for every input that ends, End at last. What it
// finds goes to Config.Emit within these calls.
type Engine struct {
	plan    *plan
	cfg     Config
	inputs  map[uint64]*partition // by source and partition
	parts   []*partition
	dedupes map[uint32]*dedupe // by source
	order   *order
	prep    *preparer
	steps   *stepper
	stats   Stats
	last    int64 // greatest at of a row that was accepted
	ended   bool
	err     error
	rows    []item      // scratch of advance
	tallies []RuleStats // what preparing counted, by rank
	// giveBack takes batches that were lent to the engine.
	giveBack func(*prepared)
	arrivals arrivals
}

// Chunk sizes of a superstep, in rows: enough to make the hand-over between
// goroutines cheap, small enough to stay in the caches.
const stepRows = 1 << 14

// New makes a program ready to run. Its errors are limits that the program
// exceeds; what rules can get wrong has been found by dsl.Check.
func New(prog *dsl.Program, cfg Config) (*Engine, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	p, err := newPlan(prog, &cfg)
	if err != nil {
		return nil, err
	}
	e := &Engine{plan: p, cfg: cfg, inputs: map[uint64]*partition{}, dedupes: map[uint32]*dedupe{}, order: &order{}, last: minTime}
	for _, in := range cfg.Inputs {
		if in.Source >= cep.MaxSources-1 || in.Partition >= cep.MaxPartitions {
			return nil, fmt.Errorf("engine: input %d/%d, sources go to %d and partitions to %d", in.Source, in.Partition, cep.MaxSources-2, cep.MaxPartitions-1)
		}
		part := &partition{source: in.Source, id: in.Partition, late: p.lateness(in.Types), max: minTime}
		e.parts = append(e.parts, part)
		e.inputs[inputKey(in.Source, in.Partition)] = part
		if e.dedupes[in.Source] == nil {
			e.dedupes[in.Source] = newDedupe(cfg.Dedupe)
		}
	}
	e.arrivals.on = p.arrival > 0
	e.prep = p.newPreparer()
	e.order.free = e.release
	e.tallies = make([]RuleStats, len(p.rules))
	if e.steps, err = newStepper(p, &e.cfg, &e.stats); err != nil {
		return nil, err
	}
	return e, nil
}

func inputKey(source, partition uint32) uint64 { return uint64(source)<<32 | uint64(partition) }

// Feed takes a batch, whose rows are of one input and in its order, and works
// through everything that its watermark has passed. The batch must not change
// as long as rows of it wait: use Batch only once.
func (e *Engine) Feed(b *cep.Batch) error {
	if e.err != nil || len(b.Rows) == 0 {
		return e.err
	}
	p := e.prep.prepare(b)
	if e.arrivals.on {
		return e.feedBoth(p)
	}
	id := e.hold(p)
	e.accept(p, id, 0, len(b.Rows))
	e.order.settle(id)
	return e.advance(lowest(e.parts))
}

// hold takes up a batch: its evidence, and what preparing it counted.
func (e *Engine) hold(p *prepared) uint32 {
	for _, t := range p.fails {
		e.tallies[t.rank].EvalErrors += t.n
	}
	for _, t := range p.keys {
		e.tallies[t.rank].KeyMissing += t.n
	}
	e.steps.book.keep(p)
	return e.order.hold(p)
}

// release lets go of a batch of which no row waits.
func (e *Engine) release(p *prepared) {
	e.steps.book.done(p.page)
	p.page = nil
	if p.lent {
		e.giveBack(p)
	}
}

// accept takes rows [from, to) of a batch in their order: drops duplicates and
// late ones, moves the watermark, and keeps those that somebody looks at.
func (e *Engine) accept(p *prepared, id uint32, from, to int) {
	rows := p.batch.Rows
	part := e.inputs[inputKey(rows[from].Ref.Source(), rows[from].Ref.Partition())]
	if part == nil || part.ended {
		e.fail(part, rows[from].Ref)
		return
	}
	seen := e.dedupes[part.source]
	e.stats.Events += uint64(to - from)
	for ; from < to; from += ahead {
		group := min(from+ahead, to)
		for _, id := range p.ids[from:group] {
			seen.touch(id)
		}
		for i := from; i < group; i++ {
			e.acceptRow(p, id, i, part, seen)
		}
	}
}

func (e *Engine) fail(part *partition, ref cep.Ref) {
	err := ErrInput
	if part != nil {
		err = ErrOrder
	}
	e.err = fmt.Errorf("engine: %w: source %d, partition %d", err, ref.Source(), ref.Partition())
}

// acceptRow takes one row.
func (e *Engine) acceptRow(p *prepared, id uint32, i int, part *partition, seen *dedupe) {
	r := &p.batch.Rows[i]
	if seen.duplicate(p.ids[i], r.At) {
		e.stats.Duplicates++
		return
	}
	it := item{at: r.At, ref: r.Ref, batch: id, row: uint32(i)}
	if e.arrivals.on && p.wanted(i, e.plan.arrivalWorlds()) {
		e.arrivals.rows = append(e.arrivals.rows, it)
		e.order.batches[id].rows++
	}
	if r.At >= part.max {
		part.max = r.At
		if e.arrivals.on {
			e.arrivals.moves = append(e.arrivals.moves, move{r.Ref, lowest(e.parts)})
		}
	} else if !e.inTime(p, i, p.number[r.Table], part) {
		return
	}
	if p.wanted(i, e.plan.timeWorlds()) {
		e.order.add(it)
	}
	e.last = max(e.last, r.At)
}

// inTime counts a row that is behind the newest of its partition and says
// whether it is not too late.
func (e *Engine) inTime(p *prepared, i int, schema uint32, part *partition) bool {
	at, w := p.batch.Rows[i].At, part.w()
	lag := e.stats.lag(e.plan, schema)
	lag.count(uint64(part.max) - uint64(at))
	if at >= w || !e.plan.inTime(schema) {
		return true
	}
	e.tooLate(p, i, w, part.max)
	return false
}

func (e *Engine) tooLate(p *prepared, i int, w, greatest int64) {
	e.stats.lag(e.plan, p.number[p.batch.Rows[i].Table]).Late++
	e.stats.Late++
	if e.cfg.Late != nil {
		e.cfg.Late(LateRow{Batch: p.batch, Index: i, Watermark: w, Greatest: greatest})
	}
}

// Finish says that an input has ended: the watermark no longer waits for it.
func (e *Engine) Finish(source, partition uint32) error {
	if e.err != nil {
		return e.err
	}
	part := e.inputs[inputKey(source, partition)]
	if part == nil {
		e.fail(nil, cep.MakeRef(source, partition, 0))
		return e.err
	}
	part.ended = true
	if w := lowest(e.parts); w != maxTime {
		return e.advanceAlone(w)
	}
	return nil // the last one: End decides how far time goes
}

// Drain says whether End fires deadlines that lie behind the last event.
type Drain bool

// The two ways to end.
const (
	ToLastEvent   Drain = false
	EveryDeadline Drain = true
)

// End works off all rows and the deadlines up to the last event's time; with
// EveryDeadline those behind it too. Nothing can be fed after it.
func (e *Engine) End(d Drain) error {
	if d == EveryDeadline {
		return e.EndAt(maxTime - 1)
	}
	return e.EndAt(e.last)
}

// EndAt is End with the deadlines up to the given time, or the last event's if
// that is later.
func (e *Engine) EndAt(at int64) error {
	if e.err != nil || e.ended {
		return e.err
	}
	e.ended = true
	at = max(at, e.last)
	if at != minTime {
		at++
	}
	err := e.advanceAlone(at)
	e.steps.close()
	return err
}

// Close lets go of an engine that is not run to its end. After End it does
// nothing.
func (e *Engine) Close() {
	e.ended = true
	e.steps.close()
}

// advanceAlone advances without a row that causes it.
func (e *Engine) advanceAlone(w int64) error {
	if !e.arrivals.on {
		return e.advance(w)
	}
	e.arrivals.begin(w)
	e.steps.begin(&e.arrivals)
	if e.advance(w) == nil {
		e.err = e.steps.deliver()
	}
	return e.err
}

// advance works through what the watermark has passed, in supersteps.
func (e *Engine) advance(w int64) error {
	if e.err != nil {
		return e.err
	}
	e.order.seal()
	e.stats.Waiting = max(e.stats.Waiting, e.order.waiting)
	for more := true; more && e.err == nil; {
		e.rows, more = e.order.release(e.rows[:0], w, stepRows)
		until := w
		if more {
			until = e.rows[len(e.rows)-1].at + 1
		}
		e.err = e.steps.run(e.order.batches, e.rows, until)
		e.order.done(e.rows)
	}
	if e.err == nil && e.order.waiting > e.cfg.Limits.Waiting {
		e.err = fmt.Errorf("engine: %w: %d rows, watermark %d ns behind the newest", ErrWaiting, e.order.waiting, e.last-w)
	}
	return e.err
}
