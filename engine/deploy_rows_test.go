package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
)

// Rows that wait are read again where new rules look at fields that nobody had
// looked at, and are found in types that have changed.
func TestWaitingRowsAreReadAgain(t *testing.T) {
	head := func(fields string) string {
		return `event A { id id  time at late 10s  id: string  at: timestamp(unix_s)  u: string  n: int ` + fields + ` }
`
	}
	line := func(at int, n, v string) string {
		return fmt.Sprintf(`{"type":"A","id":"a%d","at":%d,"u":"x","n":%s,"v":"%s"}`, at, at, n, v)
	}
	events := []string{line(1, "1", "p"), line(2, "2", "q"), line(3, "3", "p"), line(4, `4`, "r")}
	old := head("v: string?") + `rule r { by u on A when newly count() over last 1m >= 2 alert { message "r {n}" } }`
	for _, c := range []struct{ name, after, want string }{
		{"a field that nobody read", head("v: string?") + `rule s { by u on A where v == "p" when true alert { message "{n}" } }`, "1,3"},
		{"one field more", head("v: string?") + `rule s { by u on A when n > 1 alert { message "{n} {v}" } }`, "2 q,3 p,4 r"},
		{"an int that has become a number", strings.Replace(head(""), "n: int", "n: number", 1) + `rule s { by u on A when n > 2.5 alert { message "{n}" } }`, "3,4"},
		{"an enum that lacks a word", "enum V { p, q }\n" + head("v: V") + `rule s { by u on A when true alert { message "{n}{v}" } }`, "1p,2q,3p"},
		{"fields in another order", `event A { id id  time at late 10s  v: string?  n: int  id: string  u: string  at: timestamp(unix_s) }
rule r { by u on A when newly count() over last 1m >= 2 alert { message "r {n}" } }`, "r 2"},
		{"a type that is gone", `event B { id id  time at  id: string  at: timestamp(unix_s)  u: string }
rule s { by u on B when true alert {} }`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			lacks := strings.HasPrefix(c.name, "an enum")
			for _, restore := range []bool{false, !lacks} {
				p := newPipeline(t, compile(t, old), Config{}, []string{strings.Join(events, "\n")})
				for range 3 {
					p.feed(0, 1)
				}
				if lacks { // a row that will not be one any more
					p.feed(0, 1)
				}
				p.deploy(compile(t, c.after), Deployment{})
				if restore {
					p.restore()
				}
				if strings.Contains(c.after, "on A") {
					p.feed(0, 1)
				}
				if got := strings.Join(messages(p.end()), ","); got != c.want {
					t.Errorf("alerts %s, want %s", got, c.want)
				}
			}
		})
	}
}

// Rows of a type that no rule reads as they come are skipped, and stay so.
func TestSkippedRowsStaySkipped(t *testing.T) {
	head := caseHead[:strings.Index(caseHead, "event B")] + `event B { id id  time at late 1m  id: string  at: timestamp(unix_s)  u: string  n: int }
`
	head = strings.Replace(head, "time at ", "time at late 1m ", 1)
	events := []string{a(1, `"n":1`), `{"type":"B","id":"b","at":2,"u":"x","n":1}`, a(3, `"n":1`), `{"type":"B","id":"c","at":4,"u":"x","n":2}`}
	_, got := deployBehind(t, head+`rule r { by u on A when true alert { message "A" } }`,
		head+`rule r { by u on A when true alert { message "A" } } rule s { by u on B when true alert { message "B{n}" } }`, Deployment{}, 3, events)
	if text := strings.Join(messages(got), ","); text != "A,A,B2" {
		t.Errorf("alerts %s", text)
	}
}

// A deployment that cannot be is refused, and everything goes on as if nobody
// had asked.
func TestRefusedDeployments(t *testing.T) {
	text := strings.Replace(caseHead, "time at", "time at late 5s", 1) + `
rule r { by u on A when newly count() over last 1m >= 3 suppress for 10s alert { message "{n}" } }
rule s { by u pattern { a: at least 2 A  then no A within 3s } alert { message "{a.count}" } }`
	var events []string
	for i := range 30 {
		events = append(events, a(10+i+i%4, fmt.Sprintf(`"n":%d`, i%5)))
	}
	whole := newPipeline(t, compile(t, text), Config{}, []string{strings.Join(events, "\n")})
	whole.feed(0, len(events))
	want := whole.end()
	// More arguments than a window can have.
	many := text + "\nrule many { by u on A when "
	for i := range 33 {
		many += fmt.Sprintf("sum(n + %d) over last 1m unless fired > 1 and ", i)
	}
	many += "true alert {} }"
	more := text + `
rule v { by u on A where v == "p" when true alert {} }`
	c := newPipeline(t, compile(t, text), Config{}, []string{strings.Join(events, "\n")})
	for i := range events {
		c.feed(0, 1)
		if i%3 != 0 || i == len(events)-1 {
			continue
		}
		before := string(c.e.plan.ids.encode(nil))
		if _, err := c.e.Deploy(compile(t, many), Deployment{Reset: []string{"r"}}); err == nil || !strings.Contains(err.Error(), "rule many") {
			t.Fatalf("more arguments than fit: %v", err)
		}
		if _, err := c.e.Deploy(compile(t, more), Deployment{}); err == nil || !strings.Contains(err.Error(), "of A") {
			t.Fatalf("rows lack a field and cannot be read again: %v", err)
		}
		broken := errors.New("the journal is gone")
		if _, err := c.e.Deploy(compile(t, more), Deployment{Redecode: func(*cep.Batch) (*cep.Batch, error) { return nil, broken }}); !errors.Is(err, broken) {
			t.Fatalf("rows cannot be read again: %v", err)
		}
		if after := string(c.e.plan.ids.encode(nil)); after != before {
			t.Fatal("the table of ids has changed")
		}
	}
	if got := c.end(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := c.e.Deploy(c.prog, Deployment{}); err == nil {
		t.Error("an engine that has ended takes a deployment")
	}
}

// A program that is the running one changes nothing.
func TestDeployTheSame(t *testing.T) {
	events := strings.Split(strings.Repeat("x", 40), "")
	for i := range events {
		events[i] = a(10+i, fmt.Sprintf(`"n":%d,"v":"v%d"`, i%5, i%3))
	}
	text := caseHead + richRules[strings.Index(richRules, "feature by_v"):strings.Index(richRules, "rule pair")] +
		`rule waves { global on Burst when count() over last 1m >= 2 alert as Wave { message "{count() over last 1m}" } }`
	whole := newPipeline(t, compile(t, text), Config{}, []string{strings.Join(events, "\n")})
	whole.feed(0, len(events))
	want := whole.end()
	if len(want) < 4 {
		t.Fatalf("%d alerts: the test shows little", len(want))
	}
	c := newPipeline(t, compile(t, text), Config{Shards: 2}, []string{strings.Join(events, "\n")})
	for range events {
		c.feed(0, 1)
		if c.fed[0] == len(events) {
			break
		}
		before := string(c.e.plan.ids.encode(nil))
		for rule, how := range c.deploy(compile(t, text), Deployment{Carry: Reset}) {
			if how != CarriedUnchanged {
				t.Fatalf("rule %s: %s", rule, how)
			}
		}
		if after := string(c.e.plan.ids.encode(nil)); after != before {
			t.Fatal("the table of ids has changed")
		}
	}
	if got := c.end(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Alerts that wait as events become events of their type as it has become:
// fields by name, missing where they may be; those that lack something are gone.
func TestWaitingAlertsAreRemade(t *testing.T) {
	text := func(fields, reads string) string {
		out := `event A { id id  time at late 20s  id: string  at: timestamp(unix_s)  u: string  v: string?  n: int }
source fast of A from kafka { topic: "a", order: arrival }
rule two { by u on A when n == 1 alert as Two { message "two" ` + fields + ` } }
`
		if reads != "" {
			out += "rule late { by u pattern { t: Two  then no A where n == 5 within 1s } alert { message \"" + reads + "\" } }\n"
		}
		return out
	}
	events := []string{a(100, `"n":1,"v":"p"`), a(101, `"n":1,"v":"q"`), a(102, `"n":0`), a(103, `"n":1,"v":"r"`)}
	for _, c := range []struct{ name, fields, reads, want string }{
		{"the same", `a = n + 1  b = v`, "{t.a} {t.b}", "2 p,2 q,2 r"},
		{"another order", `b = v  a = n + 1`, "{t.a} {t.b}", "2 p,2 q,2 r"},
		{"one less", `b = v`, "{t.b}", "p,q,r"},
		{"one more that may be missing", `a = n + 1  b = v  c = v`, "{t.a} {t.c}", "2 –,2 –,2 r"},
		{"one more that must be there", `a = n + 1  b = v  c = n`, "{t.a} {t.c}", "2 1"},
		{"of another type", `a = u  b = v`, "{t.a}", "x"},
		{"nobody reads them", `a = n + 1  b = v`, "", ""},
	} {
		for _, restore := range []bool{false, true} {
			p := newPipeline(t, compile(t, text(`a = n + 1  b = v`, "{t.a} {t.b}")), Config{Arrival: true}, []string{strings.Join(events, "\n")})
			p.feed(0, 3)
			if n := p.e.groups[0].order.waiting; n != 5 {
				t.Fatalf("%d rows wait, want 3 and 2 alerts", n)
			}
			p.deploy(compile(t, text(c.fields, c.reads)), Deployment{})
			if restore {
				p.restore()
			}
			p.feed(0, 1)
			var got []string
			for _, m := range messages(p.end()) {
				if m != "two" {
					got = append(got, m)
				}
			}
			if text := strings.Join(got, ","); text != c.want {
				t.Errorf("%s: alerts %s, want %s", c.name, text, c.want)
			}
		}
	}
}
