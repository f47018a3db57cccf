package expr

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/weir-cep/weir/dsl"
)

func TestStepAggregates(t *testing.T) {
	f := frameOf(batchOf(
		"n=5 x=0.1 amount=1.00 s=b dur=1m ip=10.0.0.2 geo=0,1 when=2026-01-01T00:00:00Z flag=true decision=declined",
		"n=-3 x=0.2 amount=2.00 s=a dur=2m ip=10.0.0.1 geo=-0,1 when=2026-01-03T00:00:00Z flag=true decision=declined",
		"", // all missing: left out
		"n=5 x=0.3 amount=0.01 s=c dur=4m ip=10.0.0.2 geo=5,5 when=2026-01-02T00:00:00Z flag=false decision=approved"))
	r := capture(f, everyField...)
	f.Bound = r
	c := &Compiler{Layout: r.layout()}
	for _, tt := range []struct {
		e    *dsl.Expr
		want string
	}{
		{&dsl.Expr{Op: dsl.OpBoundCount, Type: intT}, "4"},
		{boundAgg(dsl.AggCount, intT, "n"), "3"}, {boundAgg(dsl.AggCount, intT, "ip"), "3"},
		{boundAgg(dsl.AggSum, intT, "n"), "7"}, {boundAgg(dsl.AggSum, numberT, "x"), "0.6"}, {boundAgg(dsl.AggSum, usdT, "amount"), "3.01 USD"}, {boundAgg(dsl.AggSum, durationT, "dur"), "7m"},
		{boundAgg(dsl.AggAvg, numberT, "n"), "2.3333333333333335"}, {boundAgg(dsl.AggAvg, numberT, "x"), "0.19999999999999998"}, {boundAgg(dsl.AggAvg, usdT, "amount"), "1.003333 USD"}, {boundAgg(dsl.AggAvg, durationT, "dur"), "2m20s"},
		{boundAgg(dsl.AggMin, intT, "n"), "-3"}, {boundAgg(dsl.AggMax, numberT, "x"), "0.3"}, {boundAgg(dsl.AggMax, usdT, "amount"), "2.00 USD"}, {boundAgg(dsl.AggMax, timeT, "when"), "2026-01-03T00:00:00Z"},
		{boundAgg(dsl.AggMin, stringT, "s"), "a"}, {boundAgg(dsl.AggMax, stringT, "s"), "c"},
		{boundAgg(dsl.AggFirst, intT, "n"), "5"}, {boundAgg(dsl.AggLast, stringT, "s"), "c"}, {boundAgg(dsl.AggLast, ipT, "ip"), "10.0.0.2"}, {boundAgg(dsl.AggFirst, pointT, "geo"), "0,1"}, {boundAgg(dsl.AggLast, numberT, "x"), "0.3"},
		{boundAgg(dsl.AggDistinct, intT, "n"), "2"}, {boundAgg(dsl.AggDistinct, intT, "s"), "3"}, {boundAgg(dsl.AggDistinct, intT, "ip"), "2"}, {boundAgg(dsl.AggDistinct, intT, "geo"), "2"}, {boundAgg(dsl.AggDistinct, intT, "decision"), "2"}, {boundAgg(dsl.AggDistinct, intT, "flag"), "2"},
		{boundAgg(dsl.AggStddev, numberT, "n"), "4.618802153517006"}, {boundAgg(dsl.AggStddev, numberT, "x"), "0.09999999999999999"}, {boundAgg(dsl.AggStddev, usdT, "amount"), "0.995004 USD"}, {boundAgg(dsl.AggStddev, durationT, "dur"), "1m31s651ms513us899ns"},
		{boundList("n"), "5, -3, 5"}, {boundList("s"), "b, a, c"}, // missing ones are left out
	} {
		if got := text(t, c, f, tt.e); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.e, got, tt.want)
		}
	}
}

// Sums that leave the range fail; averages and deviations of the same values
// do not, because they are computed with more bits.
func TestAggregatesAtTheEnds(t *testing.T) {
	f := frameOf(batchOf(fmt.Sprintf("n=%d amount=9000000000000 x=1e308", math.MaxInt64), fmt.Sprintf("n=%d amount=9000000000000 x=1e308", math.MaxInt64)))
	r := capture(f, "n", "amount", "x")
	f.Bound = r
	c := &Compiler{Layout: r.layout()}
	for e, want := range map[*dsl.Expr]string{
		boundAgg(dsl.AggSum, intT, "n"): "failed", boundAgg(dsl.AggSum, usdT, "amount"): "failed", boundAgg(dsl.AggSum, numberT, "x"): "failed",
		boundAgg(dsl.AggAvg, usdT, "amount"): "9000000000000.00 USD", boundAgg(dsl.AggAvg, numberT, "n"): "9223372036854776000",
		boundAgg(dsl.AggStddev, usdT, "amount"): "0.00 USD", boundAgg(dsl.AggStddev, numberT, "n"): "0",
	} {
		if got := text(t, c, f, e); got != want {
			t.Errorf("%s is %s, want %s", e, got, want)
		}
	}
	r.records = r.records[:1]
	if got := text(t, c, f, boundAgg(dsl.AggStddev, usdT, "amount")); got != "–" {
		t.Errorf("the deviation of one value is %s", got)
	}
}

// Sums, averages and deviations of counts against long integers and floats.
func TestCountsAggregateExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	long := func() *big.Float { return new(big.Float).SetPrec(600) }
	for range 2_000 {
		words := make([]uint64, 2+r.IntN(20))
		offset, shift := r.Int64()>>r.IntN(60), r.IntN(63)
		sum, squares := new(big.Int), new(big.Int)
		for i := range words {
			v := r.Int64()>>shift - offset/2
			words[i] = uint64(v)
			sum.Add(sum, big.NewInt(v))
			squares.Add(squares, new(big.Int).Mul(big.NewInt(v), big.NewInt(v)))
		}
		got, ok := total(words).narrow()
		if ok != sum.IsInt64() || ok && got != sum.Int64() {
			t.Fatalf("sum of %v", words)
		}
		if want, _ := long().SetInt(sum).Float64(); total(words).float() != want {
			t.Fatalf("sum as a float: %v, want %v", total(words).float(), want)
		}
		n := int64(len(words))
		d := new(big.Int).Sub(new(big.Int).Mul(squares, big.NewInt(n)), new(big.Int).Mul(sum, sum))
		v := long().Quo(long().SetInt(d), long().SetInt64(n*(n-1)))
		want, _ := v.Sqrt(v).Float64()
		if got := deviation(words); math.Abs(got-want) > want*0x1p-51 {
			t.Fatalf("deviation of %v: %v, want %v", words, got, want)
		}
	}
}

// A sum of numbers in any order, with values that swallow each other.
func TestSumOfNumbersLosesLittle(t *testing.T) {
	words := []uint64{math.Float64bits(1), math.Float64bits(1e100), math.Float64bits(1), math.Float64bits(-1e100)}
	if got := sumNumbers(words); got != 2 {
		t.Errorf("1 + 1e100 + 1 - 1e100 = %v", got)
	}
	if got := sumNumbers([]uint64{math.Float64bits(1e308), math.Float64bits(1e308)}); !math.IsInf(got, 1) {
		t.Errorf("1e308 twice is %v", got)
	}
}

// Comparisons of distinct with constants stop early; they say what counting
// all says.
func TestDistinctComparedWithConstants(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	for range 300 {
		values := 1 + r.IntN(40)
		var rows []string
		for range r.IntN(60) {
			if r.IntN(6) == 0 {
				rows = append(rows, "")
			} else {
				v := r.IntN(values)
				rows = append(rows, fmt.Sprintf("n=%d s=v%d ip=10.0.0.%d geo=%d,0", v, v, v, v))
			}
		}
		f := frameOf(batchOf(append(rows, "")...))
		run := capture(f, "n", "s", "ip", "geo")
		f.Bound = run
		c := &Compiler{Layout: run.layout()}
		for _, name := range []string{"n", "s", "ip", "geo"} {
			count := boundAgg(dsl.AggDistinct, intT, name)
			for _, k := range []int{-1, 0, 1, 2, 5, 31, 32, 33, 40} {
				for o := dsl.OpEq; o <= dsl.OpGe; o++ {
					want := holds(t, c, f, cond(o, op(dsl.OpElse, intT, count, num(0)), num(k)))
					if got := holds(t, c, f, cond(o, count, num(k))); got != want {
						t.Fatalf("%s is %v over %q", cond(o, count, num(k)), got, rows)
					}
				}
			}
		}
	}
}
