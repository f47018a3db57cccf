package window

import (
	"math"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// acc is the running sums of one input over one window. Each of its fields is
// a place in the root, -1 if no aggregate asks for it. All of them but the
// last four can take a value out again exactly; those four stand only in
// buckets, which no event leaves.
type acc struct {
	input int
	kind  cep.Kind
	truth bool // counts the events for which a condition holds, nothing else

	cnt  int // how many values; -1 too if the input is never missing
	sum  int // 2 words of an integer, or 1 of an exact sum
	sq   int // 3 words of an integer, or 1 of an exact sum
	rank int // 1 word of a sorted list

	low, high, first, last int
}

func newAcc(input int, kind cep.Kind) acc {
	return acc{input: input, kind: kind, cnt: -1, sum: -1, sq: -1, rank: -1, low: -1, high: -1, first: -1, last: -1}
}

// enter counts a value in.
func (s *Set) enter(r []uint64, a *acc, v Arg) {
	if !v.Ok || a.truth && v.Word == 0 {
		return
	}
	s.sums(r, a, v.Word, false)
	if a.records() {
		s.record(r, a, v.Word)
	}
}

func (a *acc) records() bool { return a.low >= 0 || a.high >= 0 || a.first >= 0 || a.last >= 0 }

// exit takes a value out again.
func (s *Set) exit(r []uint64, a *acc, v Arg) {
	if v.Ok && (!a.truth || v.Word != 0) {
		s.sums(r, a, v.Word, true)
	}
}

func (s *Set) sums(r []uint64, a *acc, w uint64, out bool) {
	if a.cnt >= 0 {
		if out {
			r[a.cnt]--
		} else {
			r[a.cnt]++
		}
	}
	if a.sum >= 0 {
		if a.kind == cep.KindNumber {
			addFloat(s.mem, &r[a.sum], cep.Number(w), out)
		} else {
			addInt(r[a.sum:a.sum+2], int64(w), out)
		}
	}
	if a.sq >= 0 {
		if a.kind == cep.KindNumber {
			addSquare(s.mem, &r[a.sq], cep.Number(w), out)
		} else {
			addIntSquare(r[a.sq:a.sq+3], int64(w), out)
		}
	}
	if a.rank >= 0 {
		if out {
			s.rankOut(&r[a.rank], ordered(a.kind, w))
		} else {
			s.rankIn(&r[a.rank], ordered(a.kind, w))
		}
	}
}

// record notes the extremes, the first and the last of a bucket. It follows
// sums, so the count includes the value.
func (s *Set) record(r []uint64, a *acc, w uint64) {
	alone := r[a.cnt] == 1
	if a.low >= 0 && (alone || s.less(a.kind, w, r[a.low])) {
		s.replace(&r[a.low], a.kind, w)
	}
	if a.high >= 0 && (alone || s.less(a.kind, r[a.high], w)) {
		s.replace(&r[a.high], a.kind, w)
	}
	if a.first >= 0 && alone {
		s.replace(&r[a.first], a.kind, w)
	}
	if a.last >= 0 {
		s.replace(&r[a.last], a.kind, w)
	}
}

func (s *Set) replace(p *uint64, kind cep.Kind, w uint64) {
	s.retain(kind, w)
	s.release(kind, *p)
	*p = w
}

// clear makes the accumulators those of an empty window.
func (s *Set) clear(r []uint64, accs []acc) {
	for i := range accs {
		a := &accs[i]
		if a.cnt >= 0 {
			r[a.cnt] = 0
		}
		switch {
		case a.kind == cep.KindNumber:
			if a.sum >= 0 {
				resetExact(s.mem, &r[a.sum])
			}
			if a.sq >= 0 {
				resetExact(s.mem, &r[a.sq])
			}
		default:
			if a.sum >= 0 {
				clear(r[a.sum : a.sum+2])
			}
			if a.sq >= 0 {
				clear(r[a.sq : a.sq+3])
			}
		}
		if a.rank >= 0 {
			resetExact(s.mem, &r[a.rank])
		}
		for _, off := range [...]int{a.low, a.high, a.first, a.last} {
			if off >= 0 {
				s.replace(&r[off], a.kind, 0)
			}
		}
	}
}

func (s *Set) accBytes(r []uint64, accs []acc) (n int64) {
	slot := func(off int) {
		if off >= 0 && r[off]>>32 != 0 {
			n += int64(len(s.mem.Words(slab.Handle(r[off]>>32)))) * 8
		}
	}
	for i := range accs {
		a := &accs[i]
		if a.kind == cep.KindNumber {
			slot(a.sum)
			slot(a.sq)
		}
		slot(a.rank)
	}
	return n
}

// fromAcc returns the result of an aggregate over a window of n events. x is
// the current event's value, for zscore.
func (s *Set) fromAcc(sp *Spec, r []uint64, a *acc, n uint64, x Arg) (cep.Word, bool) {
	if a.cnt >= 0 {
		n = r[a.cnt]
	}
	float := a.kind == cep.KindNumber
	switch sp.Fn {
	case dsl.AggCount:
		return n, true
	case dsl.AggSum:
		if float {
			sum := loadExact(s.mem, r[a.sum], s.buf[:])
			return s.number(sum.float())
		}
		v, ok := fits(r[a.sum : a.sum+2])
		if !ok {
			s.Failed = true
			return 0, false
		}
		return uint64(v), true
	}
	if n == 0 {
		return 0, false
	}
	switch sp.Fn {
	case dsl.AggAvg:
		switch {
		case float:
			return s.number(average(loadExact(s.mem, r[a.sum], s.buf[:]), n))
		case sp.Out == cep.KindNumber:
			return s.number(average(loadInt(r[a.sum:a.sum+2], s.buf[:]), n))
		}
		return uint64(quotient(r[a.sum:a.sum+2], n)), true
	case dsl.AggStddev:
		sd, ok := s.deviation(r, a, n)
		if !ok {
			return 0, false
		}
		return s.rounded(sp.Out, sd)
	case dsl.AggZscore:
		sd, ok := s.deviation(r, a, n)
		if !ok || sd == 0 || !x.Ok {
			return 0, false
		}
		return s.number(s.distance(r, a, n, x.Word) / sd)
	case dsl.AggPercentile:
		return unordered(a.kind, s.nth(r[a.rank], nearestRank(sp.P, n)-1)), true
	case dsl.AggMedian:
		return s.median(sp, r[a.rank], a.kind, n)
	case dsl.AggMin:
		return r[a.low], true
	case dsl.AggMax:
		return r[a.high], true
	case dsl.AggFirst:
		return r[a.first], true
	case dsl.AggLast:
		return r[a.last], true
	}
	panic("window: no such aggregate of sums")
}

func average(sum big, n uint64) float64 {
	m, e := sum.round()
	f := math.Ldexp(float64(m)/float64(n), e)
	if sum.neg {
		return -f
	}
	return f
}

// deviation returns the standard deviation, false for fewer than two values.
func (s *Set) deviation(r []uint64, a *acc, n uint64) (float64, bool) {
	if n < 2 {
		return 0, false
	}
	var sum, sq big
	if a.kind == cep.KindNumber {
		sum, sq = loadExact(s.mem, r[a.sum], s.buf[:]), loadExact(s.mem, r[a.sq], s.buf2[:])
	} else {
		sum, sq = loadInt(r[a.sum:a.sum+2], s.buf[:]), loadInt(r[a.sq:a.sq+3], s.buf2[:])
	}
	m, e := variance(n, sum, sq, s.scratch[:])
	return deviation(m, e, n), true
}

// distance returns x less the average.
func (s *Set) distance(r []uint64, a *acc, n uint64, x cep.Word) float64 {
	if a.kind == cep.KindNumber {
		return average(s.exactDistance(r[a.sum], n, cep.Number(x)), n)
	}
	// n*x and the sum are below 2^126: no machine brings n to 2^63.
	d := big{mag: s.buf[:2]}
	mulInt(d.mag, int64(x), n)
	subWords(d.mag, r[a.sum:a.sum+2])
	d.normalize()
	return average(d, n)
}

// number returns a float as a word unless it is infinite.
func (s *Set) number(f float64) (cep.Word, bool) {
	if math.IsInf(f, 0) {
		s.Failed = true
		return 0, false
	}
	return cep.NumberWord(f), true
}

// rounded returns a float as a word of a kind, half to even.
func (s *Set) rounded(out cep.Kind, f float64) (cep.Word, bool) {
	if out == cep.KindNumber {
		return s.number(f)
	}
	v, ok := roundInt(f)
	if !ok {
		s.Failed = true
	}
	return uint64(v), ok
}
