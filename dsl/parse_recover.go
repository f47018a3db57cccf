package dsl

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Recovery: what fails is given up at the nearest of item, clause and
// declaration, and reading goes on behind it, so that one pass shows the
// mistakes of a whole file without those that follow from others.

// bailout unwinds to the nearest guard after an error has been reported.
type bailout struct{}

// guard runs f and says whether it went through without giving up.
func (p *parser) guard(f func()) (ok bool) {
	depth := p.depth
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(bailout); !is {
				panic(r)
			}
			p.depth, ok = depth, false
		}
	}()
	f()
	return true
}

func (p *parser) report(d Diagnostic) { p.diags = append(p.diags, d) }

// fail reports and gives up on the construct in progress.
func (p *parser) fail(d Diagnostic) {
	p.report(d)
	panic(bailout{})
}

// recoverDecl reads one declaration. It returns nil if a part of it was given
// up, and keeps the name, so that whoever uses it is not told it is unknown.
// Mistakes whose meaning is plain are reported, and the declaration is used.
func (p *parser) recoverDecl() (d Decl) {
	if p.semicolons(); p.lex.Peek().EOF() {
		return nil
	}
	first, errors := *p.lex, len(p.diags)
	e := p.measure()
	p.end, p.failed, p.ops = e.end, 0, 0
	if e.unclosed != (Span{}) {
		p.report(Diagnostic{Code: "E100", Span: e.unclosed, Message: `this "{" is never closed`, Label: "opened here",
			Notes: []string{`a "}" is missing before ` + map[bool]string{true: "the next declaration", false: "the end of the file"}[e.end < p.limit]}})
		p.failed++
	} else if !p.guard(func() { d = p.decl() }) {
		p.failed++
	}
	if e.torn {
		p.diags = append(p.diags[:errors], untilTorn(p.diags[errors:])...)
	}
	if p.failed > 0 {
		p.keepNames(first)
		p.skipTo(e.end)
		d = nil
	}
	p.end = p.limit
	return d
}

// untilTorn leaves out what a text that is not closed led to.
func untilTorn(ds Diagnostics) (kept Diagnostics) {
	torn := false
	for _, d := range ds {
		torn = torn || d.Code == "E124"
		if !torn || d.Code != "E100" {
			kept = append(kept, d)
		}
	}
	return kept
}

// keepNames notes the names that a broken declaration would have declared: the
// first name in it, or the second if the first is a misspelt keyword, and those
// of its alert events.
func (p *parser) keepNames(lex lexer.PeekingLexer) {
	name := func(t *lexer.Token) {
		if t.Pos.Offset < p.end && (t.Type == tokIdent || t.Type == tokType) {
			p.broken = append(p.broken, identOf(t))
		}
	}
	if first := lex.Peek(); !declSet[first.Value] {
		name(first)
	}
	lex.Next()
	name(lex.Peek())
	for prev := ""; !lex.Peek().EOF() && lex.Peek().Pos.Offset < p.end; {
		t := lex.Next()
		if prev == "alert" && t.Value == "as" {
			name(lex.Peek())
		}
		prev = t.Value
	}
}

// skipTo moves to the token at an offset, or the first behind it.
func (p *parser) skipTo(offset int) {
	for t := p.lex.Peek(); !t.EOF() && t.Pos.Offset < offset; t = p.lex.Peek() {
		p.next()
	}
}

// extent is how far a declaration goes, measured by its braces.
type extent struct {
	end      int  // offset of the next declaration, or of the file's end
	unclosed Span // a brace that is opened but never closed
	torn     bool // a text is not closed, so that braces may be missing
}

// brace is an opening brace with the indentation of its line.
type brace struct {
	at     Span
	indent int
}

// measure finds where the declaration that begins here ends: at the first
// declaration word outside of braces. One that begins a line inside of braces,
// at the margin, ends it too: then a brace is not closed. Which one it is, the
// indentation tells: a closing brace belongs to a line that begins where its
// own does. Where a text is not closed its line may have held the brace.
func (p *parser) measure() extent {
	c := *p.lex
	var open []brace
	var suspect Span
	torn := false
	indent := 0 // of the line in progress
	var prev lexer.Token
	for place := 0; ; place++ { // the token behind the first is a name
		t := c.Peek()
		if t.EOF() || place > 1 && p.startsDecl(c, &prev, len(open)) {
			e := extent{end: t.Pos.Offset, torn: torn}
			if len(open) > 0 && !torn {
				e.unclosed = open[len(open)-1].at
				if suspect != (Span{}) {
					e.unclosed = suspect
				}
			}
			return e
		}
		begins := p.firstOfLine(t.Pos.Offset)
		if begins {
			indent = p.indentation(t.Pos.Offset)
		}
		switch {
		case t.Type == tokBad && (t.Value[0] == '"' || t.Value[0] == '\'' || t.Value[0] == '`'):
			torn = true
		case t.Type == tokOp && t.Value == "{":
			open = append(open, brace{spanOf(t), indent})
		case t.Type == tokOp && t.Value == "}" && len(open) > 0:
			if suspect == (Span{}) && begins {
				suspect = misfit(open, indent)
			}
			open = open[:len(open)-1]
		}
		prev = *c.Next()
	}
}

// misfit is the innermost open brace, if a closing one stands where it can
// only belong to one further out.
func misfit(open []brace, indent int) Span {
	top := open[len(open)-1]
	if top.indent <= indent {
		return Span{}
	}
	for _, b := range open[:len(open)-1] {
		if b.indent == indent {
			return top.at
		}
	}
	return Span{}
}

// startsDecl says that the next token begins a declaration, and is not a name
// like one: where a declaration may end, and before what follows its word.
// Inside braces only a word at the margin counts.
func (p *parser) startsDecl(lex lexer.PeekingLexer, prev *lexer.Token, depth int) bool {
	t := lex.Next()
	if t.Type != tokIdent || !declSet[t.Value] || !mayEnd(prev) {
		return false
	}
	at := t.Pos.Offset
	switch after := lex.Peek(); after.Type {
	case tokIdent, tokType, tokString:
		return depth == 0 || at == p.base || p.text[at-p.base-1] == '\n'
	case tokWord:
		return depth == 0 && p.firstOfLine(at)
	case tokOp:
		return depth == 0 && p.firstOfLine(at) && (after.Value == "{" || after.Value == "=" && t.Value == "const")
	}
	return false
}

// mayEnd says whether a declaration may end in a token.
func mayEnd(t *lexer.Token) bool {
	switch t.Type {
	case tokWord:
		return false
	case tokOp:
		return t.Value == "}" || t.Value == "]" || t.Value == ")" || t.Value == "?"
	case tokIdent:
		return t.Value != "as" && t.Value != "of" && t.Value != "on" && t.Value != "for" && t.Value != "from" && t.Value != "to"
	}
	return true
}

// indentation is how many blanks stand before the first token of a line.
func (p *parser) indentation(at int) int {
	before := p.text[:at-p.base]
	return len(before) - len(strings.TrimRight(before, " \t"))
}

// firstOfLine says whether only blanks stand before an offset on its line.
func (p *parser) firstOfLine(at int) bool {
	before := strings.TrimRight(p.text[:at-p.base], " \t")
	return before == "" || before == byteOrderMark || before[len(before)-1] == '\n'
}

// recoverItem reads one item of a block. After an error it skips to the first
// line behind it, at the block's own depth, that begins an item, or to the end
// of the block.
func (p *parser) recoverItem(read func(), begins func(t, after *lexer.Token) bool) {
	if p.semicolons() && p.op("}") {
		return
	}
	start, errors := *p.lex, len(p.diags)
	ok := p.guard(read)
	if after := p.ahead(1); ok && (p.op("}") || p.peek().EOF() || begins(p.peek(), &after)) {
		return
	}
	failed, behind := p.at(), *p.lex
	*p.lex = start
	if p.nextItem(0, begins) && p.at() <= failed { // the item has taken the next one for its own
		first, end := p.diags[errors:], p.end
		next := *p.lex
		p.failed++
		p.diags = slices.Clip(p.diags[:errors])
		*p.lex, p.end = start, p.at()
		if p.guard(read) || len(p.diags) == errors {
			p.diags = append(p.diags[:errors], first...)
		}
		*p.lex, p.end = next, end
		return
	}
	if ok { // what follows is no item: let the next one say so
		*p.lex = behind
		return
	}
	p.failed++
	*p.lex = start
	if !p.nextItem(failed, begins) && p.peek().EOF() {
		panic(bailout{})
	}
}

// nextItem moves over the token of an item's beginning to the first line at
// the same depth, not before an offset, that begins an item. It reports false
// where it meets the end of the block first.
func (p *parser) nextItem(from int, begins func(t, after *lexer.Token) bool) bool {
	depth := 0
	for first := true; ; first = false {
		t := p.peek()
		switch {
		case t.EOF():
			return false
		case depth == 0 && t.Type == tokOp && t.Value == "}" && !first:
			return false
		case depth == 0 && !first && t.Pos.Offset >= from && p.firstOfLine(t.Pos.Offset):
			if after := p.ahead(1); begins(t, &after) {
				return true
			}
		}
		if t.Type == tokOp {
			switch t.Value {
			case "{":
				depth++
			case "}":
				depth = max(0, depth-1)
			}
		}
		p.next()
	}
}

// beginsWith makes the test of items that begin with one of some words.
func beginsWith(words ...string) func(t, after *lexer.Token) bool {
	set := map[string]bool{}
	for _, w := range words {
		set[w] = true
	}
	return func(t, _ *lexer.Token) bool { return (t.Type == tokIdent || t.Type == tokWord) && set[t.Value] }
}

// beginsAssign tells "name = …" from what continues an item before it.
func beginsAssign(t, after *lexer.Token) bool {
	return (t.Type == tokIdent || t.Type == tokType) && after.Type == tokOp && after.Value == "="
}
