package dsl

import (
	"fmt"
	"strings"
)

// finding is a diagnostic being written. Its methods add to it and return it.
type finding struct {
	d   Diagnostic
	src *Source
}

// spot identifies a diagnostic: a let that is read in two places is checked
// twice, and must not be reported twice.
type spot struct {
	src     *Source
	code    string
	span    Span
	message string
}

// report adds an error at a place of src.
func (c *checker) report(src *Source, code string, at Span, format string, args ...any) *finding {
	return c.find(src, LevelError, code, at, format, args...)
}

func (c *checker) find(src *Source, level Level, code string, at Span, format string, args ...any) *finding {
	f := &finding{src: src, d: Diagnostic{Code: code, Level: level, Message: fmt.Sprintf(format, args...), Source: src, Span: at}}
	s := spot{src, code, at, f.d.Message}
	if c.mute > 0 || c.spots[s] {
		return f
	}
	c.spots[s] = true
	c.found = append(c.found, f)
	return f
}

// here labels the primary place.
func (f *finding) here(format string, args ...any) *finding {
	f.d.Label = fmt.Sprintf(format, args...)
	return f
}

// also points at a further place of the same file.
func (f *finding) also(at Span, label string) *finding {
	f.d.Marks = append(f.d.Marks, Mark{Span: at, Label: label})
	return f
}

// alsoIn points at a further place, perhaps of another file.
func (f *finding) alsoIn(src *Source, at Span, label string) *finding {
	if src == f.src {
		src = nil
	}
	f.d.Marks = append(f.d.Marks, Mark{Source: src, Span: at, Label: label})
	return f
}

// note adds a line of explanation.
func (f *finding) note(format string, args ...any) *finding {
	f.d.Notes = append(f.d.Notes, fmt.Sprintf(format, args...))
	return f
}

// fix adds text to type.
func (f *finding) fix(format string, args ...any) *finding {
	f.d.Fixes = append(f.d.Fixes, fmt.Sprintf(format, args...))
	return f
}

// didYouMean labels the primary place with the nearest of the known names, if
// any is near, and lists them otherwise when there are few.
func (f *finding) didYouMean(name string, known []string) *finding {
	if near := nearest(name, known); near != "" {
		return f.here("did you mean %q?", near)
	}
	if n := len(known); n > 0 && n <= 12 {
		return f.note("there is: %s", strings.Join(known, ", "))
	}
	return f
}

// nearest is the known name that a misspelt one was most likely meant to be,
// "" if none is near: at most a third of its letters differ.
func nearest(name string, known []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, k := range known {
		d := editDistance(strings.ToLower(name), strings.ToLower(k))
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// editDistance counts the inserted, deleted, replaced and swapped letters
// between two words.
func editDistance(a, b string) int {
	prev2, prev, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, make([]int, len(b)+1)
	}
	return prev[len(b)]
}
