package expr

import (
	"math"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// nums compiles a number. Every operation checks its result: an infinity or a
// NaN never leaves it.
func (c *Compiler) nums(e *dsl.Expr) fn[float64] {
	if e.Type.Kind != cep.KindNumber {
		bad(e, "%s is not a number", e.Type)
	}
	if e.Op == dsl.OpConst && !e.Const.Missing {
		n := cep.Number(e.Const.Word)
		return func(*Frame) (float64, bool) { return n, true }
	}
	if v := c.numLeaf(e); v != nil {
		return v
	}
	switch e.Op {
	case dsl.OpToNumber:
		a := c.ints(e.Args[0])
		return func(f *Frame) (float64, bool) { v, ok := a(f); return float64(v), ok }
	case dsl.OpElse:
		return orElse(c.nums(e.Args[0]), c.nums(e.Args[1]))
	case dsl.OpBoundAgg:
		return c.numFold(e)
	case dsl.OpCall:
		if e.Func.Name == "if" {
			return choose(c.cond(e.Args[0]), c.nums(e.Args[1]), c.nums(e.Args[2]))
		}
		return c.numCall(e)
	case dsl.OpNeg:
		a := c.nums(e.Args[0])
		return func(f *Frame) (float64, bool) { v, ok := a(f); return 0 - v, ok }
	case dsl.OpAdd:
		return c.numPair(e, func(x, y float64) float64 { return x + y })
	case dsl.OpSub:
		return c.numPair(e, func(x, y float64) float64 { return x - y })
	case dsl.OpMul:
		return c.numPair(e, func(x, y float64) float64 { return float64(x * y) })
	case dsl.OpDiv:
		if familyOf(e.Args[0].Type.Kind) == counts {
			return c.ratio(e)
		}
		return c.numPair(e, func(x, y float64) float64 { return x / y })
	case dsl.OpMod:
		return c.numPair(e, math.Mod)
	}
	bad(e, "no such number")
	return nil
}

// numPair compiles an operation on two numbers. The operation is a call of its
// own, so that the compiler cannot fuse it with another.
func (c *Compiler) numPair(e *dsl.Expr, op func(x, y float64) float64) fn[float64] {
	a, b := c.nums(e.Args[0]), c.nums(e.Args[1])
	c.fails = true
	return func(f *Frame) (float64, bool) {
		x, ok := a(f)
		if !ok {
			return 0, false
		}
		y, ok := b(f)
		if !ok {
			return 0, false
		}
		return finite(f, op(x, y))
	}
}

// finite passes a result on, -0 as 0, or fails.
func finite(f *Frame, v float64) (float64, bool) {
	if v-v != 0 { // infinities and NaN
		f.fail()
		return 0, false
	}
	return v + 0, true
}

// ratio compiles money ÷ money and duration ÷ duration.
func (c *Compiler) ratio(e *dsl.Expr) fn[float64] {
	a, b := c.ints(e.Args[0]), c.ints(e.Args[1])
	c.fails = true
	return func(f *Frame) (float64, bool) {
		x, ok := a(f)
		if !ok {
			return 0, false
		}
		y, ok := b(f)
		if !ok {
			return 0, false
		}
		return finite(f, quotient(x, y))
	}
}
