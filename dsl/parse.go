package dsl

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Limits of a rule file.
const (
	MaxFileBytes = 4 << 20   // a rule file, bytes
	MaxTokens    = 1_000_000 // a rule file, tokens with blanks and comments
	MaxNesting   = 100       // parentheses, lists, groups and calls within each other
	MaxOperators = 10_000    // operators in one declaration
)

// Parse reads one rule file. The name is what messages call it. The file is
// never nil: declarations with errors are left out of it, and the diagnostics
// say why. Several mistakes in one file give several errors in one pass.
func Parse(name string, text []byte) (*File, Diagnostics) {
	src := NewSource(name, text)
	file := &File{Source: src}
	if len(text) > MaxFileBytes {
		return file, Diagnostics{{Code: "E100", Source: src, Message: fmt.Sprintf("a rule file may have at most %d MiB; this one has %d bytes", MaxFileBytes>>20, len(text))}}
	}
	node, err := fileParser.ParseString(name, string(text))
	if errors.Is(err, errTokens) {
		return file, Diagnostics{{Code: "E100", Source: src, Message: err.Error()}}
	}
	if err != nil { // the grammar reports by itself
		panic(err)
	}
	file.Decls, file.Broken, file.Comments = node.decls, node.broken, node.comments
	for i := range node.diags {
		node.diags[i].Source = src
	}
	return file, node.diags.Sort()
}

// fileParser is participle's parser of whole files. The productions are
// Parseable functions over participle's token stream instead of struct tags:
// a tag grammar stops at the first error and can only say which tokens it
// expected, where an analyst needs the cause and the text to type.
var fileParser = participle.MustBuild[fileGrammar](participle.Lexer(ruleLexer{}), participle.Elide("Space", "Comment"))

// fileGrammar is File = Decl* .
type fileGrammar struct {
	decls    []Decl
	broken   []Ident
	comments []Comment
	diags    Diagnostics
}

// Parse implements participle.Parseable.
func (g *fileGrammar) Parse(lex *lexer.PeekingLexer) error {
	p := newParser(lex)
	g.comments = p.comments(*lex)
	for !p.lex.Peek().EOF() {
		if d := p.recoverDecl(); d != nil {
			g.decls = append(g.decls, d)
		}
	}
	g.diags, g.broken = p.diags, p.broken
	return nil
}

// exprParser parses the expressions of templates.
var exprParser = participle.MustBuild[exprGrammar](participle.Lexer(ruleLexer{}), participle.Elide("Space", "Comment"))

type exprGrammar struct {
	expr  Node
	diags Diagnostics
}

// Parse implements participle.Parseable.
func (g *exprGrammar) Parse(lex *lexer.PeekingLexer) error {
	p := newParser(lex)
	p.guard(func() {
		g.expr = p.expr()
		if !p.peek().EOF() {
			p.unexpected("the end of the expression")
		}
	})
	if len(p.diags) > 0 {
		g.expr = nil
	}
	for !p.peek().EOF() {
		p.next()
	}
	g.diags = p.diags
	return nil
}

// rawText puts the tokens together again. The lexer keeps every byte.
func rawText(lex lexer.PeekingLexer) string {
	var b strings.Builder
	for _, t := range rawTokens(lex) {
		b.WriteString(t.Value)
	}
	return b.String()
}

// rawTokens are all tokens, with the blanks and comments that parsing skips.
func rawTokens(lex lexer.PeekingLexer) []lexer.Token {
	for !lex.Peek().EOF() {
		lex.Next()
	}
	_, end := lex.PeekAny(func(lexer.Token) bool { return false })
	return lex.Range(0, end)
}

// comments collects the comments among the tokens.
func (p *parser) comments(lex lexer.PeekingLexer) (all []Comment) {
	for _, t := range rawTokens(lex) {
		if t.Type == tokComment {
			text := strings.TrimRight(t.Value, " \t\r")
			at := t.Pos.Offset
			all = append(all, Comment{Span: Span{at, at + len(text)}, Text: text, Own: p.firstOfLine(at)})
		}
	}
	return all
}

// parser is a recursive descent over participle's token stream.
type parser struct {
	lex    *lexer.PeekingLexer
	text   string // what the tokens were cut from
	base   int    // offset of text in the file
	limit  int    // offset of its end
	diags  Diagnostics
	broken []Ident
	depth  int // of nesting
	ops    int // operators of the declaration in progress
	last   int // end of the last consumed token
	end    int // of the declaration in progress: for it, the file ends there
	failed int // items of it that were given up
}

func newParser(lex *lexer.PeekingLexer) *parser {
	p := &parser{lex: lex, text: rawText(*lex), base: lex.RawPeek().Pos.Offset}
	p.limit = p.base + len(p.text)
	p.end = p.limit
	return p
}

// slice is the text of a span, without the blanks around it.
func (p *parser) slice(s Span) string {
	return strings.TrimSpace(p.text[s.Start-p.base : s.End-p.base])
}

func (p *parser) peek() *lexer.Token { return p.clip(p.lex.Peek()) }

// clip turns the first token of the next declaration into an end of file.
func (p *parser) clip(t *lexer.Token) *lexer.Token {
	if t.Pos.Offset < p.end || t.EOF() {
		return t
	}
	end := lexer.EOFToken(t.Pos)
	return &end
}

func (p *parser) next() *lexer.Token {
	t := p.lex.Next()
	p.last = t.Pos.Offset + len(t.Value)
	return t
}

// ahead returns the n-th token after the next one.
func (p *parser) ahead(n int) lexer.Token {
	c := *p.lex
	for range n {
		c.Next()
	}
	return *p.clip(c.Peek())
}

func spanOf(t *lexer.Token) Span { return Span{t.Pos.Offset, t.Pos.Offset + len(t.Value)} }

// from is the span from start to the last consumed token.
func (p *parser) from(start int) Span { return Span{start, max(p.last, start)} }

func (p *parser) at() int { return p.peek().Pos.Offset }

// word reports whether the next token is that keyword, reserved or not.
func (p *parser) word(w string) bool { return isWord(p.peek(), w) }

func isWord(t *lexer.Token, w string) bool {
	return (t.Type == tokIdent || t.Type == tokWord) && t.Value == w
}

func (p *parser) op(o string) bool {
	t := p.peek()
	return t.Type == tokOp && t.Value == o
}

// acceptWord and acceptOp consume the token if it is next.
func (p *parser) acceptWord(w string) bool {
	if !p.word(w) {
		return false
	}
	p.next()
	return true
}

func (p *parser) acceptOp(o string) bool {
	if !p.op(o) {
		return false
	}
	p.next()
	return true
}

func (p *parser) expectOp(o, what string) {
	if !p.acceptOp(o) {
		p.unexpected(fmt.Sprintf("%q %s", o, what))
	}
}

func (p *parser) expectWord(w, what string) {
	if !p.acceptWord(w) {
		p.unexpected(strings.TrimSpace(fmt.Sprintf("%q %s", w, what)))
	}
}

// unexpected gives up with "expected …, found …". The words are keywords that
// may stand there, beside those that expected quotes: one of them may be
// misspelt.
func (p *parser) unexpected(expected string, words ...string) {
	t := p.peek()
	p.habits(t)
	d := Diagnostic{Code: "E100", Span: spanOf(t), Message: "expected " + expected + ", found " + p.describeToken(t)}
	if t.EOF() {
		d.Span = Span{p.last, p.last}
	}
	if t.Type == tokIdent || t.Type == tokType {
		for _, q := range quotedWord.FindAllStringSubmatch(expected, -1) {
			words = append(words, q[1])
		}
		if near := nearest(t.Value, words); near != "" {
			d.Label, d.Fixes = `did you mean "`+near+`"?`, []string{near}
		}
	}
	p.fail(d)
}

var quotedWord = regexp.MustCompile(`"([a-z]+)"`)

func (p *parser) describeToken(t *lexer.Token) string {
	switch {
	case t.EOF() && p.base > 0:
		return "its end"
	case t.EOF() && t.Pos.Offset < p.limit:
		return "the end of the line"
	case t.EOF():
		return "the end of the file"
	case t.Type == tokWord:
		return fmt.Sprintf("the reserved word %q", t.Value)
	case t.Type == tokString:
		return "the text " + t.Value
	}
	return fmt.Sprintf("%q", t.Value)
}

// enter counts a level of nesting, up to MaxNesting.
func (p *parser) enter() {
	p.depth++
	if p.depth > MaxNesting {
		p.fail(Diagnostic{Code: "E100", Span: spanOf(p.peek()), Message: fmt.Sprintf("more than %d levels of nesting", MaxNesting),
			Label: "one too many", Notes: []string{"give parts of it a name with let, const or predicate"}})
	}
}

// operator counts an operator, up to MaxOperators.
func (p *parser) operator() {
	p.ops++
	if p.ops > MaxOperators {
		p.fail(Diagnostic{Code: "E100", Span: spanOf(p.peek()), Message: fmt.Sprintf("more than %d operators in one declaration", MaxOperators),
			Label: "one too many", Notes: []string{"long lists of values belong in a list: x in my_list"}})
	}
}

func (p *parser) leave() { p.depth-- }

// ident reads a name of either case; reserved words need back-quotes.
func (p *parser) ident(what string) Ident {
	t := p.peek()
	if t.Type == tokWord {
		p.reserved(t.Pos.Offset, t.Value)
	}
	if t.Type != tokIdent && t.Type != tokType {
		p.unexpected(what)
	}
	p.next()
	return identOf(t)
}

// reserved fails at a reserved word where a name stands.
func (p *parser) reserved(at int, word string) {
	p.fail(Diagnostic{Code: "E120", Span: Span{at, at + len(word)}, Message: fmt.Sprintf("%q is a reserved word of the language", word),
		Label: "can't stand here as a name", Fixes: []string{"`" + word + "`"}})
}

// anyWord reads a name where reserved words are free: fields, after a dot,
// config keys.
func (p *parser) anyWord(what string) Ident {
	t := p.peek()
	if t.Type != tokIdent && t.Type != tokType && t.Type != tokWord {
		p.unexpected(what)
	}
	p.next()
	return identOf(t)
}

func identOf(t *lexer.Token) Ident { return Ident{Name: strings.Trim(t.Value, "`"), Span: spanOf(t)} }

// typeName reads a name with a capital.
func (p *parser) typeName(what string) Ident {
	t := p.peek()
	if t.Type == tokIdent && !strings.HasPrefix(t.Value, "`") {
		p.fail(Diagnostic{Code: "E100", Span: spanOf(t), Message: what + " starts with a capital letter",
			Label: "starts with a small one", Fixes: []string{strings.ToUpper(t.Value[:1]) + t.Value[1:]}})
	}
	if t.Type != tokType {
		p.unexpected(what)
	}
	p.next()
	return identOf(t)
}

// typeRef reads [alias.]Name.
func (p *parser) typeRef(what string) TypeRef {
	start := p.at()
	var r TypeRef
	if dot := p.ahead(1); p.peek().Type == tokIdent && dot.Type == tokOp && dot.Value == "." {
		alias := p.ident("an import's name")
		p.next()
		r.Alias = &alias
	}
	r.Name = p.typeName(what)
	r.Span = p.from(start)
	return r
}

// key reads name or (name, name).
func (p *parser) key() Key {
	start := p.at()
	if !p.acceptOp("(") {
		id := p.ident("a field name")
		return Key{Span: id.Span, Parts: []Ident{id}}
	}
	k := Key{Parts: []Ident{p.ident("a field name")}}
	for p.acceptOp(",") {
		k.Parts = append(k.Parts, p.ident("a field name"))
	}
	p.expectOp(")", "after the key's fields")
	k.Span = p.from(start)
	return k
}
