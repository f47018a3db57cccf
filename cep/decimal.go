package cep

import (
	"errors"
	"math"
	"strconv"
	"unsafe"
)

// Errors of reading decimal text.
var (
	ErrNumber   = errors.New("not a number")
	ErrRange    = errors.New("out of range")
	ErrDecimals = errors.New("too many decimals")
)

// Decimal is a number as it is written: ±Mant × 10^Exp. Money, times and ints
// are taken from it without passing through a float.
type Decimal struct {
	Mant     uint64
	Exp      int32
	Decimals int32 // decimals as written, exponent counted in: "1.50" has 2, "15e-1" has 1, "1e2" has none
	Neg      bool
	Big      bool // more than 19 significant digits: Mant has the first 19 and Exp allows for the rest
	Lost     bool // Big, and one of the digits left out is not 0
}

// ScanDecimal reads a number of JSON's grammar (no leading zeros, no "+", no
// "1.") that starts at b[i]. It returns the index behind it, or ok = false if
// what stands there is not a number. Exponents beyond ±1,000,000 are clamped:
// no type of ours can tell them apart.
func ScanDecimal(b []byte, i int) (d Decimal, end int, ok bool) {
	if i < len(b) && b[i] == '-' {
		d.Neg = true
		i++
	}
	start := i
	var m uint64
	for i < len(b) && b[i]-'0' <= 9 {
		m = m*10 + uint64(b[i]-'0')
		i++
	}
	n := i - start
	if n == 0 || b[start] == '0' && n > 1 {
		return d, i, false
	}
	frac := 0
	if i < len(b) && b[i] == '.' {
		i++
		f := i
		for i < len(b) && b[i]-'0' <= 9 {
			m = m*10 + uint64(b[i]-'0')
			i++
		}
		frac = i - f
		if frac == 0 {
			return d, i, false
		}
	}
	if n+frac > 19 {
		m = d.long(b[start:i])
	}
	d.Mant = m
	d.Exp -= int32(frac)
	d.Decimals = int32(frac)
	if i < len(b) && b[i]|0x20 == 'e' {
		e, j, ok := scanExponent(b, i+1)
		if !ok {
			return d, j, false
		}
		i = j
		d.Exp += e
		d.Decimals = max(0, d.Decimals-e)
	}
	return d, i, true
}

// long reads the digits of a number that may not fit: it keeps the first 19
// significant ones and counts the others into Exp.
func (d *Decimal) long(digits []byte) uint64 {
	var m uint64
	kept := 0
	for _, c := range digits {
		switch {
		case c == '.':
		case kept == 0 && c == '0':
		case kept < 19:
			m = m*10 + uint64(c-'0')
			kept++
		default:
			d.Big = true
			d.Lost = d.Lost || c != '0'
			d.Exp++
		}
	}
	return m
}

func scanExponent(b []byte, i int) (e int32, end int, ok bool) {
	neg := false
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		neg = b[i] == '-'
		i++
	}
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		if e < 1_000_000 {
			e = e*10 + int32(b[i]-'0')
		}
		i++
	}
	e = min(e, 1_000_000)
	if neg {
		e = -e
	}
	return e, i, i > start
}

// ParseDecimal reads text that is one number and nothing else.
func ParseDecimal(s string) (Decimal, bool) {
	d, end, ok := ScanDecimal(unsafe.Slice(unsafe.StringData(s), len(s)), 0)
	return d, ok && end == len(s)
}

// Scaled returns the number as a count of 10^-digits, exactly. ErrDecimals
// tells that it is finer than that, ErrRange that the count does not fit.
func (d Decimal) Scaled(digits int) (int64, error) {
	v, rest, err := d.scaled(digits)
	if err == nil && rest {
		return 0, ErrDecimals
	}
	return v, err
}

// Floor is Scaled with what is finer cut off, towards zero.
func (d Decimal) Floor(digits int) (int64, error) {
	v, _, err := d.scaled(digits)
	return v, err
}

func (d Decimal) scaled(digits int) (v int64, rest bool, err error) {
	m, e := d.Mant, int(d.Exp)+digits
	rest = d.Lost
	for ; e < 0 && m != 0; e++ {
		rest = rest || m%10 != 0
		m /= 10
	}
	for ; e > 0 && m != 0; e-- {
		if m > math.MaxInt64/10 {
			return 0, rest, ErrRange
		}
		m *= 10
	}
	if d.Neg {
		if m > 1<<63 {
			return 0, rest, ErrRange
		}
		return -int64(m), rest, nil
	}
	if m > math.MaxInt64 {
		return 0, rest, ErrRange
	}
	return int64(m), rest, nil
}

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// Float returns the nearest float64 of the number whose text is text; ok is
// false if it overflows. A mantissa below 2^53 with a small power of ten needs
// one correctly rounded operation (Clinger); the others go to strconv. Zero
// has no sign.
func (d Decimal) Float(text string) (f float64, ok bool) {
	if d.Mant == 0 && !d.Lost {
		return 0, true
	}
	if d.Mant < 1<<53 && !d.Big && d.Exp >= -22 && d.Exp <= 22 {
		f = float64(d.Mant)
		if d.Exp < 0 {
			f /= pow10[-d.Exp]
		} else {
			f *= pow10[d.Exp]
		}
		if d.Neg {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	if f == 0 {
		return 0, true // an underflow may have been to -0
	}
	return f, true
}
