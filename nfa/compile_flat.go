package nfa

import (
	"fmt"
	"slices"
)

// maxEdges bounds the automaton of one pattern.
const maxEdges = 1 << 16

// flattener numbers the graph's states and follows its pass edges once and for
// all: every path of them to a take, skip or stop edge becomes one edge with
// the whole path's condition.
type flattener struct {
	*compiler
	f     *Fork
	order []*vertex
	seen  map[*vertex]bool
	conds map[string]seg
}

func (c *compiler) flatten(init *vertex) {
	f := &flattener{compiler: c, f: &Fork{}, seen: map[*vertex]bool{}, conds: map[string]seg{}}
	c.Fork = f.f
	f.number(init)
	for i := 0; i < len(f.order) && c.err == nil; i++ {
		f.state(f.order[i])
	}
	if c.err != nil {
		return
	}
	for i := range f.f.States {
		f.f.closes = f.f.closes || f.f.States[i].Kind == Pending
		f.sensitive(&f.f.States[i])
	}
	f.f.Init = init.num
	for _, e := range f.f.edges(init.num) {
		if e.Kind == Take {
			c.startBits |= f.bits(e.When)
		}
	}
}

func (f *Fork) edges(state int) []Edge {
	s := f.States[state].Edges
	return f.Edges[s.from:s.to]
}

func (f *flattener) number(v *vertex) int {
	if !f.seen[v] {
		f.seen[v] = true
		v.num = len(f.order)
		f.order = append(f.order, v)
		f.f.States = append(f.f.States, v.State)
		if len(f.order) > maxSteps {
			f.fail("the pattern has more than %d states", maxSteps)
		}
	}
	return v.num
}

// state fills in the edges and aims of one state.
func (f *flattener) state(v *vertex) {
	num := v.num
	edges, aims := len(f.f.Edges), len(f.f.Aims)
	f.follow(v, v, nil, 0)
	var found []Aim
	f.aims(v, nil, &found)
	f.f.Aims = append(f.f.Aims, found...)
	closing := f.closing(v, 0)
	st := &f.f.States[num]
	st.Closing = closing
	st.Edges = seg{edges, len(f.f.Edges)}
	st.Aims = seg{aims, len(f.f.Aims)}
	// Stops are judged first: they decide what else may come of the event.
	slices.SortStableFunc(f.f.Edges[edges:], func(a, b Edge) int {
		return b2i(b.Kind == Stop) - b2i(a.Kind == Stop)
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// follow adds the edges of v as edges of the state from.
func (f *flattener) follow(from, v *vertex, when cnf, depth int) {
	if depth > maxSteps || len(f.f.Edges) > maxEdges {
		f.fail("the pattern has more than %d edges", maxEdges)
		return
	}
	for _, a := range v.out {
		cond := both(when, a.when)
		switch a.kind {
		case arcPass:
			f.follow(from, a.to, cond, depth+1)
		case arcStop:
			f.add(Edge{Kind: Stop, Block: -1, No: a.no, When: f.cond(cond)})
		case arcSkip:
			f.add(Edge{Kind: Skip, To: f.number(a.to), Block: -1, When: f.cond(cond)})
		case arcTake:
			e := Edge{Kind: Take, To: f.number(a.to), Binding: v.binding, Head: v.head, Block: -1, When: f.cond(cond)}
			if v.enters >= 0 {
				e.Block = f.inside(v, e.To)
			}
			f.add(e)
		}
	}
}

func (f *flattener) add(e Edge) {
	f.f.Edges = append(f.f.Edges, e)
}

// inside numbers the state of runs that are in the block which v enters.
func (f *flattener) inside(v *vertex, onward int) int {
	for i, s := range f.f.States {
		if s.Kind == Inside && s.Block == v.enters && s.Onward == onward {
			return i
		}
	}
	in := &vertex{State: State{Kind: Inside, Label: "in " + v.Label, Block: v.enters, Onward: onward}, enters: -1}
	return f.number(in)
}

// aims finds the ways to the final state by pass edges alone.
func (f *flattener) aims(v *vertex, when cnf, found *[]Aim) {
	for _, a := range v.out {
		if a.kind != arcPass || len(*found) > maxEdges {
			continue
		}
		cond := both(when, a.when)
		if a.to.Kind == Final {
			*found = append(*found, Aim{f.number(a.to), f.cond(cond)})
			continue
		}
		f.aims(a.to, cond, found)
	}
}

// closing is the pending state that pass edges alone lead to, -1 for none. What
// stands on the edges is about events; here it is time that passes.
func (f *flattener) closing(v *vertex, depth int) int {
	if v.Kind == Pending {
		return f.number(v)
	}
	for _, a := range v.out {
		if a.kind == arcPass && depth < maxSteps {
			if n := f.closing(a.to, depth+1); n >= 0 {
				return n
			}
		}
	}
	return -1
}

// cond stores a condition; equal ones are stored once.
func (f *flattener) cond(c cnf) seg {
	var kept cnf
	for _, clause := range c {
		if !slices.ContainsFunc(kept, func(k []Lit) bool { return slices.Equal(k, clause) }) {
			kept = append(kept, clause)
		}
	}
	key := fmt.Sprint(kept)
	if s, ok := f.conds[key]; ok {
		return s
	}
	s := seg{from: len(f.f.Terms)}
	for _, clause := range kept {
		from := len(f.f.Lits)
		f.f.Lits = append(f.f.Lits, clause...)
		f.f.Terms = append(f.f.Terms, Clause{seg{from, len(f.f.Lits)}})
	}
	s.to = len(f.f.Terms)
	f.conds[key] = s
	return s
}

// bits are the events that can satisfy a condition: one of its clauses needs
// one of these bits.
func (f *flattener) bits(when seg) (set uint64) {
	for _, t := range f.f.Terms[when.from:when.to] {
		for _, l := range f.f.Lits[t.Lits.from:t.Lits.to] {
			if l.Kind == LitTest && !l.Not {
				set |= f.bitOf(l.N)
			}
		}
	}
	return set
}

// sensitive finds out which events a state looks at: it is inert if an event
// that fits no test leaves a run exactly where it is.
func (f *flattener) sensitive(s *State) {
	if s.Kind == Inside {
		f.touches(&f.Steps[s.Block])
		s.touch, s.inert = f.Steps[s.Block].touch, !f.Steps[s.Block].alert
		return
	}
	s.inert = true
	stays := 0
	for _, e := range f.f.Edges[s.Edges.from:s.Edges.to] {
		for _, t := range f.f.Terms[e.When.from:e.When.to] {
			for _, l := range f.f.Lits[t.Lits.from:t.Lits.to] {
				if l.Kind == LitTest {
					s.touch |= f.bitOf(l.N)
					s.inert = s.inert && f.Tests[l.N].Pred < 64
				}
			}
		}
		switch v := f.idle(e.When); {
		case v == isFalse:
		case v == isTrue && e.Kind == Skip && &f.f.States[e.To] == s:
			stays++
		default:
			s.inert = false
		}
	}
	s.inert = s.inert && stays > 0
	f.strict = f.strict || !s.inert && s.Kind != Final
}

// truth is what is known of a condition for an event that fits no test.
type truth uint8

const (
	isFalse truth = iota
	isTrue
	unknown
)

// idle judges a condition with all tests false and all limits open.
func (f *flattener) idle(when seg) truth {
	out := isTrue
	for _, t := range f.f.Terms[when.from:when.to] {
		v := isFalse
		for _, l := range f.f.Lits[t.Lits.from:t.Lits.to] {
			switch {
			case l.Kind == LitTest && l.Not, l.Kind == LitBegun && !l.Not:
				v = isTrue
			case l.Kind != LitTest && l.Kind != LitBegun && v == isFalse:
				v = unknown
			}
		}
		if v == isFalse {
			return isFalse
		}
		if v == unknown {
			out = unknown
		}
	}
	return out
}
