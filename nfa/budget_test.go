package nfa

import (
	"fmt"
	"strings"
	"testing"
)

// ruleOf compiles a pattern over the types of scriptDecls.
func ruleOf(t testing.TB, pattern, rest string) *Prog {
	t.Helper()
	return compileText(t, scriptDecls+"rule r {\n  by k\n  pattern { "+pattern+" } "+rest+"\n  alert { message \"m\" }\n}\n")
}

// feedAll gives a key events of the types in turn, one a second.
func (k *key) feedAll(n int, types string) {
	for i := range n {
		k.feed(types[i%len(types):i%len(types)+1], i, int64(i)*second, i%7, fmt.Sprint(i))
	}
}

// Past the budget of starts the oldest of the fullest step goes: an alert still
// comes when it should, only its evidence shrinks, and the losses are counted.
func TestEvidenceShrinks(t *testing.T) {
	for policy, want := range map[string]string{
		"match first":                       "a=A7,A8,A9 b=B10 at 10",
		"match each limit 1 skip past last": "a=A7,A8,A9 b=B10 at 10",
	} {
		p := ruleOf(t, "a: at least 2 A then b: B", policy)
		k := newKey(t, p, Limits{Starts: 3})
		for i := range 10 {
			k.feed("A", i, int64(i)*second, 0, "")
		}
		k.feed("B", 10, 10*second, 0, "")
		if policy == "match first" && strings.Join(k.out, "\n") != want {
			t.Errorf("%s: got %v, want %s", policy, k.out, want)
		}
		if len(k.out) != 1 {
			t.Errorf("%s: %d matches, want 1: %v", policy, len(k.out), k.out)
		}
		if k.m.Counters().Capped == 0 {
			t.Errorf("%s: nothing was counted as dropped", policy)
		}
		k.drop()
	}
}

// A run that has bound as many events as it may ignores more of a loop, but
// still goes on.
func TestEventBudget(t *testing.T) {
	k := newKey(t, ruleOf(t, "a: at least 2 A then b: B", "match first"), Limits{Events: 4})
	for i := range 10 {
		k.feed("A", i, int64(i)*second, 0, "")
	}
	k.feed("B", 10, 10*second, 0, "")
	if got, want := strings.Join(k.out, "\n"), "a=A0,A1,A2,A3 b=B10 at 10"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if k.m.Counters().Capped == 0 {
		t.Error("nothing was counted as dropped")
	}
	k.drop()
}

// Runs beyond the budget of tests count as not fitting; the earliest are
// tested, and starts always are.
func TestTestBudget(t *testing.T) {
	for _, policy := range []string{"match first", "match each"} {
		k := newKey(t, ruleOf(t, "a: A then b: B where price > a.price", policy), Limits{Tests: 2})
		for i := range 5 {
			k.feed("A", i, int64(i)*second, 0, "")
		}
		k.feed("B", 5, 5*second, 9, "")
		if k.m.Counters().Budget != 3 {
			t.Errorf("%s: %d tests were left out, want 3", policy, k.m.Counters().Budget)
		}
		if len(k.out) == 0 || k.out[0] != "a=A0 b=B5 at 5" {
			t.Errorf("%s: got %v", policy, k.out)
		}
		k.drop()
	}
}

// Streams in which every event fits everything stay within the bound that
// Explain declares, and everything is given back.
func TestAdversarialStreams(t *testing.T) {
	rules := []struct{ name, pattern, rest, types string }{
		{"starts", "a: A then b: B then c: C", "match first", "AB"},
		{"loops", "a: at least 2 A then b: at least 2 A where price > 9", "match first", "A"},
		{"self", "a: at least 3 A where a is missing or price != a.last.price + 100 then c: C", "match first", "A"},
		{"absence", "a: some A then no X within 1h", "within 30m", "A"},
		{"latest", "a: at least 5 A then b: 3 A where price == 6 then c: C", "match latest", "A"},
		{"groups", "some (a: A then b: A) then c: C", "match first", "A"},
		{"blocks", "all of { a: at least 2 A, b: at least 2 A then x: B } then one of { c: 3 A, d: C }", "match first", "AAB"},
		{"each", "a: A then any b: A then any c: A then any d: D", "match each", "A"},
		{"each loops", "a: some any A then any b: some any A then x: X", "match each", "A"},
		{"each explosion", "a: A then any b: some any A where price >= 0 then any c: some any A", "match each limit 5", "A"},
		{"each optional", "a: A then any b: optional A then any c: at most 3 A then d: D", "match each", "A"},
		{"each timeouts", "a: A then any b: some any A then c: C", "within 20s match each on timeout", "A"},
	}
	lim := Limits{Starts: 50, Events: 20}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			rest := strings.Replace(r.rest, "on timeout", "on timeout alert { message \"t\" }", 1)
			p := ruleOf(t, r.pattern, rest)
			bound := p.bound(lim.filled()) // of the general machine, which newKey makes
			k := newKey(t, p, lim)
			for i := range 400 {
				k.feed(r.types[i%len(r.types):i%len(r.types)+1], i, int64(i)*second, i%7, fmt.Sprint(i))
				if _, bytes := k.mem.Live(); bytes > bound.Bytes {
					t.Fatalf("after %d events the key holds %d bytes, declared %d (%s)", i+1, bytes, bound.Bytes, bound.Text)
				}
			}
			k.drop()
		})
	}
}

// Once scratch space has grown, events cost no allocation on the Go heap.
func TestNoAllocations(t *testing.T) {
	rules := []struct{ name, pattern, rest string }{
		{"first", "a: at least 3 A then b: B where price > sum(a.price) + 1000 then c: C", "within 20s match first"},
		{"first, notes", "a: A then no X where note == a.note then b: B where note == a.note", "within 20s match first"},
		{"latest", "a: A then b: 3 B then c: C", "within 20s match latest"},
		{"groups and blocks", "2 (a: A then one of { b: B, c: C then d: D }) then x: X", "within 20s match first"},
		{"each", "a: A then any b: some B then c: C where price > b.first.price", "within 10s match each limit 3"},
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			p := ruleOf(t, r.pattern, r.rest)
			k := newKey(t, p, Limits{Starts: 20})
			feed := newFeeder(k, "ABCDXBBC")
			count := 0
			emit := func(*Match) { count++ }
			for range 2000 {
				feed.next(emit)
			}
			if n := testing.AllocsPerRun(2000, func() { feed.next(emit) }); n != 0 {
				t.Errorf("%v allocations an event", n)
			}
			if count == 0 && r.name != "first" {
				t.Error("no match came about")
			}
			k.drop()
		})
	}
}

// feeder gives a key the events of a prepared batch, over and over.
type feeder struct {
	k      *key
	events []prepared
	n      int
}

type prepared struct {
	ev    Event
	apply func(at int64)
}

func newFeeder(k *key, types string) *feeder {
	f := &feeder{k: k}
	for i := range types {
		name := types[i : i+1]
		for j, r := range k.prog.Rule.Routes {
			if r.Schema.Name != name {
				continue
			}
			b := oneEvent(r.Schema, 0, i, "note"+fmt.Sprint(i%3))
			frame := &k.frame
			f.events = append(f.events, prepared{Event{Frame: frame, Routes: 1 << j}, func(at int64) {
				frame.Batch, frame.Table, frame.Row, frame.At = b, &b.Tables[0], 0, at
			}})
		}
	}
	return f
}

func (f *feeder) next(emit Emit) {
	e := &f.events[f.n%len(f.events)]
	f.n++
	e.apply(int64(f.n) * second)
	k := f.k
	e.ev.Bits = k.prog.Bits(&k.frame, k.frame.Table.Schema, e.ev.Routes)
	k.state = k.m.Advance(k.state, k.frame.At, &k.frame, emit)
	k.state = k.m.Event(k.state, &e.ev, emit)
}

// A test that reads many bound events counts as several, so that one event's
// work is bounded whatever the runs have bound.
func TestLongTestsCostMore(t *testing.T) {
	const starts, tests = 40, 100
	k := newKey(t, ruleOf(t, "a: A then b: at least 1 B then c: C where sum(b.price) < price", "match first"), Limits{Starts: starts, Tests: tests})
	for i := range starts {
		k.feed("A", i, int64(i)*second, 0, "")
	}
	for i := range 10 * eventsPerTest {
		k.feed("B", 1000+i, int64(1000+i)*second, 1, "")
	}
	k.feed("C", 9999, 9999*second, 0, "")
	// Each test reads ten times eventsPerTest events: it counts eleven.
	if left := k.m.Counters().Budget; left != starts-(tests+10)/11 {
		t.Errorf("%d tests were left out, want %d", left, starts-(tests+10)/11)
	}
	k.feed("C", 10000, 10000*second, 1<<20, "")
	if len(k.out) != 1 || !strings.HasPrefix(k.out[0], "a=A0 ") {
		t.Errorf("the earliest start is tested first: got %d matches", len(k.out))
	}
	k.drop()
}
