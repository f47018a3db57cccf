package nfa

import "github.com/weir-cep/weir/dsl"

// refCond is a condition on the current event for a run.
type refCond func(e *refEvent, r *refForked) bool

type refEdgeKind int

const (
	refTake refEdgeKind = iota
	refSkip             // stay unbound: the event is ignored
	refPass             // without an event, tested against the current event
)

type refEdge struct {
	kind refEdgeKind
	to   *refState
	when refCond // nil: always
}

type refStateKind int

const (
	refNormal  refStateKind = iota
	refFinal                // a match
	refStop                 // an absence was violated
	refPending              // complete but for the passing of time
	refInside               // in a block that is not complete
)

type refState struct {
	kind   refStateKind
	step   *dsl.StepIR // what a take edge binds the event to
	head   bool        // … as the first event of a stay
	needs  *dsl.StepIR // the repeated step that has not its minimum here
	no     *dsl.Absence
	within int64 // pending: since the run's last event; 0 to the end of the pattern's within
	block  *dsl.StepIR
	onward *refState // inside: where the block leads to
	out    []refEdge
}

func (s *refState) add(k refEdgeKind, to *refState, when refCond) {
	s.out = append(s.out, refEdge{k, to, when})
}

// clone copies a state; edges to itself lead to the copy.
func (s *refState) clone() *refState {
	c := *s
	c.out = nil
	for _, g := range s.out {
		if g.to == s {
			g.to = &c
		}
		c.out = append(c.out, g)
	}
	return &c
}

// spent says that the run can get no further here: its step or block has not
// what it needs and its time is over.
func (s *refState) spent(r *refForked, at int64) bool {
	if s.block != nil {
		return r.tracks != nil && s.block.Within > 0 && at-r.since > s.block.Within
	}
	return s.needs != nil && !refInTime(s.needs, r, at)
}

// refInTime: a repeated step may absorb at this time.
func refInTime(s *dsl.StepIR, r *refForked, at int64) bool {
	if s.Gap > 0 && at-r.last.at > s.Gap {
		return false
	}
	if s.Within > 0 {
		for i := len(r.binds) - 1; i >= 0; i-- {
			if b := r.binds[i]; b.head {
				return at-b.e.at <= s.Within
			}
		}
	}
	return true
}

// refBuilder turns steps into states, last step first: each construction gets
// the state to continue with and returns the state to enter by. It follows the
// construction of FlinkCEP's NFA, whose answers recorded cases hold it to.
type refBuilder struct {
	refRule
	group    *refGroup // the innermost group, nil at top level
	original map[*refState]*refState
}

// refGroup is the group that is being built.
type refGroup struct {
	*dsl.StepIR
	arrow dsl.Contiguity // before its first step in this round
	nos   []*dsl.Absence // armed before its first step
	first bool           // the first round of a group that may be left out
}

func refNot(p refCond) refCond { return func(e *refEvent, r *refForked) bool { return !p(e, r) } }

func refAnd(p, q refCond) refCond {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	return func(e *refEvent, r *refForked) bool { return p(e, r) && q(e, r) }
}

// absence is violated by the event. Before the first event of a run none is
// armed.
func (b *refBuilder) absence(a *dsl.Absence) refCond {
	return func(e *refEvent, r *refForked) bool {
		return r.last != nil && (a.Within == 0 || e.at-r.last.at <= a.Within) && b.absent(a, e, r.binds)
	}
}

func (b *refBuilder) sequence(steps []*dsl.StepIR, sink *refState) *refState {
	for i := len(steps) - 1; i >= 0; i-- {
		s := steps[i]
		switch {
		case s.Kind == dsl.StepNo && s.No.Strict:
			fits := b.absence(s.No)
			st := &refState{no: s.No}
			if sink.kind == refFinal { // it takes an event to know
				st.add(refSkip, sink, refNot(fits))
			} else {
				st.add(refPass, sink, refNot(fits))
			}
			b.arm(st, []*dsl.Absence{s.No})
			sink = st
		case s.Kind == dsl.StepNo:
			if sink.kind == refFinal || sink.kind == refPending {
				st := &refState{kind: refPending, no: s.No, within: s.No.Within}
				b.arm(st, []*dsl.Absence{s.No})
				st.add(refSkip, st, nil)
				if sink.kind == refPending { // several close the pattern: all must be over
					b.arm(st, []*dsl.Absence{sink.no})
					st.within = refLonger(st.within, sink.within)
				}
				sink = st
			} // in the middle: stop edges on the states that follow, see armed
		default:
			sink = b.positive(steps, i, sink)
		}
	}
	return sink
}

func refLonger(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// armed returns the absences that a state of step i stands behind: those before
// it, across optional steps, and those before the group that it begins.
func (b *refBuilder) armed(steps []*dsl.StepIR, i int) (nos []*dsl.Absence) {
	for i--; i >= 0; i-- {
		s := steps[i]
		switch {
		case s.Kind == dsl.StepNo && !s.No.Strict:
			nos = append(nos, s.No)
		case s.Kind == dsl.StepNo || !s.Optional:
			return nos
		}
	}
	if b.group != nil {
		nos = append(nos, b.group.nos...)
	}
	return nos
}

func (b *refBuilder) arm(st *refState, nos []*dsl.Absence) {
	for _, n := range nos {
		stop := &refState{kind: refStop, no: n}
		stop.add(refTake, stop, nil)
		st.add(refPass, stop, b.absence(n))
	}
}

// disarm copies the state without the absences before an optional step, for
// use once that step has been taken.
func (b *refBuilder) disarm(steps []*dsl.StepIR, i int, st *refState) *refState {
	nos := b.armed(steps, i)
	if len(nos) == 0 || !steps[i].Optional {
		return st
	}
	c := *st
	c.out = nil
	for _, g := range st.out {
		switch {
		case g.kind == refPass && g.to.kind == refStop:
			drop := false
			for _, n := range nos {
				drop = drop || n == g.to.no
			}
			if drop {
				continue
			}
		case g.kind == refPass:
			g.to = b.disarm(steps, i, g.to)
		case g.to == st:
			g.to = &c
		}
		c.out = append(c.out, g)
	}
	return &c
}

func (b *refBuilder) positive(steps []*dsl.StepIR, i int, sink *refState) *refState {
	s := steps[i]
	var st *refState
	switch {
	case s.Kind == dsl.StepOneOf:
		st = b.oneOf(s, b.arrow(s, i), sink)
	case s.Hi == 0:
		st = b.times(steps, i, b.loop(steps, i, b.disarm(steps, i, sink)), sink)
	case s.Lo > 1 || s.Hi > 1:
		st = b.times(steps, i, sink, sink)
	default:
		st = b.single(steps, i, refRound{to: sink, past: sink, free: s.Optional, head: true, first: s.Optional})
	}
	b.arm(st, b.armed(steps, i))
	return st
}

// oneOf is a state that waits for a block's first event. Decision: inside, the
// alternatives advance as under the other policies, without forks.
func (b *refBuilder) oneOf(s *dsl.StepIR, arrow dsl.Contiguity, sink *refState) *refState {
	st := &refState{block: s}
	fits := func(e *refEvent, r *refForked) bool { return b.begins(s, e, r.binds) }
	st.add(refTake, sink, fits)
	if ign := b.ignoring(arrow, fits); ign != nil {
		st.add(refSkip, st, ign)
	}
	return st
}

// fitting is the condition that the event fits the step and is in time, as the
// first of a stay or as a further one.
func (b *refBuilder) fitting(s *dsl.StepIR, head bool) refCond {
	return func(e *refEvent, r *refForked) bool {
		inTime := true
		switch {
		case !repeats(s):
			inTime = s.Within == 0 || r.last == nil || e.at-r.last.at <= s.Within
		case !head && len(r.binds) > 0 && r.binds[len(r.binds)-1].binding == s.Binding:
			inTime = refInTime(s, r, e.at)
		}
		return inTime && b.fits(s.Route, s.Where, e, r.binds)
	}
}

// until is "until before". Decision: under match each it is looked at from the
// first event on, as in FlinkCEP, and not from the step's minimum on.
func (b *refBuilder) until(s *dsl.StepIR) refCond {
	return func(e *refEvent, r *refForked) bool { return s.Before && b.fits(s.Route, s.Until, e, r.binds) }
}

// takes is the condition to bind the event to the step.
func (b *refBuilder) takes(s *dsl.StepIR, head bool) refCond {
	if !s.Before {
		return b.fitting(s, head)
	}
	return refAnd(b.fitting(s, head), refNot(b.until(s)))
}

// arrow is the contiguity before step i.
func (b *refBuilder) arrow(s *dsl.StepIR, i int) dsl.Contiguity {
	if i == 0 && b.group != nil {
		return b.group.arrow
	}
	return s.Arrow
}

// ignoring is the condition to let an event pass, nil for never.
func (b *refBuilder) ignoring(arrow dsl.Contiguity, fits refCond) refCond {
	switch arrow {
	case dsl.Strict:
		return nil
	case dsl.Any:
		return func(*refEvent, *refForked) bool { return true }
	}
	return refNot(fits)
}

// refRound is one event of a step, or one round of a group.
type refRound struct {
	to    *refState // after it
	past  *refState // instead of it, if free
	free  bool
	head  bool // the first of the step
	first bool // the first of a group that may be left out
	inner bool
}

func (b *refBuilder) single(steps []*dsl.StepIR, i int, q refRound) *refState {
	s := steps[i]
	arrow := b.arrow(s, i)
	if q.inner {
		arrow = s.Inner
	}
	if s.Kind == dsl.StepGroup {
		return b.round(steps, i, arrow, q)
	}
	fits := b.takes(s, q.head)
	st := &refState{step: s, head: q.head}
	to := b.disarm(steps, i, q.to)
	st.add(refTake, to, fits)
	if q.free {
		if o := b.original[q.past]; s.Greedy && s.Before && o != nil {
			st.add(refPass, o, b.until(s))
			st.add(refPass, q.past, refNot(b.until(s)))
		} else {
			st.add(refPass, q.past, nil)
		}
	}
	if ign := b.ignoring(arrow, b.fitting(s, q.head)); ign != nil {
		if s.Before && q.inner {
			ign = refAnd(refNot(b.until(s)), ign)
		}
		wait := st
		if q.free || i == 0 && b.group != nil && b.group.first {
			wait = &refState{step: s, head: q.head}
			wait.add(refTake, to, fits)
			wait.add(refSkip, wait, ign)
			b.arm(wait, b.armed(steps, i))
		}
		st.add(refSkip, wait, ign)
	}
	return st
}

// round builds one round of a group.
func (b *refBuilder) round(steps []*dsl.StepIR, i int, arrow dsl.Contiguity, q refRound) *refState {
	s, outer := steps[i], b.group
	to := b.disarm(steps, i, q.to)
	g := &refGroup{StepIR: s, arrow: arrow, first: q.first || !q.inner && i == 0 && outer != nil && outer.first}
	if !q.inner {
		g.nos = b.armed(steps, i)
	}
	b.group = g
	st := b.sequence(s.Sub[0], to)
	b.group = outer
	if q.free {
		st.add(refPass, q.past, nil)
	}
	return st
}

// times builds Hi-Lo optional rounds, Lo-1 required ones and the first one.
func (b *refBuilder) times(steps []*dsl.StepIR, i int, sink, past *refState) *refState {
	s := steps[i]
	hi := max(s.Hi, s.Lo)
	if s.Greedy && s.Lo != hi {
		b.greedy(s, past)
	}
	last := sink
	for n := 1; n < hi; n++ {
		free := n <= hi-s.Lo
		last = b.single(steps, i, refRound{to: last, past: past, free: free, inner: true})
		if !free {
			b.needs(last, s)
		}
		b.follow(steps, i, last)
	}
	return b.single(steps, i, refRound{to: last, past: past, free: s.Optional, head: true, first: s.Optional})
}

// needs marks the states that wait for a further required event of a step.
func (b *refBuilder) needs(st *refState, s *dsl.StepIR) {
	if s.Kind != dsl.StepEvent {
		return
	}
	st.needs = s
	for _, g := range st.out { // where it waits once it has ignored an event
		if g.kind == refSkip && g.to.step == s {
			g.to.needs = s
		}
	}
}

// follow arms the absence behind step i on a state of the step itself: under
// match each it is armed from a repeated step's first event on, as in FlinkCEP.
func (b *refBuilder) follow(steps []*dsl.StepIR, i int, st *refState) {
	if i+1 < len(steps) && steps[i+1].Kind == dsl.StepNo && !steps[i+1].No.Strict {
		b.arm(st, []*dsl.Absence{steps[i+1].No})
	}
}

// greedy forbids the following state whatever the loop itself takes.
func (b *refBuilder) greedy(s *dsl.StepIR, past *refState) {
	if s.Before {
		if b.original == nil {
			b.original = map[*refState]*refState{}
		}
		b.original[past] = past.clone()
	}
	if s.Kind != dsl.StepEvent { // a group's own condition is always true
		return
	}
	fits := b.takes(s, false)
	for k := range past.out {
		past.out[k].when = refAnd(past.out[k].when, refNot(fits))
	}
}

func (b *refBuilder) loop(steps []*dsl.StepIR, i int, sink *refState) *refState {
	s := steps[i]
	if s.Kind == dsl.StepGroup {
		back := &refState{}
		st := b.round(steps, i, s.Inner, refRound{to: back, past: sink, free: true, inner: true})
		back.add(refPass, st, nil)
		return st
	}
	fits, until := b.takes(s, false), b.until(s)
	st := &refState{step: s}
	switch {
	case s.Greedy && s.Before:
		b.greedy(s, sink)
		st.add(refPass, b.original[sink], until)
		st.add(refPass, sink, refNot(until))
	case s.Greedy:
		b.greedy(s, sink)
		st.add(refPass, sink, nil)
	default:
		st.add(refPass, sink, nil)
	}
	st.add(refTake, st, fits)
	b.follow(steps, i, st)
	if ign := b.ignoring(s.Inner, b.fitting(s, false)); ign != nil {
		if s.Before {
			ign = refAnd(refNot(until), ign)
		}
		wait := &refState{step: s}
		wait.add(refTake, st, fits)
		wait.add(refSkip, wait, ign)
		b.follow(steps, i, wait)
		st.add(refSkip, wait, ign)
	}
	return st
}
