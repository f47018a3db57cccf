package dsl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// checkRules checks every rule of every loaded file, then what joins them:
// alert events, levels and orders.
func (c *checker) checkRules() {
	for _, r := range c.rules {
		r.check()
	}
	for _, u := range c.order {
		for _, s := range inOrder(u.types) {
			if s.kind == symAlertEvent {
				c.alertSchema(s.alert, u, s.at)
			}
		}
	}
	for _, ev := range c.alerts {
		for _, r := range ev.raisers {
			a := r.rule.ir.Alert
			if r.clause == r.rule.timeout {
				a = r.rule.ir.Timeout
			}
			if a != nil {
				a.As = ev.schema
			}
		}
	}
	for _, r := range c.rules {
		if !r.broken {
			r.ir.Level = c.level(r, 0)
		}
	}
	for _, r := range c.rules {
		if !r.broken {
			r.ir.Arrival = c.arrival(r, 0)
			r.ir.Version = r.ir.version()
		}
	}
}

// finish completes a rule's IR: what its runs must keep of the events they
// bind, and whether it has a timer.
func (r *ruleCheck) finish() {
	r.ir.Deadline = r.deadline()
	for _, c := range warningCodes {
		if r.u.silences && r.u.file.Allows(c.ID, r.decl.Name.Span) {
			r.ir.Allowed = append(r.ir.Allowed, c.ID)
		}
	}
	keep := make([]map[int]bool, len(r.ir.Bindings))
	for i := range keep {
		keep[i] = map[int]bool{}
	}
	r.ir.eachExpr(func(e *Expr) {
		switch e.Op {
		case OpBound, OpBoundList, OpBoundAgg:
			keep[e.Step][e.Index] = true
		case OpField:
			if r.on != nil {
				return
			}
		}
	})
	if r.on != nil { // the alert of an on … when rule reads its event
		for _, e := range r.ir.alertExprs() {
			walk(e, func(e *Expr) {
				if e.Op == OpField {
					keep[0][e.Index] = true
				}
			})
		}
	}
	starts := r.starts()
	for i := range r.ir.Bindings {
		b := &r.ir.Bindings[i]
		if b.Schema == nil {
			continue
		}
		if b.Schema.ID >= 0 && (starts[i] || r.ir.Policy == MatchEach) {
			keep[i][b.Schema.ID] = true
		}
		for f := range keep[i] {
			b.Captures = append(b.Captures, f)
		}
		slices.Sort(b.Captures)
	}
}

// starts marks the bindings that may hold a run's first event.
func (r *ruleCheck) starts() map[int]bool {
	m := map[int]bool{}
	if r.on != nil {
		m[0] = true
		return m
	}
	markStarts(r.ir.Pattern.Steps, m)
	return m
}

func markStarts(steps []*StepIR, m map[int]bool) {
	for _, s := range steps {
		switch s.Kind {
		case StepEvent:
			m[s.Binding] = true
		case StepNo:
			continue
		default:
			for _, sub := range s.Sub {
				markStarts(sub, m)
			}
		}
		if !s.Optional {
			return
		}
	}
}

// eachExpr visits every expression of the rule and all below it.
func (r *RuleIR) eachExpr(visit func(*Expr)) {
	for _, f := range r.From {
		walk(f.Where, visit)
	}
	if r.When != nil {
		walk(r.When.Where, visit)
		walk(r.When.Cond, visit)
	}
	if r.Pattern != nil {
		eachStep(r.Pattern.Steps, func(s *StepIR) {
			walk(s.Where, visit)
			walk(s.Until, visit)
			if s.No != nil {
				walk(s.No.Where, visit)
			}
		})
		walk(r.Pattern.Where, visit)
	}
	for _, c := range r.Cancel {
		walk(c.Where, visit)
	}
	for _, a := range r.Aggs {
		walk(a.Arg, visit)
		walk(a.Cond, visit)
	}
	for _, f := range r.Reads {
		for _, k := range f.Keys {
			walk(k, visit)
		}
	}
	for _, e := range r.alertExprs() {
		walk(e, visit)
	}
}

// alertExprs lists the expressions of the alert blocks and of "suppress".
func (r *RuleIR) alertExprs() []*Expr {
	var l []*Expr
	if r.Suppress != nil && r.Suppress.Unless != nil {
		l = append(l, r.Suppress.Unless)
	}
	for _, a := range []*AlertIR{r.Alert, r.Timeout} {
		if a == nil {
			continue
		}
		add := func(e *Expr) {
			if e != nil {
				l = append(l, e)
			}
		}
		add(a.Severity)
		add(a.Score)
		for _, p := range a.Message {
			add(p.Expr)
		}
		for _, lb := range a.Labels {
			for _, p := range lb.Text {
				add(p.Expr)
			}
		}
		for _, f := range a.Fields {
			add(f.Expr)
		}
	}
	return l
}

// eachStep visits steps, those of groups and blocks included.
func eachStep(steps []*StepIR, visit func(*StepIR)) {
	for _, s := range steps {
		visit(s)
		for _, sub := range s.Sub {
			eachStep(sub, visit)
		}
	}
}

// program gathers what the named files need, and numbers it.
func (c *checker) program() *Program {
	p := &Program{Zone: c.zone}
	g := gatherer{p: p}
	for _, u := range c.order {
		for _, s := range inOrder(u.types) {
			if s.schema != nil && s.kind == symEvent {
				p.Schemas = append(p.Schemas, s.schema)
			}
		}
	}
	for _, ev := range c.alerts {
		if ev.schema != nil {
			p.Schemas = append(p.Schemas, ev.schema)
		}
	}
	p.Schemas = append(p.Schemas, c.outcome)
	slices.SortFunc(p.Schemas, byName)
	for _, r := range c.rules {
		if r.u.named && !r.broken {
			p.Rules = append(p.Rules, r.ir)
		}
	}
	slices.SortFunc(p.Rules, func(a, b *RuleIR) int { return cmp.Or(a.Level-b.Level, strings.Compare(a.Name, b.Name)) })
	for _, r := range p.Rules {
		g.rule(r)
	}
	c.decisions(p, &g)
	c.tests(p, &g)
	c.connectors(p)
	return p
}

// gatherer collects the params, lists, tables and features that rules read,
// each once, and numbers them.
type gatherer struct{ p *Program }

func (g *gatherer) rule(r *RuleIR) {
	r.eachExpr(g.expr)
	for _, f := range r.Reads {
		g.feature(f.Feature)
	}
	for _, a := range []*AlertIR{r.Alert, r.Timeout} {
		if a == nil {
			continue
		}
		for _, s := range a.To {
			if !slices.Contains(g.p.Sinks, s) {
				g.p.Sinks = append(g.p.Sinks, s)
			}
		}
	}
}

func (g *gatherer) expr(e *Expr) {
	switch {
	case e.Param != nil:
		g.param(e.Param)
	case e.List != nil:
		g.list(e.List)
	case e.Table != nil:
		g.table(e.Table)
	}
}

func (g *gatherer) param(p *ParamIR) {
	if !slices.Contains(g.p.Params, p) {
		p.Index = len(g.p.Params)
		g.p.Params = append(g.p.Params, p)
	}
}

func (g *gatherer) list(l *ListIR) {
	if !slices.Contains(g.p.Lists, l) {
		l.Index = len(g.p.Lists)
		g.p.Lists = append(g.p.Lists, l)
	}
}

func (g *gatherer) table(t *TableIR) {
	if !slices.Contains(g.p.Tables, t) {
		t.Index = len(g.p.Tables)
		g.p.Tables = append(g.p.Tables, t)
	}
}

func (g *gatherer) feature(f *FeatureIR) {
	if slices.Contains(g.p.Features, f) {
		return
	}
	f.Index = len(g.p.Features)
	g.p.Features = append(g.p.Features, f)
	walk(f.Where, g.expr)
	for _, a := range f.Aggs {
		walk(a.Arg, g.expr)
		walk(a.Cond, g.expr)
	}
	for _, it := range f.Items {
		walk(it.Expr, g.expr)
	}
}

// connectors adds the sources of the types that the program reads.
func (c *checker) connectors(p *Program) {
	read := map[*cep.Schema]bool{}
	for _, r := range p.Rules {
		for _, rt := range r.Routes {
			read[rt.Schema] = true
		}
	}
	for _, f := range p.Features {
		read[f.On] = true
	}
	for _, d := range p.Decisions {
		read[d.On] = true
	}
	for _, u := range c.order {
		for _, s := range u.sources {
			if s.source != nil && slices.ContainsFunc(s.source.Of, func(s *cep.Schema) bool { return read[s] }) {
				p.Sources = append(p.Sources, s.source)
			}
		}
	}
	slices.SortFunc(p.Sources, func(a, b *SourceIR) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Sinks, func(a, b *SinkIR) int { return strings.Compare(a.Name, b.Name) })
}
