package dsl

import (
	"math"

	"github.com/weir-cep/weir/cep"
)

// fold computes an expression of constants, as far as it can be done exactly
// as at run time: arithmetic, negation, comparison and logic of literals. What
// it cannot compute (or what overflows) it returns unchanged.
func fold(e *Expr) *Expr {
	for _, a := range e.Args {
		if a.Op != OpConst || a.Const.Missing || a.Type.Kind == cep.KindNone {
			return e
		}
	}
	v, ok := cep.Value{}, false
	switch e.Op {
	case OpNeg:
		v, ok = foldNeg(e.Args[0])
	case OpAdd, OpSub, OpMul, OpDiv:
		v, ok = foldArith(e.Op, e.Args[0], e.Args[1])
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe:
		v, ok = foldCompare(e.Op, e.Args[0], e.Args[1])
	case OpNot:
		v, ok = word(boolType, 1-e.Args[0].Const.Word), true
	}
	if !ok {
		return e
	}
	v.Type = e.Type
	return &Expr{Op: OpConst, Type: e.Type, Const: v, Span: e.Span}
}

func word(t cep.Type, w cep.Word) cep.Value { return cep.Value{Type: t, Word: w} }

func foldNeg(a *Expr) (cep.Value, bool) {
	switch a.Type.Kind {
	case cep.KindNumber:
		return word(a.Type, cep.NumberWord(-cep.Number(a.Const.Word))), true
	case cep.KindInt, cep.KindMoney, cep.KindDuration:
		n := int64(a.Const.Word)
		return word(a.Type, cep.Word(-n)), n != math.MinInt64
	}
	return cep.Value{}, false
}

// scaled says that a kind's word is a plain integer.
func scaled(k cep.Kind) bool {
	return k == cep.KindInt || k == cep.KindMoney || k == cep.KindDuration || k == cep.KindTimestamp
}

func foldArith(op Op, a, b *Expr) (cep.Value, bool) {
	x, y := a.Const.Word, b.Const.Word
	ka, kb := a.Type.Kind, b.Type.Kind
	if ka == cep.KindNumber && kb == cep.KindNumber {
		return foldNumbers(op, cep.Number(x), cep.Number(y))
	}
	i, j := int64(x), int64(y)
	switch {
	case scaled(ka) && scaled(kb):
		switch op {
		case OpAdd:
			s := i + j
			return word(a.Type, cep.Word(s)), (s > i) == (j > 0)
		case OpSub:
			s := i - j
			return word(a.Type, cep.Word(s)), (s < i) == (j > 0)
		case OpMul:
			p, ok := cep.MulInt(i, j)
			return word(a.Type, cep.Word(p)), ok && ka == cep.KindInt && kb == cep.KindInt
		}
	case scaled(ka) && kb == cep.KindNumber && op == OpMul:
		p, ok := cep.MulNumber(i, cep.Number(y))
		return word(a.Type, cep.Word(p)), ok
	case ka == cep.KindNumber && scaled(kb) && op == OpMul:
		p, ok := cep.MulNumber(j, cep.Number(x))
		return word(b.Type, cep.Word(p)), ok
	case scaled(ka) && kb == cep.KindNumber && op == OpDiv:
		q, ok := cep.DivNumber(i, cep.Number(y))
		return word(a.Type, cep.Word(q)), ok
	}
	return cep.Value{}, false
}

func foldNumbers(op Op, x, y float64) (cep.Value, bool) {
	var f float64
	switch op {
	case OpAdd:
		f = x + y
	case OpSub:
		f = x - y
	case OpMul:
		f = x * y
	case OpDiv:
		f = x / y
	}
	return word(numberType, cep.NumberWord(f)), !math.IsNaN(f) && !math.IsInf(f, 0)
}

func foldCompare(op Op, a, b *Expr) (cep.Value, bool) {
	c, ok := compareConst(a, b)
	if !ok {
		return cep.Value{}, false
	}
	var hold bool
	switch op {
	case OpEq:
		hold = c == 0
	case OpNe:
		hold = c != 0
	case OpLt:
		hold = c < 0
	case OpLe:
		hold = c <= 0
	case OpGt:
		hold = c > 0
	case OpGe:
		hold = c >= 0
	}
	w := cep.Word(0)
	if hold {
		w = 1
	}
	return word(boolType, w), true
}

// compareConst orders two constants of one type; of kinds without an order it
// only tells equal (0) from different.
func compareConst(a, b *Expr) (int, bool) {
	if !a.Type.Required().Equal(b.Type.Required()) {
		return 0, false
	}
	switch a.Type.Kind {
	case cep.KindNumber:
		x, y := cep.Number(a.Const.Word), cep.Number(b.Const.Word)
		return sign(x < y, x > y), true
	case cep.KindInt, cep.KindMoney, cep.KindDuration, cep.KindTimestamp:
		x, y := int64(a.Const.Word), int64(b.Const.Word)
		return sign(x < y, x > y), true
	case cep.KindSeverity, cep.KindEnum, cep.KindBool:
		return sign(a.Const.Word < b.Const.Word, a.Const.Word > b.Const.Word), true
	case cep.KindString:
		return sign(a.Const.Text < b.Const.Text, a.Const.Text > b.Const.Text), true
	case cep.KindIP:
		return sign(false, a.Const.Wide != b.Const.Wide), true
	}
	return 0, false
}

func sign(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}
