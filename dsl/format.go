package dsl

import (
	"bytes"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Format returns a file in its canonical form: the clauses of a rule in their
// order, two blanks of indentation per open brace, two more for what continues
// an item and for the event lines of a test, one blank between tokens, two
// between items that share a line, trailing comments of consecutive lines
// aligned. Line breaks are the author's; at most one empty line stays in a row.
//
// Nothing is lost: the tokens and comments of the result are those of the
// file, but for the order of clauses. Formatting the result changes nothing.
// A file that does not parse is returned as it is.
func Format(f *File) []byte {
	m := &marker{pieces: cut(string(f.Source.Text))}
	if !m.markFile(f) {
		return bytes.Clone(f.Source.Text)
	}
	for _, d := range f.Decls {
		if r, ok := d.(*RuleDecl); ok {
			m.orderClauses(r)
		}
	}
	return printLines(layOut(m.pieces))
}

// piece is a token or comment of a file that is formatted.
type piece struct {
	kind   lexer.TokenType
	text   string
	start  int // offset in the file
	breaks int // line breaks before it: 0, 1, or 2 for any number of empty lines
	role   role
}

// role says what the grammar makes of a token. Tokens that no role is given
// to continue an item.
type role uint8

const (
	roleItem  role = 1 << iota // begins an item: two blanks part it from one before it on its line
	roleEntry                  // begins a step or a member of a list in braces: one blank
	roleEvent                  // begins an item that is indented by two more
	roleTight                  // no blank before it
	roleOpen                   // opens a block: a brace, or the parenthesis of a group
	roleClose                  // closes it
)

func (p *piece) is(r role) bool   { return p.role&r != 0 }
func (p *piece) comment() bool    { return p.kind == tokComment }
func (p *piece) starter() bool    { return p.is(roleItem | roleEntry | roleEvent) }
func (p *piece) op(s string) bool { return p.kind == tokOp && p.text == s }

// cut makes pieces of a text. Blanks within money become one.
func cut(text string) []piece {
	var pieces []piece
	breaks := 0
	for s := (scanner{text: text}); s.pos < len(text); {
		start := s.pos
		kind := s.scan()
		p := piece{kind: kind, text: text[start:s.pos], start: start}
		switch kind {
		case tokSpace:
			breaks += strings.Count(p.text, "\n")
			continue
		case tokComment:
			p.text = strings.TrimRight(p.text, " \t\r")
		case tokMoney:
			p.text = strings.Join(strings.Fields(p.text), " ")
		case tokOp:
			switch p.text {
			case "{":
				p.role = roleOpen
			case "}":
				p.role = roleClose
			}
		}
		p.breaks, breaks = min(breaks, 2), 0
		pieces = append(pieces, p)
	}
	return pieces
}

// level is an open block.
type level struct {
	base int // indentation of its items
	item int // indentation of the item in progress
}

// line is one line of the result.
type line struct {
	empty   bool // an empty line stands before it
	indent  int
	text    strings.Builder
	comment string // trailing
}

// layOut breaks pieces into indented lines.
func layOut(pieces []piece) []*line {
	var lines []*line
	var cur *line
	levels := []level{{}}
	for i := range pieces {
		p := &pieces[i]
		if p.comment() && p.breaks == 0 && i > 0 && !pieces[i-1].comment() {
			cur.comment = p.text
			continue
		}
		top := &levels[len(levels)-1]
		if i == 0 || p.breaks > 0 || pieces[i-1].comment() {
			cur = &line{indent: indentOf(pieces[i:], top), empty: emptyBefore(pieces, i)}
			lines = append(lines, cur)
		} else {
			cur.text.WriteString(gap(&pieces[i-1], p))
		}
		cur.text.WriteString(p.text)
		if p.starter() {
			top.item = itemIndent(p, top)
		}
		switch { // a group is both a step and a block
		case p.is(roleOpen):
			base := max(cur.indent, top.base) + 2
			levels = append(levels, level{base: base, item: base})
		case p.is(roleClose) && len(levels) > 1:
			levels = levels[:len(levels)-1]
		}
	}
	return lines
}

func itemIndent(p *piece, top *level) int {
	if p.is(roleEvent) {
		return top.base + 2
	}
	return top.base
}

// indentOf is the indentation of a line that begins with the first of rest. A
// comment stands where what follows it will.
func indentOf(rest []piece, top *level) int {
	p := &rest[0]
	for i := range rest {
		if p = &rest[i]; !p.comment() {
			break
		}
	}
	switch {
	case p.comment(): // the last of the file
		return top.base
	case p.is(roleClose) && rest[0].comment():
		return top.base
	case p.is(roleClose):
		return max(0, top.base-2)
	case p.starter():
		return itemIndent(p, top)
	case p.is(roleOpen), (p.op(")") || p.op("]")) && !rest[0].comment():
		return top.item
	}
	return top.item + 2
}

// emptyBefore says whether the author's empty line before a piece stays: not
// at the beginning of the file or of a block, nor at its end.
func emptyBefore(pieces []piece, i int) bool {
	return i > 0 && pieces[i].breaks > 1 && !pieces[i-1].is(roleOpen) && !pieces[i].is(roleClose)
}

// gap is what stands between two tokens of one line.
func gap(prev, p *piece) string {
	switch {
	case p.is(roleTight):
		return ""
	case p.is(roleClose) && prev.is(roleOpen):
		return ""
	case p.is(roleOpen|roleClose) || prev.is(roleOpen):
		return " "
	case p.is(roleItem | roleEvent):
		return "  "
	case prev.op("("), prev.op("["), prev.op("."):
		return ""
	case p.kind == tokOp && strings.Contains(")],:.?", p.text):
		return ""
	case (prev.kind == tokInt || prev.kind == tokDecimal) && currencyLen(" "+p.text) > 0:
		return "" // a blank would make money of the two
	}
	return " "
}

// printLines puts lines together, aligning the trailing comments of
// consecutive ones two blanks behind the longest of them.
func printLines(lines []*line) []byte {
	var out bytes.Buffer
	for i := 0; i < len(lines); {
		end, widest := i, 0
		for end < len(lines) && lines[end].comment != "" && (end == i || !lines[end].empty) {
			widest = max(widest, lines[end].width())
			end++
		}
		for _, l := range lines[i:max(end, i+1)] {
			l.print(&out, widest)
		}
		i = max(end, i+1)
	}
	return out.Bytes()
}

func (l *line) width() int {
	text := l.text.String()
	return l.indent + screenColumn(text, len(text))
}

func (l *line) print(out *bytes.Buffer, widest int) {
	if l.empty {
		out.WriteByte('\n')
	}
	out.WriteString(strings.Repeat(" ", l.indent))
	out.WriteString(l.text.String())
	if l.comment != "" {
		out.WriteString(strings.Repeat(" ", widest-l.width()+2))
		out.WriteString(l.comment)
	}
	out.WriteByte('\n')
}
