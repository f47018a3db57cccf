package window

import (
	"math"
	mbig "math/big"
	"math/rand/v2"
	"testing"

	"github.com/weir-cep/weir/internal/slab"
)

// A float64 of any size, of a few sizes, or near 1.
func someFloat(r *rand.Rand) float64 {
	for {
		var f float64
		switch r.IntN(6) {
		case 0:
			f = math.Float64frombits(r.Uint64())
		case 1:
			f = math.Ldexp(r.NormFloat64(), r.IntN(2000)-1000)
		case 2:
			f = float64(r.IntN(2001) - 1000)
		case 3:
			f = math.Ldexp(float64(r.IntN(100)-50), -1074)
		default:
			f = math.Round(r.NormFloat64()*1e4) / 100
		}
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
}

func bigFloat(f float64) *mbig.Float { return new(mbig.Float).SetPrec(6000).SetFloat64(f) }

func TestExactSums(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		mem := slab.NewArena()
		var sum, sq uint64
		var in []float64
		out := 0
		var buf, buf2 [maxLimbs]uint64
		var scratch [3 * maxLimbs]uint64
		everyday := r.IntN(2) == 0
		for range 1 + r.IntN(40) {
			if len(in) > out && r.IntN(3) == 0 {
				addFloat(mem, &sum, in[out], true)
				addSquare(mem, &sq, in[out], true)
				out++
			} else {
				x := someFloat(r)
				if everyday {
					x = math.Round(r.NormFloat64()*1e4) / 100
				}
				in = append(in, x)
				addFloat(mem, &sum, x, false)
				addSquare(mem, &sq, x, false)
			}
			s, q := bigFloat(0), bigFloat(0)
			for _, x := range in[out:] {
				s.Add(s, bigFloat(x))
				q.Add(q, new(mbig.Float).SetPrec(6000).Mul(bigFloat(x), bigFloat(x)))
			}
			gs, gq := loadExact(mem, sum, buf[:]), loadExact(mem, sq, buf2[:])
			if want, _ := s.Float64(); gs.float() != want {
				t.Fatalf("seed %d: sum %v, want %v", seed, gs.float(), want)
			}
			if want, _ := q.Float64(); gq.float() != want {
				t.Fatalf("seed %d: squares %v, want %v", seed, gq.float(), want)
			}
			n := len(in) - out
			if n < 2 {
				continue
			}
			m, e := variance(uint64(n), gs, gq, scratch[:])
			got := deviation(m, e, uint64(n))
			v := new(mbig.Float).SetPrec(6000).Mul(q, bigFloat(float64(n)))
			v.Sub(v, new(mbig.Float).SetPrec(6000).Mul(s, s))
			v.Quo(v, bigFloat(float64(n)*float64(n-1)))
			want, _ := v.Sqrt(v).Float64()
			if (want == 0) != (got == 0) || math.Abs(got-want) > 0x1p-51*want {
				t.Fatalf("seed %d: deviation %v, want %v", seed, got, want)
			}
		}
		resetExact(mem, &sum)
		resetExact(mem, &sq)
		if n, _ := mem.Live(); n != 0 {
			t.Fatal("slots left")
		}
	}
}

func TestIntSums(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 2))
		var sum, buf [2]uint64
		var sq, buf2 [3]uint64
		var scratch [3 * maxLimbs]uint64
		var in []int64
		out := 0
		for range 1 + r.IntN(30) {
			if len(in) > out && r.IntN(3) == 0 {
				addInt(sum[:], in[out], true)
				addIntSquare(sq[:], in[out], true)
				out++
			} else {
				x := int64(r.Uint64()) >> r.IntN(64)
				if r.IntN(20) == 0 {
					x = math.MinInt64
				}
				in = append(in, x)
				addInt(sum[:], x, false)
				addIntSquare(sq[:], x, false)
			}
			s, q := new(mbig.Int), new(mbig.Int)
			for _, x := range in[out:] {
				s.Add(s, mbig.NewInt(x))
				q.Add(q, new(mbig.Int).Mul(mbig.NewInt(x), mbig.NewInt(x)))
			}
			v, ok := fits(sum[:])
			if ok != s.IsInt64() || ok && v != s.Int64() {
				t.Fatalf("seed %d: sum %d %v, want %v", seed, v, ok, s)
			}
			n := int64(len(in) - out)
			if n == 0 {
				continue
			}
			// Half to even: floor(s/n + 1/2), less one where that was a half and the result odd.
			num := new(mbig.Int).Add(new(mbig.Int).Lsh(s, 1), mbig.NewInt(n))
			want, rem := new(mbig.Int).DivMod(num, mbig.NewInt(2*n), new(mbig.Int))
			if rem.Sign() == 0 && want.Bit(0) == 1 {
				want.Sub(want, mbig.NewInt(1))
			}
			if got := quotient(sum[:], uint64(n)); got != want.Int64() || !want.IsInt64() {
				t.Fatalf("seed %d: average %d, want %v", seed, got, want)
			}
			if n < 2 {
				continue
			}
			m, e := variance(uint64(n), loadInt(sum[:], buf[:]), loadInt(sq[:], buf2[:]), scratch[:])
			d := new(mbig.Int).Mul(q, mbig.NewInt(n))
			d.Sub(d, new(mbig.Int).Mul(s, s))
			wantF, _ := new(mbig.Float).SetInt(d).Float64()
			if got := math.Ldexp(float64(m), e); got != wantF {
				t.Fatalf("seed %d: n·squares - sum² = %v, want %v", seed, got, wantF)
			}
		}
	}
}

func BenchmarkExactSlide(b *testing.B) {
	mem := slab.NewArena()
	var p uint64
	xs := make([]float64, 1024)
	r := rand.New(rand.NewPCG(1, 1))
	for i := range xs {
		xs[i] = math.Round(r.NormFloat64()*1e4) / 100
		addFloat(mem, &p, xs[i], false)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		addFloat(mem, &p, xs[i&1023], true)
		addFloat(mem, &p, xs[i&1023], false)
		i++
	}
}
