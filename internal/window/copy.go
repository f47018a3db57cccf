package window

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// Copy makes a state of another set that reads as h does, and goes on as h
// would. The sets have the same specs, but may have different arenas and
// symbols; neither has a current event.
func (s *Set) Copy(h slab.Handle, to *Set) slab.Handle {
	c := copier{from: s, to: to, same: s.syms == to.syms}
	g := to.mem.Alloc(s.root)
	to.mem.Touch(g)
	c.q, c.r = to.mem.Words(g), s.mem.Words(h)
	copy(c.q, c.r[:s.root])
	for i := range s.pops {
		c.population(&s.pops[i])
	}
	return g
}

// Peek is Read for somebody whose time is not the state's: it does not move the
// state to a later one. That costs a copy of the state, unless it has a current
// event or has seen a later time anyway.
func (s *Set) Peek(h slab.Handle, at int64, i int) (w cep.Word, ok bool) {
	if h == 0 || s.open && s.cur == h || stamp(at) <= s.mem.Words(h)[clock] {
		return s.Read(h, at, i)
	}
	c := s.Copy(h, s)
	w, ok = s.Read(c, at, i) // the state holds its symbols too
	s.Drop(c)
	return w, ok
}

// copier copies one state: its root has been copied word by word, and
// whatever the words refer to follows.
type copier struct {
	from, to *Set
	r, q     []uint64 // roots
	same     bool     // the sets share their symbols
}

func (c *copier) population(p *population) {
	if p.ring.stride > 0 {
		c.queue(&p.ring)
		for _, col := range p.cols {
			if isSymbol(col.kind) {
				c.records(&p.ring, col.kind, col.off)
			}
		}
	}
	for i := range p.spans {
		c.accs(p.spans[i].accs)
	}
	for i := range p.extremes {
		e := &p.extremes[i]
		c.queue(&e.q)
		if isSymbol(e.kind) {
			c.records(&e.q, e.kind, 1)
		}
	}
	for i := range p.recents {
		if l := &p.recents[i]; l.val >= 0 {
			c.value(&c.q[l.val], l.kind)
		}
	}
	for i := range p.distinct {
		c.distinct(&p.distinct[i])
	}
	for i := range p.buckets {
		c.accs(p.buckets[i].accs)
	}
}

// value makes a copied word one of the other set's, which holds a reference of
// its own if it is a symbol.
func (c *copier) value(w *uint64, kind cep.Kind) {
	switch {
	case !isSymbol(kind):
	case c.same:
		c.to.retain(kind, *w)
	default:
		*w = uint64(c.to.syms.Intern(c.from.syms.Str(slab.Symbol(*w))))
	}
}

func (c *copier) slot(h slab.Handle) slab.Handle {
	if h == 0 {
		return 0
	}
	w := c.from.mem.Words(h)
	g := c.to.mem.Alloc(len(w))
	copy(c.to.mem.Words(g), w)
	return g
}

// high copies the slot whose handle stands in the upper half of a word.
func (c *copier) high(w *uint64) {
	*w = uint64(c.slot(slab.Handle(*w>>32)))<<32 | *w&0xffffffff
}

func (c *copier) queue(q *queue) {
	c.high(&c.q[q.off])
	if q.handle(c.r) == 0 || q.capacity(c.r) != 0 {
		return
	}
	for k := range (q.front(c.r) + q.len(c.r) + q.per - 1) / q.per {
		q.setChunk(c.to.mem, c.q, k, c.slot(q.chunk(c.from.mem, c.r, k)))
	}
}

// records makes the values at one place of all records of a queue the other
// set's.
func (c *copier) records(q *queue, kind cep.Kind, off int) {
	for i := range q.len(c.q) {
		c.value(&q.at(c.to.mem, c.q, i)[off], kind)
	}
}

func (c *copier) accs(accs []acc) {
	for i := range accs {
		a := &accs[i]
		if a.kind == cep.KindNumber {
			if a.sum >= 0 {
				c.high(&c.q[a.sum])
			}
			if a.sq >= 0 {
				c.high(&c.q[a.sq])
			}
		}
		if a.rank >= 0 {
			c.high(&c.q[a.rank])
		}
		for _, off := range [...]int{a.low, a.high, a.first, a.last} {
			if off >= 0 {
				c.value(&c.q[off], a.kind)
			}
		}
	}
}

func (c *copier) distinct(d *distinct) {
	c.high(&c.q[d.off])
	if d.slot(c.q) == 0 {
		return
	}
	w := d.words(c.to, c.q)
	if !d.large(c.q) {
		for i := range d.len(c.q) {
			c.value(&w[2*i+1], d.kind)
		}
		return
	}
	c.high(&w[0])
	if !isSymbol(d.kind) {
		return
	}
	clear(c.to.mem.Words(slab.Handle(w[0] >> 32))) // it goes by the numbers of symbols
	for e := uint32(w[1] >> 32); e != 0; e = uint32(w[d.entry(e)+2]) {
		v := &w[d.entry(e)+1]
		c.value(v, d.kind)
		d.index(c.to, w, *v, e)
	}
}
