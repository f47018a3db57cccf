package window

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// sets are the aggregates whose cost an event is measured, all over one window.
func benchSets(w dsl.Window) map[string][]Spec {
	distinct := of(dsl.AggDistinct, 1, cep.KindInt, w)
	return map[string][]Spec{
		"count":    {count(w)},
		"sum":      {of(dsl.AggSum, 0, cep.KindMoney, w)},
		"velocity": {count(w), of(dsl.AggSum, 0, cep.KindMoney, w), of(dsl.AggAvg, 0, cep.KindMoney, w)},
		"zscore":   {of(dsl.AggZscore, 0, cep.KindMoney, w), count(w)},
		"number":   {of(dsl.AggStddev, 2, cep.KindNumber, w)},
		"max":      {of(dsl.AggMax, 0, cep.KindMoney, w)},
		"distinct": {distinct},
		"last":     {of(dsl.AggLast, 0, cep.KindMoney, w)},
	}
}

var benchOrder = []string{"count", "sum", "velocity", "zscore", "number", "max", "distinct", "last"}

// BenchmarkWindow shows that the cost of an event (Add, a read of every
// aggregate, Settle) does not grow with the events in the window.
func BenchmarkWindow(b *testing.B) {
	for _, name := range benchOrder {
		for _, n := range []int64{100, 10_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/events=%d", name, n), func(b *testing.B) {
				w := dsl.Window{Kind: dsl.WindowPrevious, Dur: n}
				specs := benchSets(w)[name]
				mem := slab.NewArena()
				s, err := New(specs, nil, mem, slab.NewSymbols())
				if err != nil {
					b.Fatal(err)
				}
				r := rand.New(rand.NewPCG(1, 1))
				args := make([][]Arg, 1<<12)
				for i := range args {
					args[i] = []Arg{{uint64(r.Int64N(1e9)), true}, {r.Uint64N(1000), true}, {cep.NumberWord(float64(r.IntN(100_000)) / 100), true}}
				}
				var h slab.Handle
				now := int64(0)
				event := func() {
					h = s.Add(h, now, args[now&(1<<12-1)])
					for i := range specs {
						s.Read(h, now, i)
					}
					s.Settle(false)
					now++
				}
				for range n + n/8 {
					event()
				}
				b.ReportAllocs()
				for b.Loop() {
					event()
				}
				b.ReportMetric(float64(s.Bytes(h))/float64(n), "B/held")
			})
		}
	}
}

// BenchmarkKeys is the cost of an event over a million keys with a few events
// each, cold in the caches, and the bytes of a key.
func BenchmarkKeys(b *testing.B) {
	for _, name := range benchOrder {
		b.Run(name+"/keys=1M", func(b *testing.B) {
			const keys = 1_000_000
			w := dsl.Window{Kind: dsl.WindowLast, Dur: 4 * keys}
			specs := benchSets(w)[name]
			mem := slab.NewArena()
			s, err := New(specs, nil, mem, slab.NewSymbols())
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 1))
			hs := make([]slab.Handle, keys)
			args := []Arg{{100, true}, {3, true}, {cep.NumberWord(1.5), true}}
			now := int64(0)
			event := func() {
				k := r.IntN(keys)
				args[0].Word = uint64(now % 1000)
				hs[k] = s.Add(hs[k], now, args)
				for i := range specs {
					s.Read(hs[k], now, i)
				}
				s.Settle(false)
				now++
			}
			for range 4 * keys {
				event()
			}
			b.ReportAllocs()
			for b.Loop() {
				event()
			}
			_, live := mem.Live()
			b.ReportMetric(float64(live)/keys, "B/key")
		})
	}
}
