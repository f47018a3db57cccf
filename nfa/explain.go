package nfa

import (
	"fmt"

	"github.com/weir-cep/weir/dsl"
)

// Explain says what a program costs and why.
type Explain struct {
	Machine string // fast or general
	Class   string // what its state is made of
	Why     string // for that machine
	Cost    string // of an event
	State   StateBound
	Order   string // time or arrival
	Graph   Graph  // the automaton
}

// StateBound is the most that one key of the rule can hold, whatever comes.
type StateBound struct {
	Bytes  int64  // of slots; the text of captured strings is kept once for all and comes on top
	Runs   int    // open at a time
	Events int    // bound by one run
	Text   string // how Bytes comes about
}

// Explain explains the program under the given limits.
func (p *Prog) Explain(lim Limits) Explain {
	lim = lim.filled()
	e := Explain{Machine: "general", State: p.bound(lim), Graph: p.graph(), Order: "time"}
	make, why := fast(p)
	e.Why = why
	if p.Rule.Arrival {
		e.Order = "arrival"
	}
	switch {
	case make != nil:
		e.Machine, e.Class = "fast", "one queue of starts, cut by step"
		e.Cost = "an append per step that takes the event, whatever the number of open runs"
		if fastBound != nil {
			e.State = fastBound(p, lim)
		}
	case p.Fork != nil:
		e.Class = "an automaton whose runs fork"
		e.Cost = fmt.Sprintf("a look at every open run of the key (at most %d), at most %d tests; a run forks wherever it may go on in two ways", e.State.Runs, lim.Tests)
	default:
		e.Class = "a run per start"
		if p.Rule.Policy == dsl.MatchLatest {
			e.Class = "a run per step and count"
		}
		e.Cost = fmt.Sprintf("a look at every open run of the key (at most %d), at most %d of them tested with conditions of their own", e.State.Runs, lim.Tests)
	}
	return e
}

// fastBound is the fast machine's bound, plugged in beside fastMachine.
var fastBound func(p *Prog, lim Limits) StateBound

// bound computes the general machines' bound. A slot grows to at most twice
// what its runs need; a run's events take a node each, and in the worst case no
// two runs share an event's record.
func (p *Prog) bound(lim Limits) StateBound {
	b := StateBound{Runs: lim.Starts, Events: min(p.mostEvents(lim.Events), lim.Events+len(p.Rule.Bindings))}
	places := len(p.Steps)
	if p.Fork != nil {
		places = len(p.Fork.States)
	} else if p.Rule.Policy == dsl.MatchLatest {
		if n, ok := p.mostPlaces(); ok {
			b.Runs = min(b.Runs, n)
		}
	}
	b.Runs = max(b.Runs, places) // a step's newest run is never dropped
	record := 0
	for _, c := range p.Layout.Captures {
		record = max(record, recordWords+c.Words())
	}
	slot := int64(slotBytes(headWords + 2*(b.Runs+1)*p.words))
	node, rec := int64(slotBytes(nodeWords)), int64(slotBytes(record))
	b.Bytes = slot + int64(b.Runs)*int64(b.Events)*(node+rec)
	b.Text = fmt.Sprintf("%d runs in a slot of %d B, each with at most %d events of %d B", b.Runs, slot, b.Events, node+rec)
	return b
}

// mostEvents is how many events one run can bind, most if there is no limit.
func (p *Prog) mostEvents(most int) int {
	n := 0
	var count func(steps []*dsl.StepIR) int
	count = func(steps []*dsl.StepIR) int {
		sum := 0
		for _, s := range steps {
			each := 0
			switch s.Kind {
			case dsl.StepNo:
			case dsl.StepEvent:
				each = 1
			default:
				for _, sub := range s.Sub { // alternatives hold theirs side by side
					each += count(sub)
				}
			}
			if s.Kind != dsl.StepNo && s.Hi == 0 {
				return most
			}
			sum = min(most, sum+each*max(1, s.Hi))
		}
		return sum
	}
	n = count(p.Rule.Pattern.Steps)
	return n
}

// mostPlaces is how many runs match latest keeps, ok false if groups or blocks
// make that more than steps times counts.
func (p *Prog) mostPlaces() (n int, ok bool) {
	if len(p.Groups) > 0 || len(p.Tracks) > 0 {
		return 0, false
	}
	for i := range p.Steps {
		s := &p.Steps[i]
		c := max(s.Lo, s.Hi)
		if s.Until != nil || s.Before >= 0 {
			c *= 2
		}
		n += c
	}
	return n, true
}

// slotBytes is what a slot of so many words takes at most: its size class is
// less than half as large again.
func slotBytes(words int) int { return 8 * (words + words/2) }
