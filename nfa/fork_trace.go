package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// A forking run is, to its tracer, what it has bound: several runs of the
// automaton that wait in different states with one chain are one life. A life
// goes on in the first chain that extends it if none is left that waits with
// it; every other extension is a life of its own. All of this happens only
// while a tracer watches.
type lives struct {
	ordinal map[slab.Handle]int // by chain
	next    int
	known   []slab.Handle // chains of the event or moment in progress, held until its end
	gone    map[slab.Handle]bool
	fates   map[slab.Handle]fate
}

// fate is why a run with a chain ended.
type fate struct {
	expired bool
	at      int64
	why     Death
	index   int
}

// watch begins an event or a moment: it notes the chains that there are.
func (m *forking) watch(w []uint64, n int) {
	if m.tracer == nil {
		return
	}
	if m.lives == nil {
		m.lives = &lives{ordinal: map[slab.Handle]int{}, gone: map[slab.Handle]bool{}, fates: map[slab.Handle]fate{}}
	}
	clear(m.lives.gone)
	clear(m.lives.fates)
	for i := range n {
		m.know(m.chainOf(m.runAt(w, i)))
	}
}

// know holds a chain until the end of the event.
func (m *forking) know(head slab.Handle) {
	for _, h := range m.lives.known {
		if h == head {
			return
		}
	}
	m.retain(head)
	m.lives.known = append(m.lives.known, head)
}

// chainOf is what a run shows of its bindings.
func (m *forking) chainOf(r run) slab.Handle {
	if st := &m.Fork.States[r.step()]; st.Kind == Inside {
		return m.shown(r, &m.Steps[st.Block])
	}
	return r.head()
}

// fall notes why a run ends. Whether its life ends is seen at the end.
func (m *forking) fall(r run, f fate) {
	if m.tracer != nil {
		head := m.chainOf(r)
		m.know(head)
		m.lives.fates[head] = f
	}
}

// arrivals tells of the chains that are new.
func (m *forking) arrivals() {
	if m.tracer == nil {
		return
	}
	for i := range m.done {
		m.arrived(m.done[i].head)
	}
	for i := range m.n {
		m.arrived(m.chainOf(m.runIn(i)))
	}
}

func (m *forking) arrived(head slab.Handle) {
	l := m.lives
	if _, ok := l.ordinal[head]; ok {
		return
	}
	m.know(head)
	parent := m.prev(head)
	for parent != 0 && l.ordinal[parent] == 0 {
		parent = m.prev(parent)
	}
	if parent != 0 && !l.gone[parent] && !m.waits(parent) {
		l.ordinal[head] = l.ordinal[parent]
		l.gone[parent] = true
	} else {
		l.next++
		l.ordinal[head] = l.next
	}
	if parent == 0 {
		m.tracer.Started(m.life(head))
	} else {
		m.tracer.Took(m.life(head))
	}
}

// waits says that a run with the chain is open.
func (m *forking) waits(head slab.Handle) bool {
	for i := range m.n {
		if m.chainOf(m.runIn(i)) == head {
			return true
		}
	}
	return false
}

// finished tells of a match. A run that is open with the same chain is another
// life from now on.
func (m *forking) finished(head slab.Handle, at int64, kind cep.MatchKind) {
	if m.tracer == nil {
		return
	}
	m.arrived(head)
	m.tracer.Completed(m.life(head), at, kind)
	m.ended(head)
}

// ended closes a life whose end has been told.
func (m *forking) ended(head slab.Handle) {
	if m.waits(head) {
		m.lives.next++
		m.lives.ordinal[head] = m.lives.next
		return
	}
	m.lives.gone[head] = true
}

// failed tells of a run that was complete but is not reported.
func (m *forking) failed(head slab.Handle, why Death) {
	if m.tracer != nil {
		m.arrived(head)
		m.tracer.Killed(m.life(head), why, 0)
		m.ended(head)
	}
}

// part ends the event: lives of which no run is left have ended.
func (m *forking) part() {
	if m.tracer == nil {
		return
	}
	for _, head := range m.lives.known {
		_, known := m.lives.ordinal[head]
		switch f, fell := m.lives.fates[head]; {
		case m.waits(head):
			m.chains.release(head)
			continue
		case m.lives.gone[head] || !known || !fell:
		case f.expired:
			m.tracer.Expired(m.life(head), f.at)
		default:
			m.tracer.Killed(m.life(head), f.why, f.index)
		}
		delete(m.lives.ordinal, head)
		m.chains.release(head)
	}
	m.lives.known = m.lives.known[:0]
}

// life describes a chain to the tracer.
func (m *forking) life(head slab.Handle) *TracedRun {
	return m.tracedChain(head, m.binding(head), m.lives.ordinal[head])
}

// refusals tells which tests of a state the event came for and failed.
func (m *forking) refusals(r run, edges []Edge) {
	for _, e := range edges {
		if e.Kind != Take {
			continue
		}
		for _, t := range m.Fork.Terms[e.When.from:e.When.to] {
			for _, l := range m.Fork.Lits[t.Lits.from:t.Lits.to] {
				if l.Kind == LitTest && !l.Not && m.came(l.N) && !m.ask(l.N, r) {
					m.refused(l.N, m.life(r.head()), r.start())
				}
			}
		}
	}
}
