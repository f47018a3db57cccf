package app

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
)

// report is the summary of a run, as --stats prints it.
type report struct {
	Events     uint64            `json:"events"`
	Seconds    float64           `json:"seconds"`
	PerSecond  float64           `json:"events_per_second"`
	Alerts     uint64            `json:"alerts"`
	Late       uint64            `json:"late"`
	Duplicates uint64            `json:"duplicates"`
	Rejected   map[string]uint64 `json:"rejected"`
	Skipped    uint64            `json:"skipped"`
	Waiting    int               `json:"waiting_max"`
	Lateness   []lateness        `json:"lateness,omitempty"`
	Rules      []ruleReport      `json:"rules"`
	unknown    []decode.TypeCount
	first      string   // of the rejected records: where, why and what to do
	types      []string // that the rules declare
}

// lateness is how far the events of a type came behind.
type lateness struct {
	Type      string            `json:"type"`
	field     string            // that holds the time
	Late      uint64            `json:"late"`
	Longest   string            `json:"longest"`
	Suggested string            `json:"suggested_late"`
	Behind    map[string]uint64 `json:"behind,omitempty"` // histogram: up to this long → events
}

// ruleReport is the part of one rule.
type ruleReport struct {
	Rule       string  `json:"rule"`
	Alerts     uint64  `json:"alerts"`
	Suppressed uint64  `json:"suppressed"`
	KeyMissing uint64  `json:"key_missing"`
	EvalErrors uint64  `json:"eval_errors"`
	Capped     uint64  `json:"runs_capped"`
	Budget     uint64  `json:"tests_skipped"`
	Keys       int     `json:"keys"`
	StateBytes int64   `json:"state_bytes"`
	NsPerEvent float64 `json:"ns_per_event"`
}

func newReport(sum *engine.Summary, took time.Duration) *report {
	r := &report{Events: sum.Events, Seconds: took.Seconds(), Alerts: sum.Alerts, Late: sum.Late, Duplicates: sum.Duplicates,
		Rejected: map[string]uint64{}, Skipped: sum.Skipped, Waiting: sum.Waiting, unknown: sum.Unknown}
	if r.Seconds > 0 {
		r.PerSecond = float64(sum.Events) / r.Seconds
	}
	sum.Rejected.Each(func(reason decode.Reason, n uint64) { r.Rejected[reason.String()] = n })
	for i := range sum.Lags {
		if l := &sum.Lags[i]; l.Longest > 0 {
			r.Lateness = append(r.Lateness, newLateness(l))
		}
	}
	for _, rule := range sum.Rules {
		rr := ruleReport{Rule: rule.Name, Alerts: rule.Alerts, Suppressed: rule.Suppressed, KeyMissing: rule.KeyMissing, EvalErrors: rule.EvalErrors,
			Capped: rule.Capped, Budget: rule.Budget, Keys: rule.Keys, StateBytes: rule.Bytes}
		if sum.Events > 0 {
			rr.NsPerEvent = float64(rule.Nanos) / float64(sum.Events)
		}
		r.Rules = append(r.Rules, rr)
	}
	return r
}

func newLateness(l *engine.TypeLag) lateness {
	out := lateness{Type: l.Type.Name, field: l.Type.Fields[l.Type.Time].Name, Late: l.Late, Longest: durationText(l.Longest), Suggested: durationText(l.Suggest()), Behind: map[string]uint64{}}
	for i, n := range l.Counts {
		if n > 0 && i < 62 {
			out.Behind[time.Duration(int64(2)<<i).String()] = n
		}
	}
	return out
}

func durationText(ns int64) string {
	return string(cep.AppendDuration(nil, ns))
}

// print writes the summary in words: one line, and one more for everything
// that needs attention.
func (r *report) print(w io.Writer, deadFile, lateFile string) {
	fmt.Fprintf(w, "%s in %.1fs (%s/s), %s\n", plural(int(r.Events), "event"), r.Seconds, grouped(uint64(r.PerSecond)), plural(int(r.Alerts), "alert"))
	if n := total(r.Rejected); n > 0 {
		fmt.Fprintf(w, "rejected: %s, see %s (%s)\n", plural(int(n), "record"), deadFile, byReason(r.Rejected))
		r.printFirst(w)
	}
	if r.Late > 0 {
		fmt.Fprintf(w, "late: %s, see %s", plural(int(r.Late), "event"), lateFile)
		for _, l := range r.Lateness {
			if l.Late > 0 {
				fmt.Fprintf(w, "; %s came up to %s behind, \"time %s late %s\" would take them all", l.Type, l.Longest, l.field, l.Suggested)
			}
		}
		fmt.Fprintln(w)
	}
	if r.Duplicates > 0 {
		fmt.Fprintf(w, "duplicates: %s dropped\n", plural(int(r.Duplicates), "event"))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(w, "skipped: %s of types that no rule names%s\n", plural(int(r.Skipped), "record"), skippedTypes(r.unknown, r.types))
	}
	for _, rule := range r.Rules {
		rule.warn(w)
	}
	if r.Events == 0 && r.Skipped == 0 && total(r.Rejected) == 0 {
		fmt.Fprintln(w, "there were no events in the input")
	}
}

// missing says which records a rule did not see, where no file takes them.
func (r *report) missing(w io.Writer) {
	if n := total(r.Rejected); n > 0 {
		fmt.Fprintf(w, "rejected: %s (%s)\n", plural(int(n), "record"), byReason(r.Rejected))
		r.printFirst(w)
	}
	if r.Late > 0 {
		fmt.Fprintf(w, "late: %s left out\n", plural(int(r.Late), "event"))
	}
	if r.Skipped > 0 {
		fmt.Fprintf(w, "skipped: %s of types that no rule names%s\n", plural(int(r.Skipped), "record"), skippedTypes(r.unknown, r.types))
	}
}

func (r *report) printFirst(w io.Writer) {
	if r.first != "" {
		fmt.Fprintf(w, "  the first: %s\n", r.first)
	}
}

func (r *ruleReport) warn(w io.Writer) {
	if r.KeyMissing > 0 {
		fmt.Fprintf(w, "%s: %s without its key were left out\n", r.Rule, plural(int(r.KeyMissing), "event"))
	}
	if r.EvalErrors > 0 {
		fmt.Fprintf(w, "%s: %s could not be computed (division by zero, overflow) and counted as false\n", r.Rule, plural(int(r.EvalErrors), "condition"))
	}
	if r.Capped > 0 {
		fmt.Fprintf(w, "%s: %s dropped at the limit per key\n", r.Rule, plural(int(r.Capped), "run"))
	}
}

func total(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// byReason lists the counts by reason.
func byReason(m map[string]uint64) string {
	names := slices.Sorted(maps.Keys(m))
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, m[n])
	}
	return strings.Join(names, ", ")
}

// skippedTypes lists the types of skipped records, and the declared ones that
// may have been meant.
func skippedTypes(list []decode.TypeCount, declared []string) string {
	if len(list) == 0 {
		return ""
	}
	var parts []string
	for _, t := range list {
		text := fmt.Sprintf("%s %d", t.Type, t.Count)
		for _, d := range declared {
			if strings.EqualFold(d, t.Type) {
				text += fmt.Sprintf(" (if that is %s, declare it: event %s as %q)", d, d, t.Type)
			}
		}
		parts = append(parts, text)
	}
	return ": " + strings.Join(parts, ", ")
}
