package xmath

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// ulps is how many floats lie between two numbers.
func ulps(a, b float64) uint64 {
	if a == b || a != a && b != b {
		return 0
	}
	if (a < 0) != (b < 0) || a != a || b != b {
		return math.MaxUint64
	}
	x, y := math.Float64bits(math.Abs(a)), math.Float64bits(math.Abs(b))
	return max(x, y) - min(x, y)
}

// Every function against the standard library's, which is itself within one
// unit in the last place, over the ranges that it is used in.
func TestAccuracy(t *testing.T) {
	tests := []struct {
		name   string
		f, ref func(float64) float64
		draw   func(*rand.Rand) float64
		within uint64
	}{
		{"exp", Exp, math.Exp, func(r *rand.Rand) float64 { return r.Float64()*1400 - 700 }, 2},
		{"exp near 0", Exp, math.Exp, func(r *rand.Rand) float64 { return (r.Float64() - .5) * math.Exp2(-20*r.Float64()) }, 2},
		{"exp tiny results", Exp, math.Exp, func(r *rand.Rand) float64 { return -700 - r.Float64()*45 }, 2},
		{"log", Log, math.Log, func(r *rand.Rand) float64 { return math.Ldexp(r.Float64(), r.IntN(2000)-1000) }, 2},
		{"log near 1", Log, math.Log, func(r *rand.Rand) float64 { return 1 + (r.Float64()-.5)*math.Exp2(-30*r.Float64()) }, 2},
		{"log denormal", Log, func(x float64) float64 { return math.Log(x*0x1p60) - 60*math.Ln2 }, func(r *rand.Rand) float64 { return math.Float64frombits(1 + r.Uint64N(1<<52)) }, 2},
		{"sin", Sin, math.Sin, func(r *rand.Rand) float64 { return (r.Float64() - .5) * 20 }, 2},
		{"cos", Cos, math.Cos, func(r *rand.Rand) float64 { return (r.Float64() - .5) * 20 }, 2},
		{"asin", Asin, math.Asin, func(r *rand.Rand) float64 { return r.Float64() - 0.5 }, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			for range 50_000 {
				x := tt.draw(r)
				if got, want := tt.f(x), tt.ref(x); ulps(got, want) > tt.within {
					t.Fatalf("of %v (%x): %v, want %v, %d ulps", x, x, got, want, ulps(got, want))
				}
			}
		})
	}
}

// The library's arc sine is far off near 1, so the reference there is a series
// in long floats: asin x = π/2 - 2 asin √((1-x)/2).
func TestAsinNearOne(t *testing.T) {
	long := func(x float64) *big.Float { return new(big.Float).SetPrec(200).SetFloat64(x) }
	halfPi, _, _ := big.ParseFloat("1.570796326794896619231321691639751442098584699687552910487", 10, 200, big.ToNearestEven)
	r := rand.New(rand.NewPCG(9, 10))
	for range 2_000 {
		x := 1 - 0.5*math.Exp2(-50*r.Float64())
		z := new(big.Float).Quo(new(big.Float).Sub(long(1), long(x)), long(2))
		term := new(big.Float).Sqrt(z)
		total := new(big.Float).Copy(term)
		for n := 1; n < 100; n++ { // term(n) = term(n-1) z (2n-1)²/(2n (2n+1))
			term.Mul(term, z)
			term.Mul(term, long(float64((2*n-1)*(2*n-1))))
			term.Quo(term, long(float64(2*n*(2*n+1))))
			total.Add(total, term)
		}
		want, _ := new(big.Float).Sub(halfPi, total.Mul(total, long(2))).Float64()
		if got := Asin(x); ulps(got, want) > 4 {
			t.Fatalf("asin %v = %v, want %v", x, got, want)
		}
	}
}

// Pow against exact powers: an integer power by big floats is the truth, and
// what we return is the float nearest to it.
func TestPowIsNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	off := 0
	const n = 20_000
	for range n {
		x, k := math.Ldexp(0.5+r.Float64(), r.IntN(20)-10), r.IntN(60)
		want := new(big.Float).SetPrec(4000).SetInt64(1)
		for range k {
			want.Mul(want, new(big.Float).SetFloat64(x))
		}
		nearest, _ := want.Float64()
		if math.IsInf(nearest, 0) || nearest < 1e-300 {
			continue
		}
		switch ulps(Pow(x, float64(k)), nearest) {
		case 0:
		case 1:
			off++
		default:
			t.Fatalf("%v^%d = %v, want %v", x, k, Pow(x, float64(k)), nearest)
		}
	}
	if off > n/1000 {
		t.Errorf("%d of %d are not the nearest float", off, n)
	}
}

func TestPowLikeTheLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20_000 {
		x, y := math.Exp2(40*r.Float64()-20), 40*r.Float64()-20
		if got, want := Pow(x, y), math.Pow(x, y); math.Abs(got/want-1) > 1e-13 {
			t.Fatalf("%v^%v = %v, want %v", x, y, got, want)
		}
	}
	special := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e300, -1e300, 1e-300, math.Inf(1), math.Inf(-1), math.NaN(), 1 << 53, 1<<53 + 2, math.MaxFloat64, 5e-324}
	for _, x := range special {
		for _, y := range special {
			got, want := Pow(x, y), math.Pow(x, y)
			if ulps(got, want) > 0 && ulps(got, want) > ulps(want, want*(1+1e-13)) {
				t.Errorf("%v^%v = %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestEnds(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, tt := range []struct{ got, want float64 }{
		{Exp(0), 1}, {Exp(710), inf}, {Exp(-746), 0}, {Exp(inf), inf}, {Exp(-inf), 0}, {Exp(nan), nan},
		{Log(1), 0}, {Log(0), -inf}, {Log(-1), nan}, {Log(inf), inf}, {Log(nan), nan},
		{Sin(0), 0}, {Cos(0), 1}, {Sin(inf), nan}, {Cos(1e9), nan},
		{Asin(0), 0}, {Asin(1), math.Pi / 2}, {Asin(-1), -math.Pi / 2}, {Asin(1.1), nan}, {Asin(nan), nan},
		{Pow(2, 10), 1024}, {Pow(10, -2), 0.01}, {Pow(-2, 3), -8}, {Pow(-2, 0.5), nan}, {Pow(0, -1), inf}, {Pow(9, 0.5), 3},
		{Pow(1+0x1p-52, 1<<53), 7.389056098930649}, // e^(2-2^-52); the library is off in the eighth digit
	} {
		if ulps(tt.got, tt.want) != 0 {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
}

// The bits of many results are pinned: they must be the same on every
// processor and with every compiler.
func TestSameBitsEverywhere(t *testing.T) {
	h := fnv.New64a()
	r := rand.New(rand.NewPCG(7, 8))
	var b [8]byte
	put := func(f float64) {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(f))
		h.Write(b[:])
	}
	for range 20_000 {
		x := float64(r.Int64N(1<<53)) / (1 << 50)
		put(Exp(x))
		put(Exp(-x))
		put(Log(x))
		put(Sin(x))
		put(Cos(x))
		put(Asin(x / 8))
		put(Pow(x, x-4))
	}
	if got, want := h.Sum64(), uint64(0xac8b86f3cad2c571); got != want {
		t.Errorf("digest of the results %#x, want %#x", got, want)
	}
}

func BenchmarkExp(b *testing.B) {
	x := 0.0
	for b.Loop() {
		x += Exp(1.25)
	}
}

func BenchmarkPow(b *testing.B) {
	x := 0.0
	for b.Loop() {
		x += Pow(1.25, 3.5)
	}
}
