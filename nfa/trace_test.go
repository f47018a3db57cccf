package nfa

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
)

// diary writes down what a tracer hears: "A0#0 started", where A0 is the run's
// first event and 0 its ordinal.
type diary struct {
	k     *key
	lines []string
	open  map[string]bool
}

func (d *diary) write(r *TracedRun, format string, args ...any) {
	id := fmt.Sprintf("%s#%d", d.k.names[r.First], r.Ordinal)
	d.lines = append(d.lines, id+" "+fmt.Sprintf(format, args...))
}

func (d *diary) at(r *TracedRun) string {
	var parts []string
	for _, e := range r.Events {
		parts = append(parts, d.k.prog.name(e.Binding)+"="+d.k.names[e.Ref])
	}
	return strings.Join(parts, " ")
}

func (d *diary) Started(r *TracedRun) { d.write(r, "started %s", d.at(r)) }
func (d *diary) Took(r *TracedRun)    { d.write(r, "took %s", d.at(r)) }
func (d *diary) Refused(r *TracedRun, test *Test, f *expr.Frame) {
	d.write(r, "refused %s: %s", d.k.names[f.Ref], test.Where)
}
func (d *diary) Completed(r *TracedRun, at int64, kind cep.MatchKind) {
	d.write(r, "%s at %d", kind, at/second)
}
func (d *diary) Killed(r *TracedRun, why Death, index int) { d.write(r, "killed: %s %d", why, index) }
func (d *diary) Expired(r *TracedRun, at int64)            { d.write(r, "expired at %d", at/second) }

func TestTracer(t *testing.T) {
	tests := []struct{ name, pattern, rest, events, want string }{
		{"first", "a: A then b: B where price > a.price", "", "A0=5 B1=3 B2=6", `
			A0#0 started a=A0
			A0#0 refused B1: price > a.price
			A0#0 took a=A0 b=B2
			A0#0 match at 2`},
		{"absorb and overlap", "a: at least 2 A then b: B", "", "A0 A1 B2", `
			A0#0 started a=A0
			A0#0 took a=A0 a=A1
			A1#0 started a=A1
			A0#0 took a=A0 a=A1 b=B2
			A0#0 match at 2
			A1#0 killed: overlap 0`},
		{"absence and cancel", "a: A then no X then b: B", "cancel on C", "A0 X1 A2 C3", `
			A0#0 started a=A0
			A0#0 killed: absence 0
			A2#0 started a=A2
			A2#0 killed: cancelled 0`},
		{"strictness and expiry", "a: A then immediately b: B then c: C", "within 10s", "A0 C1 A2 B3 wait20", `
			A0#0 started a=A0
			A0#0 killed: contiguity 0
			A2#0 started a=A2
			A2#0 took a=A2 b=B3
			A2#0 expired at 12`},
		{"timeout", "a: A then b: B", "within 10s on timeout", "A0 wait20", `
			A0#0 started a=A0
			A0#0 timeout at 10`},
		{"latest", "a: A then b: B", "match latest", "A0 A1 B2", `
			A0#0 started a=A0
			A1#0 started a=A1
			A0#0 killed: overwritten 0
			A1#0 took a=A1 b=B2
			A1#0 match at 2`},
		{"where", "a: A then b: B", "where a.price > 5", "A0=1 B1", `
			A0#0 started a=A0
			A0#0 took a=A0 b=B1
			A0#0 killed: where 0`},
		{"span", "a: at least 2 A within 5s then b: B", "", "A0 B6", `
			A0#0 started a=A0
			A0#0 expired at 5`},
		{"each", "a: A then b: B where price > a.price", "match each", "A0=5 B1=3 B2=6", `
			A0#1 started a=A0
			A0#1 refused B1: price > a.price
			A0#1 took a=A0 b=B2
			A0#1 match at 2`},
		{"each forks", "a: A then any b: B then c: C", "match each", "A0 B1 B2 C3", `
			A0#1 started a=A0
			A0#2 took a=A0 b=B1
			A0#3 took a=A0 b=B2
			A0#2 took a=A0 b=B1 c=C3
			A0#3 took a=A0 b=B2 c=C3
			A0#2 match at 3
			A0#3 match at 3`},
		{"each absence", "a: A then no X then b: B", "match each", "A0 X1", `
			A0#1 started a=A0
			A0#1 killed: absence 0`},
		{"each loops", "a: A then b: some B", "within 10s match each", "A0 B1 B2 wait20", `
			A0#1 started a=A0
			A0#1 took a=A0 b=B1
			A0#1 match at 1
			A0#2 took a=A0 b=B1 b=B2
			A0#2 match at 2
			A0#3 expired at 10`},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			rest := strings.Replace(c.rest, "on timeout", "on timeout alert { message \"t\" }", 1)
			k := newKey(t, ruleOf(t, c.pattern, rest), Limits{})
			d := &diary{k: k}
			k.m.(Traceable).SetTracer(d)
			s := &script{events: strings.Fields(c.events)}
			s.feed(t, k)
			k.drop()
			var want []string
			for _, l := range strings.Split(strings.TrimSpace(c.want), "\n") {
				want = append(want, strings.TrimSpace(l))
			}
			if got := strings.Join(d.lines, "\n"); got != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
		})
	}
}

// A tracer changes nothing: the scripts have the same matches under its eyes,
// and every run that began has ended or is still open.
func TestTracerChangesNothing(t *testing.T) {
	for _, f := range scriptFiles(t) {
		for _, s := range readScripts(t, f) {
			k := newKey(t, s.rule(t), Limits{})
			d := &ledger{open: map[string]int{}}
			k.m.(Traceable).SetTracer(d)
			s.feed(t, k)
			if got := strings.Join(k.out, "\n"); got != strings.Join(s.want, "\n") {
				t.Errorf("%s:%d: with a tracer\n%s\nwithout\n%s", s.file, s.line, got, strings.Join(s.want, "\n"))
			}
			for _, w := range d.wrong {
				t.Errorf("%s:%d: %s", s.file, s.line, w)
			}
			if k.state == 0 && len(d.open) > 0 {
				t.Errorf("%s:%d: no state is left, but %v are open", s.file, s.line, d.open)
			}
			k.drop()
		}
	}
}

// ledger checks that runs begin once, end once, and do nothing before and after.
type ledger struct {
	open  map[string]int
	wrong []string
}

func (l *ledger) id(r *TracedRun) string { return fmt.Sprintf("%d#%d", r.First.Position(), r.Ordinal) }

func (l *ledger) Started(r *TracedRun) {
	if l.open[l.id(r)] != 0 {
		l.wrong = append(l.wrong, l.id(r)+" started twice")
	}
	l.open[l.id(r)] = len(r.Events)
}

func (l *ledger) Took(r *TracedRun) {
	if l.open[l.id(r)] == 0 && r.Ordinal == 0 {
		l.wrong = append(l.wrong, l.id(r)+" took before it started")
	}
	l.open[l.id(r)] = len(r.Events)
}

func (l *ledger) Refused(r *TracedRun, _ *Test, _ *expr.Frame) {
	if l.open[l.id(r)] == 0 && r.Ordinal == 0 {
		l.wrong = append(l.wrong, l.id(r)+" refused but is not open")
	}
}

func (l *ledger) Completed(r *TracedRun, _ int64, _ cep.MatchKind) { l.end(r) }
func (l *ledger) Killed(r *TracedRun, _ Death, _ int)              { l.end(r) }
func (l *ledger) Expired(r *TracedRun, _ int64)                    { l.end(r) }

func (l *ledger) end(r *TracedRun) {
	if l.open[l.id(r)] == 0 && r.Ordinal == 0 {
		l.wrong = append(l.wrong, l.id(r)+" ended but is not open")
	}
	delete(l.open, l.id(r))
}
