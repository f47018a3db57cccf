package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
	"github.com/weir-cep/weir/nfa"
)

// StateHash is a hash of all that decides what the words of a rule's state
// mean: two forms of a rule with one hash can go on with each other's state.
//
// It leaves out what is asked anew of every event: conditions, thresholds,
// texts, scores. It holds the key, the events and conditions that choose what
// enters a window, all durations, the form of a pattern down to its compiled
// program, and the fields that are kept of events. The words of enums are not
// in it: an enum may grow.
func StateHash(prog *dsl.Program, ir *dsl.RuleIR) (uint64, error) {
	r, err := newRule(prog, ir)
	if err != nil {
		return 0, err
	}
	return hashText(r.stateText(prog.Zone)), nil
}

// stateLayout is the version of what the words mean that the engine itself
// keeps: states of on … when rules, suppression, entries of key spaces.
const stateLayout = 1

func hashText(s string) uint64 { return xxh3.HashString(s) }

// stateText spells what StateHash hashes.
func (r *rule) stateText(zone *time.Location) string {
	t := &stateWriter{zone: zone}
	t.line("state %d, pages %d, windows %d, patterns %d", stateLayout, slab.LayoutVersion, window.LayoutVersion, nfa.LayoutVersion)
	t.line("key %s global %t", r.spaceID(), r.ir.Global)
	for i := range r.ir.Routes {
		t.line("route %s by %s", r.ir.Routes[i].Schema.Name, fieldNames(r.ir.Routes[i].Schema, r.ir.Routes[i].Fields))
	}
	if r.prog != nil {
		for i := range r.ir.Bindings {
			b := &r.ir.Bindings[i]
			t.line("binding %s repeated %t optional %t keeps %s", b.Schema.Name, b.Repeated, b.Optional, fieldNames(b.Schema, b.Captures))
		}
		t.WriteString(r.prog.StateText())
	} else {
		t.on(r)
	}
	if s := r.ir.Suppress; s != nil {
		t.line("suppress")
		for _, p := range s.Per {
			t.line("  per %s alert field %t", p.Name, p.Field >= 0)
		}
	}
	return t.String()
}

// stateText is of a feature what it is of a rule.
func (f *feature) stateText(zone *time.Location) string {
	t := &stateWriter{zone: zone}
	t.line("state %d, pages %d, windows %d", stateLayout, slab.LayoutVersion, window.LayoutVersion)
	t.line("feature on %s by %s where %s", f.ir.On.Name, fieldNames(f.ir.On, f.ir.Key), exprText(f.ir.Where))
	t.windows(f.ir.Aggs, f.specs)
	return t.String()
}

type stateWriter struct {
	strings.Builder
	zone *time.Location
}

func (t *stateWriter) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// on spells the state of an on … when rule.
func (t *stateWriter) on(r *rule) {
	w := r.ir.When
	schema := r.ir.Routes[w.Route].Schema
	t.line("on %d newly %t for %d gap %d keep %d", w.Route, r.on.newly, w.For, w.Gap, w.Keep)
	if len(r.on.groups) == 0 && r.on.held == nil {
		return
	}
	t.line("from %s where %s", exprText(fromOf(r.ir, schema)), exprText(w.Where))
	if r.on.held != nil {
		t.line("keeps %s", fieldNames(schema, heldFields(r.ir)))
	}
	for i := range r.on.groups {
		g := &r.on.groups[i]
		t.line("group %t per %s", g.own, fieldNames(schema, g.key))
		t.windows(g.aggs, g.specs)
	}
}

func (t *stateWriter) windows(aggs []*dsl.Aggregate, specs []window.Spec) {
	_, exprs := window.Specs(aggs)
	for _, e := range exprs {
		t.line("  of %s", exprText(e))
	}
	for _, sp := range specs {
		t.line("  %+v", sp)
		if sp.Window.Kind == dsl.WindowCalendar {
			t.line("  zone %s", t.zone)
		}
	}
}

// exprText is the one spelling of an expression, "" of none.
func exprText(e *dsl.Expr) string {
	if e == nil {
		return ""
	}
	return e.String() + ": " + e.Type.String()
}

func fieldNames(s *cep.Schema, fields []int) string {
	var b strings.Builder
	for _, i := range fields {
		fmt.Fprintf(&b, "%s %s, ", s.Fields[i].Name, s.Fields[i].Type)
	}
	return b.String()
}
