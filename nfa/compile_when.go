package nfa

import (
	"slices"

	"github.com/weir-cep/weir/dsl"
)

// The conditions of the forking program.

// cnf is a conjunction of clauses; empty is true.
type cnf [][]Lit

func all(lits []Lit) (c cnf) {
	for _, l := range lits {
		c = append(c, []Lit{l})
	}
	return c
}

// not negates a conjunction of literals.
func not(lits []Lit) cnf {
	clause := slices.Clone(lits)
	for i := range clause {
		clause[i].Not = !clause[i].Not
	}
	return cnf{clause}
}

func both(a, b cnf) cnf { return append(slices.Clone(a), b...) }

// absenceOf numbers a "no" of the pattern.
func (w *weaver) absenceOf(a *dsl.Absence) int {
	n, ok := w.nos[a]
	if !ok {
		n = len(w.Nos)
		w.Nos = append(w.Nos, No{Label: w.noLabel(a), Test: w.absence(a), Strict: a.Strict, Within: a.Within})
		w.nos[a] = n
	}
	return n
}

// violates is the condition that an event is one that must not come.
func (w *weaver) violates(no int) []Lit {
	lits := []Lit{{Kind: LitTest, N: w.Nos[no].Test}, {Kind: LitBegun}}
	if d := w.Nos[no].Within; d > 0 {
		lits = append(lits, Lit{Kind: LitSince, D: d})
	}
	return lits
}

// fitting is the condition that the event fits the step and is in time, as the
// first of a stay or as a further one.
func (w *weaver) fitting(s *dsl.StepIR, head bool) []Lit {
	lits := []Lit{{Kind: LitTest, N: w.test(s.Route, s.Where)}}
	switch {
	case s.Hi == 1 && s.Within > 0:
		lits = append(lits, Lit{Kind: LitSince, D: s.Within})
	case s.Hi != 1 && !head && (s.Within > 0 || s.Gap > 0):
		lits = append(lits, Lit{Kind: LitStay, N: s.Binding, Span: Span{s.Within, s.Gap}})
	}
	return lits
}

// takes is the condition to bind the event to the step.
func (w *weaver) takes(s *dsl.StepIR, head bool) []Lit {
	lits := w.fitting(s, head)
	if s.Before {
		lits = append(lits, Lit{Kind: LitTest, N: w.test(s.Route, s.Until), Not: true})
	}
	return lits
}

// stops is the condition that "until before" holds. Under match each it is
// looked at from the first event on, as in FlinkCEP, not from the minimum on.
func (w *weaver) stops(s *dsl.StepIR) []Lit {
	return []Lit{{Kind: LitTest, N: w.test(s.Route, s.Until)}}
}

// ignoring is the condition to let an event pass; ok false: never.
func (w *weaver) ignoring(s *dsl.StepIR, arrow dsl.Contiguity, head, inner bool) (c cnf, ok bool) {
	switch arrow {
	case dsl.Strict:
		return nil, false
	case dsl.Relaxed:
		c = not(w.fitting(s, head))
	}
	if s.Before && inner {
		c = both(c, not(w.stops(s)))
	}
	return c, true
}
