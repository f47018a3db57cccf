package nfa

import (
	"slices"

	"github.com/weir-cep/weir/dsl"
)

// shrink returns a smaller rule and stream that still fail: it leaves out what
// it can, one thing at a time, until nothing more can go.
func shrink(r *dsl.RuleIR, es []*refEvent, end int64, fails func(*dsl.RuleIR, []*refEvent, int64) bool) (*dsl.RuleIR, []*refEvent, int64) {
	for smaller := true; smaller; {
		smaller = false
		for i := len(es) - 1; i >= 0; i-- {
			if less := without(es, i); fails(r, less, end) {
				es, smaller = less, true
			}
		}
		for n := 0; ; n++ {
			c, ok := simpler(r, n)
			if !ok {
				break
			}
			if ruleText(c) != ruleText(r) && legal(c) == "" && complete(c) && fails(c, es, end) {
				r, smaller = c, true
				n = -1
			}
		}
	}
	if len(es) > 0 && fails(r, es, es[len(es)-1].at) {
		end = es[len(es)-1].at
	}
	return r, es, end
}

// without leaves out one event and renumbers the others.
func without(es []*refEvent, i int) []*refEvent {
	es = slices.Delete(slices.Clone(es), i, i+1)
	for k := range es {
		c := *es[k]
		c.seq = k
		es[k] = &c
	}
	return es
}

// complete finishes a rule after something was left out; it reports whether
// all that its conditions read is still there.
func complete(r *dsl.RuleIR) bool {
	bound, many := map[int]bool{}, map[int]bool{}
	var walk func(steps []*dsl.StepIR, repeated bool)
	walk = func(steps []*dsl.StepIR, repeated bool) {
		for _, s := range steps {
			if s.Kind == dsl.StepEvent {
				bound[s.Binding], many[s.Binding] = true, repeated || repeats(s)
			}
			for _, sub := range s.Sub {
				walk(sub, repeated || s.Kind == dsl.StepGroup && repeats(s))
			}
		}
	}
	walk(r.Pattern.Steps, false)
	ok := r.Skip < dsl.SkipToFirst || bound[r.SkipStep]
	eachExpr(r, func(e *dsl.Expr) {
		switch e.Op {
		case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundAgg, dsl.OpBoundCount:
			ok = ok && bound[e.Step] && !(e.Op == dsl.OpBound && e.Which == dsl.Only && many[e.Step])
		}
	})
	if ok {
		finishRule(r)
	}
	return ok
}

// simpler returns the n-th way to simplify a rule.
func simpler(r *dsl.RuleIR, n int) (*dsl.RuleIR, bool) {
	c := *r
	p := *r.Pattern
	c.Pattern = &p
	c.Bindings = slices.Clone(r.Bindings)
	ways := []func(){
		func() { c.Cancel = nil }, func() { p.Where = nil }, func() { c.Timeout = nil }, func() { c.AtEnd = false },
		func() { c.Limit = 0 }, func() { c.Skip = dsl.SkipNone }, func() { p.Within = 0 },
	}
	if n < len(ways) {
		ways[n]()
		return &c, true
	}
	n -= len(ways)
	p.Steps, n = simplerSequence(p.Steps, n)
	return &c, n < 0
}

// simplerSequence applies the n-th simplification of a sequence and returns
// what is left of n, below 0 once it was applied.
func simplerSequence(seq []*dsl.StepIR, n int) ([]*dsl.StepIR, int) {
	for i, s := range seq {
		if n == 0 {
			return slices.Delete(slices.Clone(seq), i, i+1), -1
		}
		n--
		ways := simplerStep(s)
		if n < len(ways) {
			return slices.Concat(seq[:i], ways[n], seq[i+1:]), -1
		}
		n -= len(ways)
		for k := range s.Sub {
			var sub []*dsl.StepIR
			if sub, n = simplerSequence(s.Sub[k], n); n < 0 && len(sub) > 0 {
				c := *s
				c.Sub = slices.Clone(s.Sub)
				c.Sub[k] = sub
				return slices.Concat(seq[:i], []*dsl.StepIR{&c}, seq[i+1:]), -1
			}
			if n < 0 {
				return seq, -1
			}
		}
	}
	return seq, n
}

// simplerStep lists what may stand for a step.
func simplerStep(s *dsl.StepIR) (ways [][]*dsl.StepIR) {
	with := func(on bool, f func(c *dsl.StepIR)) {
		if on {
			c := *s
			f(&c)
			ways = append(ways, []*dsl.StepIR{&c})
		}
	}
	if s.Kind == dsl.StepNo {
		a := *s.No
		with(a.Within > 0, func(c *dsl.StepIR) { a.Within = 0; c.No = &a })
		b := *s.No
		with(b.Strict, func(c *dsl.StepIR) { b.Strict = false; c.No = &b })
		for _, w := range simplerWhere(s.No.Where) {
			x := *s.No
			x.Where = w
			with(true, func(c *dsl.StepIR) { c.No = &x })
		}
		return ways
	}
	for _, sub := range s.Sub {
		ways = append(ways, sub)
	}
	with(s.Arrow != dsl.Relaxed, func(c *dsl.StepIR) { c.Arrow = dsl.Relaxed })
	with(s.Optional, func(c *dsl.StepIR) { c.Optional = false })
	with(s.Greedy, func(c *dsl.StepIR) { c.Greedy = false })
	with(s.Exactly, func(c *dsl.StepIR) { c.Exactly = false })
	with(s.Inner != dsl.Relaxed, func(c *dsl.StepIR) { c.Inner = dsl.Relaxed })
	with(s.Until != nil, func(c *dsl.StepIR) { c.Until, c.Before = nil, false })
	with(s.Within > 0, func(c *dsl.StepIR) { c.Within = 0 })
	with(s.Gap > 0, func(c *dsl.StepIR) { c.Gap = 0 })
	with(s.Lo > 1 && s.Lo != s.Hi, func(c *dsl.StepIR) { c.Lo-- })
	with(s.Lo > 2 && s.Lo == s.Hi, func(c *dsl.StepIR) { c.Lo--; c.Hi-- })
	with(s.Hi > s.Lo && s.Hi > 2, func(c *dsl.StepIR) { c.Hi-- })
	with(s.Hi != 1 && s.Until == nil && s.Gap == 0 && s.Within == 0, func(c *dsl.StepIR) { c.Lo, c.Hi, c.Exactly, c.Inner, c.Greedy = 1, 1, false, dsl.Relaxed, false })
	for _, w := range simplerWhere(s.Where) {
		with(true, func(c *dsl.StepIR) { c.Where = w })
	}
	return ways
}

// simplerWhere lists the parts of a condition.
func simplerWhere(e *dsl.Expr) []*dsl.Expr {
	if e == nil {
		return nil
	}
	switch e.Op {
	case dsl.OpAnd, dsl.OpOr, dsl.OpNot:
		return append(slices.Clone(e.Args), nil)
	}
	return []*dsl.Expr{nil}
}
