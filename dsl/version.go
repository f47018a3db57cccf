package dsl

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/zeebo/xxh3"
)

// version is the content hash of the compiled rule with all that it reads.
func (r *RuleIR) version() string {
	h := xxh3.HashString128(r.Dump())
	b := h.Bytes()
	return hex.EncodeToString(b[:8])
}

// Dump writes the compiled rule with all it reads, canonically: two rules with
// one dump do the same. Texts, comments, places and the spelling of what is
// written out (lets, predicates, consts) leave no trace in it.
func (r *RuleIR) Dump() string {
	d := &dumper{}
	d.line("rule %s %q %s", r.Name, r.Title, r.Status)
	if r.calendar() {
		d.line("timezone %s", r.zone)
	}
	for _, k := range r.Key {
		d.line("key %s %s", k.Name, k.Type)
	}
	for i, rt := range r.Routes {
		d.line("route %d %s by %v", i, rt.Schema.Name, ownNames(rt.Schema, rt.Fields))
		d.schema(rt.Schema)
	}
	for _, f := range r.From {
		d.line("from %s where %s", f.Schema.Name, d.expr(f.Where))
	}
	for i, b := range r.Bindings {
		d.line("binding %d %q %s%s%s keeps %v", i, b.Label, b.Schema.Name, flag(b.Repeated, " repeated"), flag(b.Optional, " optional"), ownNames(b.Schema, b.Captures))
	}
	for i, a := range r.Aggs {
		d.line("aggregate %d %s: %s", i, a.Type, a.dump(d))
	}
	for i, f := range r.Reads {
		keys := make([]string, len(f.Keys))
		for j, k := range f.Keys {
			keys[j] = d.expr(k)
		}
		d.line("read %d %s.%s for [%s]%s", i, f.Feature.Name, f.Feature.Items[f.Item].Name, strings.Join(keys, ", "), flag(f.OwnKey, " own"))
		d.feature(f.Feature)
	}
	r.dumpTrigger(d)
	for _, c := range r.Cancel {
		d.line("cancel on route %d%s", c.Route, d.clause("where", c.Where))
	}
	if s := r.Suppress; s != nil {
		names := make([]string, len(s.Per))
		for i, p := range s.Per {
			names[i] = p.Name
		}
		d.line("suppress for %s per %v%s", durationText(s.For), names, d.clause("unless", s.Unless))
	}
	d.alert("alert", r.Alert)
	d.alert("timeout", r.Timeout)
	return d.String() + strings.Join(d.decls, "")
}

// calendar says whether the rule reads a window that depends on the time zone.
func (r *RuleIR) calendar() bool {
	is := func(a *Aggregate) bool { return a.Window.Kind == WindowCalendar }
	return slices.ContainsFunc(r.Aggs, is) || slices.ContainsFunc(r.Reads, func(f FeatureRead) bool { return slices.ContainsFunc(f.Feature.Aggs, is) })
}

func flag(on bool, s string) string {
	if on {
		return s
	}
	return ""
}

// dumper builds a dump. What the rule reads is written once each, behind it.
type dumper struct {
	strings.Builder
	decls []string
	seen  map[any]bool
}

func (d *dumper) line(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// once says whether x has not been dumped yet.
func (d *dumper) once(x any) bool {
	if d.seen == nil {
		d.seen = map[any]bool{}
	}
	old := d.seen[x]
	d.seen[x] = true
	return !old
}

func (d *dumper) decl(format string, args ...any) {
	d.decls = append(d.decls, fmt.Sprintf(format+"\n", args...))
}

// expr spells an expression, with the declarations that it reads.
func (d *dumper) expr(e *Expr) string {
	if e == nil {
		return "-"
	}
	walk(e, func(e *Expr) {
		switch {
		case e.Param != nil && d.once(e.Param):
			d.decl("param %s %s = %s", e.Param.Name, e.Param.Type, AppendValue(nil, e.Param.Default))
		case e.List != nil && d.once(e.List):
			v := AppendValue(nil, cep.Value{Type: listOf(e.List.Elem), List: e.List.Values})
			d.decl("list %s of %s from %s = %s%s", e.List.Name, e.List.Elem, e.List.From, v, optionsText(e.List.Options))
		case e.Table != nil && d.once(e.Table):
			cols := make([]string, len(e.Table.Cols))
			for i, c := range e.Table.Cols {
				cols[i] = c.Name + " " + c.Type.String()
			}
			d.decl("table %s from %s key %s %s: %v%s", e.Table.Name, e.Table.From, e.Table.Key.Name, e.Table.Key.Type, cols, optionsText(e.Table.Options))
		}
	})
	return e.String() + " : " + e.Type.String()
}

func optionsText(opts []Option) string {
	var b strings.Builder
	for _, o := range opts {
		fmt.Fprintf(&b, " %s=%s%s", o.Name, o.EnvName, AppendValue(nil, o.Value))
	}
	return b.String()
}

func (d *dumper) clause(word string, e *Expr) string {
	if e == nil {
		return ""
	}
	return " " + word + " " + d.expr(e)
}

// schema dumps what the meaning of a type's events depends on.
func (d *dumper) schema(s *cep.Schema) {
	if !d.once(s) {
		return
	}
	var b strings.Builder
	for _, f := range s.Fields {
		fmt.Fprintf(&b, " %s:%s<%s %s", f.Name, f.Type, f.Path, f.Format)
		if f.Type.Kind == cep.KindEnum {
			fmt.Fprintf(&b, "%v", f.Type.Enum.Words)
		}
	}
	d.decl("event %s as %q time %d id %d late %s:%s", s.Name, s.Tag, s.Time, s.ID, durationText(s.Late), b.String())
}

func (d *dumper) feature(f *FeatureIR) {
	if !d.once(f) {
		return
	}
	d.schema(f.On)
	d.decl("feature %s on %s by %v%s", f.Name, f.On.Name, ownNames(f.On, f.Key), d.clause("where", f.Where))
	for _, it := range f.Items {
		d.decl("  %s = %s", it.Name, d.expr(it.Expr))
	}
	for i, a := range f.Aggs {
		d.decl("  aggregate %d %s: %s", i, a.Type, a.dump(d))
	}
}

func (a *Aggregate) dump(d *dumper) string {
	s := a.Fn.String()
	if a.Arg != nil {
		s += " of " + d.expr(a.Arg)
	}
	s += d.clause("if", a.Cond)
	if a.Fn == AggPercentile {
		s += fmt.Sprintf(" at %g", a.P)
	}
	if a.Per != nil {
		s += fmt.Sprintf(" per %v", a.Per)
	}
	return s + " over " + a.Window.String() + flag(a.UnlessFired, " unless fired")
}

func (r *RuleIR) dumpTrigger(d *dumper) {
	if w := r.When; w != nil {
		d.line("on route %d%s", w.Route, d.clause("where", w.Where))
		d.line("when%s %s%s", flag(w.Newly, " newly"), d.expr(w.Cond), spans(" for", w.For, " gap", w.Gap, " keep", w.Keep))
		return
	}
	p := r.Pattern
	d.line("pattern%s%s", spans(" within", p.Within), d.clause("where", p.Where))
	d.steps(p.Steps, "  ")
	d.line("match %s limit %d skip %d %d%s", [...]string{"first", "latest", "each"}[r.Policy], r.Limit, r.Skip, r.SkipStep, flag(r.AtEnd, " at end"))
}

// spans writes durations with their words, those that are set.
func spans(args ...any) string {
	var b strings.Builder
	for i := 0; i < len(args); i += 2 {
		if ns := args[i+1].(int64); ns > 0 {
			fmt.Fprintf(&b, "%s %s", args[i], durationText(ns))
		}
	}
	return b.String()
}

func (d *dumper) steps(steps []*StepIR, indent string) {
	for i, s := range steps {
		to := "then"
		if i == 0 {
			to = "-"
		} else if s.Arrow != Relaxed {
			to += [...]string{"", " immediately", " any"}[s.Arrow]
		}
		head := indent + to
		switch s.Kind {
		case StepNo:
			d.line("%s no route %d%s%s%s", head, s.No.Route, flag(s.No.Strict, " strict"), d.clause("where", s.No.Where), spans(" within", s.No.Within))
		case StepEvent:
			before := "until"
			if s.Before {
				before = "until before"
			}
			d.line("%s binding %d route %d %s%s%s%s", head, s.Binding, s.Route, s.count(), d.clause("where", s.Where), d.clause(before, s.Until), spans(" within", s.Within, " gap", s.Gap))
		default:
			d.line("%s %s %s%s", head, [...]string{StepGroup: "group", StepOneOf: "one of", StepAllOf: "all of"}[s.Kind], s.count(), spans(" within", s.Within))
			for _, sub := range s.Sub {
				d.line("%s  {", indent)
				d.steps(sub, indent+"    ")
				d.line("%s  }", indent)
			}
		}
	}
}

func (s *StepIR) count() string {
	c := fmt.Sprintf("%d..%d", s.Lo, s.Hi)
	if s.Hi == 0 {
		c = fmt.Sprintf("%d..", s.Lo)
	}
	c += flag(s.Optional, " optional") + flag(s.Exactly, " exactly") + flag(s.Greedy, " greedy")
	if s.Inner != Relaxed {
		c += [...]string{"", " consecutive", " any"}[s.Inner]
	}
	return c
}

func (d *dumper) alert(what string, a *AlertIR) {
	if a == nil {
		return
	}
	as := ""
	if a.As != nil {
		as = " as " + a.As.Name
	}
	d.line("%s%s severity %s score %s", what, as, d.expr(a.Severity), d.expr(a.Score))
	d.line("  message %q", a.Message.String())
	for _, p := range a.Message {
		d.reads(p.Expr)
	}
	for _, l := range a.Labels {
		d.line("  label %s %q", l.Name, l.Text.String())
		for _, p := range l.Text {
			d.reads(p.Expr)
		}
	}
	for _, f := range a.Fields {
		d.line("  field %s = %s", f.Name, d.expr(f.Expr))
	}
	names := make([]string, len(a.To))
	for i, s := range a.To {
		names[i] = s.Name
	}
	slices.Sort(names)
	d.line("  to %v", names)
}

// reads dumps what a part of a template reads, whose text stands in the
// template already.
func (d *dumper) reads(e *Expr) {
	if e != nil {
		d.expr(e)
	}
}
