package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// decisionSchema is what a decision's conditions read, as an event: the
// highest severity raised, missing if none, and the sum of the scores.
func decisionSchema(name string) *cep.Schema {
	s := &cep.Schema{Name: name, ID: -1, Fields: []cep.Field{
		{Name: "severity", Type: severityType.OrMissing()}, {Name: "score", Type: numberType},
	}}
	s.Seal()
	return s
}

// decisions checks the decision blocks of the named files.
func (c *checker) decisions(p *Program, g *gatherer) {
	first := map[*cep.Schema]*DecisionDecl{}
	for _, u := range c.order {
		if !u.named {
			continue
		}
		for _, d := range u.file.Decls {
			d, ok := d.(*DecisionDecl)
			if !ok {
				continue
			}
			ir := u.checkDecision(d)
			if ir == nil {
				continue
			}
			if first[ir.On] != nil {
				u.report("E114", d.On.Span, "%s has two decisions", ir.On.Name).here("one decision per event type").
					note("the other one is %q", first[ir.On].Name.Name)
				continue
			}
			first[ir.On] = d
			p.Decisions = append(p.Decisions, ir)
			for _, l := range ir.Lines {
				walk(l.Cond, g.expr)
			}
			c.uncounted(u, d, ir, p)
		}
	}
}

func (u *unit) checkDecision(d *DecisionDecl) *DecisionIR {
	on := u.event(d.On)
	if on == nil {
		return nil
	}
	if on.Derived {
		u.report("E122", d.On.Span, "%s is raised by rules", on.Name).here("a decision answers an event that comes in")
		return nil
	}
	ir := &DecisionIR{Name: d.Name.Name, On: on, Default: d.Default.Name}
	if d.Deadline != nil {
		ir.Deadline = d.Deadline.Int
	}
	x := &env{c: u.c, u: u, cur: decisionSchema("a decision"),
		aggsWhy: "a decision reads severity and score", readsWhy: "a decision reads severity and score"}
	for _, l := range d.Lines {
		if e := x.cond(x.expr(l.When, boolType)); !isFailed(e) {
			ir.Lines = append(ir.Lines, DecisionLine{l.Verdict.Name, e})
		}
	}
	return ir
}

// uncounted warns of rules on the decision's type that run in time order: they
// answer too late to count (W214).
func (c *checker) uncounted(u *unit, d *DecisionDecl, ir *DecisionIR, p *Program) {
	var late []string
	for _, r := range p.Rules {
		if !r.Arrival && r.Level == 0 && r.Status == Live && slices.ContainsFunc(r.Routes, func(rt Route) bool { return rt.Schema == ir.On }) {
			late = append(late, r.Name)
		}
	}
	if len(late) == 0 {
		return
	}
	f := u.warn("W214", d.On.Span, "this decision doesn't count %s", andList(late)).here("in time order, an answer waits for late events")
	if !c.sourcesArrive(ir.On) {
		f.note("let every source of %s say  order: arrival", ir.On.Name)
	} else {
		f.note("a rule with a deadline (a final \"no\", \"for\", \"emit at end\", \"on timeout\") always runs in time order")
	}
}
