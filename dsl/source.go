package dsl

import (
	"sort"
	"unicode/utf8"
)

// Source is the text of one rule file.
type Source struct {
	Name  string // as shown in messages
	Text  []byte
	lines []int // offset of each line's first byte
}

// Span is a range of bytes of a source. The zero Span stands for no place.
type Span struct{ Start, End int }

// NewSource indexes the lines of text.
func NewSource(name string, text []byte) *Source {
	s := &Source{Name: name, Text: text, lines: []int{0}}
	for i, b := range text {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// Position returns the 1-based line and column (in characters) of an offset.
func (s *Source) Position(offset int) (line, column int) {
	offset = min(max(offset, 0), len(s.Text))
	line = sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > offset })
	return line, 1 + utf8.RuneCount(s.Text[s.lines[line-1]:offset])
}

// Line returns the text of a 1-based line without its line break.
func (s *Source) Line(line int) string {
	if line < 1 || line > len(s.lines) {
		return ""
	}
	from, to := s.lines[line-1], len(s.Text)
	if line < len(s.lines) {
		to = s.lines[line] - 1
	}
	if to > from && s.Text[to-1] == '\r' {
		to--
	}
	return string(s.Text[from:to])
}

// Slice returns the text of a span.
func (s *Source) Slice(p Span) string { return string(s.Text[p.Start:p.End]) }

// Join returns the least span that covers both.
func (p Span) Join(q Span) Span {
	if p == (Span{}) {
		return q
	}
	if q == (Span{}) {
		return p
	}
	return Span{min(p.Start, q.Start), max(p.End, q.End)}
}
