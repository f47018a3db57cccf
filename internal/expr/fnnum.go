package expr

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/xmath"
)

// The functions of the catalogue, by the family of their result. "if" is not
// among them: it is compiled where values are, because only one of its values
// is looked at.
var (
	intFuncs  map[string]func(*Compiler, *dsl.Expr) fn[int64]
	numFuncs  map[string]func(*Compiler, *dsl.Expr) fn[float64]
	strFuncs  map[string]func(*Compiler, *dsl.Expr) fn[string]
	wideFuncs map[string]func(*Compiler, *dsl.Expr) fn[cep.Wide]
	boolFuncs map[string]func(*Compiler, *dsl.Expr) Cond
	listFuncs map[string]func(*Compiler, *dsl.Expr) *list
)

func init() { // not initialisers, for the functions compile their arguments
	intFuncs = map[string]func(*Compiler, *dsl.Expr) fn[int64]{
		"abs": absInt, "round": roundInt, "floor": floorInt, "ceil": ceilInt,
		"least": leastInt, "greatest": greatestInt, "int": toInt, "length": length,
		"time": timeOf, "year": calendar, "month": calendar, "day": calendar,
		"weekday": calendar, "hour": calendar, "minute": calendar,
	}
	numFuncs = map[string]func(*Compiler, *dsl.Expr) fn[float64]{
		"abs": number1(math.Abs), "floor": number1(math.Floor), "ceil": number1(math.Ceil), "round": roundNumber,
		"sqrt": number1(math.Sqrt), "log": number1(xmath.Log), "exp": number1(xmath.Exp), "pow": pow,
		"least": leastNumber, "greatest": greatestNumber, "number": toNumber,
		"days": inUnits(cep.Day), "hours": inUnits(cep.Hour), "minutes": inUnits(cep.Minute), "seconds": inUnits(cep.Second),
		"distance_km": distance, "similar": similar,
	}
	strFuncs = map[string]func(*Compiler, *dsl.Expr) fn[string]{
		"lower": lower, "upper": upper, "trim": trim, "replace": replace, "part": part, "left": left, "right": right,
	}
	wideFuncs = map[string]func(*Compiler, *dsl.Expr) fn[cep.Wide]{"point": point}
	boolFuncs = map[string]func(*Compiler, *dsl.Expr) Cond{"is_private": isPrivate}
	listFuncs = map[string]func(*Compiler, *dsl.Expr) *list{"split": split}
}

func call[T any](c *Compiler, e *dsl.Expr, funcs map[string]func(*Compiler, *dsl.Expr) T) T {
	compile, ok := funcs[e.Func.Name]
	if !ok {
		bad(e, "no function %s that gives %s", e.Func.Name, e.Type)
	}
	return compile(c, e)
}

func (c *Compiler) intCall(e *dsl.Expr) fn[int64]     { return call(c, e, intFuncs) }
func (c *Compiler) numCall(e *dsl.Expr) fn[float64]   { return call(c, e, numFuncs) }
func (c *Compiler) strCall(e *dsl.Expr) fn[string]    { return call(c, e, strFuncs) }
func (c *Compiler) wideCall(e *dsl.Expr) fn[cep.Wide] { return call(c, e, wideFuncs) }
func (c *Compiler) boolCall(e *dsl.Expr) Cond         { return call(c, e, boolFuncs) }
func (c *Compiler) listCall(e *dsl.Expr) *list        { return call(c, e, listFuncs) }

// counted builds a function of one count.
func counted(c *Compiler, e *dsl.Expr, op func(int64) (int64, bool)) fn[int64] {
	a := c.ints(e.Args[0])
	c.fails = true
	return func(f *Frame) (int64, bool) {
		v, ok := a(f)
		if !ok {
			return 0, false
		}
		v, ok = op(v)
		return done(f, v, true, ok)
	}
}

func absInt(c *Compiler, e *dsl.Expr) fn[int64] {
	return counted(c, e, func(v int64) (int64, bool) {
		if v < 0 {
			v = -v
		}
		return v, v >= 0
	})
}

// roundInt, floorInt and ceilInt round money; ints are whole already.
func roundInt(c *Compiler, e *dsl.Expr) fn[int64] {
	if e.Type.Kind != cep.KindMoney {
		return c.ints(e.Args[0])
	}
	unit := int64(cep.MoneyScale)
	for range digits(e) {
		unit /= 10
	}
	return counted(c, e, func(v int64) (int64, bool) {
		q, _ := cep.DivRound(v, unit)
		return cep.MulInt(q, unit)
	})
}

// digits is the second argument of round, 0 if left out.
func digits(e *dsl.Expr) int {
	if len(e.Args) < 2 {
		return 0
	}
	return int(e.Args[1].Const.Word)
}

func floorInt(c *Compiler, e *dsl.Expr) fn[int64] {
	if e.Type.Kind != cep.KindMoney {
		return c.ints(e.Args[0])
	}
	return counted(c, e, floorMoney)
}

func ceilInt(c *Compiler, e *dsl.Expr) fn[int64] {
	if e.Type.Kind != cep.KindMoney {
		return c.ints(e.Args[0])
	}
	return counted(c, e, func(v int64) (int64, bool) {
		v, ok := floorMoney(-v) // of the smallest amount this is itself, whose floor does not fit either
		return -v, ok
	})
}

func floorMoney(v int64) (int64, bool) {
	rest := v % cep.MoneyScale
	if rest < 0 {
		rest += cep.MoneyScale
	}
	return subInt(v, rest)
}

func leastInt(c *Compiler, e *dsl.Expr) fn[int64] {
	return extreme(each(e.Args, c.ints), func(a, b int64) bool { return a < b })
}

func greatestInt(c *Compiler, e *dsl.Expr) fn[int64] {
	return extreme(each(e.Args, c.ints), func(a, b int64) bool { return a > b })
}

func leastNumber(c *Compiler, e *dsl.Expr) fn[float64] {
	return extreme(each(e.Args, c.nums), func(a, b float64) bool { return a < b })
}

func greatestNumber(c *Compiler, e *dsl.Expr) fn[float64] {
	return extreme(each(e.Args, c.nums), func(a, b float64) bool { return a > b })
}

// extreme picks the argument that is before all others; missing if one is.
func extreme[T any](vs []fn[T], before func(a, b T) bool) fn[T] {
	return func(f *Frame) (best T, ok bool) {
		for i, v := range vs {
			x, ok := v(f)
			if !ok {
				return best, false
			}
			if i == 0 || before(x, best) {
				best = x
			}
		}
		return best, true
	}
}

// toInt is int(x): of a number or a text, the decimals cut off.
func toInt(c *Compiler, e *dsl.Expr) fn[int64] {
	switch arg := e.Args[0]; familyOf(arg.Type.Kind) {
	case numbers:
		a := c.nums(arg)
		c.fails = true
		return func(f *Frame) (int64, bool) {
			v, ok := a(f)
			return done(f, int64(v), ok, v >= -0x1p63 && v < 0x1p63)
		}
	case texts:
		a := c.strs(arg)
		c.fails = true
		return func(f *Frame) (int64, bool) {
			s, ok := a(f)
			if !ok {
				return 0, false
			}
			d, isNumber := cep.ParseDecimal(s)
			v, err := d.Floor(0)
			return done(f, v, true, isNumber && err == nil)
		}
	default:
		return c.ints(arg)
	}
}

// number1 builds a function of one number.
func number1(op func(float64) float64) func(*Compiler, *dsl.Expr) fn[float64] {
	return func(c *Compiler, e *dsl.Expr) fn[float64] {
		a := c.nums(e.Args[0])
		c.fails = true
		return func(f *Frame) (float64, bool) {
			v, ok := a(f)
			if !ok {
				return 0, false
			}
			return finite(f, op(v))
		}
	}
}

func pow(c *Compiler, e *dsl.Expr) fn[float64] { return c.numPair(e, xmath.Pow) }

// roundNumber rounds the exact value of a float to so many decimals, half to
// even; through its decimal digits, because a power of ten times the float
// would be rounded before the rounding.
func roundNumber(c *Compiler, e *dsl.Expr) fn[float64] {
	n := digits(e)
	if n == 0 {
		return number1(math.RoundToEven)(c, e)
	}
	return number1(func(v float64) float64 {
		if math.Abs(v) >= 1<<52 {
			return v
		}
		var buf [32]byte
		b := strconv.AppendFloat(buf[:0], v, 'f', n, 64)
		v, _ = strconv.ParseFloat(unsafe.String(&b[0], len(b)), 64)
		return v
	})(c, e)
}

func toNumber(c *Compiler, e *dsl.Expr) fn[float64] {
	switch arg := e.Args[0]; arg.Type.Kind {
	case cep.KindMoney:
		a := c.ints(arg)
		return func(f *Frame) (float64, bool) { v, ok := a(f); return float64(v) / cep.MoneyScale, ok }
	case cep.KindString:
		a := c.strs(arg)
		c.fails = true
		return func(f *Frame) (float64, bool) {
			s, ok := a(f)
			if !ok {
				return 0, false
			}
			v, isNumber := 0.0, false
			if d, ok := cep.ParseDecimal(s); ok {
				v, isNumber = d.Float(s)
			}
			if !isNumber {
				f.fail()
			}
			return v, isNumber
		}
	case cep.KindNumber:
		return c.nums(arg)
	default:
		a := c.ints(arg)
		return func(f *Frame) (float64, bool) { v, ok := a(f); return float64(v), ok }
	}
}

// inUnits builds hours(d) and the like.
func inUnits(unit int64) func(*Compiler, *dsl.Expr) fn[float64] {
	return func(c *Compiler, e *dsl.Expr) fn[float64] {
		a := c.ints(e.Args[0])
		return func(f *Frame) (float64, bool) { v, ok := a(f); return float64(v) / float64(unit), ok }
	}
}
