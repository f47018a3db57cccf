package expr

import (
	"math"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// ints compiles a value of the family of counts.
func (c *Compiler) ints(e *dsl.Expr) fn[int64] {
	if familyOf(e.Type.Kind) != counts {
		bad(e, "%s is not a count", e.Type)
	}
	if e.Op == dsl.OpConst && !e.Const.Missing {
		n := int64(e.Const.Word)
		return func(*Frame) (int64, bool) { return n, true }
	}
	if e.Type.Kind == cep.KindBool {
		return c.maybeBool(e)
	}
	if v := c.intLeaf(e); v != nil {
		return v
	}
	switch e.Op {
	case dsl.OpElse:
		return orElse(c.ints(e.Args[0]), c.ints(e.Args[1]))
	case dsl.OpBoundAgg:
		return c.intFold(e)
	case dsl.OpCall:
		if e.Func.Name == "if" {
			return choose(c.cond(e.Args[0]), c.ints(e.Args[1]), c.ints(e.Args[2]))
		}
		return c.intCall(e)
	case dsl.OpNeg:
		a := c.ints(e.Args[0])
		c.fails = true
		return func(f *Frame) (int64, bool) {
			v, ok := a(f)
			return done(f, -v, ok, v != math.MinInt64)
		}
	case dsl.OpAdd, dsl.OpSub, dsl.OpMod:
		return c.intPair(e)
	case dsl.OpMul, dsl.OpDiv:
		return c.scaled(e)
	}
	bad(e, "no such %s", e.Type)
	return nil
}

// done is the end of an operation on a value: missing if an operand was, failed
// if it could not be computed.
func done(f *Frame, v int64, present, computed bool) (int64, bool) {
	if !present {
		return 0, false
	}
	if !computed {
		f.fail()
		return 0, false
	}
	return v, true
}

// intPair compiles sums, differences and remainders of two counts.
func (c *Compiler) intPair(e *dsl.Expr) fn[int64] {
	a, b := c.ints(e.Args[0]), c.ints(e.Args[1])
	c.fails = true
	var op func(x, y int64) (int64, bool)
	switch e.Op {
	case dsl.OpAdd:
		op = addInt
	case dsl.OpSub:
		op = subInt
	default:
		op = modInt
	}
	return both(a, b, op)
}

// both applies op to two operands.
func both(a, b fn[int64], op func(x, y int64) (int64, bool)) fn[int64] {
	return func(f *Frame) (int64, bool) {
		x, ok := a(f)
		if !ok {
			return 0, false
		}
		y, ok := b(f)
		if !ok {
			return 0, false
		}
		v, ok := op(x, y)
		return done(f, v, true, ok)
	}
}

func addInt(a, b int64) (int64, bool) {
	s := a + b
	return s, (a^s)&(b^s) >= 0
}

func subInt(a, b int64) (int64, bool) {
	d := a - b
	return d, (a^b)&(a^d) >= 0
}

// modInt is the remainder with the sign of a.
func modInt(a, b int64) (int64, bool) {
	switch b {
	case 0:
		return 0, false
	case -1:
		return 0, true // of the smallest int the processor would trap
	}
	return a % b, true
}

// scaled compiles products and quotients that are counts: int × int, and
// money or a duration times or by a number. Where the number is an int, no
// float stands in between. The sides are evaluated as they are written.
func (c *Compiler) scaled(e *dsl.Expr) fn[int64] {
	l, r := plainInt(e.Args[0]), plainInt(e.Args[1])
	c.fails = true
	mul := e.Op == dsl.OpMul
	switch lc, rc := familyOf(l.Type.Kind) == counts, familyOf(r.Type.Kind) == counts; {
	case lc && rc && mul:
		return both(c.ints(l), c.ints(r), cep.MulInt)
	case lc && rc:
		return both(c.ints(l), c.ints(r), cep.DivRound)
	case lc && mul:
		return mixed(c.ints(l), c.nums(r), cep.MulNumber)
	case lc:
		return mixed(c.ints(l), c.nums(r), cep.DivNumber)
	case rc && mul:
		return mixed(c.nums(l), c.ints(r), func(x float64, y int64) (int64, bool) { return cep.MulNumber(y, x) })
	}
	bad(e, "no such %s", e.Type)
	return nil
}

// plainInt is the int under an OpToNumber.
func plainInt(e *dsl.Expr) *dsl.Expr {
	if e.Op == dsl.OpToNumber {
		return e.Args[0]
	}
	return e
}

// mixed applies op to a count and a number.
func mixed[A, B int64 | float64](a fn[A], b fn[B], op func(A, B) (int64, bool)) fn[int64] {
	return func(f *Frame) (int64, bool) {
		x, ok := a(f)
		if !ok {
			return 0, false
		}
		y, ok := b(f)
		if !ok {
			return 0, false
		}
		v, ok := op(x, y)
		return done(f, v, true, ok)
	}
}
