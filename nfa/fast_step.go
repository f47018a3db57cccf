package nfa

// step lets the runs of step i meet the event: of the ready ones all take it or
// none does, then absences see it, then the loop absorbs it.
func (m *coalesced) step(i int) {
	c, st := &m.cuts[i], &m.steps[i]
	bits := m.ev.Bits
	late := m.stale(i)
	fits := bits&st.mask != 0
	end := m.forward(i)
	moved := false
	if c.lo < end { // no run that has outlived the pattern's within has a way
		if w := m.choose(i); w != nil {
			if x := m.passing(i, w, c.lo, end); x < end {
				m.kill(c.lo, x) // only runs that can never move
				m.arrive(w.to, x, end)
				c.lo, c.full = end, max(c.full, end)
				moved = true
			}
		}
	}
	if !moved && c.lo < end && bits&st.noMask != 0 {
		m.absent(i, end)
	}
	if st.single {
		c.full = c.hi
	}
	from := max(c.full, c.lo, m.exp)
	if fits && from < c.hi && m.holds(i) {
		c.absorbed, c.absorbs = true, from
	}
	c.full = max(c.full, c.lo)
	if st.Exactly && fits {
		from := max(c.lo, late, m.exp)
		if from < c.full {
			m.kill(from, c.full)
		}
	}
	if (st.Consecutive || st.strict) && !st.relaxed && !st.waits && c.lo < c.full {
		m.kill(c.lo, c.full) // full, not moved, and all that led on was strict
		c.lo = c.full
	}
}

// holds says whether the step can keep one more event. Without end it must not
// grow: beyond the budget runs absorb no more.
func (m *coalesced) holds(i int) bool {
	if m.rings[m.steps[i].ring].n < m.lim.Events {
		return true
	}
	m.totals.Capped++
	m.cuts[i].full = m.cuts[i].hi
	return false
}

// stale deals with the runs of step i for which the step's own time is over, or
// whose streak is broken: the ready ones absorb no more, the others die. It
// returns the first start whose time is not over.
func (m *coalesced) stale(i int) (late uint32) {
	c, st := &m.cuts[i], &m.steps[i]
	late = c.lo
	if st.single {
		return late
	}
	if st.gap > 0 {
		late = max(late, m.since(i, c.lo, c.hi, m.at-st.gap))
	}
	if st.span > 0 {
		late = max(late, m.entered(i, m.at-st.span))
	}
	over := late
	if st.Consecutive {
		if n := m.rings[st.ring].n; n == 0 || m.number(st.ring, n-1) != m.seq-1 {
			over = c.hi
		} else {
			over = max(over, m.lo(st.ring, n-1))
		}
	}
	from := max(c.full, c.lo)
	if over = min(over, c.hi); from < over {
		r := max(m.ready(i), from)
		if r < over {
			m.kill(r, over)
			if r == c.lo {
				c.lo = over
			}
		}
		c.full = max(c.full, over)
	}
	return late
}

// ready returns the end of the runs of step i, from its lo on, that have its
// minimum.
func (m *coalesced) ready(i int) uint32 {
	c, st := &m.cuts[i], &m.steps[i]
	if st.single {
		return c.hi
	}
	r := max(c.lo, c.full)
	if n := m.rings[st.ring].n - st.Lo; n >= 0 {
		r = max(r, m.hi(st.ring, n))
	}
	return min(r, c.hi)
}

// forward returns the end of the runs of step i that look for the next step, and
// see absences: the ready ones, with a greedy step only those that can't absorb.
func (m *coalesced) forward(i int) uint32 {
	c, st := &m.cuts[i], &m.steps[i]
	end := m.ready(i)
	if st.Greedy && !st.single && m.ev.Bits&st.mask != 0 {
		end = min(end, max(c.full, c.lo, m.exp))
	}
	return end
}

// choose returns the way that takes the event: the furthest, unless a nearer
// one is greedy.
func (m *coalesced) choose(i int) (pick *fastWay) {
	bits := m.ev.Bits
	st := &m.steps[i]
	if bits&st.wayMask == 0 {
		return nil
	}
	for k := range st.ways {
		w := &st.ways[k]
		if bits&w.mask == 0 || w.to == m.skip {
			continue
		}
		if to := &m.steps[w.to]; to.class == shared && !m.judge(to, m.cuts[i].lo) {
			continue
		}
		pick = w
		if w.greedy {
			break
		}
	}
	return pick
}

// passing narrows the runs [lo, end) of step i to those that the way's arrow
// lets through: a suffix, for the last events of runs are in time order.
func (m *coalesced) passing(i int, w *fastWay, lo, end uint32) uint32 {
	if w.strict {
		lo = max(lo, m.adjacent(i, end))
	}
	if w.within > 0 {
		lo = m.since(i, lo, end, m.at-w.within)
	}
	return lo
}

// absent kills the runs of [lo, end) for which an armed absence is violated.
func (m *coalesced) absent(i int, end uint32) {
	c := &m.cuts[i]
	for _, n := range m.steps[i].nos {
		if m.ev.Bits&n.mask == 0 {
			continue
		}
		x := c.lo
		if n.strict {
			x = max(x, m.adjacent(i, end))
		}
		if n.within > 0 {
			x = m.since(i, x, end, m.at-n.within)
		}
		if x < end {
			m.kill(x, end)
		}
		if x == c.lo {
			c.lo = end
		}
	}
}

// adjacent returns the first start whose newest event of step i is the one
// directly before the current, or end.
func (m *coalesced) adjacent(i int, end uint32) uint32 {
	r := m.steps[i].ring
	if n := m.rings[r].n; n > 0 && m.number(r, n-1) == m.seq-1 {
		return m.lo(r, n-1)
	}
	return end
}

// since returns the first start of [lo, hi) whose newest event of step i is not
// before t.
func (m *coalesced) since(i int, lo, hi uint32, t int64) uint32 {
	r := m.steps[i].ring
	a, b := 0, m.rings[r].n
	for a < b {
		if mid := (a + b) / 2; m.timeOf(r, mid) < t {
			a = mid + 1
		} else {
			b = mid
		}
	}
	if a == m.rings[r].n {
		return hi
	}
	return max(lo, min(m.lo(r, a), hi))
}

// entered returns the first start whose first event of step i is not before t.
func (m *coalesced) entered(i int, t int64) uint32 {
	r := m.steps[i].ring
	a, b := 0, m.rings[r].n
	for a < b {
		if mid := (a + b) / 2; m.timeOf(r, mid) < t {
			a = mid + 1
		} else {
			b = mid
		}
	}
	if a == 0 {
		return m.cuts[i].lo
	}
	return m.hi(r, a-1)
}

// arrive notes that the starts [lo, hi) come to step j.
func (m *coalesced) arrive(j int, lo, hi uint32) {
	c := &m.cuts[j]
	if c.arrived {
		lo, hi = min(lo, c.from), max(hi, c.to)
	}
	c.arrived, c.from, c.to = true, lo, hi
}
