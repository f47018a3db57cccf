package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Expressions, loosest to tightest: or, and, not, comparison (which does not
// chain), + -, * / %, else, unary -, per/over, then . [] and calls.

func (p *parser) expr() Node {
	p.enter()
	defer p.leave()
	left := p.andExpr()
	for p.infixWord("or") {
		op := spanOf(p.next())
		left = p.infix("or", op, left, p.andExpr())
	}
	return left
}

// infix makes a node of an operator between two operands.
func (p *parser) infix(op string, at Span, l, r Node) Node {
	p.operator()
	return &BinaryNode{Span: l.NodeSpan().Join(r.NodeSpan()), Op: op, OpSpan: at, L: l, R: r}
}

func (p *parser) andExpr() Node {
	left := p.notExpr()
	for p.infixWord("and") {
		op := spanOf(p.next())
		left = p.infix("and", op, left, p.notExpr())
	}
	return left
}

func (p *parser) notExpr() Node {
	if !p.word("not") && !p.prefixNot() {
		return p.comparison()
	}
	p.enter()
	defer p.leave()
	op := spanOf(p.next())
	x := p.notExpr()
	return &UnaryNode{Span: op.Join(x.NodeSpan()), Op: "not", OpSpan: op, X: x}
}

// wordOps are the comparisons that are spelled out.
var wordOps = map[string]bool{"in": true, "contains": true, "matches": true, "like": true, "ilike": true, "starts": true, "ends": true, "between": true}

func (p *parser) comparison() Node {
	left := p.sum()
	x := p.comparisonTail(left)
	for x != left && (isComparison(p.peek()) || p.op("=") || p.foreignUnequal()) {
		p.chained(x)
	}
	return x
}

func isComparison(t *lexer.Token) bool {
	if t.Type != tokOp {
		return false
	}
	switch t.Value {
	case "==", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}

// chained reports a < b < c with what was meant, and reads over it.
func (p *parser) chained(first Node) {
	t := p.next()
	d := Diagnostic{Code: "E125", Span: spanOf(t), Message: "comparisons don't chain", Label: "second comparison"}
	third := p.sum()
	if b, ok := first.(*BinaryNode); ok {
		lo, x, hi := p.slice(b.L.NodeSpan()), p.slice(b.R.NodeSpan()), p.slice(third.NodeSpan())
		switch {
		case b.Op == "<=" && t.Value == "<=":
			d.Fixes = []string{x + " between " + lo + " and " + hi}
		case b.Op == ">=" && t.Value == ">=":
			d.Fixes = []string{x + " between " + hi + " and " + lo}
		case b.Op == "==" || b.Op == "!=" || t.Value == "==" || t.Value == "!=" || t.Type == tokBad:
			d.Fixes = []string{lo + " " + b.Op + " " + x + " and " + x + " " + t.Value + " " + hi}
		default:
			d.Fixes = []string{lo + " " + b.Op + " " + x + " and " + x + " " + t.Value + " " + hi}
			d.Notes = []string{`a range with both ends is written: ` + x + " between " + lo + " and " + hi}
		}
	}
	p.report(d)
}

func (p *parser) comparisonTail(left Node) Node {
	t := p.peek()
	switch {
	case isComparison(t):
		p.next()
		return p.infix(t.Value, spanOf(t), left, p.sum())
	case t.Type == tokOp && t.Value == "=":
		return p.singleEquals(left)
	case p.foreignUnequal():
		p.habit(t, "!=")
		p.next()
		return p.infix("!=", spanOf(t), left, p.sum())
	case p.infixWord("is"):
		return p.missingTest(left)
	case isWord(t, "not"):
		if after := p.ahead(1); !wordOps[strings.ToLower(after.Value)] || after.Type != tokWord && after.Type != tokType {
			return left
		}
		p.next()
		return p.wordTest(left, true, t.Pos.Offset)
	case wordOps[strings.ToLower(t.Value)] && p.infixWord(strings.ToLower(t.Value)):
		return p.wordTest(left, false, t.Pos.Offset)
	}
	return left
}

// singleEquals reports = where == is meant, and reads it as that.
func (p *parser) singleEquals(left Node) Node {
	t := p.next()
	n := len(p.diags)
	p.report(Diagnostic{Code: "E101", Span: spanOf(t), Message: `"=" is used for definitions; comparison is "=="`, Label: `did you mean "=="?`})
	right := p.sum()
	p.diags[n].Fixes = []string{p.slice(left.NodeSpan()) + " == " + p.slice(right.NodeSpan())}
	return p.infix("==", spanOf(t), left, right)
}

func (p *parser) missingTest(left Node) Node {
	p.next()
	not := p.acceptWord("not")
	switch {
	case p.acceptWord("missing"):
		return &MissingNode{Span: p.from(left.NodeSpan().Start), X: left, Present: not}
	case p.acceptWord("present"):
		return &MissingNode{Span: p.from(left.NodeSpan().Start), X: left, Present: !not}
	}
	if t := p.peek(); (t.Type == tokIdent || t.Type == tokType) && isNull(t.Value) {
		p.next()
		p.report(Diagnostic{Code: "E125", Span: spanOf(t), Message: "there is no null; a value is missing or present",
			Fixes: []string{p.slice(left.NodeSpan()) + map[bool]string{false: " is missing", true: " is present"}[not]}})
		return &MissingNode{Span: p.from(left.NodeSpan().Start), X: left, Present: not}
	}
	p.unexpected(`"missing" or "present" after "is"`)
	return nil
}

func (p *parser) wordTest(left Node, not bool, at int) Node {
	p.infixWord(strings.ToLower(p.peek().Value)) // reports capitals after "not"
	op := strings.ToLower(p.next().Value)
	if op == "between" {
		lo := p.sum()
		if p.infixWord("and") {
			p.next()
		} else {
			p.unexpected(`"and" between the two ends of "between"`)
		}
		hi := p.sum()
		return &BetweenNode{Span: p.from(left.NodeSpan().Start), Not: not, X: left, Lo: lo, Hi: hi}
	}
	if op == "starts" || op == "ends" {
		p.expectWord("with", `after "`+op+`"`)
	}
	opSpan := p.from(at)
	right := p.sum()
	return &TestNode{Span: p.from(left.NodeSpan().Start), Op: op, Not: not, OpSpan: opSpan, L: left, R: right}
}

func (p *parser) sum() Node {
	left := p.product()
	for p.op("+") || p.op("-") {
		t := p.next()
		left = p.infix(t.Value, spanOf(t), left, p.product())
	}
	return left
}

func (p *parser) product() Node {
	left := p.dflt()
	for p.op("*") || p.op("/") || p.op("%") {
		t := p.next()
		left = p.infix(t.Value, spanOf(t), left, p.dflt())
	}
	return left
}

func (p *parser) dflt() Node {
	left := p.unary()
	for p.word("else") {
		t := p.next()
		left = p.infix("else", spanOf(t), left, p.unary())
	}
	return left
}

func (p *parser) unary() Node {
	if !p.op("-") {
		return p.aggregate()
	}
	p.enter()
	defer p.leave()
	op := spanOf(p.next())
	x := p.unary()
	return &UnaryNode{Span: op.Join(x.NodeSpan()), Op: "-", OpSpan: op, X: x}
}

// aggregate is x [per key] [over window [ending D ago] [unless fired]].
func (p *parser) aggregate() Node {
	x := p.postfix()
	if !p.word("per") && !p.word("over") {
		return x
	}
	a := &AggNode{X: x}
	if p.acceptWord("per") {
		k := p.key()
		a.Per = &k
	}
	if p.acceptWord("over") {
		a.Window = p.window()
		if p.acceptWord("ending") {
			a.Ending = p.duration(`a duration after "ending"`)
			p.expectWord("ago", `after "ending `+a.Ending.Text+`"`)
		}
		if start := p.at(); p.word("unless") && isFired(p.ahead(1)) {
			p.next()
			p.next()
			a.UnlessFired, a.UnlessSpan = true, p.from(start)
		}
	}
	a.Span = p.from(x.NodeSpan().Start)
	return a
}

func isFired(t lexer.Token) bool { return t.Type == tokIdent && t.Value == "fired" }

func (p *parser) window() *WindowNode {
	start := p.at()
	w := &WindowNode{}
	switch {
	case p.word("last") || p.word("previous"):
		w.Kind = p.next().Value
		if p.peek().Type == tokInt {
			w.N = p.literal()
			p.expectWord("events", "after the number of a window's events")
			break
		}
		w.Dur = p.duration(`a duration or a number of events after "` + w.Kind + `"`)
		if p.acceptWord("every") {
			w.Every = p.duration(`a duration after "every"`)
		}
	case p.acceptWord("this"):
		w.Kind = "this"
		w.Unit = p.calendarUnit()
		if w.Unit == "session" {
			p.expectWord("gap", `after "this session"`)
			w.Gap = p.duration(`a duration after "gap"`)
		}
	case p.acceptWord("all"):
		w.Kind = "all"
		p.expectWord("time", `after "all"`)
	case p.peek().Type == tokDuration:
		w.Dur = p.literal()
		p.report(Diagnostic{Code: "E108", Span: w.Dur.Span, Message: "does this window include the current event?",
			Notes: []string{
				"over last " + w.Dur.Text + "       counts this event too  (usual for velocity limits)",
				"over previous " + w.Dur.Text + "   only what came before  (usual for baselines and averages)",
			}})
	default:
		p.unexpected(`"last", "previous", "this" or "all time" after "over"`)
	}
	w.Span = p.from(start)
	return w
}

func (p *parser) calendarUnit() string {
	for _, u := range []string{"hour", "day", "week", "month", "session"} {
		if p.acceptWord(u) {
			return u
		}
	}
	p.unexpected(`"hour", "day", "week" or "month" after "this"`)
	return ""
}

// postfix is a primary followed by .field and [key].
func (p *parser) postfix() Node {
	x := p.primary()
	for {
		switch {
		case p.op("."):
			p.next()
			p.operator()
			w := p.anyWord(`a field's name after "."`)
			x = &Select{Span: p.from(x.NodeSpan().Start), X: x, Word: w}
		case p.op("["):
			p.next()
			p.operator()
			keys := p.exprList("]")
			if len(keys) == 0 {
				p.unexpected("a key between the brackets")
			}
			p.expectOp("]", "after the key")
			x = &IndexNode{Span: p.from(x.NodeSpan().Start), X: x, Keys: keys}
		default:
			return x
		}
	}
}

// exprList reads expressions up to the closing token; a last comma is allowed.
func (p *parser) exprList(end string) (list []Node) {
	for !p.op(end) {
		list = append(list, p.expr())
		if !p.acceptOp(",") {
			break
		}
	}
	return list
}

func (p *parser) primary() Node {
	t := p.peek()
	switch t.Type {
	case tokInt, tokDecimal, tokPercent, tokMoney, tokDuration, tokString:
		if l := p.looseMoney(); l != nil {
			return l
		}
		return p.literal()
	case tokIdent, tokType:
		return p.nameOrCall(t)
	case tokOp:
		switch t.Value {
		case "(":
			p.next()
			x := p.expr()
			if p.op(",") {
				return p.roundList(t, x)
			}
			p.expectOp(")", "to close the parenthesis")
			return &ParenNode{Span: p.from(t.Pos.Offset), X: x}
		case "[":
			p.next()
			items := p.exprList("]")
			p.expectOp("]", "to close the list")
			return &ListNode{Span: p.from(t.Pos.Offset), Items: items}
		}
	}
	if after := p.ahead(1); t.Type == tokWord && (isComparison(&after) || after.Value == "." || after.Value == "is" || after.Value == "in") {
		p.ident("a name")
	}
	p.unexpected("a value")
	return nil
}

func (p *parser) nameOrCall(t *lexer.Token) Node {
	p.next()
	id := identOf(t)
	if t.Type == tokType && p.op("(") && p.at() == p.last {
		p.fail(Diagnostic{Code: "E122", Span: id.Span, Message: "functions are written in small letters", Label: "not a function",
			Fixes: []string{strings.ToLower(id.Name)}})
	}
	if t.Type != tokIdent || !p.op("(") {
		return &Name{Span: id.Span, Name: id.Name}
	}
	p.next()
	args := p.exprList(")")
	p.expectOp(")", `to close the call of "`+id.Name+`"`)
	return &CallNode{Span: p.from(t.Pos.Offset), Func: id, Args: args}
}
