package dsl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// TestStart is the time 0 of every test, ns.
var TestStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// maxTestEvents bounds "3 x", which would otherwise take any number.
const maxTestEvents = 100_000

// checkTests checks the tests of a named file.
func (u *unit) checkTests() {
	for _, d := range u.file.Decls {
		if d, ok := d.(*TestDecl); ok {
			u.checkTest(d)
		}
	}
}

// testCheck is one test being checked.
type testCheck struct {
	u     *unit
	ir    *TestIR
	rule  *ruleCheck
	fresh int64 // "auto" values made so far
}

func (u *unit) checkTest(d *TestDecl) {
	u.unique("test", Ident{Name: d.Name.Str, Span: d.Name.Span})
	rule := u.ruleNamed(d.For)
	if rule == nil || rule.broken {
		return
	}
	t := &testCheck{u: u, rule: rule, ir: &TestIR{Name: d.Name.Str, Rule: rule.ir, File: u.src, Span: d.Span}}
	t.ir.Rules = u.c.withRaisers(rule)
	for _, w := range d.With {
		t.with(w)
	}
	t.events(d)
	t.expects(d)
	u.c.allTests = append(u.c.allTests, t.ir)
}

// ruleNamed finds the rule that a test is for.
func (u *unit) ruleNamed(name Ident) *ruleCheck {
	var known []string
	for _, r := range u.c.rules {
		if r.u == u || slices.ContainsFunc(u.imports, func(im importOf) bool { return im.unit == r.u }) {
			if r.decl.Name.Name == name.Name {
				return r
			}
			known = append(known, r.decl.Name.Name)
		}
	}
	if s := u.visible("", name.Name, namesOf); s != nil && s.kind == symBroken {
		return nil
	}
	u.report("E122", name.Span, "there is no rule %q", name.Name).didYouMean(name.Name, known)
	return nil
}

// withRaisers lists a rule and all rules whose alerts it reads, directly or
// through others.
func (c *checker) withRaisers(r *ruleCheck) []*RuleIR {
	var l []*RuleIR
	var add func(r *ruleCheck)
	add = func(r *ruleCheck) {
		if r.broken || slices.Contains(l, r.ir) {
			return
		}
		l = append(l, r.ir)
		for _, s := range r.reads() {
			for _, from := range c.raisersOf(s) {
				add(from.rule)
			}
		}
	}
	add(r)
	slices.SortFunc(l, func(a, b *RuleIR) int { return cmp.Or(a.Level-b.Level, strings.Compare(a.Name, b.Name)) })
	return l
}

// events checks the given lines.
func (t *testCheck) events(d *TestDecl) {
	t.wholeRows(d)
	clock, some := int64(0), false
	for i := range d.Given {
		g := &d.Given[i]
		if g.Wait != nil {
			clock += g.Wait.Int
			t.ir.Events = append(t.ir.Events, TestEvent{At: clock, Arrive: clock, Span: g.Span})
		} else {
			some = true
			clock = t.given(g)
		}
		t.ir.End = max(t.ir.End, clock)
	}
	if !some {
		t.u.report("E123", d.Name.Span, "a test without events").here("what is given?").fix("given at 0s EVENT { … }")
	}
}

// given checks one event line and returns the time of its last event.
func (t *testCheck) given(g *GivenLine) int64 {
	n, every := int64(1), int64(0)
	if g.Repeat != nil {
		n = g.Repeat.Int
	}
	if g.Every != nil {
		every = g.Every.Int
		if g.Repeat == nil {
			t.u.report("E117", g.Every.Span, "\"every\" means nothing for one event").here("how many?").fix("at 3 x %s every %s", g.At.Text, g.Every.Text)
		}
	}
	last := g.At.Int + (n-1)*every
	if n < 1 || n > maxTestEvents {
		t.u.report("E123", g.Repeat.Span, "a line gives 1 to %d events", maxTestEvents).here("%d here", n)
		return g.At.Int
	}
	schema := t.u.event(g.Type)
	if schema == nil {
		return last
	}
	if schema.Derived {
		t.u.report("E123", g.Type.Span, "%s is raised by rules", schema.Name).here("give the events that raise it").
			note("the rules that raise it run in the test as well")
		return last
	}
	vals := t.u.testFields(schema, g.Config)
	if !t.complete(schema, vals, g) {
		return last
	}
	for i := int64(0); i < n; i++ {
		e := TestEvent{Schema: schema, At: g.At.Int + i*every, Span: g.Span}
		e.Arrive = e.At
		if g.Arriving != nil {
			e.Arrive, e.Arrives = g.Arriving.Int, true
		}
		e.Values = t.row(schema, vals, e.At)
		t.ir.Events = append(t.ir.Events, e)
	}
	return last
}

// complete adds the defaults, and tests that no required field is left out.
func (t *testCheck) complete(schema *cep.Schema, vals map[string]testValue, g *GivenLine) bool {
	timeField := schema.Fields[schema.Time].Name
	if _, given := vals[timeField]; given {
		t.u.report("E123", g.Config.Span, "%q is the event's time", timeField).here("the line gives it: at %s", g.At.Text)
		return false
	}
	defaults := t.u.defaultsOf(schema)
	var lack []string
	for _, f := range schema.Fields {
		if _, ok := vals[f.Name]; ok || f.Name == timeField || f.Type.Kind == cep.KindNone {
			continue
		}
		if v, ok := defaults[f.Name]; ok {
			vals[f.Name] = v
		} else if !f.Type.Optional {
			lack = append(lack, f.Name)
		}
	}
	for _, it := range g.Config.Items { // one that was given but is wrong has been reported
		lack = slices.DeleteFunc(lack, func(n string) bool { return n == it.Name.Name })
	}
	if len(lack) == 0 {
		return true
	}
	t.u.report("E123", g.Type.Span, "%s needs %s", schema.Name, andList(quoted(lack))).here("neither given nor defaulted").
		fix("defaults %s { %s: … }", schema.Name, strings.Join(lack, ": …, "))
	return false
}

// defaultsOf joins the defaults of a type that a file sees: its own win.
func (u *unit) defaultsOf(schema *cep.Schema) map[string]testValue {
	all := map[string]testValue{}
	for _, im := range u.imports {
		for k, v := range im.unit.defaults[schema] {
			all[k] = v
		}
	}
	for k, v := range u.defaults[schema] {
		all[k] = v
	}
	return all
}

// row is one event's values.
func (t *testCheck) row(schema *cep.Schema, vals map[string]testValue, at int64) []cep.Value {
	row := make([]cep.Value, len(schema.Fields))
	for i, f := range schema.Fields {
		v, ok := vals[f.Name]
		switch {
		case i == schema.Time:
			row[i] = word(timestampType, cep.Word(TestStart+at))
		case !ok:
			row[i] = cep.Value{Type: f.Type, Missing: true}
		case v.auto:
			t.fresh++
			row[i] = cep.Value{Type: f.Type.Required(), Word: cep.Word(t.fresh)}
			if f.Type.Kind == cep.KindString {
				row[i] = cep.Value{Type: stringType, Text: fmt.Sprintf("auto-%d", t.fresh)}
			}
		default:
			row[i] = v.value
		}
	}
	return row
}

// expects checks the expectations.
func (t *testCheck) expects(d *TestDecl) {
	for i := range d.Expect {
		e := &d.Expect[i]
		if e.None && len(d.Expect) > 1 {
			t.u.report("E123", e.Span, "\"expect no alerts\" stands alone").here("beside another expectation")
			continue
		}
		x := TestExpect{None: e.None, Count: e.Count, Timeout: e.Timeout, Span: e.Span}
		if e.At != nil {
			x.At, x.HasAt = e.At.Int, true
		}
		if !e.None && e.Count == 0 {
			t.u.report("E123", e.Span, "0 alerts").here("for none at all:").fix("expect no alerts")
		}
		if e.Timeout && t.rule.ir.Timeout == nil {
			t.u.report("E117", e.Span, "%s has no \"on timeout\"", t.rule.ir.Name).here("so there are no timeouts")
			continue
		}
		if e.Config != nil {
			t.attrs(&x, e)
		}
		t.ir.Expect = append(t.ir.Expect, x)
	}
}

// attrs checks the named attributes of an expected alert.
func (t *testCheck) attrs(x *TestExpect, e *ExpectClause) {
	types, names := t.attributes(e.Timeout)
	env := &env{c: t.u.c, u: t.u}
	for _, it := range e.Config.Items {
		typ, ok := types[it.Name.Name]
		if !ok {
			t.u.report("E102", it.Name.Span, "alerts of %s have no %q", t.rule.ir.Name, it.Name.Name).didYouMean(it.Name.Name, names).
				note("an expectation may name: %s", joinComma(names))
			continue
		}
		if typ.Kind == cep.KindNone {
			continue
		}
		if v, ok := env.constant(it.Value, typ.Required()); ok {
			x.Attrs = append(x.Attrs, TestAttr{it.Name.Name, v})
		}
	}
}

// attributes are what an expectation may name: key parts, alert fields and
// some attributes of every alert.
func (t *testCheck) attributes(timeout bool) (map[string]cep.Type, []string) {
	types := map[string]cep.Type{"severity": severityType, "score": numberType, "message": stringType, "suppressed": intType, "truncated": boolType}
	names := []string{"severity", "score", "message", "suppressed", "truncated"}
	for _, k := range t.rule.ir.Key {
		types[k.Name] = k.Type
		names = append(names, k.Name)
	}
	a := t.rule.ir.Alert
	if timeout {
		a = t.rule.ir.Timeout
	}
	for _, f := range a.Fields {
		types[f.Name] = f.Expr.Type
		names = append(names, f.Name)
	}
	return types, names
}

// tests adds the tests to the program, with what the rules in them read.
func (c *checker) tests(p *Program, g *gatherer) {
	for _, t := range c.allTests {
		for _, r := range t.Rules {
			g.rule(r)
		}
		for _, w := range t.With {
			switch {
			case w.Param != nil:
				g.param(w.Param)
			case w.List != nil:
				g.list(w.List)
			case w.Table != nil:
				g.table(w.Table)
			case w.Feature != nil:
				g.feature(w.Feature)
			}
		}
		p.Tests = append(p.Tests, t)
	}
}
