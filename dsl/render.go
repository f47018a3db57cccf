package dsl

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// String is the diagnostic on one line: "card.cep:14:37: E101: …".
func (d Diagnostic) String() string {
	if d.Source == nil {
		return fmt.Sprintf("%s: %s", d.Code, d.Message)
	}
	line, column := d.Source.Position(d.Span.Start)
	return fmt.Sprintf("%s:%d:%d: %s: %s", d.Source.Name, line, column, d.Code, d.Message)
}

// Text is the diagnostic as a terminal shows it: what is wrong, the lines it
// points at with carets under them, why, and the text to type. It ends with a
// line break.
func (d Diagnostic) Text() string {
	var r rendering
	fmt.Fprintf(&r.b, "%s[%s]: %s\n", d.Level, d.Code, d.Message)
	if d.Source != nil {
		r.places(&d)
	}
	for _, n := range d.Notes {
		r.margin("= " + n)
	}
	for _, f := range d.Fixes {
		r.margin("= fix: " + f)
	}
	return r.b.String()
}

// Text is all diagnostics, with an empty line between two.
func (d Diagnostics) Text() string {
	texts := make([]string, len(d))
	for i := range d {
		texts[i] = d[i].Text()
	}
	return strings.Join(texts, "\n")
}

// tabWidth is how many columns a tab of a rule file takes in a message.
const tabWidth = 4

// underline is a marked range of one line, in columns of the screen from 0.
type underline struct {
	from, to int
	mark     byte
	label    string
}

// markedLine is a line of a source with what is marked on it.
type markedLine struct {
	number int
	text   string
	marks  []underline
}

// rendering writes one diagnostic.
type rendering struct {
	b     strings.Builder
	width int // of the line numbers; 0 as long as there are none
}

// margin writes a line behind the gutter of line numbers.
func (r *rendering) margin(text string) {
	fmt.Fprintf(&r.b, "%*s %s\n", max(r.width, 2), "", text)
}

// places writes where the diagnostic points: first its own file, then others.
func (r *rendering) places(d *Diagnostic) {
	if d.Span == (Span{}) && len(d.Source.Text) > 0 {
		fmt.Fprintf(&r.b, "  --> %s\n", d.Source.Name)
		return
	}
	line, column := d.Source.Position(d.Span.Start)
	sources := []*Source{d.Source}
	lines := map[*Source][]markedLine{d.Source: addMark(nil, d.Source, d.Span, '^', d.Label)}
	for _, m := range d.Marks {
		src := m.Source
		if src == nil {
			src = d.Source
		}
		if lines[src] == nil {
			sources = append(sources, src)
		}
		lines[src] = addMark(lines[src], src, m.Span, '-', m.Label)
	}
	for _, src := range sources {
		for _, l := range lines[src] {
			r.width = max(r.width, len(fmt.Sprint(l.number)))
		}
	}
	r.width = max(r.width, 2)
	fmt.Fprintf(&r.b, "%*s--> %s:%d:%d\n", r.width, "", d.Source.Name, line, column)
	for i, src := range sources {
		if i > 0 {
			first := lines[src][0]
			fmt.Fprintf(&r.b, "%*s--> %s:%d\n", r.width, "", src.Name, first.number)
		}
		r.margin("|")
		for _, l := range lines[src] {
			r.line(&l)
		}
	}
}

// addMark puts a mark on its line, keeping the lines in order. Of a range over
// several lines only the first is marked.
func addMark(lines []markedLine, src *Source, at Span, mark byte, label string) []markedLine {
	number, _ := src.Position(at.Start)
	text := src.Line(number)
	start := src.lines[number-1]
	u := underline{from: screenColumn(text, at.Start-start), to: screenColumn(text, at.End-start), mark: mark, label: label}
	u.to = max(u.to, u.from+1)
	i := sort.Search(len(lines), func(i int) bool { return lines[i].number >= number })
	if i == len(lines) || lines[i].number != number {
		lines = append(lines, markedLine{})
		copy(lines[i+1:], lines[i:])
		lines[i] = markedLine{number: number, text: text}
	}
	lines[i].marks = append(lines[i].marks, u)
	return lines
}

// harmless replaces what would steer a terminal or turn the direction of its
// text: a rule file may be anything.
func harmless(r rune) rune {
	if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
		return utf8.RuneError
	}
	return r
}

// line writes a line, the marks under it, and what they say: the rightmost
// beside its mark, the others below theirs.
func (r *rendering) line(l *markedLine) {
	shown := strings.ReplaceAll(l.text, "\t", strings.Repeat(" ", tabWidth))
	shown = strings.Map(harmless, shown)
	r.b.WriteString(strings.TrimRight(fmt.Sprintf("%*d | %s", r.width, l.number, shown), " ") + "\n")
	sort.SliceStable(l.marks, func(i, j int) bool { return l.marks[i].from < l.marks[j].from })
	var row []byte
	for _, mark := range []byte{'-', '^'} { // what is wrong lies over what explains it
		for _, u := range l.marks {
			if u.mark == mark {
				row = fill(row, u)
			}
		}
	}
	var below []underline
	inline := ""
	for i, u := range l.marks {
		switch {
		case u.label == "":
		case i == len(l.marks)-1 && u.to == len(row):
			inline = " " + u.label
		default:
			below = append(below, u)
		}
	}
	r.margin("| " + string(row) + inline)
	if len(below) > 0 {
		r.margin("| " + connectors(below))
	}
	for n := len(below); n > 0; n-- {
		r.margin("| " + padTo(connectors(below[:n-1]), below[n-1].from) + below[n-1].label)
	}
}

// fill draws a mark into a row.
func fill(row []byte, u underline) []byte {
	for len(row) < u.to {
		row = append(row, ' ')
	}
	for i := u.from; i < u.to; i++ {
		row[i] = u.mark
	}
	return row
}

// connectors draws a bar under each mark.
func connectors(marks []underline) string {
	row := ""
	for _, u := range marks {
		if u.from >= len(row) {
			row = padTo(row, u.from) + "|"
		}
	}
	return row
}

func padTo(s string, column int) string {
	return s + strings.Repeat(" ", max(0, column-len(s)))
}

// screenColumn is the column of the screen at which byte offset n of a line
// is shown.
func screenColumn(line string, n int) int {
	column := 0
	for i, c := range line {
		if i >= n {
			return column
		}
		column += runeWidth(c)
	}
	return column
}

// runeWidth is how many columns a terminal gives to a character: two for the
// East Asian wide ones and emoji, none for combining marks.
func runeWidth(c rune) int {
	switch {
	case c == '\t':
		return tabWidth
	case c < utf8.RuneSelf:
		return 1
	case c >= 0x0300 && c <= 0x036f, c == 0x200b, c == 0x200d, c == 0xfeff, c >= 0xfe00 && c <= 0xfe0f:
		return 0
	case c >= 0x1100 && c <= 0x115f, c >= 0x2e80 && c <= 0xa4cf, c >= 0xac00 && c <= 0xd7a3,
		c >= 0xf900 && c <= 0xfaff, c >= 0xfe30 && c <= 0xfe6f, c >= 0xff00 && c <= 0xff60,
		c >= 0xffe0 && c <= 0xffe6, c >= 0x1f300 && c <= 0x1faff, c >= 0x20000 && c <= 0x3fffd:
		return 2
	}
	return 1
}

// jsonPlace is a position in the JSON form of a diagnostic.
type jsonPlace struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// related is a further place in the JSON form of a diagnostic.
type related struct {
	File    string    `json:"file"`
	Line    int       `json:"line"`
	Column  int       `json:"column"`
	End     jsonPlace `json:"end"`
	Message string    `json:"message,omitempty"`
}

// MarshalJSON is the form that tools read. Lines and columns count from 1,
// columns in characters; end is the first character behind.
func (d Diagnostic) MarshalJSON() ([]byte, error) {
	out := struct {
		Code     string    `json:"code"`
		Severity string    `json:"severity"`
		Message  string    `json:"message"`
		File     string    `json:"file"`
		Line     int       `json:"line"`
		Column   int       `json:"column"`
		End      jsonPlace `json:"end"`
		Label    string    `json:"label,omitempty"`
		Notes    []string  `json:"notes,omitempty"`
		Fix      []string  `json:"fix,omitempty"`
		Related  []related `json:"related,omitempty"`
	}{Code: d.Code, Severity: d.Level.String(), Message: d.Message, Label: d.Label, Notes: d.Notes, Fix: d.Fixes}
	if d.Source != nil {
		out.File = d.Source.Name
		out.Line, out.Column = d.Source.Position(d.Span.Start)
		out.End.Line, out.End.Column = d.Source.Position(d.Span.End)
	}
	for _, m := range d.Marks {
		src := m.Source
		if src == nil {
			src = d.Source
		}
		if src == nil {
			continue
		}
		rel := related{File: src.Name, Message: m.Label}
		rel.Line, rel.Column = src.Position(m.Span.Start)
		rel.End.Line, rel.End.Column = src.Position(m.Span.End)
		out.Related = append(out.Related, rel)
	}
	return json.Marshal(out)
}
