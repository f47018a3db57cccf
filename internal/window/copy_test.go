package window

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// move copies the trial's states to another set, with an arena and symbols of
// its own or the same, and drops the old ones.
func (x *trial) move(apart bool) {
	mem, syms := x.mem, x.syms
	if apart {
		mem, syms = slab.NewArena(), slab.NewSymbols()
		for i := range 7 { // so that symbols get other numbers
			syms.Intern(fmt.Sprint("other ", i))
		}
	}
	x.set.Settle(false)
	to, err := New(x.specs, x.set.cal.zone, mem, syms)
	if err != nil {
		x.t.Fatal(err)
	}
	for k, h := range x.keys {
		if h == 0 {
			continue
		}
		x.keys[k] = x.set.Copy(h, to)
		if a, b := x.set.Bytes(h), to.Bytes(x.keys[k]); a != b {
			x.t.Fatalf("seed %d: the copy has %d bytes, the state %d", x.seed, b, a)
		}
		x.set.Drop(h)
	}
	if n, _ := x.mem.Live(); apart && n != 0 {
		x.t.Fatalf("seed %d: %d slots are left where the states were", x.seed, n)
	}
	if n := x.syms.Len(); apart && n > 7 {
		x.t.Fatalf("seed %d: %d symbols are left where the states were", x.seed, n)
	}
	x.set, x.mem, x.syms = to, mem, syms
}

// Copies go on as their states would.
func TestCopy(t *testing.T) {
	for seed := range *seeds / 2 {
		x := newTrial(t, seed)
		for round := range 2 {
			x.move(round%2 == 0)
			for range 15 {
				x.now += x.r.Int64N(int64(time.Minute) >> (seed % 35))
				x.step(x.r.IntN(len(x.keys)))
			}
		}
		x.set.Settle(false)
		for k, h := range x.keys {
			x.readAll(k)
			x.set.Drop(h)
		}
		if n, _ := x.mem.Live(); n != 0 {
			t.Fatalf("seed %d: %d slots left", seed, n)
		}
	}
}

// Long rings, deques and tables are copied whole.
func TestCopyLong(t *testing.T) {
	specs := []Spec{
		of(dsl.AggSum, 0, cep.KindInt, last(time.Hour)),
		of(dsl.AggMin, 0, cep.KindInt, previous(time.Hour)),
		of(dsl.AggDistinct, 1, cep.KindString, last(time.Hour)),
		of(dsl.AggDistinct, 1, cep.KindString, last(time.Minute)),
		of(dsl.AggFirst, 1, cep.KindString, lastN(5000)),
	}
	syms := slab.NewSymbols()
	from, _ := mustNew(t, specs, syms)
	other := slab.NewSymbols()
	other.Intern("something")
	to, _ := mustNew(t, specs, other)
	sets := []*Set{from, to}
	h := make([]slab.Handle, 2)
	feed := func(set int, i int) {
		sym := sets[set].syms.Intern(fmt.Sprint("value ", i*7%6000))
		at := int64(i) * int64(100*time.Millisecond)
		h[set] = sets[set].Add(h[set], at, []Arg{{Word: uint64(i), Ok: true}, {Word: uint64(sym), Ok: true}})
		sets[set].Settle(false)
		sets[set].syms.Release(sym)
	}
	for i := range 30_000 {
		feed(0, i)
	}
	h[1] = from.Copy(h[0], to)
	for i := 30_000; i < 50_000; i++ {
		feed(0, i)
		feed(1, i)
		if i%97 != 0 {
			continue
		}
		at := int64(i) * int64(100*time.Millisecond)
		for k := range specs {
			a, okA := from.Read(h[0], at, k)
			b, okB := to.Read(h[1], at, k)
			if specs[k].Fn == dsl.AggFirst {
				if x, y := syms.Str(slab.Symbol(a)), other.Str(slab.Symbol(b)); x != y {
					t.Fatalf("event %d: aggregate %d is %q, of the copy %q", i, k, x, y)
				}
				continue
			}
			if a != b || okA != okB {
				t.Fatalf("event %d: aggregate %d is %d %t, of the copy %d %t", i, k, a, okA, b, okB)
			}
		}
	}
	to.Drop(h[1])
	if n, _ := to.mem.Live(); n != 0 || other.Len() != 1 {
		t.Errorf("%d slots and %d symbols are left of the copy", n, other.Len()-1)
	}
}

// A look at a state as of a later time gives what it would be then, and leaves
// no trace.
func TestPeek(t *testing.T) {
	for seed := range *seeds / 4 {
		x := newTrial(t, seed)
		for range 30 {
			x.now += x.r.Int64N(int64(time.Minute) >> (seed % 35))
			k := x.r.IntN(len(x.keys))
			x.step(k)
			x.set.Settle(false)
			n, _ := x.mem.Live()
			syms := x.syms.Len()
			for _, i := range x.r.Perm(len(x.specs)) {
				sp, at := &x.specs[i], x.now+x.r.Int64N(int64(time.Hour)>>(seed%35))
				want := x.refs[k].read(sp, at)
				w, ok := x.set.Peek(x.keys[k], at, i)
				if ok && sp.Out == cep.KindString {
					w = uint64(slices.Index(x.words, x.syms.Str(slab.Symbol(w))))
				}
				if !want.matches(sp, w, ok) {
					t.Fatalf("seed %d: at %d of %d: aggregate %d %+v\nis %d %v, want %+v", seed, at, x.now, i, *sp, int64(w), ok, want)
				}
			}
			if m, _ := x.mem.Live(); m != n || x.syms.Len() != syms {
				t.Fatalf("seed %d: %d slots and %d symbols, there were %d and %d", seed, m, x.syms.Len(), n, syms)
			}
			x.readAll(k)
		}
	}
}
