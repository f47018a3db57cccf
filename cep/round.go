package cep

import (
	"math"
	"math/bits"
)

// The arithmetic of counts (money, durations, ints) with 128 bits in between:
// exact, then rounded once, half to even. ok = false tells that the result
// does not fit an int64, that the divisor is zero, or that a factor is not a
// finite number.

// MulInt returns a × b.
func MulInt(a, b int64) (p int64, ok bool) {
	hi, lo := bits.Mul64(abs(a), abs(b))
	if hi != 0 {
		return 0, false
	}
	return signed(lo, (a < 0) != (b < 0))
}

// DivRound returns a ÷ b, rounded half to even.
func DivRound(a, b int64) (q int64, ok bool) {
	if b == 0 {
		return 0, false
	}
	return signed(roundHalfEven(abs(a), abs(b)), (a < 0) != (b < 0))
}

// DivRound128 returns the two's complement 128-bit number hi:lo ÷ b, rounded
// half to even: the average of a sum that may exceed an int64.
func DivRound128(hi int64, lo uint64, b int64) (q int64, ok bool) {
	neg := hi < 0
	h := uint64(hi)
	if neg {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		h, _ = bits.Sub64(0, h, borrow)
	}
	u, ok := divHalfEven(h, lo, abs(b))
	if !ok {
		return 0, false
	}
	return signed(u, neg != (b < 0))
}

// MulNumber returns a × f, rounded half to even: f counts with its exact
// binary value, so the result is the same on every processor.
func MulNumber(a int64, f float64) (p int64, ok bool) {
	mant, exp, neg, ok := split(f)
	if !ok {
		return 0, false
	}
	hi, lo := bits.Mul64(abs(a), mant)
	if hi|lo == 0 {
		return 0, true
	}
	if exp > 0 {
		if hi != 0 || bits.Len64(lo)+exp > 64 {
			return 0, false
		}
		return signed(lo<<exp, neg != (a < 0))
	}
	u, ok := shiftHalfEven(hi, lo, -exp)
	if !ok {
		return 0, false
	}
	return signed(u, neg != (a < 0))
}

// DivNumber returns a ÷ f, rounded half to even.
func DivNumber(a int64, f float64) (q int64, ok bool) {
	mant, exp, neg, ok := split(f)
	if !ok || mant == 0 {
		return 0, false
	}
	u := abs(a)
	if u == 0 {
		return 0, true
	}
	if exp > 0 {
		if bits.Len64(mant)+exp > 64 {
			return 0, true // the divisor is more than twice any int64, or exactly twice the smallest
		}
		return signed(roundHalfEven(u, mant<<exp), neg != (a < 0))
	}
	if bits.Len64(u)-exp > 128 {
		return 0, false // at least 2^127 / 2^53
	}
	hi, lo := shiftLeft(u, -exp)
	v, ok := divHalfEven(hi, lo, mant)
	if !ok {
		return 0, false
	}
	return signed(v, neg != (a < 0))
}

// split takes a finite float apart into mant × 2^exp with an odd mantissa (or 0).
func split(f float64) (mant uint64, exp int, neg, ok bool) {
	b := math.Float64bits(f)
	e := int(b >> 52 & 0x7ff)
	mant = b & (1<<52 - 1)
	switch e {
	case 0x7ff:
		return 0, 0, false, false
	case 0:
		e = 1
	default:
		mant |= 1 << 52
	}
	if mant == 0 {
		return 0, 0, false, true
	}
	z := bits.TrailingZeros64(mant)
	return mant >> z, e - 1075 + z, b>>63 == 1, true
}

func shiftLeft(u uint64, n int) (hi, lo uint64) {
	if n >= 64 {
		return u << (n - 64), 0
	}
	return u >> (64 - n), u << n
}

// shiftHalfEven returns hi:lo >> n, rounded half to even.
func shiftHalfEven(hi, lo uint64, n int) (uint64, bool) {
	if n > 128 {
		return 0, true
	}
	if n == 0 {
		return lo, hi == 0
	}
	var q, half, below uint64 // the result, the first bit cut off, the bits under it
	switch {
	case n > 64:
		half = hi >> (n - 65) & 1
		below = hi&(1<<(n-65)-1) | lo
		if n < 128 {
			q = hi >> (n - 64)
		}
	case n == 64:
		q, half, below = hi, lo>>63, lo&(1<<63-1)
	default:
		if hi>>n != 0 {
			return 0, false
		}
		q = hi<<(64-n) | lo>>n
		half, below = lo>>(n-1)&1, lo&(1<<(n-1)-1)
	}
	if half == 1 && (below != 0 || q&1 == 1) {
		q++
		return q, q != 0
	}
	return q, true
}

func divHalfEven(hi, lo, by uint64) (uint64, bool) {
	if hi >= by {
		return 0, false
	}
	q, r := bits.Div64(hi, lo, by)
	if r > by-r || r == by-r && q&1 == 1 {
		q++
		return q, q != 0
	}
	return q, true
}

func signed(u uint64, neg bool) (int64, bool) {
	if neg {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}
