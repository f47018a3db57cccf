package nfa

import (
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
)

// TestBounds: on streams made to hurt, where every event fits every step and
// nothing ever completes or expires, a key's state stays within the bound that
// the machine declares for the limits, and is gone after Drop.
func TestBounds(t *testing.T) {
	lim := Limits{Starts: 40, Events: 100}
	const events = 3000
	never := " then z: C"
	for _, c := range []struct{ policy, pattern string }{
		{"first", "a: A then b: A" + never},
		{"first", "a: at least 1 A then b: some A where v >= a.first.v" + never},
		{"first", "a: at least 3 A within 5m then b: B" + never},
		{"first", "a: some consecutive A then b: at least 2 A gap 1m" + never},
		{"first", "a: A then no B within 1ms then b: at least 5 A" + never},
		{"first", "a: at least 1 A then no B within 1000h"},
		{"first", "2 ( b: A then c: some A )" + never},
		{"first", "a: A then one of { b: 3 B, c: at least 2 B }" + never},
		{"first", "a: A then all of { b: at least 4 A, c: B }" + never},
		{"first", "a: some A until a.count > 1000000" + never},
		{"latest", "a: A then b: at least 3 A then c: 2 to 5 A" + never},
		{"latest", "at least 2 ( b: A then c: A )" + never},
		{"each", "a: A then any b: A then any c: A" + never},
		{"each", "a: some any A then b: A" + never},
		{"each", "at least 2 any ( b: some any A then c: A )" + never},
		{"each limit 5 skip to next", "a: some A then any b: A then no B within 1000h"},
	} {
		pattern := c.pattern
		r, err := checkedRule(classTypes + "rule r { by k pattern { " + pattern + " } match " + c.policy + " alert { message \"m\" } }")
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		prog, err := Compile(r, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		best := prog.Explain(lim)
		for _, x := range []struct {
			make  makeMachine
			bound StateBound
		}{{generalMachine, prog.bound(lim.filled())}, {bestMachine, best.State}} {
			w := newWorkbench()
			m := x.make(prog, w.mem, w.syms, lim)
			es := flood(r.Routes[0].Schema, events)
			run := newRunner(w, prog, m, es)
			peak := int64(0)
			for _, e := range es {
				run.advance(e.at)
				run.event(e)
				_, size := w.mem.Live()
				peak = max(peak, size)
			}
			if peak > x.bound.Bytes {
				t.Errorf("%s, match %s: %d bytes, more than %d", pattern, c.policy, peak, x.bound.Bytes)
			}
			a := run.finish()
			if len(a.faults) > 0 {
				t.Errorf("%s, match %s: %q", pattern, c.policy, a.faults[0])
			}
			t.Logf("%-66s %-25s %6d of %7d bytes, capped %d", pattern, c.policy, peak, x.bound.Bytes, m.Counters().Capped)
		}
	}
}

// flood is a stream of equal events, a millisecond apart.
func flood(s *cep.Schema, n int) (es []*refEvent) {
	for i := range n {
		at := int64(i) * ms
		es = append(es, newRefEvent(s, i, at, map[string]refVal{
			"at": {kind: cep.KindTimestamp, i: at}, "k": refText("k"), "v": refInt(1), "s": refText("x"), "ok": refBool(true)}))
	}
	return es
}
