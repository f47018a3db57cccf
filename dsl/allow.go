package dsl

import (
	"regexp"
	"sort"
	"strings"
)

// Comment is a comment of a file, from its "#" to the end of the line.
type Comment struct {
	Span Span
	Text string // with the "#", without blanks at the end
	Own  bool   // nothing else stands on its line
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
	decl := at
	for _, d := range f.Decls {
		if s := d.DeclSpan(); s.Start <= at.Start && at.Start < s.End {
			decl = s
		}
	}
	first, _ := f.Source.Position(decl.Start)
	last, _ := f.Source.Position(decl.End)
	behind := sort.Search(len(f.Comments), func(i int) bool {
		line, _ := f.Source.Position(f.Comments[i].Span.Start)
		return line > last
	})
	for i := behind - 1; i >= 0; i-- {
		line, _ := f.Source.Position(f.Comments[i].Span.Start)
		switch {
		case line >= first:
		case line == first-1 && f.Comments[i].Own:
			first = line // and the comments above this one
		default:
			return false
		}
		if f.Comments[i].allows(code) {
			return true
		}
	}
	return false
}
