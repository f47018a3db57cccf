package nfa

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
)

// startView is one start's bindings as an expr.Bound.
type startView struct {
	m     *coalesced
	start uint32
	now   bool // the current event is bound by the completing step
}

// of points the view at a start; now adds the current event, whose record is
// m.record.
func (v *startView) of(s uint32, now bool) *startView {
	v.start, v.now = s, now
	return v
}

// stepOf is the step of a binding. Every step binds, in order.
func (m *coalesced) stepOf(binding int) int {
	if binding < len(m.steps) && m.steps[binding].Binding == binding {
		return binding
	}
	for i := range m.steps {
		if m.steps[i].Binding == binding {
			return i
		}
	}
	return -1
}

// Count implements expr.Bound.
func (v *startView) Count(binding int) int {
	i := v.m.stepOf(binding)
	if i < 0 {
		return 0
	}
	n := 0
	if v.m.steps[i].ring >= 0 {
		a, b := v.m.stretch(i, v.start)
		n = b - a
	} else if v.now {
		n = 1
	}
	return n
}

// Record implements expr.Bound.
func (v *startView) Record(binding, k int) []uint64 {
	i := v.m.stepOf(binding)
	r := v.m.steps[i].ring
	if r < 0 {
		return v.m.record
	}
	a, b := v.m.stretch(i, v.start)
	if k < 0 {
		k = b - 1
	} else {
		k += a
	}
	return v.m.entry(r, k)[v.m.layout.rings[r].caps:]
}

// stretch is the entries [a, b) of step i's log that start s is bound to.
func (m *coalesced) stretch(i int, s uint32) (a, b int) {
	r := m.steps[i].ring
	n := m.rings[r].n
	if r == 0 {
		a = int(s - m.base)
		if m.steps[0].single {
			return a, a + 1
		}
	} else {
		lo, hi := 0, n
		for lo < hi { // the first entry whose hi is above s
			if mid := (lo + hi) / 2; m.hi(r, mid) <= s {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		a = lo
	}
	lo, hi := a, n
	for lo < hi { // the first entry behind whose lo is above s
		if mid := (lo + hi) / 2; m.lo(r, mid) <= s {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return a, lo
}

// passes judges the pattern's where for a start that completes at the given
// time. No event is current in it.
func (m *coalesced) passes(s uint32, now bool, at int64) bool {
	if m.Where == nil {
		return true
	}
	f := m.f
	table := f.Table
	f.Table = nil
	f.Bound, f.MatchStart, f.MatchEnd = m.view.of(s, now), m.startAt(s), at
	before := f.Failures
	ok := m.Where(f)
	m.totals.EvalErrors += f.Failures - before
	f.Table = table
	return ok
}

// report emits a start's match; now adds the current event as the completing
// step's.
func (m *coalesced) report(s uint32, now bool, at int64) {
	m.events = m.events[:0]
	for i := range m.steps {
		st := &m.steps[i]
		if st.ring < 0 {
			continue
		}
		l := &m.layout.rings[st.ring]
		a, b := m.stretch(i, s)
		for j := a; j < b; j++ {
			e := m.entry(st.ring, j)
			x := BoundEvent{Binding: st.Binding, At: int64(e[0]), Ref: cep.Ref(e[1])}
			if l.id >= 0 {
				x.ID = e[l.id]
			} else {
				x.ID, m.spare = placeIdentity(x.Ref, m.spare)
			}
			m.events = append(m.events, x)
		}
	}
	if now {
		m.events = append(m.events, BoundEvent{Binding: m.last().Binding, At: m.at, Ref: m.f.Ref, ID: m.identity()})
	}
	f := m.f
	first := m.events[0].At
	m.match = Match{At: at, FirstAt: first, Bound: m.view.of(s, now), Events: m.events}
	f.Bound, f.MatchStart, f.MatchEnd = m.match.Bound, first, at
	m.emit(&m.match)
}

// placeIdentity is Identity of an event whose type declares no id.
func placeIdentity(ref cep.Ref, buf []byte) (uint64, []byte) {
	buf = append(buf[:0], 0)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(ref))
	return xxh3.Hash(buf), buf
}
