package nfa

import "github.com/weir-cep/weir/dsl"

// legal returns why the language does not allow a rule that was put together
// by a test, "" if it does.
func legal(r *dsl.RuleIR) string {
	steps := r.Pattern.Steps
	first, each, limit := r.Policy != dsl.MatchEach, r.Policy == dsl.MatchEach, r.Pattern.Within > 0
	switch {
	case len(steps) == 0 || steps[0].Kind == dsl.StepNo:
		return "begins with no"
	case refEmpty(steps):
		return "only optional steps"
	case !limit && (r.AtEnd || r.Timeout != nil):
		return "no limit"
	case each && r.AtEnd, first && (r.Limit > 0 || r.Skip != dsl.SkipNone):
		return "policy"
	}
	why := ""
	eachSequence(steps, func(seq []*dsl.StepIR, group *dsl.StepIR) {
		for i, s := range seq {
			if w := illegal(r, s, i, group); w != "" {
				why = w
			}
		}
	})
	eachExpr(r, func(e *dsl.Expr) {
		if e.Op == dsl.OpBound && e.Which == dsl.Only && r.Bindings[e.Step].Repeated {
			why = "which of several events"
		}
	})
	if why != "" {
		return why
	}
	if end := refEnds(steps); first && !r.AtEnd && end.Optional && end.Until == nil {
		return "a trailing optional step"
	}
	return unlimited(r, steps)
}

// eachSequence visits the sequences of a pattern with the group they are in.
func eachSequence(seq []*dsl.StepIR, f func(seq []*dsl.StepIR, group *dsl.StepIR)) {
	f(seq, nil)
	for _, s := range seq {
		if s.Kind == dsl.StepGroup {
			eachSequence(s.Sub[0], func(sub []*dsl.StepIR, g *dsl.StepIR) {
				if g == nil {
					g = s
				}
				f(sub, g)
			})
		}
	}
}

// illegal judges one step of a sequence.
func illegal(r *dsl.RuleIR, s *dsl.StepIR, i int, group *dsl.StepIR) string {
	switch {
	case s.Kind == dsl.StepNo && i == 0:
		return "a sequence that begins with no"
	case s.Kind == dsl.StepNo:
		return ""
	case s.Kind == dsl.StepGroup && groupEnds(s) != "":
		return groupEnds(s)
	case s.Kind == dsl.StepGroup && s.Greedy && r.Policy == dsl.MatchEach:
		return "a greedy group under match each"
	case s.Kind == dsl.StepEvent && s.Hi == 1 && s.Within > 0 && i == 0:
		return "within on a first single step"
	case group == nil && i == 0 && s.Arrow != dsl.Relaxed, group != nil && i == 0 && s.Arrow != dsl.Relaxed:
		return "an arrow before the first step"
	case s.Until != nil && s.Optional:
		return "until on a step that may be left out"
	}
	return ""
}

// groupEnds: a group with a count must not begin or end with an absence, nor be
// empty.
func groupEnds(s *dsl.StepIR) string {
	sub := s.Sub[0]
	switch {
	case s.Lo == 1 && s.Hi == 1 && !s.Optional && !s.Exactly:
		return ""
	case refEmpty(sub):
		return "a counted group that may be empty"
	case sub[0].Kind == dsl.StepNo || sub[len(sub)-1].Kind == dsl.StepNo:
		return "a counted group that begins or ends with no"
	}
	return ""
}

// refEnds is the last positive step of a sequence, in groups too.
func refEnds(steps []*dsl.StepIR) *dsl.StepIR {
	s := steps[len(steps)-1]
	if s.Kind == dsl.StepGroup && !s.Optional {
		return refEnds(s.Sub[0])
	}
	return s
}

// unlimited: what waits for time to pass must say for how long.
func unlimited(r *dsl.RuleIR, steps []*dsl.StepIR) string {
	if r.Pattern.Within > 0 {
		return ""
	}
	why := ""
	check := func(n refNext) {
		if n.end && n.exactly {
			why = "a final exactly without a limit"
		}
		for _, no := range n.closing {
			if n.end && no.Within == 0 && (r.Policy != dsl.MatchEach || !no.Strict) {
				why = "a final no without a limit"
			}
		}
	}
	var walk func(p refPlace)
	walk = func(p refPlace) {
		for i, s := range p[len(p)-1].seq {
			q := p.moved(i)
			switch s.Kind {
			case dsl.StepGroup:
				in := q.into(s.Sub[0])
				in[len(in)-1].round = max(s.Lo, 1)
				walk(in)
			case dsl.StepEvent, dsl.StepOneOf, dsl.StepAllOf:
				check(q.next())
			}
		}
	}
	walk(refPlace{{steps, 0, 1}})
	return why
}
