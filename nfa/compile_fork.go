package nfa

import (
	"slices"

	"github.com/weir-cep/weir/dsl"
)

// The forking program is built as a graph, last step first: each construction
// gets the state to continue with and returns the state to enter by. It follows
// FlinkCEP's own construction (take, ignore and proceed edges), because the
// multiset of matches under match each is FlinkCEP's, with these differences of
// the language: limits in time belong to arrows and loops, not to the states
// that a run happens to wait in, and a pattern that ends in an absence is
// waiting as soon as nothing else is needed.

// vertex is a state under construction.
type vertex struct {
	State
	out     []arc
	binding int
	head    bool
	enters  int // the block that its take edge enters, -1
	num     int // in Fork.States, once numbered
}

type arcKind uint8

const (
	arcTake arcKind = iota
	arcSkip
	arcPass // without an event, judged at the current one
	arcStop
)

type arc struct {
	kind arcKind
	to   *vertex
	no   int
	when cnf
}

func (v *vertex) add(k arcKind, to *vertex, when cnf) {
	v.out = append(v.out, arc{kind: k, to: to, when: when})
}

// clone copies a vertex; arcs to itself lead to the copy.
func (v *vertex) clone() *vertex {
	c := *v
	c.out = nil
	for _, a := range v.out {
		if a.to == v {
			a.to = &c
		}
		c.out = append(c.out, a)
	}
	return &c
}

// weaver builds the graph.
type weaver struct {
	*compiler
	group *loopGroup
	plain map[*vertex]*vertex // what a vertex was before a greedy loop restricted it
	nos   map[*dsl.Absence]int
	cache map[*dsl.StepIR]int // blocks by step
}

// loopGroup is the group that is being built.
type loopGroup struct {
	arrow  dsl.Contiguity // before its first step in this round
	nos    []int          // armed before its first step
	absent bool           // the first round of a group that may be left out
}

func (c *compiler) forking() {
	w := &weaver{compiler: c, plain: map[*vertex]*vertex{}, nos: map[*dsl.Absence]int{}, cache: map[*dsl.StepIR]int{}}
	init := w.sequence(c.Rule.Pattern.Steps, &vertex{State: State{Kind: Final, Label: "match"}, enters: -1})
	if c.err != nil {
		return
	}
	if mayBeEmpty(c.Rule.Pattern.Steps) {
		c.fail("every step is optional")
		return
	}
	c.flatten(init)
	c.layoutRun()
}

func (w *weaver) arm(v *vertex, nos []int) {
	for _, n := range nos {
		v.out = append(v.out, arc{kind: arcStop, no: n, when: all(w.violates(n))})
	}
}

func (w *weaver) sequence(steps []*dsl.StepIR, sink *vertex) *vertex {
	for i := len(steps) - 1; i >= 0 && w.err == nil; i-- {
		s := steps[i]
		switch {
		case s.Kind == dsl.StepNo && s.No.Strict:
			sink = w.next(w.absenceOf(s.No), sink)
		case s.Kind == dsl.StepNo:
			if sink.Kind == Final || sink.Kind == Pending {
				sink = w.closing(w.absenceOf(s.No), sink)
			} // in the middle: stop arcs on the states that follow, see armed
		default:
			sink = w.positive(steps, i, sink)
		}
	}
	return sink
}

// next builds "then immediately no": the very next event decides.
func (w *weaver) next(no int, sink *vertex) *vertex {
	v := &vertex{State: State{Label: w.Nos[no].Label}, enters: -1}
	fits := w.violates(no)
	if sink.Kind == Final { // it takes an event to know
		v.add(arcSkip, sink, not(fits))
	} else {
		v.add(arcPass, sink, not(fits))
	}
	w.arm(v, []int{no})
	return v
}

// closing builds an absence that ends the pattern, or one more of them.
func (w *weaver) closing(no int, sink *vertex) *vertex {
	v := &vertex{State: State{Kind: Pending, Label: w.Nos[no].Label, Nos: []int{no}, Within: w.Nos[no].Within}, enters: -1}
	if sink.Kind == Pending {
		v.Nos = append(v.Nos, sink.Nos...)
		if sink.Within == 0 {
			v.Within = 0
		} else if v.Within > 0 {
			v.Within = max(v.Within, sink.Within)
		}
	}
	w.arm(v, v.Nos)
	v.add(arcSkip, v, nil)
	if v.Within == 0 && w.Rule.Pattern.Within == 0 {
		w.fail("the pattern ends in %q without a limit", v.Label)
	}
	return v
}

// armed returns the absences that a state of step i stands behind: those before
// it, across optional steps, and those before the group that it begins.
func (w *weaver) armed(steps []*dsl.StepIR, i int) (nos []int) {
	for i--; i >= 0; i-- {
		switch s := steps[i]; {
		case s.Kind == dsl.StepNo && !s.No.Strict:
			nos = append(nos, w.absenceOf(s.No))
		case s.Kind == dsl.StepNo || !s.Optional:
			return nos
		}
	}
	if w.group != nil {
		nos = append(nos, w.group.nos...)
	}
	return nos
}

// disarm copies a state without the absences before an optional step, for use
// once that step has been taken.
func (w *weaver) disarm(steps []*dsl.StepIR, i int, v *vertex) *vertex {
	if !steps[i].Optional {
		return v
	}
	nos := w.armed(steps, i)
	if len(nos) == 0 {
		return v
	}
	c := *v
	c.out = nil
	for _, a := range v.out {
		switch {
		case a.kind == arcStop && slices.Contains(nos, a.no):
			continue
		case a.kind == arcPass:
			a.to = w.disarm(steps, i, a.to)
		case a.to == v:
			a.to = &c
		}
		c.out = append(c.out, a)
	}
	return &c
}

func (w *weaver) positive(steps []*dsl.StepIR, i int, sink *vertex) *vertex {
	s := steps[i]
	if s.Kind == dsl.StepGroup && s.Hi != 1 && mayBeEmpty(s.Sub[0]) {
		w.fail("a repeated group must not be empty")
		return sink
	}
	if s.Exactly || s.Until != nil && !s.Before || s.Kind == dsl.StepAllOf {
		w.fail("exactly, until and all of do not fork: they need match first or latest")
		return sink
	}
	var v *vertex
	switch {
	case s.Kind == dsl.StepOneOf:
		v = w.oneOf(s, w.arrow(s, i), sink)
	case s.Hi == 0:
		v = w.times(steps, i, w.loop(steps, i, w.disarm(steps, i, sink)), sink)
	case s.Lo > 1 || s.Hi > 1:
		v = w.times(steps, i, sink, sink)
	default:
		v = w.single(steps, i, round{to: sink, past: sink, free: s.Optional, head: true, absent: s.Optional})
	}
	w.arm(v, w.armed(steps, i))
	return v
}

// oneOf is the state that waits for a block's first event. Inside, the
// alternatives advance as under the other policies, without forks.
func (w *weaver) oneOf(s *dsl.StepIR, arrow dsl.Contiguity, sink *vertex) *vertex {
	b, ok := w.cache[s]
	if !ok {
		b = w.addBlock(s)
		w.cache[s] = b
	}
	v := &vertex{State: State{Label: "one of"}, enters: b, binding: -1}
	var firsts []Lit
	for _, t := range w.Tracks[w.Steps[b].Tracks.from:w.Steps[b].Tracks.to] {
		firsts = append(firsts, Lit{Kind: LitTest, N: w.Steps[t.Steps.from].Test})
	}
	v.add(arcTake, sink, cnf{firsts})
	switch arrow {
	case dsl.Any:
		v.add(arcSkip, v, nil)
	case dsl.Relaxed:
		none := slices.Clone(firsts)
		for i := range none {
			none[i].Not = true
		}
		v.add(arcSkip, v, all(none))
	}
	return v
}

// arrow is the contiguity before step i.
func (w *weaver) arrow(s *dsl.StepIR, i int) dsl.Contiguity {
	if i == 0 && w.group != nil {
		return w.group.arrow
	}
	return s.Arrow
}

// round is one event of a step, or one round of a group.
type round struct {
	to     *vertex // after it
	past   *vertex // instead of it, if free
	free   bool
	head   bool // the first of the step
	absent bool // the first of a group that may be left out
	inner  bool
}

func (w *weaver) vertex(s *dsl.StepIR, head bool) *vertex {
	return &vertex{State: State{Label: w.name(s.Binding)}, binding: s.Binding, head: head, enters: -1}
}

func (w *weaver) single(steps []*dsl.StepIR, i int, q round) *vertex {
	s := steps[i]
	arrow := w.arrow(s, i)
	if q.inner {
		arrow = s.Inner
	}
	if s.Kind == dsl.StepGroup {
		return w.round(steps, i, arrow, q)
	}
	fits := w.takes(s, q.head)
	v := w.vertex(s, q.head)
	to := w.disarm(steps, i, q.to)
	v.add(arcTake, to, all(fits))
	if q.free {
		if o := w.plain[q.past]; s.Greedy && s.Before && o != nil {
			v.add(arcPass, o, all(w.stops(s)))
			v.add(arcPass, q.past, not(w.stops(s)))
		} else {
			v.add(arcPass, q.past, nil)
		}
	}
	if ign, ok := w.ignoring(s, arrow, q.head, q.inner); ok {
		wait := v
		if q.free || i == 0 && w.group != nil && w.group.absent {
			wait = w.vertex(s, q.head)
			wait.add(arcTake, to, all(fits))
			wait.add(arcSkip, wait, ign)
			w.arm(wait, w.armed(steps, i))
		}
		v.add(arcSkip, wait, ign)
	}
	return v
}

// round builds one round of a group.
func (w *weaver) round(steps []*dsl.StepIR, i int, arrow dsl.Contiguity, q round) *vertex {
	outer := w.group
	to := w.disarm(steps, i, q.to)
	g := &loopGroup{arrow: arrow, absent: q.absent || !q.inner && i == 0 && outer != nil && outer.absent}
	if !q.inner {
		g.nos = w.armed(steps, i)
	}
	w.group = g
	v := w.sequence(steps[i].Sub[0], to)
	w.group = outer
	if q.free {
		v.add(arcPass, q.past, nil)
	}
	return v
}

// times builds Hi-Lo optional rounds, Lo-1 required ones and the first one.
func (w *weaver) times(steps []*dsl.StepIR, i int, sink, past *vertex) *vertex {
	s := steps[i]
	hi := max(s.Hi, s.Lo)
	if hi > maxSteps {
		w.fail("more than %d events of one step", maxSteps)
		return sink
	}
	if s.Greedy && s.Lo != hi {
		w.greedy(s, past)
	}
	last := sink
	for n := 1; n < hi; n++ {
		free := n <= hi-s.Lo
		last = w.single(steps, i, round{to: last, past: past, free: free, inner: true})
		if !free && s.Kind == dsl.StepEvent {
			w.needs(last, s)
		}
		w.follow(steps, i, last)
	}
	return w.single(steps, i, round{to: last, past: past, free: s.Optional, head: true, absent: s.Optional})
}

// needs marks the states that wait for a further required event of a step.
func (w *weaver) needs(v *vertex, s *dsl.StepIR) {
	v.Needs = Span{s.Within, s.Gap}
	for _, a := range v.out { // where it waits once it has ignored an event
		if a.kind == arcSkip && a.to.binding == v.binding {
			a.to.Needs = v.Needs
		}
	}
}

// follow arms the absence behind step i on a state of the step itself: under
// match each it is armed from a repeated step's first event on, as in FlinkCEP.
func (w *weaver) follow(steps []*dsl.StepIR, i int, v *vertex) {
	if i+1 < len(steps) && steps[i+1].Kind == dsl.StepNo && !steps[i+1].No.Strict {
		w.arm(v, []int{w.absenceOf(steps[i+1].No)})
	}
}

// greedy forbids the following state whatever the loop itself takes.
func (w *weaver) greedy(s *dsl.StepIR, past *vertex) {
	if s.Before {
		w.plain[past] = past.clone()
	}
	if s.Kind != dsl.StepEvent { // a group's own condition is always true
		return
	}
	fits := w.takes(s, false)
	for k := range past.out {
		past.out[k].when = both(past.out[k].when, not(fits))
	}
}

func (w *weaver) loop(steps []*dsl.StepIR, i int, sink *vertex) *vertex {
	s := steps[i]
	if s.Kind == dsl.StepGroup {
		back := &vertex{State: State{Label: "round"}, enters: -1}
		v := w.round(steps, i, s.Inner, round{to: back, past: sink, free: true, inner: true})
		back.add(arcPass, v, nil)
		return v
	}
	fits := w.takes(s, false)
	v := w.vertex(s, false)
	if s.Greedy {
		w.greedy(s, sink)
	}
	if s.Greedy && s.Before {
		v.add(arcPass, w.plain[sink], all(w.stops(s)))
		v.add(arcPass, sink, not(w.stops(s)))
	} else {
		v.add(arcPass, sink, nil)
	}
	v.add(arcTake, v, all(fits))
	w.follow(steps, i, v)
	if ign, ok := w.ignoring(s, s.Inner, false, true); ok {
		wait := w.vertex(s, false)
		wait.add(arcTake, v, all(fits))
		wait.add(arcSkip, wait, ign)
		w.follow(steps, i, wait)
		v.add(arcSkip, wait, ign)
	}
	return v
}
