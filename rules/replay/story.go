package replay

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/nfa"
)

// Story records what the machines did with the runs of a rule: how far each
// got, which condition stopped the next event and with which values, and what
// ended it. It is an nfa.Tracer, so it tells of the production machines. It
// keeps at most MaxLives runs, the furthest ones first.
type Story struct {
	Rule  *dsl.RuleIR
	prog  *nfa.Prog
	trace *expr.Compiler
	open  map[lifeID]*Life
	ended []*Life
	seen  int
	shown int64 // when a match was reported last

	// Of an on … when rule: how often its condition was judged and held, and
	// the last judgements.
	Judgements, Held int
	Last             []Judgement
}

// Judgement is one judgement of a condition.
type Judgement struct {
	At    int64
	Holds bool
	Why   string // of one that does not hold: the terms that were false, with their values
}

// maxJudgements is how many a story keeps.
const maxJudgements = 10

// MaxLives is how many ended runs a story keeps.
const MaxLives = 1000

type lifeID struct {
	first   cep.Ref
	ordinal int
}

// Life is the story of one run.
type Life struct {
	FirstAt  int64
	EndAt    int64 // of a run that is still open: of its last event
	Steps    []Taken
	Refused  *Refusal // the last event that could have gone on and did not fit
	Refusals int
	End      string // what ended it; "" while it is open
	Matched  bool
	Used     bool   // a reported run dropped it
	awaits   string // what would have come next
	deadline bool   // it needs no further event, only its deadline
	order    int
}

// Taken are the events that a step bound.
type Taken struct {
	Step string
	Need string // " (at least 5)", "" for a single step
	At   []int64
}

// Refusal is an event that a step did not take.
type Refusal struct {
	At  int64
	Why string // the terms that were false, with their actual values
}

// NewStory records the runs of a rule.
func NewStory(rule *dsl.RuleIR, zone *time.Location) (*Story, error) {
	s := &Story{Rule: rule, open: map[lifeID]*Life{}}
	if rule.Pattern == nil {
		s.trace = &expr.Compiler{Zone: zone, Schema: rule.Bindings[0].Schema}
		return s, nil
	}
	prog, err := nfa.Compile(rule, zone)
	if err != nil {
		return nil, err
	}
	s.prog = prog
	s.trace = &expr.Compiler{Layout: prog.Layout, Zone: zone}
	return s, nil
}

func (s *Story) life(r *nfa.TracedRun) *Life {
	id := lifeID{r.First, r.Ordinal}
	l := s.open[id]
	if l == nil {
		s.seen++
		l = &Life{FirstAt: r.FirstAt, EndAt: r.LastAt, order: s.seen}
		s.list(l, r)
		s.open[id] = l
	}
	return l
}

// Judged is told of every judgement of an on … when rule.
func (s *Story) Judged(f *expr.Frame, holds bool) {
	s.Judgements++
	j := Judgement{At: f.At, Holds: holds}
	if holds {
		s.Held++
	} else {
		j.Why = s.trace.Trace(s.Rule.When.Cond, f)
	}
	if len(s.Last) == maxJudgements {
		s.Last = s.Last[:copy(s.Last, s.Last[1:])]
	}
	s.Last = append(s.Last, j)
}

// Started, Took, Refused, Completed, Killed and Expired implement nfa.Tracer.
func (s *Story) Started(r *nfa.TracedRun) { s.took(s.life(r), r) }

// Took implements nfa.Tracer.
func (s *Story) Took(r *nfa.TracedRun) { s.took(s.life(r), r) }

// took lists what the run has bound by now: a fork begins with all that it
// shares, and an alternative that another one beat lets its events go.
func (s *Story) took(l *Life, r *nfa.TracedRun) {
	s.list(l, r)
	l.EndAt, l.Refused = r.LastAt, nil
	l.awaits = s.awaits(r.Step, r.Count)
	steps := s.Rule.Pattern.Steps
	l.deadline = l.awaits == "" && steps[len(steps)-1].Kind == dsl.StepNo
}

func (s *Story) list(l *Life, r *nfa.TracedRun) {
	l.Steps = l.Steps[:0]
	for _, e := range r.Events {
		name := s.step(e.Binding)
		if n := len(l.Steps); n == 0 || l.Steps[n-1].Step != name {
			l.Steps = append(l.Steps, Taken{Step: name, Need: s.need(e.Binding)})
		}
		t := &l.Steps[len(l.Steps)-1]
		t.At = append(t.At, e.At)
	}
}

// Refused implements nfa.Tracer.
func (s *Story) Refused(r *nfa.TracedRun, test *nfa.Test, f *expr.Frame) {
	l := s.life(r)
	l.Refusals++
	l.Refused = &Refusal{At: f.At, Why: s.trace.On(test.Schema).Trace(test.Where, f)}
}

// Completed implements nfa.Tracer.
func (s *Story) Completed(r *nfa.TracedRun, at int64, kind cep.MatchKind) {
	end := "matched"
	if kind == cep.MatchTimeout {
		end = "its time ran out (on timeout)"
	}
	l := s.life(r)
	l.Matched = true
	s.shown = at
	s.end(r, l, at, end)
}

// Killed implements nfa.Tracer.
func (s *Story) Killed(r *nfa.TracedRun, why nfa.Death, index int) {
	l := s.life(r)
	at := r.At
	if why == nfa.Overlapped {
		at = s.shown // a deadline can report too, without a current event
		l.Used = true
	}
	s.end(r, l, max(at, l.EndAt), s.death(why, index))
}

// Expired implements nfa.Tracer.
func (s *Story) Expired(r *nfa.TracedRun, at int64) {
	l := s.life(r)
	end := "its time ran out (" + s.limit() + ")"
	if l.awaits != "" {
		end += " before " + l.awaits + " came"
	}
	s.end(r, l, at, end)
}

func (s *Story) limit() string {
	if w := s.Rule.Pattern.Within; w > 0 {
		return "within " + offset(w)
	}
	return "a step's within"
}

func (s *Story) death(why nfa.Death, index int) string {
	switch why {
	case nfa.Absent:
		return "an event came that must not: then no …"
	case nfa.Cancelled:
		if index < len(s.Rule.Cancel) {
			return "cancelled by a " + s.Rule.Routes[s.Rule.Cancel[index].Route].Schema.Name
		}
		return "cancelled"
	case nfa.Broken:
		return "the very next event did not fit (immediately, consecutive)"
	case nfa.OutOfSpan:
		return "its step ran out of time before it had enough events"
	case nfa.TooMany:
		return "one event too many (exactly)"
	case nfa.WhereFalse:
		return "the pattern's where was false at completion"
	case nfa.Overlapped:
		return "an earlier run was reported and its events are not used again"
	case nfa.Overwritten:
		return "a later start took its place (match latest)"
	}
	return "dropped at the limit of runs per key"
}

func (s *Story) end(r *nfa.TracedRun, l *Life, at int64, how string) {
	delete(s.open, lifeID{r.First, r.Ordinal})
	l.EndAt, l.End = at, how
	s.ended = append(s.ended, l)
	if len(s.ended) > 2*MaxLives {
		s.trim()
	}
}

// trim keeps the runs that got furthest.
func (s *Story) trim() {
	sort.SliceStable(s.ended, func(i, j int) bool { return further(s.ended[i], s.ended[j]) })
	s.ended = s.ended[:MaxLives]
}

// further orders runs: matches last, then by steps reached and events taken.
func further(a, b *Life) bool {
	if a.Matched != b.Matched {
		return b.Matched
	}
	if a.Used != b.Used {
		return b.Used // it missed nothing by itself
	}
	if len(a.Steps) != len(b.Steps) {
		return len(a.Steps) > len(b.Steps)
	}
	if n, m := a.Events(), b.Events(); n != m {
		return n > m
	}
	return a.order < b.order
}

// Events is how many events the run bound.
func (l *Life) Events() (n int) {
	for _, t := range l.Steps {
		n += len(t.At)
	}
	return n
}

func (s *Story) step(binding int) string {
	if binding < 0 || binding >= len(s.Rule.Bindings) {
		return "…"
	}
	b := &s.Rule.Bindings[binding]
	if b.Label != "" {
		return b.Label
	}
	return b.Schema.Name
}

// need says how many events a repeated step wants: " (at least 5)".
func (s *Story) need(binding int) string {
	st := findStep(s.Rule.Pattern.Steps, binding)
	switch {
	case st == nil || st.Lo <= 1:
		return ""
	case st.Hi == st.Lo:
		return fmt.Sprintf(" (%d needed)", st.Lo)
	}
	return fmt.Sprintf(" (at least %d needed)", st.Lo)
}

// awaits says what a run needs that has bound n events in a step: more of them,
// or the next step of its sequence. It is "" where no single event would do.
func (s *Story) awaits(binding, n int) string {
	list, i := place(s.Rule.Pattern.Steps, binding)
	if list == nil {
		return ""
	}
	if n < list[i].Lo {
		return "a " + ordinal(n+1) + " " + s.step(binding)
	}
	for _, next := range list[i+1:] {
		if next.Kind == dsl.StepEvent && !next.Optional {
			return s.step(next.Binding)
		}
		if next.Kind != dsl.StepNo && next.Kind != dsl.StepEvent {
			return ""
		}
	}
	return ""
}

// ordinal writes 1st, 2nd, 11th, 22nd.
func ordinal(n int) string {
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			return fmt.Sprintf("%dst", n)
		case 2:
			return fmt.Sprintf("%dnd", n)
		case 3:
			return fmt.Sprintf("%drd", n)
		}
	}
	return fmt.Sprintf("%dth", n)
}

// place finds a step in a sequence of the pattern itself; nil if it stands in a
// group or block.
func place(list []*dsl.StepIR, binding int) ([]*dsl.StepIR, int) {
	for i, st := range list {
		if st.Kind == dsl.StepEvent && st.Binding == binding {
			return list, i
		}
	}
	return nil, 0
}

func findStep(steps []*dsl.StepIR, binding int) *dsl.StepIR {
	for _, st := range steps {
		if st.Kind == dsl.StepEvent && st.Binding == binding {
			return st
		}
		for _, sub := range st.Sub {
			if found := findStep(sub, binding); found != nil {
				return found
			}
		}
	}
	return nil
}

// Lives are all runs in the order in which they began.
func (s *Story) Lives() []*Life {
	all := append([]*Life(nil), s.ended...)
	for _, l := range s.open {
		all = append(all, l)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].order < all[j].order })
	return all
}

// Misses are the runs that came nearest to a match without one, nearest first.
func (s *Story) Misses(limit int) []*Life {
	var misses []*Life
	for _, l := range s.Lives() {
		if !l.Matched {
			misses = append(misses, l)
		}
	}
	sort.SliceStable(misses, func(i, j int) bool { return further(misses[i], misses[j]) })
	return misses[:min(limit, len(misses))]
}

// Text tells the run in a few lines; clock writes a time.
func (l *Life) Text(clock func(int64) string) string {
	var b strings.Builder
	for i, t := range l.Steps {
		if i > 0 {
			b.WriteString(", then ")
		}
		if len(t.At) == 1 {
			if t.Need != "" {
				b.WriteString("1 ")
			}
			fmt.Fprintf(&b, "%s%s at %s", t.Step, t.Need, clock(t.At[0]))
			continue
		}
		fmt.Fprintf(&b, "%d %s%s from %s to %s", len(t.At), t.Step, t.Need, clock(t.At[0]), clock(t.At[len(t.At)-1]))
	}
	if l.Refused != nil {
		fmt.Fprintf(&b, "\n  the event at %s did not fit: %s", clock(l.Refused.At), l.Refused.Why)
		if l.Refusals > 1 {
			fmt.Fprintf(&b, " (and %d before it)", l.Refusals-1)
		}
	}
	switch {
	case l.End == "":
		b.WriteString("\n  still open when the events ended")
		switch {
		case l.deadline:
			b.WriteString(": its deadline lies beyond (run --drain, or wait in a test, lets it pass)")
		case l.awaits != "":
			b.WriteString(": waits for " + l.awaits)
		}
	default:
		fmt.Fprintf(&b, "\n  ended %s: %s", clock(l.EndAt), l.End)
	}
	return b.String()
}
