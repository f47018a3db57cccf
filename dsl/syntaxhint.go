package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// habits catches what people bring from other languages where an operator or
// the end of an expression is due.
func (p *parser) habits(t *lexer.Token) {
	switch {
	case t.Type == tokType && (t.Value == "AND" || t.Value == "OR" || t.Value == "NOT"):
		low := strings.ToLower(t.Value)
		p.fail(Diagnostic{Code: "E125", Span: spanOf(t), Message: `"` + t.Value + `" is written in small letters`, Label: `did you mean "` + low + `"?`, Fixes: []string{low}})
	case t.Type == tokBad:
		p.badToken(t)
	}
}

// symbolHabits are operators of other languages.
var symbolHabits = map[string]string{"&": "and", "|": "or", "!": "not"}

// badToken reports what the lexer could not read.
func (p *parser) badToken(t *lexer.Token) {
	d := Diagnostic{Code: "E100", Span: spanOf(t)}
	switch c := t.Value[0]; {
	case c == '"' || c == '\'':
		d.Code = "E124"
		d.Span = Span{t.Pos.Offset, t.Pos.Offset + 1}
		d.Message, d.Label = "this text is not closed on its line", "opened here"
		d.Fixes = []string{strings.TrimRight(t.Value, " \t\r") + string(c)}
	case c == '`':
		d.Message, d.Label = "this back-quoted name is empty or not closed on its line", "opened here"
	case symbolHabits[t.Value] != "":
		d.Code = "E125"
		d.Message = `"` + t.Value + `" is not part of the language; write "` + symbolHabits[t.Value] + `"`
		d.Fixes = []string{symbolHabits[t.Value]}
	case c == ';':
		d.Code = "E125"
		d.Message = `declarations and clauses are not ended with ";"`
		d.Notes = []string{"leave it out"}
	default:
		d.Message = "this character can't stand here: " + strings.TrimSpace(t.Value)
	}
	p.next()
	p.fail(d)
}
