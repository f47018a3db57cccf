package dsl

import (
	"maps"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// ruleCheck is one rule being checked.
type ruleCheck struct {
	c     *checker
	u     *unit
	decl  *RuleDecl
	state symbolState
	ir    *RuleIR

	// Its clauses, the first of each; all of those that may stand several times.
	by       *ByClause
	on       *OnClause
	when     *WhenClause
	pattern  *PatternClause
	match    *MatchClause
	emit     *EmitClause
	suppress *SuppressClause
	alert    *AlertClause
	timeout  *AlertClause
	froms    []*FromClause
	cancels  []*CancelClause

	lets   map[string]*letInfo
	labels map[string]int
	steps  []stepInfo // parallel to ir.Bindings
	from   map[*cep.Schema]facts
	// entering is what every event that the rule selects is known to satisfy.
	entering facts
	uses     []keyUse
	broken   bool // something is missing without which the rest can't be checked
	lost     bool // it reads an event that is not there
}

// letInfo is one let.
type letInfo struct {
	name  string
	at    Span
	value Node
	used  bool
}

// stepInfo is what the checker knows of a binding beside the IR.
type stepInfo struct {
	node  *StepNode
	label Span
	ir    *StepIR
	block bool // inside a block
}

func (r *ruleCheck) report(code string, at Span, format string, args ...any) *finding {
	return r.c.report(r.u.src, code, at, format, args...)
}

func (r *ruleCheck) warn(code string, at Span, format string, args ...any) *finding {
	return r.c.find(r.u.src, LevelWarning, code, at, format, args...)
}

func (r *ruleCheck) binding(step int) *Binding { return &r.ir.Bindings[step] }

func (r *ruleCheck) labelSpan(step int) (Span, bool) {
	return r.steps[step].label, r.steps[step].label != Span{}
}

// labelRead is how one event of a step is written.
func (r *ruleCheck) labelRead(step int) string {
	b := r.binding(step)
	if b.Repeated {
		return b.Label + ".last"
	}
	return b.Label
}

func (r *ruleCheck) keyPart(name string) int {
	return slices.IndexFunc(r.ir.Key, func(k KeyPart) bool { return k.Name == name })
}

func (r *ruleCheck) keyParts(prefix string) string {
	names := make([]string, len(r.ir.Key))
	for i, k := range r.ir.Key {
		names[i] = prefix + k.Name
	}
	return strings.Join(names, "   ")
}

// howMany says how many events a repeated step binds.
func (r *ruleCheck) howMany(step int) string {
	s := r.steps[step].ir
	switch {
	case s == nil:
		return "matches several events"
	case s.Hi == 1:
		return "stands in a repeated group"
	case s.Optional:
		return "matches up to " + plural(s.Hi, "event")
	case s.Hi == 0 && s.Lo == 1:
		return "matches one or more events"
	case s.Hi == 0:
		return "matches " + plural(s.Lo, "or more event")
	case s.Lo == s.Hi:
		return "matches " + plural(s.Lo, "event")
	}
	return "matches " + plural(s.Lo, "")[:len(plural(s.Lo, ""))-1] + "to " + plural(s.Hi, "event")
}

// check checks the rule, once.
func (r *ruleCheck) check() {
	if r.state != unchecked {
		return
	}
	r.state = checking
	r.ir = &RuleIR{Name: r.decl.Name.Name, File: r.u.src, Span: r.decl.Span, Status: Live}
	r.ir.Title, r.ir.zone = r.ir.Name, r.c.zone.String()
	if r.decl.Title != nil {
		r.ir.Title = r.decl.Title.Str
	}
	r.labels, r.lets, r.from = map[string]int{}, map[string]*letInfo{}, map[*cep.Schema]facts{}
	r.sortClauses()
	r.requireClauses()
	if !r.broken {
		r.collectSteps()
		r.resolveKey()
	}
	r.broken = r.broken || r.lost && r.on != nil
	if !r.broken {
		r.hiddenNames()
		r.checkFroms()
		if r.on != nil {
			r.checkOn()
		} else {
			r.checkPattern()
		}
		r.finish()
	}
	r.broken = r.broken || r.lost
	r.state = checked
}

// base is the place of the rule's expressions that have no event of their own.
func (r *ruleCheck) base() *env {
	return &env{c: r.c, u: r.u, rule: r, names: true, reads: &r.ir.Reads, readsOK: true,
		aggsWhy: "a pattern reads windows through features"}
}

// checkFroms checks "from E where …" before all else, for what it proves is
// known in the whole rule.
func (r *ruleCheck) checkFroms() {
	for _, f := range r.froms {
		schema := r.u.event(f.Of)
		if schema == nil {
			continue
		}
		if slices.ContainsFunc(r.ir.From, func(o Filter) bool { return o.Schema == schema }) {
			r.report("E114", f.Of.Span, "\"from %s\" is given twice", schema.Name).here("the second time").
				note("join the conditions with \"and\"")
			continue
		}
		if !slices.ContainsFunc(r.uses, func(u keyUse) bool { return u.schema == schema }) {
			r.report("E117", f.Of.Span, "this rule reads no %s", schema.Name).here("so nothing is filtered")
		}
		x := r.base()
		x.cur, x.names, x.readsOK = schema, false, false
		x.aggsWhy, x.readsWhy = "\"from\" comes before everything of the rule, its windows too", "\"from\" comes before everything of the rule"
		w := x.cond(x.expr(f.Where, boolType))
		if isFailed(w) {
			continue
		}
		r.ir.From = append(r.ir.From, Filter{schema, w})
		r.from[schema] = facts(nil).with(x.implied(w, true)...)
	}
}

// checkOn checks "on E where … when …".
func (r *ruleCheck) checkOn() {
	schema := r.ir.Bindings[0].Schema
	w := &When{Route: max(r.uses[0].route, 0)}
	r.ir.When = w
	x := r.base()
	x.cur, x.route, x.facts = schema, r.uses[0].route+1, r.from[schema]
	x.all = true
	x.aggsWhy = "a where looks at one event; a condition on a window stands in \"when\""
	if r.on.Where != nil {
		if e := x.cond(x.expr(r.on.Where, boolType)); !isFailed(e) {
			w.Where = e
			x = x.know(e, true)
		}
	}
	r.entering = x.facts
	y := *x
	y.aggs, y.ownFull = &r.ir.Aggs, true
	cond := y.cond(y.expr(r.when.Cond, boolType))
	w.Cond, w.Newly = cond, r.when.Newly
	for _, d := range []struct {
		lit  *Lit
		into *int64
	}{{r.when.For, &w.For}, {r.when.Gap, &w.Gap}, {r.when.Keep, &w.Keep}} {
		if d.lit != nil {
			*d.into = d.lit.Int
		}
	}
	z := y.know(cond, true)
	if w.For > 0 {
		z = r.heldEnv(z)
	}
	r.checkAlerts(z, nil)
	r.unusedLets(&y)
}

// heldEnv is the alert block of a held condition: at the deadline, the current
// event is the last one of the episode, which step 0 has bound.
func (r *ruleCheck) heldEnv(x *env) *env {
	y := *x
	y.facts = facts(nil).with(moved(x.facts.list(), 0, Only)...)
	y.held, y.ownFull = true, false
	return &y
}

// unusedLets checks the lets that nothing reads, so that a mistake in one is
// found all the same.
func (r *ruleCheck) unusedLets(x *env) {
	lets := slices.SortedFunc(maps.Values(r.lets), func(a, b *letInfo) int { return a.at.Start - b.at.Start })
	for _, l := range lets {
		if !l.used {
			x.let(l, l.at, cep.Type{})
		}
	}
}
