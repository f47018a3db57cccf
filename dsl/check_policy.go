package dsl

// checkPolicy checks match, emit and the table of what each policy allows
// (E115), and the ends of the pattern (E106, E116).
func (r *ruleCheck) checkPolicy() {
	r.ir.Policy = r.policy()
	if r.match != nil {
		r.matchClause()
	}
	if r.emit != nil {
		r.emitClause()
	}
	if r.timeout != nil && r.pattern.Within == nil {
		r.report("E115", r.keyword(r.timeout.Span), "\"on timeout\" needs the pattern's \"within\"").here("when does the time run out?").
			fix("pattern { … } within 15m")
	}
	r.firstStep()
	r.finalStep()
	r.allowed(r.pattern.Steps.Steps)
}

func (r *ruleCheck) matchClause() {
	m := r.match
	if m.Limit != nil {
		if r.ir.Policy != MatchEach {
			r.report("E115", m.Limit.Span, "\"limit\" needs \"match each\"").here("match %s reports one match anyway", m.Policy.Name)
		} else if m.Limit.Int < 1 {
			r.report("E117", m.Limit.Span, "a limit of 0 reports nothing").here("at least 1")
		}
		r.ir.Limit = int(m.Limit.Int)
	}
	if m.Skip == nil {
		return
	}
	if r.ir.Policy != MatchEach {
		r.report("E115", m.Skip.Span, "\"skip\" needs \"match each\"").here("match %s has its own rule for what is used again", m.Policy.Name)
		return
	}
	switch m.Skip.Kind {
	case "next":
		r.ir.Skip = SkipNext
	case "past":
		r.ir.Skip = SkipPast
	case "first", "last":
		r.ir.Skip = SkipToFirst
		if m.Skip.Kind == "last" {
			r.ir.Skip = SkipToLast
		}
		step, ok := r.labels[m.Skip.Step.Name]
		if !ok {
			var known []string
			for l := range r.labels {
				known = append(known, l)
			}
			r.report("E122", m.Skip.Step.Span, "no step is labelled %q", m.Skip.Step.Name).didYouMean(m.Skip.Step.Name, known)
			return
		}
		r.ir.SkipStep = step
	}
}

func (r *ruleCheck) emitClause() {
	switch r.emit.When {
	case "updates":
		r.report("E113", r.emit.Span, "\"emit updates\" is not in this version yet").here("planned").
			note("emit on match alerts at once, emit at end when the time is over")
	case "end":
		r.ir.AtEnd = true
		if r.ir.Policy == MatchEach {
			r.report("E115", r.emit.Span, "\"emit at end\" is not possible under \"match each\"").here("each reports every way to match, at once").fix("match first")
		}
		if r.pattern.Within == nil {
			r.report("E115", r.emit.Span, "\"emit at end\" needs the pattern's \"within\"").here("when is the end?").fix("pattern { … } within 15m")
		}
	}
}

// firstStep rejects a pattern that has nothing to begin with (E116).
func (r *ruleCheck) firstStep() {
	steps := r.ir.Pattern.Steps
	if len(steps) == 0 {
		return
	}
	if steps[0].Kind == StepNo {
		r.report("E116", steps[0].Span, "a pattern can't begin with \"no\"").here("no event says from when on").
			note("begin with the event after which it must not come:  a: Event then no …")
		return
	}
	if !mandatory(steps) {
		r.report("E116", r.pattern.Steps.Span, "every step of this pattern may be left out").here("so nothing at all would match").
			note("make one of them mandatory")
	}
}

// finalStep checks how the pattern ends: an absence needs a time limit (E106),
// and so does "exactly n"; a step that may always grow says when it is done.
func (r *ruleCheck) finalStep() {
	s := lastStep(r.ir.Pattern.Steps)
	if s == nil {
		return
	}
	each, within := r.ir.Policy == MatchEach, r.ir.Pattern.Within > 0
	switch {
	case s.Kind == StepNo:
		if s.No.Within == 0 && !within && !(each && s.No.Strict) {
			r.openEnd(s)
		}
	case endsExactly(r.ir.Pattern.Steps) && !within && !each:
		n := lastNode(&r.pattern.Steps)
		for n.Quant.Kind != "exactly" {
			n = lastNode(&n.Sub[0])
		}
		r.report("E115", n.Quant.Span, "\"exactly\" as the last step needs the pattern's \"within\"").here("until when must no further one come?").
			fix("pattern { … } within 15m")
	case r.emit != nil && r.emit.When == "updates": // E113 says all there is to say
	case !each && !r.ir.AtEnd && s.Until == nil:
		r.growing(lastNode(&r.pattern.Steps))
	}
}

// lastNode is the step that a sequence ends with, plain parentheses opened.
func lastNode(seq *StepSeq) *StepNode {
	n := &seq.Steps[len(seq.Steps)-1]
	if n.Kind == StepGroup && n.Quant == nil {
		return lastNode(&n.Sub[0])
	}
	return n
}

// growing rejects a last step whose end first and latest can't know.
func (r *ruleCheck) growing(n *StepNode) {
	if n.Quant == nil {
		return
	}
	var fix string
	switch n.Quant.Kind {
	case "some":
		fix = "at least 1      to alert at the first"
	case "most", "optional":
		fix = "emit at end"
	default:
		return
	}
	r.report("E115", n.Quant.Span, "%q as the last step: when is it done?", r.u.src.Slice(n.Quant.Span)).
		here("under match %s that must be said", [...]string{"first", "latest", "each"}[r.ir.Policy]).
		fix("%s", fix).note("emit at end (with a pattern \"within\") waits for all of them; until CONDITION stops at one; match each reports every prefix")
}

// openEnd reports a final absence without a limit (E106).
func (r *ruleCheck) openEnd(s *StepIR) {
	n := r.noNode(s)
	words := "then "
	if s.No.Strict {
		words = "then immediately "
	}
	text := r.u.src.Slice(n.Type.Span)
	at := n.Span
	if n.ArrowSpan != (Span{}) {
		at = Span{n.ArrowSpan.Start, n.Type.Span.End}
	}
	rest := ""
	if n.By != nil {
		rest += " by " + r.u.src.Slice(n.By.Span)
	}
	if n.Where != nil {
		rest += " where " + r.u.src.Slice(n.Where.NodeSpan())
	}
	r.report("E106", at, "a rule can't end with %q without a time limit", words+"no "+text).
		here("for how long must there be no %s?", text).
		note("the engine would have to wait for ever to be sure").
		fix("%sno %s%s within 15m", words, text, rest)
}

// noNode is the absence of the syntax tree.
func (r *ruleCheck) noNode(s *StepIR) *StepNode {
	for i := range r.uses {
		if n := r.uses[i].node; n != nil && n.Kind == StepNo && n.Span == s.Span {
			return n
		}
	}
	return nil
}

// allowed tests every step against the policy (E115).
func (r *ruleCheck) allowed(steps []StepNode) {
	each := r.ir.Policy == MatchEach
	name := [...]string{"first", "latest", "each"}[r.ir.Policy]
	for i := range steps {
		n := &steps[i]
		if !each {
			if n.Arrow == "any" && n.Kind != StepNo {
				r.report("E115", n.ArrowSpan, "\"then any\" needs \"match each\"").here("match %s follows one way, the first fitting event", name).fix("match each limit 50")
			}
			if n.Quant != nil && n.Quant.Inner == "any" {
				r.report("E115", n.Quant.Span, "\"any\" inside a step needs \"match each\"").here("match %s follows one way", name).fix("match each limit 50")
			}
		} else {
			if n.Quant != nil && n.Quant.Kind == "exactly" {
				r.report("E115", n.Quant.Span, "\"exactly\" is not possible under \"match each\"").here("each reports a match before it could know").
					fix("%d      or: match first", n.Quant.Lo)
			}
			if n.Until != nil && !n.Before {
				r.report("E115", n.UntilSpan, "\"until\" is not possible under \"match each\"").here("only \"until before\" is, which leaves the event to the next step").fix("until before")
			}
			if n.Kind == StepAllOf {
				r.report("E115", n.Span, "\"all of\" is not possible under \"match each\"").here("its members go by the first fitting event").fix("match first")
			}
		}
		for j := range n.Sub {
			r.allowed(n.Sub[j].Steps)
		}
	}
}
