package dsl

import (
	"strconv"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// Sentence says in plain English what the rule does: what explain prints, and
// what a reviewer signs. Params appear with their default values.
func (r *RuleIR) Sentence() string {
	s := &speaker{r: r}
	var parts []string
	switch {
	case r.When != nil && r.When.For > 0:
		parts = append(parts, s.held())
	case r.When != nil:
		parts = append(parts, s.trigger())
	default:
		parts = append(parts, s.pattern())
		parts = append(parts, s.between()...)
		parts = append(parts, s.policy())
	}
	for _, f := range r.From {
		parts = append(parts, "It sees only "+f.Schema.Name+s.that(f.Schema, f.Where, true)+".")
	}
	for i := range r.Cancel {
		c := &r.Cancel[i]
		schema := r.Routes[c.Route].Schema
		parts = append(parts, capital(withArticle(schema.Name))+s.that(schema, c.Where, false)+" ends every run.")
	}
	if r.AtEnd {
		parts = append(parts, "A match is reported when its time is over, with all that came.")
	}
	if r.Timeout != nil {
		parts = append(parts, "A run whose time runs out is reported too.")
	}
	if r.Suppress != nil {
		parts = append(parts, s.suppression())
	}
	if r.Status == Shadow {
		parts = append(parts, "In shadow: it is counted, and nothing is delivered.")
	} else if r.Status == Off {
		parts = append(parts, "Switched off.")
	}
	return strings.Join(parts, " ")
}

// speaker turns a rule into English.
type speaker struct {
	r   *RuleIR
	cur *cep.Schema // the event that the words are about
	own int         // 1 + the step whose event that is, 0 if none
}

// who is "For each card_id".
func (s *speaker) who() string {
	if s.r.Global {
		return "Over the whole stream"
	}
	return "For each " + andList(keyNames(s.r.Key))
}

// trigger is an on … when rule.
func (s *speaker) trigger() string {
	w := s.r.When
	schema := s.r.Routes[w.Route].Schema
	s.cur = schema
	if w.Newly {
		return s.who() + ": at the first " + schema.Name + s.that(schema, w.Where, false) + ", when " + s.clause(w.Cond) + ", and again once that has ceased."
	}
	return s.who() + ": each " + schema.Name + s.that(schema, w.Where, false) + ", when " + s.clause(w.Cond) + "."
}

// held is an on … when … for rule.
func (s *speaker) held() string {
	w := s.r.When
	schema := s.r.Routes[w.Route].Schema
	s.cur = schema
	out := s.who() + ": " + s.clause(w.Cond) + " for " + spoken(w.For)
	if w.Where != nil {
		out += ", looking at " + schema.Name + s.that(schema, w.Where, true)
	}
	out += ". Fires once when that time is full"
	if w.Gap > 0 {
		out += "; a silence longer than " + spoken(w.Gap) + " ends it"
	}
	if w.Keep > 0 {
		out += "; after firing, a pause of up to " + spoken(w.Keep) + " does not begin it anew"
	}
	return out + "."
}

// pattern is the sequence.
func (s *speaker) pattern() string {
	p := s.r.Pattern
	out := s.who() + ": " + s.steps(p.Steps, p.Within)
	if p.Where != nil {
		s.cur = nil
		out += ", if " + s.clause(p.Where)
	}
	return out + "."
}

// steps joins a sequence. The pattern's limit stands behind its first "then".
func (s *speaker) steps(steps []*StepIR, within int64) string {
	var b strings.Builder
	for i, st := range steps {
		last := i == len(steps)-1
		if st.Kind == StepNo {
			b.WriteString(s.absence(st.No, last, i+1 < len(steps) && steps[i+1].Kind == StepNo, within))
			continue
		}
		if i > 0 {
			b.WriteString([...]string{", then", ", immediately after that", ", then any later"}[st.Arrow])
			if within > 0 {
				b.WriteString(" — within " + spoken(within) + " of the first —")
				within = 0
			}
			b.WriteString(" ")
		}
		b.WriteString(s.step(st, i > 0 && st.Arrow == Any))
	}
	if within > 0 && (len(steps) > 1 || steps[0].Lo != 1 || steps[0].Hi != 1 || steps[0].Kind != StepEvent) && steps[len(steps)-1].Kind != StepNo {
		b.WriteString(", all within " + spoken(within))
	}
	return b.String()
}

// absence is ", with no X in between" or, at the end, ", and then no X within
// 15 minutes".
func (s *speaker) absence(a *Absence, last, more bool, within int64) string {
	schema := s.r.Routes[a.Route].Schema
	what := schema.Name + s.that(schema, a.Where, false)
	next := "no "
	if a.Strict {
		next = "not, as the very next event, " + article(schema.Name) + " "
	}
	switch {
	case last && a.Within > 0:
		return ", and then " + next + what + " for " + spoken(a.Within)
	case last && within > 0:
		return ", and then " + next + what + " until " + spoken(within) + " after the first"
	case last:
		return ", and then " + next + what
	case a.Within > 0:
		return ", with " + next + what + " for " + spoken(a.Within)
	}
	return ", with " + next + what + " in between"
}

func article(noun string) string { return strings.SplitN(withArticle(noun), " ", 2)[0] }

// step is one positive step.
func (s *speaker) step(st *StepIR, any bool) string {
	switch st.Kind {
	case StepGroup:
		return s.count(st, false) + " times (" + s.steps(st.Sub[0], 0) + ")"
	case StepOneOf, StepAllOf:
		alts := make([]string, len(st.Sub))
		for i, sub := range st.Sub {
			alts[i] = s.steps(sub, 0)
		}
		out := "either " + strings.Join(alts, ", or ")
		if st.Kind == StepAllOf {
			out = "in any order " + andList(alts)
		}
		if st.Within > 0 {
			out += ", within " + spoken(st.Within)
		}
		return out
	}
	schema := s.r.Bindings[st.Binding].Schema
	s.own = st.Binding + 1
	defer func() { s.own = 0 }()
	many := st.Lo != 1 || st.Hi != 1
	out := strings.TrimLeft(s.count(st, any)+" ", " ")
	if st.Inner == Strict {
		out += "consecutive "
	}
	out += schema.Name + s.that(schema, st.Where, many)
	switch {
	case st.Within > 0 && many:
		out += " within " + spoken(st.Within)
	case st.Within > 0:
		out += " within " + spoken(st.Within) + " of the one before"
	}
	if st.Gap > 0 {
		out += ", at most " + spoken(st.Gap) + " apart"
	}
	if st.Until != nil {
		s.cur = schema
		out += ", until " + s.clause(st.Until)
		if st.Before {
			out += " (that event is not counted)"
		}
	}
	return out
}

func (s *speaker) count(st *StepIR, any bool) string {
	n := strconv.Itoa(st.Lo)
	switch {
	case st.Optional && st.Hi == 1:
		return "perhaps one"
	case st.Optional:
		return "up to " + strconv.Itoa(st.Hi)
	case st.Exactly:
		return "exactly " + n
	case st.Hi == 0 && st.Inner == Any:
		return "any choice of " + n + " or more"
	case st.Hi == 0:
		return n + " or more"
	case st.Lo != st.Hi:
		return n + " to " + strconv.Itoa(st.Hi)
	case st.Lo == 1 && any:
		return ""
	case st.Lo == 1:
		return "one"
	}
	return n
}

// between says what happens to other events in between.
func (s *speaker) between() []string {
	relaxed, strict := false, false
	var look func(steps []*StepIR, first bool)
	look = func(steps []*StepIR, first bool) {
		for i, st := range steps {
			if st.Kind == StepNo {
				continue
			}
			if i > 0 || !first {
				relaxed = relaxed || st.Arrow != Strict && i > 0
				strict = strict || st.Arrow == Strict && i > 0
			}
			if st.Kind == StepEvent && (st.Lo != 1 || st.Hi != 1) {
				relaxed = relaxed || st.Inner != Strict
			}
			for _, sub := range st.Sub {
				look(sub, false)
			}
			relaxed = relaxed || st.Kind == StepAllOf
		}
	}
	look(s.r.Pattern.Steps, true)
	switch {
	case relaxed && strict:
		return []string{"Elsewhere, other events in between are ignored."}
	case relaxed:
		return []string{"Other events in between are ignored."}
	}
	return nil
}

func (s *speaker) policy() string {
	switch s.r.Policy {
	case MatchLatest:
		return "Of overlapping runs, the one that started last is reported."
	case MatchEach:
		out := "Every way to match is reported"
		if s.r.Limit > 0 {
			out += ", at most " + strconv.Itoa(s.r.Limit) + " per event"
		}
		switch s.r.Skip {
		case SkipNext:
			out += ", one for each first event"
		case SkipPast:
			out += "; its events are not used again"
		case SkipToFirst, SkipToLast:
			which := "first"
			if s.r.Skip == SkipToLast {
				which = "last"
			}
			out += "; runs that began before the " + which + " " + s.r.Bindings[s.r.SkipStep].Label + " are dropped"
		}
		return out + "."
	}
	return "Fires once per incident; an incident's events are not used again."
}

func (s *speaker) suppression() string {
	sup := s.r.Suppress
	per := andList(keyNames(s.r.Key))
	if sup.Per != nil {
		names := make([]string, len(sup.Per))
		for i, p := range sup.Per {
			names[i] = p.Name
		}
		per = andList(names)
	}
	out := "At most one alert"
	if per != "" {
		out += " per " + per
	}
	out += " " + every(sup.For)
	if sup.Unless != nil {
		s.cur = nil
		if s.r.When != nil {
			s.cur = s.r.Routes[s.r.When.Route].Schema
		}
		out += ", unless " + s.clause(sup.Unless)
	}
	return out + "."
}

// that is what a condition says of an event: " that is declined and under
// 5.00 USD with country in risky where …".
func (s *speaker) that(schema *cep.Schema, where *Expr, many bool) string {
	if where == nil {
		return ""
	}
	s.cur = schema
	var is, with, rest []string
	for _, c := range conjuncts(where) {
		switch kind, text := s.quality(c); kind {
		case qualityIs:
			is = append(is, text)
		case qualityWith:
			with = append(with, text)
		default:
			rest = append(rest, text)
		}
	}
	out := ""
	if len(is) > 0 {
		verb := " that is "
		if many {
			verb = " that are "
		}
		out += verb + andList(is)
	}
	if len(with) > 0 {
		if out != "" {
			out += ","
		}
		out += " with " + andList(with)
	}
	if len(rest) > 0 {
		if out != "" {
			out += ","
		}
		out += " where " + andList(rest)
	}
	return out
}
