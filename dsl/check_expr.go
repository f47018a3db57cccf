package dsl

import (
	"github.com/weir-cep/weir/cep"
)

// expr checks an expression. hint is the type expected, whose words may be
// written bare if it is an enum; the result need not have it.
func (x *env) expr(n Node, hint cep.Type) *Expr {
	switch n := n.(type) {
	case *Lit:
		return literal(n)
	case *Name:
		return x.name(n, hint)
	case *ParenNode:
		return x.expr(n.X, hint)
	case *Select:
		return x.selected(n)
	case *IndexNode:
		return x.index(n)
	case *CallNode:
		return x.call(n, hint)
	case *ListNode:
		return x.list(n, hint)
	case *UnaryNode:
		if n.Op == "not" {
			return x.not(x.expr(n.X, boolType), n.Span)
		}
		return x.negate(x.expr(n.X, hint), n.Span)
	case *BinaryNode:
		return x.binary(n, hint)
	case *TestNode:
		return x.test(n)
	case *BetweenNode:
		return x.between(n)
	case *MissingNode:
		return x.missing(n)
	case *AggNode:
		return x.windowed(n)
	}
	return failed(n.NodeSpan())
}

func literal(n *Lit) *Expr {
	e := &Expr{Op: OpConst, Span: n.Span}
	switch n.Kind {
	case LitInt:
		e.Type, e.Const.Word = intType, cep.Word(n.Int)
	case LitNumber, LitPercent:
		e.Type, e.Const.Word = numberType, cep.NumberWord(n.Float)
	case LitMoney:
		e.Type, e.Const.Word = cep.Type{Kind: cep.KindMoney, Currency: n.Currency}, cep.Word(n.Int)
	case LitDuration:
		e.Type, e.Const.Word = durationType, cep.Word(n.Int)
	case LitString:
		e.Type, e.Const.Text = stringType, n.Str
	}
	e.Const.Type = e.Type
	return e
}

func (x *env) list(n *ListNode, hint cep.Type) *Expr {
	el := cep.Type{}
	if hint.Kind == cep.KindList {
		el = *hint.Elem
	}
	els := make([]*Expr, len(n.Items))
	for i, it := range n.Items {
		els[i] = x.expr(it, el)
		if el.Kind == cep.KindNone && i == 0 {
			el = els[0].Type // so that the words after the first are found
		}
	}
	if hint.Kind != cep.KindList {
		el = cep.Type{}
	}
	return x.listLit(els, el, n.Span)
}

var binaryOps = map[string]Op{
	"==": OpEq, "!=": OpNe, "<": OpLt, "<=": OpLe, ">": OpGt, ">=": OpGe,
	"+": OpAdd, "-": OpSub, "*": OpMul, "/": OpDiv, "%": OpMod,
}

func (x *env) binary(n *BinaryNode, hint cep.Type) *Expr {
	switch n.Op {
	case "and":
		return x.logic(OpAnd, n)
	case "or":
		return x.logic(OpOr, n)
	case "else":
		l, r := x.pair(n.L, n.R, hint)
		return x.orElse(l, r, n.Span)
	}
	op, ok := binaryOps[n.Op]
	if !ok {
		return failed(n.Span)
	}
	if op >= OpAdd {
		return x.arithmetic(op, x.expr(n.L, cep.Type{}), x.expr(n.R, cep.Type{}), n.Span)
	}
	l, r := x.pair(n.L, n.R, cep.Type{})
	y := *x
	if op == OpEq || op == OpNe {
		in := " in $"
		if op == OpNe {
			in = " not in $"
		}
		if r.Op == OpBoundList {
			y.anyOf = x.text(n.L.NodeSpan()) + in
		} else {
			y.anyOf = x.text(n.R.NodeSpan()) + in
		}
	}
	return y.comparison(op, l, r, n.Span)
}

// pair checks two operands of one type; a bare word on either side takes the
// other side's enum.
func (x *env) pair(l, r Node, hint cep.Type) (*Expr, *Expr) {
	if x.isWord(l) && !x.isWord(r) {
		re := x.expr(r, hint)
		return x.expr(l, hintOf(re, hint)), re
	}
	le := x.expr(l, hint)
	return le, x.expr(r, hintOf(le, hint))
}

func hintOf(e *Expr, otherwise cep.Type) cep.Type {
	if isFailed(e) {
		return otherwise
	}
	if e.Op == OpBoundList {
		return *e.Type.Elem
	}
	return e.Type
}

func (x *env) isWord(n Node) bool {
	for {
		p, ok := n.(*ParenNode)
		if !ok {
			break
		}
		n = p.X
	}
	name, ok := n.(*Name)
	return ok && !x.resolves(name.Name)
}

// logic checks "a and b and c" (or "or"): each operand knows what those before
// it have proved.
func (x *env) logic(op Op, n *BinaryNode) *Expr {
	e := &Expr{Op: op, Type: boolType, Span: n.Span}
	y, ok := x, true
	for _, o := range operands(n, n.Op, nil) {
		a := y.cond(y.expr(o, boolType))
		if isFailed(a) {
			ok = false
			continue
		}
		y = y.know(a, op == OpAnd)
		if a.Op == op {
			e.Args = append(e.Args, a.Args...)
		} else {
			e.Args = append(e.Args, a)
		}
	}
	if !ok {
		return failed(n.Span)
	}
	return e
}

// operands flattens nested uses of one operator, parentheses included.
func operands(n Node, op string, into []Node) []Node {
	switch b := n.(type) {
	case *BinaryNode:
		if b.Op == op {
			return operands(b.R, op, operands(b.L, op, into))
		}
	case *ParenNode:
		if in, ok := b.X.(*BinaryNode); ok && in.Op == op {
			return operands(b.X, op, into)
		}
	}
	return append(into, n)
}

var testOps = map[string]Op{
	"in": OpIn, "contains": OpContains, "matches": OpMatches, "like": OpLike,
	"ilike": OpILike, "starts": OpStarts, "ends": OpEnds,
}

// test checks the word operators.
func (x *env) test(n *TestNode) *Expr {
	var e *Expr
	switch op := testOps[n.Op]; op {
	case OpIn:
		e = x.in(n)
	default:
		l := x.expr(n.L, stringType)
		e = x.stringOp(op, l, x.expr(n.R, stringType), n.Span)
	}
	if n.Not && !isFailed(e) {
		return node(OpNot, boolType, n.Span, e)
	}
	return e
}

// in is membership in a list, a table or a network.
func (x *env) in(n *TestNode) *Expr {
	if s := x.fileRef(n.R); s != nil && s.kind == symTable {
		if s.table == nil {
			x.expr(n.L, cep.Type{})
			return failed(n.Span)
		}
		l := x.scalar(x.expr(n.L, s.table.Key.Type))
		return x.inTable(l, s.table, n)
	}
	if x.isWord(n.L) {
		r := x.expr(n.R, cep.Type{})
		hint := cep.Type{}
		if r.Type.Kind == cep.KindList {
			hint = *r.Type.Elem
		}
		return x.member(x.expr(n.L, hint), r, n.Span)
	}
	l := x.expr(n.L, cep.Type{})
	hint := cep.Type{}
	if !isFailed(l) && l.Op != OpBoundList && l.Type.Kind != cep.KindList {
		hint = listOf(l.Type)
	}
	if l.Type.Kind == cep.KindIP {
		hint = cep.Type{} // addresses and networks are texts there
	}
	return x.member(l, x.expr(n.R, hint), n.Span)
}

func (x *env) inTable(l *Expr, t *TableIR, n *TestNode) *Expr {
	if isFailed(l) {
		return l
	}
	l = x.convert(l, t.Key.Type)
	if isFailed(l) {
		return l
	}
	if !l.Type.Required().Equal(t.Key.Type) {
		x.report("E103", n.L.NodeSpan(), "the key of %s is %s", t.Name, withArticle(t.Key.Type.String())).here("this is %s", typePhrase(l.Type.Required()))
		return failed(n.Span)
	}
	return &Expr{Op: OpTableHas, Type: boolType, Args: []*Expr{l}, Table: t, Span: n.Span}
}

// between is written out as two comparisons of one value.
func (x *env) between(n *BetweenNode) *Expr {
	v, lo := x.pair(n.X, n.Lo, cep.Type{})
	hi := x.expr(n.Hi, hintOf(v, cep.Type{}))
	v = x.value(v)
	if isFailed(v) {
		return failed(n.Span)
	}
	a, b := x.comparison(OpGe, v, lo, n.Span), x.comparison(OpLe, v, hi, n.Span)
	if isFailed(a, b) {
		return failed(n.Span)
	}
	if c, ok := compareConst(lo, hi); ok && lo.Op == OpConst && hi.Op == OpConst && c > 0 {
		x.warn("W205", n.Span, "this condition is always false").here("nothing lies between %s and %s", lo, hi).
			fix("%s between %s and %s", x.text(n.X.NodeSpan()), hi, lo)
	}
	e := &Expr{Op: OpAnd, Type: boolType, Args: []*Expr{a, b}, Span: n.Span}
	if n.Not {
		return node(OpNot, boolType, n.Span, e)
	}
	return e
}

// missing is a presence test, of a value or of a label.
func (x *env) missing(n *MissingNode) *Expr {
	op := OpIsMissing
	if n.Present {
		op = OpIsPresent
	}
	if step, ok := x.label(n.X); ok {
		return x.labelPresence(op, step, n)
	}
	return x.presence(op, x.expr(n.X, cep.Type{}), n.Span)
}

// index is a table row or a feature for a key, of which one value is wanted.
func (x *env) index(n *IndexNode) *Expr {
	s := x.fileRef(n.X)
	switch {
	case s != nil && s.kind == symTable && s.table != nil:
		x.report("E103", n.Span, "%s[…] is a row, not a value", s.name).here("which of its columns?").
			note("%s has: %s", s.name, joinComma(columnNames(s.table)))
	case s != nil && s.kind == symFeature && s.feature != nil:
		x.report("E103", n.Span, "%s[…] is a feature, not a value", s.name).here("which of its values?").
			note("%s has: %s", s.name, joinComma(itemNames(s.feature)))
	case s == nil:
		x.report("E103", n.Span, "only tables and features take a key in brackets").here("%q is neither", x.text(n.X.NodeSpan()))
	}
	return failed(n.Span)
}

func columnNames(t *TableIR) []string {
	names := make([]string, len(t.Cols))
	for i := range t.Cols {
		names[i] = t.Cols[i].Name
	}
	return names
}

// fileRef is the file-level symbol that a name or alias.name stands for, nil
// if it stands for something else.
func (x *env) fileRef(n Node) *symbol {
	switch n := n.(type) {
	case *Name:
		if x.cur != nil && x.cur.Field(n.Name) >= 0 {
			return nil
		}
		if x.names {
			if _, ok := x.rule.labels[n.Name]; ok || x.rule.lets[n.Name] != nil || x.rule.keyPart(n.Name) >= 0 {
				return nil
			}
		}
		return x.symbol("", n.Name)
	case *Select:
		if a, ok := n.X.(*Name); ok && x.u.isAlias(a.Name) {
			return x.symbol(a.Name, n.Word.Name)
		}
	}
	return nil
}
