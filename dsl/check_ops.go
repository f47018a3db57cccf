package dsl

import (
	"strings"

	"github.com/weir-cep/weir/cep"
)

// The typing of operators. Each takes checked operands and returns a checked
// expression; a failed operand (KindNone) makes it fail silently, so that one
// mistake gives one message.

// failed is what a wrong expression becomes.
func failed(at Span) *Expr { return &Expr{Op: OpConst, Span: at} }

func isFailed(es ...*Expr) bool {
	for _, e := range es {
		if e.Type.Kind == cep.KindNone {
			return true
		}
	}
	return false
}

func node(op Op, t cep.Type, at Span, args ...*Expr) *Expr {
	return fold(&Expr{Op: op, Type: t, Args: args, Span: at})
}

// scalar rejects the list of a step's fields where one value is wanted (E105).
func (x *env) scalar(e *Expr) *Expr {
	if e.Op != OpBoundList {
		return e
	}
	b := x.rule.binding(e.Step)
	f := b.Schema.Fields[e.Index].Name
	r := x.report("E105", e.Span, "%q can stand for several events, so %q is a list", b.Label, e.Name).here("which one?")
	if at, ok := x.rule.labelSpan(e.Step); ok {
		r.also(at, x.rule.howMany(e.Step))
	}
	r.note("say one of:  %s.last.%s   %s.first.%s", b.Label, f, b.Label, f)
	if x.anyOf != "" {
		r.note("or, for any of them:  %s", strings.ReplaceAll(x.anyOf, "$", e.Name))
	}
	return failed(e.Span)
}

// value is scalar, and rejects what may be missing (E107).
func (x *env) value(e *Expr) *Expr {
	e = x.scalar(e)
	if isFailed(e) || !e.Type.Optional {
		return e
	}
	x.mayBeMissing(e)
	return failed(e.Span)
}

// cond is a value that must be a bool.
func (x *env) cond(e *Expr) *Expr {
	e = x.value(e)
	if isFailed(e) || e.Type.Kind == cep.KindBool {
		return e
	}
	x.report("E103", e.Span, "a condition is needed here").here("this is %s", withArticle(e.Type.String())).
		note("compare it with something: there is no truthiness")
	return failed(e.Span)
}

func (x *env) not(a *Expr, at Span) *Expr {
	a = x.cond(a)
	if isFailed(a) {
		return a
	}
	return node(OpNot, boolType, at, a)
}

// comparison types the six of them.
func (x *env) comparison(op Op, l, r *Expr, at Span) *Expr {
	if op == OpEq || op == OpNe {
		l, r = x.scalar(l), x.scalar(r)
	} else {
		l, r = x.value(l), x.value(r)
	}
	l, r, ok := x.unify(l, r, at, "compare")
	if !ok {
		return failed(at)
	}
	k := l.Type.Kind
	if k == cep.KindList {
		x.report("E103", at, "lists can't be compared").here("membership is:  x in list").note("to look for text in any element:  list contains \"text\"")
		return failed(at)
	}
	if op != OpEq && op != OpNe && !isOrdered(k) {
		x.report("E103", at, "%s has no order", l.Type.Required()).here("only == and != apply")
		return failed(at)
	}
	x.alwaysSame(op, l, r, at)
	return node(op, boolType, at, l, r)
}

// unify brings two operands to one type: ints become numbers, text becomes an
// address where the other side is one. It reports the mismatch otherwise.
func (x *env) unify(l, r *Expr, at Span, verb string) (*Expr, *Expr, bool) {
	if isFailed(l, r) {
		return l, r, false
	}
	switch a, b := l.Type.Kind, r.Type.Kind; {
	case a == cep.KindNumber && b == cep.KindInt:
		r = toNumber(r)
	case a == cep.KindInt && b == cep.KindNumber:
		l = toNumber(l)
	case a == cep.KindIP && b == cep.KindString:
		r = x.convert(r, ipType)
	case a == cep.KindString && b == cep.KindIP:
		l = x.convert(l, ipType)
	}
	if isFailed(l, r) {
		return l, r, false
	}
	if l.Type.Required().Equal(r.Type.Required()) {
		return l, r, true
	}
	x.mismatch(l, r, at, verb)
	return l, r, false
}

// convert makes a constant of the wanted type out of a text, as event fields
// do when they are read; anything else is left to the caller's type test.
func (x *env) convert(e *Expr, want cep.Type) *Expr {
	c, err := constText(e, want)
	if err != nil {
		x.report("E103", e.Span, "%q is not %s", e.Const.Text, map[cep.Kind]string{cep.KindIP: "an IP address", cep.KindPoint: "a point"}[want.Kind]).
			here("write it like %s", map[cep.Kind]string{cep.KindIP: `"10.0.0.1"`, cep.KindPoint: `"52.5,13.4"`}[want.Kind])
		return failed(e.Span)
	}
	return c
}

// mismatch reports two operands whose types don't fit: E104 for two
// currencies, E103 for all else.
func (x *env) mismatch(l, r *Expr, at Span, verb string) {
	a, b := l.Type.Required(), r.Type.Required()
	if a.Kind == cep.KindMoney && b.Kind == cep.KindMoney {
		x.currencies(l, r)
		return
	}
	r1 := x.report("E103", r.Span, "can't %s %s with %s", verb, kindPhrase(a), kindPhrase(b))
	r1.here("this is %s", withArticle(b.String())).also(l.Span, "this is "+typePhrase(a))
	if fix, ok := moneyFix(l, r); ok {
		r1.fix("%s", x.spelled(l, r, at, fix))
	} else if a.Kind == cep.KindTimestamp && b.Kind == cep.KindString || a.Kind == cep.KindString && b.Kind == cep.KindTimestamp {
		r1.note("a point in time is written  time(\"2026-01-31T10:00:00Z\")")
	}
}

// kindPhrase names a type in an analyst's words.
func kindPhrase(t cep.Type) string {
	switch t.Kind {
	case cep.KindMoney:
		return "money"
	case cep.KindInt, cep.KindNumber:
		return "a plain number"
	case cep.KindString:
		return "text"
	case cep.KindBool:
		return "a condition"
	case cep.KindIP:
		return "an IP address"
	case cep.KindList:
		return "a list"
	}
	return withArticle(t.String())
}

// typePhrase is a type after "this is".
func typePhrase(t cep.Type) string {
	if t.Kind == cep.KindMoney {
		return t.String()
	}
	return withArticle(t.String())
}

// moneyFix is the literal that a plain number beside money should be.
func moneyFix(l, r *Expr) (string, bool) {
	if l.Type.Kind != cep.KindMoney {
		l, r = r, l
	}
	n, ok := constNumber(r)
	if l.Type.Kind != cep.KindMoney || !ok {
		return "", false
	}
	v, ok := cep.MulNumber(cep.MoneyScale, n)
	return string(cep.AppendMoney(nil, v, l.Type.Currency)), ok
}

// currencies reports E104 at the constant, or else at the right operand.
func (x *env) currencies(l, r *Expr) {
	if l.Op == OpConst && r.Op != OpConst {
		l, r = r, l
	}
	why := l.Type.Currency
	if f := x.fieldOf(l); f != "" {
		why += ", because " + f + " is " + l.Type.Required().String()
	}
	d := x.report("E104", r.Span, "money in different currencies").here("%s", r.Type.Currency).also(l.Span, why)
	if f := x.fieldOf(l); f != "" {
		d.note("fix: compare in %s, or declare %s as %s", l.Type.Currency, f, r.Type.Required())
	} else {
		d.note("fix: compare in %s", l.Type.Currency)
	}
}

// arithmetic types + - * / %.
func (x *env) arithmetic(op Op, l, r *Expr, at Span) *Expr {
	l, r = x.value(l), x.value(r)
	if isFailed(l, r) {
		return failed(at)
	}
	switch op {
	case OpAdd, OpSub:
		return x.sum(op, l, r, at)
	case OpMul:
		return x.product(l, r, at)
	case OpDiv:
		return x.quotient(l, r, at)
	}
	l, r, ok := x.unify(l, r, at, "divide")
	if !ok {
		return failed(at)
	}
	if k := l.Type.Kind; k != cep.KindInt && k != cep.KindNumber && k != cep.KindDuration {
		return x.noArithmetic("%", l, r, at)
	}
	return node(OpMod, l.Type, at, l, r)
}

func (x *env) sum(op Op, l, r *Expr, at Span) *Expr {
	a, b := l.Type.Kind, r.Type.Kind
	switch {
	case a == cep.KindTimestamp && b == cep.KindTimestamp && op == OpSub:
		return node(op, durationType, at, l, r)
	case a == cep.KindTimestamp && b == cep.KindDuration:
		return node(op, timestampType, at, l, r)
	case a == cep.KindDuration && b == cep.KindTimestamp && op == OpAdd:
		return node(op, timestampType, at, r, l)
	}
	word, sign := "add", "+"
	if op == OpSub {
		word, sign = "subtract", "-"
	}
	l, r, ok := x.unify(l, r, at, word)
	if !ok {
		return failed(at)
	}
	switch l.Type.Kind {
	case cep.KindInt, cep.KindNumber, cep.KindMoney, cep.KindDuration:
		return node(op, l.Type, at, l, r)
	}
	return x.noArithmetic(sign, l, r, at)
}

func (x *env) product(l, r *Expr, at Span) *Expr {
	a, b := l.Type.Kind, r.Type.Kind
	amount := func(k cep.Kind) bool { return k == cep.KindMoney || k == cep.KindDuration }
	switch {
	case a == cep.KindInt && b == cep.KindInt:
		return node(OpMul, intType, at, l, r)
	case isNumeric(l.Type) && isNumeric(r.Type):
		return node(OpMul, numberType, at, toNumber(l), toNumber(r))
	case amount(a) && isNumeric(r.Type):
		return node(OpMul, l.Type, at, l, toNumber(r))
	case isNumeric(l.Type) && amount(b):
		return node(OpMul, r.Type, at, r, toNumber(l))
	}
	return x.noArithmetic("*", l, r, at)
}

func (x *env) quotient(l, r *Expr, at Span) *Expr {
	a, b := l.Type.Kind, r.Type.Kind
	switch {
	case isNumeric(l.Type) && isNumeric(r.Type):
		return node(OpDiv, numberType, at, toNumber(l), toNumber(r))
	case a == cep.KindMoney && b == cep.KindMoney:
		if l.Type.Currency != r.Type.Currency {
			x.currencies(l, r)
			return failed(at)
		}
		return node(OpDiv, numberType, at, l, r)
	case a == cep.KindDuration && b == cep.KindDuration:
		return node(OpDiv, numberType, at, l, r)
	case (a == cep.KindMoney || a == cep.KindDuration) && isNumeric(r.Type):
		return node(OpDiv, l.Type, at, l, toNumber(r))
	}
	return x.noArithmetic("/", l, r, at)
}

func (x *env) noArithmetic(sign string, l, r *Expr, at Span) *Expr {
	x.report("E103", r.Span, "%q doesn't apply to %s and %s", sign, kindPhrase(l.Type), kindPhrase(r.Type)).
		here("this is %s", typePhrase(r.Type)).also(l.Span, "this is "+typePhrase(l.Type))
	return failed(at)
}

func (x *env) negate(a *Expr, at Span) *Expr {
	a = x.value(a)
	if isFailed(a) {
		return a
	}
	switch a.Type.Kind {
	case cep.KindInt, cep.KindNumber, cep.KindMoney, cep.KindDuration:
		return node(OpNeg, a.Type, at, a)
	}
	x.report("E103", at, "%q doesn't apply to %s", "-", kindPhrase(a.Type)).here("this is %s", typePhrase(a.Type))
	return failed(at)
}

// orElse types "a else b" and says so where a is never missing (W208).
func (x *env) orElse(a, b *Expr, at Span) *Expr {
	a, b = x.scalar(a), x.scalar(b)
	if isFailed(a) {
		return a
	}
	if !a.Type.Optional {
		x.warn("W208", at, "this else is never used").here("%s is never missing", x.text(a.Span)).
			fix("%s", x.text(a.Span))
	}
	a, b, ok := x.unify(a, b, at, "replace")
	if !ok {
		return failed(at)
	}
	t := a.Type
	t.Optional = a.Type.Optional && b.Type.Optional
	return node(OpElse, t, at, a, b)
}

// presence types "is missing" and "is present".
func (x *env) presence(op Op, a *Expr, at Span) *Expr {
	a = x.scalar(a)
	if isFailed(a) {
		return a
	}
	if !a.Type.Optional {
		always := map[Op]string{OpIsMissing: "false", OpIsPresent: "true"}[op]
		x.warn("W205", at, "this condition is always %s", always).here("%s is never missing", x.text(a.Span))
	}
	return node(op, boolType, at, a)
}
