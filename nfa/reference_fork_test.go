package nfa

import (
	"fmt"
	"slices"
	"sort"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// refFork interprets match each. The pattern becomes an automaton whose states
// wait for an event; a run forks into one run per edge that it can use. The
// automaton (reference_build_test.go) is made so that it gives FlinkCEP's
// matches, as far as the language does not say otherwise.
type refFork struct {
	refRule
	emit func(refMatch)
	init *refState
	runs []*refForked
}

// refForked is a partial match and the state that it waits in.
type refForked struct {
	begun   *refEvent // the event it started with, nil for a run that is to start
	last    *refEvent
	binds   refBinds
	at      *refState
	tracks  []refTrack // progress in the block of a state inside one
	since   int64      // time of that block's first event
	matched bool       // the same bindings were a match already
}

func newRefFork(r *dsl.RuleIR, emit func(refMatch)) *refFork {
	b := &refBuilder{refRule: refRule{r}}
	return &refFork{refRule: refRule{r}, emit: emit, init: b.sequence(r.Pattern.Steps, &refState{kind: refFinal})}
}

func (f *refFork) quiet() bool { return len(f.runs) == 0 }

// waits returns the pending state that the run is in, or that it reaches
// without a further event, nil for none. (FlinkCEP lets a loop before a final
// absence wait for one more event; the language does not.)
func (f *refFork) waits(r *refForked) *refState {
	if r.tracks != nil {
		return nil
	}
	seen := map[*refState]bool{}
	for todo := []*refState{r.at}; len(todo) > 0; {
		s := todo[0]
		todo = todo[1:]
		if s.kind == refPending {
			return s
		}
		for _, g := range s.out {
			if g.kind == refPass && g.to.kind != refStop && !seen[g.to] {
				seen[g.to] = true
				todo = append(todo, g.to)
			}
		}
	}
	return nil
}

// deadline is when the run completes by the passing of time, or times out.
// Decision: "no X within D" counts from the run's last event even where the
// pattern's within ends earlier, as under the other policies.
func (f *refFork) deadline(r *refForked) (int64, cep.MatchKind, bool) {
	end := r.begun.at + f.Pattern.Within
	if p := f.waits(r); p != nil && !r.matched {
		if p.within > 0 {
			return r.last.at + p.within, cep.MatchComplete, true
		}
		return end, cep.MatchComplete, true
	}
	return end, cep.MatchTimeout, f.Timeout != nil && f.Pattern.Within > 0
}

func (f *refFork) advance(t int64) {
	for {
		when, found := t, false
		for _, r := range f.runs {
			if at, _, ok := f.deadline(r); ok && at < when {
				when, found = at, true
			}
		}
		if !found {
			return
		}
		var live, done, late []*refForked
		for _, r := range f.runs {
			at, kind, ok := f.deadline(r)
			switch {
			case !ok || at != when:
				live = append(live, r)
			case kind == cep.MatchTimeout:
				if !r.matched && !r.at.spent(r, when) {
					late = append(late, r)
				}
			default:
				done = append(done, r)
				if r.at.kind != refPending { // the loop before the absence goes on
					c := *r
					c.matched = true
					live = append(live, &c)
				}
			}
		}
		for _, r := range append(slices.Clone(live), late...) {
			r.matched = r.matched || slices.ContainsFunc(done, func(m *refForked) bool { return m.binds.text() == r.binds.text() })
		}
		// What has bound the same as a match, or as a run that waits to be one,
		// has not failed.
		late = slices.DeleteFunc(late, func(r *refForked) bool {
			return slices.ContainsFunc(append(slices.Clone(live), done...), func(o *refForked) bool {
				return (o.matched || f.waits(o) != nil) && o.binds.text() == r.binds.text()
			}) || r.matched
		})
		// Matches come before what times out with them, and may drop it.
		f.runs = append(live, late...)
		f.report(done, when)
		late = slices.DeleteFunc(late, func(r *refForked) bool { return !slices.Contains(f.runs, r) })
		f.runs = slices.DeleteFunc(f.runs, func(r *refForked) bool { return slices.Contains(late, r) })
		for _, r := range late {
			r.binds = r.binds.reported()
		}
		for _, r := range refDistinct(late) {
			f.emit(refMatch{kind: cep.MatchTimeout, at: when, firstAt: r.binds[0].e.at, binds: r.binds.text(), rank: rankOf(cep.MatchTimeout, r.binds)})
		}
	}
}

// event feeds one event. Every run meets it, then a new run.
func (f *refFork) event(e *refEvent) {
	f.advance(e.at)
	var live, done []*refForked
	for _, r := range append(slices.Clone(f.runs), &refForked{at: f.init}) {
		if r.begun != nil && r.at.kind != refPending && f.Pattern.Within > 0 && e.at-r.begun.at > f.Pattern.Within {
			continue
		}
		next, killed := f.step(r, e)
		for _, c := range next {
			switch {
			case c.at.kind == refFinal:
				done = append(done, c)
			case !killed && !(c.at.kind == refPending && c.matched):
				live = append(live, c)
			}
		}
	}
	for _, r := range live {
		for _, m := range done {
			r.matched = r.matched || r.binds.text() == m.binds.text()
		}
	}
	if f.cancels(e) {
		live = nil
	}
	f.runs = live
	f.report(done, e.at)
}

// step returns what becomes of a run with e: a run per edge. killed says that
// an absence was violated: only matches are left.
func (f *refFork) step(r *refForked, e *refEvent) (next []*refForked, killed bool) {
	if r.tracks != nil {
		if r.at.spent(r, e.at) {
			return nil, false
		}
		p := f.advanceBlock(r.at.block, r.tracks, r.binds, e)
		if p == nil {
			return []*refForked{r}, false
		}
		return f.inBlock(r, r.at, p, e, r.at.onward), false
	}
	for _, g := range f.edges(r, e) {
		switch {
		case g.kind == refSkip:
			if r.begun != nil { // a run that has bound nothing is made anew for every event
				c := *r
				c.at = g.to
				next = append(next, &c)
			}
		case g.to.kind == refStop:
			killed = true
		case g.from.block != nil:
			p := f.advanceBlock(g.from.block, newRefTracks(g.from.block), r.binds, e)
			c := *r
			c.since = e.at
			next = append(next, f.inBlock(&c, g.from, p, e, g.to)...)
		default:
			c := r.bound(e, r.binds.with(refBind{binding: g.from.step.Binding, e: e, track: -1, head: g.from.head}))
			next = append(next, f.arrive(r, c, g.to, e)...)
		}
	}
	return next, killed
}

// inBlock gives a run its progress in the block, and lets it go on from there
// once the block is complete.
func (f *refFork) inBlock(r *refForked, at *refState, p *refProgress, e *refEvent, onward *refState) []*refForked {
	c := r.bound(e, p.binds)
	if p.done {
		return f.arrive(r, c, onward, e)
	}
	c.tracks = p.tracks
	c.at = &refState{block: at.block, onward: onward, kind: refInside}
	return []*refForked{c}
}

func (r *refForked) bound(e *refEvent, b refBinds) *refForked {
	c := *r
	c.tracks, c.matched = nil, false
	if c.begun == nil {
		c.begun = e
	}
	c.last, c.binds = e, b
	return &c
}

// arrive puts a run that has taken e into a state, and into the final one if
// pass edges alone lead there. Those are judged as of the run before e.
func (f *refFork) arrive(before, c *refForked, to *refState, e *refEvent) []*refForked {
	c.at = to
	next := []*refForked{c}
	if fin := f.passToFinal(before, to, e); fin != nil {
		m := *c
		m.at = fin
		next = append(next, &m)
	}
	return next
}

// rank orders what completes together: earliest start first, then the longest.
func (r *refForked) rank() string { return rankOf(cep.MatchComplete, r.binds) }

// rankOf is a match's rank. What times out together comes by start only.
func rankOf(kind cep.MatchKind, b refBinds) string {
	if kind == cep.MatchTimeout {
		return fmt.Sprintf("%06d", b[0].e.seq)
	}
	return fmt.Sprintf("%06d %06d", b[0].e.seq, 999_999-len(b))
}

// refDistinct sorts runs by rank and drops those that bind the same events to
// the same steps as another.
func refDistinct(runs []*refForked) (out []*refForked) {
	runs = slices.Clone(runs)
	sort.SliceStable(runs, func(i, j int) bool {
		if a, b := runs[i].rank(), runs[j].rank(); a != b {
			return a < b
		}
		return runs[i].binds.text() < runs[j].binds.text()
	})
	for i, r := range runs {
		if i == 0 || r.rank() != out[len(out)-1].rank() || r.binds.text() != out[len(out)-1].binds.text() {
			out = append(out, r)
		}
	}
	return out
}

// report emits what completed together. Each match prunes by the skip clause
// the others that are left and the open runs. With a limit the matches that
// remain carry truncated if some were left out.
func (f *refFork) report(done []*refForked, at int64) {
	done = slices.DeleteFunc(refDistinct(done), func(r *refForked) bool {
		x := &refEval{r: f.refRule, b: r.binds, end: at}
		return f.Pattern.Where != nil && (x.eval(f.Pattern.Where).i == 0 || x.failed)
	})
	var out []*refForked
	for len(done) > 0 {
		m := done[0]
		out, done = append(out, m), done[1:]
		drop := func(r *refForked) bool { return f.skips(m, r) }
		if f.Limit == 0 || len(out) <= f.Limit {
			done, f.runs = slices.DeleteFunc(done, drop), slices.DeleteFunc(f.runs, drop)
		}
	}
	n := len(out)
	if f.Limit > 0 {
		n = min(n, f.Limit)
	}
	for _, m := range out[:n] {
		f.emit(refMatch{kind: cep.MatchComplete, at: at, firstAt: m.binds[0].e.at, truncated: n < len(out), binds: m.binds.text(), rank: m.rank()})
	}
}

// skips says whether the reported match drops run r.
func (f *refFork) skips(m, r *refForked) bool {
	es := m.binds.of(f.SkipStep)
	switch f.Skip {
	case dsl.SkipNext:
		return r.begun.seq == m.begun.seq
	case dsl.SkipPast:
		return r.begun.seq <= m.last.seq
	case dsl.SkipToFirst:
		return len(es) > 0 && r.begun.seq < es[0].seq
	case dsl.SkipToLast:
		return len(es) > 0 && r.begun.seq < es[len(es)-1].seq
	}
	return false
}

type refUsable struct {
	refEdge
	from *refState
}

// edges returns the take and skip edges of the run's state and of all states
// that pass edges lead to.
func (f *refFork) edges(r *refForked, e *refEvent) (out []refUsable) {
	for todo := []*refState{r.at}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, g := range s.out {
			if g.when != nil && !g.when(e, r) {
				continue
			}
			if g.kind == refPass {
				todo = append(todo, g.to)
			} else {
				out = append(out, refUsable{g, s})
			}
		}
	}
	return out
}

// passToFinal returns the final state if pass edges alone lead there from s.
func (f *refFork) passToFinal(r *refForked, s *refState, e *refEvent) *refState {
	seen := map[*refState]bool{}
	for todo := []*refState{s}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, g := range s.out {
			if g.kind != refPass || g.when != nil && !g.when(e, r) || seen[g.to] {
				continue
			}
			if g.to.kind == refFinal {
				return g.to
			}
			seen[g.to] = true
			todo = append(todo, g.to)
		}
	}
	return nil
}
