package nfa

import (
	"cmp"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// report emits what completes now: earliest start first, then the longest, each
// set of bindings once. Each match prunes by the skip clause what is left. With
// a limit only so many are reported, and they carry truncated if more are left.
func (m *forking) report(at int64) {
	if len(m.done) == 0 {
		return
	}
	m.distinct()
	reported, truncated := 0, false
	for i := range m.done {
		d := &m.done[i]
		switch {
		case d.dropped:
			continue
		case !m.passes(d.head, d.start, at):
			d.dropped = true
			m.failed(d.head, WhereFalse)
			continue
		}
		if m.Rule.Limit > 0 && reported == m.Rule.Limit {
			truncated = true
			m.leaveOut(i)
			break
		}
		reported++
		m.skip(d, i)
	}
	for i := range m.done {
		d := &m.done[i]
		if !d.dropped {
			m.finished(d.head, at, cep.MatchComplete)
			m.core.report(d.head, cep.MatchComplete, at, truncated)
		}
		m.chains.release(d.head)
	}
	m.done = m.done[:0]
}

// leaveOut drops the matches from the i-th on.
func (m *forking) leaveOut(i int) {
	for j := i; j < len(m.done); j++ {
		if d := &m.done[j]; !d.dropped {
			d.dropped = true
			m.failed(d.head, LeftOut)
		}
	}
}

// reportTimeouts emits the runs whose time ran out, each once.
func (m *forking) reportTimeouts(at int64) {
	m.distinct()
	for i := range m.done {
		d := &m.done[i]
		if !d.dropped {
			m.finished(d.head, at, cep.MatchTimeout)
			m.core.report(d.head, cep.MatchTimeout, at, false)
		}
		m.chains.release(d.head)
	}
	m.done = m.done[:0]
}

// distinct orders m.done by start, then the longest, then by the events and the
// steps that took them, and drops what binds the same as another.
func (m *forking) distinct() {
	if len(m.done) < 2 {
		return
	}
	for i := range m.done {
		d := &m.done[i]
		d.hash, d.firstSeq = m.hash(d.head), d.startSeq
		if len(m.Tracks) > 0 { // the event that it began with may be one that a block has let go
			d.firstSeq = m.seqOf(m.chains.record(m.oldest(d.head)))
		}
	}
	slices.SortFunc(m.done, func(a, b forked) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), rank(&a, &b), a.order-b.order)
	})
	for i := 1; i < len(m.done); i++ {
		for j := i - 1; j >= 0 && m.done[j].hash == m.done[i].hash; j-- {
			if !m.done[j].dropped && m.same(m.done[j].head, m.done[i].head) {
				m.done[i].dropped = true
				break
			}
		}
	}
	slices.SortFunc(m.done, func(a, b forked) int { return cmp.Or(rank(&a, &b), m.compare(a.head, b.head), a.order-b.order) })
}

func rank(a, b *forked) int { return cmp.Or(cmp.Compare(a.firstSeq, b.firstSeq), b.len-a.len) }

// skip prunes, by the rule's skip clause, the matches behind the i-th and the
// open runs.
func (m *forking) skip(d *forked, i int) {
	lo, hi := uint64(0), uint64(0) // starts in [lo, hi) go
	switch m.Rule.Skip {
	case dsl.SkipNone:
		return
	case dsl.SkipNext:
		lo, hi = d.startSeq, d.startSeq+1
	case dsl.SkipPast:
		hi = d.lastSeq + 1
	default:
		for h := m.find(d.head, m.Rule.SkipStep); h != 0; h = m.find(m.prev(h), m.Rule.SkipStep) {
			hi = m.seqOf(m.chains.record(h))
			if m.Rule.Skip == dsl.SkipToLast {
				break
			}
		}
	}
	for j := i + 1; j < len(m.done); j++ {
		if o := &m.done[j]; !o.dropped && o.startSeq >= lo && o.startSeq < hi {
			o.dropped = true
			m.failed(o.head, Overlapped)
		}
	}
	kept := 0
	for j := range m.n {
		r := m.runIn(j)
		if s := r.startSeq(); s >= lo && s < hi {
			m.fall(r, fate{why: Overlapped})
			m.release(r)
			continue
		}
		copy(m.runIn(kept), r)
		kept++
	}
	m.n = kept
}

// markMatched marks the open runs whose bindings are a match now, so that they
// neither match once more nor time out.
func (m *forking) markMatched() {
	if !m.timeout && !m.Fork.closes {
		return
	}
	for i := range m.done {
		d := &m.done[i]
		for j := range m.n {
			r := m.runIn(j)
			if r.lastSeq() == d.lastSeq && m.same(m.chainOf(r), d.head) {
				r.set(flagMatched)
			}
		}
	}
}

// evict brings the runs down to the budget: the oldest starts of the states
// that hold most go, until no state holds more than the others need to give up;
// a state's newest run stays.
func (m *forking) evict() {
	if m.n <= m.lim.Starts {
		return
	}
	if m.perStep == nil {
		m.perStep = make([]int32, len(m.Fork.States))
	}
	clear(m.perStep)
	for i := range m.n {
		m.perStep[m.runIn(i).step()]++
	}
	level := m.level()
	rest := m.lim.Starts
	for _, c := range m.perStep {
		rest -= min(int(c), level)
	}
	for i, c := range m.perStep { // from here on: how many go
		switch {
		case int(c) <= level:
			m.perStep[i] = 0
		case rest > 0:
			m.perStep[i] = c - int32(level) - 1
			rest--
		default:
			m.perStep[i] = c - int32(level)
		}
	}
	kept := 0
	for i := range m.n {
		r := m.runIn(i)
		if m.perStep[r.step()] > 0 {
			m.perStep[r.step()]--
			m.totals.Capped++
			m.fall(r, fate{why: OverBudget})
			m.release(r)
			continue
		}
		copy(m.runIn(kept), r)
		kept++
	}
	m.n = kept
}

// level is the largest number of runs, at least 1, that every state may hold.
func (m *forking) level() int {
	lo, hi := 1, m.lim.Starts
	for lo < hi {
		mid := (lo + hi + 1) / 2
		sum := 0
		for _, c := range m.perStep {
			sum += min(int(c), mid)
		}
		if sum <= m.lim.Starts {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}
