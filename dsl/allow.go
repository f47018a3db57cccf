package dsl

import (
	"regexp"
	"strings"
)

var allowComment = regexp.MustCompile(`#\s*allow((?:[\s,]+W\d{3})+)`)

// Allows says whether a comment "# allow W203" silences a warning at a place:
// one on a line of the declaration that covers the place, or on the line right
// above it.
func (f *File) Allows(code string, at Span) bool {
	from, _ := f.Source.Position(at.Start)
	to := from
	for _, d := range f.Decls {
		if s := d.DeclSpan(); s.Start <= at.Start && at.Start < s.End {
			from, _ = f.Source.Position(s.Start)
			to, _ = f.Source.Position(s.End)
		}
	}
	for line := from - 1; line <= to; line++ {
		m := allowComment.FindStringSubmatch(f.Source.Line(line))
		if m != nil && strings.Contains(m[1], code) {
			return true
		}
	}
	return false
}
