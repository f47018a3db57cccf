package nfa

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// The literal reference: run objects that follow the language's definition of
// a run word for word and share nothing with the machines, neither the program
// nor the expressions. It is slow and small. Every machine must give its
// matches, one by one, with all bindings, times, kinds and order.
//
// refDet (reference_det_test.go) interprets match first and match latest,
// where a run never forks; refFork (reference_fork_test.go) match each. Where
// the language's text is silent the comments say "Decision:".

// refEvent is one event of one key, of a type that the rule reads.
type refEvent struct {
	seq    int // position in the key's stream: 0, 1, 2 …
	at     int64
	schema *cep.Schema
	routes uint64
	vals   []refVal // parallel to schema.Fields
}

// refBind says that a step took an event.
type refBind struct {
	binding int
	e       *refEvent
	track   int  // of a "one of" that is still open: the alternative; else -1
	head    bool // the first event of a stay in its step
}

// refBinds are a run's bindings in the order in which they were made. They are
// copied, never changed.
type refBinds []refBind

func (b refBinds) with(x refBind) refBinds { return append(slices.Clip(b), x) }

// of returns the events of a binding.
func (b refBinds) of(binding int) (es []*refEvent) {
	for _, x := range b {
		if x.binding == binding {
			es = append(es, x.e)
		}
	}
	return es
}

// text is the canonical form of a set of bindings: "0:a1 2:b1" is event 0
// bound by binding 1's label a, and so on, in the order of the events.
func (b refBinds) text() string {
	s := make([]string, len(b))
	for i, x := range b {
		s[i] = fmt.Sprintf("%04d:%d", x.e.seq, x.binding)
	}
	sort.Strings(s)
	return strings.Join(s, " ")
}

// refMatch is a reported run.
type refMatch struct {
	kind        cep.MatchKind
	at, firstAt int64
	truncated   bool
	binds       string
	rank        string // under match each: matches of one rank may come in any order
}

func (m refMatch) String() string {
	s := fmt.Sprintf("%s at %d first %d {%s}", m.kind, m.at, m.firstAt, m.binds)
	if m.truncated {
		s += " truncated"
	}
	return s
}

// refMachine is a reference interpreter of one key.
type refMachine interface {
	// advance fires the deadlines before t, in order.
	advance(t int64)
	// event feeds one event, after advance to its time.
	event(e *refEvent)
	// quiet says that nothing is open that an event or a deadline could report.
	quiet() bool
}

// newReference returns the interpreter of the rule's policy.
func newReference(r *dsl.RuleIR, emit func(refMatch)) refMachine {
	if r.Policy == dsl.MatchEach {
		return newRefFork(r, emit)
	}
	return newRefDet(r, emit)
}

// refRule reads a rule's conditions.
type refRule struct{ *dsl.RuleIR }

// fits says whether the event came by the route and satisfies the condition,
// given a run's bindings.
func (r refRule) fits(route int, where *dsl.Expr, e *refEvent, b refBinds) bool {
	return e.routes>>route&1 != 0 && r.Routes[route].Schema == e.schema && r.holds(where, e, b)
}

// absent says whether the event is one that must not come.
func (r refRule) absent(a *dsl.Absence, e *refEvent, b refBinds) bool {
	return r.fits(a.Route, a.Where, e, b)
}

// cancels says whether the event cancels the key's runs.
func (r refRule) cancels(e *refEvent) bool {
	for i := range r.Cancel {
		if r.absent(&r.Cancel[i], e, nil) {
			return true
		}
	}
	return false
}

// holds judges a condition; one that fails is false.
func (r refRule) holds(where *dsl.Expr, e *refEvent, b refBinds) bool {
	if where == nil {
		return true
	}
	x := &refEval{r: r, e: e, b: b}
	v := x.eval(where)
	return v.i != 0 && !v.missing && !x.failed
}

// repeats says that a step may bind several events, so that its within is its
// own span.
func repeats(s *dsl.StepIR) bool { return s.Hi != 1 }
