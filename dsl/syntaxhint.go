package dsl

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"
)

// What people bring from other languages. Where the meaning is plain it is
// reported, with what to type instead, and reading goes on.

// habit reports one spelling where another is meant.
func (p *parser) habit(t *lexer.Token, meant string) {
	p.report(Diagnostic{Code: "E125", Span: spanOf(t), Message: `"` + t.Value + `" is not part of the language`, Label: `did you mean "` + meant + `"?`, Fixes: []string{meant}})
}

// symbols of other languages for words of this one.
var symbols = map[string]string{"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}

// infixWord says whether the word stands next, between two operands; in
// capitals or as a symbol of other languages it is reported and counts too.
func (p *parser) infixWord(w string) bool {
	t := p.peek()
	switch {
	case t.Type == tokWord:
		return t.Value == w
	case t.Type == tokType && strings.ToLower(t.Value) == w:
		if after := p.ahead(1); after.Type == tokOp && (after.Value == "=" || after.Value == ":") {
			return false // the name of the next item
		}
		p.capitals(t, w)
		return true
	case t.Type == tokBad && symbols[t.Value] == w:
		p.habit(t, w)
		return true
	}
	return false
}

func (p *parser) capitals(t *lexer.Token, w string) {
	p.report(Diagnostic{Code: "E125", Span: spanOf(t), Message: `"` + t.Value + `" is written in small letters`, Label: `did you mean "` + w + `"?`, Fixes: []string{w}})
}

// prefixNot reports NOT x and !x, which count as not x.
func (p *parser) prefixNot() bool {
	t := p.peek()
	switch {
	case t.Type == tokBad && t.Value == "!":
		p.habit(t, "not")
		return true
	case t.Type == tokType && t.Value == "NOT":
		if after := p.ahead(1); after.EOF() || after.Type == tokOp && after.Value != "(" {
			return false
		}
		p.capitals(t, "not")
		return true
	}
	return false
}

// foreignUnequal says whether <> or ~= stands next.
func (p *parser) foreignUnequal() bool {
	t := p.peek()
	return t.Type == tokBad && (t.Value == "<>" || t.Value == "~=")
}

func isNull(word string) bool {
	switch strings.ToLower(word) {
	case "null", "nil", "none", "undefined", "empty":
		return true
	}
	return false
}

// roundList reads the rest of (a, b), which is written [a, b].
func (p *parser) roundList(open *lexer.Token, first Node) Node {
	list := &ListNode{Items: []Node{first}}
	n := len(p.diags)
	p.report(Diagnostic{Code: "E125", Span: spanOf(open), Message: "a list is written in square brackets", Label: "opened here"})
	for p.acceptOp(",") && !p.op(")") {
		list.Items = append(list.Items, p.expr())
	}
	p.expectOp(")", "to close the list")
	list.Span = p.from(open.Pos.Offset)
	p.diags[n].Fixes = []string{"[" + p.slice(Span{list.Span.Start + 1, list.Span.End - 1}) + "]"}
	return list
}

// habits gives up where another language's spelling can't be read as one of
// this language's.
func (p *parser) habits(t *lexer.Token) {
	after := p.ahead(1)
	switch {
	case t.Type == tokBad:
		p.badToken(t)
	case t.Type == tokOp && t.Value == "/" && after.Pos.Offset == t.Pos.Offset+1 && (after.Value == "/" || after.Value == "*"):
		p.fail(Diagnostic{Code: "E125", Span: Span{t.Pos.Offset, t.Pos.Offset + 2}, Message: `a comment starts with "#"`, Label: "not a comment here", Fixes: []string{"# …"}})
	case t.Type == tokType && reservedWords[strings.ToLower(t.Value)]:
		p.capitals(t, strings.ToLower(t.Value))
		panic(bailout{})
	}
}

// badToken gives up on what the lexer could not read.
func (p *parser) badToken(t *lexer.Token) {
	d := Diagnostic{Code: "E100", Span: spanOf(t)}
	switch c := t.Value[0]; {
	case c == '"' || c == '\'':
		d.Code = "E124"
		d.Span = Span{t.Pos.Offset, t.Pos.Offset + 1}
		d.Message, d.Label = "this text is not closed on its line", "opened here"
		d.Notes = []string{"a text ends with the same quote that it began with, on the same line; a line break in it is written \\n"}
	case c == '`':
		d.Span = Span{t.Pos.Offset, t.Pos.Offset + 1}
		d.Message, d.Label = "this back-quoted name is empty or not closed on its line", "opened here"
	case symbols[t.Value] != "":
		d.Code = "E125"
		d.Message = `"` + t.Value + `" is not part of the language; write "` + symbols[t.Value] + `"`
		d.Fixes = []string{symbols[t.Value]}
	case c == ';':
		d.Code = "E125"
		d.Message, d.Label = `nothing is ended with ";"`, "leave it out"
	default:
		d.Message, d.Label = "this character can't stand here", strangeNames[t.Value]
		if r, _ := utf8.DecodeRuneInString(t.Value); d.Label == "" && unicode.IsLetter(r) {
			d.Label = "a name has the letters a to z; any other stands in back-quotes"
		}
	}
	p.fail(d)
}

// strangeNames are characters that come with text pasted from elsewhere.
var strangeNames = map[string]string{
	"\u00a0": "a blank that doesn't break; type a plain one", "\ufeff": "a byte order mark in the middle of a file",
	"\u201c": `a typographic quote; type "`, "\u201d": `a typographic quote; type "`, "\u2018": "a typographic quote; type '", "\u2019": "a typographic quote; type '",
	"\u2013": "a dash; type -", "\u2212": "a minus sign; type -", "\u2264": "type <=", "\u2265": "type >=", "\u2260": "type !=", "\u00d7": "type *", "\u00f7": "type /",
	"$": "money is written as 5.00 USD", "\u20ac": "money is written as 5.00 EUR", "\u00a3": "money is written as 5.00 GBP",
}

// semicolons reports and drops what other languages end a line with. It says
// whether there were any.
func (p *parser) semicolons() (any bool) {
	for ; p.peek().Type == tokBad && p.peek().Value == ";"; any = true {
		t := p.next()
		if !any {
			p.report(Diagnostic{Code: "E125", Span: spanOf(t), Message: `nothing is ended with ";"`, Label: "leave it out"})
		}
	}
	return any
}

// unitWords are units of time as they are spoken.
var unitWords = map[string]string{
	"ms": "ms", "millisecond": "ms", "sec": "s", "second": "s", "min": "m", "minute": "m", "hr": "h", "hour": "h", "day": "d", "wk": "w", "week": "w",
	"s": "s", "m": "m", "h": "h", "d": "d", "w": "w",
}

// spokenDuration reads "10 minutes" and "10min", which are written 10m, and
// reports them; nil if the next tokens are neither.
func (p *parser) spokenDuration() *Lit {
	n, unit := p.peek(), p.ahead(1)
	word := strings.ToLower(unit.Value)
	if len(word) > 2 {
		word = strings.TrimSuffix(word, "s")
	}
	if n.Type == tokDecimal && unit.Type == tokIdent && unitWords[word] != "" {
		p.fail(Diagnostic{Code: "E125", Span: Span{n.Pos.Offset, unit.Pos.Offset + len(unit.Value)}, Message: "the numbers of a duration are whole", Label: "as 1h30m, 90s or 1500ms"})
	}
	if n.Type != tokInt || unit.Type != tokIdent || unitWords[word] == "" {
		return nil
	}
	p.next()
	p.next()
	l := &Lit{Span: p.from(n.Pos.Offset), Kind: LitDuration, Text: strings.ReplaceAll(n.Value, "_", "") + unitWords[word]}
	p.report(Diagnostic{Code: "E125", Span: l.Span, Message: "a duration is written without blanks, its unit as ms, s, m, h, d or w", Label: `did you mean "` + l.Text + `"?`, Fixes: []string{l.Text}})
	p.durationValue(l)
	return l
}

// looseMoney reads 5USD and 5 usd, which are written 5 USD, and reports them;
// nil if the next tokens are neither.
func (p *parser) looseMoney() *Lit {
	n, unit, after := p.peek(), p.ahead(1), p.ahead(2)
	code := strings.ToUpper(unit.Value)
	switch {
	case n.Type != tokInt && n.Type != tokDecimal || !isCurrency(code):
		return nil
	case unit.Type != tokIdent && (unit.Type != tokType || unit.Pos.Offset != n.Pos.Offset+len(n.Value)):
		return nil
	case after.Type == tokOp && strings.Contains("=:.", after.Value), after.Type == tokWord && after.Value == "when":
		return nil // the name of the next item
	}
	p.next()
	p.next()
	l := &Lit{Span: p.from(n.Pos.Offset), Text: n.Value + " " + code}
	p.report(Diagnostic{Code: "E125", Span: l.Span, Message: "money is written as a number, a blank and the currency's code", Label: `did you mean "` + l.Text + `"?`, Fixes: []string{l.Text}})
	p.money(l)
	return l
}
