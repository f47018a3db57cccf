package expr

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// Layout says where OpBound leaves find their values: the capture records of a
// rule's bindings, by index into RuleIR.Bindings.
type Layout struct{ Captures []*Capture }

// Capture is the layout of what a run keeps of an event: a bitmap of which
// fields are present (a word per 64), then a word per field, two for an ip or
// a point. A string is its symbol, a list the symbol of its encoding, all else
// as in a column.
type Capture struct {
	Schema  *cep.Schema
	slots   []slot
	words   int
	symbols bool // some slot holds a symbol
}

// slot is where a capture record keeps a field.
type slot struct {
	field int // index in the schema
	kind  cep.Kind
	elem  cep.Kind // of a list
	off   int      // of its first word
	at    int      // word of the presence bitmap
	bit   uint64
}

// NewCapture lays out the fields of a schema, given by index.
func NewCapture(schema *cep.Schema, fields []int) *Capture {
	c := &Capture{Schema: schema, words: (len(fields) + 63) / 64}
	for i, field := range fields {
		t := schema.Fields[field].Type
		s := slot{field: field, kind: t.Kind, off: c.words, at: i / 64, bit: 1 << (i % 64)}
		c.words++
		if t.Wide() {
			c.words++
		}
		if t.Kind == cep.KindList {
			s.elem = t.Elem.Kind
		}
		c.symbols = c.symbols || s.symbol()
		c.slots = append(c.slots, s)
	}
	return c
}

func (s *slot) symbol() bool { return s.kind == cep.KindString || s.kind == cep.KindList }

// Words is the length of a record.
func (c *Capture) Words() int { return c.words }

// Symbols says whether records refer to symbols, so that they must be released.
func (c *Capture) Symbols() bool { return c.symbols }

func (c *Capture) slot(field int) (slot, bool) {
	for _, s := range c.slots {
		if s.field == field {
			return s, true
		}
	}
	return slot{}, false
}

// Store writes the record of the frame's current event into dst, which need
// not be zero, and takes a reference to each symbol in it.
func (c *Capture) Store(dst []uint64, f *Frame) {
	clear(dst[:c.words])
	for i := range c.slots {
		s := &c.slots[i]
		col := &f.Table.Cols[s.field]
		if !col.Has(f.Row) {
			continue
		}
		dst[s.at] |= s.bit
		w := col.Words[f.Row]
		switch s.kind {
		case cep.KindString:
			w = uint64(f.Syms.Intern(f.Batch.Str(w)))
		case cep.KindIP, cep.KindPoint:
			wide := f.Batch.Wide[w]
			dst[s.off+1] = wide[1]
			w = wide[0]
		case cep.KindList:
			f.scratch.list = appendBatchList(f.scratch.list[:0], f.Batch, w, s.elem)
			w = uint64(f.Syms.Intern(view(f.scratch.list)))
		}
		dst[s.off] = w
	}
}

// Retain takes one more reference to each symbol of a record that was copied.
func (c *Capture) Retain(src []uint64, syms *slab.Symbols) {
	if c.symbols {
		for i := range c.slots {
			if s := &c.slots[i]; s.symbol() && src[s.at]&s.bit != 0 {
				syms.Retain(slab.Symbol(src[s.off]))
			}
		}
	}
}

// Release gives up the record's references.
func (c *Capture) Release(src []uint64, syms *slab.Symbols) {
	if c.symbols {
		for i := range c.slots {
			if s := &c.slots[i]; s.symbol() && src[s.at]&s.bit != 0 {
				syms.Release(slab.Symbol(src[s.off]))
			}
		}
	}
}

// Value reads a captured field of a record. It panics if the field is not
// captured.
func (c *Capture) Value(src []uint64, field int, syms *slab.Symbols) cep.Value {
	s, ok := c.slot(field)
	if !ok {
		panic(fmt.Sprintf("expr: field %q of %s is not captured", c.Schema.Fields[field].Name, c.Schema.Name))
	}
	v := cep.Value{Type: c.Schema.Fields[field].Type}
	if src[s.at]&s.bit == 0 {
		v.Missing = true
		return v
	}
	switch s.kind {
	case cep.KindString:
		v.Text = string([]byte(syms.Str(slab.Symbol(src[s.off]))))
	case cep.KindIP, cep.KindPoint:
		v.Wide = cep.Wide{src[s.off], src[s.off+1]}
	case cep.KindList:
		v.List = decodeList(syms.Str(slab.Symbol(src[s.off])), *v.Type.Elem)
	default:
		v.Word = src[s.off]
	}
	return v
}
