package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// cond compiles a bool; where it is missing it is false.
func (c *Compiler) cond(e *dsl.Expr) Cond {
	if e.Type.Kind != cep.KindBool {
		bad(e, "not a condition but %s", e.Type)
	}
	switch e.Op {
	case dsl.OpConst:
		if e.Const.Word != 0 && !e.Const.Missing {
			return always
		}
		return never
	case dsl.OpAnd:
		return and(c.terms(e.Args))
	case dsl.OpOr:
		return or(c.conds(e.Args))
	case dsl.OpNot:
		return not(c.cond(e.Args[0]))
	case dsl.OpEq, dsl.OpNe, dsl.OpLt, dsl.OpLe, dsl.OpGt, dsl.OpGe:
		return c.comparison(e)
	case dsl.OpIsPresent:
		return c.present(e.Args[0])
	case dsl.OpIsMissing:
		return not(c.present(e.Args[0]))
	case dsl.OpIn:
		return c.in(e)
	case dsl.OpInNet:
		return c.inNet(e)
	case dsl.OpContains, dsl.OpStarts, dsl.OpEnds, dsl.OpLike, dsl.OpILike, dsl.OpMatches:
		return c.textTest(e)
	case dsl.OpTableHas:
		row := c.row(e)
		return func(f *Frame) bool { _, r := row(f); return r >= 0 }
	case dsl.OpElse:
		a, b := c.maybeBool(e.Args[0]), c.cond(e.Args[1])
		return func(f *Frame) bool {
			if v, ok := a(f); ok {
				return v != 0
			}
			return b(f)
		}
	case dsl.OpCall:
		if e.Func.Name == "if" {
			is, a, b := c.cond(e.Args[0]), c.cond(e.Args[1]), c.cond(e.Args[2])
			return func(f *Frame) bool {
				if is(f) {
					return a(f)
				}
				return b(f)
			}
		}
		return c.boolCall(e)
	}
	if v := c.intLeaf(e); v != nil {
		return func(f *Frame) bool { w, ok := v(f); return ok && w != 0 }
	}
	bad(e, "no such condition")
	return nil
}

// maybeBool compiles a bool that may be missing.
func (c *Compiler) maybeBool(e *dsl.Expr) fn[int64] {
	if v := c.intLeaf(e); v != nil {
		return v
	}
	switch {
	case e.Op == dsl.OpElse:
		return orElse(c.maybeBool(e.Args[0]), c.maybeBool(e.Args[1]))
	case e.Op == dsl.OpCall && e.Func.Name == "if":
		return choose(c.cond(e.Args[0]), c.maybeBool(e.Args[1]), c.maybeBool(e.Args[2]))
	}
	is := c.cond(e)
	return func(f *Frame) (int64, bool) {
		if is(f) {
			return 1, true
		}
		return 0, true
	}
}

func orElse[T any](a, b fn[T]) fn[T] {
	return func(f *Frame) (T, bool) {
		if v, ok := a(f); ok {
			return v, true
		}
		return b(f)
	}
}

func choose[T any](is Cond, a, b fn[T]) fn[T] {
	return func(f *Frame) (T, bool) {
		if is(f) {
			return a(f)
		}
		return b(f)
	}
}

func (c *Compiler) conds(es []*dsl.Expr) []Cond {
	cs := make([]Cond, len(es))
	for i, e := range es {
		cs[i] = c.cond(e)
	}
	return cs
}

// terms compiles the operands of an "and". Neighbours that bound one field, as
// "between" does, become one range.
func (c *Compiler) terms(es []*dsl.Expr) []Cond {
	var cs []Cond
	for i := 0; i < len(es); i++ {
		s, of, ok := c.span(es[i])
		if !ok || of.Op != dsl.OpField || s.not {
			cs = append(cs, c.cond(es[i]))
			continue
		}
		for i+1 < len(es) {
			t, next, ok := c.span(es[i+1])
			if !ok || next.Op != dsl.OpField || next.Index != of.Index || t.not {
				break
			}
			s.lo, s.hi = max(s.lo, t.lo), min(s.hi, t.hi)
			i++
		}
		cs = append(cs, c.within(of, s))
	}
	return cs
}

func not(a Cond) Cond { return func(f *Frame) bool { return !a(f) } }

func and(cs []Cond) Cond {
	switch len(cs) {
	case 0:
		return always
	case 1:
		return cs[0]
	case 2:
		a, b := cs[0], cs[1]
		return func(f *Frame) bool { return a(f) && b(f) }
	case 3:
		a, b, c := cs[0], cs[1], cs[2]
		return func(f *Frame) bool { return a(f) && b(f) && c(f) }
	case 4:
		a, b, c, d := cs[0], cs[1], cs[2], cs[3]
		return func(f *Frame) bool { return a(f) && b(f) && c(f) && d(f) }
	}
	return func(f *Frame) bool {
		for _, c := range cs {
			if !c(f) {
				return false
			}
		}
		return true
	}
}

func or(cs []Cond) Cond {
	switch len(cs) {
	case 0:
		return never
	case 1:
		return cs[0]
	case 2:
		a, b := cs[0], cs[1]
		return func(f *Frame) bool { return a(f) || b(f) }
	case 3:
		a, b, c := cs[0], cs[1], cs[2]
		return func(f *Frame) bool { return a(f) || b(f) || c(f) }
	}
	return func(f *Frame) bool {
		for _, c := range cs {
			if c(f) {
				return true
			}
		}
		return false
	}
}

// present compiles "e is present".
func (c *Compiler) present(e *dsl.Expr) Cond {
	switch {
	case e.Op == dsl.OpField:
		l := c.field(e)
		return func(f *Frame) bool { _, ok := l.load(f); return ok }
	case e.Op == dsl.OpBound:
		l := c.bound(e)
		return func(f *Frame) bool { return l.record(f) != nil }
	case e.Type.Kind == cep.KindBool:
		return known(c.maybeBool(e))
	}
	switch familyOf(e.Type.Kind) {
	case counts:
		return known(c.ints(e))
	case numbers:
		return known(c.nums(e))
	case texts:
		return known(c.strs(e))
	case wides:
		return known(c.wides(e))
	}
	l := c.list(e)
	return func(f *Frame) bool { _, ok := l.n(f); return ok }
}

func known[T any](v fn[T]) Cond { return func(f *Frame) bool { _, ok := v(f); return ok } }
