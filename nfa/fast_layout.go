package nfa

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/internal/slab"
)

// A key's state is one slot: a header, then the logs, each a stretch of the slot
// with room to grow at its end.
//
//	w0   number of the first start, as events of the header below count them
//	…    per step but a completing one  hi <<32 | lo
//	…    per step that repeats          full
//	…    per log                        capacity <<42 | first <<21 | entries
//	     events of the key              if entries are numbered
//	     earliest deadline              if runs can wait for one
//
// A log entry is an event that the step has taken:
//
//	time · cep.Ref · link · number · identity · captured fields
//
// number stands only in numbered programs, identity where the event type
// declares an id (any other identity is made of the cep.Ref). link is the
// interval of starts that took the event, hi <<32 | lo. In log 0 the j-th entry
// is also the j-th start, which makes hi needless: its link is lo and the mark
// of the dead, and is left out where neither is needed.
type layout struct {
	rings  []ringLayout
	fullAt []int // word by step, -1 none
	ringAt int
	numAt  int
	dueAt  int
	head   int // words of the header
	held   int // steps that can hold starts
}

// ringLayout is how the entries of a log lie.
type ringLayout struct {
	step int
	size int // words of an entry
	link int // offsets in an entry, -1 none
	num  int
	id   int
	caps int
}

const deadMark = 1 << 63

// place lays the slot out.
func (c *fastProg) place() {
	c.marked = c.gaps || !c.steps[0].single
	c.held = len(c.steps)
	if last := c.last(); c.held > 1 && last.final && last.Lo == 1 {
		c.held-- // it completes: what it takes is never kept
	}
	at := 1 + c.held
	for i := range c.steps {
		c.fullAt = append(c.fullAt, -1)
		if i < c.held && !c.steps[i].single {
			c.fullAt[i] = at
			at++
		}
	}
	for i := range c.steps[:c.held] {
		s := &c.steps[i]
		s.ring = len(c.rings)
		r := ringLayout{step: i, size: 2, link: -1, num: -1, id: -1}
		add := func(on bool, at *int) {
			if on {
				*at = r.size
				r.size++
			}
		}
		add(i > 0 || c.marked, &r.link)
		add(c.numbered, &r.num)
		add(s.known, &r.id)
		r.caps = r.size
		r.size += s.caps.Words()
		c.rings = append(c.rings, r)
	}
	c.ringAt = at
	at += len(c.rings)
	c.numAt, c.dueAt = -1, -1
	if c.numbered {
		c.numAt = at
		at++
	}
	if c.waits {
		c.dueAt = at
		at++
	}
	c.head = at
}

// ring is a log of the state at hand.
type ring struct {
	n, off, cap int
	at          int // word of the slot where it begins
	size        int
}

const (
	ringBits = 21
	ringMask = 1<<ringBits - 1
)

// load takes a slot apart.
func (m *coalesced) load(h slab.Handle) {
	m.slot = h
	m.mem.Ready(h)
	w := m.mem.Words(h)
	m.words = w
	m.base = uint32(w[0])
	for i := range m.cuts[:m.held] {
		c := &m.cuts[i]
		c.lo, c.hi = uint32(w[1+i]), uint32(w[1+i]>>32)
		c.full = 0
		if at := m.fullAt[i]; at >= 0 {
			c.full = uint32(w[at])
		}
		c.arrived, c.absorbed = false, false
	}
	at := m.head
	for i := range m.rings {
		r, x := &m.rings[i], w[m.ringAt+i]
		r.n, r.off, r.cap = int(x&ringMask), int(x>>ringBits&ringMask), int(x>>(2*ringBits))
		r.at, r.size = at, m.layout.rings[i].size
		at += r.cap * r.size
		m.crowded = m.crowded || r.n >= m.crowd && r.off+r.n == r.cap && 2*r.off < r.n
	}
	if m.numAt >= 0 {
		m.count = w[m.numAt]
	}
}

// save writes the header back.
func (m *coalesced) save() {
	w := m.words
	w[0] = uint64(m.base)
	for i := range m.cuts[:m.held] {
		c := &m.cuts[i]
		w[1+i] = uint64(c.hi)<<32 | uint64(c.lo)
		if at := m.fullAt[i]; at >= 0 {
			w[at] = uint64(c.full)
		}
	}
	for i := range m.rings {
		r := &m.rings[i]
		w[m.ringAt+i] = uint64(r.cap)<<(2*ringBits) | uint64(r.off)<<ringBits | uint64(r.n)
	}
	if m.numAt >= 0 {
		w[m.numAt] = m.count
	}
	if m.dueAt >= 0 {
		w[m.dueAt] = uint64(m.due())
	}
	m.mem.Touch(m.slot)
}

// fresh makes the slot of a key that has none.
func (m *coalesced) fresh() {
	m.base, m.count = 0, 0
	clear(m.cuts)
	for i := range m.rings {
		m.rings[i] = ring{size: m.layout.rings[i].size}
	}
	m.rings[0].cap = 1
	m.slot, m.words = 0, nil
	m.move(0)
}

// move puts the state into a slot that has the rings' capacities, and gives
// what room is left over to ring r.
func (m *coalesced) move(r int) {
	need := m.head
	for i := range m.rings {
		need += m.rings[i].cap * m.rings[i].size
	}
	h := m.mem.Alloc(need)
	w := m.mem.Words(h)
	m.rings[r].cap += (len(w) - need) / m.rings[r].size
	at := m.head
	for i := range m.rings {
		q := &m.rings[i]
		copy(w[at:], m.words[q.at+q.off*q.size:q.at+(q.off+q.n)*q.size])
		q.at, q.off = at, 0
		at += q.cap * q.size
	}
	m.mem.Free(m.slot)
	m.slot, m.words = h, w
}

// room makes sure that log r can take one more entry.
func (m *coalesced) room(r int) {
	q := &m.rings[r]
	switch {
	case q.off+q.n < q.cap:
	case q.off > 0 && 2*q.off >= q.n:
		copy(m.words[q.at:], m.words[q.at+q.off*q.size:q.at+(q.off+q.n)*q.size])
		q.off = 0
	default:
		for i := range m.rings { // what is trimmed elsewhere needs no room
			m.rings[i].cap = max(m.rings[i].n, m.rings[i].cap-m.rings[i].off)
		}
		q.cap += 1 + q.cap/2
		m.move(r)
	}
}

// entry is the j-th entry of log r.
func (m *coalesced) entry(r, j int) []uint64 {
	q := &m.rings[r]
	at := q.at + (q.off+j)*q.size
	return m.words[at : at+q.size : at+q.size]
}

// append adds the current event to log r.
func (m *coalesced) append(r int, link uint64) {
	m.room(r)
	q, l := &m.rings[r], &m.layout.rings[r]
	q.n++
	e := m.entry(r, q.n-1)
	e[0], e[1] = uint64(m.at), uint64(m.f.Ref)
	if l.link >= 0 {
		e[l.link] = link
	}
	if l.num >= 0 {
		e[l.num] = m.seq
	}
	if l.id >= 0 {
		e[l.id] = m.identity()
	}
	m.steps[l.step].caps.Store(e[l.caps:], m.f)
}

// identity is the hash of the current event's reference.
func (m *coalesced) identity() uint64 {
	if !m.hasID {
		m.id, m.spare = Identity(m.f, m.spare)
		m.hasID = true
	}
	return m.id
}

// lo and hi are the interval of starts that took the j-th entry of log r.
func (m *coalesced) lo(r, j int) uint32 {
	l := m.layout.rings[r].link
	if l < 0 {
		return m.base + uint32(j)
	}
	return uint32(m.entry(r, j)[l])
}

func (m *coalesced) hi(r, j int) uint32 {
	if r == 0 {
		return m.base + uint32(j) + 1
	}
	return uint32(m.entry(r, j)[m.layout.rings[r].link] >> 32)
}

func (m *coalesced) timeOf(r, j int) int64 { return int64(m.entry(r, j)[0]) }

// number of the event of the j-th entry of log r.
func (m *coalesced) number(r, j int) uint64 { return m.entry(r, j)[m.layout.rings[r].num] }

// startAt is the time of a start.
func (m *coalesced) startAt(s uint32) int64 { return m.timeOf(0, int(s-m.base)) }

// end is the number of the next start.
func (m *coalesced) end() uint32 { return m.base + uint32(m.rings[0].n) }

func (m *coalesced) dead(s uint32) bool {
	return m.marked && m.entry(0, int(s-m.base))[m.layout.rings[0].link]&deadMark != 0
}

// kill marks the starts [lo, hi) as dead.
func (m *coalesced) kill(lo, hi uint32) {
	for s := lo; s < hi; s++ {
		m.entry(0, int(s-m.base))[m.layout.rings[0].link] |= deadMark
	}
}

// alive is the first live start of [lo, hi).
func (m *coalesced) alive(lo, hi uint32) (uint32, bool) {
	for ; lo < hi; lo++ {
		if !m.dead(lo) {
			return lo, true
		}
	}
	return hi, false
}

// pop drops the first k entries of log r.
func (m *coalesced) pop(r, k int) {
	if k == 0 {
		return
	}
	q, l := &m.rings[r], &m.layout.rings[r]
	if caps := m.steps[l.step].caps; caps.Symbols() {
		for j := range k {
			caps.Release(m.entry(r, j)[l.caps:], m.syms)
		}
	}
	q.off += k
	q.n -= k
	if q.n == 0 {
		q.off = 0
	}
}

// settle drops what no live start needs and writes the state back; it returns
// the key's slot, 0 if no start is left.
func (m *coalesced) settle() slab.Handle {
	front, live := m.end(), false
	for i := range m.cuts[:m.held] {
		c := &m.cuts[i]
		if m.marked {
			for c.lo < c.hi && m.dead(c.lo) {
				c.lo++
			}
		}
		c.full = max(c.full, c.lo)
		if c.lo < c.hi {
			live = true
			front = min(front, c.lo)
		}
	}
	if !live {
		m.free()
		return 0
	}
	m.pop(0, int(front-m.base))
	m.base = front
	for r := 1; r < len(m.rings); r++ {
		k := 0
		for k < m.rings[r].n && m.hi(r, k) <= front {
			k++
		}
		m.pop(r, k)
	}
	m.compact()
	m.save()
	return m.slot
}

// compact moves a state into a smaller slot when it has become far too large.
func (m *coalesced) compact() {
	const small = 64
	if len(m.words) <= small {
		return
	}
	used := m.head
	for i := range m.rings {
		used += m.rings[i].n * m.rings[i].size
	}
	if 4*used > len(m.words) {
		return
	}
	for i := range m.rings {
		m.rings[i].cap = m.rings[i].n
	}
	m.rings[0].cap += m.rings[0].n / 2
	m.move(0)
}

// free drops the state at hand.
func (m *coalesced) free() {
	for r := range m.rings {
		m.pop(r, m.rings[r].n)
	}
	m.mem.Free(m.slot)
	m.slot, m.words = 0, nil
}

// Drop implements Machine.
func (m *coalesced) Drop(s slab.Handle) {
	if s != 0 {
		m.load(s)
		m.free()
	}
}

// squeeze takes dead starts out from between live ones, and with them the
// entries that no live start is bound to. Starts are numbered anew from 0. It
// costs as much as the state is long and is called when a log is full, so a
// state is never much longer than what its live starts need.
func (m *coalesced) squeeze() {
	m.squeezes++
	n := m.rings[0].n
	m.marks = slices.Grow(m.marks[:0], 2*(n+1))[:2*(n+1)]
	live, pos := m.marks[:n+1], m.marks[n+1:] // live starts before j; entries kept before j
	clear(live)
	for i := range m.cuts {
		for s := m.cuts[i].lo; s < m.cuts[i].hi; s++ {
			if !m.dead(s) {
				live[s-m.base+1] = 1
			}
		}
	}
	for j := 1; j <= n; j++ {
		live[j] += live[j-1]
	}
	from := func(v uint32) uint32 { return min(max(v, m.base)-m.base, uint32(n)) }
	kept := uint32(0)
	for j := range n {
		pos[j] = kept
		if live[j+1] > live[from(m.lo(0, j))] {
			kept++
		}
	}
	pos[n] = kept
	for r := range m.rings {
		q, l := &m.rings[r], &m.layout.rings[r]
		caps := m.steps[l.step].caps
		k := 0
		for j := range q.n {
			e := m.entry(r, j)
			lo, hi := from(m.lo(r, j)), from(m.hi(r, j))
			if live[hi] == live[lo] {
				caps.Release(e[l.caps:], m.syms)
				continue
			}
			if l.link >= 0 {
				link := uint64(pos[lo])
				if r == 0 {
					link |= e[l.link] & deadMark
				} else {
					link |= uint64(pos[hi]) << 32
				}
				e[l.link] = link
			}
			copy(m.entry(r, k), e)
			k++
		}
		q.n = k
	}
	for i := range m.cuts {
		c := &m.cuts[i]
		c.lo, c.hi, c.full = pos[from(c.lo)], pos[from(c.hi)], pos[from(c.full)]
	}
	m.base = 0
}

// bound is the most that a key's slot can take. A log holds what the live starts
// are bound to; it is squeezed when it is full, and has at most twice the room
// that it needs then.
func (c *fastProg) bound(lim Limits) StateBound {
	b := StateBound{Runs: max(lim.Starts, len(c.steps)), Events: min(c.mostEvents(lim.Events), lim.Events+len(c.steps))}
	words := c.head
	for _, l := range c.layout.rings {
		st := &c.steps[l.step]
		need := b.Runs + 1
		switch {
		case st.Hi == 0:
			need += lim.Events
		case st.Hi > 1:
			need += min(lim.Events, b.Runs*(st.Hi-1))
		}
		words += (2*need + 16) * l.size
	}
	b.Bytes = int64(slotBytes(words))
	b.Text = fmt.Sprintf("%d starts and the events that they share in one slot of %d B", b.Runs, b.Bytes)
	return b
}
