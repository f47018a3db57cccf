package dsl

import (
	"strconv"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// The levels of precedence, loosest first; an operand of a looser level than
// its place needs parentheses.
const (
	precOr = iota + 1
	precAnd
	precNot
	precCmp
	precSum
	precProd
	precElse
	precNeg
	precPrimary
)

var opPrec = map[Op]int{
	OpOr: precOr, OpAnd: precAnd, OpNot: precNot,
	OpEq: precCmp, OpNe: precCmp, OpLt: precCmp, OpLe: precCmp, OpGt: precCmp, OpGe: precCmp,
	OpIsMissing: precCmp, OpIsPresent: precCmp, OpIn: precCmp, OpInNet: precCmp, OpContains: precCmp,
	OpStarts: precCmp, OpEnds: precCmp, OpLike: precCmp, OpILike: precCmp, OpMatches: precCmp, OpTableHas: precCmp,
	OpAdd: precSum, OpSub: precSum, OpMul: precProd, OpDiv: precProd, OpMod: precProd,
	OpElse: precElse, OpNeg: precNeg,
}

var opWords = map[Op]string{
	OpOr: "or", OpAnd: "and", OpEq: "==", OpNe: "!=", OpLt: "<", OpLe: "<=", OpGt: ">", OpGe: ">=",
	OpIn: "in", OpInNet: "in", OpContains: "contains", OpStarts: "starts with", OpEnds: "ends with",
	OpLike: "like", OpILike: "ilike", OpMatches: "matches",
	OpAdd: "+", OpSub: "-", OpMul: "*", OpDiv: "/", OpMod: "%", OpElse: "else",
}

// String is the canonical spelling of an expression: the language's own
// syntax, fully resolved, one spelling for one meaning.
func (e *Expr) String() string { return string(e.append(nil, precOr)) }

// append writes e where an operand of level at least prec is expected.
func (e *Expr) append(dst []byte, prec int) []byte {
	if p, ok := opPrec[e.Op]; ok && p < prec {
		return append(e.append(append(dst, '('), precOr), ')')
	}
	switch e.Op {
	case OpConst:
		return AppendValue(dst, e.Const)
	case OpAnd, OpOr, OpAdd, OpSub, OpMul, OpDiv, OpMod, OpElse,
		OpEq, OpNe, OpLt, OpLe, OpGt, OpGe, OpIn, OpInNet, OpContains, OpStarts, OpEnds, OpLike, OpILike, OpMatches:
		return e.appendInfix(dst)
	case OpNot:
		return e.Args[0].append(append(dst, "not "...), precNot)
	case OpNeg:
		return e.Args[0].append(append(dst, '-'), precNeg)
	case OpIsMissing:
		return append(e.Args[0].append(dst, precSum), " is missing"...)
	case OpIsPresent:
		return append(e.Args[0].append(dst, precSum), " is present"...)
	case OpToNumber:
		return e.Args[0].append(dst, prec)
	case OpTableHas:
		return append(append(e.Args[0].append(dst, precSum), " in "...), e.Table.Name...)
	case OpTableCell:
		dst = append(append(dst, e.Table.Name...), '[')
		dst = append(e.Args[0].append(dst, precOr), "]."...)
		return append(dst, e.Table.Cols[e.Index].Name...)
	case OpCall:
		return appendList(append(append(dst, e.Func.Name...), '('), e.Args, ')')
	case OpListLit:
		return appendList(append(dst, '['), e.Args, ']')
	default:
		return append(dst, e.Name...)
	}
}

func (e *Expr) appendInfix(dst []byte) []byte {
	p := opPrec[e.Op]
	for i, a := range e.Args {
		need := p
		switch {
		case i > 0:
			dst = append(append(append(dst, ' '), opWords[e.Op]...), ' ')
			need = p + 1 // all infix operators group to the left
		case p == precCmp:
			need = p + 1 // comparisons don't group
		}
		if e.Op == OpAnd || e.Op == OpOr {
			need = p + 1
		}
		dst = a.append(dst, need)
	}
	return dst
}

func appendList(dst []byte, args []*Expr, end byte) []byte {
	for i, a := range args {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = a.append(dst, precOr)
	}
	return append(dst, end)
}

// AppendValue writes a value as a rule file would: 5.00 USD, "text", 1h30m,
// approved. A missing one is "missing", for which the language has no literal.
func AppendValue(dst []byte, v cep.Value) []byte {
	if v.Missing {
		return append(dst, "missing"...)
	}
	switch v.Type.Kind {
	case cep.KindBool:
		return strconv.AppendBool(dst, v.Word != 0)
	case cep.KindInt:
		return strconv.AppendInt(dst, int64(v.Word), 10)
	case cep.KindNumber:
		return cep.AppendNumber(dst, cep.Number(v.Word))
	case cep.KindMoney:
		return cep.AppendMoney(dst, int64(v.Word), v.Type.Currency)
	case cep.KindString:
		return appendQuoted(dst, v.Text)
	case cep.KindEnum:
		return append(dst, v.Type.Enum.Words[v.Word]...)
	case cep.KindSeverity:
		return append(dst, cep.SeverityWords[v.Word]...)
	case cep.KindTimestamp:
		return append(cep.AppendTime(append(dst, `time("`...), int64(v.Word)), `")`...)
	case cep.KindDuration:
		return cep.AppendDuration(dst, int64(v.Word))
	case cep.KindIP:
		return append(append(append(dst, '"'), v.Wide.IP().String()...), '"')
	case cep.KindPoint:
		lat, lon := v.Wide.Point()
		dst = cep.AppendNumber(append(dst, "point("...), lat)
		return append(cep.AppendNumber(append(dst, ", "...), lon), ')')
	case cep.KindList:
		dst = append(dst, '[')
		for i, el := range v.List {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendValue(dst, el)
		}
		return append(dst, ']')
	}
	return append(dst, '?')
}

// appendQuoted writes a string literal with the language's four escapes; other
// control characters stand as they are, for it has no escape for them.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// String is the template as it is written between its quotes, with resolved
// expressions.
func (t Template) String() string {
	var b strings.Builder
	for _, p := range t {
		if p.Expr == nil {
			b.WriteString(strings.NewReplacer("{", "{{", "}", "}}").Replace(p.Text))
			continue
		}
		b.WriteString("{" + p.Expr.String())
		if p.Format != "" {
			b.WriteString(":" + p.Format)
		}
		b.WriteString("}")
	}
	return b.String()
}

func (fn AggFn) String() string {
	return [...]string{"count", "sum", "avg", "min", "max", "stddev", "distinct", "first", "last", "zscore", "percentile", "median"}[fn]
}

func (c Calendar) String() string { return [...]string{"hour", "day", "week", "month"}[c] }

// String is the window as it follows "over": "last 5m", "previous 30d ending 7d ago".
func (w Window) String() string {
	switch w.Kind {
	case WindowCalendar:
		return "this " + w.Unit.String()
	case WindowAllTime:
		return "all time"
	}
	s := "last "
	if w.Kind == WindowPrevious {
		s = "previous "
	}
	if w.N > 0 {
		return s + strconv.Itoa(w.N) + " events"
	}
	s += durationText(w.Dur)
	if w.Ending > 0 {
		s += " ending " + durationText(w.Ending) + " ago"
	}
	return s
}

func durationText(ns int64) string { return string(cep.AppendDuration(nil, ns)) }

// canonical spells an aggregate for explain and for telling whether two are
// the same. per names the fields of its own key, none where it is the owner's.
func (a *Aggregate) canonical(per []string) string {
	var b strings.Builder
	b.WriteString(a.Fn.String() + "(")
	switch {
	case a.Cond != nil:
		b.WriteString(a.Cond.String())
	case a.Arg != nil:
		b.WriteString(a.Arg.String())
	}
	if a.Fn == AggPercentile {
		b.WriteString(", " + string(cep.AppendNumber(nil, a.P)))
	}
	b.WriteString(")")
	switch len(per) {
	case 0:
	case 1:
		b.WriteString(" per " + per[0])
	default:
		b.WriteString(" per (" + strings.Join(per, ", ") + ")")
	}
	b.WriteString(" over " + a.Window.String())
	if a.UnlessFired {
		b.WriteString(" unless fired")
	}
	return b.String()
}
