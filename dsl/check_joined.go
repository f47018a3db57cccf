package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// reads lists the event types that a rule reads, those of its features too.
func (r *ruleCheck) reads() []*cep.Schema {
	var l []*cep.Schema
	add := func(s *cep.Schema) {
		if s != nil && !slices.Contains(l, s) {
			l = append(l, s)
		}
	}
	for _, rt := range r.ir.Routes {
		add(rt.Schema)
	}
	for _, f := range r.ir.Reads {
		add(f.Feature.On)
	}
	return l
}

// raisersOf lists the rules that raise an event type.
func (c *checker) raisersOf(s *cep.Schema) []raiser {
	if ev := c.alerts[s.Name]; ev != nil && ev.schema == s {
		return ev.raisers
	}
	return nil
}

// level is 0 for a rule that reads no alert events, else one more than the
// highest level among the rules that raise what it reads. depth stops at
// circles, which have been reported.
func (c *checker) level(r *ruleCheck, depth int) int {
	if depth > len(c.rules) {
		return 0
	}
	n := 0
	for _, s := range r.reads() {
		for _, from := range c.raisersOf(s) {
			n = max(n, 1+c.level(from.rule, depth+1))
		}
	}
	return n
}

// arrival says whether a rule may run in arrival order: all sources of its
// types say so, and it has no deadline.
func (c *checker) arrival(r *ruleCheck, depth int) bool {
	if r.ir.Deadline || depth > len(c.rules) {
		return false
	}
	for _, rt := range r.ir.Routes {
		if from := c.raisersOf(rt.Schema); from != nil {
			for _, f := range from {
				if !c.arrival(f.rule, depth+1) {
					return false
				}
			}
			continue
		}
		if !c.sourcesArrive(rt.Schema) {
			return false
		}
	}
	return true
}

// sourcesArrive says whether a type has sources and all are in arrival order.
func (c *checker) sourcesArrive(s *cep.Schema) bool {
	any := false
	for _, u := range c.order {
		for _, sym := range u.sources {
			if sym.source == nil || !slices.Contains(sym.source.Of, s) {
				continue
			}
			if o := optionNamed(sym.source.Options, "order"); o == nil || o.Value.Text != "arrival" {
				return false
			}
			any = true
		}
	}
	return any
}

func optionNamed(opts []Option, name string) *Option {
	for i := range opts {
		if opts[i].Name == name {
			return &opts[i]
		}
	}
	return nil
}
