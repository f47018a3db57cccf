package window

import (
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

func TestDescribe(t *testing.T) {
	seen := count(previous(10))
	seen.Seen = true
	avg := of(dsl.AggAvg, 0, cep.KindMoney, previous(10))
	avg.UnlessFired = true
	all := of(dsl.AggMax, 0, cep.KindMoney, dsl.Window{Kind: dsl.WindowAllTime})
	for _, c := range []struct {
		spec       Spec
		want       string
		key, event int
	}{
		{count(last(10)), "ring of events and running count: O(1) amortised an event, 8 bytes an event in the window", 64, 8},
		{of(dsl.AggSum, 0, cep.KindMoney, last(10)), "ring of events and running 128-bit sum: O(1) amortised an event, 16 bytes an event in the window", 96, 16},
		{avg, "ring of events and running 128-bit sum: O(1) amortised an event, 16 bytes an event in the window; events enter when they have not fired", 96, 16},
		{of(dsl.AggMedian, 0, cep.KindInt, lastN(9)), "ring of events and running order: O(1) amortised an event, 8 bytes an event in the window and 8 for its rank, a move of at most 9 values an event", 64, 8},
		{seen, "last seen: O(1) state a key", 16, 0},
		{count(lastN(10)), "a counter: O(1) state a key", 16, 0},
		{all, "running value: O(1) state a key", 32, 0},
		{of(dsl.AggMin, 0, cep.KindMoney, last(10)), "a monotone deque: O(1) amortised an event, at most 16 bytes an event in the window", 24, 0},
	} {
		s, _ := mustNew(t, []Spec{c.spec}, slab.NewSymbols())
		if got := s.Describe(0); got != c.want {
			t.Errorf("%+v:\n got %q\nwant %q", c.spec, got, c.want)
		}
		if got := s.Cost(); got != (Cost{c.key, c.event}) {
			t.Errorf("%+v costs %+v", c.spec, got)
		}
	}
}
