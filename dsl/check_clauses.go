package dsl

import (
	"strings"
)

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
