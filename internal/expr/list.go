package expr

import (
	"encoding/binary"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// list is a compiled list value: its length, and its elements by the family of
// their type (the other accessors are nil). An element may be missing where
// the list is that of a field over the events of a step.
type list struct {
	elem  cep.Kind
	n     func(*Frame) (int, bool)
	ints  func(*Frame, int) (int64, bool)
	nums  func(*Frame, int) (float64, bool)
	strs  func(*Frame, int) (string, bool)
	wides func(*Frame, int) (cep.Wide, bool)
}

// list compiles a list.
func (c *Compiler) list(e *dsl.Expr) *list {
	if e.Type.Kind != cep.KindList {
		bad(e, "%s is not a list", e.Type)
	}
	elem := e.Type.Elem.Kind
	if elem == cep.KindList {
		bad(e, "a list of lists")
	}
	switch e.Op {
	case dsl.OpField:
		return c.fieldList(e, elem)
	case dsl.OpBound:
		l := c.bound(e)
		return encodedList(elem, func(f *Frame) string {
			if rec := l.record(f); rec != nil {
				return f.Syms.Str(slab.Symbol(rec[l.off]))
			}
			return ""
		})
	case dsl.OpAgg, dsl.OpFeature:
		w := c.leafWord(e)
		return encodedList(elem, func(f *Frame) string {
			if w, ok := w(f); ok {
				return f.Syms.Str(slab.Symbol(w))
			}
			return ""
		})
	case dsl.OpBoundList:
		return c.boundList(e, elem)
	case dsl.OpListLit:
		return c.listLit(e, elem)
	case dsl.OpConst, dsl.OpParam, dsl.OpKey:
		v := c.leafValue(e)
		return valueList(elem, func(f *Frame) ([]cep.Value, bool) { x := v(f); return x.List, !x.Missing })
	case dsl.OpList:
		i := e.List.Index
		return valueList(elem, func(f *Frame) ([]cep.Value, bool) { return f.Lookups.Lists[i].values, true })
	case dsl.OpTableCell:
		row, col := c.cell(e)
		return valueList(elem, func(f *Frame) ([]cep.Value, bool) {
			if t, r := row(f); r >= 0 && t.cols[col].has(r) {
				return t.cols[col].lists[r], true
			}
			return nil, false
		})
	case dsl.OpElse:
		a, b := c.list(e.Args[0]), c.list(e.Args[1])
		return chosenList(elem, a, b, func(f *Frame) bool { _, ok := a.n(f); return ok })
	case dsl.OpCall:
		if e.Func.Name == "if" {
			return chosenList(elem, c.list(e.Args[1]), c.list(e.Args[2]), c.cond(e.Args[0]))
		}
		return c.listCall(e)
	}
	bad(e, "no such list")
	return nil
}

// fieldList reads a list field of the current event.
func (c *Compiler) fieldList(e *dsl.Expr, elem cep.Kind) *list {
	at := c.field(e)
	l := &list{elem: elem, n: func(f *Frame) (int, bool) {
		w, ok := at.load(f)
		if !ok {
			return 0, false
		}
		return int(uint32(w)), true
	}}
	// The closures below are asked for elements only after n said they exist.
	word := func(f *Frame, i int) cep.Word { w, _ := at.load(f); return f.Batch.Elems[int(w>>32)+i] }
	switch familyOf(elem) {
	case texts:
		l.strs = func(f *Frame, i int) (string, bool) { return f.Batch.Str(word(f, i)), true }
	case wides:
		l.wides = func(f *Frame, i int) (cep.Wide, bool) { return f.Batch.Wide[word(f, i)], true }
	case numbers:
		l.nums = func(f *Frame, i int) (float64, bool) { return cep.Number(word(f, i)), true }
	default:
		l.ints = func(f *Frame, i int) (int64, bool) { return int64(word(f, i)), true }
	}
	return l
}

// encodedList reads a list from its encoding; "" is a missing one.
func encodedList(elem cep.Kind, s func(*Frame) string) *list {
	l := &list{elem: elem, n: func(f *Frame) (int, bool) {
		if s := s(f); s != "" {
			return encodedLen(s), true
		}
		return 0, false
	}}
	switch familyOf(elem) {
	case texts:
		l.strs = func(f *Frame, i int) (string, bool) { return encodedText(s(f), i), true }
	case wides:
		l.wides = func(f *Frame, i int) (cep.Wide, bool) { return encodedWide(s(f), i), true }
	case numbers:
		l.nums = func(f *Frame, i int) (float64, bool) { return cep.Number(encodedWord(s(f), i)), true }
	default:
		l.ints = func(f *Frame, i int) (int64, bool) { return int64(encodedWord(s(f), i)), true }
	}
	return l
}

// valueList reads a list of values.
func valueList(elem cep.Kind, vs func(*Frame) ([]cep.Value, bool)) *list {
	l := &list{elem: elem, n: func(f *Frame) (int, bool) { v, ok := vs(f); return len(v), ok }}
	at := func(f *Frame, i int) *cep.Value { v, _ := vs(f); return &v[i] }
	switch familyOf(elem) {
	case texts:
		l.strs = func(f *Frame, i int) (string, bool) { return at(f, i).Text, true }
	case wides:
		l.wides = func(f *Frame, i int) (cep.Wide, bool) { return at(f, i).Wide, true }
	case numbers:
		l.nums = func(f *Frame, i int) (float64, bool) { return cep.Number(at(f, i).Word), true }
	default:
		l.ints = func(f *Frame, i int) (int64, bool) { return int64(at(f, i).Word), true }
	}
	return l
}

// boundList is the list of a field over all events that a step has bound.
func (c *Compiler) boundList(e *dsl.Expr, elem cep.Kind) *list {
	s, step := c.capture(e), e.Step
	if s.kind == cep.KindList {
		bad(e, "a list of lists")
	}
	l := &list{elem: elem, n: func(f *Frame) (int, bool) {
		if f.Bound == nil {
			return 0, true
		}
		return f.Bound.Count(step), true
	}}
	at := func(f *Frame, i int) ([]uint64, bool) {
		rec := f.Bound.Record(step, i)
		return rec, rec[s.at]&s.bit != 0
	}
	switch familyOf(elem) {
	case texts:
		l.strs = func(f *Frame, i int) (string, bool) {
			rec, ok := at(f, i)
			if !ok {
				return "", false
			}
			return f.Syms.Str(slab.Symbol(rec[s.off])), true
		}
	case wides:
		l.wides = func(f *Frame, i int) (cep.Wide, bool) {
			rec, ok := at(f, i)
			return cep.Wide{rec[s.off], rec[s.off+1]}, ok
		}
	case numbers:
		l.nums = func(f *Frame, i int) (float64, bool) { rec, ok := at(f, i); return cep.Number(rec[s.off]), ok }
	default:
		l.ints = func(f *Frame, i int) (int64, bool) { rec, ok := at(f, i); return int64(rec[s.off]), ok }
	}
	return l
}

// listLit is a list that is written out with elements that are not constant.
func (c *Compiler) listLit(e *dsl.Expr, elem cep.Kind) *list {
	count := len(e.Args)
	l := &list{elem: elem, n: func(*Frame) (int, bool) { return count, true }}
	switch familyOf(elem) {
	case texts:
		vs := each(e.Args, c.strs)
		l.strs = func(f *Frame, i int) (string, bool) { return vs[i](f) }
	case wides:
		vs := each(e.Args, c.wides)
		l.wides = func(f *Frame, i int) (cep.Wide, bool) { return vs[i](f) }
	case numbers:
		vs := each(e.Args, c.nums)
		l.nums = func(f *Frame, i int) (float64, bool) { return vs[i](f) }
	default:
		vs := each(e.Args, c.ints)
		l.ints = func(f *Frame, i int) (int64, bool) { return vs[i](f) }
	}
	return l
}

func each[T any](es []*dsl.Expr, compile func(*dsl.Expr) fn[T]) []fn[T] {
	vs := make([]fn[T], len(es))
	for i, e := range es {
		vs[i] = compile(e)
	}
	return vs
}

// chosenList is a where is holds, else b.
func chosenList(elem cep.Kind, a, b *list, is Cond) *list {
	pick := func(f *Frame) *list {
		if is(f) {
			return a
		}
		return b
	}
	l := &list{elem: elem, n: func(f *Frame) (int, bool) { return pick(f).n(f) }}
	switch familyOf(elem) {
	case texts:
		l.strs = func(f *Frame, i int) (string, bool) { return pick(f).strs(f, i) }
	case wides:
		l.wides = func(f *Frame, i int) (cep.Wide, bool) { return pick(f).wides(f, i) }
	case numbers:
		l.nums = func(f *Frame, i int) (float64, bool) { return pick(f).nums(f, i) }
	default:
		l.ints = func(f *Frame, i int) (int64, bool) { return pick(f).ints(f, i) }
	}
	return l
}

// value copies an element.
func (l *list) value(f *Frame, i int, t cep.Type) (v cep.Value, ok bool) {
	v.Type = t
	switch familyOf(l.elem) {
	case texts:
		v.Text, ok = l.strs(f, i)
		v.Text = strings.Clone(v.Text)
	case wides:
		v.Wide, ok = l.wides(f, i)
	case numbers:
		var n float64
		n, ok = l.nums(f, i)
		v.Word = cep.NumberWord(n + 0)
	default:
		var n int64
		n, ok = l.ints(f, i)
		v.Word = cep.Word(n)
	}
	return v, ok
}

// encode returns the list's encoding, which is valid until the next; missing
// elements are left out.
func (l *list) encode(f *Frame, n int) string {
	f.scratch.list = append(f.scratch.list[:0], 0, 0, 0, 0)
	count := uint32(0)
	if l.strs != nil {
		end := uint32(0)
		for i := range n {
			if s, ok := l.strs(f, i); ok {
				end += uint32(len(s))
				f.scratch.list = binary.LittleEndian.AppendUint32(f.scratch.list, end)
				count++
			}
		}
		for i := range n {
			if s, ok := l.strs(f, i); ok {
				f.scratch.list = append(f.scratch.list, s...)
			}
		}
	} else {
		for i := range n {
			v, ok := l.value(f, i, cep.Type{})
			if !ok {
				continue
			}
			count++
			if l.wides != nil {
				w := v.Wide
				if l.elem == cep.KindPoint {
					w = plusZero(w)
				}
				f.scratch.list = binary.LittleEndian.AppendUint64(f.scratch.list, w[0])
				f.scratch.list = binary.LittleEndian.AppendUint64(f.scratch.list, w[1])
				continue
			}
			f.scratch.list = binary.LittleEndian.AppendUint64(f.scratch.list, v.Word)
		}
	}
	binary.LittleEndian.PutUint32(f.scratch.list, count)
	return view(f.scratch.list)
}
