package replay

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Start is the time at which every test begins.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// compare assigns every alert to an expectation and every expectation its
// number of alerts, and says what is left over. An alert may satisfy several
// lines, so the assignment is a maximum bipartite matching (augmenting paths).
func compare(test *dsl.TestIR, alerts []*cep.Alert) (problems []string) {
	seats := expectedSeats(test)
	taken := make([]int, len(seats)) // seat → alert, -1 free
	for i := range taken {
		taken[i] = -1
	}
	var extra []*cep.Alert
	for a := range alerts {
		if !assign(a, alerts, seats, taken, make([]bool, len(seats))) {
			extra = append(extra, alerts[a])
		}
	}
	for i, seat := range seats {
		if taken[i] < 0 {
			problems = append(problems, missing(seat, extra))
		}
	}
	if len(seats) == 0 && len(extra) > 0 {
		return []string{fmt.Sprintf("expected no alerts, got %d at %s", len(extra), places(extra))}
	}
	for _, a := range extra {
		problems = append(problems, "not expected: "+describe(a))
	}
	return problems
}

// places lists when alerts came: "11m (score 90), 12m", the first few.
func places(alerts []*cep.Alert) string {
	const shown = 5
	var at []string
	for i, a := range alerts {
		if i == shown {
			at = append(at, "…")
			break
		}
		text := offset(a.At - Start)
		if a.HasScore {
			text += fmt.Sprintf(" (score %g)", a.Score)
		}
		at = append(at, text)
	}
	return strings.Join(at, ", ")
}

// expectedSeats writes an expectation of N alerts out as N seats.
func expectedSeats(test *dsl.TestIR) (seats []*dsl.TestExpect) {
	for i := range test.Expect {
		for range test.Expect[i].Count {
			seats = append(seats, &test.Expect[i])
		}
	}
	return seats
}

func assign(a int, alerts []*cep.Alert, seats []*dsl.TestExpect, taken []int, seen []bool) bool {
	for i, seat := range seats {
		if seen[i] || mismatch(seat, alerts[a]) != "" {
			continue
		}
		seen[i] = true
		if taken[i] < 0 || assign(taken[i], alerts, seats, taken, seen) {
			taken[i] = a
			return true
		}
	}
	return false
}

// missing says what an expectation lacked, beside the alert that came nearest.
func missing(seat *dsl.TestExpect, extra []*cep.Alert) string {
	text := "expected " + describeExpect(seat) + ", got none"
	for _, a := range extra {
		if (a.Kind == cep.MatchTimeout) == seat.Timeout {
			return text + "; nearest: " + mismatch(seat, a)
		}
	}
	return text
}

// mismatch says how the alert differs from the expectation, "" if it does not.
func mismatch(want *dsl.TestExpect, got *cep.Alert) string {
	if want.Timeout != (got.Kind == cep.MatchTimeout) {
		return "it is a " + got.Kind.String()
	}
	if want.HasAt && got.At-Start != want.At {
		return fmt.Sprintf("it came at %s, not at %s", offset(got.At-Start), offset(want.At))
	}
	for _, attr := range want.Attrs {
		v, ok := attribute(got, attr.Name)
		if !ok {
			v.Missing = true
		}
		if !equal(v, attr.Value) {
			return fmt.Sprintf("its %s is %s, not %s", attr.Name, v.AppendText(nil), attr.Value.AppendText(nil))
		}
	}
	return ""
}

// attribute returns what a test may name of an alert.
func attribute(a *cep.Alert, name string) (cep.Value, bool) {
	switch name {
	case "severity":
		return cep.Value{Type: cep.Type{Kind: cep.KindSeverity}, Word: cep.Word(a.Severity)}, true
	case "score":
		return cep.Value{Type: cep.Type{Kind: cep.KindNumber}, Word: cep.NumberWord(a.Score)}, a.HasScore
	case "message":
		return cep.Value{Type: cep.Type{Kind: cep.KindString}, Text: a.Message}, true
	case "suppressed":
		return cep.Value{Type: cep.Type{Kind: cep.KindInt}, Word: cep.Word(a.Suppressed)}, true
	case "truncated":
		var w cep.Word
		if a.Truncated {
			w = 1
		}
		return cep.Value{Type: cep.Type{Kind: cep.KindBool}, Word: w}, true
	}
	for _, list := range [][]cep.NamedValue{a.Fields, a.Key} {
		for _, nv := range list {
			if nv.Name == name {
				return nv.Value, true
			}
		}
	}
	return cep.Value{}, false
}

// equal compares values; an int expectation fits a number.
func equal(got, want cep.Value) bool {
	if got.Missing || want.Missing {
		return got.Missing == want.Missing
	}
	if got.Type.Kind == cep.KindNumber && want.Type.Kind == cep.KindInt {
		return cep.Number(got.Word) == float64(int64(want.Word))
	}
	if got.Type.Kind == cep.KindInt && want.Type.Kind == cep.KindNumber {
		return float64(int64(got.Word)) == cep.Number(want.Word)
	}
	return bytes.Equal(got.AppendText(nil), want.AppendText(nil))
}

func describe(a *cep.Alert) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s (%s", map[bool]string{false: "alert", true: "timeout"}[a.Kind == cep.MatchTimeout], offset(a.At-Start), a.Severity)
	if a.HasScore {
		fmt.Fprintf(&b, ", score %g", a.Score)
	}
	fmt.Fprintf(&b, ") %q", a.Message)
	return b.String()
}

func describeExpect(e *dsl.TestExpect) string {
	var b strings.Builder
	b.WriteString(map[bool]string{false: "alert", true: "timeout"}[e.Timeout])
	if len(e.Attrs) > 0 {
		b.WriteString(" {")
		for i, attr := range e.Attrs {
			if i > 0 {
				b.WriteString(",")
			}
			fmt.Fprintf(&b, " %s: %s", attr.Name, attr.Value.AppendText(nil))
		}
		b.WriteString(" }")
	}
	if e.HasAt {
		b.WriteString(" at " + offset(e.At))
	}
	return b.String()
}

// offset writes nanoseconds after the test's start as the language writes a
// duration.
func offset(ns int64) string {
	v := cep.Value{Type: cep.Type{Kind: cep.KindDuration}, Word: cep.Word(ns)}
	return string(v.AppendText(nil))
}
