package dsl

import (
	"github.com/weir-cep/weir/cep"
)

// stepAggregate checks an aggregate without a window: over the events that a
// step has bound.
func (x *env) stepAggregate(fn AggFn, n *CallNode) *Expr {
	if len(n.Args) == 0 {
		x.noWindow(fn, n)
		return failed(n.Span)
	}
	if step, ok := x.label(n.Args[0]); ok && fn == AggCount && x.rule.binding(step).Repeated {
		x.report("E118", n.Span, "a step's events are counted by .count").here("not a function").fix("%s.count", x.text(n.Args[0].NodeSpan()))
		return failed(n.Span)
	}
	if !x.aggregateArity(fn, n) {
		return failed(n.Span)
	}
	a := x.expr(n.Args[0], cep.Type{})
	if isFailed(a) {
		return a
	}
	if a.Op != OpBoundList {
		x.noWindow(fn, n)
		return failed(n.Span)
	}
	return x.overStep(fn, a, n)
}

func (x *env) overStep(fn AggFn, list *Expr, n *CallNode) *Expr {
	switch fn {
	case AggFirst, AggLast:
		which := First
		if fn == AggLast {
			which = Last
		}
		return x.bound(list.Step, list.Index, which, n.Span)
	case AggZscore, AggCount:
		x.report("E118", n.Span, "%s doesn't range over a step's events", fn).here("it needs a window").
			note("over a step: sum avg min max stddev distinct first last median percentile, and .count")
		return failed(n.Span)
	}
	elem := &Expr{Op: OpBound, Type: *list.Type.Elem, Span: list.Span}
	t, ok := x.aggregateType(fn, elem, n)
	if !ok {
		return failed(n.Span)
	}
	e := &Expr{Op: OpBoundAgg, Type: t, Step: list.Step, Index: list.Index, Agg: fn, Span: n.Span}
	e.Name = fn.String() + "(" + list.Name + ")"
	if fn == AggPercentile {
		p, ok := x.percent(n.Args[1])
		if !ok {
			return failed(n.Span)
		}
		e.Const = word(numberType, cep.NumberWord(p))
		e.Name = fn.String() + "(" + list.Name + ", " + string(cep.AppendNumber(nil, p)) + ")"
	}
	need := 1
	if fn == AggStddev {
		need = 2
	}
	f := x.rule.binding(list.Step).Schema.Fields[list.Index].Type
	if !f.Optional && f.Kind != cep.KindList && x.facts[boundKey(list.Step)].n >= need {
		e.Type.Optional = false
	}
	return x.narrowed(e)
}

// noWindow reports an aggregate of nothing in particular.
func (x *env) noWindow(fn AggFn, n *CallNode) {
	if x.aggs != nil {
		x.report("E118", n.Span, "%s over which events?", fn).here("a window is missing").
			fix("%s over last 1h", x.text(n.Span))
		return
	}
	f := x.report("E118", n.Span, "%s of which events?", fn).here("an aggregate ranges over a step's events, or over a window")
	if x.rule != nil && x.rule.pattern != nil {
		for _, b := range x.rule.ir.Bindings {
			if b.Repeated && b.Label != "" {
				f.note("over the events of a step:  %s(%s.field), or %s.count", fn, b.Label, b.Label)
				break
			}
		}
		f.note("over the key's history:  declare a feature and read it")
	}
}
