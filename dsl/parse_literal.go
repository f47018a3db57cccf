package dsl

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
	"github.com/weir-cep/weir/cep"
)

// literal reads a literal token, or returns nil if the next token is none.
func (p *parser) literal() *Lit {
	t := p.peek()
	l := &Lit{Span: spanOf(t), Text: t.Value}
	switch t.Type {
	case tokInt:
		p.next()
		l.Kind = LitInt
		n, err := strconv.ParseInt(strings.ReplaceAll(t.Value, "_", ""), 10, 64)
		if err != nil {
			p.tooLarge(l, "an int has 64 bits: at most 9223372036854775807")
		}
		l.Int = n
	case tokDecimal, tokPercent:
		p.next()
		l.Kind = LitNumber
		f, err := strconv.ParseFloat(strings.TrimSuffix(strings.ReplaceAll(t.Value, "_", ""), "%"), 64)
		if err != nil || math.IsInf(f, 0) {
			p.tooLarge(l, "a number is a 64-bit IEEE float")
		}
		if t.Type == tokPercent {
			l.Kind = LitPercent
			f /= 100
			p.modulo(t)
		}
		l.Float = f
	case tokMoney:
		p.next()
		p.money(l)
	case tokDuration:
		p.next()
		p.durationValue(l)
	case tokString:
		p.next()
		l.Kind, l.Raw = LitString, t.Value[0] == '\''
		l.Str = p.unquote(t)
	default:
		return nil
	}
	return l
}

func (p *parser) tooLarge(l *Lit, why string) {
	p.report(Diagnostic{Code: "E100", Span: l.Span, Message: "this number is too large", Notes: []string{why}})
}

// modulo catches 10%3, which reads as 10 percent and then 3.
func (p *parser) modulo(t *lexer.Token) {
	n := p.peek()
	if n.Pos.Offset != p.last || n.Type != tokInt && n.Type != tokIdent && n.Type != tokDecimal {
		return
	}
	left := strings.TrimSuffix(t.Value, "%")
	p.fail(Diagnostic{Code: "E125", Span: spanOf(t), Message: `"` + t.Value + `" is a percentage; a remainder needs blanks around "%"`,
		Label: "read as " + left + " percent", Fixes: []string{left + " % " + n.Value}})
}

func (p *parser) money(l *Lit) {
	l.Kind = LitMoney
	l.Currency = l.Text[len(l.Text)-3:]
	digits := strings.ReplaceAll(strings.TrimSpace(l.Text[:len(l.Text)-3]), "_", "")
	n, err := cep.ParseMoney(digits, l.Currency)
	if err != nil {
		p.report(Diagnostic{Code: "E100", Span: l.Span, Message: "this amount can't be held: " + err.Error(),
			Notes: []string{"money has at most six decimals and 9.2e12 units"}})
	}
	l.Int = n
}

func (p *parser) durationValue(l *Lit) {
	l.Kind = LitDuration
	n, err := cep.ParseDuration(l.Text)
	if err != nil {
		p.report(Diagnostic{Code: "E100", Span: l.Span, Message: "this duration can't be held: " + err.Error(),
			Notes: []string{"a duration has at most 292 years"}})
		n = cep.Day // not 0, about which the checker would complain too
	}
	l.Int = n
}

// unquote resolves the escapes of a string token.
func (p *parser) unquote(t *lexer.Token) string {
	body := t.Value[1 : len(t.Value)-1]
	if t.Value[0] == '\'' || strings.IndexByte(body, '\\') < 0 {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			continue
		}
		i++
		switch body[i] {
		case '"', '\\':
			b.WriteByte(body[i])
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		default:
			at := t.Pos.Offset + i
			p.report(Diagnostic{Code: "E124", Span: Span{at, at + 2}, Message: fmt.Sprintf(`unknown escape "\%c" in a text`, body[i]),
				Label: `known are \" \\ \n \t`, Fixes: []string{`\\` + string(body[i]), "'" + body + "'"}})
		}
	}
	return b.String()
}

// expectLit reads a literal of one kind.
func (p *parser) expectLit(kind lexer.TokenType, what string) *Lit {
	if p.peek().Type != kind {
		p.unexpected(what)
	}
	return p.literal()
}

// duration reads a duration.
func (p *parser) duration(what string) *Lit {
	if l := p.spokenDuration(); l != nil {
		return l
	}
	return p.expectLit(tokDuration, what+", as 10m")
}

func (p *parser) str(what string) *Lit { return p.expectLit(tokString, what) }

// count reads a small positive int.
func (p *parser) count(what string) (int, *Lit) {
	l := p.expectLit(tokInt, what)
	if l.Int > math.MaxInt32 {
		p.fail(Diagnostic{Code: "E100", Span: l.Span, Message: "this count is too large"})
	}
	return int(l.Int), l
}
