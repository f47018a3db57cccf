package xmath

import "math"

// ln 2 in two parts: the first has its low 20 bits zero, so that its product
// with an exponent is exact.
const (
	ln2Hi = 0x1.62e42feep-1
	ln2Lo = 0x1.a39ef35793c76p-33
)

// Exp returns e to the power of x: +Inf above 709.78, 0 below -745.13.
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.1332191019412:
		return 0
	}
	k := math.RoundToEven(float64(x * math.Log2E))
	r := (x - float64(k*ln2Hi)) - float64(k*ln2Lo)
	// Taylor's series on |r| ≤ ln2/2: the term after the last is below 2^-57.
	p := expCoeff[0]
	for _, c := range expCoeff[1:] {
		p = float64(p*r) + c
	}
	y := 1 + (r + float64(float64(r*r)*p))
	return math.Ldexp(y, int(k))
}

// expCoeff is 1/n! for n = 14 down to 2.
var expCoeff = [...]float64{1. / 87178291200, 1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800,
	1. / 362880, 1. / 40320, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2}

// Log returns the natural logarithm: -Inf of 0, NaN below.
func Log(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	// log(1+f) = f - (f²/2 - s(f²/2 + R)) with s = f/(2+f) and R the rest of
	// the series of atanh: it loses nothing where f is small.
	f := m - 1
	k := float64(e)
	s := f / (2 + f)
	z := float64(s * s)
	r := logCoeff[0]
	for _, c := range logCoeff[1:] {
		r = float64(r*z) + c
	}
	r = float64(r * z)
	half := float64(0.5 * float64(f*f))
	return float64(k*ln2Hi) - ((half - (float64(s*(half+r)) + float64(k*ln2Lo))) - f)
}

// logCoeff is 2/(2n+1) for n = 12 down to 1; |s| is at most 3 - 2√2.
var logCoeff = [...]float64{2. / 25, 2. / 23, 2. / 21, 2. / 19, 2. / 17, 2. / 15, 2. / 13, 2. / 11, 2. / 9, 2. / 7, 2. / 5, 2. / 3}
