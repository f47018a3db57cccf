package dsl

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	"github.com/weir-cep/weir/cep"
)

// Token kinds. The lexer never fails: what it cannot read becomes a tokBad
// whose place the parser reports, so that one bad character costs one error.
const (
	tokComment lexer.TokenType = iota + 1
	tokSpace
	tokString
	tokMoney
	tokDuration
	tokPercent
	tokDecimal
	tokInt
	tokWord // a reserved word
	tokType // a name with a capital
	tokIdent
	tokOp
	tokBad
)

var tokenNames = map[string]lexer.TokenType{
	"EOF": lexer.EOF, "Comment": tokComment, "Space": tokSpace, "String": tokString, "Money": tokMoney,
	"Duration": tokDuration, "Percent": tokPercent, "Decimal": tokDecimal, "Int": tokInt, "Kw": tokWord,
	"TypeName": tokType, "Ident": tokIdent, "Op": tokOp, "Bad": tokBad,
}

// reservedWords need back-quotes where they stand alone as a name. All other
// keywords are words only in their place.
var reservedWords = wordSet(`and or not in is else over per contains between like ilike matches starts ends then no when where within newly before`)

// isCurrency says whether a word is a currency's code.
func isCurrency(word string) bool {
	_, known := cep.CurrencyDigits(word)
	return known
}

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// ruleLexer is the language's lexer.Definition for participle: hand-written,
// about thirty times as fast as one made of regular expressions.
type ruleLexer struct{}

func (ruleLexer) Symbols() map[string]lexer.TokenType { return tokenNames }

func (l ruleLexer) Lex(filename string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return l.LexString(filename, string(text))
}

func (ruleLexer) LexString(_ string, text string) (lexer.Lexer, error) {
	return &scanner{text: text}, nil
}

// scanner cuts a text into tokens. A token's place is its offset; lines and
// columns are worked out from it only when a message is printed.
type scanner struct {
	text   string
	pos    int
	base   int // offset of text in the file
	tokens int
}

var errTokens = fmt.Errorf("a rule file may have at most %d tokens", MaxTokens)

func (s *scanner) Next() (lexer.Token, error) {
	start := s.pos
	if start >= len(s.text) {
		return lexer.EOFToken(lexer.Position{Offset: s.base + start}), nil
	}
	if s.tokens++; s.tokens > MaxTokens {
		return lexer.Token{}, errTokens
	}
	kind := s.scan()
	return lexer.Token{Type: kind, Value: s.text[start:s.pos], Pos: lexer.Position{Offset: s.base + start}}, nil
}

// scan moves over one token, at least one byte.
func (s *scanner) scan() lexer.TokenType {
	c := s.text[s.pos]
	switch {
	case s.pos == 0 && s.base == 0 && strings.HasPrefix(s.text, byteOrderMark):
		s.pos = len(byteOrderMark)
		return tokSpace
	case c == '#':
		s.until('\n')
		return tokComment
	case isSpace(c):
		for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
			s.pos++
		}
		return tokSpace
	case c == '"' || c == '\'':
		return s.str(c)
	case c == '`':
		return s.quotedName()
	case isDigit(c):
		return s.number()
	case isLetter(c):
		return s.word()
	}
	return s.operator(c)
}

// byteOrderMark is skipped at the beginning of a file.
const byteOrderMark = "\ufeff"

func (s *scanner) until(end byte) {
	for s.pos < len(s.text) && s.text[s.pos] != end {
		s.pos++
	}
}

// str scans a string; one that is not closed on its line is a tokBad.
func (s *scanner) str(quote byte) lexer.TokenType {
	for i := s.pos + 1; i < len(s.text) && s.text[i] != '\n'; i++ {
		switch {
		case s.text[i] == quote:
			s.pos = i + 1
			return tokString
		case s.text[i] == '\\' && quote == '"':
			i++
		}
	}
	s.until('\n')
	return tokBad
}

func (s *scanner) quotedName() lexer.TokenType {
	for i := s.pos + 1; i < len(s.text) && s.text[i] != '\n'; i++ {
		if s.text[i] == '`' {
			empty := i == s.pos+1
			s.pos = i + 1
			if empty {
				return tokBad
			}
			return tokIdent
		}
	}
	s.until('\n')
	return tokBad
}

func (s *scanner) digits() {
	for s.pos < len(s.text) && (isDigit(s.text[s.pos]) || s.text[s.pos] == '_') {
		s.pos++
	}
}

// number scans an int, decimal, percent, money or duration.
func (s *scanner) number() lexer.TokenType {
	if n := durationLen(s.text[s.pos:]); n > 0 {
		s.pos += n
		return tokDuration
	}
	s.digits()
	kind := tokInt
	if s.pos+1 < len(s.text) && s.text[s.pos] == '.' && isDigit(s.text[s.pos+1]) {
		s.pos++
		s.digits()
		kind = tokDecimal
	}
	if s.pos < len(s.text) && s.text[s.pos] == '%' {
		s.pos++
		return tokPercent
	}
	if n := currencyLen(s.text[s.pos:]); n > 0 {
		s.pos += n
		return tokMoney
	}
	return kind
}

// durationLen is the length of "1h30m" at the start of text, 0 if it is none.
func durationLen(text string) int {
	i, units := 0, 0
	for {
		start := i
		for i < len(text) && isDigit(text[i]) {
			i++
		}
		if i == start {
			break
		}
		switch {
		case strings.HasPrefix(text[i:], "ms"):
			i += 2
		case i < len(text) && strings.IndexByte("smhdw", text[i]) >= 0:
			i++
		default:
			return 0
		}
		units++
	}
	if units == 0 || i < len(text) && (isLetter(text[i]) || isDigit(text[i])) {
		return 0
	}
	return i
}

// currencyLen is the length of blanks and a currency code at the start of text.
func currencyLen(text string) int {
	i := 0
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	if i == 0 || i+3 > len(text) || !isCurrency(text[i:i+3]) {
		return 0
	}
	if end := i + 3; end < len(text) && (isLetter(text[end]) || isDigit(text[end])) {
		return 0
	}
	return i + 3
}

func (s *scanner) word() lexer.TokenType {
	start := s.pos
	for s.pos < len(s.text) && (isLetter(s.text[s.pos]) || isDigit(s.text[s.pos])) {
		s.pos++
	}
	w := s.text[start:s.pos]
	switch {
	case reservedWords[w]:
		return tokWord
	case w[0] >= 'A' && w[0] <= 'Z':
		return tokType
	}
	return tokIdent
}

func (s *scanner) operator(c byte) lexer.TokenType {
	if s.pos+1 < len(s.text) && s.text[s.pos+1] == '=' && strings.IndexByte("=!<>", c) >= 0 {
		s.pos += 2
		return tokOp
	}
	if strings.HasPrefix(s.text[s.pos:], "<>") {
		s.pos += 2
		return tokBad
	}
	if strings.IndexByte("-+*/%<>=(){}[].,:?", c) >= 0 {
		s.pos++
		return tokOp
	}
	for _, foreign := range []string{"&&", "||", "~="} {
		if strings.HasPrefix(s.text[s.pos:], foreign) {
			s.pos += len(foreign)
			return tokBad
		}
	}
	_, size := utf8.DecodeRuneInString(s.text[s.pos:])
	s.pos += size
	return tokBad
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}
