package nfa

// outcome is what an event did to a run.
type outcome uint8

const (
	ignored outcome = iota
	moved           // taken or absorbed, the run is open
	completed
	died
)

// advance lets a run meet the event.
func (m *determined) advance(r run) outcome {
	st := &m.Steps[r.step()]
	if m.within > 0 && m.at-r.start() > m.within && !m.waiting(r, st) {
		if m.tracer != nil {
			m.tracer.Expired(m.traced(r), r.start()+m.within)
		}
		return died
	}
	if st.touch&m.ev.Bits == 0 && !st.alert && m.tracer == nil {
		return ignored
	}
	if st.Kind != TakeStep && !r.is(flagDone) {
		return m.inBlock(r, st)
	}
	return m.meet(r, st)
}

// meet is the heart of a run: the event is absorbed by a greedy step, taken as
// the next step, fatal by an armed absence, absorbed, one too many, or nothing.
func (m *determined) meet(r run, st *Step) outcome {
	if !m.ready(r, st) && m.spent(r, st, m.at) {
		return m.die(r, OutOfSpan, 0)
	}
	inTime := m.within == 0 || m.at-r.start() <= m.within
	closing := false
	if st.Before >= 0 && inTime && !r.is(flagClosed) && r.n() >= st.Lo && m.fits(st.Before, r.head(), r.start()) {
		r.set(flagClosed)
		closing = true
	}
	open := inTime && m.open(r, st)
	if open && st.Greedy {
		if out := m.absorb(r, st); out != ignored {
			return out
		}
	}
	if m.ready(r, st) {
		if inTime {
			if w := m.pick(r, st.Ways, true); w >= 0 {
				return m.take(r, &m.Ways[w])
			}
		}
		if no := m.killed(r, st); no >= 0 {
			return m.die(r, Absent, no)
		}
		if inTime {
			if w := m.pick(r, st.Ways, false); w >= 0 {
				return m.take(r, &m.Ways[w])
			}
		}
	}
	if open && !st.Greedy {
		if out := m.absorb(r, st); out != ignored {
			return out
		}
	}
	if inTime && m.tooMany(r, st) {
		return m.die(r, TooMany, 0)
	}
	if closing {
		return m.after(r)
	}
	if !m.survives(r, st) {
		return m.die(r, Broken, 0)
	}
	return ignored
}

// ready says that the run's step has what it needs.
func (m *determined) ready(r run, st *Step) bool {
	if st.Kind != TakeStep {
		return r.is(flagDone)
	}
	return r.n() >= st.Lo && (st.Until == nil && st.Before < 0 || r.is(flagClosed))
}

// spent says that the run's step can take no more events at time t.
func (m *determined) spent(r run, st *Step, t int64) bool {
	if st.Kind == TakeStep && !st.repeated() {
		return false
	}
	if b := st.Block; b >= 0 && m.Steps[b].Within > 0 && t-m.blockStart(r) > m.Steps[b].Within {
		return true
	}
	return st.Within > 0 && t-r.entry() > st.Within || st.Gap > 0 && t-r.last() > st.Gap
}

// open says that the run's step may absorb the event if it fits.
func (m *determined) open(r run, st *Step) bool {
	if m.spent(r, st, m.at) {
		return false
	}
	if st.Kind != TakeStep {
		return st.Kind == AllStep
	}
	return !r.is(flagClosed) && (st.Hi == 0 || r.n() < st.Hi) && (!st.Consecutive || m.seq == r.lastSeq()+1)
}

// absorb adds the event to the run's step if it fits.
func (m *determined) absorb(r run, st *Step) outcome {
	if r.len() >= m.lim.Events {
		if st.Kind == TakeStep && m.unary(st.Test) {
			m.totals.Capped++
		}
		return ignored
	}
	if st.Kind == AllStep {
		if m.member(r, st) < 0 {
			return ignored
		}
		return m.after(r)
	}
	if !m.fits(st.Test, r.head(), r.start()) {
		return ignored
	}
	m.bind(r, st)
	r.setN(r.n() + 1)
	m.close(r, st)
	return m.after(r)
}

// bind adds the event to the run's chain.
func (m *determined) bind(r run, st *Step) {
	r.setHead(m.push(r.head(), st.Binding, m.recordFor(st.Binding)))
	m.stamp(r)
	m.took(r)
}

// close judges an inclusive until.
func (m *determined) close(r run, st *Step) {
	if st.Until != nil && r.n() >= st.Lo && m.judge(st.Until, r.head(), r.start()) {
		r.set(flagClosed)
	}
}

// pick chooses the way that takes the event, -1 for none: of several the
// furthest, but a nearer greedy one first. A further round of a group that has
// what it needs is no way forward but an absorption: it comes in the second
// call, after the absences, unless it is greedy.
func (m *determined) pick(r run, ways seg, forward bool) int {
	best := -1
	for i := ways.from; i < ways.to; i++ {
		w := &m.Ways[i]
		absorbs := w.Again >= 0 && r.rounds(w.Again) >= m.Groups[w.Again].Lo && !w.Greedy
		if absorbs == forward || !m.crosses(r, w.Ops) || !m.arrow(r, w) || !m.enters(r, w.To) {
			continue
		}
		best = i
		if w.Greedy {
			break
		}
	}
	return best
}

// arrow says that the arrow of a way allows the event.
func (m *determined) arrow(r run, w *Way) bool {
	if r.empty() && r.len() == 0 {
		return true
	}
	return (!w.Strict || m.seq == r.lastSeq()+1) && (w.Within == 0 || m.at-r.last() <= w.Within)
}

// enters says that the event can be the first of a step.
func (m *determined) enters(r run, step int) bool {
	st := &m.Steps[step]
	if st.Kind == TakeStep {
		return m.fits(st.Test, r.head(), r.start())
	}
	for _, t := range m.Tracks[st.Tracks.from:st.Tracks.to] {
		first := &m.Steps[t.Steps.from]
		if m.fits(first.Test, r.head(), r.start()) {
			return true
		}
	}
	return false
}

// crosses says that the groups' counts allow a way.
func (m *determined) crosses(r run, ops seg) bool {
	for _, o := range m.Ops[ops.from:ops.to] {
		g := &m.Groups[o.Group]
		switch o.Kind {
		case Leave:
			if r.rounds(o.Group) < g.Lo {
				return false
			}
		case Round:
			if g.Hi > 0 && r.rounds(o.Group) >= g.Hi {
				return false
			}
		}
	}
	return true
}

// take moves the run on to the way's step.
func (m *determined) take(r run, w *Way) outcome {
	for _, o := range m.Ops[w.Ops.from:w.Ops.to] {
		g := &m.Groups[o.Group]
		switch o.Kind {
		case Enter:
			r.setRounds(o.Group, 1)
		case Leave:
			r.setRounds(o.Group, 0)
		case Round:
			r.setRounds(o.Group, min(r.rounds(o.Group)+1, max(g.Lo, g.Hi)))
		}
	}
	st := &m.Steps[w.To]
	r.setStep(w.To)
	r.clear(flagClosed | flagDone)
	r[5] = uint64(m.at)
	if st.Kind != TakeStep {
		m.enterBlock(r, st)
		return m.inBlock(r, st)
	}
	m.bind(r, st)
	r.setN(1)
	m.close(r, st)
	return m.after(r)
}

// after says what the run is once it has taken the event.
func (m *determined) after(r run) outcome {
	st := &m.Steps[r.step()]
	if m.complete(r, st) {
		return completed
	}
	return moved
}

// killed returns the armed absence that the event violates, -1 for none.
func (m *determined) killed(r run, st *Step) int {
	for _, a := range m.Arms[st.Arms.from:st.Arms.to] {
		no := &m.Nos[a.No]
		if (!no.Strict || m.seq == r.lastSeq()+1) && (no.Within == 0 || m.at-r.last() <= no.Within) &&
			m.unary(no.Test) && m.crosses(r, a.Ops) && m.fits(no.Test, r.head(), r.start()) {
			return a.No
		}
	}
	return -1
}

// tooMany: "exactly n" has its n events or rounds and here is another.
func (m *determined) tooMany(r run, st *Step) bool {
	if st.Exactly && r.n() == st.Lo && !m.spent(r, st, m.at) && m.fits(st.Test, r.head(), r.start()) {
		return true
	}
	if st.Heads.len() == 0 || !m.ready(r, st) {
		return false
	}
	for _, w := range m.span(st.Heads) {
		if r.rounds(w.Again) == m.Groups[w.Again].Hi && m.leaves(r, w.Ops) && m.enters(r, w.To) {
			return true
		}
	}
	return false
}

// leaves is crosses without the upper limits.
func (m *determined) leaves(r run, ops seg) bool {
	for _, o := range m.Ops[ops.from:ops.to] {
		if o.Kind == Leave && r.rounds(o.Group) < m.Groups[o.Group].Lo {
			return false
		}
	}
	return true
}

// survives: the event was not taken. The run lives if it waits for time to
// pass, may still absorb, or some way forward is not strict.
func (m *determined) survives(r run, st *Step) bool {
	if !st.strict || m.waiting(r, st) {
		return true
	}
	if st.Kind == TakeStep && !r.is(flagClosed) && !st.Consecutive && (st.Hi == 0 || r.n() < st.Hi) && !m.spent(r, st, m.at) {
		return true
	}
	if m.ready(r, st) {
		for _, w := range m.span(st.Ways) {
			if !w.Strict && m.crosses(r, w.Ops) {
				return true
			}
		}
	}
	return false
}

// die ends a run.
func (m *determined) die(r run, why Death, index int) outcome {
	if m.tracer != nil {
		m.tracer.Killed(m.traced(r), why, index)
	}
	return died
}
