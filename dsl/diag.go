package dsl

import "sort"

// Level is how serious a diagnostic is.
type Level uint8

// The levels. A file with a LevelError does not compile.
const (
	LevelError Level = iota
	LevelWarning
)

func (l Level) String() string {
	if l == LevelWarning {
		return "warning"
	}
	return "error"
}

// Mark is a further place that a diagnostic points at.
type Mark struct {
	Source *Source // nil: the diagnostic's own
	Span   Span
	Label  string
}

// Diagnostic is one finding about a rule file.
type Diagnostic struct {
	Code    string // stable: E101 … , W201 …
	Level   Level
	Message string
	Source  *Source
	Span    Span   // the primary place, underlined with ^
	Label   string // what stands behind the ^
	Marks   []Mark // further places, underlined with -
	Notes   []string
	Fixes   []string // exact text to type, shown as "fix: …"
}

// Diagnostics are findings; Sort puts them in reading order.
type Diagnostics []Diagnostic

// HasErrors says whether any finding is an error.
func (d Diagnostics) HasErrors() bool {
	for i := range d {
		if d[i].Level == LevelError {
			return true
		}
	}
	return false
}

// Sort orders by file and place, and drops exact repetitions.
func (d Diagnostics) Sort() Diagnostics {
	sort.SliceStable(d, func(i, j int) bool {
		a, b := &d[i], &d[j]
		if a.Source != b.Source && a.Source != nil && b.Source != nil && a.Source.Name != b.Source.Name {
			return a.Source.Name < b.Source.Name
		}
		if a.Span.Start != b.Span.Start {
			return a.Span.Start < b.Span.Start
		}
		return a.Code < b.Code
	})
	out := d[:0]
	for i := range d {
		if n := len(out); n > 0 && out[n-1].Code == d[i].Code && out[n-1].Source == d[i].Source && out[n-1].Span == d[i].Span && out[n-1].Message == d[i].Message {
			continue
		}
		out = append(out, d[i])
	}
	return out
}
