package decode

import (
	"fmt"
	"strconv"
	"unsafe"

	"github.com/weir-cep/weir/cep"
)

// view is a string that shares b's memory: for functions that keep nothing.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// convert turns what the scanner noted for a field into a word. present is
// false for a missing value that may be missing. What the word points to is
// put behind dst's Bytes, Wide or Elems, unless the field is not stored.
func (d *Decoder) convert(b []byte, f *conv, dst *cep.Batch) (w cep.Word, present bool, r Reason) {
	t := &d.tokens[f.slot]
	switch t.kind {
	case isNone, isNull:
		if f.optional {
			return 0, false, OK
		}
		return 0, false, MissingField
	case isEmpty:
		if f.optional {
			return 0, false, OK
		}
		if f.kind != cep.KindString {
			return 0, false, MissingField
		}
	}
	bytesLen, wideLen, elemsLen := len(dst.Bytes), len(dst.Wide), len(dst.Elems)
	if f.kind == cep.KindList {
		w, r = d.list(b, f, *t, &d.nums[f.slot], dst)
	} else {
		w, r = d.scalar(b, f, *t, &d.nums[f.slot], dst)
	}
	if !f.stored {
		dst.Bytes, dst.Wide, dst.Elems = dst.Bytes[:bytesLen], dst.Wide[:wideLen], dst.Elems[:elemsLen]
	}
	return w, true, r
}

// scalar converts one value of any kind but a list; num is its number if it is one.
func (d *Decoder) scalar(b []byte, f *conv, t token, num *cep.Decimal, dst *cep.Batch) (cep.Word, Reason) {
	if f.kind == cep.KindString {
		return d.stringWord(b, t, dst)
	}
	switch t.kind {
	case isNumber:
		return d.number(b, f, t, num)
	case isString, isCell:
		s := b[t.off:t.end]
		if t.escaped {
			d.tmp = d.plain(d.tmp[:0], s)
			s = d.tmp
		}
		return d.fromText(f, t.kind, s, dst)
	case isTrue, isFalse:
		if f.kind != cep.KindBool {
			return 0, WrongType
		}
		if t.kind == isTrue {
			return 1, OK
		}
		return 0, OK
	case isObject:
		if f.kind == cep.KindPoint {
			return d.point(b, t, dst)
		}
	}
	return 0, WrongType
}

// stringWord places a string: in the chunk where it stands as it is meant, else
// unescaped behind it.
func (d *Decoder) stringWord(b []byte, t token, dst *cep.Batch) (cep.Word, Reason) {
	if t.kind == isObject || t.kind == isArray || t.kind == isNull {
		return 0, WrongType
	}
	if !t.escaped {
		return cep.StringWord(int(t.off), int(t.end-t.off)), OK
	}
	start := len(dst.Bytes)
	dst.Bytes = d.plain(dst.Bytes, b[t.off:t.end])
	return cep.StringWord(start, len(dst.Bytes)-start), OK
}

// number converts a JSON number.
func (d *Decoder) number(b []byte, f *conv, t token, num *cep.Decimal) (cep.Word, Reason) {
	var v int64
	var err error
	switch f.kind {
	case cep.KindInt:
		v, err = num.Scaled(0)
	case cep.KindNumber:
		return float(*num, b[t.off:t.end])
	case cep.KindMoney:
		v, err = num.Money()
	case cep.KindTimestamp:
		switch {
		case f.unix:
			v, err = num.Unix(f.format)
		case f.format == "":
			return 0, WrongType
		default:
			v, err = cep.ParseTime(view(b[t.off:t.end]), f.format, d.cfg.Zone)
		}
	default:
		return 0, WrongType
	}
	return cep.Word(v), reasonOf(err, f.kind)
}

func float(n cep.Decimal, text []byte) (cep.Word, Reason) {
	x, ok := n.Float(view(text))
	if !ok {
		return 0, OutOfRange
	}
	return cep.NumberWord(x), OK
}

// fromText converts the text of a JSON string or a CSV cell.
func (d *Decoder) fromText(f *conv, k kind, s []byte, dst *cep.Batch) (cep.Word, Reason) {
	var v int64
	var wide cep.Wide
	var err error
	switch f.kind {
	case cep.KindBool:
		if k != isCell {
			return 0, WrongType
		}
		return boolCell(s)
	case cep.KindInt, cep.KindNumber:
		n, ok := cep.ParseDecimal(view(s))
		if !ok {
			return 0, BadNumber
		}
		if f.kind == cep.KindNumber {
			return float(n, s)
		}
		v, err = n.Scaled(0)
	case cep.KindMoney:
		v, err = cep.ParseMoney(view(s), f.currency)
	case cep.KindEnum, cep.KindSeverity:
		i := f.words.find(s)
		if i < 0 {
			return 0, UnknownEnum
		}
		return cep.Word(i), OK
	case cep.KindTimestamp:
		v, err = cep.ParseTime(view(s), f.format, d.cfg.Zone)
	case cep.KindDuration:
		v, err = cep.ParseDuration(view(s))
	case cep.KindIP:
		wide, err = cep.ParseIP(view(s))
	case cep.KindPoint:
		wide, err = cep.ParsePoint(view(s))
	default:
		return 0, WrongType
	}
	if err != nil {
		return 0, reasonOf(err, f.kind)
	}
	if f.kind == cep.KindIP || f.kind == cep.KindPoint {
		dst.Wide = append(dst.Wide, wide)
		return cep.Word(len(dst.Wide) - 1), OK
	}
	return cep.Word(v), OK
}

// boolCell reads true, false, 1 or 0, in any case.
func boolCell(s []byte) (cep.Word, Reason) {
	switch len(s) {
	case 1:
		if s[0] == '0' || s[0] == '1' {
			return cep.Word(s[0] - '0'), OK
		}
	case 4:
		if lower(s[0]) == 't' && lower(s[1]) == 'r' && lower(s[2]) == 'u' && lower(s[3]) == 'e' {
			return 1, OK
		}
	case 5:
		if lower(s[0]) == 'f' && lower(s[1]) == 'a' && lower(s[2]) == 'l' && lower(s[3]) == 's' && lower(s[4]) == 'e' {
			return 0, OK
		}
	}
	return 0, WrongType
}

func lower(c byte) byte {
	if c-'A' < 26 {
		c += 'a' - 'A'
	}
	return c
}

// list converts a JSON array, or a single value as a list of one. The scanner
// has checked the array's syntax. CSV has no lists.
func (d *Decoder) list(b []byte, f *conv, t token, num *cep.Decimal, dst *cep.Batch) (cep.Word, Reason) {
	start := len(dst.Elems)
	if t.kind == isCell {
		return 0, WrongType
	}
	if t.kind != isArray {
		w, r := d.scalar(b, f.elem, t, num, dst)
		if r != OK {
			return 0, r
		}
		dst.Elems = append(dst.Elems, w)
		return cep.StringWord(start, 1), OK
	}
	for i := blanks(b, int(t.off)+1); b[i] != ']'; {
		e, next := d.element(b, i)
		w, r := d.scalar(b, f.elem, e, &d.num, dst)
		if r != OK {
			return 0, r
		}
		dst.Elems = append(dst.Elems, w)
		if i = blanks(b, next); b[i] == ',' {
			i = blanks(b, i+1)
		}
	}
	return cep.StringWord(start, len(dst.Elems)-start), OK
}

// element reads the value at b[i], whose syntax is known to be right, a number
// into d.num too, and returns the index behind it.
func (d *Decoder) element(b []byte, i int) (t token, next int) {
	start, end := i, i
	switch c := b[i]; {
	case c == '"':
		start = i + 1
		end, t.escaped = d.str(b, start)
		t.kind = isString
		i = end + 1
	case c == '-' || c-'0' <= 9:
		d.num, i, _ = cep.ScanDecimal(b, i)
		t.kind, end = isNumber, i
	case c == '{':
		i = d.skipInside(b, i, 0)
		t.kind, end = isObject, i
	case c == '[':
		i = d.skipInside(b, i, 0)
		t.kind, end = isArray, i
	default:
		t.kind, i = d.literal(b, i)
		end = i
	}
	t.off, t.end = uint32(start), uint32(end)
	return t, i
}

// point converts {"lat":…,"lon":…}; other members are passed over, of one that
// comes twice the last counts.
func (d *Decoder) point(b []byte, t token, dst *cep.Batch) (cep.Word, Reason) {
	var place [2]cep.Word
	var have [2]bool
	for i := blanks(b, int(t.off)+1); b[i] != '}'; {
		end, escaped := d.str(b, i+1)
		key := b[i+1 : end]
		if escaped {
			d.tmp = unescape(d.tmp[:0], key)
			key = d.tmp
		}
		which := -1
		switch string(key) {
		case "lat":
			which = 0
		case "lon":
			which = 1
		}
		e, next := d.element(b, d.colon(b, end+1))
		if which >= 0 {
			w, r := d.scalar(b, &degrees, e, &d.num, dst)
			if r != OK {
				return 0, BadPoint
			}
			place[which], have[which] = w, true
		}
		if i = blanks(b, next); b[i] == ',' {
			i = blanks(b, i+1)
		}
	}
	wide, ok := cep.WidePoint(cep.Number(place[0]), cep.Number(place[1]))
	if !ok || !have[0] || !have[1] {
		return 0, BadPoint
	}
	dst.Wide = append(dst.Wide, wide)
	return cep.Word(len(dst.Wide) - 1), OK
}

// degrees reads a coordinate as any number: plain or quoted.
var degrees = conv{kind: cep.KindNumber}

// reasonOf translates the errors of cep's readers.
func reasonOf(err error, k cep.Kind) Reason {
	switch err {
	case nil:
		return OK
	case cep.ErrRange:
		return OutOfRange
	case cep.ErrCurrency:
		return OtherCurrency
	case cep.ErrDecimals:
		if k == cep.KindMoney {
			return TooManyDecimals
		}
		return BadNumber
	case cep.ErrTime:
		return BadTime
	case cep.ErrDuration:
		return BadDuration
	case cep.ErrIP:
		return BadIP
	case cep.ErrPoint:
		return BadPoint
	}
	return BadNumber
}

// detail says in words what was wrong with the record that starts at start of
// its chunk.
func (d *Decoder) detail(start int) string {
	switch {
	case d.field != "":
		return d.fieldDetail()
	case d.reason == TooLong:
		return "longer than " + strconv.Itoa(d.cfg.MaxEvent) + " bytes"
	case d.reason == ShortRow:
		return fmt.Sprintf("%d cells, the header has %d", d.width, len(d.columns))
	case d.reason == TooDeep:
		return "nested deeper than " + strconv.Itoa(MaxDepth)
	case d.at >= 0:
		return d.why + " at byte " + strconv.Itoa(d.at-start+1)
	}
	return d.why
}

var fieldReasons = [numReasons]string{
	MissingField:    "missing, and must not be",
	WrongType:       "the value is of another type",
	BadNumber:       "the value is not a number of its type",
	OutOfRange:      "the value is beyond its type's range",
	UnknownEnum:     "the word is not one of the enum's",
	OtherCurrency:   "the amount is in another currency",
	TooManyDecimals: "the amount has more than six decimals",
	BadTime:         "the value is not a timestamp of the declared format",
	BadDuration:     `the value is not a duration such as "1h30m"`,
	BadIP:           "the value is not an ip address",
	BadPoint:        `the value is not a point such as {"lat":48.85,"lon":2.35} or "48.85,2.35"`,
}

func (d *Decoder) fieldDetail() string { return d.field + ": " + fieldReasons[d.reason] }
