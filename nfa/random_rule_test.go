package nfa

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Rules made by tests: a small kit of expressions, the finishing of a rule that
// was put together by hand, and its text in the rule language.

const ms = int64(1_000_000)

func typeOf(k cep.Kind) cep.Type { return cep.Type{Kind: k} }

func constInt(i int64) *dsl.Expr {
	t := typeOf(cep.KindInt)
	return &dsl.Expr{Op: dsl.OpConst, Type: t, Const: cep.Value{Type: t, Word: uint64(i)}}
}

func constNumber(f float64) *dsl.Expr {
	t := typeOf(cep.KindNumber)
	return &dsl.Expr{Op: dsl.OpConst, Type: t, Const: cep.Value{Type: t, Word: cep.NumberWord(f)}}
}

func constText(s string) *dsl.Expr {
	t := typeOf(cep.KindString)
	return &dsl.Expr{Op: dsl.OpConst, Type: t, Const: cep.Value{Type: t, Text: s}}
}

func constDuration(ns int64) *dsl.Expr {
	t := typeOf(cep.KindDuration)
	return &dsl.Expr{Op: dsl.OpConst, Type: t, Const: cep.Value{Type: t, Word: uint64(ns)}}
}

// fieldOf reads a field of the current event.
func fieldOf(s *cep.Schema, name string) *dsl.Expr {
	i := s.Field(name)
	return &dsl.Expr{Op: dsl.OpField, Index: i, Type: s.Fields[i].Type, Name: name}
}

// boundOf reads a field of one event of a binding.
func boundOf(r *dsl.RuleIR, binding int, which dsl.Which, field string) *dsl.Expr {
	b := r.Bindings[binding]
	i := b.Schema.Field(field)
	word := map[dsl.Which]string{dsl.Only: "", dsl.First: ".first", dsl.Last: ".last"}[which]
	return &dsl.Expr{Op: dsl.OpBound, Step: binding, Which: which, Index: i, Type: b.Schema.Fields[i].Type, Name: b.Label + word + "." + field}
}

// listOf reads a field of all events of a binding.
func boundListOf(r *dsl.RuleIR, binding int, field string) *dsl.Expr {
	b := r.Bindings[binding]
	i := b.Schema.Field(field)
	elem := b.Schema.Fields[i].Type.Required()
	return &dsl.Expr{Op: dsl.OpBoundList, Step: binding, Index: i, Type: cep.Type{Kind: cep.KindList, Elem: &elem}, Name: b.Label + "." + field}
}

func boundCountOf(r *dsl.RuleIR, binding int) *dsl.Expr {
	return &dsl.Expr{Op: dsl.OpBoundCount, Step: binding, Type: typeOf(cep.KindInt), Name: r.Bindings[binding].Label + ".count"}
}

func boundAggOf(r *dsl.RuleIR, fn dsl.AggFn, binding int, field string) *dsl.Expr {
	b := r.Bindings[binding]
	i := b.Schema.Field(field)
	t := b.Schema.Fields[i].Type
	if fn == dsl.AggDistinct || fn == dsl.AggCount {
		t = typeOf(cep.KindInt)
	}
	return &dsl.Expr{Op: dsl.OpBoundAgg, Agg: fn, Step: binding, Index: i, Type: t, Name: fmt.Sprintf("%s(%s.%s)", fn, b.Label, field)}
}

// opOf applies an operation with a bool result.
func opOf(op dsl.Op, args ...*dsl.Expr) *dsl.Expr {
	return &dsl.Expr{Op: op, Type: typeOf(cep.KindBool), Args: args}
}

// calcOf applies an operation whose result has the type of its last argument.
func calcOf(op dsl.Op, args ...*dsl.Expr) *dsl.Expr {
	return &dsl.Expr{Op: op, Type: args[len(args)-1].Type.Required(), Args: args}
}

// elseOf gives an expression that may be missing a default.
func elseOf(x, or *dsl.Expr) *dsl.Expr {
	x.Type = x.Type.OrMissing()
	return calcOf(dsl.OpElse, x, or)
}

// route returns the number of the rule's route for a type under a key field.
func routeOf(r *dsl.RuleIR, s *cep.Schema, field string) int {
	f := s.Field(field)
	for i, t := range r.Routes {
		if t.Schema == s && t.Fields[0] == f {
			return i
		}
	}
	r.Routes = append(r.Routes, dsl.Route{Schema: s, Fields: []int{f}})
	return len(r.Routes) - 1
}

// finishRule fills in what the checker derives from the rest of a rule.
func finishRule(r *dsl.RuleIR) {
	captures := make([]map[int]bool, len(r.Bindings))
	for i := range captures {
		captures[i] = map[int]bool{}
	}
	eachExpr(r, func(e *dsl.Expr) {
		switch e.Op {
		case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundAgg:
			captures[e.Step][e.Index] = true
		}
	})
	for i, c := range captures {
		r.Bindings[i].Captures = nil
		for f := range c {
			r.Bindings[i].Captures = append(r.Bindings[i].Captures, f)
		}
		slices.Sort(r.Bindings[i].Captures)
	}
}

// eachStep visits all steps of a sequence, nested ones too.
func eachStep(steps []*dsl.StepIR, f func(*dsl.StepIR)) {
	for _, s := range steps {
		f(s)
		for _, sub := range s.Sub {
			eachStep(sub, f)
		}
	}
}

// eachExpr visits all expressions of a rule and their parts.
func eachExpr(r *dsl.RuleIR, f func(*dsl.Expr)) {
	var walk func(*dsl.Expr)
	walk = func(e *dsl.Expr) {
		if e == nil {
			return
		}
		f(e)
		for _, a := range e.Args {
			walk(a)
		}
	}
	eachStep(r.Pattern.Steps, func(s *dsl.StepIR) {
		walk(s.Where)
		walk(s.Until)
		if s.No != nil {
			walk(s.No.Where)
		}
	})
	walk(r.Pattern.Where)
	for _, c := range r.Cancel {
		walk(c.Where)
	}
}

// ruleText writes a rule in the rule language.
func ruleText(r *dsl.RuleIR) string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %s {\n  by %s\n  pattern {\n    %s\n  }", r.Name, r.Key[0].Name, sequenceText(r, r.Pattern.Steps))
	if r.Pattern.Within > 0 {
		b.WriteString(" within " + durationText(r.Pattern.Within))
	}
	if r.Pattern.Where != nil {
		b.WriteString(" where " + r.Pattern.Where.String())
	}
	for i := range r.Cancel {
		b.WriteString("\n  cancel on " + eventText(r, r.Cancel[i].Route, r.Cancel[i].Where))
	}
	b.WriteString("\n  match " + [...]string{"first", "latest", "each"}[r.Policy])
	if r.Limit > 0 {
		fmt.Fprintf(&b, " limit %d", r.Limit)
	}
	if r.Skip != dsl.SkipNone {
		b.WriteString([...]string{"", " skip to next", " skip past last", " skip to first ", " skip to last "}[r.Skip])
		if r.Skip >= dsl.SkipToFirst {
			b.WriteString(r.Bindings[r.SkipStep].Label)
		}
	}
	if r.AtEnd {
		b.WriteString("\n  emit at end")
	}
	b.WriteString("\n  alert { message \"m\" }")
	if r.Timeout != nil {
		b.WriteString("\n  on timeout alert { message \"t\" }")
	}
	return b.String() + "\n}\n"
}

func durationText(ns int64) string { return string(cep.AppendDuration(nil, ns)) }

func eventText(r *dsl.RuleIR, route int, where *dsl.Expr) string {
	t := r.Routes[route]
	s := t.Schema.Name
	if f := t.Schema.Fields[t.Fields[0]].Name; f != r.Key[0].Name {
		s += " by " + f
	}
	if where != nil {
		s += " where " + where.String()
	}
	return s
}

func sequenceText(r *dsl.RuleIR, steps []*dsl.StepIR) string {
	var b strings.Builder
	for i, s := range steps {
		strict := s.Arrow == dsl.Strict || s.Kind == dsl.StepNo && s.No.Strict
		if i > 0 {
			b.WriteString("\n    then ")
			if strict {
				b.WriteString("immediately ")
			} else if s.Arrow == dsl.Any {
				b.WriteString("any ")
			}
		}
		b.WriteString(stepText(r, s))
	}
	return b.String()
}

func stepText(r *dsl.RuleIR, s *dsl.StepIR) string {
	var b strings.Builder
	switch s.Kind {
	case dsl.StepNo:
		b.WriteString("no " + eventText(r, s.No.Route, s.No.Where))
		if s.No.Within > 0 {
			b.WriteString(" within " + durationText(s.No.Within))
		}
		return b.String()
	case dsl.StepGroup:
		return quantText(s) + "( " + sequenceText(r, s.Sub[0]) + " )"
	case dsl.StepOneOf, dsl.StepAllOf:
		b.WriteString(map[dsl.StepKind]string{dsl.StepOneOf: "one", dsl.StepAllOf: "all"}[s.Kind] + " of { ")
		for i, sub := range s.Sub {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(sequenceText(r, sub))
		}
		b.WriteString(" }")
	default:
		b.WriteString(r.Bindings[s.Binding].Label + ": " + quantText(s) + eventText(r, s.Route, s.Where))
		if s.Until != nil {
			b.WriteString(" until ")
			if s.Before {
				b.WriteString("before ")
			}
			b.WriteString(s.Until.String())
		}
	}
	if s.Within > 0 {
		b.WriteString(" within " + durationText(s.Within))
	}
	if s.Gap > 0 {
		b.WriteString(" gap " + durationText(s.Gap))
	}
	return b.String()
}

func quantText(s *dsl.StepIR) string {
	q := ""
	switch {
	case s.Exactly:
		q = fmt.Sprintf("exactly %d ", s.Lo)
	case s.Optional && s.Hi == 1:
		q = "optional "
	case s.Optional:
		q = fmt.Sprintf("at most %d ", s.Hi)
	case s.Lo == 1 && s.Hi == 1:
		return ""
	case s.Hi == 0:
		q = fmt.Sprintf("at least %d ", s.Lo)
	case s.Lo == s.Hi && s.Inner != dsl.Any:
		q = fmt.Sprintf("%d ", s.Lo)
	default:
		q = fmt.Sprintf("%d to %d ", s.Lo, s.Hi)
	}
	switch s.Inner {
	case dsl.Strict:
		q += "consecutive "
	case dsl.Any:
		q += "any "
	}
	if s.Greedy {
		q += "greedy "
	}
	return q
}
