package nfa

import (
	"cmp"
	"math"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// settled says that the run is complete but for the end of "emit at end".
func (m *determined) settled(r run) bool {
	st := &m.Steps[r.step()]
	for _, n := range st.End.Nos {
		if m.absentUntil(r, n) >= m.at {
			return false
		}
	}
	return m.ends(r, st) && !st.End.Exactly
}

// absentUntil is when it is certain that a closing absence holds.
func (m *determined) absentUntil(r run, no int) int64 {
	if d := m.Nos[no].Within; d > 0 {
		return r.last() + d
	}
	return r.start() + m.within
}

// ends says that only optional steps follow and the run's step is ready.
func (m *determined) ends(r run, st *Step) bool {
	return st.End.OK && m.ready(r, st) && m.crosses(r, st.End.Ops)
}

// complete: the run is a match as soon as it has taken its event.
func (m *determined) complete(r run, st *Step) bool {
	return !m.atEnd && len(st.End.Nos) == 0 && !st.End.Exactly && m.ends(r, st)
}

// waiting: the run only waits for time to pass.
func (m *determined) waiting(r run, st *Step) bool {
	return (m.atEnd || len(st.End.Nos) > 0 || st.End.Exactly) && m.ends(r, st)
}

// due is the deadline of a waiting run. A closing "no X within D" counts from
// the last bound event, even beyond the pattern's within; of several all must
// be over. A closing "exactly n" waits for the end of the pattern's within.
func (m *determined) due(r run, st *Step) int64 {
	d := int64(math.MinInt64)
	if m.atEnd || len(st.End.Nos) == 0 {
		d = r.start() + m.within
	}
	for _, n := range st.End.Nos {
		d = max(d, m.absentUntil(r, n))
	}
	return d
}

// horizon looks ahead: the run's deadline and what it will be then, and the
// time after which the run can't matter any more.
func (m *determined) horizon(r run) (deadline int64, kind cep.MatchKind, end int64) {
	st := &m.Steps[r.step()]
	if m.waiting(r, st) {
		d := m.due(r, st)
		return d, cep.MatchComplete, d
	}
	end = never
	if m.within > 0 {
		end = r.start() + m.within
	}
	doom := m.doom(r, st)
	if m.timeout {
		if doom < end {
			return never, cep.MatchTimeout, doom
		}
		return end, cep.MatchTimeout, end
	}
	return never, cep.MatchComplete, min(end, doom, m.stuck(r, st))
}

// doom is when a run dies of its step's span because it lacks what it needs.
func (m *determined) doom(r run, st *Step) int64 {
	if m.ready(r, st) {
		return never
	}
	if st.Kind != TakeStep {
		return m.blockEnd(r, st)
	}
	end := never
	if st.Within > 0 {
		end = r.entry() + st.Within
	}
	if st.Gap > 0 {
		end = min(end, r.last()+st.Gap)
	}
	return end
}

// stuck is when the last way of a run that can only go on is over.
func (m *determined) stuck(r run, st *Step) int64 {
	if st.Kind != TakeStep || !m.ready(r, st) || !r.is(flagClosed) && (st.Hi == 0 || r.n() < st.Hi) {
		return never
	}
	end := int64(0)
	for _, w := range m.span(st.Ways) {
		if w.Within == 0 {
			return never
		}
		end = max(end, r.last()+w.Within)
	}
	return end
}

// choose reports among the runs that complete now. match first: the earliest
// start, and what it overlaps is dropped. match latest: the latest start, the
// others are used up. A run for which the pattern's where is false just ends.
// Runs that "cancel" ends under "emit at end" are reported by start.
func (m *determined) choose(s slab.Handle) {
	byStart := func(a, b finished) int { return cmp.Compare(a.startSeq, b.startSeq) }
	slices.SortStableFunc(m.done, byStart)
	if m.latest && !m.atEnd {
		slices.Reverse(m.done)
	}
	var over uint64 // starts before it are dropped
	for _, d := range m.done {
		if d.startSeq >= over && m.passes(d.head, d.start, m.at) {
			if m.tracer != nil {
				m.tracer.Completed(m.tracedChain(d.head, d.step), m.at, cep.MatchComplete)
			}
			m.core.report(d.head, cep.MatchComplete, m.at, false)
			switch {
			case !m.latest:
				over = d.lastSeq + 1
				m.prune(s, d.lastSeq)
			case !m.atEnd:
				over = math.MaxUint64
			}
		} else if m.tracer != nil {
			why := Overlapped
			if d.startSeq >= over {
				why = WhereFalse
			}
			m.tracer.Killed(m.tracedChain(d.head, d.step), why, 0)
		}
		m.chains.release(d.head)
	}
	m.done = m.done[:0]
}

// evict makes room for a new run: the oldest start of the step that holds most
// goes, never a step's newest.
func (m *determined) evict(s slab.Handle) bool {
	if m.perStep == nil {
		m.perStep = make([]int32, len(m.Steps))
	}
	clear(m.perStep)
	w := m.mem.Words(s)
	n := int(w[hdrRuns])
	fullest := 0
	for i := range n {
		step := m.runAt(w, i).step()
		m.perStep[step]++
		if m.perStep[step] > m.perStep[fullest] {
			fullest = step
		}
	}
	if m.perStep[fullest] < 2 {
		return false
	}
	oldest := -1
	for i := range n {
		if r := m.runAt(w, i); r.step() == fullest && (oldest < 0 || r.startSeq() < m.runAt(w, oldest).startSeq()) {
			oldest = i
		}
	}
	if m.tracer != nil {
		m.tracer.Killed(m.traced(m.runAt(w, oldest)), OverBudget, 0)
	}
	m.remove(w, oldest)
	m.totals.Capped++
	return true
}

// overwrite keeps, for match latest, the latest start of each place: (step,
// count, progress in groups and blocks), where counts above the minimum of a
// step without upper limit are one.
func (m *determined) overwrite(s slab.Handle) {
	w := m.mem.Words(s)
	n := int(w[hdrRuns])
	if n < 2 {
		return
	}
	size := 4
	for size < 2*n {
		size *= 2
	}
	if len(m.places) < size {
		m.places = make([]int32, size)
	}
	table := m.places[:size]
	clear(table)
	kept := 0
	for i := range n {
		r := m.runAt(w, i)
		h := m.placeHash(r) & uint64(size-1)
		for table[h] != 0 && !m.samePlace(m.runAt(w, int(table[h]-1)), r) {
			h = (h + 1) & uint64(size-1)
		}
		if table[h] == 0 {
			if kept != i {
				copy(m.runAt(w, kept), r)
			}
			kept++
			table[h] = int32(kept)
			continue
		}
		old := m.runAt(w, int(table[h]-1))
		loser := r
		if r.startSeq() > old.startSeq() {
			loser = old
		}
		if m.tracer != nil {
			m.tracer.Killed(m.traced(loser), Overwritten, 0)
		}
		m.release(loser)
		if r.startSeq() > old.startSeq() {
			copy(old, r)
		}
	}
	w[hdrRuns] = uint64(kept)
}

// place is where a run stands for match latest. A run whose "one of" is complete
// stands on the last step of the alternative that won.
type place struct {
	step, count int
	over        bool // until has held, or the block is complete
}

func (m *determined) placeOf(r run) place {
	st := &m.Steps[r.step()]
	if st.Kind != TakeStep {
		return place{r.step(), 0, r.is(flagDone)}
	}
	return place{r.step(), m.placeCount(r.n(), st), r.is(flagClosed)}
}

func (m *determined) placeCount(n int, st *Step) int {
	if st.Hi == 0 {
		return min(n, st.Lo)
	}
	return n
}

func (m *determined) placeHash(r run) uint64 {
	const k = 0x9e3779b97f4a7c15
	p := m.placeOf(r)
	h := (uint64(p.step)<<32 | uint64(p.count)) * k
	for g := range m.Groups {
		h = (h ^ uint64(r.rounds(g))) * k
	}
	return h ^ h>>32
}

func (m *determined) samePlace(a, b run) bool {
	p := m.placeOf(a)
	if p != m.placeOf(b) {
		return false
	}
	for g := range m.Groups {
		if a.rounds(g) != b.rounds(g) {
			return false
		}
	}
	st := &m.Steps[p.step]
	for k := range st.Tracks.len() {
		x, y := m.track(a, k), m.track(b, k)
		if x[1] != y[1] {
			return false
		}
		if x.at() < 0 {
			continue
		}
		in := &m.Steps[m.Tracks[st.Tracks.from+k].Steps.from+x.at()]
		if m.placeCount(x.n(), in) != m.placeCount(y.n(), in) {
			return false
		}
	}
	return true
}
