package decode

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
)

// The JSON scanner: strict RFC 8259 over UTF-8, in the values that nobody reads
// too. An escaped lone surrogate, on which the RFC is silent, reads as U+FFFD,
// as in encoding/json.

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// stringEnd returns the first quote, backslash or control character at or
// behind i, len(b) if there is none, and whether a byte before it is not
// ASCII. It looks at eight bytes at a time: (x-ones)&^x&tops marks the bytes
// of x that are zero; a borrow can only mark bytes above a marked one, and the
// lowest is taken.
func stringEnd(b []byte, i int) (end int, wide bool) {
	var seen uint64
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		m := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & tops
		if m != 0 {
			n := bits.TrailingZeros64(m) &^ 7
			seen |= w & (1<<n - 1)
			return i + n>>3, seen&tops != 0
		}
		seen |= w
		i += 8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		seen |= uint64(b[i])
		i++
	}
	return i, seen&tops != 0
}

// str checks the string that begins behind the quote before i and returns the
// index of its closing quote, -1 after a failure.
func (d *Decoder) str(b []byte, i int) (end int, escaped bool) {
	start := i
	j, wide := stringEnd(b, i)
	for j < len(b) && b[j] == '\\' {
		escaped = true
		if j = d.escape(b, j); j < 0 {
			return -1, true
		}
		var w bool
		j, w = stringEnd(b, j)
		wide = wide || w
	}
	if j >= len(b) {
		return d.bad(BadJSON, start-1, "a string is not closed"), escaped
	}
	if b[j] != '"' {
		return d.bad(BadJSON, j, "a control character in a string"), escaped
	}
	if wide && !utf8.Valid(b[start:j]) {
		return d.bad(BadUTF8, start-1, "a string is not UTF-8"), escaped
	}
	return j, escaped
}

// escape checks the escape at b[i] and returns the index behind it.
func (d *Decoder) escape(b []byte, i int) int {
	if i+1 < len(b) {
		switch b[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			return i + 2
		case 'u':
			if _, ok := hex4(b, i+2); ok {
				return i + 6
			}
		}
	}
	return d.bad(BadJSON, i, "an unknown escape in a string")
}

func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20-'a' <= 5:
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// unescape appends the text of a string that str has accepted.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			j, _ := stringEnd(s, i)
			dst = append(dst, s[i:j]...)
			i = j
			continue
		}
		c := s[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r, _ := hex4(s, i)
			i += 4
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if i+6 <= len(s) && s[i] == '\\' && s[i+1] == 'u' {
					low, _ = hex4(s, i+2)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// blanks returns the first index at or behind i without white space.
func blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skip checks the value at b[i] that nobody reads and returns the index behind it.
func (d *Decoder) skip(b []byte, i, depth int) int {
	if i >= len(b) {
		return d.bad(BadJSON, i, "the record ends where a value is expected")
	}
	switch c := b[i]; {
	case c == '"':
		j, _ := d.str(b, i+1)
		if j < 0 {
			return -1
		}
		return j + 1
	case c == '{' || c == '[':
		return d.skipInside(b, i, depth)
	case c == '-' || c-'0' <= 9:
		_, j, ok := cep.ScanDecimal(b, i)
		if !ok {
			return d.bad(BadJSON, i, "not a number")
		}
		return j
	}
	_, j := d.literal(b, i)
	return j
}

// skipInside checks an object or array and returns the index behind it.
func (d *Decoder) skipInside(b []byte, i, depth int) int {
	if depth >= MaxDepth {
		return d.bad(TooDeep, i, "")
	}
	object := b[i] == '{'
	i = blanks(b, i+1)
	if i < len(b) && (object && b[i] == '}' || !object && b[i] == ']') {
		return i + 1
	}
	for {
		if object {
			if i = d.skipKey(b, i); i < 0 {
				return -1
			}
		}
		if i = d.skip(b, i, depth+1); i < 0 {
			return -1
		}
		i = blanks(b, i)
		if i < len(b) {
			switch b[i] {
			case ',':
				i = blanks(b, i+1)
				continue
			case '}':
				if object {
					return i + 1
				}
			case ']':
				if !object {
					return i + 1
				}
			}
		}
		if object {
			return d.bad(BadJSON, i, `"," or "}" expected`)
		}
		return d.bad(BadJSON, i, `"," or "]" expected`)
	}
}

// skipKey checks a key and its colon and returns the index of its value.
func (d *Decoder) skipKey(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return d.bad(BadJSON, i, "a key in quotes expected")
	}
	if i, _ = d.str(b, i+1); i < 0 {
		return -1
	}
	return d.colon(b, i+1)
}

// colon steps over the colon behind a key and the blanks around it.
func (d *Decoder) colon(b []byte, i int) int {
	if i >= len(b) || b[i] != ':' {
		i = blanks(b, i)
		if i >= len(b) || b[i] != ':' {
			return d.bad(BadJSON, i, `":" expected`)
		}
	}
	i++
	if i < len(b) && b[i] <= ' ' {
		i = blanks(b, i)
	}
	return i
}

// literal reads true, false or null.
func (d *Decoder) literal(b []byte, i int) (kind, int) {
	rest := b[i:]
	switch {
	case len(rest) >= 4 && string(rest[:4]) == "true":
		return isTrue, i + 4
	case len(rest) >= 5 && string(rest[:5]) == "false":
		return isFalse, i + 5
	case len(rest) >= 4 && string(rest[:4]) == "null":
		return isNull, i + 4
	}
	return isNone, d.bad(BadJSON, i, "a value expected")
}
