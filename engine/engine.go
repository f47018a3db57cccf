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
//
// What comes out is a function of these calls, their order and what they are
// given; of batches only the rows matter, not where they are cut.
type Engine struct {
	plan    *plan
	cfg     Config
	groups  []*group // by number
	sources map[uint32]*sourceState
	inputs  map[uint64]*partition // by source and partition
	parts   []*partition          // in the order in which they came
	dedupes map[uint32]*dedupe    // by source
	held    holdings
	prep    *preparer
	steps   *stepper
	stats   Stats
	ended   bool
	err     error
	stride  int            // rows of a superstep
	rows    []item         // scratch of advance
	tallies []RuleStats    // what preparing counted, by rank
	looked  uint64         // keys that deployments had to look at
	stale   int            // batches among those that are held whose preparation is outdated
	dying   map[uint32]int // sids of which states are still to be forgotten, and by how many tasks
	// giveBack takes batches that were lent to the engine.
	giveBack func(*prepared)
	arrivals arrivals
	feeding  feeding
	snap     snapState
	back     *rewinding // rows that waited at the snapshot are still to come; nil: none
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
	e := &Engine{plan: p, cfg: cfg, inputs: map[uint64]*partition{}, sources: map[uint32]*sourceState{}, dedupes: map[uint32]*dedupe{}}
	e.cfg.Inputs, e.stride = nil, stepRows
	e.prep = p.newPreparer()
	e.held.free = e.release
	e.tallies = make([]RuleStats, len(p.rules))
	for i := range p.groups {
		e.groups = append(e.groups, &group{index: i, w: minTime, last: minTime, plan: &p.groups[i], order: order{held: &e.held}})
	}
	if e.steps, err = newStepper(p, &e.cfg, &e.stats); err != nil {
		return nil, err
	}
	e.steps.arenas = &e.snap.mu
	for _, in := range cfg.Inputs {
		if err := e.AddInput(in); err != nil {
			return nil, err
		}
	}
	return e, nil
}

func inputKey(source, partition uint32) uint64 { return uint64(source)<<32 | uint64(partition) }

// Feed takes a batch, whose rows are of one input and in its order, and works
// through everything that its watermark has passed. The batch must not change
// as long as rows of it wait: use Batch only once.
func (e *Engine) Feed(b *cep.Batch) error {
	return e.FeedAt(b, maxTime)
}

// FeedAt is Feed for a batch that arrived at a known time, ns since 1970: rows
// that are more than Input.MaxAhead ahead of it go to Config.Ahead.
func (e *Engine) FeedAt(b *cep.Batch, arrived int64) error {
	if e.err != nil || len(b.Rows) == 0 {
		return e.err
	}
	return e.feedPrepared(e.prep.prepare(b), arrived)
}

// feedPrepared is FeedAt for a batch that was prepared for the engine's plan,
// be it by another goroutine. maxTime: the time of arrival does not matter.
func (e *Engine) feedPrepared(p *prepared, arrived int64) error {
	rows := p.batch.Rows
	if e.err != nil || len(rows) == 0 {
		if p.lent {
			e.giveBack(p)
		}
		return e.err
	}
	part := e.inputs[inputKey(rows[0].Ref.Source(), rows[0].Ref.Partition())]
	if part == nil || part.ended {
		e.fail(part, rows[0].Ref)
		return e.err
	}
	if part.group.plan.arrival > 0 {
		e.feedBoth(p, part, arrived)
	} else {
		e.feedTime(p, part, arrived)
	}
	if e.cfg.Limits.Early {
		e.relieve()
	}
	return e.err
}

// feedTime is feedPrepared for a group with rules in time order only.
func (e *Engine) feedTime(p *prepared, part *partition, arrived int64) {
	id := e.hold(p, part)
	e.accept(p, id, part, 0, len(p.batch.Rows), arrived)
	e.held.settle(id)
	e.steps.begin(nil)
	e.advance(part.group, part.group.target())
}

// hold takes up a batch: its evidence, and what preparing it counted.
func (e *Engine) hold(p *prepared, part *partition) uint32 {
	for _, t := range p.fails {
		e.tallies[t.rank].EvalErrors += t.n
	}
	for _, t := range p.keys {
		e.tallies[t.rank].KeyMissing += t.n
	}
	e.steps.book.keep(p)
	return e.held.hold(p, part)
}

// release lets go of a batch of which no row waits.
func (e *Engine) release(p *prepared) {
	e.steps.book.done(p.page)
	p.page = nil
	if p.stale {
		p.stale = false
		e.stale--
	}
	if p.lent {
		e.giveBack(p)
	}
}

// feeding is the batch that is being accepted.
type feeding struct {
	p     *prepared
	id    uint32 // in the holdings
	part  *partition
	group *group
	seen  *dedupe
	// limit is the greatest time that a row may have.
	limit int64
	// others is the least watermark of the group's other partitions, in a
	// group with rules in arrival order.
	others int64
}

// accept takes rows [from, to) of a partition's batch in their order: drops
// duplicates and late ones, moves the partition's watermark, and keeps those
// that somebody looks at. The group's watermark stays until advance.
func (e *Engine) accept(p *prepared, id uint32, part *partition, from, to int, arrived int64) {
	if part.idle {
		part.rejoin()
	}
	f := &e.feeding
	*f = feeding{p: p, id: id, part: part, group: part.group, seen: e.dedupes[part.source], limit: maxTime}
	if part.ahead > 0 {
		f.limit = after(arrived, part.ahead)
	}
	if f.group.plan.arrival > 0 {
		f.others = lowest(f.group.parts, part)
		// Any row moves a group that could get on already: one that was at rest
		// until this partition came back, or one that has just been joined.
		e.arrivals.move(p.batch.Rows[from].Ref, min(part.w(), f.others))
	}
	e.stats.Events += uint64(to - from)
	part.rows += uint64(to - from)
	for from < to {
		next := min(from+ahead, to)
		for _, id := range p.ids[from:next] {
			f.seen.touch(id)
		}
		for ; from < next; from++ {
			e.acceptRow(f, from)
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
func (e *Engine) acceptRow(f *feeding, i int) {
	r := &f.p.batch.Rows[i]
	if r.At > f.limit {
		e.tooFarAhead(f, i)
		return
	}
	if f.seen.duplicate(f.p.ids[i], r.At) {
		e.stats.Duplicates++
		return
	}
	g, part := f.group, f.part
	it := item{at: r.At, ref: r.Ref, batch: f.id, row: uint32(i)}
	if g.plan.arrival > 0 && f.p.wanted(i, g.plan.arrivalWorlds()) {
		e.arrivals.rows = append(e.arrivals.rows, it)
		e.held.list[f.id].rows++
	}
	if r.At >= part.max {
		part.max = r.At
		if g.plan.arrival > 0 {
			e.arrivals.move(r.Ref, min(part.w(), f.others))
		}
		if r.At < part.floor && !e.belowFloor(f, i) {
			return
		}
	} else if !e.inTime(f, i) {
		return
	}
	if f.p.wanted(i, g.plan.timeWorlds()) || e.waits(g, part, r.At) {
		g.order.add(it)
	}
	g.last = max(g.last, r.At)
}

// waits says that a row waits for the watermark although nobody wants it: who
// is deployed before the watermark passes it might.
func (e *Engine) waits(g *group, part *partition, at int64) bool {
	return e.cfg.Deploys && g.plan.arrival < len(g.plan.worlds) && at >= max(part.bound(), g.w)
}

// tooFarAhead sets a row aside whose time is further in the future than its
// source allows. It moves nothing, or it would make all others late.
func (e *Engine) tooFarAhead(f *feeding, i int) {
	e.stats.Ahead++
	if e.cfg.Ahead != nil {
		e.cfg.Ahead(AheadRow{Batch: f.p.batch, Index: i, Limit: f.limit})
	}
}

// inTime counts a row that is behind the newest of its partition and says
// whether it is not too late.
func (e *Engine) inTime(f *feeding, i int) bool {
	r := &f.p.batch.Rows[i]
	schema := f.p.number[r.Table]
	e.stats.lag(e.plan, schema).count(uint64(f.part.max) - uint64(r.At))
	return r.At >= f.part.bound() || e.mayBeLate(f, i, schema)
}

// belowFloor is inTime for a row that is the newest of its partition, and below
// what its group had released before the partition came to it.
func (e *Engine) belowFloor(f *feeding, i int) bool {
	return e.mayBeLate(f, i, f.p.number[f.p.batch.Rows[i].Table])
}

// mayBeLate sets a row aside that is below its partition's bound, if some rule
// in time order looks at its type; if not it cannot be late.
func (e *Engine) mayBeLate(f *feeding, i int, schema uint32) (inTime bool) {
	if !e.plan.inTime(schema) {
		return true
	}
	f.part.lateRows++
	e.tooLate(f.p, i, f.part.bound(), f.part.max)
	return false
}

func (e *Engine) tooLate(p *prepared, i int, w, greatest int64) {
	e.stats.lag(e.plan, p.number[p.batch.Rows[i].Table]).Late++
	e.stats.Late++
	if e.cfg.Late != nil {
		e.cfg.Late(LateRow{Batch: p.batch, Index: i, Watermark: w, Greatest: greatest})
	}
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
	return e.EndAt(minTime)
}

// EndAt is End with the deadlines up to the given time, or the last event's of
// their group if that is later.
func (e *Engine) EndAt(at int64) error {
	if e.err != nil || e.ended {
		return e.err
	}
	e.ended = true
	for _, g := range e.groups {
		if until := max(at, g.last); until != minTime && e.err == nil {
			e.advanceAlone(g, until+1)
		}
	}
	e.steps.close()
	return e.err
}

// Close lets go of an engine that is not run to its end. After End it does
// nothing.
func (e *Engine) Close() {
	e.ended = true
	e.steps.close()
}

// advanceAlone advances a group without a row that causes it.
func (e *Engine) advanceAlone(g *group, w int64) error {
	if g.plan.arrival == 0 {
		e.steps.begin(nil)
		return e.advance(g, w)
	}
	e.arrivals.begin(w)
	e.steps.begin(&e.arrivals)
	if e.advance(g, w) == nil {
		e.err = e.steps.deliver()
	}
	return e.err
}

// advance moves a group's watermark and works through what it has passed, in
// supersteps.
func (e *Engine) advance(g *group, w int64) error {
	if e.err != nil {
		return e.err
	}
	e.stats.Waiting = max(e.stats.Waiting, e.held.waiting)
	if w > g.w {
		g.order.seal()
		for more := true; more && e.err == nil; {
			more = e.step(g, w)
		}
		g.w = w
	}
	if e.err == nil && !e.cfg.Limits.Early && e.crowded(1) {
		e.err = fmt.Errorf("engine: %w: %d rows, watermark %d ns behind the newest", ErrWaiting, e.held.waiting, g.last-w)
	}
	return e.err
}

// step works through some of the rows below w; more: not all.
func (e *Engine) step(g *group, w int64) (more bool) {
	e.rows, more = g.order.release(e.rows[:0], w, e.stride)
	if more {
		w = e.rows[len(e.rows)-1].at + 1
	}
	if e.stale > 0 {
		e.refresh(e.rows)
	}
	e.err = e.steps.run(g, e.held.list, e.rows, w)
	if len(e.dying) > 0 {
		e.snap.mu.Lock()
		e.purge(len(e.rows))
		e.snap.mu.Unlock()
	}
	g.order.done(e.rows)
	return more
}
