package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// forking runs match each. Per event: deadlines before it (Advance), then every
// run meets it, then a run that has bound nothing yet; each becomes as many
// runs as there are edges it can use. Then cancel, then the report.
//
// While an event is in progress the key's runs stand in scratch space; they go
// back to the slot at its end.
type forking struct {
	*core
	within  int64
	timeout bool
	runs    []uint64 // runs after the event so far
	n       int
	done    []forked
	asks    []uint8 // residual tests of the run at hand: 0 not judged, 1 false, 2 true
	child   run     // the run being made
	nobody  run     // the run that has bound nothing
	kin     kin
	loose   []slab.Handle // nodes of this event, held until its end
	lives   *lives        // of the tracer
	perStep []int32       // scratch of evict
	due     []bool        // scratch of expire
}

// forked is a run that has completed or timed out and left the scratch space.
// It owns its chain.
type forked struct {
	head              slab.Handle
	start             int64
	startSeq, lastSeq uint64
	len, order        int
	hash, firstSeq    uint64 // see distinct
	dropped           bool
}

// kin are the runs that came of runs with one chain, which stand side by side.
// Forks that bind the event in one way share a node, and only among kin can two
// runs be alike.
type kin struct {
	head slab.Handle
	from int
	node []slab.Handle // the chain with the event behind it, by binding
}

func newForking(c *core) *forking {
	r := c.Rule
	return &forking{core: c, within: r.Pattern.Within, timeout: r.Timeout != nil, asks: make([]uint8, len(c.Tests)),
		child: make(run, c.words), nobody: make(run, c.words), kin: kin{node: make([]slab.Handle, len(r.Bindings))}}
}

// Event implements Machine.
func (m *forking) Event(s slab.Handle, ev *Event, emit Emit) slab.Handle {
	if m.tracer == nil && !m.Relevant(ev.Bits, s != 0) {
		return s
	}
	var w []uint64
	n, seq := 0, uint64(0)
	if s != 0 {
		w = m.mem.Words(s)
		n, seq = int(w[hdrRuns]), w[hdrSeq]
	}
	if m.tracer == nil && ev.Bits&m.startBits == 0 && !m.spill && !m.concerns(w, n, ev) {
		return s
	}
	if s != 0 {
		m.mem.Touch(s)
		w[hdrSeq]++
	}
	m.begin(ev, seq, emit)
	m.watch(w, n)
	m.n = 0
	m.family(0)
	for i := range n {
		m.asked = notAsked
		m.meet(m.runAt(w, i))
	}
	m.start()
	m.arrivals()
	m.cancel()
	m.markMatched()
	m.report(m.at)
	m.evict()
	m.part()
	for _, h := range m.loose {
		m.chains.release(h)
	}
	m.loose = m.loose[:0]
	m.core.end()
	return m.store(s, seq+1)
}

// concerns says whether the event can do anything to a run.
func (m *forking) concerns(w []uint64, n int, ev *Event) bool {
	if n > 0 && ev.Bits&m.quitBits != 0 {
		return true
	}
	for i := range n {
		st := &m.Fork.States[m.runAt(w, i).step()]
		if st.touch&ev.Bits != 0 || !st.inert {
			return true
		}
	}
	return false
}

// start lets a run that has bound nothing meet the event.
func (m *forking) start() {
	if m.ev.Bits&m.startBits == 0 && !m.spill {
		return
	}
	m.asked = granted // a start is never left out
	m.family(0)
	clear(m.asks)
	edges := m.Fork.edges(m.Fork.Init)
	for i := range edges { // no absence is armed before anything is bound
		if e := &edges[i]; e.Kind == Take && m.holds(e.When, m.nobody) {
			m.take(m.nobody, e, false)
		}
	}
}

// runIn is the i-th run of the scratch space.
func (m *forking) runIn(i int) run {
	return run(m.runs[i*m.words : (i+1)*m.words : (i+1)*m.words])
}

// extend adds a run to the scratch space; its words are those of its last use.
func (m *forking) extend() run {
	m.n++
	for len(m.runs) < m.n*m.words {
		m.runs = append(m.runs, make([]uint64, max(16*m.words, len(m.runs)))...)
	}
	return m.runIn(m.n - 1)
}

// store brings the runs back to the slot and its header up to date.
func (m *forking) store(s slab.Handle, seq uint64) slab.Handle {
	if m.n == 0 {
		m.mem.Free(s)
		return 0
	}
	need := headWords + m.n*m.words
	if s == 0 {
		s = m.mem.Alloc(need)
	} else if size := len(m.mem.Words(s)); size < need || size > 4*need+64 {
		m.mem.Free(s)
		s = m.mem.Alloc(need + need/2)
	}
	w := m.mem.Words(s)
	copy(w[headWords:], m.runs[:m.n*m.words])
	deadline, idle := never, int64(0)
	for i := range m.n {
		d, _, end := m.horizon(m.runIn(i))
		deadline = min(deadline, d)
		if i == 0 || end > idle {
			idle = end
		}
	}
	w[hdrRuns], w[hdrSeq], w[hdrDeadline], w[hdrIdle] = uint64(m.n), seq, uint64(deadline), uint64(idle)
	return s
}

// load takes the slot's runs into the scratch space.
func (m *forking) load(w []uint64) {
	m.n = 0
	for i := range int(w[hdrRuns]) {
		copy(m.extend(), m.runAt(w, i))
	}
}

// horizon looks ahead: the run's deadline and what it will be then, and the
// time after which it can't matter any more.
func (m *forking) horizon(r run) (deadline int64, kind cep.MatchKind, end int64) {
	st := &m.Fork.States[r.step()]
	end = never
	if m.within > 0 {
		end = r.start() + m.within
	}
	if st.Closing >= 0 && !r.is(flagMatched) {
		d := end
		if within := m.Fork.States[st.Closing].Within; within > 0 {
			d = r.last() + within
		}
		if st.Kind == Pending {
			end = d
		}
		return d, cep.MatchComplete, max(d, end)
	}
	doom := m.doom(r, st)
	if !m.timeout || r.is(flagMatched) || doom < end {
		return never, cep.MatchComplete, min(end, doom)
	}
	return end, cep.MatchTimeout, end
}

// doom is when a run dies of the span of a step or block that is not complete.
func (m *forking) doom(r run, st *State) int64 {
	if st.Kind == Inside {
		return m.blockEnd(r, &m.Steps[st.Block])
	}
	end := never
	if st.Needs.Within > 0 {
		end = r.entry() + st.Needs.Within
	}
	if st.Needs.Gap > 0 {
		end = min(end, r.last()+st.Needs.Gap)
	}
	return end
}

// Advance implements Machine.
func (m *forking) Advance(s slab.Handle, now int64, f *expr.Frame, emit Emit) slab.Handle {
	if s == 0 {
		return 0
	}
	w := m.mem.Words(s)
	if int64(w[hdrDeadline]) >= now && int64(w[hdrIdle]) >= now {
		return s
	}
	m.mem.Touch(s)
	seq := w[hdrSeq]
	m.f, m.emit = f, emit
	f.Syms = m.syms
	m.watch(w, int(w[hdrRuns]))
	m.load(w)
	for m.fire(now) {
	}
	kept := 0
	for i := range m.n {
		r := m.runIn(i)
		if _, _, end := m.horizon(r); end < now {
			m.fall(r, fate{expired: true, at: end})
			m.release(r)
			continue
		}
		copy(m.runIn(kept), r)
		kept++
	}
	m.n = kept
	m.part()
	m.emit = nil
	return m.store(s, seq)
}

// fire handles the earliest deadline before now: what completes then, then what
// times out.
func (m *forking) fire(now int64) bool {
	when := now
	for i := range m.n {
		d, _, _ := m.horizon(m.runIn(i))
		when = min(when, d)
	}
	if when == now {
		return false
	}
	m.mature(when)
	m.markMatched()
	m.report(when)
	m.expire(when)
	m.reportTimeouts(when)
	return true
}

// mature takes out the runs that are complete by the passing of time. A run
// that stands in a loop before the closing absence goes on: what it has bound
// is a match, but it may bind more.
func (m *forking) mature(when int64) {
	kept := 0
	for i := range m.n {
		r := m.runIn(i)
		d, kind, _ := m.horizon(r)
		due := d == when && kind == cep.MatchComplete
		if due {
			m.finish(r)
			r.set(flagMatched)
		}
		if due && m.Fork.States[r.step()].Kind == Pending {
			m.release(r)
			continue
		}
		copy(m.runIn(kept), r)
		kept++
	}
	m.n = kept
}

// expire takes out the runs that time out. What has bound the same as a match,
// or as a run that waits to be one, has not failed.
func (m *forking) expire(when int64) {
	if !m.timeout {
		return
	}
	due := m.due[:0]
	for i := range m.n {
		d, kind, _ := m.horizon(m.runIn(i))
		due = append(due, d == when && kind == cep.MatchTimeout)
	}
	m.due = due
	for i := range m.n {
		r := m.runIn(i)
		for j := range m.n {
			if o := m.runIn(j); due[i] && (o.is(flagMatched) || m.Fork.States[o.step()].Closing >= 0) && m.same(m.chainOf(o), m.chainOf(r)) {
				r.set(flagMatched)
			}
		}
	}
	kept := 0
	for i := range m.n {
		r := m.runIn(i)
		if due[i] {
			if !r.is(flagMatched) {
				m.finish(r)
			}
			m.release(r)
			continue
		}
		copy(m.runIn(kept), r)
		kept++
	}
	m.n = kept
}

// cancel applies "cancel on" to all open runs.
func (m *forking) cancel() {
	for k, q := range m.Quits {
		if !m.unary(q) {
			continue
		}
		kept := 0
		for i := range m.n {
			r := m.runIn(i)
			m.asked = notAsked
			if !m.fits(q, r.head(), r.start()) {
				copy(m.runIn(kept), r)
				kept++
				continue
			}
			m.fall(r, fate{why: Cancelled, index: k})
			m.release(r)
		}
		m.n = kept
	}
}

// Deadline implements Machine.
func (m *forking) Deadline(s slab.Handle) (int64, bool) { return m.header(s, hdrDeadline) }

// Idle implements Machine.
func (m *forking) Idle(s slab.Handle) (int64, bool) { return m.header(s, hdrIdle) }

// Drop implements Machine.
func (m *forking) Drop(s slab.Handle) {
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
func (m *forking) release(r run) {
	m.chains.release(r.head())
	if st := &m.Fork.States[r.step()]; st.Kind == Inside {
		for k := range m.Steps[st.Block].Tracks.len() {
			m.chains.release(m.track(r, k).head())
		}
	}
}

// finish notes a run that is to be reported.
func (m *forking) finish(r run) {
	d := forked{head: r.head(), start: r.start(), startSeq: r.startSeq(), lastSeq: r.lastSeq(), len: r.len(), order: len(m.done)}
	if st := &m.Fork.States[r.step()]; st.Kind == Inside {
		d.head = m.shown(r, &m.Steps[st.Block])
	}
	m.retain(d.head)
	m.done = append(m.done, d)
}
