package cep

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// MissingText stands for a missing value in messages.
const MissingText = "–"

// AppendText writes a value as messages print it: "5.00 USD", "1h30m",
// "2026-01-31T10:00:00Z", "3.5", "approved", "a, b"; "–" if it is missing.
func (v Value) AppendText(dst []byte) []byte {
	if v.Missing {
		return append(dst, MissingText...)
	}
	switch v.Type.Kind {
	case KindString:
		return append(dst, v.Text...)
	case KindList:
		for i, e := range v.List {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = e.AppendText(dst)
		}
		return dst
	}
	return v.appendPlain(dst)
}

// String returns AppendText's text.
func (v Value) String() string { return string(v.AppendText(nil)) }

// appendPlain writes the kinds whose text needs no quoting or escaping.
func (v Value) appendPlain(dst []byte) []byte {
	switch v.Type.Kind {
	case KindBool:
		return strconv.AppendBool(dst, v.Word != 0)
	case KindInt:
		return strconv.AppendInt(dst, int64(v.Word), 10)
	case KindNumber:
		return AppendNumber(dst, Number(v.Word))
	case KindMoney:
		return AppendMoney(dst, int64(v.Word), v.Type.Currency)
	case KindEnum:
		return append(dst, v.Type.Enum.Words[v.Word]...)
	case KindSeverity:
		return append(dst, SeverityWords[v.Word]...)
	case KindTimestamp:
		return AppendTime(dst, int64(v.Word))
	case KindDuration:
		return AppendDuration(dst, int64(v.Word))
	case KindIP:
		return v.Wide.IP().AppendTo(dst)
	case KindPoint:
		return appendPoint(dst, v.Wide)
	}
	return dst
}

// Format is how a message asks for a value: {amount:.1}, {at:date}. The zero
// Format is AppendText's.
type Format struct {
	Kind   FormatKind
	Digits uint8 // of FormatDigits
}

// FormatKind is the kind of a Format.
type FormatKind uint8

// The formats of templates.
const (
	FormatPlain  FormatKind = iota
	FormatDigits            // .N: N decimals, rounded half to even; of int, number, money
	FormatDate              // date: 2026-01-31, UTC; of timestamp
	FormatTime              // time: 10:00:00, UTC; of timestamp
	FormatMask              // mask: all but the end hidden; of string, int, ip
)

// MaxFormatDigits is the most decimals that a format may ask for.
const MaxFormatDigits = 20

// ParseFormat reads what stands behind the colon of a template.
func ParseFormat(s string) (Format, bool) {
	switch s {
	case "date":
		return Format{Kind: FormatDate}, true
	case "time":
		return Format{Kind: FormatTime}, true
	case "mask":
		return Format{Kind: FormatMask}, true
	}
	if len(s) < 2 || len(s) > 3 || s[0] != '.' {
		return Format{}, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 8)
	if err != nil || n > MaxFormatDigits {
		return Format{}, false
	}
	return Format{Kind: FormatDigits, Digits: uint8(n)}, true
}

// Fits reports whether values of a type can be written in the format; a list
// is written element by element.
func (f Format) Fits(t Type) bool {
	k := t.Kind
	if k == KindList {
		k = t.Elem.Kind
	}
	switch f.Kind {
	case FormatDigits:
		return k == KindInt || k == KindNumber || k == KindMoney
	case FormatDate, FormatTime:
		return k == KindTimestamp
	case FormatMask:
		return k == KindString || k == KindInt || k == KindIP
	}
	return true
}

// AppendFormat writes a value in a format that fits its type; in one that
// does not, as AppendText.
func (v Value) AppendFormat(dst []byte, f Format) []byte {
	if v.Missing || f.Kind == FormatPlain || !f.Fits(v.Type) {
		return v.AppendText(dst)
	}
	if v.Type.Kind == KindList {
		for i, e := range v.List {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = e.AppendFormat(dst, f)
		}
		return dst
	}
	switch f.Kind {
	case FormatDate:
		return appendDate(dst, utc(v.Word))
	case FormatTime:
		return appendClock(dst, utc(v.Word))
	case FormatMask:
		start := len(dst)
		return mask(v.AppendText(dst), start)
	}
	return v.appendDigits(dst, int(f.Digits))
}

func utc(w Word) time.Time {
	secs, frac := floorDiv(int64(w), Second)
	return time.Unix(secs, frac).UTC()
}

func (v Value) appendDigits(dst []byte, digits int) []byte {
	switch v.Type.Kind {
	case KindInt:
		dst = strconv.AppendInt(dst, int64(v.Word), 10)
		if digits > 0 {
			dst = append(dst, '.')
		}
		for range digits {
			dst = append(dst, '0')
		}
		return dst
	case KindMoney:
		dst = appendFixed(dst, int64(v.Word), digits)
		if v.Type.Currency != "" {
			dst = append(append(dst, ' '), v.Type.Currency...)
		}
		return dst
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, Number(v.Word), 'f', digits, 64)
	if dst[start] == '-' && !hasDigit(dst[start:]) {
		dst = append(dst[:start], dst[start+1:]...) // no "-0.0"
	}
	return dst
}

func hasDigit(b []byte) bool {
	for _, c := range b {
		if c-'1' < 9 {
			return true
		}
	}
	return false
}

// mask hides dst[start:] behind one "*" a character, all but its last third
// and at most four characters: a card number keeps four, "c1" nothing.
func mask(dst []byte, start int) []byte {
	n := utf8.RuneCount(dst[start:])
	keep := min(4, n/3)
	tail := len(dst)
	for range keep {
		_, size := utf8.DecodeLastRune(dst[start:tail])
		tail -= size
	}
	var kept [4 * utf8.UTFMax]byte
	k := copy(kept[:], dst[tail:])
	dst = dst[:start]
	for range n - keep {
		dst = append(dst, '*')
	}
	return append(dst, kept[:k]...)
}
