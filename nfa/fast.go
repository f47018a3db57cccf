package nfa

import (
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// The fast machine runs match first for flat patterns whose conditions treat
// all runs of a step alike. It keeps no runs. Since such runs can't overtake
// each other (of two at one step, whatever takes the earlier start takes the
// later one too, or leaves it behind), the live starts of a key, in time order,
// are cut into intervals, furthest step first: step i holds the starts
// [lo, hi). An event moves, absorbs or kills whole intervals, at a cost that
// does not depend on how many runs are open:
//
//	starts  s0 s1 s2 s3 s4 s5 s6        newest last
//	        └step 2┘ └step 1┘ └ step 0 ┘
//
// What a step has taken is a log of its events, each with the interval of
// starts that took it. A start's bindings are, in every log, the stretch of
// entries whose interval holds it; nothing is stored per run but its start.
// The starts are the log of step 0, which is always mandatory.
//
// There are no runs that a tracer could watch: who wants to see them takes
// Prog.NewGeneral, which gives the same matches.
//
// Dead starts stay where they are, marked, until they are at the front or
// until the ring would have to grow; see squeeze.
//
// fast_class.go decides which programs are of the class, fast_layout.go how a
// key's state lies in its slot, fast_event.go and fast_step.go are the rules of
// a run for intervals, fast_time.go the clock, fast_view.go a start's bindings.
type coalesced struct {
	*fastProg
	mem    *slab.Arena
	syms   *slab.Symbols
	lim    Limits
	totals Counters

	// A key's state, taken apart for the event or advance in progress.
	slot    slab.Handle
	words   []uint64
	base    uint32 // number of the first start in ring 0
	count   uint64 // events of the key so far; only if numbered
	cuts    []cut
	rings   []ring
	crowded bool // some log is full, and much of it may be dead
	crowd   int  // entries from which on a full log is worth squeezing

	ev    *Event
	f     *expr.Frame
	at    int64
	seq   uint64
	exp   uint32 // starts before it have outlived the pattern's within
	tests int
	skip  int // step that no run can take the event as, -1 none

	emit     Emit
	match    Match
	events   []BoundEvent
	view     startView
	record   []uint64 // of the completing event
	id       uint64
	hasID    bool
	spare    []byte
	marks    []uint32 // scratch of squeeze
	squeezes int
}

// cut is one step's interval of starts.
type cut struct {
	lo, hi uint32
	full   uint32 // starts below it absorb no more: maximum, span or gap

	// What the event in progress did, kept apart until all steps have seen it.
	arrived, absorbed bool
	from, to          uint32 // starts that arrive
	absorbs           uint32 // starts from here on absorb
}

// fastLimit bounds what the words of a slot's header can count.
const fastLimit = 1 << 20

func init() {
	fastMachine = func(p *Prog) (func(*slab.Arena, *slab.Symbols, Limits) Machine, string) {
		c, why := classify(p)
		if c == nil {
			return nil, why
		}
		return func(mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine { return newCoalesced(c, mem, syms, lim) }, why
	}
	fastBound = func(p *Prog, lim Limits) StateBound {
		c, _ := classify(p)
		return c.bound(lim)
	}
}

func newCoalesced(p *fastProg, mem *slab.Arena, syms *slab.Symbols, lim Limits) *coalesced {
	bound := func(n, standard int) int {
		if n <= 0 {
			n = standard
		}
		return min(n, fastLimit)
	}
	lim.Starts = bound(lim.Starts, DefaultStarts)
	lim.Events = bound(lim.Events, DefaultEvents)
	if lim.Tests <= 0 {
		lim.Tests = lim.Starts
	}
	m := &coalesced{fastProg: p, mem: mem, syms: syms, lim: lim, skip: -1, crowd: 16,
		cuts: make([]cut, len(p.steps)), rings: make([]ring, len(p.rings))}
	m.view.m = m
	m.record = make([]uint64, p.last().caps.Words())
	return m
}

// Counters implements Machine.
func (m *coalesced) Counters() Counters { return m.totals }
