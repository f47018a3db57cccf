package window

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// last returns the window "over last d".
func last(d time.Duration) dsl.Window { return dsl.Window{Kind: dsl.WindowLast, Dur: int64(d)} }

func previous(d time.Duration) dsl.Window {
	return dsl.Window{Kind: dsl.WindowPrevious, Dur: int64(d)}
}

func lastN(n int) dsl.Window { return dsl.Window{Kind: dsl.WindowLast, N: n} }

func mustNew(t testing.TB, specs []Spec, syms *slab.Symbols) (*Set, *slab.Arena) {
	t.Helper()
	mem := slab.NewArena()
	s, err := New(specs, time.UTC, mem, syms)
	if err != nil {
		t.Fatal(err)
	}
	return s, mem
}

func count(w dsl.Window) Spec {
	return Spec{Fn: dsl.AggCount, Input: -1, Out: cep.KindInt, Window: w}
}

func of(fn dsl.AggFn, input int, kind cep.Kind, w dsl.Window) Spec {
	return Spec{Fn: fn, Input: input, In: kind, Out: kind, Window: w}
}

// Windows of tens of thousands of events: rings and deques of many chunks,
// large tables of distinct values, which the random streams do not reach.
func TestLongWindows(t *testing.T) {
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 7))
		const d = 20_000
		delayed := previous(d)
		delayed.Ending = d / 2
		specs := []Spec{
			count(last(d)),
			of(dsl.AggSum, 0, cep.KindMoney, previous(d)),
			of(dsl.AggSum, 0, cep.KindMoney, delayed),
			of(dsl.AggMin, 0, cep.KindMoney, last(d)),
			of(dsl.AggMax, 0, cep.KindMoney, delayed),
			of(dsl.AggFirst, 0, cep.KindMoney, last(d)),
			{Fn: dsl.AggDistinct, Input: 1, In: cep.KindInt, Out: cep.KindInt, Window: last(d)},
			{Fn: dsl.AggDistinct, Input: 1, In: cep.KindInt, Out: cep.KindInt, Window: last(d / 100)},
			of(dsl.AggSum, 1, cep.KindInt, lastN(9000)),
			of(dsl.AggMedian, 1, cep.KindInt, lastN(5000)),
		}
		s, mem := mustNew(t, specs, slab.NewSymbols())
		ref := &naive{zone: time.UTC}
		var h slab.Handle
		now := int64(0)
		check := func() {
			for i := range specs {
				if w, ok := s.Read(h, now, i); !ref.read(&specs[i], now).matches(&specs[i], w, ok) {
					t.Fatalf("seed %d, event %d: %+v is %d %v, want %+v", seed, len(ref.events), specs[i], w, ok, ref.read(&specs[i], now))
				}
			}
		}
		values := int64(1 + r.IntN(30_000))
		for i := range 50_000 {
			switch r.IntN(20_000) {
			case 0:
				now += 2 * d // everything goes
			case 1:
				now += d / 2
			default:
				now += r.Int64N(3)
			}
			x := r.Int64N(1000)
			if seed%2 == 0 {
				x = int64(i) // rising: the deque of min keeps every event
			}
			args := []Arg{{uint64(x), true}, {uint64(r.Int64N(values)), true}}
			h = s.Add(h, now, args)
			ref.events = append(ref.events, naiveEvent{at: now, args: args})
			ref.current = true
			if i%9973 == 0 {
				check()
			}
			s.Settle(false)
			ref.current = false
			if i%9973 == 0 {
				check()
			}
		}
		if _, live := mem.Live(); live != s.Bytes(h) {
			t.Fatalf("the state counts %d bytes, the arena %d", s.Bytes(h), live)
		}
		s.Drop(h)
		if n, _ := mem.Live(); n != 0 {
			t.Fatalf("%d slots left", n)
		}
	}
}

// A full window loses its oldest events, whatever structure holds them.
func TestCap(t *testing.T) {
	syms := slab.NewSymbols()
	delayed := previous(1000)
	delayed.Ending = 100
	s, mem := mustNew(t, []Spec{
		count(last(1000)),
		of(dsl.AggSum, 0, cep.KindInt, previous(1000)),
		of(dsl.AggMin, 0, cep.KindInt, last(1000)),
		{Fn: dsl.AggDistinct, Input: 0, In: cep.KindInt, Out: cep.KindInt, Window: last(1000)},
		of(dsl.AggSum, 0, cep.KindInt, delayed),
		of(dsl.AggFirst, 1, cep.KindString, last(1000)),
	}, syms)
	const limit = 50
	s.Limit = limit
	var h slab.Handle
	name := syms.Intern("x")
	for i := range int64(200) {
		h = s.Add(h, i, []Arg{{uint64(i), true}, {uint64(name), true}})
		oldest := max(0, i-limit+1)
		for j, want := range []int64{i - oldest + 1, 0, oldest, i - oldest + 1} {
			if j == 1 {
				for k := oldest; k < i; k++ {
					want += k
				}
			}
			if w, ok := s.Read(h, i, j); !ok || int64(w) != want {
				t.Fatalf("event %d: aggregate %d is %d %v, want %d", i, j, int64(w), ok, want)
			}
		}
	}
	if w, _ := s.Read(h, 199, 4); w != 0 {
		t.Fatalf("events that the ring lost entered a delayed window: %d", w)
	}
	// The ring, the deques of min and first, and the distinct values are capped each.
	if s.Capped != 4*150 {
		t.Fatalf("%d events capped", s.Capped)
	}
	s.Drop(h)
	syms.Release(name)
	if n, _ := mem.Live(); n != 0 || syms.Len() != 0 {
		t.Fatalf("%d slots, %d symbols left", n, syms.Len())
	}
}

// Results that do not fit are missing and reported; nothing is wrong once the
// values that made them have left.
func TestFailed(t *testing.T) {
	s, _ := mustNew(t, []Spec{
		of(dsl.AggSum, 0, cep.KindMoney, last(10)),
		of(dsl.AggAvg, 0, cep.KindMoney, last(10)),
		of(dsl.AggSum, 1, cep.KindNumber, last(10)),
		of(dsl.AggStddev, 1, cep.KindNumber, last(10)),
	}, slab.NewSymbols())
	const most = 1<<63 - 1
	h := s.Add(0, 0, []Arg{{most, true}, {cep.NumberWord(1.5e308), true}})
	h = s.Add(h, 1, []Arg{{most, true}, {cep.NumberWord(1.5e308), true}})
	s.Settle(false)
	for _, c := range []struct {
		at     int64
		agg    int
		word   uint64
		ok     bool
		failed bool
	}{
		{1, 0, 0, false, true},
		{1, 1, most, true, false},
		{1, 2, 0, false, true},
		{1, 3, 0, true, false},
		{11, 0, most, true, false},
		{11, 2, cep.NumberWord(1.5e308), true, false},
		{12, 0, 0, true, false},
		{12, 2, 0, true, false},
		{12, 1, 0, false, false},
	} {
		s.Failed = false
		if w, ok := s.Read(h, c.at, c.agg); ok != c.ok || ok && w != c.word || s.Failed != c.failed {
			t.Errorf("at %d aggregate %d is %d %v (failed %v)", c.at, c.agg, w, ok, s.Failed)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	n := of(dsl.AggSum, 0, cep.KindMoney, last(1))
	for what, specs := range map[string][]Spec{
		"no range":       {count(dsl.Window{})},
		"two ranges":     {count(dsl.Window{Dur: 1, N: 1})},
		"last ending":    {count(dsl.Window{Dur: 1, Ending: 1})},
		"negative":       {count(dsl.Window{Dur: -1})},
		"too many":       {count(lastN(MaxEvents + 1))},
		"no argument":    {of(dsl.AggSum, -1, cep.KindMoney, last(1))},
		"sum of strings": {of(dsl.AggSum, 0, cep.KindString, last(1))},
		"min of ips":     {of(dsl.AggMin, 0, cep.KindIP, last(1))},
		"median in time": {of(dsl.AggMedian, 0, cep.KindInt, last(1))},
		"long median":    {of(dsl.AggMedian, 0, cep.KindInt, lastN(MaxRank+1))},
		"distinct lists": {of(dsl.AggDistinct, 0, cep.KindList, last(1))},
		"count of ints":  {of(dsl.AggCount, 0, cep.KindInt, last(1))},
		"two kinds":      {n, of(dsl.AggSum, 0, cep.KindInt, last(1))},
		"many arguments": {of(dsl.AggSum, maxInputs, cep.KindMoney, last(1))},
	} {
		if _, err := New(specs, nil, slab.NewArena(), slab.NewSymbols()); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := New([]Spec{n}, nil, slab.NewArena(), slab.NewSymbols()); err != nil {
		t.Error(err)
	}
}
