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
	r.ir.Title = r.ir.Name
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
	r.state = checked
}

// sortClauses puts the clauses in their places and reports repetitions.
func (r *ruleCheck) sortClauses() {
	first := map[string]Span{}
	once := func(name string, at Span) bool {
		old, twice := first[name]
		if twice {
			r.report("E114", r.keyword(at), "%q is given twice", name).here("the second time").also(r.keyword(old), "the first")
			return false
		}
		first[name] = at
		return true
	}
	for _, c := range r.decl.Clauses {
		switch c := c.(type) {
		case *MetaClause:
			r.meta(c)
		case *StatusClause:
			if once("status", c.Span) {
				r.status(c)
			}
		case *TagsClause:
			for _, t := range c.Tags {
				r.ir.Tags = append(r.ir.Tags, t.Name)
			}
		case *ByClause:
			if once("by", c.Span) {
				r.by = c
			}
		case *OnClause:
			if once("on", c.Span) {
				r.on = c
			}
		case *WhenClause:
			if once("when", c.Span) {
				r.when = c
			}
		case *PatternClause:
			if once("pattern", c.Span) {
				r.pattern = c
			}
		case *MatchClause:
			if once("match", c.Span) {
				r.match = c
			}
		case *EmitClause:
			if once("emit", c.Span) {
				r.emit = c
			}
		case *SuppressClause:
			if once("suppress", c.Span) {
				r.suppress = c
			}
		case *AlertClause:
			if c.Timeout {
				if once("on timeout", c.Span) {
					r.timeout = c
				}
			} else if once("alert", c.Span) {
				r.alert = c
			}
		case *FromClause:
			r.froms = append(r.froms, c)
		case *CancelClause:
			r.cancels = append(r.cancels, c)
		case *LetClause:
			r.addLet(c)
		}
	}
}

// keyword is the first word of a clause, to point at.
func (r *ruleCheck) keyword(at Span) Span {
	text := r.u.src.Slice(at)
	if i := strings.IndexAny(text, " \t\n{("); i > 0 {
		return Span{at.Start, at.Start + i}
	}
	return at
}

func (r *ruleCheck) addLet(c *LetClause) {
	name := c.Let.Name
	if old := r.lets[name.Name]; old != nil {
		r.report("E120", name.Span, "%q is already taken", name.Name).here("defined a second time").also(old.at, "the first let")
		return
	}
	r.lets[name.Name] = &letInfo{name: name.Name, at: name.Span, value: c.Let.Value}
}

func (r *ruleCheck) meta(c *MetaClause) {
	for _, it := range c.Config.Items {
		text := ""
		switch v := it.Value.(type) {
		case *Lit:
			text = v.Text
			if v.Kind == LitString {
				text = v.Str
			}
		case *Name:
			text = v.Name
		default:
			r.report("E103", it.Value.NodeSpan(), "meta holds texts").here("this is an expression")
			continue
		}
		r.ir.Meta = append(r.ir.Meta, NamedText{it.Name.Name, text})
	}
}

func (r *ruleCheck) status(c *StatusClause) {
	s := Status(c.Value.Name)
	if s != Live && s != Shadow && s != Off {
		r.report("E122", c.Value.Span, "there is no status %q", c.Value.Name).didYouMean(c.Value.Name, []string{"live", "shadow", "off"})
		return
	}
	r.ir.Status = s
}

// requireClauses tests that the rule has its parts (E114), and no part that
// means nothing for its trigger (E117).
func (r *ruleCheck) requireClauses() {
	name := r.decl.Name.Span
	fail := func(at Span, format string, args ...any) *finding {
		r.broken = true
		return r.report("E114", at, format, args...)
	}
	switch {
	case r.on != nil && r.pattern != nil:
		fail(r.keyword(r.pattern.Span), "a rule has one trigger").here("this is the second").also(r.keyword(r.on.Span), "the first")
	case r.when != nil && r.pattern != nil:
		fail(r.keyword(r.when.Span), "a rule has one trigger").here("\"when\" belongs to \"on\"").also(r.keyword(r.pattern.Span), "the trigger").
			note("a condition on the whole match stands behind the pattern:  pattern { … } where …")
	case r.on == nil && r.pattern == nil && r.when != nil:
		fail(r.keyword(r.when.Span), "\"when\" without \"on\"").here("on which event?").fix("on Event when …")
	case r.on == nil && r.pattern == nil:
		fail(name, "rule %q has no trigger", r.ir.Name).here("what makes it fire?").
			note("on EVENT when CONDITION, or pattern { step then step } within D")
	case r.on != nil && r.when == nil:
		f := fail(r.keyword(r.on.Span), "\"on\" without \"when\"").here("under which condition does it fire?")
		if r.on.Where != nil {
			f.note("for every such event:  on %s when %s", r.on.Type.Name.Name, r.u.src.Slice(r.on.Where.NodeSpan()))
		}
	}
	if r.by == nil {
		fail(name, "rule %q doesn't say what it is about", r.ir.Name).here("a key is missing").
			fix("by KEY      or, deliberately one state for the whole stream:  global")
	} else if trigger := r.trigger(); trigger != (Span{}) && r.by.Span.Start > trigger.Start {
		r.report("E114", r.keyword(r.by.Span), "a rule's key stands before its trigger").here("move this up").also(r.keyword(trigger), "the trigger")
	}
	if r.alert == nil {
		fail(name, "rule %q has no alert", r.ir.Name).here("what does it say when it fires?").fix("alert { severity medium  message \"…\" }")
	}
	if r.on != nil {
		r.onlyPatterns()
	}
}

func (r *ruleCheck) trigger() Span {
	switch {
	case r.on != nil:
		return r.on.Span
	case r.pattern != nil:
		return r.pattern.Span
	}
	return Span{}
}

// onlyPatterns rejects clauses that mean nothing for an on … when rule.
func (r *ruleCheck) onlyPatterns() {
	nothing := func(at Span, what, why string) {
		r.report("E117", r.keyword(at), "%q means nothing here", what).here("%s", why)
	}
	for _, c := range r.cancels {
		nothing(c.Span, "cancel on", "an on … when rule has no runs to cancel")
	}
	if r.match != nil {
		nothing(r.match.Span, "match", "an on … when rule fires by itself for each event")
	}
	if r.emit != nil && r.emit.When != "updates" {
		nothing(r.emit.Span, "emit", "an on … when rule fires at once")
	}
	if r.timeout != nil {
		nothing(r.timeout.Span, "on timeout", "an on … when rule has no runs whose time could run out")
	}
	w := r.when
	if w == nil {
		return
	}
	if w.Keep != nil && w.For == nil {
		nothing(w.Keep.Span, "keep", "it lets a condition held \"for D\" last on")
	}
	if w.Newly && w.For != nil {
		r.report("E117", w.For.Span, "\"newly\" means nothing with \"for\"").here("a held condition fires once per episode anyway")
	}
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

// moved rewrites what is known of the current event into what is known of the
// event that a step has bound. Facts about anything that changes with the next
// event are left out.
func moved(fs []fact, step int, which Which) []fact {
	var out []fact
	for _, f := range fs {
		if f.of == nil || has(f.of, func(e *Expr) bool {
			return e.Op == OpFeature || e.Op == OpAgg || e.Op == OpTableCell || e.Op == OpBoundAgg || e.Op == OpBoundCount
		}) {
			continue
		}
		if !has(f.of, func(e *Expr) bool { return e.Op == OpField }) {
			continue
		}
		out = append(out, present(asBound(f.of, step, which)))
	}
	return out
}

func asBound(e *Expr, step int, which Which) *Expr {
	c := *e
	if e.Op == OpField {
		c.Op, c.Step, c.Which = OpBound, step, which
	}
	if len(e.Args) > 0 {
		c.Args = make([]*Expr, len(e.Args))
		for i, a := range e.Args {
			c.Args[i] = asBound(a, step, which)
		}
	}
	return &c
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
