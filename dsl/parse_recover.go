package dsl

import (
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
	first := *p.lex
	e := p.measure()
	p.end, p.failed, p.ops = e.end, 0, 0
	if e.unclosed != (Span{}) {
		p.report(Diagnostic{Code: "E100", Span: e.unclosed, Message: `this "{" is never closed`, Label: "opened here",
			Notes: []string{`a "}" is missing before ` + p.describeToken(&lexer.Token{Type: lexer.EOF, Pos: lexer.Position{Offset: e.end}})}})
		p.failed++
	} else if !p.guard(func() { d = p.decl() }) {
		p.failed++
	}
	if p.failed > 0 {
		p.keepNames(first)
		p.skipTo(e.end)
		d = nil
	}
	p.end = p.limit
	return d
}

// keepNames notes the names that a broken declaration would have declared.
func (p *parser) keepNames(lex lexer.PeekingLexer) {
	name := func(t *lexer.Token) {
		if t.Pos.Offset < p.end && (t.Type == tokIdent || t.Type == tokType) {
			p.broken = append(p.broken, identOf(t))
		}
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
	for first := true; ; first = false {
		t := c.Peek()
		if t.EOF() || !first && p.startsDecl(c, len(open)) {
			e := extent{end: t.Pos.Offset}
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
		c.Next()
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

// startsDecl says that the next token begins a declaration. Inside braces only
// a declaration word at the margin counts, since fields and clauses may be
// called like one.
func (p *parser) startsDecl(lex lexer.PeekingLexer, depth int) bool {
	t := lex.Next()
	if t.Type != tokIdent || !declSet[t.Value] {
		return false
	}
	if after := lex.Peek(); after.Type == tokOp && (depth > 0 || after.Value != "{") {
		return false // a field or clause of that name
	}
	at := t.Pos.Offset - p.base
	return depth == 0 || at == 0 || p.text[at-1] == '\n'
}

// indentation is how many blanks stand before the first token of a line.
func (p *parser) indentation(at int) int {
	before := p.text[:at-p.base]
	return len(before) - len(strings.TrimRight(before, " \t"))
}

// firstOfLine says whether only blanks stand before an offset on its line.
func (p *parser) firstOfLine(at int) bool {
	before := strings.TrimRight(p.text[:at-p.base], " \t")
	return before == "" || before[len(before)-1] == '\n'
}

// recoverItem reads one item of a block. After an error it skips to the first
// line behind it, at the block's own depth, that begins an item, or to the end
// of the block.
func (p *parser) recoverItem(read func(), begins func(t, after *lexer.Token) bool) {
	p.semicolons()
	if p.op("}") || p.peek().EOF() {
		return
	}
	start := *p.lex
	if p.guard(read) {
		return
	}
	p.failed++
	failed := p.at()
	*p.lex = start
	depth := 0
	for first := true; ; first = false {
		t := p.peek()
		switch {
		case t.EOF():
			panic(bailout{})
		case depth == 0 && t.Type == tokOp && t.Value == "}" && !first:
			return
		case depth == 0 && !first && t.Pos.Offset >= failed && p.firstOfLine(t.Pos.Offset):
			if after := p.ahead(1); begins(t, &after) {
				return
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
