package expr

import (
	"cmp"
	"math"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// comparison compiles the six comparisons. A missing side makes all of them
// false, but != true.
func (c *Compiler) comparison(e *dsl.Expr) Cond {
	l, r := e.Args[0], e.Args[1]
	if familyOf(l.Type.Kind) != familyOf(r.Type.Kind) {
		bad(e, "%s and %s have nothing to compare", l.Type, r.Type)
	}
	switch familyOf(l.Type.Kind) {
	case counts:
		if span, of, ok := c.span(e); ok {
			return c.within(of, span)
		}
		return compare(e, c.ints(l), c.ints(r))
	case numbers:
		if r.Op == dsl.OpConst && !r.Const.Missing {
			return compareConst(e.Op, c.nums(l), cep.Number(r.Const.Word))
		}
		return compare(e, c.nums(l), c.nums(r))
	case texts:
		if cond := c.textConst(e); cond != nil {
			return cond
		}
		return compare(e, c.strs(l), c.strs(r))
	case wides:
		return compareWide(e, c.wides(l), c.wides(r))
	}
	return c.compareLists(e)
}

func compare[T cmp.Ordered](e *dsl.Expr, l, r fn[T]) Cond {
	switch e.Op {
	case dsl.OpEq:
		return func(f *Frame) bool {
			a, ok := l(f)
			if !ok {
				return false
			}
			b, ok := r(f)
			return ok && a == b
		}
	case dsl.OpNe:
		return func(f *Frame) bool {
			a, ok := l(f)
			if !ok {
				return true
			}
			b, ok := r(f)
			return !ok || a != b
		}
	case dsl.OpLt:
		return func(f *Frame) bool {
			a, ok := l(f)
			if !ok {
				return false
			}
			b, ok := r(f)
			return ok && a < b
		}
	case dsl.OpLe:
		return func(f *Frame) bool {
			a, ok := l(f)
			if !ok {
				return false
			}
			b, ok := r(f)
			return ok && a <= b
		}
	case dsl.OpGt:
		return func(f *Frame) bool {
			a, ok := l(f)
			if !ok {
				return false
			}
			b, ok := r(f)
			return ok && a > b
		}
	default:
		return func(f *Frame) bool {
			a, ok := l(f)
			if !ok {
				return false
			}
			b, ok := r(f)
			return ok && a >= b
		}
	}
}

func compareConst(op dsl.Op, l fn[float64], k float64) Cond {
	switch op {
	case dsl.OpEq:
		return func(f *Frame) bool { a, ok := l(f); return ok && a == k }
	case dsl.OpNe:
		return func(f *Frame) bool { a, ok := l(f); return !ok || a != k }
	case dsl.OpLt:
		return func(f *Frame) bool { a, ok := l(f); return ok && a < k }
	case dsl.OpLe:
		return func(f *Frame) bool { a, ok := l(f); return ok && a <= k }
	case dsl.OpGt:
		return func(f *Frame) bool { a, ok := l(f); return ok && a > k }
	default:
		return func(f *Frame) bool { a, ok := l(f); return ok && a >= k }
	}
}

// compareWide compares ips by address and points by their coordinates. Only
// equality is defined.
func compareWide(e *dsl.Expr, l, r fn[cep.Wide]) Cond {
	ne := e.Op == dsl.OpNe
	if !ne && e.Op != dsl.OpEq {
		bad(e, "%s has no order", e.Args[0].Type)
	}
	point := e.Args[0].Type.Kind == cep.KindPoint
	return func(f *Frame) bool {
		a, ok := l(f)
		if !ok {
			return ne
		}
		b, ok := r(f)
		if !ok {
			return ne
		}
		if point {
			a, b = plusZero(a), plusZero(b)
		}
		return (a == b) != ne
	}
}

const maxInt = math.MaxInt64

// span is a range of counts, both ends included; empty if lo > hi. Where not is
// set it is what lies outside, missing included.
type span struct {
	lo, hi int64
	not    bool
}

// span reads a comparison of a count with a constant as a range of the other
// side: the six operators become one test.
func (c *Compiler) span(e *dsl.Expr) (s span, of *dsl.Expr, ok bool) {
	if len(e.Args) != 2 || familyOf(e.Args[0].Type.Kind) != counts {
		return span{}, nil, false
	}
	of, k, op := e.Args[0], e.Args[1], e.Op
	if of.Op == dsl.OpConst {
		of, k, op = k, of, mirror(op)
	}
	if k.Op != dsl.OpConst || k.Const.Missing {
		return span{}, nil, false
	}
	v := int64(k.Const.Word)
	s = span{lo: math.MinInt64, hi: maxInt}
	empty := span{lo: 1, hi: 0}
	switch op {
	case dsl.OpEq:
		s.lo, s.hi = v, v
	case dsl.OpNe:
		s = span{v, v, true}
	case dsl.OpLt:
		if v == math.MinInt64 {
			s = empty
		} else {
			s.hi = v - 1
		}
	case dsl.OpLe:
		s.hi = v
	case dsl.OpGt:
		if v == math.MaxInt64 {
			s = empty
		} else {
			s.lo = v + 1
		}
	case dsl.OpGe:
		s.lo = v
	default:
		return span{}, nil, false
	}
	return s, of, true
}

// mirror is the operator that says the same with its sides exchanged.
func mirror(op dsl.Op) dsl.Op {
	switch op {
	case dsl.OpLt:
		return dsl.OpGt
	case dsl.OpLe:
		return dsl.OpGe
	case dsl.OpGt:
		return dsl.OpLt
	case dsl.OpGe:
		return dsl.OpLe
	}
	return op
}

// within compiles "of lies in the span". One unsigned comparison tests both
// ends: v - lo wraps around where v < lo.
func (c *Compiler) within(of *dsl.Expr, s span) Cond {
	lo, width := uint64(s.lo), uint64(s.hi)-uint64(s.lo)
	if s.lo > s.hi {
		v := c.ints(of)
		return func(f *Frame) bool { v(f); return false } // it may still fail
	}
	if of.Op == dsl.OpBoundAgg && of.Agg == dsl.AggDistinct {
		if cond, ok := c.distinctWithin(of, s); ok {
			return cond
		}
	}
	if of.Op == dsl.OpField {
		l := c.field(of)
		switch i := l.index; {
		case s.not && l.required:
			return func(f *Frame) bool { return f.Table == nil || f.Table.Cols[i].Words[f.Row] != lo }
		case s.not:
			return func(f *Frame) bool { w, ok := l.load(f); return !ok || w != lo }
		case l.required && width == 0:
			return func(f *Frame) bool { return f.Table != nil && f.Table.Cols[i].Words[f.Row] == lo }
		case l.required:
			return func(f *Frame) bool { return f.Table != nil && f.Table.Cols[i].Words[f.Row]-lo <= width }
		default:
			return func(f *Frame) bool { w, ok := l.load(f); return ok && w-lo <= width }
		}
	}
	v := c.ints(of)
	if s.not {
		return func(f *Frame) bool { w, ok := v(f); return !ok || uint64(w) != lo }
	}
	return func(f *Frame) bool { w, ok := v(f); return ok && uint64(w)-lo <= width }
}

// textConst compiles the equality of a field with a constant string, the most
// common test of all; nil if e is something else.
func (c *Compiler) textConst(e *dsl.Expr) Cond {
	l, r := e.Args[0], e.Args[1]
	if l.Op == dsl.OpConst {
		l, r = r, l
	}
	if l.Op != dsl.OpField || r.Op != dsl.OpConst || r.Const.Missing {
		return nil
	}
	at, k := c.field(l), r.Const.Text
	switch e.Op {
	case dsl.OpEq:
		return func(f *Frame) bool { w, ok := at.load(f); return ok && f.Batch.Str(w) == k }
	case dsl.OpNe:
		return func(f *Frame) bool { w, ok := at.load(f); return !ok || f.Batch.Str(w) != k }
	}
	return nil
}
