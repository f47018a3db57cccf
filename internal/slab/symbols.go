package slab

import (
	"unsafe"
)

// Symbol is the number of an interned string. 0 is the empty string, which is
// never counted.
type Symbol = uint32

// Symbols are reference-counted interned strings. Equal strings have one
// symbol while any reference to them lives; the number may be given to another
// string after that.
type Symbols struct {
	keys Keys // the value is the number of references
}

// NewSymbols returns an empty set.
func NewSymbols() *Symbols { return &Symbols{keys: *NewKeys()} }

// Intern returns the symbol of a string and counts a reference to it. A new
// string is copied.
func (s *Symbols) Intern(text string) Symbol {
	if text == "" {
		return 0
	}
	b := unsafe.Slice(unsafe.StringData(text), len(text))
	h := Hash(b)
	sym, ok := s.keys.Find(h, b)
	if !ok {
		sym = s.keys.Add(h, b)
	}
	s.count(sym, 1)
	return sym
}

// Find returns the symbol of a string if it has one. It counts no reference.
func (s *Symbols) Find(text string) (Symbol, bool) {
	if text == "" {
		return 0, true
	}
	b := unsafe.Slice(unsafe.StringData(text), len(text))
	return s.keys.Find(Hash(b), b)
}

// Retain counts one more reference.
func (s *Symbols) Retain(sym Symbol) {
	if sym != 0 {
		s.count(sym, 1)
	}
}

// Release counts one reference less. Without references the symbol is gone.
func (s *Symbols) Release(sym Symbol) {
	if sym != 0 && s.count(sym, -1) == 0 {
		s.keys.Remove(sym)
	}
}

func (s *Symbols) count(sym Symbol, d int64) int64 {
	s.keys.Touch(sym)
	refs := (*int64)(unsafe.Pointer(s.keys.Value(sym)))
	*refs += d
	return *refs
}

// Str returns the symbol's string without copying it; it is valid until the
// symbol's last reference is released.
func (s *Symbols) Str(sym Symbol) string {
	if sym == 0 {
		return ""
	}
	b := s.keys.Key(sym)
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// Bytes returns the memory that the set has reserved.
func (s *Symbols) Bytes() int64 { return s.keys.Bytes() }

// Len returns the number of strings.
func (s *Symbols) Len() int { return s.keys.Len() }
