package xmath

import "math"

// Pow returns x to the power of y, as the standard library does in the special
// cases: NaN for a negative x with a y that is no integer, ±Inf for 0 to a
// negative power.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y || math.IsInf(x, 0) || math.IsInf(y, 0) || x == 0:
		return math.Pow(x, y) // no arithmetic in these
	}
	sign := 1.0
	if x < 0 {
		if y != math.Trunc(y) {
			return math.NaN()
		}
		if isOdd(y) {
			sign = -1
		}
		x = -x
		if x == 1 {
			return sign
		}
	}
	l := logTwice(x)
	switch p := float64(l.hi * y); {
	case p > 710:
		return sign * math.Inf(1)
	case p < -746:
		return sign * 0
	}
	e, k := expTwice(l.times(twice{y, 0}))
	return math.Ldexp(sign*(e.hi+e.lo), k)
}

func isOdd(y float64) bool {
	if math.Abs(y) >= 1<<53 {
		return false
	}
	return int64(y)&1 == 1
}

// twice is a number of twice the precision: hi + lo, |lo| at most half a unit
// of hi's last place (Dekker, "A floating-point technique for extending the
// available precision", 1971).
type twice struct{ hi, lo float64 }

// sum returns a + b exactly.
func sum(a, b float64) twice {
	s := a + b
	t := s - a
	return twice{s, (a - (s - t)) + (b - t)}
}

// product returns a × b exactly, unless the parts overflow.
func product(a, b float64) twice {
	p := float64(a * b)
	ah, al := halves(a)
	bh, bl := halves(b)
	return twice{p, float64(al*bl) - (((p - float64(ah*bh)) - float64(al*bh)) - float64(ah*bl))}
}

// halves splits a number into two of 26 bits.
func halves(a float64) (hi, lo float64) {
	c := float64(a * (1<<27 + 1))
	hi = c - (c - a)
	return hi, a - hi
}

func (a twice) plus(b twice) twice {
	s, t := sum(a.hi, b.hi), sum(a.lo, b.lo)
	s = sum(s.hi, s.lo+t.hi)
	return sum(s.hi, s.lo+t.lo)
}

func (a twice) times(b twice) twice {
	p := product(a.hi, b.hi)
	return sum(p.hi, p.lo+(float64(a.hi*b.lo)+float64(a.lo*b.hi)))
}

// ln2Parts add up to ln 2 with an error below 2^-118.
var ln2Parts = [3]float64{ln2Hi, 0x1.a39ef357p-33, 0x1.278ece600fcbep-66}

// expTwice returns e to the power of x as m × 2^k.
func expTwice(x twice) (m twice, k int) {
	n := math.RoundToEven(float64(x.hi * math.Log2E))
	r := x
	for _, part := range ln2Parts {
		r = r.plus(product(-n, part))
	}
	p := factorials[0]
	for _, c := range factorials[1:] {
		p = p.times(r).plus(c)
	}
	return p, int(n)
}

// factorials is 1/n! for n = 22 down to 0.
var factorials = func() (f [23]twice) {
	one := twice{1, 0}
	f[22] = one
	for n := 1; n <= 22; n++ {
		f[22-n] = f[23-n].over(float64(n))
	}
	return f
}()

func (a twice) over(d float64) twice {
	q := a.hi / d
	p := product(q, d)
	r := ((a.hi - p.hi) - p.lo) + a.lo
	return sum(q, r/d)
}

// logTwice returns the natural logarithm of x > 0.
func logTwice(x float64) twice {
	if f := x - 1; math.Abs(f) < 0x1p-20 {
		// The series itself, for the correction below is absolute.
		s := twice{1, 0}.over(6)
		for n := 5; n >= 1; n-- {
			s = twice{1, 0}.over(float64(n)).plus(s.times(twice{-f, 0}))
		}
		return s.times(twice{f, 0})
	}
	// Newton: log x = y + log(x e^-y) for any y near it.
	m, e := math.Frexp(x)
	y := Log(x)
	p, k := expTwice(twice{-y, 0})
	p = p.times(twice{m, 0})
	scale := math.Ldexp(1, e+k)
	d := sum(p.hi*scale-1, p.lo*scale)
	return sum(y, 0).plus(twice{d.hi, d.lo - float64(0.5*float64(d.hi*d.hi))})
}
