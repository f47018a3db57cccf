package nfa

import (
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// Default limits.
const (
	DefaultStarts = 1000
	DefaultEvents = 10_000
)

// core is what both machines are made of: memory, the event in progress, tests
// of it, and the report.
type core struct {
	*Prog
	chains
	lim    Limits
	totals Counters
	tracer Tracer
	view   view

	ev    *Event
	f     *expr.Frame
	at    int64
	seq   uint64        // number of the event among the key's
	recs  []slab.Handle // its records by binding, 0 not made
	held  []int         // bindings whose record was made
	tests int           // runs that may still be tested for this event
	asked asked         // whether the run at hand was
	id    uint64        // hash of its reference, valid if hasID
	hasID bool
	spare []byte  // scratch of Identity
	wide  []uint8 // predicates without a bit: 0 not judged, 1 false, 2 true

	emit   Emit
	match  Match
	events []BoundEvent
}

func newCore(p *Prog, mem *slab.Arena, syms *slab.Symbols, lim Limits) *core {
	lim = lim.filled()
	c := &core{Prog: p, chains: chains{prog: p, mem: mem, syms: syms}, lim: lim, recs: make([]slab.Handle, len(p.Rule.Bindings))}
	c.view = newView(&c.chains, len(p.Rule.Bindings))
	if p.spill {
		c.wide = make([]uint8, len(p.Preds)-64)
	}
	return c
}

// Counters implements Machine.
func (c *core) Counters() Counters { return c.totals }

// SetTracer hooks a tracer in; nil takes it out.
func (c *core) SetTracer(t Tracer) { c.tracer = t }

// begin takes up an event.
func (c *core) begin(ev *Event, seq uint64, emit Emit) {
	c.ev, c.f, c.at, c.seq, c.emit = ev, ev.Frame, ev.Frame.At, seq, emit
	c.tests, c.hasID = c.lim.Tests, false
	clear(c.wide)
	c.f.Syms = c.syms
}

// end lets go of the event.
func (c *core) end() {
	for _, b := range c.held {
		c.releaseRecord(b, c.recs[b])
		c.recs[b] = 0
	}
	c.held = c.held[:0]
	c.ev, c.emit = nil, nil
}

// recordFor returns the event's record for a binding, made when first asked for.
func (c *core) recordFor(binding int) slab.Handle {
	if h := c.recs[binding]; h != 0 {
		return h
	}
	if !c.hasID {
		c.id, c.spare = Identity(c.f, c.spare)
		c.hasID = true
	}
	h := c.newRecord(binding, c.seq, c.at, c.f.Ref, c.id)
	c.Layout.Captures[binding].Store(c.mem.Words(h)[recordWords:], c.f)
	c.recs[binding] = h
	c.held = append(c.held, binding)
	return h
}

// unary says whether the event satisfies the test's predicate.
func (c *core) unary(test int) bool {
	n := c.Tests[test].Pred
	if n < 64 {
		return c.ev.Bits>>n&1 != 0
	}
	w := &c.wide[n-64]
	if *w == 0 {
		*w = 1
		if c.typed(n) && c.Preds[n].holds(c.f, c.ev.Routes) {
			*w = 2
		}
	}
	return *w == 2
}

// typed says that the event is of the predicate's type.
func (c *core) typed(pred int) bool {
	return c.Rule.Routes[c.Preds[pred].Route].Schema == c.f.Table.Schema
}

// fits judges a test for the run with the given chain and start.
func (c *core) fits(test int, head slab.Handle, start int64) bool {
	if !c.unary(test) {
		return false
	}
	cond := c.Tests[test].Cond
	return cond == nil || c.judge(cond, head, start)
}

// asked says whether the run at hand has used up one of the event's tests.
type asked uint8

const (
	notAsked asked = iota
	granted
	denied // none was left: its conditions are false
)

// judge evaluates a run-specific condition of the current event.
func (c *core) judge(cond expr.Cond, head slab.Handle, start int64) bool {
	if c.asked == notAsked {
		c.asked = granted
		if c.tests--; c.tests < 0 {
			c.asked = denied
			c.totals.Budget++
		}
	}
	if c.asked == denied {
		return false
	}
	f := c.f
	f.Bound, f.MatchStart, f.MatchEnd = c.view.on(head), start, c.at
	before, read := f.Failures, c.view.read
	ok := cond(f)
	c.totals.EvalErrors += f.Failures - before
	c.tests -= (c.view.read - read) / eventsPerTest
	return ok
}

// eventsPerTest: a test that reads all events of a run, as a sum does, counts
// as another test for each so many of them.
const eventsPerTest = 128

// passes judges the pattern's where for a run that completes at the given time.
// No event is current in it.
func (c *core) passes(head slab.Handle, start, at int64) bool {
	if c.Where == nil {
		return true
	}
	if len(c.Tracks) > 0 { // a run may have begun with an event that its block has let go
		start = c.timeOf(c.chains.record(c.oldest(head)))
	}
	f := c.f
	table := f.Table
	f.Table = nil
	f.Bound, f.MatchStart, f.MatchEnd = c.view.on(head), start, at
	before := f.Failures
	ok := c.Where(f)
	c.totals.EvalErrors += f.Failures - before
	f.Table = table
	return ok
}

// report emits the match that a chain binds.
func (c *core) report(head slab.Handle, kind cep.MatchKind, at int64, truncated bool) {
	c.collect(head)
	b := c.view.on(head)
	first := c.events[0].At
	c.match = Match{Kind: kind, At: at, FirstAt: first, Truncated: truncated, Bound: b, Events: c.events}
	f := c.f
	f.Bound, f.MatchStart, f.MatchEnd = b, first, at
	c.emit(&c.match)
}

// collect lists a chain's events, oldest first, in c.events.
func (c *core) collect(head slab.Handle) {
	c.events = c.events[:0]
	for h := head; h != 0; {
		w := c.mem.Words(h)
		r := c.mem.Words(slab.Handle(uint32(w[0])))
		c.events = append(c.events, BoundEvent{Binding: int(uint32(w[2])), At: int64(r[1]), Ref: cep.Ref(r[2]), ID: r[3]})
		h = slab.Handle(w[0] >> 32)
	}
	slices.Reverse(c.events)
}

// tracedChain describes a run by its chain.
func (c *core) tracedChain(head slab.Handle, binding, ordinal int) *TracedRun {
	t := &TracedRun{Step: binding, Ordinal: ordinal, At: c.at, Bound: c.view.on(head)}
	if head != 0 {
		r := c.mem.Words(c.chains.record(c.oldest(head)))
		t.FirstAt, t.First = int64(r[1]), cep.Ref(r[2])
		r = c.mem.Words(c.chains.record(head))
		t.LastAt, t.Last = int64(r[1]), cep.Ref(r[2])
	}
	if binding >= 0 {
		t.Count = c.chains.count(head, binding)
	}
	c.collect(head)
	t.Events = c.events
	return t
}

// came says that the event is one of the type and route that a test is about.
func (c *core) came(test int) bool {
	return c.typed(c.Tests[test].Pred) && c.ev.Routes>>c.Preds[c.Tests[test].Pred].Route&1 != 0
}

// refused tells the tracer that the event failed a test of a run.
func (c *core) refused(test int, run *TracedRun, start int64) {
	c.f.Bound, c.f.MatchStart, c.f.MatchEnd = run.Bound, start, c.at
	c.tracer.Refused(run, &c.Tests[test], c.f)
}

// stamp notes that the event is the run's last one.
func (c *core) stamp(r run) {
	r[1], r[3] = uint64(c.at), c.seq
	r.setLen(r.len() + 1)
}
