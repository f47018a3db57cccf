package window

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// The inputs of the random sets: each kind of word that windows treat apart.
var testInputs = []input{
	{cep.KindMoney, false},
	{cep.KindNumber, true},
	{cep.KindString, true},
	{cep.KindBool, true},
	{cep.KindInt, false},
	{cep.KindNumber, false},
	{cep.KindString, false},
	{cep.KindBool, false},
}

func randomSpec(r *rand.Rand, scale int64) Spec {
	var sp Spec
	sp.Fn = dsl.AggFn(r.IntN(int(dsl.AggMedian) + 1))
	switch sp.Fn {
	case dsl.AggCount:
		if sp.Input = -1; r.IntN(2) == 0 {
			sp.Input = []int{3, 7}[r.IntN(2)]
		}
	case dsl.AggDistinct, dsl.AggFirst, dsl.AggLast:
		sp.Input = r.IntN(len(testInputs))
	case dsl.AggMin, dsl.AggMax:
		sp.Input = []int{0, 1, 2, 4, 5, 6}[r.IntN(6)]
	default:
		sp.Input = []int{0, 1, 4, 5}[r.IntN(4)]
	}
	sp.Out = cep.KindInt
	if sp.Input >= 0 {
		sp.In, sp.Optional = testInputs[sp.Input].kind, testInputs[sp.Input].optional
		switch sp.Fn {
		case dsl.AggCount, dsl.AggDistinct:
		case dsl.AggZscore:
			sp.Out = cep.KindNumber
		case dsl.AggAvg, dsl.AggStddev, dsl.AggMedian:
			if sp.Out = sp.In; sp.In == cep.KindInt {
				sp.Out = cep.KindNumber
			}
		default:
			sp.Out = sp.In
		}
	}
	sp.P = []float64{0, 1, 50, 90, 95, 99.9, 100}[r.IntN(7)]
	sp.UnlessFired = r.IntN(4) == 0
	w := &sp.Window
	w.Kind = dsl.WindowKind(r.IntN(4))
	ranked := sp.Fn == dsl.AggPercentile || sp.Fn == dsl.AggMedian
	if ranked && w.Kind > dsl.WindowPrevious {
		w.Kind = dsl.WindowLast
	}
	switch w.Kind {
	case dsl.WindowCalendar:
		w.Unit = dsl.Calendar(r.IntN(4))
	case dsl.WindowLast, dsl.WindowPrevious:
		if ranked || r.IntN(3) == 0 {
			w.N = 1 + r.IntN([]int{3, 12, 40}[r.IntN(3)])
			break
		}
		w.Dur = 1 + r.Int64N(scale*[]int64{1, 4, 20, 60}[r.IntN(4)])
		if w.Kind == dsl.WindowPrevious && r.IntN(3) == 0 {
			w.Ending = 1 + r.Int64N(scale*[]int64{1, 5, 20}[r.IntN(3)])
		}
	}
	return sp
}

// trial is one random stream through one random set and the reference.
type trial struct {
	t     *testing.T
	seed  uint64
	r     *rand.Rand
	set   *Set
	specs []Spec
	mem   *slab.Arena
	syms  *slab.Symbols
	keys  []slab.Handle
	refs  []*naive
	words []string
	wild  bool // numbers of any size
	now   int64
}

func (x *trial) arg(in input) Arg {
	a := Arg{Ok: !in.optional || x.r.IntN(4) > 0}
	switch in.kind {
	case cep.KindMoney:
		a.Word = uint64(x.r.Int64N(50)*10_000 - 100_000)
		if x.wild {
			a.Word = uint64(int64(x.r.Uint64()) >> x.r.IntN(60))
		}
	case cep.KindInt:
		a.Word = uint64(x.r.Int64N(9) - 4)
		if x.wild && x.r.IntN(10) == 0 {
			a.Word = 1 << 63
		}
	case cep.KindNumber:
		a.Word = cep.NumberWord(float64(x.r.IntN(30)) / 10 * float64(x.r.IntN(3)-1))
		if x.wild {
			// Not the largest: a sum in the naive order of another test would be infinite.
			a.Word = cep.NumberWord(someFloat(x.r) / 1e8)
		}
	case cep.KindString:
		a.Word = uint64(x.r.IntN(len(x.words)))
	case cep.KindBool:
		a.Word = x.r.Uint64N(2)
	}
	if !a.Ok {
		a.Word = x.r.Uint64() // must not be looked at
	}
	return a
}

func (x *trial) readAll(k int) {
	for _, i := range x.r.Perm(len(x.specs)) {
		sp := &x.specs[i]
		want := x.refs[k].read(sp, x.now)
		w, ok := x.set.Read(x.keys[k], x.now, i)
		if ok && sp.Out == cep.KindString {
			w = uint64(slices.Index(x.words, x.syms.Str(slab.Symbol(w))))
		}
		if !want.matches(sp, w, ok) {
			x.t.Fatalf("seed %d: event %d at %d: aggregate %d %+v\nis %d %v, want %+v", x.seed, len(x.refs[k].events), x.now, i, *sp, int64(w), ok, want)
		}
	}
}

func (x *trial) event(k int) {
	args := make([]Arg, len(testInputs))
	for i, in := range testInputs {
		args[i] = x.arg(in)
	}
	ref := x.refs[k]
	if x.r.IntN(2) == 0 {
		x.set.Settle(false)
		x.readAll(k) // features are read by other events too
	}
	x.add(k, args)
	ref.events = append(ref.events, naiveEvent{at: x.now, args: args})
	ref.current = true
	if x.r.IntN(8) > 0 {
		x.readAll(k)
	}
	fired := x.r.IntN(3) == 0
	if x.r.IntN(10) > 0 || fired {
		x.set.Settle(fired)
	}
	ref.events[len(ref.events)-1].fired = fired
	ref.current = false
}

// add gives the event to the set. The set has its own references to symbols
// when it returns.
func (x *trial) add(k int, args []Arg) {
	own := append([]Arg(nil), args...)
	var syms []slab.Symbol
	for i := range own {
		if testInputs[i].kind == cep.KindString && own[i].Ok {
			sym := x.syms.Intern(x.words[own[i].Word])
			own[i].Word = uint64(sym)
			syms = append(syms, sym)
		}
	}
	x.keys[k] = x.set.Add(x.keys[k], x.now, own[:len(x.set.inputs)])
	for _, sym := range syms {
		x.syms.Release(sym)
	}
}

func newTrial(t *testing.T, seed uint64) *trial {
	r := rand.New(rand.NewPCG(seed, 99))
	x := &trial{t: t, seed: seed, r: r, mem: slab.NewArena(), syms: slab.NewSymbols(), wild: r.IntN(5) == 0}
	if precision = 400; x.wild {
		precision = 5000
	}
	scale := []int64{1, 10, int64(time.Minute), int64(20 * time.Minute), int64(7 * time.Hour)}[r.IntN(5)]
	zones := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"}
	zone, err := time.LoadLocation(zones[r.IntN(len(zones))])
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + r.IntN(8) {
		x.specs = append(x.specs, randomSpec(r, scale))
	}
	if x.set, err = New(x.specs, zone, x.mem, x.syms); err != nil {
		t.Fatal(err)
	}
	for range 1 + r.IntN(12) {
		x.words = append(x.words, fmt.Sprint(r.IntN(30)))
	}
	if r.IntN(4) == 0 {
		x.words = append(x.words, "")
	}
	slices.Sort(x.words)
	x.words = slices.Compact(x.words)
	for range 1 + r.IntN(3) {
		x.keys = append(x.keys, 0)
		x.refs = append(x.refs, &naive{zone: zone})
	}
	x.now = time.Date(2026, time.Month(1+r.IntN(12)), 1, 0, 0, 0, 0, time.UTC).UnixNano()
	for range 20 + r.IntN(100) {
		switch r.IntN(6) {
		case 0:
		case 1:
			x.now += r.Int64N(scale * 40)
		default:
			x.now += r.Int64N(scale * 2)
		}
		x.step(r.IntN(len(x.keys)))
	}
	return x
}

func (x *trial) step(k int) {
	// An idle state may be dropped, and nobody can tell.
	for j, h := range x.keys {
		if h == 0 || x.r.IntN(4) > 0 {
			continue
		}
		if at, ok := x.set.Idle(h); ok && at < x.now {
			x.set.Drop(h)
			x.keys[j] = 0
		}
	}
	if x.r.IntN(10) == 0 {
		x.set.Settle(false)
		x.readAll(k)
		return
	}
	x.event(k)
}

var seeds = flag.Uint64("seeds", 500, "random streams that TestAgainstNaive tries")

func TestAgainstNaive(t *testing.T) {
	for seed := range *seeds {
		x := newTrial(t, seed)
		x.set.Settle(false)
		for k, h := range x.keys {
			x.readAll(k)
			if h != 0 && x.set.Bytes(h) <= 0 {
				t.Fatal("a state takes memory")
			}
			x.set.Drop(h)
		}
		if n, bytes := x.mem.Live(); n != 0 {
			t.Fatalf("seed %d: %d slots, %d bytes left\n%+v", seed, n, bytes, x.specs)
		}
		if n := x.syms.Len(); n != 0 {
			t.Fatalf("seed %d: %d symbols left\n%+v", seed, n, x.specs)
		}
		if x.set.Capped != 0 {
			t.Fatal("nothing reaches the cap here")
		}
	}
}

// Every state's memory is counted, and nothing else is.
func TestBytes(t *testing.T) {
	for seed := range uint64(300) {
		x := newTrial(t, seed)
		x.set.Settle(false)
		var bytes int64
		for _, h := range x.keys {
			if h != 0 {
				bytes += x.set.Bytes(h)
			}
		}
		if _, live := x.mem.Live(); live != bytes {
			t.Fatalf("seed %d: states count %d bytes, the arena %d\n%+v", seed, bytes, live, x.specs)
		}
	}
}
