package engine

import (
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// States hold enums as the places of their words, and keys as the words. Both
// stay right when an enum gets further words at its end.

// sameEnums says that states with the old enums can be read with the new ones,
// which are those of the same places.
func sameEnums(old, now []*cep.Enum) bool {
	return slices.EqualFunc(old, now, func(a, b *cep.Enum) bool {
		return len(a.Words) <= len(b.Words) && slices.Equal(a.Words, b.Words[:len(a.Words)])
	})
}

// enums collects the enums of types.
type enums []*cep.Enum

func (l *enums) add(t cep.Type) {
	switch {
	case t.Kind == cep.KindEnum:
		*l = append(*l, t.Enum)
	case t.Kind == cep.KindList:
		l.add(*t.Elem)
	}
}

func (l *enums) fields(s *cep.Schema, fields []int) {
	for _, f := range fields {
		l.add(s.Fields[f].Type)
	}
}

func (l *enums) aggregates(s *cep.Schema, aggs []*dsl.Aggregate) {
	for _, a := range aggs {
		l.fields(s, a.Per)
		if a.Arg != nil {
			l.add(a.Arg.Type)
		}
	}
}

// ruleEnums are the enums that a rule's state holds.
func ruleEnums(ir *dsl.RuleIR) (l enums) {
	for _, p := range ir.Key {
		l.add(p.Type)
	}
	for _, rt := range ir.Routes {
		l.fields(rt.Schema, rt.Fields)
	}
	if ir.When == nil {
		for _, b := range ir.Bindings {
			l.fields(b.Schema, b.Captures)
		}
		return l
	}
	s := ir.Routes[ir.When.Route].Schema
	l.aggregates(s, ir.Aggs)
	if ir.When.For > 0 {
		l.fields(s, heldFields(ir))
	}
	return l
}

// featureEnums are the enums that a feature's state holds, none if there is no
// such feature.
func featureEnums(prog *dsl.Program, name string) (l enums) {
	for _, f := range prog.Features {
		if f.Name == name {
			l.fields(f.On, f.Key)
			l.aggregates(f.On, f.Aggs)
			return l
		}
	}
	return nil
}
