package dsl

import (
	"github.com/weir-cep/weir/cep"
)

// afterStep is the place after a step: its label can be read, and unless it
// may be left out, what it proved is known.
func (r *ruleCheck) afterStep(x *env, s *StepIR, step int, proved []fact, schema *cep.Schema) *env {
	y := x.seeing(step)
	known := append(proved, r.from[schema].list()...)
	if r.binding(step).Repeated {
		y = y.knowing(append(moved(known, step, First), moved(known, step, Last)...)...)
	} else {
		y = y.knowing(moved(known, step, Only)...)
	}
	if s.Optional {
		return y
	}
	return y.knowing(append(r.carried(proved, step), fact{key: boundKey(step), n: s.Lo})...)
}

// carried is what a step has proved about earlier ones.
func (r *ruleCheck) carried(fs []fact, own int) []fact {
	var out []fact
	for _, f := range fs {
		switch {
		case f.of != nil && !has(f.of, func(e *Expr) bool {
			return e.Op != OpBound && e.Op != OpConst && e.Op != OpCall && e.Op != OpToNumber || e.Op == OpBound && e.Step == own
		}):
			out = append(out, f)
		case f.of == nil && f.group == "" && f.key != boundKey(own) && len(f.key) > 6 && f.key[:6] == "bound ":
			out = append(out, f)
		}
	}
	return out
}

// lastFacts is what the completing event has proved about the key's features:
// the alert reads them as of that event.
func (r *ruleCheck) lastFacts(x *env) []fact {
	n := len(r.ir.Pattern.Steps)
	if n == 0 {
		return nil
	}
	s := r.ir.Pattern.Steps[n-1]
	if s.Kind != StepEvent || s.Optional || s.Where == nil || r.deadline() {
		return nil
	}
	var out []fact
	for _, f := range x.implied(s.Where, true) {
		ofKey := true
		for _, read := range r.ir.Reads {
			if f.group == "feature "+read.Feature.Name || f.of != nil && f.of.Op == OpFeature {
				ofKey = ofKey && read.OwnKey
			}
		}
		switch {
		case f.of != nil && f.of.Op == OpFeature && r.ir.Reads[f.of.Index].OwnKey:
			out = append(out, f)
		case f.group != "" && ofKey:
			out = append(out, f)
		}
	}
	return out
}

// timeoutEnv is the place of the alert of "on timeout": only the first step is
// sure to have bound an event.
func (r *ruleCheck) timeoutEnv() *env {
	x := r.base()
	x.all = true
	steps := r.ir.Pattern.Steps
	if len(steps) == 0 || steps[0].Kind != StepEvent || steps[0].Optional {
		return x
	}
	s := steps[0]
	var proved []fact
	if s.Where != nil {
		proved = x.implied(s.Where, true)
	}
	if r.binding(s.Binding).Schema == nil {
		return x
	}
	one := *s
	one.Lo = 1
	y := r.afterStep(x, &one, s.Binding, proved, r.binding(s.Binding).Schema)
	y.all = true
	return y
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
