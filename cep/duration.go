package cep

import (
	"errors"
	"math"
	"strconv"
)

// ErrDuration tells that text is not a duration.
var ErrDuration = errors.New("not a duration")

// Lengths of the duration units, ns. A day is 24 hours, whatever the zone.
const (
	Microsecond int64 = 1_000
	Millisecond       = 1_000 * Microsecond
	Second            = 1_000 * Millisecond
	Minute            = 60 * Second
	Hour              = 60 * Minute
	Day               = 24 * Hour
	Week              = 7 * Day
)

// ParseDuration reads the rule language's durations, "1h30m", "7d", "250ms",
// with "us" and "ns" too and an optional minus in front; it returns
// nanoseconds. What does not fit (beyond ±292 years) is ErrRange.
func ParseDuration(s string) (int64, error) {
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	if s == "" {
		return 0, ErrDuration
	}
	var sum uint64
	for i := 0; i < len(s); {
		start := i
		var n uint64
		for i < len(s) && s[i]-'0' <= 9 {
			if n > math.MaxInt64/10 {
				return 0, ErrRange
			}
			n = n*10 + uint64(s[i]-'0')
			i++
		}
		unit, next := durationUnit(s, i)
		if i == start || unit == 0 {
			return 0, ErrDuration
		}
		i = next
		if n > math.MaxInt64/uint64(unit) || sum+n*uint64(unit) > math.MaxInt64 {
			return 0, ErrRange
		}
		sum += n * uint64(unit)
	}
	if neg {
		return -int64(sum), nil
	}
	return int64(sum), nil
}

// durationUnit returns the length of the unit at s[i] (0 if there is none)
// and the index behind it.
func durationUnit(s string, i int) (int64, int) {
	if i+1 < len(s) && s[i+1] == 's' {
		switch s[i] {
		case 'm':
			return Millisecond, i + 2
		case 'u':
			return Microsecond, i + 2
		case 'n':
			return 1, i + 2
		}
	}
	if i < len(s) {
		switch s[i] {
		case 's':
			return Second, i + 1
		case 'm':
			return Minute, i + 1
		case 'h':
			return Hour, i + 1
		case 'd':
			return Day, i + 1
		case 'w':
			return Week, i + 1
		}
	}
	return 0, i
}

var durationUnits = [...]struct {
	ns   uint64
	name string
}{
	{uint64(Day), "d"}, {uint64(Hour), "h"}, {uint64(Minute), "m"}, {uint64(Second), "s"},
	{uint64(Millisecond), "ms"}, {uint64(Microsecond), "us"}, {1, "ns"},
}

// AppendDuration writes a duration exactly, in days down to nanoseconds:
// "1h30m", "7d", "1s250ms", "0s".
func AppendDuration(dst []byte, ns int64) []byte {
	if ns == 0 {
		return append(dst, "0s"...)
	}
	if ns < 0 {
		dst = append(dst, '-')
	}
	rest := abs(ns)
	for _, u := range durationUnits {
		if n := rest / u.ns; n > 0 {
			dst = append(strconv.AppendUint(dst, n, 10), u.name...)
			rest %= u.ns
		}
	}
	return dst
}
