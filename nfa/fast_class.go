package nfa

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// fastProg is a program of the coalesced class, and how its state lies in a
// slot.
type fastProg struct {
	*Prog
	steps  []fastStep
	within int64 // of the pattern, 0 none
	quits  uint64
	touch  uint64 // events with none of these bits change nothing
	alert  bool   // … but all must be looked at

	asks     bool // the completing step has a condition of its own
	waits    bool // some run can wait for a deadline
	numbered bool // entries carry the number of their event
	gaps     bool // starts can die between live ones
	marked   bool // starts carry a mark of the dead
	plain    bool // step 0 takes what begins a run, and nothing else can happen then
	layout
}

// fastStep is a step as the coalesced machine needs it.
type fastStep struct {
	*Step
	mask     uint64 // bit of its predicate
	optional bool
	single   bool // binds one event
	ways     []fastWay
	wayMask  uint64
	nos      []fastNo
	noMask   uint64
	look     uint64 // bits of events that can do anything to a run here
	alert    bool   // … or any event can
	strict   bool   // some way is
	relaxed  bool   // some way is
	final    bool   // completes when it has its minimum
	waits    bool   // waits for a deadline when it has its minimum
	closing  []int64
	span     int64
	gap      int64
	caps     *expr.Capture
	known    bool // events of its type carry an id
	ring     int  // its log, -1 none
	class    class
	cond     expr.Cond // of class shared and own: what is asked beside the predicate
}

// fastWay leads to a step.
type fastWay struct {
	to     int
	mask   uint64
	strict bool
	within int64
	greedy bool
}

// fastNo is an armed absence.
type fastNo struct {
	mask   uint64
	strict bool
	within int64
}

// class is how a step's condition treats the runs that could take an event.
type class uint8

const (
	alike    class = iota // it reads the event alone
	shared                // it reads the last event of the loop before, which all runs share
	own                   // the completing step: each run is asked, earliest start first
	monotone              // … but if the earliest start fails, all others do
)

// classify returns the coalesced form of a program, or why it has none. What it
// accepts is held to the reference by random comparison, not only by argument.
func classify(p *Prog) (*fastProg, string) {
	r := p.Rule
	switch {
	case p.Fork != nil:
		return nil, "match each forks runs"
	case r.Policy != dsl.MatchFirst:
		return nil, "match latest keeps one run per place"
	case r.AtEnd:
		return nil, "emit at end keeps complete runs"
	case r.Timeout != nil:
		return nil, "on timeout reports runs one by one"
	case p.spill:
		return nil, "more than 64 predicates"
	case len(p.Groups) > 0:
		return nil, "a group"
	case len(p.Tracks) > 0:
		return nil, "a block"
	case p.Starts.len() != 1:
		return nil, "the first step may be left out"
	}
	c := &fastProg{Prog: p, within: r.Pattern.Within}
	for i := range p.Steps {
		if why := c.addStep(i); why != "" {
			return nil, why
		}
	}
	for _, q := range p.Quits {
		if p.Tests[q].Cond != nil {
			return nil, "cancel on reads the run"
		}
		c.quits |= p.bitOf(q)
	}
	if why := c.combine(); why != "" {
		return nil, why
	}
	for i := range c.steps {
		if why := c.condition(i); why != "" {
			return nil, why
		}
	}
	c.asks = c.last().class >= own
	c.place()
	return c, c.describe()
}

func (c *fastProg) addStep(i int) string {
	st := &c.Steps[i]
	b := &c.Rule.Bindings[max(st.Binding, 0)]
	switch {
	case st.Until != nil || st.Before >= 0:
		return fmt.Sprintf("step %s has until", st.Label)
	case b.Optional && (st.Lo > 1 || st.Exactly):
		return fmt.Sprintf("step %s may be left out and counts", st.Label)
	}
	s := fastStep{Step: st, mask: c.bitOf(st.Test), optional: b.Optional, single: st.Hi == 1, ring: -1,
		span: c.short(st.Within), gap: c.short(st.Gap),
		caps: c.Layout.Captures[st.Binding], known: b.Schema.ID >= 0}
	for _, w := range c.span(st.Ways) {
		s.ways = append(s.ways, fastWay{to: w.To, mask: c.bitOf(c.Steps[w.To].Test), strict: w.Strict, within: c.short(w.Within), greedy: w.Greedy})
	}
	for _, a := range c.Arms[st.Arms.from:st.Arms.to] {
		no := &c.Nos[a.No]
		if c.Tests[no.Test].Cond != nil {
			return fmt.Sprintf("%s reads the run", no.Label)
		}
		s.nos = append(s.nos, fastNo{mask: c.bitOf(no.Test), strict: no.Strict, within: no.Within})
	}
	if st.End.OK {
		s.final = len(st.End.Nos) == 0 && !st.End.Exactly
		s.waits = !s.final
		for _, n := range st.End.Nos {
			s.closing = append(s.closing, c.Nos[n].Within)
		}
	}
	c.steps = append(c.steps, s)
	return ""
}

// short leaves out a limit that the pattern's within implies.
func (c *fastProg) short(d int64) int64 {
	if w := c.Rule.Pattern.Within; w > 0 && d >= w {
		return 0
	}
	return d
}

// combine derives the masks, and refuses what intervals can't express.
func (c *fastProg) combine() string {
	for i := range c.steps {
		s := &c.steps[i]
		for _, w := range s.ways {
			hard := w.strict || w.within > 0
			if hard && (len(s.ways) > 1 || c.steps[w.to].optional) {
				return fmt.Sprintf("step %s follows by \"immediately\" or within a time beside a step that may be left out", c.steps[w.to].Label)
			}
			s.wayMask |= w.mask
			s.relaxed = s.relaxed || !w.strict
			s.strict = s.strict || w.strict
			c.gaps = c.gaps || hard
			c.numbered = c.numbered || w.strict
		}
		for _, n := range s.nos {
			s.noMask |= n.mask
			s.alert = s.alert || n.strict
			c.gaps = true
			c.numbered = c.numbered || n.strict
		}
		s.alert = s.alert || s.strict || s.Consecutive
		s.look = s.mask | s.wayMask | s.noMask
		if s.final && i < len(c.steps)-1 {
			return fmt.Sprintf("step %s ends the pattern and may still be followed", s.Label)
		}
		if s.waits {
			c.waits, c.numbered = true, true
			for _, d := range s.closing {
				if d > 0 && c.within > 0 && len(s.ways) > 0 {
					return fmt.Sprintf("step %s waits beyond the pattern's within and may be followed", s.Label)
				}
			}
		}
		c.numbered = c.numbered || s.Consecutive
		c.gaps = c.gaps || s.Consecutive || s.Exactly || s.span > 0 || s.gap > 0 || s.waits
		c.touch |= s.look
		c.alert = c.alert || s.alert
	}
	c.touch |= c.quits
	c.gaps = c.gaps || c.Where != nil
	first := &c.steps[0]
	others := first.wayMask | c.quits
	for i := range c.steps[1:] {
		others |= c.steps[1+i].look
	}
	c.plain = !c.gaps && !c.numbered && !first.final && (first.single || first.Hi == 0) && others&first.mask == 0
	return ""
}

// condition finds the class of a step's condition.
func (c *fastProg) condition(i int) string {
	s := &c.steps[i]
	t := &c.Tests[s.Test]
	if t.Cond == nil {
		return ""
	}
	s.cond = t.Cond
	own1 := terms(t.Where)
	completes := i == len(c.steps)-1 && i > 0 && s.final && s.Lo == 1 && !s.optional
	switch {
	case i > 0 && s.single && !s.optional && !s.Exactly && c.sharesLast(i) && allTerms(c.Rule, own1, func(e *dsl.Expr) bool { return c.readsLast(e, i-1) }):
		s.class = shared
	case completes && c.grows(i-1) && allTerms(c.Rule, own1, func(e *dsl.Expr) bool { return c.holdsOn(e, i-1) }):
		s.class = monotone
	case completes:
		s.class = own
	default:
		return fmt.Sprintf("the condition of step %s differs between runs", s.Label)
	}
	return ""
}

// allTerms says that every term that reads the run passes the test.
func allTerms(r *dsl.RuleIR, ts []*dsl.Expr, ok func(*dsl.Expr) bool) bool {
	for _, t := range ts {
		if readsRun(r, t) && !ok(t) {
			return false
		}
	}
	return true
}

// sharesLast: step i is reached from step i-1 alone, and all runs there have
// bound one and the same event last.
func (c *fastProg) sharesLast(i int) bool { return c.grows(i - 1) }

// grows: step i is mandatory and absorbs without end, so that of two runs there
// the earlier has bound all that the later has.
func (c *fastProg) grows(i int) bool {
	s := &c.steps[i]
	return s.Hi == 0 && !s.Consecutive && !s.optional && s.span == 0 && s.gap == 0
}

// readsLast: of the run, the term reads only the last event of the step.
func (c *fastProg) readsLast(e *dsl.Expr, step int) bool {
	binding := c.steps[step].Binding
	ok := true
	var walk func(*dsl.Expr)
	walk = func(e *dsl.Expr) {
		switch e.Op {
		case dsl.OpBound:
			ok = ok && e.Step == binding && e.Which == dsl.Last
		case dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg, dsl.OpMatchStart, dsl.OpMatchEnd, dsl.OpFeature:
			ok = false
		}
		for _, a := range e.Args {
			walk(a)
		}
	}
	walk(e)
	return ok
}

// holdsOn: once the term holds for a run it holds for every run that has bound
// more events of the step.
func (c *fastProg) holdsOn(e *dsl.Expr, step int) bool {
	binding := c.steps[step].Binding
	if len(e.Args) != 2 {
		return false
	}
	l, r := e.Args[0], e.Args[1]
	switch e.Op {
	case dsl.OpIn:
		return !readsRun(c.Rule, l) && r.Op == dsl.OpBoundList && r.Step == binding
	case dsl.OpGe, dsl.OpGt:
		counts := l.Op == dsl.OpBoundCount || l.Op == dsl.OpBoundAgg && (l.Agg == dsl.AggDistinct || l.Agg == dsl.AggCount || l.Agg == dsl.AggMax)
		return counts && l.Step == binding && l.Type.Kind != cep.KindNone && !l.Type.Optional && !readsRun(c.Rule, r)
	}
	return false
}

// last is the completing step.
func (c *fastProg) last() *fastStep { return &c.steps[len(c.steps)-1] }

// describe says what the program is, for explain.
func (c *fastProg) describe() string {
	switch c.last().class {
	case own:
		return "starts in one queue, cut by step; the last step asks each run, earliest first"
	case monotone:
		return "starts in one queue, cut by step; the last step asks the earliest run"
	}
	return "starts in one queue, cut by step"
}
