package cep

import (
	"net/netip"
	"strings"
)

// Value is one value standing alone: constants, params, table cells, key
// parts, alert fields. Never used per event on the hot path, where Words in
// columns are.
type Value struct {
	Type    Type
	Missing bool
	Word    Word    // by Type.Kind as in a column, except that string, ip, point and list use the fields below
	Text    string  // KindString
	Wide    Wide    // KindIP, KindPoint
	List    []Value // KindList
}

// Missing returns the missing value of a type.
func Missing(t Type) Value { return Value{Type: t.OrMissing(), Missing: true} }

// Bool, Int, Num, Str … make values of the plain kinds.
func Bool(b bool) Value {
	v := Value{Type: Type{Kind: KindBool}}
	if b {
		v.Word = 1
	}
	return v
}

// Int returns an int.
func Int(n int64) Value { return Value{Type: Type{Kind: KindInt}, Word: Word(n)} }

// Num returns a number.
func Num(f float64) Value { return Value{Type: Type{Kind: KindNumber}, Word: NumberWord(f)} }

// Str returns a string.
func Str(s string) Value { return Value{Type: Type{Kind: KindString}, Text: s} }

// Money returns an amount, in millionths of the currency's unit.
func Money(millionths int64, currency string) Value {
	return Value{Type: Type{Kind: KindMoney, Currency: currency}, Word: Word(millionths)}
}

// Time returns a timestamp, in ns since the epoch.
func Time(ns int64) Value { return Value{Type: Type{Kind: KindTimestamp}, Word: Word(ns)} }

// Span returns a duration, in ns.
func Span(ns int64) Value { return Value{Type: Type{Kind: KindDuration}, Word: Word(ns)} }

// EnumOf returns the enum's word of that ordinal.
func EnumOf(e *Enum, ordinal int) Value {
	return Value{Type: Type{Kind: KindEnum, Enum: e}, Word: Word(ordinal)}
}

// SeverityOf returns a severity as a value.
func SeverityOf(s Severity) Value {
	return Value{Type: Type{Kind: KindSeverity}, Word: Word(s)}
}

// IP returns an address.
func IP(a netip.Addr) Value { return Value{Type: Type{Kind: KindIP}, Wide: WideIP(a)} }

// ListOf returns a list of elements of one type.
func ListOf(elem Type, list ...Value) Value {
	return Value{Type: Type{Kind: KindList, Elem: &elem}, List: list}
}

// Value returns a word of this batch as a value of its own, sharing nothing
// with the batch.
func (b *Batch) Value(t Type, w Word) Value {
	v := Value{Type: t}
	switch {
	case t.Kind == KindString:
		v.Text = strings.Clone(b.Str(w))
	case t.Kind == KindList:
		for _, e := range b.List(w) {
			v.List = append(v.List, b.Value(*t.Elem, e))
		}
	case t.Wide():
		v.Wide = b.Wide[w]
	default:
		v.Word = w
	}
	return v
}
