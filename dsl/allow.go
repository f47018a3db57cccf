package dsl

import (
	"regexp"
	"strings"
)

// Comment is a comment of a file, from its "#" to the end of the line.
type Comment struct {
	Span Span
	Text string // with the "#", without blanks at the end
	Own  bool   // nothing else stands on its line
}

// Comments are the comments of the file, in order.
func (f *File) Comments() []Comment {
	var all []Comment
	for _, p := range cut(string(f.Source.Text)) {
		if p.comment() {
			own := strings.TrimLeft(string(f.Source.Text[f.Source.lineStart(p.start):p.start]), " \t\ufeff") == ""
			all = append(all, Comment{Span: Span{p.start, p.start + len(p.text)}, Text: p.text, Own: own})
		}
	}
	return all
}

// lineStart is the offset of the first byte of the line of an offset.
func (s *Source) lineStart(offset int) int {
	line, _ := s.Position(offset)
	return s.lines[line-1]
}

var allowComment = regexp.MustCompile(`^#\s*allow((?:[\s,]+W\d{3}\b)+)`)

// allows says whether the comment is "# allow W203", perhaps with further
// codes and a reason behind them.
func (c *Comment) allows(code string) bool {
	m := allowComment.FindStringSubmatch(c.Text)
	return m != nil && strings.Contains(m[1], code)
}

// Allows says whether a comment "# allow W203" silences a warning at a place:
// one within the declaration that covers the place or behind it on its last
// line, or among the comments right above it.
func (f *File) Allows(code string, at Span) bool {
	first, _ := f.Source.Position(at.Start)
	last := first
	for _, d := range f.Decls {
		if s := d.DeclSpan(); s.Start <= at.Start && at.Start < s.End {
			first, _ = f.Source.Position(s.Start)
			last, _ = f.Source.Position(s.End)
		}
	}
	comments := f.Comments()
	for i := len(comments) - 1; i >= 0; i-- {
		line, _ := f.Source.Position(comments[i].Span.Start)
		switch {
		case line > last:
		case line >= first:
			if comments[i].allows(code) {
				return true
			}
		case line == first-1 && comments[i].Own:
			if comments[i].allows(code) {
				return true
			}
			first = line // the comment above this one counts too
		default:
			return false
		}
	}
	return false
}
