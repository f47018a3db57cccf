package nfa

import "github.com/weir-cep/weir/dsl"

// terms splits a condition at its "and"s. Truth is two-valued and a failed
// condition is false, so the order in which terms are judged never changes the
// whole; only terms that guard others must stay before them, and a guard of a
// unary term is unary.
func terms(e *dsl.Expr) []*dsl.Expr {
	if e == nil {
		return nil
	}
	if e.Op != dsl.OpAnd {
		return []*dsl.Expr{e}
	}
	var out []*dsl.Expr
	for _, a := range e.Args {
		out = append(out, terms(a)...)
	}
	return out
}

// and joins terms again; nil for none.
func and(ts []*dsl.Expr) *dsl.Expr {
	switch len(ts) {
	case 0:
		return nil
	case 1:
		return ts[0]
	}
	return &dsl.Expr{Op: dsl.OpAnd, Type: ts[0].Type, Args: ts, Span: ts[0].Span}
}

// readsRun says whether the value depends on the run and not on the event
// alone. A feature does if its key is read from a bound event.
func readsRun(r *dsl.RuleIR, e *dsl.Expr) bool {
	switch e.Op {
	case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg, dsl.OpMatchStart, dsl.OpMatchEnd:
		return true
	case dsl.OpFeature:
		for _, k := range r.Reads[e.Index].Keys {
			if readsRun(r, k) {
				return true
			}
		}
	}
	for _, a := range e.Args {
		if readsRun(r, a) {
			return true
		}
	}
	return false
}
