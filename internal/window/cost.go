package window

import (
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Cost is what the state of one key takes, for explain.
type Cost struct {
	// Key is the bytes of a key with no event in any window, or with the few
	// events that have place beside the rest.
	Key int
	// Event is the bytes of an event that a window holds, shared by all windows
	// of the set; 0 if no window needs single events.
	Event int
}

// Cost returns what a key of the set costs, size classes left aside. Deques and
// distinct values come on top: see Describe.
func (s *Set) Cost() Cost {
	c := Cost{Key: s.root * 8}
	for i := range s.pops {
		c.Event += s.pops[i].ring.stride * 8
	}
	return c
}

// Describe says in a few words how aggregate i is kept and what that costs,
// for explain.
func (s *Set) Describe(i int) string {
	sp, rd := &s.specs[i], &s.reads[i]
	p := &s.pops[rd.pop]
	var b strings.Builder
	switch rd.from {
	case fromCount:
		b.WriteString("a counter: O(1) state a key")
	case fromRecent:
		if sp.Fn == dsl.AggCount {
			b.WriteString("last seen: O(1) state a key")
		} else {
			b.WriteString("the latest value: O(1) state a key")
		}
	case fromExtreme:
		if sp.Fn == dsl.AggFirst {
			b.WriteString("a queue of values: 16 bytes an event in the window")
		} else {
			b.WriteString("a monotone deque: O(1) amortised an event, at most 16 bytes an event in the window")
		}
	case fromDistinct:
		fmt.Fprintf(&b, "values by when last seen: O(1) an event, 16 to %d bytes a distinct value", entryWords*8+16)
	case fromBucket:
		b.WriteString("running " + s.sumsOf(sp) + ": O(1) state a key")
	case fromSpan:
		fmt.Fprintf(&b, "ring of events and running %s: O(1) amortised an event, %d bytes an event in the window", s.sumsOf(sp), p.ring.stride*8)
		if needsRank(sp.Fn) {
			fmt.Fprintf(&b, " and 8 for its rank, a move of at most %d values an event", sp.Window.N)
		}
	}
	if sp.UnlessFired {
		b.WriteString("; events enter when they have not fired")
	}
	return b.String()
}

func (s *Set) sumsOf(sp *Spec) string {
	switch sp.Fn {
	case dsl.AggCount:
		return "count"
	case dsl.AggSum, dsl.AggAvg:
		if sp.In == cep.KindNumber {
			return "exact sum"
		}
		return "128-bit sum"
	case dsl.AggStddev, dsl.AggZscore:
		if sp.In == cep.KindNumber {
			return "exact sums of values and squares"
		}
		return "sums of values (128 bits) and squares (192 bits)"
	case dsl.AggPercentile, dsl.AggMedian:
		return "order"
	}
	return "value"
}
