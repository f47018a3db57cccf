package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// determined runs match first and match latest. A run never forks: an event
// moves it on, is absorbed, kills it or leaves it alone. Per event:
//
//	deadlines before it (Advance) · expiry · every run once · a new run ·
//	cancel · the policy's choice
type determined struct {
	*core
	within  int64
	latest  bool
	atEnd   bool
	timeout bool
	done    []finished // runs that complete with this event
	fresh   run        // the run that this event starts
	perStep []int32    // scratch of evict
	places  []int32    // scratch of overwrite
}

// finished is a run that has completed and left the slot. It owns its chain.
type finished struct {
	head              slab.Handle
	start             int64
	startSeq, lastSeq uint64
	step              int
}

func newDetermined(c *core) *determined {
	r := c.Rule
	return &determined{core: c, within: r.Pattern.Within, latest: r.Policy == dsl.MatchLatest,
		atEnd: r.AtEnd, timeout: r.Timeout != nil, fresh: make(run, c.words)}
}

// Event implements Machine.
func (m *determined) Event(s slab.Handle, ev *Event, emit Emit) slab.Handle {
	if m.tracer == nil && !m.Relevant(ev.Bits, s != 0) {
		return s
	}
	var w []uint64
	n, seq := 0, uint64(0)
	if s != 0 {
		m.mem.Touch(s)
		w = m.mem.Words(s)
		n, seq = int(w[hdrRuns]), w[hdrSeq]
		w[hdrSeq]++
	}
	m.begin(ev, seq, emit)
	kept, changed := 0, false
	for i := range n {
		r := m.runAt(w, i)
		m.asked = notAsked
		switch m.advance(r) {
		case ignored:
			if m.tracer != nil {
				m.refusals(r)
			}
		case moved:
			changed = true
		case completed:
			m.finish(r)
			changed = true
			continue
		case died:
			m.release(r)
			changed = true
			continue
		}
		if kept != i {
			copy(m.runAt(w, kept), r)
		}
		kept++
	}
	if n > 0 {
		w[hdrRuns] = uint64(kept)
	}
	if m.begins() {
		s = m.add(s)
		changed = true
	}
	if s != 0 {
		changed = m.cancel(s) || changed
		if m.latest && changed {
			m.overwrite(s)
		}
	}
	if len(m.done) > 0 {
		m.choose(s)
		changed = true
	}
	m.core.end()
	if !changed {
		return s
	}
	return m.settle(s)
}

// finish takes a completing run's chain over.
func (m *determined) finish(r run) {
	m.done = append(m.done, finished{r.head(), r.start(), r.startSeq(), r.lastSeq(), r.step()})
}

// begins tries to start a run with the event, in m.fresh. A run that completes
// at once is finished; true is a run that must be kept.
func (m *determined) begins() bool {
	if m.ev.Bits&m.startBits == 0 && !m.spill {
		return false
	}
	r := m.fresh
	clear(r)
	r[0], r[2] = uint64(m.at), m.seq
	m.asked = granted // a start is never left out
	way := m.pick(r, m.Starts, true)
	if way < 0 {
		return false
	}
	out := m.take(r, &m.Ways[way])
	if m.tracer != nil {
		m.tracer.Started(m.traced(r))
	}
	switch out {
	case completed:
		m.finish(r)
		return false
	case died:
		m.release(r)
		return false
	}
	return true
}

// add appends the new run to the slot, making room by the budget if need be.
func (m *determined) add(s slab.Handle) slab.Handle {
	if s == 0 {
		s = m.mem.Alloc(headWords + m.words)
		m.mem.Words(s)[hdrSeq] = m.seq + 1
	}
	n := int(m.mem.Words(s)[hdrRuns])
	if n >= m.lim.Starts && m.evict(s) {
		n--
	}
	if need := headWords + (n+1)*m.words; need > len(m.mem.Words(s)) {
		s = m.mem.Grow(s, headWords+2*(n+1)*m.words)
	}
	w := m.mem.Words(s)
	copy(m.runAt(w, n), m.fresh)
	w[hdrRuns] = uint64(n + 1)
	return s
}

// cancel applies "cancel on" to all open runs, the new one included.
func (m *determined) cancel(s slab.Handle) (changed bool) {
	for k, q := range m.Quits {
		if !m.unary(q) {
			continue
		}
		w := m.mem.Words(s)
		kept := 0
		for i := range int(w[hdrRuns]) {
			r := m.runAt(w, i)
			m.asked = notAsked
			if !m.fits(q, r.head(), r.start()) {
				if kept != i {
					copy(m.runAt(w, kept), r)
				}
				kept++
				continue
			}
			changed = true
			if m.atEnd && m.settled(r) {
				m.finish(r)
				continue
			}
			if m.tracer != nil {
				m.tracer.Killed(m.traced(r), Cancelled, k)
			}
			m.release(r)
		}
		w[hdrRuns] = uint64(kept)
	}
	return changed
}

// Advance implements Machine.
func (m *determined) Advance(s slab.Handle, now int64, f *expr.Frame, emit Emit) slab.Handle {
	if s == 0 {
		return 0
	}
	w := m.mem.Words(s)
	if int64(w[hdrDeadline]) >= now && int64(w[hdrIdle]) >= now {
		return s
	}
	m.mem.Touch(s)
	m.f, m.emit = f, emit
	f.Syms = m.syms
	for m.fire(s, now) {
	}
	kept := 0
	for i := range int(w[hdrRuns]) {
		r := m.runAt(w, i)
		if _, _, end := m.horizon(r); end < now {
			if m.tracer != nil {
				m.tracer.Expired(m.traced(r), end)
			}
			m.release(r)
			continue
		}
		if kept != i {
			copy(m.runAt(w, kept), r)
		}
		kept++
	}
	w[hdrRuns] = uint64(kept)
	m.emit = nil
	return m.settle(s)
}

// fire handles the earliest deadline before now, of the earliest start.
func (m *determined) fire(s slab.Handle, now int64) bool {
	w := m.mem.Words(s)
	best, when, kind := -1, now, cep.MatchComplete
	for i := range int(w[hdrRuns]) {
		r := m.runAt(w, i)
		d, k, _ := m.horizon(r)
		if d < when || d == when && best >= 0 && r.startSeq() < m.runAt(w, best).startSeq() {
			best, when, kind = i, d, k
		}
	}
	if best < 0 {
		return false
	}
	r := m.runAt(w, best)
	fin := finished{r.head(), r.start(), r.startSeq(), r.lastSeq(), r.step()}
	if st := &m.Steps[fin.step]; st.Kind == OneStep {
		fin.head = m.shown(r, st)
	}
	m.retain(fin.head)
	if m.tracer != nil {
		m.tracer.Completed(m.traced(r), when, kind)
	}
	m.remove(w, best)
	if kind == cep.MatchTimeout || m.passes(fin.head, fin.start, when) {
		m.report(fin.head, kind, when, false)
		if !m.latest {
			m.prune(s, fin.lastSeq)
		}
	}
	m.chains.release(fin.head)
	return true
}

// remove takes the i-th run out of the slot and frees it.
func (m *determined) remove(w []uint64, i int) {
	m.release(m.runAt(w, i))
	n := int(w[hdrRuns])
	copy(w[headWords+i*m.words:], w[headWords+(i+1)*m.words:headWords+n*m.words])
	w[hdrRuns] = uint64(n - 1)
}

// prune drops the runs that started no later than event seq.
func (m *determined) prune(s slab.Handle, seq uint64) {
	if s == 0 {
		return
	}
	w := m.mem.Words(s)
	kept := 0
	for i := range int(w[hdrRuns]) {
		r := m.runAt(w, i)
		if r.startSeq() <= seq {
			if m.tracer != nil {
				m.tracer.Killed(m.traced(r), Overlapped, 0)
			}
			m.release(r)
			continue
		}
		if kept != i {
			copy(m.runAt(w, kept), r)
		}
		kept++
	}
	w[hdrRuns] = uint64(kept)
}

// settle brings the slot's header up to date and frees a slot without runs.
func (m *determined) settle(s slab.Handle) slab.Handle {
	if s == 0 {
		return 0
	}
	w := m.mem.Words(s)
	n := int(w[hdrRuns])
	if n == 0 {
		m.mem.Free(s)
		return 0
	}
	deadline, idle := never, int64(0)
	for i := range n {
		d, _, end := m.horizon(m.runAt(w, i))
		deadline = min(deadline, d)
		if i == 0 || end > idle {
			idle = end
		}
	}
	w[hdrDeadline], w[hdrIdle] = uint64(deadline), uint64(idle)
	if need := headWords + n*m.words; len(w) > 4*need+64 {
		return m.shrink(s, need)
	}
	return s
}

// shrink moves a slot that has become far too large.
func (m *determined) shrink(s slab.Handle, need int) slab.Handle {
	t := m.mem.Alloc(2 * need)
	copy(m.mem.Words(t), m.mem.Words(s)[:need])
	m.mem.Free(s)
	return t
}

// Deadline implements Machine.
func (m *determined) Deadline(s slab.Handle) (int64, bool) { return m.header(s, hdrDeadline) }

// Idle implements Machine.
func (m *determined) Idle(s slab.Handle) (int64, bool) { return m.header(s, hdrIdle) }

// Drop implements Machine.
func (m *determined) Drop(s slab.Handle) {
	if s == 0 {
		return
	}
	w := m.mem.Words(s)
	for i := range int(w[hdrRuns]) {
		m.release(m.runAt(w, i))
	}
	m.mem.Free(s)
}

// release frees what a run holds.
func (m *determined) release(r run) {
	m.chains.release(r.head())
	st := &m.Steps[r.step()]
	if st.Kind == OneStep {
		for k := range st.Tracks.len() {
			m.chains.release(m.track(r, k).head())
		}
	}
}

// header reads a time of the slot's header.
func (c *core) header(s slab.Handle, word int) (int64, bool) {
	if s == 0 {
		return 0, false
	}
	t := int64(c.mem.Words(s)[word])
	return t, t != never
}
