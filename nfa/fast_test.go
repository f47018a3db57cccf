package nfa

import (
	"slices"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// longStream draws a long stream with changing density, so that logs grow, are
// trimmed, squeezed and shrink again.
func longStream(d *drawer, n int) (es []*refEvent) {
	was := d.p
	defer func() { d.p = was }()
	at := 10 * ms
	for len(es) < n {
		d.p.events = 12
		d.p.overlap = d.IntN(3)
		part := d.stream()
		pace := int64(d.IntN(3))
		first := part[0].at
		for _, e := range part {
			c := *e
			c.seq = len(es)
			c.at = at + (e.at-first)*pace/2/ms*ms
			c.vals = append([]refVal{}, e.vals...)
			c.vals[0] = refVal{kind: cep.KindTimestamp, i: c.at}
			es = append(es, &c)
		}
		at = es[len(es)-1].at + int64(d.IntN(2))*ms
	}
	return es[:n]
}

// TestFastLong compares the fast machine with the general one, which is held to
// the reference, on streams too long for the reference.
func TestFastLong(t *testing.T) {
	b := newWorkbench()
	pairs, matches, squeezed := 0, 0, 0
	for seed := uint64(1); pairs < *pairsFlag/10; seed++ {
		d := newDrawer(profiles[0], seed)
		rule := d.rule()
		if rule.Pattern.Within > 0 { // long windows hold many starts, short ones end before deadlines
			rule.Pattern.Within = []int64{1, 2, rule.Pattern.Within / ms, rule.Pattern.Within / ms * int64(1+d.IntN(40))}[d.IntN(4)] * ms
		}
		prog, err := Compile(rule, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if make, _ := fast(prog); make == nil {
			continue
		}
		es := longStream(d, 100+d.IntN(300))
		end := es[len(es)-1].at + 100*ms
		want := runMachine(b, prog, generalMachine, es, end, false)
		var m *coalesced
		got := runMachine(b, prog, func(p *Prog, mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine {
			m = p.New(mem, syms, lim).(*coalesced)
			m.crowd = 1 + d.IntN(8) // squeeze more often than is worth it
			return m
		}, es, end, seed%3 == 0)
		if len(got.faults)+len(want.faults) > 0 || !sameMatches(want.matches, got.matches) {
			t.Fatalf("seed %d: %s", seed, differsFrom(rule, es, end))
		}
		pairs++
		matches += len(want.matches)
		if m.squeezes > 0 {
			squeezed++
		}
	}
	t.Logf("%d pairs, %d matches equal; in %d starts were squeezed out", pairs, matches, squeezed)
	if squeezed == 0 {
		t.Error("no stream was long enough to squeeze a state")
	}
}

// differsFrom shrinks a pair on which the fast machine and the general differ.
func differsFrom(rule *dsl.RuleIR, es []*refEvent, end int64) string {
	b := newWorkbench()
	both := func(r *dsl.RuleIR, es []*refEvent, end int64) (want, got *answer) {
		prog, err := Compile(r, time.UTC)
		if err != nil {
			return nil, nil
		}
		if make, _ := fast(prog); make == nil {
			return nil, nil
		}
		return runMachine(b, prog, generalMachine, es, end, false), runMachine(b, prog, bestMachine, es, end, false)
	}
	rule, es, end = shrink(rule, es, end, func(r *dsl.RuleIR, es []*refEvent, end int64) bool {
		want, got := both(r, es, end)
		return got != nil && (len(got.faults) > 0 || !sameMatches(want.matches, got.matches))
	})
	want, got := both(rule, es, end)
	out := ruleText(rule) + "  events:" + streamText(rule, es) + "\n  general:" + matchesText(want.matches) + "\n  fast:" + matchesText(got.matches)
	for _, f := range append(want.faults, got.faults...) {
		out += "\n  fault: " + f
	}
	return out
}

// TestFastCapped: with room for few starts the fast machine drops the same ones
// as the general machine. If only the first step counts, none is greedy and
// conditions read the event alone, alerts still come when they would without
// the budget. A later step that counts, or a greedy one that must be full, may
// lose its most advanced run; a condition, the one run for which it holds.
func TestFastCapped(t *testing.T) {
	b := newWorkbench()
	pairs, capped, matches := 0, uint64(0), 0
	for seed := uint64(1); pairs < *pairsFlag/20; seed++ {
		d := newDrawer(profiles[0], seed)
		rule := d.rule()
		prog, err := Compile(rule, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := classify(prog)
		if c == nil || c.gaps || !slices.ContainsFunc(c.steps, func(s fastStep) bool { return !s.final }) {
			continue
		}
		least, counts := 1, false
		for i := range c.steps {
			least = max(least, c.steps[i].Lo)
			counts = counts || i > 0 && !c.steps[i].single || c.steps[i].Greedy || c.steps[i].class != alike
		}
		lim := Limits{Starts: least + 1 + d.IntN(4), Events: 1 << 20}
		es := longStream(d, 60)
		end := es[len(es)-1].at + 100*ms
		var last Machine
		under := func(general bool) makeMachine {
			return func(p *Prog, mem *slab.Arena, syms *slab.Symbols, _ Limits) Machine {
				last = newCoalesced(c, mem, syms, lim)
				if general {
					last = p.NewGeneral(mem, syms, lim)
				}
				return last
			}
		}
		want := runMachine(b, prog, under(true), es, end, false)
		counted := last.Counters().Capped
		got := runMachine(b, prog, under(false), es, end, false)
		if len(got.faults)+len(want.faults) > 0 || !sameMatches(want.matches, got.matches) {
			t.Fatalf("seed %d, %d starts, capped %d and %d:\n%s  events:%s\n  general:%s\n  fast:%s\n  faults %q", seed, lim.Starts, counted, last.Counters().Capped,
				ruleText(rule), streamText(rule, es), matchesText(want.matches), matchesText(got.matches), append(want.faults, got.faults...))
		}
		free := runMachine(b, prog, generalMachine, es, end, false)
		if !counts && !slices.EqualFunc(free.matches, got.matches, func(a, b refMatch) bool { return a.at == b.at }) {
			t.Fatalf("seed %d: with %d starts the alerts come at other times\n%s  unlimited:%s\n  capped:%s", seed, lim.Starts, ruleText(rule), matchesText(free.matches), matchesText(got.matches))
		}
		pairs++
		capped += counted
		matches += len(got.matches)
	}
	t.Logf("%d pairs, %d matches, %d starts dropped", pairs, matches, capped)
	if capped == 0 {
		t.Error("no start was dropped")
	}
}

// TestFastBound: whatever comes, a key's slot stays within the bound that is
// declared for the limits.
func TestFastBound(t *testing.T) {
	lim := Limits{Starts: 20, Events: 40}
	b := newWorkbench()
	closest := 0.0
	for seed := uint64(1); seed <= uint64(*pairsFlag/60); seed++ {
		d := newDrawer(profiles[0], seed)
		rule := d.rule()
		rule.Pattern.Within *= 1000
		prog, err := Compile(rule, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := classify(prog)
		if c == nil {
			continue
		}
		most := c.bound(lim).Bytes
		es := longStream(d, 1000)
		r := newRunner(b, prog, newCoalesced(c, b.mem, b.syms, lim), es)
		for _, e := range es {
			r.advance(e.at)
			r.event(e)
			_, size := b.mem.Live()
			closest = max(closest, float64(size)/float64(most))
			if size > most {
				t.Fatalf("seed %d, event %d: %d bytes, declared are %d\n%s", seed, e.seq, size, most, ruleText(rule))
			}
		}
		if a := r.finish(); len(a.faults) > 0 {
			t.Fatalf("seed %d: %q\n%s", seed, a.faults[0], ruleText(rule))
		}
	}
	t.Logf("at most %.0f%% of the bound was used", 100*closest)
}

// TestFastAllocations: once its scratch space has grown, the fast machine costs
// no allocation on the Go heap, whatever an event does.
func TestFastAllocations(t *testing.T) {
	for _, pattern := range []string{
		"a: A then b: B then c: C",
		"a: at least 3 A then b: B where s != a.last.s",
		"a: A then no C where not ok within 3ms then b: B where v >= a.v and s == a.s",
		"a: at least 2 A within 5ms then no B where not ok within 2ms",
	} {
		r, err := checkedRule(classTypes + "rule r { by k pattern { " + pattern + " } within 20ms alert { message \"m\" } }")
		if err != nil {
			t.Fatal(err)
		}
		prog, err := Compile(r, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if make, why := fast(prog); make == nil {
			t.Fatalf("%s: %s", pattern, why)
		}
		var es []*refEvent
		for i := range 2000 {
			s := r.Routes[i%len(r.Routes)].Schema
			at := int64(i) * ms
			e := newRefEvent(s, i, at, map[string]refVal{"at": {kind: cep.KindTimestamp, i: at}, "k": refText("k"),
				"v": refInt(int64(i % 5)), "s": refText(string(rune('a' + i/9%3))), "ok": refBool(true)})
			e.routes = ^uint64(0)
			es = append(es, e)
		}
		w := newWorkbench()
		run := newRunner(w, prog, prog.New(w.mem, w.syms, Limits{}), es)
		found := 0
		emit := func(m *Match) { found++ }
		var ev Event
		i := 0
		one := func() {
			row := run.rows[i]
			f := &w.frame
			f.Batch, f.Table, f.Row, f.At, f.Ref = run.batch, &run.batch.Tables[row.Table], int(row.Index), row.At, row.Ref
			run.state = run.m.Advance(run.state, row.At, f, emit)
			ev = Event{Frame: f, Bits: prog.Bits(f, es[i].schema, es[i].routes), Routes: es[i].routes}
			run.state = run.m.Event(run.state, &ev, emit)
			i++
		}
		for range 1000 {
			one()
		}
		if n := testing.AllocsPerRun(900, one); n != 0 {
			t.Errorf("%s: %v allocations an event", pattern, n)
		}
		if found == 0 {
			t.Errorf("%s never matched", pattern)
		}
	}
}
