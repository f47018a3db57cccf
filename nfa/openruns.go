package nfa

import (
	"math"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// OpenRun is a run as it stands between two events: a match that may yet be.
type OpenRun struct {
	FirstAt, LastAt int64        // of its events
	Expires         int64        // ns; the last time at which it can still complete; math.MaxInt64: any
	Events          []BoundEvent // in time order, at most as many as were asked for
	More            int          // events that it has bound beside, between the first and the last of them
}

// Lister is a machine that tells what runs a key has open. All machines of this
// package are. It changes nothing.
type Lister interface {
	// OpenRuns returns up to runs open runs of a state, by their start, each
	// with up to events of its events, and how many there are. Runs that have
	// expired and were not looked at since may be among them.
	OpenRuns(s slab.Handle, runs, events int) (list []OpenRun, all int)
}

// OpenRuns implements Lister.
func (m *determined) OpenRuns(s slab.Handle, runs, events int) ([]OpenRun, int) {
	return m.core.openRuns(s, m.within, runs, events)
}

// OpenRuns implements Lister.
func (m *forking) OpenRuns(s slab.Handle, runs, events int) ([]OpenRun, int) {
	return m.core.openRuns(s, m.within, runs, events)
}

// openRuns reads the runs of a slot.
func (c *core) openRuns(s slab.Handle, within int64, runs, events int) (list []OpenRun, all int) {
	if s == 0 {
		return nil, 0
	}
	w := c.mem.Words(s)
	all = int(w[hdrRuns])
	for i := range min(all, runs) {
		r := c.runAt(w, i)
		o := OpenRun{FirstAt: r.start(), LastAt: r.last(), Expires: expiry(r.start(), within)}
		o.Events, o.More = c.bound(r.head(), events)
		list = append(list, o)
	}
	return list, all
}

// bound reads a chain's events, oldest first: of more than most, the first and
// the newest.
func (c *core) bound(head slab.Handle, most int) (list []BoundEvent, more int) {
	for h := head; h != 0; h = c.prev(h) {
		w := c.mem.Words(c.record(h))
		list = append(list, BoundEvent{Binding: c.binding(h), At: int64(w[1]), Ref: cep.Ref(w[2]), ID: w[3]})
	}
	slices.Reverse(list)
	return clip(list, most)
}

func clip(list []BoundEvent, most int) ([]BoundEvent, int) {
	more := len(list) - most
	if more <= 0 {
		return list, 0
	}
	return append(list[:1:1], list[1+more:]...), more
}

func expiry(start, within int64) int64 {
	if within == 0 || start > math.MaxInt64-within {
		return math.MaxInt64
	}
	return start + within
}

// OpenRuns implements Lister.
func (m *coalesced) OpenRuns(s slab.Handle, runs, events int) (list []OpenRun, all int) {
	if s == 0 {
		return nil, 0
	}
	m.load(s)
	for st := m.base; st != m.end(); st++ {
		at := m.inStep(st)
		if m.dead(st) || at < 0 {
			continue
		}
		if all++; all > runs {
			continue
		}
		var o OpenRun
		for i := range m.steps {
			if m.steps[i].ring < 0 {
				continue
			}
			a, b := m.stretch(i, st)
			for j := a; j < b; j++ {
				e := m.entry(m.steps[i].ring, j)
				o.Events = append(o.Events, BoundEvent{Binding: m.steps[i].Binding, At: int64(e[0]), Ref: cep.Ref(e[1])})
			}
		}
		o.FirstAt, o.LastAt = o.Events[0].At, o.Events[len(o.Events)-1].At
		o.Expires = min(expiry(o.FirstAt, m.within), m.stuck(at, st))
		o.Events, o.More = clip(o.Events, events)
		list = append(list, o)
	}
	return list, all
}

// inStep is the step that holds a start, -1 if none does.
func (m *coalesced) inStep(s uint32) int {
	for i := range m.cuts[:m.held] {
		if c := &m.cuts[i]; c.lo <= s && s < c.hi {
			return i
		}
	}
	return -1
}

// stuck is the time after which a start can get no further than the step that
// holds it.
func (m *coalesced) stuck(i int, s uint32) int64 {
	st := &m.steps[i]
	if w := st.soleWithin(); w > 0 && st.single {
		return m.newest(i, s) + w
	}
	if !st.single && s >= m.ready(i) {
		if n := m.rings[st.ring].n; st.Consecutive && m.number(st.ring, n-1) != m.count-1 {
			return math.MinInt64 // its streak is broken
		}
		return m.doom(i, s)
	}
	return math.MaxInt64
}
