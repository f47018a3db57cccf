package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// advise looks at what is right as it is: missing tests, values that no test
// uses, windows longer than their source keeps, long exact windows. It runs on
// programs without errors only.
func (c *checker) advise(p *Program) {
	for _, r := range c.rules {
		if !r.u.named || r.broken {
			continue
		}
		r.adviseTests(p)
		r.adviseWindows()
	}
}

// adviseTests: a rule without a test (W209), and words and texts that it looks
// for but no test of it ever gives (W207).
func (r *ruleCheck) adviseTests(p *Program) {
	given := map[string]bool{}
	tested := false
	for _, t := range p.Tests {
		if t.Rule != r.ir {
			continue
		}
		tested = true
		for _, e := range t.Events {
			for _, v := range e.Values {
				noteValues(given, v)
			}
		}
	}
	if !tested {
		r.warn("W209", r.decl.Name.Span, "rule %q has no test", r.ir.Name).here("nobody notices when a change breaks it").
			fix("test \"…\" for %s { given at 0s … { … } expect 1 alert }", r.ir.Name)
		return
	}
	reported := map[string]bool{}
	r.ir.eachExpr(func(e *Expr) {
		if e.Op != OpEq && e.Op != OpNe && e.Op != OpIn {
			return
		}
		for _, v := range constValues(e.Args[1]) {
			k := string(appendConst(nil, v))
			if !looked(e.Args[0], v) || given[k] || reported[k] {
				continue
			}
			reported[k] = true
			r.warn("W207", e.Span, "no test of %q has an event with %s", r.ir.Name, AppendValue(nil, v)).here("never tried")
		}
	})
}

// looked says whether a comparison looks for a value in events that tests
// give: words of enums always, texts where an event's field is compared.
func looked(l *Expr, v cep.Value) bool {
	return (v.Type.Kind == cep.KindEnum || v.Type.Kind == cep.KindString) && (l.Op == OpField || l.Op == OpBound)
}

// noteValues enters a value, and the elements of a list.
func noteValues(given map[string]bool, v cep.Value) {
	if v.Type.Kind == cep.KindList {
		for _, el := range v.List {
			noteValues(given, el)
		}
		return
	}
	if !v.Missing {
		given[string(appendConst(nil, v))] = true
	}
}

// constValues are the constants on the right of a comparison.
func constValues(e *Expr) []cep.Value {
	switch {
	case e.Op == OpConst && e.Type.Kind == cep.KindList:
		return e.Const.List
	case e.Op == OpConst:
		return []cep.Value{e.Const}
	}
	return nil
}

// longWindow is from where on an exact window is worth a word.
const longWindow = int64(90*24*3600) * 1_000_000_000

// adviseWindows: windows longer than a source can be read again (W210), and
// long exact ones, whose state grows with the events in them (W211).
func (r *ruleCheck) adviseWindows() {
	at, longest := r.longest()
	for _, u := range r.uses {
		if keeps := r.c.retains(u.schema); keeps > 0 && longest > keeps {
			r.warn("W210", at, "this reaches back %s, further than the source of %s keeps", durationText(longest), u.schema.Name).
				here("after a restart from the source it begins empty").note("the source retains %s", durationText(keeps))
			break
		}
	}
	var long []string
	note := func(aggs []*Aggregate) {
		for _, a := range aggs {
			if a.Window.Dur > longWindow && a.Fn != AggLast && !(a.Fn == AggCount && a.Per != nil) {
				long = append(long, a.Text)
			}
		}
	}
	note(r.ir.Aggs)
	for _, f := range r.ir.Reads {
		if e := f.Feature.Items[f.Item].Expr; e.Op == OpAgg {
			note([]*Aggregate{f.Feature.Aggs[e.Index]})
		}
	}
	slices.Sort(long)
	if long = slices.Compact(long); len(long) > 0 {
		r.warn("W211", r.decl.Name.Span, "rule %q keeps a long exact window", r.ir.Name).here("%s", andList(long)).
			note("its state grows with the events in it; explain prints the bound")
	}
}

// longest is how far back the rule reaches, and the place that says so.
func (r *ruleCheck) longest() (Span, int64) {
	at, ns := r.decl.Name.Span, int64(0)
	if r.pattern != nil && r.pattern.Within != nil {
		at, ns = r.pattern.Within.Span, r.pattern.Within.Int
	}
	for _, a := range r.ir.Aggs {
		if d := a.Window.Dur + a.Window.Ending; d > ns {
			at, ns = r.keyword(r.when.Span), d
		}
	}
	for _, f := range r.ir.Reads {
		if e := f.Feature.Items[f.Item].Expr; e.Op == OpAgg {
			w := f.Feature.Aggs[e.Index].Window
			if d := w.Dur + w.Ending; d > ns {
				at, ns = r.decl.Name.Span, d
			}
		}
	}
	return at, ns
}

// retains is the shortest time that a source of a type says it keeps, 0 if
// none says.
func (c *checker) retains(s *cep.Schema) int64 {
	keeps := int64(0)
	for _, u := range c.order {
		for _, sym := range u.sources {
			if sym.source == nil || !slices.Contains(sym.source.Of, s) {
				continue
			}
			if o := optionNamed(sym.source.Options, "retains"); o != nil {
				if d := int64(o.Value.Word); keeps == 0 || d < keeps {
					keeps = d
				}
			}
		}
	}
	return keeps
}
