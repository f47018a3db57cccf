package expr

import (
	"math"
	"math/bits"

	"github.com/weir-cep/weir/cep"
)

// int128 is a sum of counts, two's complement: no number of events overflows it.
type int128 struct {
	hi int64
	lo uint64
}

func total(words []uint64) (s int128) {
	for _, w := range words {
		var carry uint64
		s.lo, carry = bits.Add64(s.lo, w, 0)
		s.hi += int64(w)>>63 + int64(carry)
	}
	return s
}

// narrow returns the sum as an int64 if it fits.
func (s int128) narrow() (int64, bool) { return int64(s.lo), s.hi == int64(s.lo)>>63 }

// abs returns the magnitude.
func (s int128) abs() (hi, lo uint64) {
	hi, lo = uint64(s.hi), s.lo
	if s.hi < 0 {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	return hi, lo
}

// float returns the nearest float64.
func (s int128) float() float64 {
	hi, lo := s.abs()
	m, e := round53([4]uint64{lo, hi})
	f := math.Ldexp(float64(m), e)
	if s.hi < 0 {
		return -f
	}
	return f
}

// quotient is the float nearest to x ÷ y; infinite or NaN where y is 0.
func quotient(x, y int64) float64 {
	const exact = 1 << 53 // up to here floats hold ints, and divide them correctly
	if x >= -exact && x <= exact && y >= -exact && y <= exact || y == 0 || x == 0 {
		return float64(x) / float64(y)
	}
	u, v := uint64(x), uint64(y)
	if x < 0 {
		u = -u
	}
	if y < 0 {
		v = -v
	}
	z := bits.LeadingZeros64(u)
	u <<= z
	hi := u / v // not 0, for u has its top bit
	lo, rest := bits.Div64(u%v, 0, v)
	if rest != 0 {
		lo |= 1
	}
	m, e := round53([4]uint64{lo, hi})
	q := math.Ldexp(float64(m), e-64-z)
	if (x < 0) != (y < 0) {
		return -q
	}
	return q
}

// deviation is the sample standard deviation of two or more counts. n times
// the sum of the squares less the square of the sum is computed exactly, so
// that it does not matter how large the values are beside their spread.
func deviation(words []uint64) float64 {
	var sq [4]uint64
	for _, w := range words {
		u := w
		if int64(w) < 0 {
			u = -w
		}
		hi, lo := bits.Mul64(u, u)
		var carry uint64
		sq[0], carry = bits.Add64(sq[0], lo, 0)
		sq[1], carry = bits.Add64(sq[1], hi, carry)
		sq[2] += carry
	}
	n := uint64(len(words))
	var d [4]uint64
	var carry uint64
	for i := range d {
		hi, lo := bits.Mul64(sq[i], n)
		var c uint64
		d[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	square := squared(total(words).abs())
	var borrow uint64
	for i := range d {
		d[i], borrow = bits.Sub64(d[i], square[i], borrow)
	}
	m, e := round53(d)
	v := float64(m) / float64(float64(n)*float64(n-1))
	if e&1 != 0 {
		v *= 2
		e--
	}
	return math.Ldexp(math.Sqrt(v), e/2)
}

// squared returns (hi:lo)² of 256 bits, least significant word first.
func squared(hi, lo uint64) (s [4]uint64) {
	s[1], s[0] = bits.Mul64(lo, lo)
	s[3], s[2] = bits.Mul64(hi, hi)
	h, l := bits.Mul64(hi, lo)
	for range 2 {
		var carry uint64
		s[1], carry = bits.Add64(s[1], l, 0)
		s[2], carry = bits.Add64(s[2], h, carry)
		s[3] += carry
	}
	return s
}

// round53 returns a number as m × 2^e with m at most 2^53, rounded half to even.
func round53(w [4]uint64) (m uint64, e int) {
	top := 3
	for top > 0 && w[top] == 0 {
		top--
	}
	if w[top] == 0 {
		return 0, 0
	}
	z := bits.LeadingZeros64(w[top])
	m = w[top] << z
	var rest uint64
	if top > 0 {
		m |= w[top-1] >> (64 - z)
		rest = w[top-1] << z
		for _, below := range w[:top-1] {
			rest |= below
		}
	}
	low := m & (1<<11 - 1)
	m >>= 11
	if low > 1<<10 || low == 1<<10 && (rest != 0 || m&1 == 1) {
		m++
	}
	return m, 64*top - z + 11
}

// sumNumbers adds numbers and carries along what each addition loses
// (Neumaier's variant of Kahan's sum).
func sumNumbers(words []uint64) float64 {
	s, lost := 0.0, 0.0
	for _, w := range words {
		x := cep.Number(w)
		t := s + x
		if math.Abs(s) >= math.Abs(x) {
			lost += (s - t) + x
		} else {
			lost += (x - t) + s
		}
		s = t
	}
	if s-s != 0 {
		return s // an overflow, for which lost is NaN
	}
	return s + lost
}

// deviationNumbers is the sample standard deviation of two or more numbers:
// the squares of the distances from the average, corrected for what the
// average's rounding adds.
func deviationNumbers(words []uint64) float64 {
	n := float64(len(words))
	mean := sumNumbers(words) / n
	var squares, distances float64
	for _, w := range words {
		d := cep.Number(w) - mean
		squares += float64(d * d)
		distances += d
	}
	v := (squares - float64(distances*distances)/n) / (n - 1)
	return math.Sqrt(max(v, 0))
}
