package dsl

import (
	"encoding/binary"
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// structure spells an expression so that two have one spelling exactly if they
// mean the same in one place. Unlike String it tells leaves apart by where
// their value comes from, and it leaves out whether a value may be missing:
// narrowing must not make two of one.
func structure(e *Expr) string { return string(appendStructure(nil, e)) }

func appendStructure(dst []byte, e *Expr) []byte {
	dst = append(append(strconv.AppendInt(dst, int64(e.Op), 10), ':'), e.Type.Required().String()...)
	num := func(n int) { dst = strconv.AppendInt(append(dst, '.'), int64(n), 10) }
	switch e.Op {
	case OpConst:
		dst = appendConst(append(dst, '='), e.Const)
	case OpField, OpKey, OpAgg, OpFeature:
		num(e.Index)
	case OpBound:
		num(e.Step)
		num(e.Index)
		num(int(e.Which))
	case OpBoundList:
		num(e.Step)
		num(e.Index)
	case OpBoundCount:
		num(e.Step)
	case OpBoundAgg:
		num(e.Step)
		num(e.Index)
		num(int(e.Agg))
		dst = appendConst(append(dst, '='), e.Const)
	case OpParam:
		dst = append(append(dst, '.'), e.Param.Name...)
	case OpList:
		dst = append(append(dst, '.'), e.List.Name...)
	case OpTableHas:
		dst = append(append(dst, '.'), e.Table.Name...)
	case OpTableCell:
		dst = append(append(dst, '.'), e.Table.Name...)
		num(e.Index)
	case OpCall:
		dst = append(append(dst, '.'), e.Func.Name...)
	}
	dst = append(dst, '(')
	for _, a := range e.Args {
		dst = append(appendStructure(dst, a), ',')
	}
	return append(dst, ')')
}

// appendConst writes a value with its type and exact content.
func appendConst(dst []byte, v cep.Value) []byte {
	dst = append(dst, v.Type.Required().String()...)
	if v.Missing {
		return append(dst, '-')
	}
	switch v.Type.Kind {
	case cep.KindString:
		return strconv.AppendQuote(dst, v.Text)
	case cep.KindIP, cep.KindPoint:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, v.Wide[0]), v.Wide[1])
	case cep.KindList:
		dst = append(dst, '[')
		for _, el := range v.List {
			dst = append(appendConst(dst, el), ',')
		}
		return append(dst, ']')
	}
	return strconv.AppendUint(dst, v.Word, 16)
}

// walk visits e and everything below it.
func walk(e *Expr, visit func(*Expr)) {
	if e == nil {
		return
	}
	visit(e)
	for _, a := range e.Args {
		walk(a, visit)
	}
}

// has reports whether e or anything below it satisfies f.
func has(e *Expr, f func(*Expr) bool) bool {
	found := false
	walk(e, func(x *Expr) { found = found || f(x) })
	return found
}
