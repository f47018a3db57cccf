package xmath

import "math"

// π/2 in three parts, the first two with so many low bits zero that their
// products with a quadrant below 2^20 are exact (Cody and Waite).
const (
	halfPi1 = 0x1.921fb544p+0
	halfPi2 = 0x1.0b4611a6p-34
	halfPi3 = 0x1.3198a2e037073p-69
)

// Sin and Cos return the sine and cosine of x radians, |x| < 2^20. Beyond, and
// of infinities, they are NaN: the language has no use for such angles.
func Sin(x float64) float64 { return sinFrom(x, 0) }
func Cos(x float64) float64 { return sinFrom(x, 1) }

// sinFrom returns sin(x + quadrant × π/2).
func sinFrom(x float64, quadrant int) float64 {
	if !(math.Abs(x) < 1<<20) {
		return math.NaN()
	}
	k := math.RoundToEven(float64(x * (2 / math.Pi)))
	a := x - float64(k*halfPi1)
	b := sum(a, -float64(k*halfPi2))
	r := sum(b.hi, b.lo-float64(k*halfPi3))
	quadrant += int(k)
	y := 0.0
	if quadrant&1 == 0 {
		y = sinNear(r)
	} else {
		y = cosNear(r)
	}
	if quadrant&2 != 0 {
		y = -y
	}
	return y
}

// sinNear and cosNear are Taylor's series on |r| ≤ π/4.
func sinNear(r twice) float64 {
	z := float64(r.hi * r.hi)
	p := sinCoeff[0]
	for _, c := range sinCoeff[1:] {
		p = float64(p*z) + c
	}
	// sin(hi+lo) = sin hi + lo cos hi
	return r.hi + (float64(float64(r.hi*z)*p) + float64(r.lo*(1-float64(0.5*z))))
}

func cosNear(r twice) float64 {
	z := float64(r.hi * r.hi)
	p := cosCoeff[0]
	for _, c := range cosCoeff[1:] {
		p = float64(p*z) + c
	}
	half := float64(0.5 * z)
	w := 1 - half
	return w + (((1 - w) - half) + (float64(float64(z*z)*p) - float64(r.hi*r.lo)))
}

// sinCoeff is (-1)^n/(2n+1)! for n = 9 down to 1, cosCoeff (-1)^n/(2n)! for
// n = 10 down to 2.
var (
	sinCoeff = [...]float64{-1. / 121645100408832000, 1. / 355687428096000, -1. / 1307674368000, 1. / 6227020800,
		-1. / 39916800, 1. / 362880, -1. / 5040, 1. / 120, -1. / 6}
	cosCoeff = [...]float64{1. / 2432902008176640000, -1. / 6402373705728000, 1. / 20922789888000, -1. / 87178291200,
		1. / 479001600, -1. / 3628800, 1. / 40320, -1. / 720, 1. / 24}
)

// Asin returns the arc sine in radians, NaN outside ±1.
func Asin(x float64) float64 {
	switch a := math.Abs(x); {
	case !(a <= 1):
		return math.NaN()
	case a > 0.5:
		y := float64(2 * asinNear(math.Sqrt(float64(0.5*(1-a)))))
		return math.Copysign(halfPi1-((y-halfPi2)-halfPi3), x)
	}
	return asinNear(x)
}

// asinNear starts from the series of |x| ≤ ½ and corrects it twice by Newton's
// method, with the slope at the true value, which is known: cos(asin x).
func asinNear(x float64) float64 {
	if math.Abs(x) < 0x1p-27 {
		return x
	}
	z := float64(x * x)
	y := x + float64(float64(x*z)*(1./6+float64(z*(3./40+float64(z*(15./336))))))
	slope := math.Sqrt(1 - z)
	for range 2 {
		y += (x - Sin(y)) / slope
	}
	return y
}
