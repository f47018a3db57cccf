package cep

import (
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"
)

// Errors of reading an ip or a point.
var (
	ErrIP    = errors.New("not an ip address")
	ErrPoint = errors.New("not a point")
)

// ParseIP reads an address. A v4-mapped v6 address is the v4 one; an address
// with a zone ("fe80::1%eth0") is refused, for it means something on one
// machine only.
func ParseIP(s string) (Wide, error) {
	if v4, ok := parseV4(s); ok {
		return Wide{0, 0xffff<<32 | uint64(v4)}, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return Wide{}, ErrIP
	}
	return WideIP(a), nil
}

// parseV4 reads the usual form of most addresses; what it does not take may be
// another.
func parseV4(s string) (v4 uint32, ok bool) {
	if len(s) < 7 || len(s) > 15 {
		return 0, false
	}
	var part uint32
	digits, dots := 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if digits == 0 || dots == 3 {
				return 0, false
			}
			v4 = v4<<8 | part
			part, digits = 0, 0
			dots++
			continue
		}
		if c-'0' > 9 || digits > 0 && part == 0 {
			return 0, false
		}
		part = part*10 + uint32(c-'0')
		if digits++; part > 255 {
			return 0, false
		}
	}
	return v4<<8 | part, dots == 3 && digits > 0
}

// WideIP packs an address: the halves of its 16-byte form, where a v4 address
// is ::ffff:a.b.c.d.
func WideIP(a netip.Addr) Wide {
	b := a.As16()
	return Wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// IP unpacks an address; it is a v4 one where it can be.
func (w Wide) IP() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], w[0])
	binary.BigEndian.PutUint64(b[8:], w[1])
	return netip.AddrFrom16(b).Unmap()
}

// WidePoint packs a place, in degrees; ok is false outside ±90 and ±180.
func WidePoint(lat, lon float64) (w Wide, ok bool) {
	if !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return Wide{}, false
	}
	return Wide{math.Float64bits(lat), math.Float64bits(lon)}, true
}

// Point unpacks a place, in degrees.
func (w Wide) Point() (lat, lon float64) {
	return math.Float64frombits(w[0]), math.Float64frombits(w[1])
}

// ParsePoint reads "lat,lon" in degrees; blanks may follow the comma.
func ParsePoint(s string) (Wide, error) {
	a, b, ok := strings.Cut(s, ",")
	if !ok {
		return Wide{}, ErrPoint
	}
	lat, ok1 := ParseNumber(a)
	lon, ok2 := ParseNumber(strings.TrimLeft(b, " "))
	w, ok3 := WidePoint(lat, lon)
	if !ok1 || !ok2 || !ok3 {
		return Wide{}, ErrPoint
	}
	return w, nil
}

func appendPoint(dst []byte, w Wide) []byte {
	lat, lon := w.Point()
	return AppendNumber(append(AppendNumber(dst, lat), ','), lon)
}

// ParseNumber reads text that is one number of JSON's grammar; ok is false if
// it is not, or if it overflows a float64.
func ParseNumber(s string) (f float64, ok bool) {
	d, ok := ParseDecimal(s)
	if !ok {
		return 0, false
	}
	return d.Float(s)
}

// AppendNumber writes a number in the shortest form that reads back as the
// same; very large and very small ones with an exponent, as JSON writers do.
// Zero has no sign.
func AppendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	if a := math.Abs(f); a >= 1e21 || a < 1e-6 {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}
