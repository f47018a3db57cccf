package window

import (
	"math"
	"math/bits"
)

// Sums of int64 words (int, money, duration) are two words, signed; sums of
// their squares three words, unsigned. Neither can overflow: the windows hold
// fewer than 2^64 events.

func addInt(p []uint64, x int64, out bool) {
	lo, hi := uint64(x), uint64(x>>63)
	var c uint64
	if out {
		p[0], c = bits.Sub64(p[0], lo, 0)
		p[1], _ = bits.Sub64(p[1], hi, c)
		return
	}
	p[0], c = bits.Add64(p[0], lo, 0)
	p[1], _ = bits.Add64(p[1], hi, c)
}

func addIntSquare(p []uint64, x int64, out bool) {
	a := magnitude(x)
	hi, lo := bits.Mul64(a, a)
	var c uint64
	if out {
		p[0], c = bits.Sub64(p[0], lo, 0)
		p[1], c = bits.Sub64(p[1], hi, c)
		p[2] -= c
		return
	}
	p[0], c = bits.Add64(p[0], lo, 0)
	p[1], c = bits.Add64(p[1], hi, c)
	p[2] += c
}

func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// fits returns the sum as an int64.
func fits(p []uint64) (int64, bool) {
	return int64(p[0]), p[1] == uint64(int64(p[0])>>63)
}

// loadInt copies two's complement words into buf and returns them as a big.
func loadInt(p, buf []uint64) big {
	b := big{mag: buf[:len(p)]}
	copy(b.mag, p)
	b.normalize()
	return b
}

// quotient returns sum / n, rounded half to even. The average of int64s is
// always one.
func quotient(p []uint64, n uint64) int64 {
	lo, hi := p[0], p[1]
	neg := int64(hi) < 0
	if neg {
		var c uint64
		lo, c = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, c)
	}
	q, rem := bits.Div64(hi, lo, n) // hi < n: |average| <= 2^63
	if rem > n-rem || rem == n-rem && q&1 == 1 {
		q++
	}
	if neg {
		return int64(-q)
	}
	return int64(q)
}

// roundInt returns a float rounded half to even as an int64.
func roundInt(f float64) (int64, bool) {
	f = math.RoundToEven(f)
	if f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// mulInt sets p to x * n.
func mulInt(p []uint64, x int64, n uint64) {
	p[1], p[0] = bits.Mul64(magnitude(x), n)
	if x < 0 {
		var c uint64
		p[0], c = bits.Sub64(0, p[0], 0)
		p[1], _ = bits.Sub64(0, p[1], c)
	}
}

// subWords takes q from p, two's complement of equal length.
func subWords(p, q []uint64) {
	var c uint64
	for i := range p {
		p[i], c = bits.Sub64(p[i], q[i], c)
	}
}
