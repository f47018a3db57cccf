package nfa

import (
	"math"

	"github.com/weir-cep/weir/internal/slab"
)

// A block is one step of its run. Its alternatives or members advance side by
// side, each a track. Every alternative of "one of" has a chain of its own that
// branches off where the block begins: the winner's becomes the run's, the
// others' are dropped. The members of "all of" bind to the run's chain.

// enterBlock sets the tracks to their beginning.
func (m *core) enterBlock(r run, st *Step) {
	r.setN(0)
	before := m.at
	if r.len() > 0 {
		before = r.last()
	}
	for k := range st.Tracks.len() {
		t := m.track(r, k)
		clear(t)
		t[3] = uint64(before)
		if st.Kind == OneStep {
			m.retain(r.head())
			t.setHead(r.head())
		}
	}
}

// inBlock lets a run whose block is not complete meet the event.
func (m *determined) inBlock(r run, st *Step) outcome {
	if st.Kind == AllStep {
		return m.allOf(r, st)
	}
	return m.oneOf(r, st)
}

func (m *determined) allOf(r run, st *Step) outcome {
	if m.blockEnd(r, st) < m.at {
		return m.die(r, OutOfSpan, 0)
	}
	if m.member(r, st) < 0 {
		return ignored
	}
	for k := range st.Tracks.len() {
		if !m.through(st, k, m.track(r, k)) {
			return moved
		}
	}
	r.set(flagDone)
	return m.after(r)
}

// member gives the event to the first written member that can take it, -1 if
// none can.
func (m *core) member(r run, st *Step) int {
	for k := range st.Tracks.len() {
		t := m.track(r, k)
		if b := m.trackTakes(r, st, k, t, r.head()); b >= 0 {
			r.setHead(m.push(r.head(), b, m.recordFor(b)))
			m.stamp(r)
			return k
		}
	}
	return -1
}

func (m *determined) oneOf(r run, st *Step) outcome {
	if m.blockEnd(r, st) < m.at {
		return m.die(r, OutOfSpan, 0)
	}
	took, winner := m.alternatives(r, st)
	if !took {
		return ignored
	}
	m.stamp(r)
	m.took(r)
	if winner < 0 {
		return moved
	}
	m.win(r, st, winner)
	return m.after(r)
}

// alternatives lets the event advance the alternatives of a "one of", each with
// its own bindings in view. winner is the first written that is complete now,
// -1 for none.
func (m *core) alternatives(r run, st *Step) (took bool, winner int) {
	winner = -1
	for k := range st.Tracks.len() {
		t := m.track(r, k)
		if t.dead() {
			continue
		}
		if m.trackEnd(st, k, t) < m.at {
			m.chains.release(t.head())
			t.setHead(0)
			t.kill()
			continue
		}
		if b := m.trackTakes(r, st, k, t, t.head()); b >= 0 {
			t.setHead(m.push(t.head(), b, m.recordFor(b)))
			took = true
			if winner < 0 && m.through(st, k, t) {
				winner = k
			}
		}
	}
	return took, winner
}

// win makes the run what it would be without the other alternatives: it stands
// on the last step of the winner, and what only others bound is forgotten.
func (m *core) win(r run, st *Step, winner int) {
	won := m.track(r, winner)
	head, n, entry, begun := won.head(), won.n(), won.entry(), r.entry()
	m.chains.release(r.head())
	for k := range st.Tracks.len() {
		t := m.track(r, k)
		if k != winner {
			m.chains.release(t.head())
		}
		clear(t)
	}
	r.setHead(head)
	r.setStep(m.Tracks[st.Tracks.from+winner].Steps.to - 1)
	r.setN(n)
	r[5] = uint64(entry)
	r[m.blockAt] = uint64(begun)
	length := 0
	for h := head; h != 0; h = m.prev(h) {
		length++
	}
	r.setLen(length)
}

// blockStart is when the block began of which the run stands on the last step.
func (m *determined) blockStart(r run) int64 { return int64(r[m.blockAt]) }

// through says that a track has all it needs.
func (m *core) through(st *Step, k int, t track) bool {
	steps := m.Tracks[st.Tracks.from+k].Steps
	return t.at() == steps.len()-1 && t.n() >= m.Steps[steps.to-1].Lo
}

// trackTakes advances a track by the event, or lets it absorb it, and returns
// the binding, -1 if it does neither.
func (m *core) trackTakes(r run, st *Step, k int, t track, head slab.Handle) int {
	steps := m.Tracks[st.Tracks.from+k].Steps
	at := t.at()
	if at < 0 || at+1 < steps.len() && t.n() >= m.Steps[steps.from+at].Lo {
		next := &m.Steps[steps.from+at+1]
		if m.arrives(next, t) && m.fits(next.Test, head, r.start()) {
			t[0] = t[0]&^0xffffffff | 1
			t[1]++
			t[2], t[3] = uint64(m.at), uint64(m.at)
			return next.Binding
		}
	}
	if at < 0 {
		return -1
	}
	s := &m.Steps[steps.from+at]
	if s.Hi > 0 && t.n() >= s.Hi || m.at > m.trackSpan(s, t) || r.len() >= m.lim.Events || !m.fits(s.Test, head, r.start()) {
		return -1
	}
	t[0]++
	t[3] = uint64(m.at)
	return s.Binding
}

// arrives says that the event is in time for the next step of a track.
func (m *core) arrives(next *Step, t track) bool {
	return next.Arrive == 0 || m.at-t.last() <= next.Arrive
}

// trackSpan is the last time at which the track's step may take an event.
func (m *core) trackSpan(s *Step, t track) int64 {
	end := never
	if s.Within > 0 {
		end = t.entry() + s.Within
	}
	if s.Gap > 0 {
		end = min(end, t.last()+s.Gap)
	}
	return end
}

// trackEnd is the time after which a track can't get through any more.
func (m *core) trackEnd(st *Step, k int, t track) int64 {
	if t.at() < 0 {
		return never
	}
	if s := &m.Steps[m.Tracks[st.Tracks.from+k].Steps.from+t.at()]; t.n() < s.Lo {
		return m.trackSpan(s, t)
	}
	return never
}

// blockEnd is the time after which the run's incomplete block can't complete.
func (m *core) blockEnd(r run, st *Step) int64 {
	end := never
	if st.Within > 0 {
		end = r.entry() + st.Within
	}
	if st.Kind == AllStep {
		for k := range st.Tracks.len() {
			end = min(end, m.trackEnd(st, k, m.track(r, k)))
		}
		return end
	}
	last := int64(math.MinInt64)
	for k := range st.Tracks.len() {
		if t := m.track(r, k); !t.dead() {
			last = max(last, m.trackEnd(st, k, t))
		}
	}
	return min(end, last)
}

// shown is the chain that stands for a run whose time is out in an open "one
// of": that of the first written alternative that has bound anything.
func (m *core) shown(r run, st *Step) slab.Handle {
	for k := range st.Tracks.len() {
		if t := m.track(r, k); !t.dead() && t.at() >= 0 {
			return t.head()
		}
	}
	return r.head()
}
