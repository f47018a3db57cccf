package dsl

// checkPattern checks "pattern { … } within D where …" and what belongs to it.
func (r *ruleCheck) checkPattern() {
	p := &PatternIR{}
	r.ir.Pattern = p
	if r.pattern.Within != nil {
		p.Within = r.pattern.Within.Int
	}
	x := r.base()
	steps, after := r.seq(&r.pattern.Steps, x, scope{first: true})
	p.Steps = steps
	r.checkCancels()
	r.checkPolicy()
	end := *after
	end.all, end.aggs = true, nil
	end.facts = facts(nil).with(r.lastFacts(&end)...).with(end.facts.list()...)
	y := &end
	if r.pattern.Where != nil {
		if w := y.cond(y.expr(r.pattern.Where, boolType)); !isFailed(w) {
			p.Where = w
			y = y.know(w, true)
		}
	}
	r.checkAlerts(y, r.timeoutEnv())
	r.unusedLets(y)
}

// scope is where a sequence of steps stands.
type scope struct {
	first bool // nothing is bound before it
	block bool // inside "one of" or "all of"
	loop  bool // inside a repeated group
}

// seq checks a sequence of steps. The place it returns knows what the whole
// sequence has proved.
func (r *ruleCheck) seq(seq *StepSeq, x *env, sc scope) ([]*StepIR, *env) {
	var steps []*StepIR
	for i := range seq.Steps {
		n := &seq.Steps[i]
		if sc.block {
			r.plainInBlock(n)
		}
		var s *StepIR
		switch n.Kind {
		case StepEvent:
			s, x = r.eventStep(n, x, sc)
		case StepNo:
			s = r.absenceStep(n, x)
		case StepGroup:
			if n.Quant == nil { // just parentheses: its steps stand in the sequence
				sub, y := r.seq(&n.Sub[0], x, sc)
				if len(sub) > 0 {
					sub[0].Arrow = arrow(n.Arrow)
				}
				steps, x, sc.first = append(steps, sub...), y, false
				continue
			}
			s, x = r.groupStep(n, x, sc)
		default:
			s, x = r.blockStep(n, x, sc)
		}
		if s == nil {
			continue
		}
		s.Kind, s.Arrow, s.Span = n.Kind, arrow(n.Arrow), n.Span
		steps = append(steps, s)
		sc.first = false
	}
	return steps, x
}

func arrow(a string) Contiguity {
	switch a {
	case "immediately":
		return Strict
	case "any":
		return Any
	}
	return Relaxed
}

// plainInBlock rejects what may not stand in a block: anything but single and
// counted steps joined by "then".
func (r *ruleCheck) plainInBlock(n *StepNode) {
	nothing := func(at Span, what string) {
		r.report("E117", at, "%s can't stand inside a block", what).here("only single or counted steps joined by \"then\"")
	}
	switch {
	case n.Kind == StepNo:
		nothing(n.Span, "\"no\"")
	case n.Kind == StepGroup:
		nothing(n.Span, "a group")
	case n.Kind != StepEvent:
		nothing(n.Span, "another block")
	case n.Arrow == "immediately" || n.Arrow == "any":
		nothing(n.ArrowSpan, "\"then "+n.Arrow+"\"")
	case n.Quant != nil && (skippable(n.Quant) || n.Quant.Kind == "some" || n.Quant.Kind == "exactly" || n.Quant.Inner != "" || n.Quant.Greedy):
		nothing(n.Quant.Span, "\""+r.u.src.Slice(n.Quant.Span)+"\"")
	case n.Until != nil:
		nothing(n.UntilSpan, "\"until\"")
	}
}

// eventStep checks a positive step and returns the place after it.
func (r *ruleCheck) eventStep(n *StepNode, x *env, sc scope) (*StepIR, *env) {
	step, u := r.stepOf(n), r.useOf(n)
	s := &StepIR{Binding: step, Route: max(u.route, 0)}
	r.steps[step].ir = s
	r.quantify(s, n)
	if u.schema == nil {
		return s, x.seeing(step)
	}
	y := r.eventEnv(x, u)
	y.own = step + 1
	if r.binding(step).Repeated {
		from := r.from[u.schema].list()
		y = y.knowing(append(moved(from, step, First), moved(from, step, Last)...)...)
	}
	var proved []fact
	if n.Where != nil {
		if w := y.cond(y.expr(n.Where, boolType)); !isFailed(w) {
			s.Where = w
			proved = y.implied(w, true)
		}
	}
	repeated := s.Lo != 1 || s.Hi != 1
	r.limits(s, n, sc, repeated)
	if n.Until != nil {
		r.until(s, n, y, step, proved)
	}
	return s, r.afterStep(x, s, step, proved, u.schema)
}

// eventEnv is the place of a condition about one event of a step or absence.
func (r *ruleCheck) eventEnv(x *env, u *keyUse) *env {
	y := *x
	y.cur, y.route, y.own = u.schema, u.route+1, 0
	y.facts = x.facts.with(r.from[u.schema].list()...)
	return &y
}

// quantify reads how many events a step or group takes.
func (r *ruleCheck) quantify(s *StepIR, n *StepNode) {
	s.Lo, s.Hi = 1, 1
	q := n.Quant
	if q == nil {
		return
	}
	switch q.Kind {
	case "n":
		s.Lo, s.Hi = q.Lo, q.Lo
	case "exactly":
		s.Lo, s.Hi, s.Exactly = q.Lo, q.Lo, true
	case "least":
		s.Lo, s.Hi = q.Lo, 0
	case "most":
		s.Optional, s.Hi = true, q.Hi
	case "range":
		s.Lo, s.Hi = q.Lo, q.Hi
	case "some":
		s.Hi = 0
	case "optional":
		s.Optional = true
	}
	s.Greedy, s.Inner = q.Greedy, map[string]Contiguity{"": Relaxed, "consecutive": Strict, "any": Any}[q.Inner]
	nothing := func(format string, args ...any) *finding {
		return r.report("E117", q.Span, format, args...)
	}
	text := r.u.src.Slice(q.Span)
	switch {
	case q.Kind == "range" && q.Lo > q.Hi:
		nothing("%q counts downwards", text).here("from the smaller to the larger").fix("%d to %d", q.Hi, q.Lo)
		s.Lo, s.Hi = q.Hi, max(q.Lo, 1)
	case q.Kind == "range" && q.Lo == 0:
		nothing("a count begins at 1").here("for a step that may be left out:").fix("at most %d", q.Hi)
		s.Lo = 1
	case q.Kind == "most" && q.Hi == 0 || q.Kind != "most" && q.Kind != "range" && q.Kind != "some" && q.Kind != "optional" && q.Lo == 0:
		nothing("%q matches nothing", text).here("a step takes at least one event").note("for an event that must not come:  then no …")
		s.Lo, s.Hi = 1, max(s.Hi, 1)
	case q.Kind == "optional" && q.Inner != "":
		nothing("%q means nothing after \"optional\"", q.Inner).here("one event has no events between")
	case q.Inner == "any" && (q.Kind == "n" || q.Kind == "exactly"):
		nothing("%q means nothing with a fixed count", "any").here("every choice of %d events would be a match of its own", q.Lo).
			note("for every later event after a step:  then any")
	}
}

// limits checks "within" and "gap" of a step.
func (r *ruleCheck) limits(s *StepIR, n *StepNode, sc scope, repeated bool) {
	if n.Within != nil {
		s.Within = n.Within.Int
		if sc.first && !repeated {
			f := r.report("E117", n.Within.Span, "\"within\" means nothing on a first single step").here("within %s of what?", n.Within.Text)
			if r.pattern.Within == nil {
				f.note("a limit for the whole pattern stands behind it:  pattern { … } within %s", n.Within.Text)
			}
		}
	}
	if n.Gap != nil {
		s.Gap = n.Gap.Int
		if !repeated {
			r.report("E117", n.Gap.Span, "\"gap\" means nothing on a single step").here("it is the time between the events of a repeated step").
				fix("within %s      for the time since the step before", n.Gap.Text)
		}
	}
	if n.Until != nil && !repeated {
		r.report("E117", n.UntilSpan, "\"until\" means nothing on a single step").here("there is nothing to stop")
	}
}

// until checks "until [before] COND": the step has its minimum, and without
// "before" the event is one of its own.
func (r *ruleCheck) until(s *StepIR, n *StepNode, y *env, step int, proved []fact) {
	z := y.knowing(fact{key: boundKey(step), n: max(s.Lo, 1)})
	if !n.Before {
		z = z.knowing(proved...)
	}
	if u := z.cond(z.expr(n.Until, boolType)); !isFailed(u) {
		s.Until, s.Before = u, n.Before
	}
}

// absenceStep checks "no X".
func (r *ruleCheck) absenceStep(n *StepNode, x *env) *StepIR {
	u := r.useOf(n)
	a := &Absence{Route: max(u.route, 0), Strict: n.Arrow == "immediately", Span: n.Span}
	if n.Arrow == "any" {
		r.report("E117", n.ArrowSpan, "\"then any\" means nothing before \"no\"").here("nothing is taken there").fix("then no")
	}
	if n.Within != nil {
		a.Within = n.Within.Int
	}
	if n.Where != nil && u.schema != nil {
		y := r.eventEnv(x, u)
		if w := y.cond(y.expr(n.Where, boolType)); !isFailed(w) {
			a.Where = w
		}
	}
	return &StepIR{No: a, Lo: 1, Hi: 1}
}

// groupStep checks a group with a count.
func (r *ruleCheck) groupStep(n *StepNode, x *env, sc scope) (*StepIR, *env) {
	s := &StepIR{}
	r.quantify(s, n)
	s.Where = nil
	sub, y := r.seq(&n.Sub[0], x, scope{first: sc.first, loop: true, block: sc.block})
	s.Sub = [][]*StepIR{sub}
	r.groupEnds(sub)
	if s.Optional {
		return s, x.seeing(seenBy(y)...)
	}
	return s, y
}

func seenBy(x *env) []int {
	var l []int
	for s := range x.vis {
		l = append(l, s)
	}
	return l
}

// groupEnds rejects a repeated group that begins or ends with an absence, or
// that may be empty: it has no moment at which it repeats.
func (r *ruleCheck) groupEnds(sub []*StepIR) {
	if len(sub) == 0 {
		return
	}
	for _, s := range []*StepIR{sub[0], sub[len(sub)-1]} {
		if s.Kind == StepNo {
			r.report("E116", s.Span, "a repeated group can't begin or end with \"no\"").here("from when to when?")
			return
		}
	}
	if !mandatory(sub) {
		r.report("E116", sub[0].Span.Join(sub[len(sub)-1].Span), "a repeated group can't be empty").here("all of its steps may be left out")
	}
}

// mandatory says whether some positive step must be taken.
func mandatory(steps []*StepIR) bool {
	for _, s := range steps {
		if s.Kind != StepNo && !s.Optional {
			return true
		}
	}
	return false
}

// maxMembers bounds "all of", whose automaton is the product of its members'.
const maxMembers = 5

// blockStep checks "one of { … }" and "all of { … }".
func (r *ruleCheck) blockStep(n *StepNode, x *env, sc scope) (*StepIR, *env) {
	s := &StepIR{Lo: 1, Hi: 1}
	if n.Within != nil {
		s.Within = n.Within.Int
	}
	after := x
	for i := range n.Sub {
		sub, y := r.seq(&n.Sub[i], x, scope{first: sc.first, block: true, loop: sc.loop})
		s.Sub = append(s.Sub, sub)
		after = after.seeing(seenBy(y)...)
		if n.Kind == StepAllOf { // every member has been there
			after = after.knowing(y.facts.list()...)
		}
	}
	if n.Kind == StepAllOf && len(n.Sub) > maxMembers {
		r.report("E117", n.Span, "\"all of\" takes at most %d members", maxMembers).here("%d here", len(n.Sub))
	}
	return s, after
}

// checkCancels checks "cancel on", which sees the events and the labels that
// any run may have.
func (r *ruleCheck) checkCancels() {
	first := len(r.uses) - len(r.cancels)
	for i, c := range r.cancels {
		u := &r.uses[first+i]
		a := Absence{Route: max(u.route, 0), Span: c.Span}
		if c.Where != nil && u.schema != nil {
			x := r.base()
			x.all = true
			x = r.eventEnv(x, u)
			if w := x.cond(x.expr(c.Where, boolType)); !isFailed(w) {
				a.Where = w
			}
		}
		r.ir.Cancel = append(r.ir.Cancel, a)
	}
}

// deadline says whether the rule has a timer of its own.
func (r *ruleCheck) deadline() bool {
	if r.ir.When != nil {
		return r.ir.When.For > 0
	}
	if r.timeout != nil || r.emit != nil && r.emit.When == "end" {
		return true
	}
	s := lastStep(r.ir.Pattern.Steps)
	if s == nil {
		return false
	}
	if s.Kind == StepNo {
		return !s.No.Strict || r.policy() != MatchEach
	}
	return endsExactly(r.ir.Pattern.Steps)
}

// endsExactly says whether a sequence ends in "exactly n", by itself or as the
// end of a counted group.
func endsExactly(steps []*StepIR) bool {
	s := lastStep(steps)
	return s != nil && (s.Exactly || s.Kind == StepGroup && endsExactly(s.Sub[0]))
}

func lastStep(steps []*StepIR) *StepIR {
	if len(steps) == 0 {
		return nil
	}
	return steps[len(steps)-1]
}

func (r *ruleCheck) policy() Policy {
	if r.match == nil {
		return MatchFirst
	}
	switch r.match.Policy.Name {
	case "latest":
		return MatchLatest
	case "each":
		return MatchEach
	}
	return MatchFirst
}

// unboundWhy says why a step may have bound no event where it is read.
func (x *env) unboundWhy(step int) string {
	b := x.rule.binding(step)
	switch {
	case x.own == step+1:
		return "before the first " + b.Schema.Name + " of this step there is none"
	case b.Optional:
		return "the step " + b.Label + " may be left out"
	case x.rule.timeout != nil && x.all:
		return "when the time runs out, " + b.Label + " may not have come"
	}
	return b.Label + " may not have come yet"
}
