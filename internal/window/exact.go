package window

import (
	"math"
	"math/bits"

	"github.com/weir-cep/weir/internal/slab"
)

// Sums of numbers are kept exactly: as a fixed-point integer wide enough for
// every bit that was added, so that taking a value out again leaves no trace
// and nothing drifts, however long a window slides. It is the superaccumulator
// of Kulisch, of which only the limbs in use are kept (two or three for
// everyday data; at most 70, for values from one end of float64 to the other).
//
// The header is one word of the root: handle<<32 | lo<<8 | n. The slot holds n
// limbs, two's complement, least significant first; limb i of the slot counts
// in units of 2^(64*(lo+i) - exactBias). n 0 is zero.
const exactBias = 34 * 64 // the square of the least float64 is 2^-2148

// maxLimbs is the most limbs a sum can need.
const maxLimbs = 72

// addExact adds ±(hi, lo) * 2^exp to the sum under p.
func addExact(mem *slab.Arena, p *uint64, neg bool, hi, lo uint64, exp int) {
	if hi|lo == 0 {
		return
	}
	pos := exp + exactBias
	q, sh := pos>>6, uint(pos&63)
	x := [3]uint64{lo << sh, lo>>(64-sh) | hi<<sh, hi >> (64 - sh)}
	// One limb of headroom above keeps 2^63 additions from overflowing.
	l := limbsFor(mem, p, q, q+4)
	l = l[q-int(*p>>8&0xff):]
	var c uint64
	if neg {
		for i := range l {
			var v uint64
			if i < 3 {
				v = x[i]
			} else if c == 0 {
				break
			}
			l[i], c = bits.Sub64(l[i], v, c)
		}
		return
	}
	for i := range l {
		var v uint64
		if i < 3 {
			v = x[i]
		} else if c == 0 {
			break
		}
		l[i], c = bits.Add64(l[i], v, c)
	}
}

// limbsFor returns the limbs of a sum after widening it to limbs [lo, hi).
func limbsFor(mem *slab.Arena, p *uint64, lo, hi int) []uint64 {
	h, have, n := slab.Handle(*p>>32), int(*p>>8&0xff), int(*p&0xff)
	if n > 0 && lo >= have && hi <= have+n {
		mem.Touch(h)
		return mem.Words(h)[:n]
	}
	if n == 0 {
		have = lo
	}
	newLo, newHi := min(lo, have), max(hi, have+n)
	h = mem.Grow(h, newHi-newLo)
	mem.Touch(h)
	w := mem.Words(h)[:newHi-newLo]
	sign := uint64(0)
	if n > 0 {
		sign = uint64(int64(w[n-1]) >> 63)
	}
	up := have - newLo
	copy(w[up:], w[:n])
	clear(w[:up])
	for i := up + n; i < len(w); i++ {
		w[i] = sign
	}
	*p = uint64(h)<<32 | uint64(newLo)<<8 | uint64(len(w))
	return w
}

// addFloat adds x, or takes it out.
func addFloat(mem *slab.Arena, p *uint64, x float64, out bool) {
	m, e := split(x)
	addExact(mem, p, (x < 0) != out, 0, m, e)
}

// addSquare adds x*x, or takes it out.
func addSquare(mem *slab.Arena, p *uint64, x float64, out bool) {
	m, e := split(x)
	hi, lo := bits.Mul64(m, m)
	addExact(mem, p, out, hi, lo, 2*e)
}

// split returns |x| as m * 2^e.
func split(x float64) (m uint64, e int) {
	b := math.Float64bits(x)
	m, e = b&(1<<52-1), int(b>>52&0x7ff)
	if e == 0 {
		return m, -1074
	}
	return m | 1<<52, e - 1075
}

// resetExact makes the sum zero and gives back its memory.
func resetExact(mem *slab.Arena, p *uint64) {
	mem.Free(slab.Handle(*p >> 32))
	*p = 0
}

// A big is a signed integer of limbs times a power of two: scratch for results.
type big struct {
	neg bool
	mag []uint64
	exp int // of the least significant bit
}

// loadExact copies the sum under p into buf and returns it as a big.
func loadExact(mem *slab.Arena, p uint64, buf []uint64) big {
	n := int(p & 0xff)
	b := big{mag: buf[:n], exp: 64*int(p>>8&0xff) - exactBias}
	if n == 0 {
		return b
	}
	copy(b.mag, mem.Words(slab.Handle(p >> 32))[:n])
	b.normalize()
	return b
}

// normalize turns two's complement limbs into sign and magnitude.
func (b *big) normalize() {
	n := len(b.mag)
	b.neg = n > 0 && int64(b.mag[n-1]) < 0
	if !b.neg {
		return
	}
	c := uint64(1)
	for i := range b.mag {
		b.mag[i], c = bits.Add64(^b.mag[i], 0, c)
	}
}

// round returns the magnitude as m * 2^e with m below 2^53, rounded half to
// even; 0, 0 for zero.
func (b *big) round() (m uint64, e int) {
	top := len(b.mag) - 1
	for top >= 0 && b.mag[top] == 0 {
		top--
	}
	if top < 0 {
		return 0, 0
	}
	z := uint(bits.LeadingZeros64(b.mag[top]))
	m = b.mag[top] << z
	rest := uint64(0)
	if top > 0 {
		m |= b.mag[top-1] >> (64 - z)
		rest = b.mag[top-1] << z
		for _, l := range b.mag[:top-1] {
			rest |= l
		}
	}
	e = b.exp + 64*top - int(z) + 11
	low := m & (1<<11 - 1)
	m >>= 11
	if low > 1<<10 || low == 1<<10 && (rest != 0 || m&1 == 1) {
		m++ // 2^53 is as good a mantissa
	}
	return m, e
}

// float returns the nearest float64, infinite if there is none.
func (b *big) float() float64 {
	m, e := b.round()
	f := math.Ldexp(float64(m), e)
	if b.neg {
		return -f
	}
	return f
}

// variance returns (n*sq - sum*sum) as m * 2^e, exactly but for the rounding
// to 53 bits. buf is scratch of at least 3*maxLimbs words.
func variance(n uint64, sum, sq big, buf []uint64) (m uint64, e int) {
	base := min(2*sum.exp, sq.exp) // the exponents differ by whole limbs
	if len(sum.mag) == 0 {
		base = sq.exp
	}
	atSq := (sq.exp - base) / 64
	atSum := (2*sum.exp - base) / 64
	if len(sum.mag) == 0 {
		atSum = 0
	}
	d := buf[:max(atSq+len(sq.mag)+1, atSum+2*len(sum.mag))+1]
	clear(d)
	// n * sq, which is not negative.
	var carry uint64
	for i, l := range sq.mag {
		hi, lo := bits.Mul64(l, n)
		var c uint64
		d[atSq+i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	d[atSq+len(sq.mag)] = carry
	// Less sum * sum, line by line.
	for i, x := range sum.mag {
		if x == 0 {
			continue
		}
		var carry, borrow uint64
		k := atSum + i
		for _, y := range sum.mag {
			hi, lo := bits.Mul64(x, y)
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			carry = hi + c
			d[k], borrow = bits.Sub64(d[k], lo, borrow)
			k++
		}
		for ; k < len(d) && carry|borrow != 0; k++ {
			d[k], borrow = bits.Sub64(d[k], carry, borrow)
			carry = 0
		}
	}
	v := big{mag: d, exp: base}
	return v.round()
}

// deviation returns sqrt(m * 2^e / (n*(n-1))), the sample standard deviation
// of n values of which m * 2^e is n times the sum of squares less the squared
// sum. Its relative error is below 2^-51.
func deviation(m uint64, e int, n uint64) float64 {
	v := float64(m) / (float64(n) * float64(n-1))
	if e&1 != 0 {
		v *= 2
		e--
	}
	return math.Ldexp(math.Sqrt(v), e/2)
}

// exactDistance returns n*x less the sum under p, in the set's scratch.
func (s *Set) exactDistance(p uint64, n uint64, x float64) big {
	// n*x has at most 117 bits: three limbs wherever it starts.
	m, e := split(x)
	hi, lo := bits.Mul64(m, n)
	pos := e + exactBias
	q, sh := pos>>6, uint(pos&63)
	v := [3]uint64{lo << sh, lo>>(64-sh) | hi<<sh, hi >> (64 - sh)}
	from, to := q, q+4
	have, k := int(p>>8&0xff), int(p&0xff)
	if k > 0 {
		from, to = min(from, have), max(to, have+k+1)
	}
	d := s.scratch[:to-from]
	clear(d)
	copy(d[q-from:], v[:])
	if x < 0 {
		c := uint64(1)
		for i := range d {
			d[i], c = bits.Add64(^d[i], 0, c)
		}
	}
	if k > 0 {
		l := s.mem.Words(slab.Handle(p >> 32))[:k]
		sign := uint64(int64(l[k-1]) >> 63)
		var c uint64
		for i := range d {
			w := uint64(0)
			switch j := i + from - have; {
			case j >= k:
				w = sign
			case j >= 0:
				w = l[j]
			}
			d[i], c = bits.Sub64(d[i], w, c)
		}
	}
	b := big{mag: d, exp: 64*from - exactBias}
	b.normalize()
	return b
}
