package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// compareLists compares two lists element by element, in order.
func (c *Compiler) compareLists(e *dsl.Expr) Cond {
	ne := e.Op == dsl.OpNe
	if !ne && e.Op != dsl.OpEq {
		bad(e, "a list has no order")
	}
	a, b := c.list(e.Args[0]), c.list(e.Args[1])
	var same func(*Frame, int) bool
	switch familyOf(a.elem) {
	case texts:
		same = sameAt(a.strs, b.strs)
	case wides:
		same = sameAt(a.wides, b.wides)
		if a.elem == cep.KindPoint {
			same = func(f *Frame, i int) bool {
				x, ok := a.wides(f, i)
				y, too := b.wides(f, i)
				return ok == too && plusZero(x) == plusZero(y)
			}
		}
	case numbers:
		same = sameAt(a.nums, b.nums)
	default:
		same = sameAt(a.ints, b.ints)
	}
	return func(f *Frame) bool {
		n, ok := a.n(f)
		if !ok {
			return ne
		}
		m, ok := b.n(f)
		if !ok {
			return ne
		}
		equal := n == m
		for i := 0; equal && i < n; i++ {
			equal = same(f, i)
		}
		return equal != ne
	}
}

func sameAt[T comparable](a, b func(*Frame, int) (T, bool)) func(*Frame, int) bool {
	return func(f *Frame, i int) bool {
		x, ok := a(f, i)
		y, too := b(f, i)
		return ok == too && x == y
	}
}
