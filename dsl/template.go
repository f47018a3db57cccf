package dsl

import (
	"regexp"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Piece is one piece of a template as written: literal text, or a hole with an
// expression and a format.
type Piece struct {
	Text   string // literal text, braces resolved
	Expr   Node   // nil for text
	Format string // "", ".2", "date", "time", "mask"
	Span   Span   // in the file
}

// formats are the formats that a hole may have.
var formats = regexp.MustCompile(`^(\.[0-9]|\.1[0-9]|date|time|mask)$`)

// ParseTemplate cuts a message or label text into pieces. Holes are
// {expression} or {expression:format}; {{ and }} stand for braces. Places in
// the diagnostics and nodes are places in the file.
func ParseTemplate(src *Source, lit *Lit) ([]Piece, Diagnostics) {
	t := &templateReader{src: src, at: lit.Span.Start + 1}
	t.body = src.Slice(lit.Span)
	t.body = t.body[1 : len(t.body)-1]
	t.raw = lit.Raw
	t.read()
	for i := range t.diags {
		t.diags[i].Source = src
	}
	return t.pieces, t.diags
}

// templateReader walks over the text between the quotes. Escapes of the text
// are resolved in literal pieces only; inside a hole a string is written raw.
type templateReader struct {
	src    *Source
	body   string
	at     int // offset of body in the file
	raw    bool
	pieces []Piece
	diags  Diagnostics
	text   strings.Builder
	start  int // offset in body of the literal text in progress
}

func (t *templateReader) read() {
	for i := 0; i < len(t.body); {
		c := t.body[i]
		switch {
		case (c == '{' || c == '}') && i+1 < len(t.body) && t.body[i+1] == c:
			t.text.WriteByte(c)
			i += 2
		case c == '{':
			i = t.hole(i)
		case c == '}':
			t.fail(i, i+1, `a single "}" in a text`, `write "}}" for a brace`, "}}")
			i++
		case c == '\\' && !t.raw && i+1 < len(t.body):
			t.text.WriteByte(unescape(t.body[i+1]))
			i += 2
		default:
			t.text.WriteByte(c)
			i++
		}
	}
	t.flush(len(t.body))
}

// unescape resolves an escape; the lexer has reported unknown ones.
func unescape(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	}
	return c
}

func (t *templateReader) flush(end int) {
	if t.text.Len() > 0 {
		t.pieces = append(t.pieces, Piece{Text: t.text.String(), Span: Span{t.at + t.start, t.at + end}})
		t.text.Reset()
	}
	t.start = end
}

func (t *templateReader) fail(from, to int, message, label string, fixes ...string) {
	t.diags = append(t.diags, Diagnostic{Code: "E124", Span: Span{t.at + from, t.at + to}, Message: message, Label: label, Fixes: fixes})
}

// hole reads {…} that begins at i and returns the offset behind it.
func (t *templateReader) hole(i int) int {
	end, colon := holeEnd(t.body, i+1)
	if end < 0 {
		t.fail(i, i+1, `this "{" is not closed`, `write "{{" for a brace`)
		t.text.WriteString(t.body[i:])
		return len(t.body)
	}
	t.flush(i)
	exprEnd, format := end, ""
	if colon >= 0 {
		exprEnd, format = colon, t.body[colon+1:end]
		if !formats.MatchString(format) {
			t.fail(colon+1, end, `unknown format "`+format+`"`, "the formats are: .0 to .19, date, time, mask")
		}
	}
	t.start = end + 1
	text := t.body[i+1 : exprEnd]
	if strings.TrimSpace(text) == "" {
		t.fail(i, end+1, "an empty {}", "write a name or an expression between the braces")
		return end + 1
	}
	if x := t.expression(text, t.at+i+1); x != nil {
		t.pieces = append(t.pieces, Piece{Expr: x, Format: format, Span: Span{t.at + i, t.at + end + 1}})
	}
	return end + 1
}

// expression parses the text of a hole, whose tokens have their places in the
// file.
func (t *templateReader) expression(text string, at int) Node {
	tokens, err := lexer.Upgrade(&scanner{text: text, base: at}, tokSpace, tokComment)
	if err != nil {
		t.diags = append(t.diags, Diagnostic{Code: "E124", Span: Span{at, at + len(text)}, Message: err.Error()})
		return nil
	}
	g, err := exprParser.ParseFromLexer(tokens)
	if err != nil { // the grammar reports by itself
		panic(err)
	}
	for _, d := range g.diags {
		if d.Code == "E100" {
			d.Code = "E124"
			d.Message = "in a text's braces: " + d.Message
		}
		if limit := at + len(text); d.Span.End > limit {
			d.Span = Span{limit - 1, limit}
		}
		t.diags = append(t.diags, d)
	}
	return g.expr
}

// holeEnd finds the "}" that ends a hole and the ":" before its format, -1 if
// there is none. Strings and parentheses inside are stepped over.
func holeEnd(body string, from int) (end, colon int) {
	depth, colon := 0, -1
	for i := from; i < len(body); i++ {
		switch body[i] {
		case '\'':
			j := strings.IndexByte(body[i+1:], '\'')
			if j < 0 {
				return -1, -1
			}
			i += 1 + j
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ':':
			if depth == 0 && colon < 0 {
				colon = i
			}
		case '}':
			return i, colon
		}
	}
	return -1, -1
}
