package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/nfa"
)

// OpenRun is how far an attempt at a rule's pattern has come for a key.
type OpenRun struct {
	Rule    string
	Key     string
	Step    string   // that its last event was taken by
	Steps   []string // of the pattern, as it is written
	FirstAt int64    // ns; of its first event
	LastAt  int64    // ns; of its last
	Expires int64    // ns; the last time at which it can still complete; 0: any
	Events  []OpenEvent
	More    int    // events that it has bound beside those
	Waits   string // what it waits for, in words
}

// OpenEvent is an event that an open run has bound.
type OpenEvent struct {
	Step, Type string
	ID         string // the id field's value, else source/partition/position
	At         int64  // ns
}

// ErrNoRule says that no rule of that name runs.
var ErrNoRule = errors.New("there is no such rule")

// What OpenRuns tells at most.
const (
	MaxOpenRuns   = 100 // of one rule
	maxOpenEvents = 50  // of one run
)

// OpenRuns tells what attempts the patterns have under way for a key, of one
// rule or, with "", of all that have such a key; more is how many there are
// beside. Matching stands still while they are read, for as long as that takes
// for one key.
func (r *Runtime) OpenRuns(ctx context.Context, key, rule string) (list []OpenRun, more int, err error) {
	n, err := r.current()
	if err != nil {
		return nil, 0, err
	}
	var found []openState
	var wrong error
	err = n.ask(ctx, func() {
		if n.e != nil {
			found, wrong = n.e.openRuns(key, rule)
		}
	})
	if err == nil {
		err = wrong
	}
	if err != nil {
		return nil, 0, err
	}
	for i := range found {
		more += found[i].all - len(found[i].runs)
		for _, run := range found[i].runs {
			list = append(list, n.openRun(found[i].ir, key, &run))
		}
	}
	slices.SortStableFunc(list, func(a, b OpenRun) int { return strings.Compare(a.Rule, b.Rule) })
	return list, more, nil
}

// openState is a rule's open runs for a key, as its machine has them.
type openState struct {
	ir   *dsl.RuleIR
	runs []nfa.OpenRun
	all  int
}

// openRuns reads the runs of a key. Called between two steps.
func (e *Engine) openRuns(key, rule string) (list []openState, err error) {
	known := rule == ""
	for _, sh := range e.steps.shards {
		for _, st := range sh.stages {
			for i := range st.rules {
				rs := &st.rules[i]
				ir := rs.r.ir
				if rule != "" && ir.Name != rule {
					continue
				}
				known = true
				lister, ok := rs.machine.(nfa.Lister)
				if !ok {
					continue
				}
				values, err := ParseKey(ir, key)
				if err != nil {
					if rule != "" {
						return nil, err
					}
					continue // the key of other rules
				}
				runs, all := lister.OpenRuns(st.stateOf(rs, values), MaxOpenRuns, maxOpenEvents)
				runs = slices.DeleteFunc(runs, func(o nfa.OpenRun) bool {
					gone := o.Expires < e.passed(ir)
					if gone {
						all--
					}
					return gone
				})
				if all > 0 {
					list = append(list, openState{ir, runs, all})
				}
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("%w: %q", ErrNoRule, rule)
	}
	return list, nil
}

// stateOf is a rule's state of a key, 0 if it has none in this shard.
func (st *stage) stateOf(rs *ruleState, key []cep.Value) slab.Handle {
	sp := st.spaces[rs.r.space]
	var text []byte
	for _, v := range key {
		text = expr.AppendKeyValue(text, v)
	}
	slot := sp.find(slab.Hash(text), text)
	if slot == 0 {
		return 0
	}
	return slab.Handle(sp.get(slot, entryOwnerOf(rs.r.sid, ofState)))
}

// passed is a time that a rule has passed for sure.
func (e *Engine) passed(ir *dsl.RuleIR) int64 {
	for _, g := range e.groups {
		if slices.ContainsFunc(g.plan.rules, func(r *rule) bool { return r.ir.Name == ir.Name }) {
			return g.w
		}
	}
	return math.MinInt64
}

// openRun puts a run into words.
func (n *node) openRun(ir *dsl.RuleIR, key string, o *nfa.OpenRun) OpenRun {
	out := OpenRun{Rule: ir.Name, Key: key, FirstAt: o.FirstAt, LastAt: o.LastAt, More: o.More}
	if ir.Global {
		out.Key = ""
	}
	if o.Expires != math.MaxInt64 {
		out.Expires = o.Expires
	}
	for _, s := range ir.Pattern.Steps {
		out.Steps = append(out.Steps, stepText(ir, s))
	}
	for _, ev := range o.Events {
		bind := &ir.Bindings[ev.Binding]
		e := OpenEvent{Step: labelOf(bind), Type: bind.Schema.Name, At: ev.At}
		if e.ID, _ = n.find(bind.Schema, ev.Ref); e.ID == "" {
			e.ID = place(n.sourceName(ev.Ref), ev.Ref)
		}
		out.Events = append(out.Events, e)
		out.Step = e.Step
	}
	out.Waits = waits(ir, o)
	return out
}

func (n *node) sourceName(ref cep.Ref) string {
	if f := n.wire.Load().byID[ref.Source()]; f != nil {
		return f.name
	}
	return "alerts" // an alert that is an event
}

func labelOf(b *dsl.Binding) string {
	if b.Label != "" {
		return b.Label
	}
	return b.Schema.Name
}

// stepText names a step of a pattern.
func stepText(ir *dsl.RuleIR, s *dsl.StepIR) string {
	switch s.Kind {
	case dsl.StepEvent:
		return labelOf(&ir.Bindings[s.Binding])
	case dsl.StepNo:
		return "no " + ir.Routes[s.No.Route].Schema.Name
	}
	var parts []string
	for _, sub := range s.Sub {
		for _, in := range sub {
			parts = append(parts, stepText(ir, in))
		}
	}
	return map[dsl.StepKind]string{dsl.StepGroup: "", dsl.StepOneOf: "one of ", dsl.StepAllOf: "all of "}[s.Kind] + "(" + strings.Join(parts, ", ") + ")"
}

// has says whether a step binds what a binding names.
func has(s *dsl.StepIR, binding int) bool {
	if s.Kind == dsl.StepEvent {
		return s.Binding == binding
	}
	return slices.ContainsFunc(s.Sub, func(sub []*dsl.StepIR) bool {
		return slices.ContainsFunc(sub, func(in *dsl.StepIR) bool { return has(in, binding) })
	})
}

// waits says what a run waits for: for more of the step that it is at, for the
// next one, for a time to pass.
func waits(ir *dsl.RuleIR, o *nfa.OpenRun) string {
	if len(o.Events) == 0 {
		return ""
	}
	last := o.Events[len(o.Events)-1].Binding
	at := slices.IndexFunc(ir.Pattern.Steps, func(s *dsl.StepIR) bool { return has(s, last) })
	if at < 0 {
		return ""
	}
	taken := o.More
	for _, e := range o.Events {
		if has(ir.Pattern.Steps[at], e.Binding) {
			taken++
		}
	}
	var text string
	switch step := ir.Pattern.Steps[at]; {
	case step.Kind == dsl.StepEvent && taken < step.Lo:
		text = fmt.Sprintf("%d more of %s", step.Lo-taken, stepText(ir, step))
	case at+1 < len(ir.Pattern.Steps):
		text = stepText(ir, ir.Pattern.Steps[at+1])
		if next := ir.Pattern.Steps[at+1]; next.Kind == dsl.StepNo && next.No.Within > 0 {
			text += " within " + time.Duration(next.No.Within).String()
		}
	default:
		text = "the end of its time"
	}
	if o.Expires != math.MaxInt64 {
		text += ", until " + string(cep.AppendTime(nil, o.Expires))
	}
	return text
}
