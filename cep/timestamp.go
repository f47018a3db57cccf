package cep

import (
	"errors"
	"time"
)

// ErrTime tells that text is not a timestamp of the declared format.
var ErrTime = errors.New("not a timestamp")

// Timestamp formats of a Field beside RFC 3339 ("") and Go layouts.
const (
	UnixSeconds = "unix_s"
	UnixMillis  = "unix_ms"
)

// The years that an int64 of nanoseconds covers without its last partial ones.
const (
	minYear = 1678
	maxYear = 2261
)

// ParseTime reads a timestamp as nanoseconds since the epoch. Format is ""
// (RFC 3339), UnixSeconds, UnixMillis (numbers, fractions allowed) or a Go
// layout. Text without a zone is in zone. What is finer than a nanosecond is
// cut off; years outside 1678..2261 are ErrRange.
func ParseTime(s, format string, zone *time.Location) (int64, error) {
	switch format {
	case "":
		return parseRFC3339(s, zone)
	case UnixSeconds, UnixMillis:
		d, ok := ParseDecimal(s)
		if !ok {
			return 0, ErrTime
		}
		return d.Unix(format)
	}
	t, err := time.ParseInLocation(format, s, zone)
	if err != nil {
		return 0, ErrTime
	}
	// An abbreviation that its zone does not know is read as offset 0 by package
	// time, hours away from what was meant.
	if name, offset := t.Zone(); offset == 0 && t.Location() != zone && name != "UTC" && name != "GMT" && name != "" {
		return 0, ErrTime
	}
	return unixNano(t)
}

// Unix returns the time that the number stands for in UnixSeconds or UnixMillis.
func (d Decimal) Unix(format string) (int64, error) {
	if format == UnixMillis {
		return d.Floor(6)
	}
	return d.Floor(9)
}

func unixNano(t time.Time) (int64, error) {
	if y := t.Year(); y < minYear || y > maxYear {
		return 0, ErrRange
	}
	return t.UnixNano(), nil
}

// parseRFC3339 reads "2026-01-31T10:00:00[.fraction][Z|±hh:mm]"; a blank may
// stand for the T. It allocates nothing.
func parseRFC3339(s string, zone *time.Location) (int64, error) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' && s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return 0, ErrTime
	}
	year := digits2(s, 0)*100 + digits2(s, 2)
	month, day := digits2(s, 5), digits2(s, 8)
	hour, minute, second := digits2(s, 11), digits2(s, 14), digits2(s, 17)
	if year|month|day|hour|minute|second < 0 || // digits2 is negative where there are no digits
		month-1 > 11 || month == 0 || day == 0 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, ErrTime
	}
	if year < minYear || year > maxYear {
		return 0, ErrRange
	}
	i := 19
	var frac int64
	if i < len(s) && s[i] == '.' {
		i++
		start := i
		for scale := int64(100_000_000); i < len(s) && s[i]-'0' <= 9; i++ {
			frac += int64(s[i]-'0') * scale
			scale /= 10
		}
		if i == start {
			return 0, ErrTime
		}
	}
	if i == len(s) && zone != nil && zone != time.UTC {
		t := time.Date(year, time.Month(month), day, hour, minute, second, int(frac), zone)
		return t.UnixNano(), nil
	}
	offset, ok := zoneOffset(s, i)
	if !ok {
		return 0, ErrTime
	}
	secs := daysSinceEpoch(year, month, day)*86_400 + int64(hour*3600+minute*60+second) - offset
	return secs*Second + frac, nil
}

// zoneOffset reads what stands behind the seconds: nothing (UTC), Z or ±hh:mm.
func zoneOffset(s string, i int) (seconds int64, ok bool) {
	switch len(s) - i {
	case 0:
		return 0, true
	case 1:
		return 0, s[i]|0x20 == 'z'
	case 6:
		h, m := digits2(s, i+1), digits2(s, i+4)
		if s[i+3] != ':' || s[i] != '+' && s[i] != '-' || h|m < 0 || h > 23 || m > 59 {
			return 0, false
		}
		seconds = int64(h*3600 + m*60)
		if s[i] == '-' {
			seconds = -seconds
		}
		return seconds, true
	}
	return 0, false
}

func digits2(s string, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1 << 20
	}
	return int(a)*10 + int(b)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts days of the Gregorian calendar from 1970-01-01
// (Hinnant, "chrono-Compatible Low-Level Date Algorithms": the year begins in
// March, so that the leap day is its last).
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era, yoe := year/400, year%400
	doy := (153*(month-3)+2)/5 + day - 1
	return int64(era*146_097 + yoe*365 + yoe/4 - yoe/100 + doy - 719_468)
}

// AppendTime writes a time as RFC 3339 in UTC with no, 3, 6 or 9 decimals, the
// fewest that hold it.
func AppendTime(dst []byte, ns int64) []byte {
	secs, frac := floorDiv(ns, Second)
	t := time.Unix(secs, 0).UTC()
	dst = appendClock(append(appendDate(dst, t), 'T'), t)
	for step, unit := 0, int64(100_000_000); frac > 0 || step%3 != 0; step++ {
		if step == 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, byte('0'+frac/unit))
		frac %= unit
		unit /= 10
	}
	return append(dst, 'Z')
}

func appendDate(dst []byte, t time.Time) []byte {
	y, m, d := t.Date()
	dst = append2(append2(dst, y/100), y%100)
	dst = append2(append(dst, '-'), int(m))
	return append2(append(dst, '-'), d)
}

func appendClock(dst []byte, t time.Time) []byte {
	h, m, s := t.Clock()
	dst = append2(append(append2(dst, h), ':'), m)
	return append2(append(dst, ':'), s)
}

func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}
