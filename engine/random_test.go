package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/cep"
)

// richRules has every way in which rows, keys, timers, features and alerts
// meet; random streams over a handful of keys go through it.
const richRules = `
event A { id id  time at late 20s  id: string  at: timestamp(unix_s)  u: string  v: string?  n: int }
event B { id id  time at late 5s  id: string  at: timestamp(unix_s)  w: string  u: string  n: int }

feature by_v on A where n > 1 by v { c = count() over last 1m  s = sum(n) over previous 1m  top = max(n) over last 30s }
feature by_u on A by u { c = count() over previous 2m  l = last(v) over previous 2m }

rule burst "Burst" {
  by u
  on A where n > 0
  when newly count() over last 30s >= 3
  suppress for 20s
  alert as Burst { severity if(by_v.c > 3, high, low)  message "{u} {count() over last 30s} {by_v.s} {by_u.l}"  user = u  vs = distinct(v) over last 30s }
}
rule seen "First time at v" {
  by u
  on A
  when count() per (u, v) over previous 40s == 0 and by_u.c >= 1
  suppress for 10s per (u, v_) unless n == 5
  alert { message "{u} {n}"  v_ = v }
}
rule seq "Sequence" {
  by u
  pattern {
    a: at least 2 A where n >= 2
    then no B where n == 0
    then b: B where n > a.first.n
  } within 40s
  alert { score b.n  message "{a.count} {by_v['v1'].c} {by_u.c}" }
  on timeout alert { message "late {a.count}" }
}
rule quiet "Quiet" {
  by u
  pattern {
    a: A where n == 3
    then no A within 15s
  }
  alert as Quiet { severity info  message "{u} {by_u.c} {by_v['v2'].c}"  user = u }
}
rule pair "Two ways" {
  by k
  match each limit 3
  pattern {
    x: B by w
    then any y: B by u where n != x.n
  } within 30s
  alert { message "{k} {x.n} {y.n}" }
}
rule held "Held" {
  by u
  on r: A
  when n >= 2 for 10s gap 8s keep 5s
  alert { message "{u} {r.n} {count() over last 20s} {sum(n) per (u, v) over last 30s}" }
}
rule waves "Waves" {
  global
  on Burst
  when count() over last 1m >= 2
  alert as Wave { message "{count() over last 1m} {distinct(user) over last 1m}" }
}
rule then_quiet "Burst, then quiet" {
  by u
  pattern { b: Burst by user  then q: Quiet by user  then any_b: B by u } within 2m
  alert { message "{u} {b.vs}" }
}
rule after_wave "After a wave" {
  global
  pattern { w: Wave  then no Burst within 20s }
  alert { message "calm" }
}
`

type randomEvent struct {
	at    int64 // seconds
	line  string
	delay int64
	part  int
}

// randomStream draws events whose arrival is out of order within the
// lateness. With ties, several may have one time.
func randomStream(t *rapid.T, ties bool) []randomEvent {
	var evs []randomEvent
	at := int64(1_767_225_600)
	for i := range rapid.IntRange(1, 60).Draw(t, "events") {
		step := rapid.Int64Range(0, 7).Draw(t, "step")
		if !ties {
			step++
		}
		at += step
		n := rapid.IntRange(0, 5).Draw(t, "n")
		u := rapid.SampledFrom([]string{"u1", "u2", "u3"}).Draw(t, "u")
		ev := randomEvent{at: at, delay: rapid.Int64Range(0, 5).Draw(t, "delay"), part: rapid.IntRange(0, 1).Draw(t, "partition")}
		if rapid.IntRange(0, 2).Draw(t, "type") > 0 {
			v := rapid.SampledFrom([]string{`"v1"`, `"v2"`, "null"}).Draw(t, "v")
			ev.line = fmt.Sprintf(`{"type":"A","id":"a%d","at":%d,"u":"%s","v":%s,"n":%d}`, i, at, u, v, n)
		} else {
			w := rapid.SampledFrom([]string{"u1", "u2"}).Draw(t, "w")
			ev.line = fmt.Sprintf(`{"type":"B","id":"b%d","at":%d,"w":"%s","u":"%s","n":%d}`, i, at, w, u, n)
		}
		evs = append(evs, ev)
	}
	return evs
}

func (s *script) take(evs []randomEvent, partitions int) {
	s.events = make([]string, partitions)
	for _, e := range evs {
		s.events[e.part%partitions] += e.line + "\n"
	}
}

// Neither shards nor batches change a byte.
func TestRandomShardsAndBatches(t *testing.T) {
	prog := compile(t, richRules)
	total := 0
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, true)
		slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
		s := &script{prog: prog, drain: Drain(rapid.Bool().Draw(rt, "drain"))}
		s.take(evs, rapid.IntRange(1, 2).Draw(rt, "partitions"))
		want := s.run(t, 1, 1)
		total += strings.Count(want, "\n")
		shards, rows := rapid.IntRange(1, 5).Draw(rt, "shards"), rapid.IntRange(1, 30).Draw(rt, "rows")
		if got := s.run(t, shards, rows); got != want {
			rt.Fatalf("%d shards, batches of %d: %s\nevents:\n%s", shards, rows, firstDifference(got, want), strings.Join(s.events, "--\n"))
		}
	})
	if total == 0 {
		t.Error("no alert came of any stream")
	}
}

// firstDifference is the first lines that differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\ngot:  %s\nwant: %s", i+1, g[i], w[i])
		}
	}
	return "one has more lines"
}

// The order of arrival does not matter as long as nothing is late and all
// events have ids.
func TestRandomArrival(t *testing.T) {
	prog := compile(t, richRules)
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, false)
		inOrder := &script{prog: prog}
		inOrder.take(evs, 1)
		want := inOrder.run(t, 1, 100)
		slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
		mixed := &script{prog: prog}
		mixed.take(evs, 1)
		if got := mixed.run(t, 2, 3); got != want {
			rt.Fatal(firstDifference(got, want))
		}
	})
}

// A windowed rule against a recomputation over all events before each.
func TestRandomWindowRule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		span := rapid.Int64Range(1, 40).Draw(rt, "window")
		need := rapid.IntRange(1, 4).Draw(rt, "count")
		sum := rapid.IntRange(0, 12).Draw(rt, "sum")
		quiet := rapid.Int64Range(0, 30).Draw(rt, "suppress")
		newly := rapid.Bool().Draw(rt, "newly")
		word, suppress := "", ""
		if newly {
			word = "newly "
		}
		if quiet > 0 {
			suppress = fmt.Sprintf("suppress for %ds", quiet)
		}
		prog := compile(t, fmt.Sprintf(`
event A { id id  time at late 20s  id: string  at: timestamp(unix_s)  u: string  v: string?  n: int }
event B { id id  time at late 20s  id: string  at: timestamp(unix_s)  w: string  u: string  n: int }
rule r "r" { by u  on A where n > 0
  when %scount() over last %ds >= %d and sum(n) over previous %ds >= %d
  %s
  alert { message "{distinct(v) over last %ds}" } }`, word, span, need, span, sum, suppress, span))
		evs := randomStream(rt, true)
		s := &script{prog: prog}
		s.take(evs, 1)
		want := naive{span, quiet, need, sum, newly}.run(evs)
		var got strings.Builder
		e, err := New(prog, Config{Emit: func(alerts []*cep.Alert) error {
			for _, a := range alerts {
				fmt.Fprintf(&got, "%d %s %s %d\n", a.At/cep.Second, a.Key[0].Value, a.Message, a.Suppressed)
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Feed(decodeLines(t, prog, lines(s.events[0]), 0, 0)); err != nil {
			t.Fatal(err)
		}
		if err := e.End(ToLastEvent); err != nil {
			t.Fatal(err)
		}
		if inOrder(got.String()) != inOrder(want) {
			rt.Fatalf("got:\n%s\nwant:\n%s\nevents:\n%s", got.String(), want, s.events[0])
		}
	})
}

// naive recomputes the alerts of the rule of TestRandomWindowRule from all
// events before each; durations are in seconds.
type naive struct {
	span, quiet int64
	need, sum   int
	newly       bool
}

func (c naive) run(evs []randomEvent) string {
	var want strings.Builder
	byKey := map[string][]parsed{}
	held, last := map[string]bool{}, map[string]int64{}
	seen := map[string]int64{}
	alerted, dropped, lastDrop := map[string]bool{}, map[string]int{}, map[string]int64{}
	for _, e := range evs {
		p := parse(e)
		if p.typ != "A" || p.n == 0 {
			continue
		}
		count, total, vs := 1, 0, map[string]bool{}
		for _, o := range byKey[p.u] {
			if o.at >= p.at-c.span {
				count++
				total += o.n
				vs[o.v] = true
			}
		}
		vs[p.v] = true
		delete(vs, "")
		byKey[p.u] = append(byKey[p.u], p)
		holds := count >= c.need && total >= c.sum
		was := held[p.u] && p.at-last[p.u] <= c.span
		held[p.u], last[p.u] = holds, p.at
		if !holds || c.newly && was {
			continue
		}
		if c.quiet > 0 && alerted[p.u] && p.at <= seen[p.u]+c.quiet {
			if p.at > lastDrop[p.u]+c.quiet {
				dropped[p.u] = 0
			}
			dropped[p.u]++
			lastDrop[p.u] = p.at
			continue
		}
		n := dropped[p.u]
		if p.at > lastDrop[p.u]+c.quiet {
			n = 0
		}
		alerted[p.u], seen[p.u], dropped[p.u] = true, p.at, 0
		fmt.Fprintf(&want, "%d %s %d %d\n", p.at, p.u, len(vs), n)
	}
	return want.String()
}

// inOrder sorts lines: alerts of one time are written by key.
func inOrder(text string) string {
	l := strings.Split(text, "\n")
	slices.Sort(l)
	return strings.Join(l, "\n")
}

type parsed struct {
	typ  string
	at   int64
	u, v string
	n    int
}

func parse(e randomEvent) parsed {
	p := parsed{at: e.at}
	field := func(name string) string {
		_, rest, _ := strings.Cut(e.line, `"`+name+`":`)
		end := strings.IndexAny(rest, ",}")
		return strings.Trim(rest[:end], `"`)
	}
	p.typ, p.u = field("type"), field("u")
	if p.typ == "A" {
		if p.v = field("v"); p.v == "null" {
			p.v = ""
		}
	}
	fmt.Sscan(field("n"), &p.n)
	return p
}
