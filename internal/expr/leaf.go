package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// field reads a field of the current event.
type field struct {
	index    int
	required bool // known to be present
}

func (c *Compiler) field(e *dsl.Expr) field {
	if c.Schema == nil {
		return field{e.Index, false}
	}
	if e.Index >= len(c.Schema.Fields) {
		bad(e, "%s has no field %d", c.Schema.Name, e.Index)
	}
	t := c.Schema.Fields[e.Index].Type
	if t.Kind != e.Type.Kind {
		bad(e, "%s.%s is %s, not %s", c.Schema.Name, c.Schema.Fields[e.Index].Name, t, e.Type)
	}
	return field{e.Index, !t.Optional}
}

func (l field) load(f *Frame) (cep.Word, bool) {
	if f.Table == nil {
		return 0, false
	}
	col := &f.Table.Cols[l.index]
	return col.Words[f.Row], l.required || col.Has(f.Row)
}

// bound reads a captured field of one event that a step has bound.
type bound struct {
	slot
	step int
	last bool
}

func (c *Compiler) bound(e *dsl.Expr) bound {
	s := c.capture(e)
	return bound{s, e.Step, e.Which != dsl.First}
}

func (c *Compiler) capture(e *dsl.Expr) slot {
	if e.Step >= len(c.Layout.Captures) || c.Layout.Captures[e.Step] == nil {
		bad(e, "step %d has no capture record", e.Step)
	}
	s, ok := c.Layout.Captures[e.Step].slot(e.Index)
	if !ok {
		bad(e, "field %d of step %d is not captured", e.Index, e.Step)
	}
	return s
}

// record returns the capture record, nil if there is none or the field is
// missing in it.
func (l *bound) record(f *Frame) []uint64 {
	if f.Bound == nil {
		return nil
	}
	n := f.Bound.Count(l.step)
	if n == 0 {
		return nil
	}
	i := 0
	if l.last {
		i = -1
	}
	rec := f.Bound.Record(l.step, i)
	if rec[l.at]&l.bit == 0 {
		return nil
	}
	return rec
}

// leafWord compiles the leaves whose value is a word of their own: windows and
// features. Strings and wide values are symbols.
func (c *Compiler) leafWord(e *dsl.Expr) func(*Frame) (cep.Word, bool) {
	i := e.Index
	switch e.Op {
	case dsl.OpAgg:
		return func(f *Frame) (cep.Word, bool) { return f.Aggs.Agg(i) }
	case dsl.OpFeature:
		c.fails = true // its key may be impossible to compute
		return func(f *Frame) (cep.Word, bool) { return f.Reads.Feature(f, i) }
	}
	return nil
}

// leafValue compiles the leaves whose value stands alone: constants and params
// and key parts.
func (c *Compiler) leafValue(e *dsl.Expr) func(*Frame) *cep.Value {
	switch e.Op {
	case dsl.OpConst:
		v := e.Const
		return func(*Frame) *cep.Value { return &v }
	case dsl.OpParam:
		i := e.Param.Index
		return func(f *Frame) *cep.Value { return &f.Lookups.Params[i].Value }
	case dsl.OpKey:
		i := e.Index
		return func(f *Frame) *cep.Value { return &f.Key[i] }
	}
	return nil
}

// intLeaf compiles a leaf of the family of counts, nil if e is no leaf.
func (c *Compiler) intLeaf(e *dsl.Expr) fn[int64] {
	switch e.Op {
	case dsl.OpField:
		l := c.field(e)
		if l.required {
			i := l.index
			return func(f *Frame) (int64, bool) {
				if f.Table == nil {
					return 0, false
				}
				return int64(f.Table.Cols[i].Words[f.Row]), true
			}
		}
		return func(f *Frame) (int64, bool) { w, ok := l.load(f); return int64(w), ok }
	case dsl.OpBound:
		l := c.bound(e)
		return func(f *Frame) (int64, bool) {
			if rec := l.record(f); rec != nil {
				return int64(rec[l.off]), true
			}
			return 0, false
		}
	case dsl.OpBoundCount:
		step := e.Step
		return func(f *Frame) (int64, bool) {
			if f.Bound == nil {
				return 0, true
			}
			return int64(f.Bound.Count(step)), true
		}
	case dsl.OpMatchStart:
		return func(f *Frame) (int64, bool) { return f.MatchStart, true }
	case dsl.OpMatchEnd:
		return func(f *Frame) (int64, bool) { return f.MatchEnd, true }
	case dsl.OpTableCell:
		row, col := c.cell(e)
		return func(f *Frame) (int64, bool) {
			if t, r := row(f); r >= 0 && t.cols[col].has(r) {
				return int64(t.cols[col].words[r]), true
			}
			return 0, false
		}
	}
	if w := c.leafWord(e); w != nil {
		return func(f *Frame) (int64, bool) { n, ok := w(f); return int64(n), ok }
	}
	if v := c.leafValue(e); v != nil {
		return func(f *Frame) (int64, bool) { x := v(f); return int64(x.Word), !x.Missing }
	}
	return nil
}

func (c *Compiler) numLeaf(e *dsl.Expr) fn[float64] {
	switch e.Op {
	case dsl.OpField:
		l := c.field(e)
		return func(f *Frame) (float64, bool) { w, ok := l.load(f); return cep.Number(w), ok }
	case dsl.OpBound:
		l := c.bound(e)
		return func(f *Frame) (float64, bool) {
			if rec := l.record(f); rec != nil {
				return cep.Number(rec[l.off]), true
			}
			return 0, false
		}
	case dsl.OpTableCell:
		row, col := c.cell(e)
		return func(f *Frame) (float64, bool) {
			if t, r := row(f); r >= 0 && t.cols[col].has(r) {
				return cep.Number(t.cols[col].words[r]), true
			}
			return 0, false
		}
	}
	if w := c.leafWord(e); w != nil {
		return func(f *Frame) (float64, bool) { n, ok := w(f); return cep.Number(n), ok }
	}
	if v := c.leafValue(e); v != nil {
		return func(f *Frame) (float64, bool) { x := v(f); return cep.Number(x.Word), !x.Missing }
	}
	return nil
}

func (c *Compiler) strLeaf(e *dsl.Expr) fn[string] {
	switch e.Op {
	case dsl.OpField:
		l := c.field(e)
		return func(f *Frame) (string, bool) {
			w, ok := l.load(f)
			if !ok {
				return "", false
			}
			return f.Batch.Str(w), true
		}
	case dsl.OpBound:
		l := c.bound(e)
		return func(f *Frame) (string, bool) {
			if rec := l.record(f); rec != nil {
				return f.Syms.Str(slab.Symbol(rec[l.off])), true
			}
			return "", false
		}
	case dsl.OpTableCell:
		row, col := c.cell(e)
		return func(f *Frame) (string, bool) {
			if t, r := row(f); r >= 0 && t.cols[col].has(r) {
				return t.cols[col].texts[r], true
			}
			return "", false
		}
	}
	if w := c.leafWord(e); w != nil {
		return func(f *Frame) (string, bool) {
			n, ok := w(f)
			if !ok {
				return "", false
			}
			return f.Syms.Str(slab.Symbol(n)), true
		}
	}
	if v := c.leafValue(e); v != nil {
		return func(f *Frame) (string, bool) { x := v(f); return x.Text, !x.Missing }
	}
	return nil
}

func (c *Compiler) wideLeaf(e *dsl.Expr) fn[cep.Wide] {
	switch e.Op {
	case dsl.OpField:
		l := c.field(e)
		return func(f *Frame) (cep.Wide, bool) {
			w, ok := l.load(f)
			if !ok {
				return cep.Wide{}, false
			}
			return f.Batch.Wide[w], true
		}
	case dsl.OpBound:
		l := c.bound(e)
		return func(f *Frame) (cep.Wide, bool) {
			if rec := l.record(f); rec != nil {
				return cep.Wide{rec[l.off], rec[l.off+1]}, true
			}
			return cep.Wide{}, false
		}
	case dsl.OpTableCell:
		row, col := c.cell(e)
		return func(f *Frame) (cep.Wide, bool) {
			if t, r := row(f); r >= 0 && t.cols[col].has(r) {
				return t.cols[col].wides[r], true
			}
			return cep.Wide{}, false
		}
	}
	if w := c.leafWord(e); w != nil {
		return func(f *Frame) (cep.Wide, bool) {
			n, ok := w(f)
			if !ok {
				return cep.Wide{}, false
			}
			return WideFromBytes(f.Syms.Str(slab.Symbol(n))), true
		}
	}
	if v := c.leafValue(e); v != nil {
		return func(f *Frame) (cep.Wide, bool) { x := v(f); return x.Wide, !x.Missing }
	}
	return nil
}

// cell compiles the key of a table cell: the table and the row, -1 if the
// table has none.
func (c *Compiler) cell(e *dsl.Expr) (row func(*Frame) (*Table, int), col int) {
	return c.row(e), e.Index
}
