package cep

import (
	"math"
	"unicode/utf8"
)

// AppendJSON writes a value as alerts carry it: bools, ints and numbers as
// such, a point as {"lat":…,"lon":…}, a list as an array, every other kind as
// the string that AppendText gives; null if it is missing.
func (v Value) AppendJSON(dst []byte) []byte {
	if v.Missing {
		return append(dst, "null"...)
	}
	switch v.Type.Kind {
	case KindString:
		return AppendJSONString(dst, v.Text)
	case KindBool, KindInt:
		return v.appendPlain(dst)
	case KindNumber:
		return appendJSONNumber(dst, Number(v.Word))
	case KindPoint:
		lat, lon := v.Wide.Point()
		dst = AppendNumber(append(dst, `{"lat":`...), lat)
		dst = AppendNumber(append(dst, `,"lon":`...), lon)
		return append(dst, '}')
	case KindList:
		dst = append(dst, '[')
		for i, e := range v.List {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.AppendJSON(dst)
		}
		return append(dst, ']')
	case KindEnum:
		return AppendJSONString(dst, v.Type.Enum.Words[v.Word])
	}
	return append(v.appendPlain(append(dst, '"')), '"')
}

// appendJSONNumber keeps a line of alerts readable should a number ever be
// none: rules have no NaN and no infinity.
func appendJSONNumber(dst []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	return AppendNumber(dst, f)
}

const hexDigits = "0123456789abcdef"

// AppendJSONString writes a JSON string. Bytes that are not UTF-8 become
// U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[done:i]...)
		dst = appendEscape(dst, c)
		i++
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if c >= utf8.RuneSelf {
		return append(dst, `\ufffd`...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
