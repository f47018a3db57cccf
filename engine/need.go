package engine

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// Need tells per event type and field, parallel to Program.Schemas, whether
// some rule that is not off reads the field, so that a decoder can leave the
// others out. Ids are always needed. Types that nobody reads need nothing.
func Need(prog *dsl.Program) [][]bool {
	n := needs{prog: prog, at: map[*cep.Schema]int{}, need: make([][]bool, len(prog.Schemas))}
	for i, s := range prog.Schemas {
		n.at[s] = i
		n.need[i] = make([]bool, len(s.Fields))
		if s.ID >= 0 {
			n.need[i][s.ID] = true
		}
	}
	for _, r := range prog.Rules {
		if r.Status != dsl.Off {
			n.rule(r)
		}
	}
	return n.need
}

type needs struct {
	prog *dsl.Program
	at   map[*cep.Schema]int
	need [][]bool
}

func (n *needs) fields(s *cep.Schema, fields []int) {
	for _, f := range fields {
		n.need[n.at[s]][f] = true
	}
}

// rule marks what a rule reads. A field that one of its expressions reads is
// marked in all of the rule's types: which of them is current is not worth
// finding out.
func (n *needs) rule(r *dsl.RuleIR) {
	exprs := append(conditions(r), finals(r)...)
	for _, f := range r.From {
		exprs = append(exprs, f.Where)
	}
	for i := range r.Reads {
		exprs = append(exprs, r.Reads[i].Keys...)
		n.feature(r.Reads[i].Feature)
	}
	for _, b := range r.Bindings {
		n.fields(b.Schema, b.Captures)
	}
	for _, route := range r.Routes {
		n.fields(route.Schema, route.Fields)
		for _, a := range r.Aggs {
			n.fields(route.Schema, a.Per)
		}
		for _, e := range exprs {
			for _, f := range expr.Fields(e) {
				if f < len(route.Schema.Fields) {
					n.need[n.at[route.Schema]][f] = true
				}
			}
		}
	}
}

func (n *needs) feature(f *dsl.FeatureIR) {
	n.fields(f.On, f.Key)
	n.fields(f.On, expr.Fields(f.Where))
	for _, a := range f.Aggs {
		n.fields(f.On, expr.Fields(a.Arg))
		n.fields(f.On, expr.Fields(a.Cond))
	}
}

// Reads says which of the program's event types some rule that is not off
// reads, alert events left out.
func Reads(prog *dsl.Program) []*cep.Schema {
	read := map[*cep.Schema]bool{}
	for _, r := range prog.Rules {
		if r.Status == dsl.Off {
			continue
		}
		for _, route := range r.Routes {
			read[route.Schema] = true
		}
		for i := range r.Reads {
			read[r.Reads[i].Feature.On] = true
		}
	}
	var list []*cep.Schema
	for _, s := range prog.Schemas {
		if read[s] && !s.Derived {
			list = append(list, s)
		}
	}
	return list
}
