package dsl

import "github.com/alecthomas/participle/v2/lexer"

// Literals returns the numbers, amounts, percentages and durations that are
// written in a range of a file, in their order. Tools that vary a rule's
// thresholds start from them. What stands in a meta block is left out: it
// decides nothing.
func Literals(src *Source, in Span) []*Lit {
	lex, err := lexer.Upgrade(&scanner{text: string(src.Text[:in.End]), pos: in.Start}, tokSpace, tokComment)
	if err != nil {
		return nil
	}
	p := &parser{lex: lex, text: string(src.Text), end: in.End}
	var lits []*Lit
	p.guard(func() {
		for t := p.peek(); !t.EOF(); t = p.peek() {
			switch t.Type {
			case tokInt, tokDecimal, tokPercent, tokMoney, tokDuration:
				lits = append(lits, p.literal())
				continue
			case tokIdent:
				if brace := p.ahead(1); t.Value == "meta" && brace.Type == tokOp && brace.Value == "{" {
					p.next()
					p.config()
					continue
				}
			}
			p.next()
		}
	})
	return lits
}
