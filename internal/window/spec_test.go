package window

import (
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

func field(i int, t cep.Type) *dsl.Expr { return &dsl.Expr{Op: dsl.OpField, Index: i, Type: t} }

func constant(n int64) *dsl.Expr {
	t := cep.Type{Kind: cep.KindInt}
	return &dsl.Expr{Op: dsl.OpConst, Type: t, Const: cep.Value{Type: t, Word: uint64(n)}}
}

func agg(i int) *dsl.Expr {
	return &dsl.Expr{Op: dsl.OpAgg, Index: i, Type: cep.Type{Kind: cep.KindInt}}
}

func binary(op dsl.Op, a, b *dsl.Expr) *dsl.Expr {
	return &dsl.Expr{Op: op, Type: cep.Type{Kind: cep.KindBool}, Args: []*dsl.Expr{a, b}}
}

func TestSpecs(t *testing.T) {
	usd := cep.Type{Kind: cep.KindMoney, Currency: "USD"}
	w := last(10)
	cond := func() *dsl.Expr { return binary(dsl.OpGt, field(3, cep.Type{Kind: cep.KindInt}), constant(7)) }
	specs, inputs := Specs([]*dsl.Aggregate{
		{Fn: dsl.AggCount, Type: cep.Type{Kind: cep.KindInt}, Window: w},
		{Fn: dsl.AggSum, Type: usd, Arg: field(2, usd), Window: w},
		{Fn: dsl.AggAvg, Type: usd.OrMissing(), Arg: field(2, usd), Window: w, UnlessFired: true},
		{Fn: dsl.AggMax, Type: usd.OrMissing(), Arg: field(4, usd.OrMissing()), Window: w},
		{Fn: dsl.AggCount, Type: cep.Type{Kind: cep.KindInt}, Cond: cond(), Window: w},
		{Fn: dsl.AggCount, Type: cep.Type{Kind: cep.KindInt}, Cond: cond(), Window: previous(5)},
		{Fn: dsl.AggCount, Type: cep.Type{Kind: cep.KindInt}, Cond: binary(dsl.OpGt, field(3, cep.Type{Kind: cep.KindInt}), constant(8)), Window: w},
	})
	want := []int{-1, 0, 0, 1, 2, 2, 3}
	if len(inputs) != 4 {
		t.Fatalf("%d inputs", len(inputs))
	}
	for i, sp := range specs {
		if sp.Input != want[i] {
			t.Errorf("aggregate %d has input %d, want %d", i, sp.Input, want[i])
		}
	}
	if specs[1].Optional || !specs[3].Optional || !specs[4].Optional || !specs[2].UnlessFired || specs[4].In != cep.KindBool {
		t.Errorf("specs %+v", specs)
	}
	if _, err := New(specs, nil, slab.NewArena(), slab.NewSymbols()); err != nil {
		t.Error(err)
	}
}

func TestMarkSeen(t *testing.T) {
	for _, c := range []struct {
		roots []*dsl.Expr
		want  bool
	}{
		{[]*dsl.Expr{binary(dsl.OpEq, agg(0), constant(0))}, true},
		{[]*dsl.Expr{binary(dsl.OpGt, agg(0), constant(0))}, true},
		{[]*dsl.Expr{binary(dsl.OpGe, agg(0), constant(1)), nil}, true},
		{[]*dsl.Expr{binary(dsl.OpGt, constant(1), agg(0))}, true},
		{[]*dsl.Expr{binary(dsl.OpLt, constant(0), agg(0))}, true},
		{[]*dsl.Expr{binary(dsl.OpLe, constant(1), agg(0))}, true},
		{[]*dsl.Expr{binary(dsl.OpAnd, binary(dsl.OpEq, agg(0), constant(0)), binary(dsl.OpNe, agg(0), constant(0)))}, true},
		{[]*dsl.Expr{binary(dsl.OpGe, agg(0), constant(0))}, false},
		{[]*dsl.Expr{binary(dsl.OpEq, agg(0), constant(1))}, false},
		{[]*dsl.Expr{binary(dsl.OpGe, agg(0), constant(2))}, false},
		{[]*dsl.Expr{binary(dsl.OpEq, agg(0), agg(0))}, false},
		{[]*dsl.Expr{binary(dsl.OpEq, agg(0), constant(0)), agg(0)}, false}, // printed too
		{[]*dsl.Expr{}, false}, // not read at all
	} {
		specs := []Spec{count(previous(10))}
		if MarkSeen(specs, c.roots...); specs[0].Seen != c.want {
			t.Errorf("%+v: seen %v", c.roots, specs[0].Seen)
		}
	}
}

// A count that is only asked whether it is zero keeps one time a key.
func TestSeen(t *testing.T) {
	seen, cond := count(previous(10)), count(previous(10))
	seen.Seen, cond.Seen = true, true
	cond.Input, cond.In = 0, cep.KindBool
	s, mem := mustNew(t, []Spec{seen, cond}, slab.NewSymbols())
	var h slab.Handle
	for at := range int64(1000) {
		h = s.Add(h, at, []Arg{{uint64(at) / 500, true}})
		s.Settle(false)
	}
	for _, c := range []struct {
		at   int64
		agg  int
		want uint64
	}{{1000, 0, 1}, {1000, 1, 1}, {1009, 0, 1}, {1010, 0, 0}} {
		if w, ok := s.Read(h, c.at, c.agg); w != c.want || !ok {
			t.Errorf("at %d: %d %v, want %d", c.at, w, ok, c.want)
		}
	}
	if slots, bytes := mem.Live(); slots != 1 || bytes > 24 {
		t.Errorf("%d slots of %d bytes", slots, bytes)
	}
}

// Nothing is allocated in Go's heap for an event, once a state has its size.
func TestSteadyAllocs(t *testing.T) {
	delayed := previous(300)
	delayed.Ending = 100
	unless := of(dsl.AggStddev, 0, cep.KindMoney, last(200))
	unless.UnlessFired = true
	specs := []Spec{
		count(last(100)), of(dsl.AggSum, 0, cep.KindMoney, previous(1000)), unless,
		of(dsl.AggStddev, 1, cep.KindNumber, last(100)), of(dsl.AggZscore, 1, cep.KindNumber, previous(100)),
		of(dsl.AggMin, 0, cep.KindMoney, last(100)), of(dsl.AggFirst, 0, cep.KindMoney, delayed),
		{Fn: dsl.AggDistinct, Input: 2, In: cep.KindString, Out: cep.KindInt, Window: last(100)},
		of(dsl.AggLast, 2, cep.KindString, lastN(10)), of(dsl.AggMedian, 1, cep.KindNumber, lastN(50)),
		{Fn: dsl.AggDistinct, Input: 2, In: cep.KindString, Out: cep.KindInt, Window: dsl.Window{Kind: dsl.WindowCalendar, Unit: dsl.Hour}},
	}
	syms := slab.NewSymbols()
	s, _ := mustNew(t, specs, syms)
	var names [64]slab.Symbol
	for i := range names {
		names[i] = syms.Intern(string(rune('A' + i)))
	}
	var h slab.Handle
	at := int64(0)
	args := make([]Arg, 3)
	event := func() {
		at++
		args[0] = Arg{uint64(at * 7919 % 1000), true}
		args[1] = Arg{cep.NumberWord(float64(at * 31 % 100)), true}
		args[2] = Arg{uint64(names[at*13%64]), true}
		h = s.Add(h, at, args)
		for i := range specs {
			s.Read(h, at, i)
		}
		s.Settle(at%7 == 0)
	}
	for range 20_000 {
		event()
	}
	if n := testing.AllocsPerRun(10_000, event); n != 0 {
		t.Fatalf("%v allocations an event", n)
	}
}
