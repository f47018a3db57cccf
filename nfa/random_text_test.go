package nfa

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// checkedRule parses and checks rule text and returns its one rule.
func checkedRule(text string) (*dsl.RuleIR, error) {
	f, ds := dsl.Parse("r.cep", []byte(text))
	if ds.HasErrors() {
		return nil, fmt.Errorf("parse: %s", firstError(ds))
	}
	p, ds := dsl.Check(nil, f)
	if ds.HasErrors() {
		return nil, fmt.Errorf("check: %s", firstError(ds))
	}
	if len(p.Rules) != 1 {
		return nil, fmt.Errorf("%d rules", len(p.Rules))
	}
	return p.Rules[0], nil
}

func firstError(ds dsl.Diagnostics) string {
	for _, d := range ds {
		if d.Level == dsl.LevelError {
			line, col := d.Source.Position(d.Span.Start)
			return fmt.Sprintf("%d:%d: %s: %s (%s)", line, col, d.Code, d.Message, d.Label)
		}
	}
	return ""
}

// retype gives events that were made for the rule from the types and routes of
// the same rule as the checker made it.
func retype(from, to *dsl.RuleIR, es []*refEvent) []*refEvent {
	routes := make([]uint64, len(from.Routes))
	for i, a := range from.Routes {
		for k, b := range to.Routes {
			if a.Schema.Name == b.Schema.Name && slices.Equal(routeNames(a), routeNames(b)) {
				routes[i] = 1 << k
			}
		}
	}
	out := make([]*refEvent, len(es))
	for i, e := range es {
		c := *e
		c.routes = 0
		for k := range from.Routes {
			if e.routes>>k&1 != 0 {
				c.routes |= routes[k]
			}
		}
		c.schema, c.vals = nil, nil
		for _, t := range to.Routes {
			if t.Schema.Name == e.schema.Name {
				c.schema = t.Schema
			}
		}
		for _, f := range c.schema.Fields {
			c.vals = append(c.vals, e.vals[e.schema.Field(f.Name)])
		}
		out[i] = &c
	}
	return out
}

func routeNames(r dsl.Route) (names []string) {
	for _, f := range r.Fields {
		names = append(names, r.Schema.Fields[f].Name)
	}
	return names
}

// schemaOf finds an event type that the rule reads.
func schemaOf(r *dsl.RuleIR, name string) *cep.Schema {
	for _, t := range r.Routes {
		if t.Schema.Name == name {
			return t.Schema
		}
	}
	return nil
}

// TestRandomText takes drawn rules through the language: the text of each must
// be accepted, and what the checker makes of it must match like the rule that
// was drawn.
func TestRandomText(t *testing.T) {
	types := drawSchemaText("E", "") + drawSchemaText("F", "id n")
	for _, p := range profiles {
		t.Run(p.name, func(t *testing.T) {
			b := newWorkbench()
			pairs, matches := 0, 0
			for seed := uint64(1_000_000) + *seedFlag; pairs < *pairsFlag/30; seed++ {
				d := newDrawer(p, seed)
				rule := d.rule()
				text := d.text
				checked, err := checkedRule(types + text)
				if err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, text)
				}
				prog, err := Compile(checked, time.UTC)
				if err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, text)
				}
				for range streamsPerRule {
					es := d.stream()
					end := es[len(es)-1].at + int64(d.IntN(20))*ms
					want := runReference(rule, es, end)
					got := runMachine(b, prog, bestMachine, retype(rule, checked, es), end, false)
					if len(got.faults) > 0 || !sameMatches(want, got.matches) {
						t.Fatalf("seed %d\n%s  events:%s\n  reference:%s\n  machine:%s\n  faults %q", seed, text, streamText(rule, es), matchesText(want), matchesText(got.matches), got.faults)
					}
					pairs++
					matches += len(want)
				}
			}
			t.Logf("%d pairs, %d matches equal", pairs, matches)
		})
	}
}
