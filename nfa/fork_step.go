package nfa

import "github.com/weir-cep/weir/internal/slab"

// meet lets a run meet the event; what becomes of it is added to m.runs and
// m.done. The run's own references are given up or handed on.
func (m *forking) meet(r run) {
	st := &m.Fork.States[r.step()]
	if st.Kind != Pending && m.within > 0 && m.at-r.start() > m.within {
		m.fall(r, fate{expired: true, at: r.start() + m.within})
		m.release(r)
		return
	}
	if r.head() != m.kin.head {
		m.family(r.head())
	}
	if st.inert && st.touch&m.ev.Bits == 0 && m.tracer == nil {
		copy(m.extend(), r)
		return
	}
	if st.Kind == Inside {
		m.inside(r, st)
		return
	}
	clear(m.asks)
	before, finished, stopped := m.n, len(m.done), -1
	edges := m.Fork.Edges[st.Edges.from:st.Edges.to]
	for i := range edges {
		e := &edges[i]
		if stopped >= 0 && e.Kind == Stop || !m.holds(e.When, r) {
			continue
		}
		switch e.Kind {
		case Stop: // stops are the first edges
			stopped = e.No
		case Skip:
			m.place(r, e.To, stopped >= 0)
		case Take:
			m.take(r, e, stopped >= 0)
		}
	}
	if m.tracer != nil {
		switch {
		case stopped >= 0:
			m.fall(r, fate{why: Absent, index: stopped})
		case m.n == before && len(m.done) == finished:
			m.fall(r, fate{why: Broken})
		}
		m.refusals(r, edges)
	}
	m.release(r)
}

// family begins the kin of another chain.
func (m *forking) family(head slab.Handle) {
	m.kin.head, m.kin.from = head, m.n
	clear(m.kin.node)
}

// holds judges a condition for a run.
func (m *forking) holds(when seg, r run) bool {
	for _, t := range m.Fork.Terms[when.from:when.to] {
		if !m.any(t.Lits, r) {
			return false
		}
	}
	return true
}

func (m *forking) any(lits seg, r run) bool {
	for i := lits.from; i < lits.to; i++ {
		l := &m.Fork.Lits[i]
		var ok bool
		switch l.Kind {
		case LitTest:
			ok = m.ask(l.N, r)
		case LitBegun:
			ok = r.len() > 0
		case LitSince:
			ok = r.len() == 0 || m.at-r.last() <= l.D
		case LitStay:
			ok = r.len() == 0 || m.binding(r.head()) != l.N ||
				(l.Span.Within == 0 || m.at-r.entry() <= l.Span.Within) && (l.Span.Gap == 0 || m.at-r.last() <= l.Span.Gap)
		}
		if ok != l.Not {
			return true
		}
	}
	return false
}

// ask judges a test for the run at hand, once.
func (m *forking) ask(test int, r run) bool {
	if !m.unary(test) {
		return false
	}
	cond := m.Tests[test].Cond
	if cond == nil {
		return true
	}
	a := &m.asks[test]
	if *a == 0 {
		*a = 1
		start := r.start()
		if r.len() == 0 {
			start = m.at
		}
		if m.judge(cond, r.head(), start) {
			*a = 2
		}
	}
	return *a == 2
}

// take makes the run that has bound the event. A stopped run is only left what
// it completes with this very event.
func (m *forking) take(r run, e *Edge, stopped bool) {
	if r.len() >= m.lim.Events && !e.Head {
		m.totals.Capped++
		return
	}
	c := m.child
	copy(c, r)
	if c.len() == 0 {
		c[0], c[2] = uint64(m.at), m.seq
	}
	c.clear(flagMatched)
	if e.Block >= 0 {
		m.enter(r, c, e, stopped)
		return
	}
	c.setHead(m.node(r.head(), e.Binding))
	m.stamp(c)
	if e.Head {
		c[5] = uint64(m.at)
	}
	m.arrive(r, c, e.To, stopped)
}

// node is the chain with the event bound behind head. All forks that bind it so
// share it; m.loose holds it until the end of the event.
func (m *forking) node(head slab.Handle, binding int) slab.Handle {
	h := m.kin.node[binding]
	if h == 0 {
		m.retain(head)
		h = m.push(head, binding, m.recordFor(binding))
		m.kin.node[binding] = h
		m.loose = append(m.loose, h)
	}
	return h
}

// arrive puts c, which came of r by taking the event, into a state, and into
// the final one if nothing more is needed. What lies on the way there is judged
// as of r. c keeps its references.
func (m *forking) arrive(r, c run, to int, stopped bool) {
	m.place(c, to, stopped)
	s := m.Fork.States[to].Aims
	for i := s.from; i < s.to; i++ {
		if aim := &m.Fork.Aims[i]; m.holds(aim.When, r) {
			m.place(c, aim.To, stopped)
			return
		}
	}
}

// place adds a copy of the run in the given state.
func (m *forking) place(c run, to int, stopped bool) {
	if m.Fork.States[to].Kind == Final {
		m.retain(c.head())
		m.done = append(m.done, forked{head: c.head(), start: c.start(), startSeq: c.startSeq(), lastSeq: c.lastSeq(), len: c.len(), order: len(m.done)})
		return
	}
	if stopped || c.is(flagMatched) && m.Fork.States[to].Kind == Pending {
		return
	}
	for i := m.kin.from; i < m.n; i++ {
		if x := m.runIn(i); x.step() == to && x.head() == c.head() {
			return
		}
	}
	x := m.extend()
	copy(x, c)
	x.setStep(to)
	m.retain(x.head())
}

// enter takes the event as the first of a block.
func (m *forking) enter(r, c run, e *Edge, stopped bool) {
	st := &m.Steps[m.Fork.States[e.Block].Block]
	c.setStep(e.Block)
	c[5] = uint64(m.at)
	m.retain(c.head())
	m.enterBlock(c, st)
	m.advanceBlock(r, c, e.Block, stopped)
}

// inside lets a run in a block meet the event.
func (m *forking) inside(r run, st *State) {
	if m.blockEnd(r, &m.Steps[st.Block]) < m.at {
		m.fall(r, fate{why: OutOfSpan})
		m.release(r)
		return
	}
	copy(m.child, r)
	clear(m.asks)
	m.advanceBlock(r, m.child, r.step(), false)
}

// advanceBlock moves c, which owns its references, on in its block: it stays
// inside, or comes out of it.
func (m *forking) advanceBlock(r, c run, state int, stopped bool) {
	in := &m.Fork.States[state]
	st := &m.Steps[in.Block]
	took, winner := m.alternatives(c, st)
	if took {
		m.stamp(c)
		c.clear(flagMatched)
	}
	if winner < 0 {
		if stopped || c.len() == r.len() && r.step() != state {
			m.release(c)
			return
		}
		copy(m.extend(), c)
		return
	}
	m.win(c, st, winner)
	m.arrive(r, c, in.Onward, stopped)
	m.chains.release(c.head())
}
