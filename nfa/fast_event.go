package nfa

import "github.com/weir-cep/weir/internal/slab"

// Event implements Machine. Advance has been called with the event's time, so
// nothing has outlived the pattern's within but runs that wait for a deadline.
func (m *coalesced) Event(s slab.Handle, ev *Event, emit Emit) slab.Handle {
	if s == 0 && ev.Bits&m.steps[0].mask == 0 || ev.Bits&m.touch == 0 && !m.alert {
		return s
	}
	m.ev, m.f, m.at, m.emit = ev, ev.Frame, ev.Frame.At, emit
	m.f.Syms = m.syms
	m.hasID, m.skip, m.tests = false, -1, m.lim.Tests
	if m.plain && ev.Bits&m.touch == m.steps[0].mask && s != 0 && m.startOnly(s) {
		return s
	}
	if s == 0 {
		m.fresh()
	} else {
		m.load(s)
		if m.crowded {
			m.tidy()
		}
	}
	if m.numbered {
		m.seq = m.count
		m.count++
	}
	if m.waits && m.within > 0 {
		m.exp = m.startedBy(m.at - m.within) // they bind nothing more
	}
	if m.asks && m.ask() {
		return 0
	}
	for i := m.held - 1; i >= 0; i-- {
		if c, st := &m.cuts[i], &m.steps[i]; c.lo < c.hi && (st.look&ev.Bits != 0 || st.alert) {
			m.step(i)
		}
	}
	if m.take() {
		return 0
	}
	if m.rings[0].n > m.lim.Starts && ev.Bits&m.steps[0].mask != 0 {
		m.limit()
	}
	if ev.Bits&m.quits != 0 {
		m.free()
		return 0
	}
	return m.settle()
}

// startOnly handles, in place, the commonest event of all: one that begins a
// run, is absorbed by step 0 if that repeats, and does nothing else. It reports
// false if the log has no room or the budget is reached.
func (m *coalesced) startOnly(h slab.Handle) bool {
	w := m.mem.Words(h)
	x := w[m.ringAt]
	n, off, room := x&ringMask, x>>ringBits&ringMask, x>>(2*ringBits)
	if off+n >= room || int(n) >= min(m.lim.Starts, m.lim.Events) {
		return false
	}
	m.mem.Touch(h)
	s := uint32(w[0]) + uint32(n)
	lo, hi := uint32(w[1]), uint32(w[1]>>32)
	first := s // that absorbs
	switch at := m.fullAt[0]; {
	case lo == hi:
		lo = s
	case at >= 0:
		first = max(lo, uint32(w[at]))
	}
	w[1] = uint64(s+1)<<32 | uint64(lo)
	w[m.ringAt] = x + 1
	l := &m.layout.rings[0]
	at := m.head + int(off+n)*l.size
	e := w[at : at+l.size : at+l.size]
	e[0], e[1] = uint64(m.at), uint64(m.f.Ref)
	if l.link >= 0 {
		e[l.link] = uint64(first)
	}
	if l.id >= 0 {
		e[l.id] = m.identity()
	}
	if l.caps < l.size {
		m.steps[0].caps.Store(e[l.caps:], m.f)
	}
	return true
}

// tidy squeezes a state that has a full log, for much of it may be dead. What
// is nearly full even then gets room at once, or the next event would squeeze
// again.
func (m *coalesced) tidy() {
	m.crowded = false
	for r := range m.rings {
		q := &m.rings[r]
		if q.n < m.crowd || q.off+q.n < q.cap || 2*q.off >= q.n {
			continue
		}
		if m.gaps || m.rings[0].n > m.open() {
			m.squeeze()
		}
		if 4*q.n > 3*q.cap {
			q.cap += q.cap / 2
			m.move(r)
		}
		return
	}
}

// open counts the starts in the steps' intervals.
func (m *coalesced) open() (n int) {
	for i := range m.cuts {
		n += int(m.cuts[i].hi - m.cuts[i].lo)
	}
	return n
}

// ask puts the completing step's own condition to the runs that could take the
// event, earliest start first. The first for which it holds completes and ends
// the key's state; if it holds for none, nobody takes the event as that step.
func (m *coalesced) ask() (done bool) {
	f := len(m.steps) - 1
	st := &m.steps[f]
	if m.ev.Bits&st.mask == 0 {
		return false
	}
	for i := f - 1; i >= 0; i-- {
		c := &m.cuts[i]
		if c.lo == c.hi || m.steps[i].wayMask&st.mask == 0 {
			continue
		}
		m.stale(i)
		lo, end := c.lo, m.forward(i)
		way := m.choose(i)
		if way == nil || way.to != f {
			continue
		}
		for s, ok := m.alive(m.passing(i, way, lo, end), end); ok; s, ok = m.alive(s+1, end) {
			switch {
			case !m.judge(st, s):
				if st.class == monotone {
					end = s // all others fail
				}
			case m.complete(s):
				return true
			default:
				m.kill(s, s+1)
			}
		}
	}
	m.skip = f
	return false
}

// judge asks a step's condition of a run.
func (m *coalesced) judge(st *fastStep, s uint32) bool {
	if m.tests--; m.tests < 0 {
		m.totals.Budget++
		return false
	}
	f := m.f
	f.Bound, f.MatchStart, f.MatchEnd = m.view.of(s, false), m.startAt(s), m.at
	before := f.Failures
	ok := st.cond(f)
	m.totals.EvalErrors += f.Failures - before
	return ok
}

// take writes down what the steps have taken, starts a run, and reports what
// is complete: then nothing is left of the key.
func (m *coalesced) take() (done bool) {
	for i := len(m.steps) - 1; i >= 0; i-- {
		c, st := &m.cuts[i], &m.steps[i]
		starts := i == 0 && m.ev.Bits&st.mask != 0
		if !c.arrived && !c.absorbed && !starts {
			continue
		}
		if st.ring < 0 {
			c.arrived = false
			if m.finish(c.from, c.to, false) {
				return true
			}
			continue
		}
		m.note(i, starts)
		if st.final && m.finish(c.lo, m.ready(i), true) {
			return true
		}
	}
	return false
}

// note appends the event to the step's log and lets the arriving starts in.
func (m *coalesced) note(i int, starts bool) {
	c, st := &m.cuts[i], &m.steps[i]
	if starts {
		s := m.end()
		c.arrived, c.from, c.to = true, s, s+1
	}
	lo, hi := c.from, c.to
	switch {
	case !c.arrived:
		lo, hi = c.absorbs, c.hi
	case c.absorbed:
		lo = c.absorbs
	}
	if c.arrived {
		if c.lo == c.hi {
			c.lo, c.full = c.from, max(c.full, c.from)
		}
		c.hi = c.to
	}
	c.arrived, c.absorbed = false, false
	link := uint64(hi)<<32 | uint64(lo)
	if i == 0 {
		link = uint64(lo)
	}
	m.append(st.ring, link)
	if n := m.rings[st.ring].n - st.Hi; st.Hi > 1 && n >= 0 {
		c.full = min(max(c.full, m.hi(st.ring, n)), c.hi)
	}
}

// finish reports the first live start of [lo, hi) for which the pattern's where
// holds; the others before it end.
func (m *coalesced) finish(lo, hi uint32, logged bool) bool {
	for s, ok := m.alive(lo, hi); ok; s, ok = m.alive(s+1, hi) {
		if logged {
			if m.passes(s, false, m.at) {
				m.report(s, false, m.at)
				m.free()
				return true
			}
		} else if m.complete(s) {
			return true
		}
		m.kill(s, s+1)
	}
	return false
}

// complete reports a run that takes the current event as the completing step,
// unless the pattern's where is false for it.
func (m *coalesced) complete(s uint32) bool {
	st := m.last()
	st.caps.Store(m.record, m.f)
	ok := m.passes(s, true, m.at)
	if ok {
		m.report(s, true, m.at)
	}
	st.caps.Release(m.record, m.syms)
	if ok {
		m.free()
	}
	return ok
}

// limit drops a start if the event has begun one too many: of the step that
// held most before, of equal ones the furthest, the oldest; never a step's
// newest.
func (m *coalesced) limit() {
	if m.open() <= m.lim.Starts {
		return
	}
	fullest, most, n := 0, 0, 0
	begun := m.end() - 1
	for i := len(m.cuts) - 1; i >= 0; i-- {
		live := 0
		for s := m.cuts[i].lo; s < m.cuts[i].hi; s++ {
			if s != begun && !m.dead(s) {
				live++
			}
		}
		n += live
		if live > most {
			fullest, most = i, live
		}
	}
	if n < m.lim.Starts || most < 2 {
		return
	}
	m.totals.Capped++
	c := &m.cuts[fullest]
	s, _ := m.alive(c.lo, c.hi)
	if m.marked {
		m.kill(s, s+1)
	}
	c.lo = s + 1
	if !m.marked && s != m.base {
		m.squeeze() // leaves no gap: without marks intervals must touch
	}
}
