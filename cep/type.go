package cep

import "strings"

// Kind says what a value is; it fixes the meaning of its Word.
type Kind uint8

// The kinds of the rule language. KindNone is the zero Kind: no type.
const (
	KindNone Kind = iota
	KindBool
	KindInt
	KindNumber
	KindMoney
	KindString
	KindEnum
	KindTimestamp
	KindDuration
	KindIP
	KindPoint
	KindList
	KindSeverity // info < low < medium < high < critical, ordinals 0..4
)

var kindNames = [...]string{"none", "bool", "int", "number", "money", "string", "enum", "timestamp", "duration", "ip", "point", "list", "severity"}

func (k Kind) String() string { return kindNames[k] }

// Enum is a declared set of words; a value's Word is the index of its word.
type Enum struct {
	Name  string
	Words []string
}

// Index returns the ordinal of word, or -1.
func (e *Enum) Index(word string) int {
	for i, w := range e.Words {
		if w == word {
			return i
		}
	}
	return -1
}

// Type is the static type of a field or an expression. Types are small and
// copied by value; Equal compares them.
type Type struct {
	Kind     Kind
	Optional bool   // the value may be missing (T?)
	Currency string // of KindMoney: ISO 4217 code, "" for money without a currency
	Enum     *Enum  // of KindEnum
	Elem     *Type  // of KindList: the element's type, never optional, never a list
}

// Equal compares two types, optionality included. Enums are equal if they are
// the same declaration.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Optional != u.Optional || t.Currency != u.Currency || t.Enum != u.Enum {
		return false
	}
	if t.Elem == nil || u.Elem == nil {
		return t.Elem == u.Elem
	}
	return t.Elem.Equal(*u.Elem)
}

// Required returns the type without its "?".
func (t Type) Required() Type { t.Optional = false; return t }

// OrMissing returns the type with "?".
func (t Type) OrMissing() Type { t.Optional = true; return t }

// Wide reports whether a value takes two words (an ip or a point), so that its
// Word is an index into a Wide table.
func (t Type) Wide() bool { return t.Kind == KindIP || t.Kind == KindPoint }

// String writes the type as the rule language does: "money(USD)?".
func (t Type) String() string {
	var b strings.Builder
	switch t.Kind {
	case KindMoney:
		b.WriteString("money")
		if t.Currency != "" {
			b.WriteString("(" + t.Currency + ")")
		}
	case KindEnum:
		b.WriteString(t.Enum.Name)
	case KindList:
		b.WriteString("list of " + t.Elem.String())
	default:
		b.WriteString(t.Kind.String())
	}
	if t.Optional {
		b.WriteByte('?')
	}
	return b.String()
}
