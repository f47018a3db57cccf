package nfa

import "github.com/weir-cep/weir/internal/slab"

// traced describes a run to the tracer.
func (m *determined) traced(r run) *TracedRun {
	head := r.head()
	if st := &m.Steps[r.step()]; st.Kind == OneStep {
		head = m.shown(r, st)
	}
	return m.tracedChain(head, r.step())
}

func (m *determined) tracedChain(head slab.Handle, step int) *TracedRun {
	binding := m.Steps[step].Binding
	if binding < 0 && head != 0 {
		binding = m.binding(head)
	}
	return m.core.tracedChain(head, binding, 0)
}

// took tells that a run has bound the event, other than as its first.
func (m *determined) took(r run) {
	if m.tracer != nil && r.len() > 1 {
		m.tracer.Took(m.traced(r))
	}
}

// refusals tells which conditions the event came for and failed: those of the
// ways that are open, and of the step itself.
func (m *determined) refusals(r run) {
	st := &m.Steps[r.step()]
	if st.Kind != TakeStep && !r.is(flagDone) {
		for k := range st.Tracks.len() {
			t, steps := m.track(r, k), m.Tracks[st.Tracks.from+k].Steps
			for i := max(0, t.at()); i <= t.at()+1 && i < steps.len(); i++ {
				m.refuses(r, steps.from+i)
			}
		}
		return
	}
	if st.Kind == TakeStep && m.open(r, st) {
		m.refuses(r, r.step())
	}
	if !m.ready(r, st) {
		return
	}
	for _, w := range m.span(st.Ways) {
		if !m.crosses(r, w.Ops) || !m.arrow(r, &w) {
			continue
		}
		to := &m.Steps[w.To]
		if to.Kind == TakeStep {
			m.refuses(r, w.To)
			continue
		}
		for _, t := range m.Tracks[to.Tracks.from:to.Tracks.to] {
			m.refuses(r, t.Steps.from)
		}
	}
}

func (m *determined) refuses(r run, step int) {
	test := m.Steps[step].Test
	if m.came(test) && !m.fits(test, r.head(), r.start()) {
		t := m.traced(r)
		m.refused(test, t, r.start())
	}
}
