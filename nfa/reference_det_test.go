package nfa

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// refDet interprets match first and match latest. Per event, in this order:
// deadlines strictly before it, expiry, every run once, a new run, cancel,
// policy.
type refDet struct {
	refRule
	emit func(refMatch)
	runs []*refRun
}

// refRun is a partial match. A run is copied when it changes.
type refRun struct {
	begun  *refEvent // the event it started with
	last   *refEvent // the last event it bound
	binds  refBinds
	place  refPlace
	n      int   // events bound in this stay at the place
	since  int64 // time of the first event of the stay, or of the block
	closed bool  // its until has held
	tracks []refTrack
	open   bool // in a block that is not complete
}

func newRefDet(r *dsl.RuleIR, emit func(refMatch)) *refDet {
	return &refDet{refRule: refRule{r}, emit: emit}
}

func (d *refDet) quiet() bool { return len(d.runs) == 0 }

func (d *refDet) advance(t int64) {
	for {
		var best *refRun
		var when int64
		for _, r := range d.runs {
			if at, ok := d.deadline(r); ok && at < t && (best == nil || at < when || at == when && r.begun.seq < best.begun.seq) {
				best, when = r, at
			}
		}
		if best == nil {
			return
		}
		d.runs = slices.DeleteFunc(d.runs, func(r *refRun) bool { return r == best })
		switch {
		case d.waits(best):
			d.report([]*refRun{best}, when, cep.MatchComplete)
		case !d.stale(best, when):
			d.report([]*refRun{best}, when, cep.MatchTimeout)
		}
	}
}

func (d *refDet) event(e *refEvent) {
	d.advance(e.at)
	var live, done []*refRun
	keep := func(r *refRun) {
		switch {
		case r == nil:
		case d.complete(r) && !d.AtEnd:
			done = append(done, r)
		default:
			live = append(live, r)
		}
	}
	for _, r := range d.runs {
		if d.waits(r) || !d.beyond(r, e) {
			keep(d.step(r, e))
		}
	}
	keep(d.start(e))
	d.runs = live
	if d.cancels(e) {
		d.runs = nil
		if d.AtEnd {
			d.close(live, e.at)
		}
	}
	if d.Policy == dsl.MatchLatest {
		d.overwrite()
	}
	if len(done) > 0 {
		d.report(done, e.at, cep.MatchComplete)
	}
}

// close reports, by start, what "emit at end" holds back when cancel ends it.
func (d *refDet) close(runs []*refRun, at int64) {
	var done []*refRun
	for _, r := range runs {
		if d.settled(r, at) {
			done = append(done, r)
		}
	}
	for d.Policy == dsl.MatchLatest && len(done) > 1 { // each goes on its own
		d.report(done[:1], at, cep.MatchComplete)
		done = done[1:]
	}
	d.report(done, at, cep.MatchComplete)
}

// report ends the runs whose pattern where is false, reports among the others
// and applies the policy to all runs. Decision: under match first a run that
// completes with the same event but started after the match's last bound event
// (by "until before", or when cancel ends what waits) is reported too.
func (d *refDet) report(done []*refRun, at int64, kind cep.MatchKind) {
	if kind == cep.MatchComplete {
		done = slices.DeleteFunc(slices.Clone(done), func(r *refRun) bool {
			x := &refEval{r: d.refRule, b: r.binds, end: at}
			return d.Pattern.Where != nil && (x.eval(d.Pattern.Where).i == 0 || x.failed)
		})
	}
	slices.SortFunc(done, func(a, b *refRun) int { return a.begun.seq - b.begun.seq })
	for len(done) > 0 {
		m := done[0]
		over := func(r *refRun) bool { return r.begun.seq <= m.last.seq }
		if d.Policy == dsl.MatchLatest {
			m = done[len(done)-1]
			done = nil
		} else {
			done, d.runs = slices.DeleteFunc(done, over), slices.DeleteFunc(d.runs, over)
		}
		b := m.binds.reported()
		d.emit(refMatch{kind: kind, at: at, firstAt: b[0].e.at, binds: b.text()})
	}
}

// overwrite keeps the newest start per place.
func (d *refDet) overwrite() {
	at := map[string]*refRun{}
	for _, r := range d.runs {
		k := r.spot()
		if o := at[k]; o == nil || r.begun.seq > o.begun.seq {
			at[k] = r
		}
	}
	d.runs = slices.DeleteFunc(d.runs, func(r *refRun) bool { return at[r.spot()] != r })
}

// spot names where a run stands: step and count, counts from the minimum of an
// unlimited step on being one; for a group its rounds in the same way, for an
// open block how far each of its sequences is.
func (r *refRun) spot() string {
	var b strings.Builder
	count := func(s *dsl.StepIR, n int) int {
		if s.Hi == 0 {
			return min(n, s.Lo)
		}
		return n
	}
	for i, f := range r.place {
		fmt.Fprintf(&b, "%d", f.i)
		if i+1 < len(r.place) {
			fmt.Fprintf(&b, "*%d.", count(f.seq[f.i], r.place[i+1].round))
		}
	}
	fmt.Fprintf(&b, " %p n%d %v %v", r.place.step(), count(r.place.step(), r.n), r.closed, r.open)
	for k, t := range r.tracks {
		if t.step >= 0 && (r.open || r.place.step().Kind == dsl.StepAllOf) {
			fmt.Fprintf(&b, " %d:%d %d", k, t.step, count(r.place.step().Sub[k][t.step], t.n))
		}
	}
	return b.String()
}

// start begins a run in the first mandatory step, or in an optional one before
// it, by the rule of choose. No absence is armed yet.
func (d *refDet) start(e *refEvent) *refRun {
	w := d.choose(&refRun{}, refStart(d.Pattern.Steps).ways, e, false)
	if w == nil {
		return nil
	}
	return d.take(&refRun{begun: e}, w, e)
}

// beyond: the event lies outside the pattern's within.
func (d *refDet) beyond(r *refRun, e *refEvent) bool {
	return d.Pattern.Within > 0 && e.at-r.begun.at > d.Pattern.Within
}

// ready says whether the current step has what it needs.
func (d *refDet) ready(r *refRun) bool {
	s := r.place.step()
	if s.Kind != dsl.StepEvent {
		return !r.open
	}
	return r.n >= s.Lo && (s.Until == nil || r.closed)
}

// late: the step takes no more events at this time, by its own span or gap, or
// by the span of the block that it ended.
func (d *refDet) late(r *refRun, at int64) bool {
	s := r.place.step()
	if s.Kind == dsl.StepEvent && s.Gap > 0 && at-r.last.at > s.Gap {
		return true
	}
	if b := r.place.block(); b != nil {
		s = b
	}
	return s.Within > 0 && (s.Kind != dsl.StepEvent || repeats(s)) && at-r.since > s.Within
}

// stale: the step is not complete (it lacks its minimum, or its until has not
// held) and its time is over. Decision: such a run is dead from then on, so it
// does not time out either.
func (d *refDet) stale(r *refRun, at int64) bool {
	return !d.ready(r) && d.late(r, at)
}

// step returns the run after e, nil if it died.
func (d *refDet) step(r *refRun, e *refEvent) *refRun {
	if d.stale(r, e.at) {
		return nil
	}
	if r.open {
		if c := d.inBlock(r, e); c != nil {
			return c
		}
		return r
	}
	s := r.place.step()
	event := s.Kind == dsl.StepEvent
	// Decision: a run that waits for a deadline beyond the pattern's within
	// binds nothing more, but absences still see events.
	beyond := d.beyond(r, e)
	closing := event && s.Before && !r.closed && r.n >= s.Lo && !beyond && d.fits(s.Route, s.Until, e, r.binds)
	if closing {
		// The step is complete before e, so e may be taken by the next one, and
		// the absences behind the step are armed. Decision: the condition is
		// judged for every event of the step's type and route, whether or not it
		// fits the step's where, as FlinkCEP does.
		c := *r
		c.closed, r = true, &c
	}
	next := r.place.next()
	adjacent := e.seq == r.last.seq+1
	inTime := !d.late(r, e.at) && !beyond
	fits := event && !r.closed && inTime && d.fits(s.Route, s.Where, e, r.binds)
	room := event && (s.Hi == 0 || r.n < s.Hi)
	absorb := fits && room && (s.Inner != dsl.Strict || adjacent)
	ready := d.ready(r)
	if absorb && s.Greedy {
		return d.absorb(r, e)
	}
	if ready {
		if w := d.choose(r, next.ways, e, false); w != nil && !beyond {
			return d.take(r, w, e)
		}
		for _, no := range next.nos {
			if (!no.Strict || adjacent) && (no.Within == 0 || e.at-r.last.at <= no.Within) && d.absent(no, e, r.binds) {
				return nil
			}
		}
		if w := d.choose(r, next.ways, e, true); w != nil && !beyond {
			return d.take(r, w, e)
		}
	}
	if absorb {
		return d.absorb(r, e)
	}
	if s.Kind == dsl.StepAllOf && inTime { // complete, but a member may have room
		if c := d.inBlock(r, e); c != nil {
			return c
		}
	}
	if fits && s.Exactly && r.n == s.Lo {
		return nil
	}
	for _, w := range next.over {
		if ready && !beyond && d.begins(w.to.step(), e, r.binds) {
			return nil
		}
	}
	if closing || d.survives(r, next, room && inTime, ready) {
		return r
	}
	return nil
}

// survives: e was not taken. A run dies if all that could take it on is strict.
func (d *refDet) survives(r *refRun, next refNext, room, ready bool) bool {
	s := r.place.step()
	strict := s.Kind == dsl.StepEvent && repeats(s) && s.Inner == dsl.Strict
	relaxed := room && !r.closed && !strict
	for _, w := range append(slices.Clone(next.ways), next.over...) {
		strict = strict || w.arrow == dsl.Strict
	}
	for _, w := range next.ways {
		relaxed = relaxed || ready && w.arrow != dsl.Strict
	}
	return !strict || relaxed || d.waits(r)
}

// choose returns the way that takes e, or nil. An event that fits several
// steps goes to the furthest, unless a nearer one is greedy. Decision: another
// round of a group that has its minimum is an absorption, as another event of a
// step is: absences come before it, unless the group is greedy.
func (d *refDet) choose(r *refRun, ways []refWay, e *refEvent, absorb bool) (pick *refWay) {
	for i := range ways {
		w := &ways[i]
		if absorb != (w.more && !w.greedy) {
			continue
		}
		s := w.to.step()
		if r.last != nil {
			if w.arrow == dsl.Strict && e.seq != r.last.seq+1 {
				continue
			}
			if s.Kind == dsl.StepEvent && !repeats(s) && s.Within > 0 && e.at-r.last.at > s.Within {
				continue
			}
		}
		if d.begins(s, e, r.binds) {
			pick = w
			if w.greedy {
				break
			}
		}
	}
	return pick
}

// take moves the run to the way's step, which binds e.
func (d *refDet) take(r *refRun, w *refWay, e *refEvent) *refRun {
	c := *r
	c.place, c.n, c.since, c.closed = w.to, 0, e.at, false
	if s := w.to.step(); s.Kind != dsl.StepEvent {
		c.open, c.tracks = true, newRefTracks(s)
		return d.inBlock(&c, e)
	}
	return d.absorb(&c, e)
}

// absorb binds e to the current step.
func (d *refDet) absorb(r *refRun, e *refEvent) *refRun {
	c := *r
	s := c.place.step()
	c.n++
	c.last = e
	c.binds = c.binds.with(refBind{binding: s.Binding, e: e, track: -1, head: c.n == 1})
	if s.Until != nil && !s.Before && c.n >= s.Lo {
		c.closed = d.holds(s.Until, e, c.binds)
	}
	return &c
}

// complete: nothing more is needed and no time has to pass.
func (d *refDet) complete(r *refRun) bool {
	next := r.place.next()
	return next.end && d.ready(r) && len(next.closing) == 0 && !next.exactly
}

// settled: complete but for "emit at end".
func (d *refDet) settled(r *refRun, at int64) bool {
	next := r.place.next()
	for _, no := range next.closing {
		if d.absentUntil(r, no) >= at {
			return false
		}
	}
	return next.end && d.ready(r) && !next.exactly
}

// absentUntil is when it is certain that a closing absence holds.
func (d *refDet) absentUntil(r *refRun, no *dsl.Absence) int64 {
	if no.Within > 0 {
		return r.last.at + no.Within
	}
	return r.begun.at + d.Pattern.Within
}

// waits: nothing more is needed, but time has to pass.
func (d *refDet) waits(r *refRun) bool {
	next := r.place.next()
	return next.end && d.ready(r) && (d.AtEnd || len(next.closing) > 0 || next.exactly)
}

// deadline is when a waiting run is complete, or any run times out. A closing
// "no X within D" counts from the run's last event; "no X", "exactly n" and "emit
// at end" wait for the end of the pattern's within.
// Decision: of several absences that close a pattern all must be over.
func (d *refDet) deadline(r *refRun) (int64, bool) {
	end := r.begun.at + d.Pattern.Within
	if !d.waits(r) {
		return end, d.Timeout != nil && d.Pattern.Within > 0
	}
	next := r.place.next()
	at := int64(-1 << 62)
	if len(next.closing) == 0 || d.AtEnd {
		at = end
	}
	for _, no := range next.closing {
		at = max(at, d.absentUntil(r, no))
	}
	return at, true
}
