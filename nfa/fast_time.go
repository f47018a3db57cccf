package nfa

import (
	"math"

	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// Advance implements Machine.
func (m *coalesced) Advance(s slab.Handle, now int64, f *expr.Frame, emit Emit) slab.Handle {
	if s == 0 {
		return 0
	}
	w := m.mem.Words(s)
	due := m.waits && int64(w[m.dueAt]) < now
	if m.within > 0 { // the first start is the oldest
		first := w[m.head+int(w[m.ringAt]>>ringBits&ringMask)*m.layout.rings[0].size]
		if !due && now-int64(first) <= m.within {
			return s
		}
	}
	m.load(s)
	if !due && m.within == 0 && !m.outdated(now) {
		return s
	}
	m.f, m.emit, m.at = f, emit, now
	f.Syms = m.syms
	for due && m.fire(now) {
	}
	m.expire(now)
	return m.settle()
}

// outdated says that Advance has something to drop though the pattern has no
// within.
func (m *coalesced) outdated(now int64) bool {
	for i := range m.cuts {
		if c := &m.cuts[i]; c.lo < c.hi && m.lapse(i) < now {
			return true
		}
	}
	return false
}

// lapse is the earliest time after which some run of step i can get no further.
func (m *coalesced) lapse(i int) int64 {
	c, st := &m.cuts[i], &m.steps[i]
	if !st.single && (st.span > 0 || st.gap > 0) && max(m.ready(i), c.full) < c.hi {
		return m.doom(i, max(m.ready(i), c.lo))
	}
	if w := st.soleWithin(); w > 0 && st.single {
		return m.newest(i, c.lo) + w
	}
	return math.MaxInt64
}

// soleWithin is the time limit of the only way on, 0 if there is another.
func (s *fastStep) soleWithin() int64 {
	if len(s.ways) != 1 || s.waits || s.final {
		return 0
	}
	return s.ways[0].within
}

// doom is when a run that has not its minimum runs out of its step's time.
func (m *coalesced) doom(i int, s uint32) int64 {
	st := &m.steps[i]
	t := int64(math.MaxInt64)
	a, b := m.stretch(i, s)
	if a < b && st.span > 0 {
		t = m.timeOf(st.ring, a) + st.span
	}
	if a < b && st.gap > 0 {
		t = min(t, m.timeOf(st.ring, b-1)+st.gap)
	}
	return t
}

// newest is the time of the last event that start s has bound in step i.
func (m *coalesced) newest(i int, s uint32) int64 {
	_, b := m.stretch(i, s)
	return m.timeOf(m.steps[i].ring, b-1)
}

// expire drops the starts whose time is over at now.
func (m *coalesced) expire(now int64) {
	m.at = now
	if m.within > 0 {
		m.drop(m.startedBy(now - m.within))
		return
	}
	for i := range m.cuts {
		c, st := &m.cuts[i], &m.steps[i]
		if c.lo == c.hi {
			continue
		}
		if !st.single && (st.span > 0 || st.gap > 0) && m.lapse(i) < now {
			m.seq = m.count // no event: a streak is not broken
			m.overdue(i)
		}
		if w := st.soleWithin(); w > 0 && st.single {
			x := m.since(i, c.lo, c.hi, now-w)
			m.kill(c.lo, x)
			c.lo = x
		}
	}
}

// startedBy returns the first start that is not before t.
func (m *coalesced) startedBy(t int64) uint32 {
	lo, hi := 0, m.rings[0].n
	for step := 1; lo < hi; step *= 2 { // mostly it is one of the first
		if mid := min(lo+step, hi) - 1; m.timeOf(0, mid) < t {
			lo = mid + 1
		} else {
			hi = mid
			break
		}
	}
	for lo < hi {
		if mid := (lo + hi) / 2; m.timeOf(0, mid) < t {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return m.base + uint32(lo)
}

// overdue is stale without the streak: the clock has moved, no event came.
func (m *coalesced) overdue(i int) {
	c, st := &m.cuts[i], &m.steps[i]
	over := c.lo
	if st.gap > 0 {
		over = max(over, m.since(i, c.lo, c.hi, m.at-st.gap))
	}
	if st.span > 0 {
		over = max(over, m.entered(i, m.at-st.span))
	}
	from := max(c.full, c.lo)
	if over = min(over, c.hi); from < over {
		if r := max(m.ready(i), from); r < over {
			m.kill(r, over)
		}
		c.full = max(c.full, over)
	}
}

// drop takes out the starts before x, but those that wait for a deadline.
func (m *coalesced) drop(x uint32) {
	for i := range m.cuts {
		c := &m.cuts[i]
		if c.lo >= x || c.lo == c.hi {
			continue
		}
		if !m.steps[i].waits {
			if m.gaps {
				m.kill(c.lo, min(x, c.hi))
			}
			c.lo = min(x, c.hi)
			continue
		}
		if r := m.ready(i); r < x { // those before r wait
			m.kill(r, min(x, c.hi))
			if r == c.lo {
				c.lo = min(x, c.hi)
			}
		}
	}
}

// waiting returns the earliest start that waits for a deadline, its step and
// the deadline. Deadlines are in the order of the starts.
func (m *coalesced) waiting() (s uint32, step int, due int64, ok bool) {
	for i := len(m.steps) - 1; i >= 0; i-- {
		if c := &m.cuts[i]; m.steps[i].waits && c.lo < c.hi {
			if s, ok := m.alive(c.lo, m.ready(i)); ok {
				return s, i, m.deadline(i, s), true
			}
		}
	}
	return 0, 0, math.MaxInt64, false
}

// deadline of a start that waits in step i: all closing absences must be over.
func (m *coalesced) deadline(i int, s uint32) int64 {
	st := &m.steps[i]
	end := m.startAt(s) + m.within
	if len(st.closing) == 0 {
		return end
	}
	due := int64(math.MinInt64)
	for _, d := range st.closing {
		if d > 0 {
			due = max(due, m.newest(i, s)+d)
		} else {
			due = max(due, end)
		}
	}
	return due
}

// due is the earliest deadline of the state at hand.
func (m *coalesced) due() int64 {
	_, _, due, _ := m.waiting()
	return due
}

// fire reports the earliest waiting start whose deadline is before now, and
// drops all that started no later than its last event.
func (m *coalesced) fire(now int64) bool {
	s, i, due, ok := m.waiting()
	if !ok || due >= now {
		return false
	}
	if !m.passes(s, false, due) {
		m.kill(s, s+1)
		return true
	}
	m.report(s, false, due)
	st := &m.steps[i]
	_, b := m.stretch(i, s)
	last := m.number(st.ring, b-1)
	x := s + 1
	for x < m.end() && m.number(0, int(x-m.base)) <= last {
		x++
	}
	for k := range m.cuts {
		c := &m.cuts[k]
		c.lo, c.hi, c.full = max(c.lo, min(x, c.hi)), max(c.hi, min(x, c.hi)), max(c.full, x)
	}
	return true
}

// Deadline implements Machine.
func (m *coalesced) Deadline(s slab.Handle) (int64, bool) {
	if s == 0 || !m.waits {
		return 0, false
	}
	due := int64(m.mem.Words(s)[m.dueAt])
	return due, due != math.MaxInt64
}

// Idle implements Machine: when the last run has expired, or has lost its way,
// and the last deadline is over.
func (m *coalesced) Idle(s slab.Handle) (int64, bool) {
	if s == 0 {
		return 0, false
	}
	m.load(s)
	at := int64(math.MinInt64)
	for i := range m.cuts {
		if c := &m.cuts[i]; c.lo < c.hi {
			at = max(at, m.idle(i))
		}
	}
	return at, at != math.MaxInt64
}

// idle is when the newest run of step i can't matter any more.
func (m *coalesced) idle(i int) int64 {
	c, st := &m.cuts[i], &m.steps[i]
	newest := c.hi - 1
	at := int64(math.MinInt64)
	r := m.ready(i)
	if st.waits && r > c.lo {
		at = m.deadline(i, min(r, c.hi)-1)
	}
	if st.waits && r == c.hi {
		return at
	}
	if m.within > 0 {
		return max(at, m.startAt(newest)+m.within)
	}
	if !st.single && r == c.lo && (st.span > 0 || st.gap > 0) {
		return max(at, m.doom(i, newest))
	}
	if w := st.soleWithin(); w > 0 && st.single {
		return max(at, m.newest(i, newest)+w)
	}
	return math.MaxInt64
}
