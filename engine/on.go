package engine

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/window"
)

// onRule is the trigger "on E where … when …" made ready to run.
type onRule struct {
	cond   expr.Cond
	newly  bool
	held   *holding // of "for"; nil: none
	layout expr.Layout
	groups []aggGroup
	place  []aggPlace // of every inline aggregate
	// quiet is the rule's longest window: a key without events for longer is
	// armed again (newly). 0: never by silence.
	quiet int64
	// stateful says that a key needs more than the handle of its private
	// windows: whether the condition held, and the episode.
	stateful bool
}

// aggGroup is the inline aggregates that share a key.
type aggGroup struct {
	own    bool        // the rule's key
	key    []int       // fields of the event
	pool   *pool       // that keeps it; nil: it is the rule's own
	places []uint32    // by spec, in the pool
	keyer  *expr.Keyer // otherwise
	aggs   []*dsl.Aggregate
	specs  []window.Spec
	inputs []input
	// last are key and inputs of an episode's last event, for its deadline.
	last struct {
		keyer  *expr.Keyer
		inputs []input
	}
}

// private says that windows of the rule's key are its own: their handle is in
// the rule's state.
func (o *onRule) private() bool {
	return len(o.groups) > 0 && o.groups[0].own && o.groups[0].pool == nil
}

type aggPlace struct{ group, index int }

// holding is "for D gap G keep K".
type holding struct {
	dur, gap, keep int64
	capture        *expr.Capture // of the episode's last event
}

func (r *rule) compileOn(prog *dsl.Program) (err error) {
	ir, w := r.ir, r.ir.When
	schema := ir.Routes[w.Route].Schema
	o := &onRule{newly: w.Newly && w.For == 0}
	r.on = o
	event := &expr.Compiler{Schema: schema, Zone: prog.Zone}
	final := event
	if w.For > 0 {
		o.held = &holding{dur: w.For, gap: w.Gap, keep: w.Keep, capture: expr.NewCapture(schema, heldFields(ir))}
		o.layout = expr.Layout{Captures: []*expr.Capture{o.held.capture}}
		final = &expr.Compiler{Layout: o.layout, Zone: prog.Zone}
	}
	if w.Where != nil {
		if r.where, err = event.Cond(w.Where); err != nil {
			return fmt.Errorf("where: %w", err)
		}
	}
	if o.cond, err = event.Cond(w.Cond); err != nil {
		return fmt.Errorf("when: %w", err)
	}
	if err := o.compileGroups(event, final, ir); err != nil {
		return err
	}
	o.quiet = longestWindow(ir)
	o.stateful = o.newly || o.held != nil
	return r.compileAlerts(final, ir)
}

// compileGroups sorts the inline aggregates by their key. The rule's own comes
// first, whatever the order in which they are written.
func (o *onRule) compileGroups(c, final *expr.Compiler, ir *dsl.RuleIR) error {
	schema := ir.Routes[ir.When.Route].Schema
	own := ir.Routes[ir.When.Route].Fields
	per := func(a *dsl.Aggregate) []int {
		if a.Per == nil || slices.Equal(a.Per, own) {
			return own
		}
		return a.Per
	}
	var keys [][]int
	var members [][]*dsl.Aggregate
	o.place = make([]aggPlace, len(ir.Aggs))

	for _, wantOwn := range []bool{true, false} {
		for i, a := range ir.Aggs {
			k := per(a)
			if slices.Equal(k, own) != wantOwn {
				continue
			}
			g := slices.IndexFunc(keys, func(x []int) bool { return slices.Equal(x, k) })
			if g < 0 {
				g = len(keys)
				keys = append(keys, k)
				members = append(members, nil)
			}

			o.place[i] = aggPlace{g, len(members[g])}
			members[g] = append(members[g], a)
		}
	}
	for g, list := range members {
		group := aggGroup{own: slices.Equal(keys[g], own), key: keys[g], aggs: list}
		var err error
		if !group.own {
			if group.keyer, err = expr.FieldKeyer(schema, keys[g]); err != nil {
				return err
			}
		}
		if group.specs, group.inputs, err = compileAggs(c, list, o.rootsOf(ir, g)); err != nil {
			return err
		}
		if o.held != nil {
			if err := group.compileLast(final, schema, keys[g], list); err != nil {
				return err
			}
		}
		o.groups = append(o.groups, group)
	}
	return nil
}

// heldFields are the fields that an episode keeps of its last event: what the
// alert reads, and what the windows ask of it at the deadline.
func heldFields(ir *dsl.RuleIR) []int {
	fields := slices.Clone(ir.Bindings[0].Captures)
	for _, a := range ir.Aggs {
		fields = append(fields, a.Per...)
		fields = append(fields, expr.Fields(a.Arg)...)
		fields = append(fields, expr.Fields(a.Cond)...)
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// compileLast compiles the group's key and inputs as of an episode's last
// event, which is bound and not current at the deadline.
func (g *aggGroup) compileLast(c *expr.Compiler, schema *cep.Schema, key []int, aggs []*dsl.Aggregate) (err error) {
	if !g.own {
		parts := make([]*dsl.Expr, len(key))
		for i, f := range key {
			parts[i] = asBound(&dsl.Expr{Op: dsl.OpField, Index: f, Type: schema.Fields[f].Type, Name: schema.Fields[f].Name})
		}
		if g.last.keyer, err = c.Keyer(parts); err != nil {
			return err
		}
	}
	_, exprs := window.Specs(aggs)
	for _, e := range exprs {
		word, err := c.Word(asBound(e))
		if err != nil {
			return err
		}
		g.last.inputs = append(g.last.inputs, input{word: word, symbol: expr.Interned(e.Type)})
	}
	return nil
}

// asBound is an expression over the current event made one over the event that
// step 0 has bound.
func asBound(e *dsl.Expr) *dsl.Expr {
	out := *e
	if e.Op == dsl.OpField {
		out.Op, out.Step, out.Which = dsl.OpBound, 0, dsl.Only
	}
	out.Args = make([]*dsl.Expr, len(e.Args))
	for i, a := range e.Args {
		out.Args[i] = asBound(a)
	}
	return &out
}

// rootsOf are the rule's expressions with the aggregates of a group numbered
// within it, and those of other groups left out.
func (o *onRule) rootsOf(ir *dsl.RuleIR, group int) (roots []*dsl.Expr) {
	for _, e := range append(conditions(ir), finals(ir)...) {
		if expr.Any(e, func(e *dsl.Expr) bool { return e.Op == dsl.OpAgg && o.place[e.Index].group == group }) {
			roots = append(roots, o.renumber(e, group))
		}
	}
	return roots
}

func (o *onRule) renumber(e *dsl.Expr, group int) *dsl.Expr {
	out := *e
	if e.Op == dsl.OpAgg {
		if p := o.place[e.Index]; p.group == group {
			out.Index = p.index
		} else {
			out = dsl.Expr{Op: dsl.OpConst, Type: e.Type, Const: cep.Missing(e.Type)}
		}
		return &out
	}
	out.Args = make([]*dsl.Expr, len(e.Args))
	for i, a := range e.Args {
		out.Args[i] = o.renumber(a, group)
	}
	return &out
}

// longestWindow is the longest time for which an event can matter to the
// rule's condition, 0 if there is no such time: a window of so many events,
// all time, or no window at all.
func longestWindow(ir *dsl.RuleIR) int64 {
	var longest int64
	for _, a := range ir.Aggs {
		l := a.Window.Dur + a.Window.Ending
		if a.Window.Kind == dsl.WindowCalendar {
			l = [...]int64{dsl.Hour: cep.Hour, dsl.Day: cep.Day, dsl.Week: cep.Week, dsl.Month: 31 * cep.Day}[a.Window.Unit]
		}
		if l == 0 {
			return 0
		}
		longest = max(longest, l)
	}
	for i := range ir.Reads {
		for _, a := range ir.Reads[i].Feature.Aggs {
			if a.Window.Dur == 0 {
				return 0
			}
			longest = max(longest, a.Window.Dur+a.Window.Ending)
		}
	}
	return longest
}
