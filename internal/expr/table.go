package expr

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Table is a lookup table: rows of typed cells under a key. It is immutable
// once it is part of Lookups.
type Table struct {
	key   cep.Type
	texts map[string]int32
	words map[cep.Word]int32
	wide  map[cep.Wide]int32
	cols  []cells
	rows  int
}

// cells is a column of a table.
type cells struct {
	typ     cep.Type
	present []bool
	words   []cep.Word
	texts   []string
	wides   []cep.Wide
	lists   [][]cep.Value
}

func (c *cells) has(row int) bool { return c.present[row] }

// NewTable makes an empty table.
func NewTable(key cep.Field, cols []cep.Field) *Table {
	t := &Table{key: key.Type}
	switch familyOf(key.Type.Kind) {
	case texts:
		t.texts = map[string]int32{}
	case wides:
		t.wide = map[cep.Wide]int32{}
	default:
		t.words = map[cep.Word]int32{}
	}
	for _, f := range cols {
		t.cols = append(t.cols, cells{typ: f.Type})
	}
	return t
}

// Set adds a row, or replaces the row of that key. The row is parallel to the
// columns.
func (t *Table) Set(key cep.Value, row []cep.Value) error {
	if len(row) != len(t.cols) {
		return fmt.Errorf("a row of %d cells for %d columns", len(row), len(t.cols))
	}
	r, ok := t.find(key)
	if !ok {
		r = int32(t.rows)
		t.rows++
		switch familyOf(t.key.Kind) {
		case texts:
			t.texts[key.Text] = r
		case wides:
			t.wide[wideKey(key)] = r
		default:
			t.words[plainZero(key.Word, t.key.Kind)] = r
		}
		for i := range t.cols {
			t.cols[i].grow()
		}
	}
	for i := range t.cols {
		t.cols[i].set(int(r), row[i])
	}
	return nil
}

func wideKey(v cep.Value) cep.Wide {
	if v.Type.Kind == cep.KindPoint {
		return plusZero(v.Wide)
	}
	return v.Wide
}

func (t *Table) find(key cep.Value) (r int32, ok bool) {
	switch familyOf(t.key.Kind) {
	case texts:
		r, ok = t.texts[key.Text]
	case wides:
		r, ok = t.wide[wideKey(key)]
	default:
		r, ok = t.words[plainZero(key.Word, t.key.Kind)]
	}
	return r, ok
}

// Rows is the number of rows.
func (t *Table) Rows() int { return t.rows }

func (c *cells) grow() {
	c.present = append(c.present, false)
	switch familyOf(c.typ.Kind) {
	case texts:
		c.texts = append(c.texts, "")
	case wides:
		c.wides = append(c.wides, cep.Wide{})
	case lists:
		c.lists = append(c.lists, nil)
	default:
		c.words = append(c.words, 0)
	}
}

func (c *cells) set(row int, v cep.Value) {
	c.present[row] = !v.Missing
	switch familyOf(c.typ.Kind) {
	case texts:
		c.texts[row] = v.Text
	case wides:
		c.wides[row] = v.Wide
	case lists:
		c.lists[row] = v.List
	default:
		c.words[row] = v.Word
	}
}

// row compiles the look-up of a row: the table and the row's number, -1 where
// the key is missing or has none.
func (c *Compiler) row(e *dsl.Expr) func(*Frame) (*Table, int) {
	at, key := e.Table.Index, e.Args[0]
	switch kind := key.Type.Kind; familyOf(kind) {
	case texts:
		k := c.strs(key)
		return func(f *Frame) (*Table, int) {
			t := f.Lookups.Tables[at]
			if v, ok := k(f); ok {
				if r, ok := t.texts[v]; ok {
					return t, int(r)
				}
			}
			return t, -1
		}
	case wides:
		k := c.wides(key)
		return func(f *Frame) (*Table, int) {
			t := f.Lookups.Tables[at]
			if v, ok := k(f); ok {
				if kind == cep.KindPoint {
					v = plusZero(v)
				}
				if r, ok := t.wide[v]; ok {
					return t, int(r)
				}
			}
			return t, -1
		}
	default:
		k := c.word(key)
		return func(f *Frame) (*Table, int) {
			t := f.Lookups.Tables[at]
			if v, ok := k(f); ok {
				if r, ok := t.words[v]; ok {
					return t, int(r)
				}
			}
			return t, -1
		}
	}
}
