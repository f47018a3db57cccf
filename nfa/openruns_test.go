package nfa

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-cep/weir/internal/slab"
)

// openTexts are the open runs of a state that can still complete at a time.
func openTexts(m Machine, s slab.Handle, at int64) (list []string) {
	runs, all := m.(Lister).OpenRuns(s, 1<<20, 1<<20)
	if all != len(runs) {
		return []string{fmt.Sprintf("%d of %d runs", len(runs), all)}
	}
	for _, r := range runs {
		if r.Expires < at {
			continue
		}
		text := fmt.Sprintf("%d to %d:", r.FirstAt, r.LastAt)
		for _, e := range r.Events {
			text += fmt.Sprintf(" %d=%d", e.Binding, e.Ref.Position())
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// TestOpenRuns: after every event the fast machine tells of the runs that the
// general machine has; where steps have times of their own, not of those that
// it knows to be stuck, which the general one may still keep.
func TestOpenRuns(t *testing.T) {
	b := newWorkbench()
	programs, events, open := 0, 0, 0
	for seed := uint64(1); programs < *pairsFlag/20; seed++ {
		d := newDrawer(profiles[0], seed)
		rule := d.rule()
		prog, err := Compile(rule, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if make, _ := fast(prog); make == nil {
			continue
		}
		programs++
		es := longStream(d, 40)
		general := newRunner(b, prog, generalMachine(prog, b.mem, b.syms, wideOpen), es)
		best := newRunner(b, prog, bestMachine(prog, b.mem, b.syms, wideOpen), es)
		for _, e := range es {
			for _, r := range []*runner{general, best} {
				r.advance(e.at)
				r.event(e)
			}
			want, got := openTexts(general.m, general.state, e.at), openTexts(best.m, best.state, e.at)
			if timed(prog) {
				want = slices.DeleteFunc(want, func(r string) bool { return !slices.Contains(got, r) })
			}
			if !slices.Equal(want, got) {
				t.Fatalf("seed %d, behind event %d at %d: general %q, fast %q\n%s", seed, e.seq, e.at, want, got, ruleText(rule))
			}
			events++
			open += len(want)
		}
		general.m.Drop(general.state)
		best.m.Drop(best.state)
	}
	t.Logf("%d programs, %d events, %d open runs alike", programs, events, open)
}

// timed says whether a step has a time of its own.
func timed(p *Prog) bool {
	c, _ := classify(p)
	for i := range c.steps {
		if c.steps[i].span > 0 || c.steps[i].gap > 0 || c.steps[i].soleWithin() > 0 {
			return true
		}
	}
	return false
}

// A long run is told by its first and its newest events, and how many there are
// between.
func TestOpenRunClipped(t *testing.T) {
	for n := range 6 {
		var list []BoundEvent
		for i := range n {
			list = append(list, BoundEvent{At: int64(i)})
		}
		got, more := clip(list, 3)
		if len(got)+more != n || len(got) > 3 || n > 0 && (got[0].At != 0 || got[len(got)-1].At != int64(n-1)) {
			t.Errorf("%d events became %v and %d", n, got, more)
		}
	}
}
