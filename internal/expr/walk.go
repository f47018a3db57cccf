package expr

import "github.com/weir-cep/weir/dsl"

// Terms splits a conjunction: e holds if and only if every term does. Nested
// conjunctions are opened; the order is kept. A nil expression has none.
func Terms(e *dsl.Expr) []*dsl.Expr {
	if e == nil {
		return nil
	}
	if e.Op != dsl.OpAnd {
		return []*dsl.Expr{e}
	}
	var ts []*dsl.Expr
	for _, a := range e.Args {
		ts = append(ts, Terms(a)...)
	}
	return ts
}

// Walk calls visit for e and everything under it, operands after their
// operation. Where visit returns false it goes no deeper.
func Walk(e *dsl.Expr, visit func(*dsl.Expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, a := range e.Args {
		Walk(a, visit)
	}
}

// Any says whether test holds for e or something under it.
func Any(e *dsl.Expr, test func(*dsl.Expr) bool) bool {
	found := false
	Walk(e, func(e *dsl.Expr) bool {
		found = found || test(e)
		return !found
	})
	return found
}

// ReadsBound says whether an expression depends on the run: on events that it
// has bound, or on when the match began or ended. One that does not is unary:
// it can be judged once for an event, whatever runs are open.
func ReadsBound(e *dsl.Expr) bool {
	return Any(e, func(e *dsl.Expr) bool {
		switch e.Op {
		case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg, dsl.OpMatchStart, dsl.OpMatchEnd:
			return true
		}
		return false
	})
}

// ReadsStep says whether an expression reads the events that a step has bound.
func ReadsStep(e *dsl.Expr, step int) bool {
	return Any(e, func(e *dsl.Expr) bool {
		switch e.Op {
		case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg:
			return e.Step == step
		}
		return false
	})
}

// ReadsField says whether an expression reads the current event.
func ReadsField(e *dsl.Expr) bool {
	return Any(e, func(e *dsl.Expr) bool { return e.Op == dsl.OpField })
}

// ReadsFeature says whether an expression reads windows or features, so that
// its value depends on the time and the key's history.
func ReadsFeature(e *dsl.Expr) bool {
	return Any(e, func(e *dsl.Expr) bool { return e.Op == dsl.OpFeature || e.Op == dsl.OpAgg })
}

// ReadsKey says whether an expression reads the rule's key.
func ReadsKey(e *dsl.Expr) bool {
	return Any(e, func(e *dsl.Expr) bool { return e.Op == dsl.OpKey })
}

// Fields returns the fields of the current event that an expression reads,
// each once, in the order of reading.
func Fields(e *dsl.Expr) []int {
	var out []int
	seen := map[int]bool{}
	Walk(e, func(e *dsl.Expr) bool {
		if e.Op == dsl.OpField && !seen[e.Index] {
			seen[e.Index] = true
			out = append(out, e.Index)
		}
		return true
	})
	return out
}
