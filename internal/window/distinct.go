package window

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// distinct counts the distinct values of sliding windows. It keeps every value
// once, with the time it was last seen, in the order of those times: a window
// holds the values last seen within it. So memory goes with the distinct
// values, not with the events, and one list serves all windows of an input.
//
// Up to smallDistinct values lie in one slot, sorted by time, and are searched
// through. Above that they form a hash table threaded by a list from the
// longest unseen to the latest, with a cursor and a count for every window.
// The root has one word: handle<<32 | number of values<<1 | large.
//
// A small slot holds pairs (stamp, value). A large one holds
//
//	[0] handle of the index<<32 | log2 of its length
//	[1] first entry<<32 | last entry, by time; entries count from 1, 0 is none
//	[2] first free entry<<32 | entries ever used
//	[3…] per window: its first entry<<32 | its count
//	then entries of three words: stamp, value, previous<<32 | next
type distinct struct {
	lane    int
	input   int
	kind    cep.Kind
	ordinal bool
	off     int
	spans   []uint64 // lengths of the windows: durations, or events less one; none in a bucket
	keep    uint64   // the longest
}

const (
	smallDistinct = 8
	entryWords    = 3
)

func (d *distinct) len(r []uint64) int { return int(r[d.off] >> 1 & (1<<31 - 1)) }

func (d *distinct) large(r []uint64) bool { return r[d.off]&1 == 1 }

func (d *distinct) base() int { return 3 + len(d.spans) }

func (d *distinct) slot(r []uint64) uint64 { return r[d.off] >> 32 }

func (d *distinct) words(s *Set, r []uint64) []uint64 {
	return s.mem.Words(slab.Handle(d.slot(r)))
}

// enter takes in an event of the lane: its value, and its place in the order.
func (d *distinct) enter(s *Set, r []uint64, at, ord uint64, v Arg) {
	if d.ordinal {
		at = ord
		d.evict(s, r, at)
	}
	if v.Ok {
		d.see(s, r, at, v.Word)
	}
}

// see notes that a value was seen. The windows have been brought to this time.
func (d *distinct) see(s *Set, r []uint64, at, v uint64) {
	if d.large(r) {
		d.seeLarge(s, r, at, v)
		return
	}
	n := d.len(r)
	if d.slot(r) != 0 {
		w := d.words(s, r)
		s.mem.Touch(slab.Handle(d.slot(r)))
		for i := n - 1; i >= 0; i-- {
			if w[2*i+1] == v {
				copy(w[2*i:], w[2*i+2:2*n])
				w[2*n-2], w[2*n-1] = at, v
				return
			}
		}
	}
	if n == smallDistinct {
		d.rebuild(s, r, 2*smallDistinct)
		d.seeLarge(s, r, at, v)
		return
	}
	if n >= s.Limit {
		s.Capped++
		d.dropOldest(s, r)
		n--
	}
	h := s.mem.Grow(slab.Handle(d.slot(r)), 2*n+2)
	s.mem.Touch(h)
	w := s.mem.Words(h)
	w[2*n], w[2*n+1] = at, v
	s.retain(d.kind, v)
	r[d.off] = uint64(h)<<32 | uint64(n+1)<<1
}

// count returns the number of values in window i, of which from is the bound.
func (d *distinct) count(s *Set, r []uint64, i int, from uint64) uint64 {
	n := d.len(r)
	switch {
	case n == 0:
		return 0
	case d.large(r) && i < 0:
		return uint64(n)
	case d.large(r):
		return d.words(s, r)[3+i] & 0xffffffff
	}
	w, k := d.words(s, r), n
	for k > 0 && w[2*k-2] >= from {
		k--
	}
	return uint64(n - k)
}

// lastSeen returns the stamp of a value, 0 if it is not there.
func (d *distinct) lastSeen(s *Set, r []uint64, v uint64) uint64 {
	n := d.len(r)
	if n == 0 {
		return 0
	}
	w := d.words(s, r)
	if d.large(r) {
		_, e := d.find(s, w, v)
		if e == 0 {
			return 0
		}
		return w[d.entry(e)]
	}
	for i := range n {
		if w[2*i+1] == v {
			return w[2*i]
		}
	}
	return 0
}

// oldestAt reports whether the first value of window i has exactly this stamp.
func (d *distinct) oldestAt(s *Set, r []uint64, i int, from uint64) bool {
	n := d.len(r)
	if n == 0 {
		return false
	}
	w := d.words(s, r)
	if d.large(r) {
		e := uint32(w[3+i] >> 32)
		return e != 0 && w[d.entry(e)] == from
	}
	for k := range n {
		if w[2*k] == from {
			return true
		}
	}
	return false
}

// evict brings the windows to ref and forgets what none of them holds.
func (d *distinct) evict(s *Set, r []uint64, ref uint64) {
	if d.len(r) == 0 || len(d.spans) == 0 {
		return
	}
	if d.large(r) {
		w := d.words(s, r)
		for i, span := range d.spans {
			from := before(ref, span)
			for {
				e := uint32(w[3+i] >> 32)
				if e == 0 || w[d.entry(e)] >= from {
					break
				}
				next := w[d.entry(e)+2] & 0xffffffff
				s.mem.Touch(slab.Handle(d.slot(r)))
				w[3+i] = next<<32 | (w[3+i]&0xffffffff - 1)
			}
		}
	}
	from := before(ref, d.keep)
	for d.len(r) > 0 && d.oldest(s, r) < from {
		d.dropOldest(s, r)
	}
}

func (d *distinct) oldest(s *Set, r []uint64) uint64 {
	w := d.words(s, r)
	if d.large(r) {
		return w[d.entry(uint32(w[1]>>32))]
	}
	return w[0]
}

// dropOldest forgets the value that was not seen for longest.
func (d *distinct) dropOldest(s *Set, r []uint64) {
	n := d.len(r)
	w := d.words(s, r)
	s.mem.Touch(slab.Handle(d.slot(r)))
	if !d.large(r) {
		s.release(d.kind, w[1])
		copy(w, w[2:2*n])
		r[d.off] -= 2
		if n == 1 && len(w) > 4 {
			s.mem.Free(slab.Handle(d.slot(r)))
			r[d.off] = 0
		}
		return
	}
	e := uint32(w[1] >> 32)
	k := d.entry(e)
	next := uint32(w[k+2])
	for i := range d.spans { // only a full table drops what a window still holds
		if uint32(w[3+i]>>32) == e {
			w[3+i] = uint64(next)<<32 | (w[3+i]&0xffffffff - 1)
		}
	}
	d.unindex(s, w, w[k+1])
	s.release(d.kind, w[k+1])
	w[1] = uint64(next)<<32 | w[1]&0xffffffff
	if next != 0 {
		w[d.entry(next)+2] &= 0xffffffff
	}
	w[k+2] = w[2] >> 32
	w[2] = uint64(e)<<32 | w[2]&0xffffffff
	r[d.off] -= 2
	if n--; n <= smallDistinct/2 || n*8 <= (len(w)-d.base())/entryWords {
		d.rebuild(s, r, 2*n)
	}
}

func (d *distinct) clear(s *Set, r []uint64) {
	if d.slot(r) == 0 {
		return
	}
	if isSymbol(d.kind) {
		w := d.words(s, r)
		if d.large(r) {
			for e := uint32(w[1] >> 32); e != 0; e = uint32(w[d.entry(e)+2]) {
				s.release(d.kind, w[d.entry(e)+1])
			}
		} else {
			for i := range d.len(r) {
				s.release(d.kind, w[2*i+1])
			}
		}
	}
	if d.large(r) {
		s.mem.Free(slab.Handle(d.words(s, r)[0] >> 32))
	}
	s.mem.Free(slab.Handle(d.slot(r)))
	r[d.off] = 0
}

func (d *distinct) bytes(s *Set, r []uint64) int64 {
	if d.slot(r) == 0 {
		return 0
	}
	w := d.words(s, r)
	n := len(w)
	if d.large(r) {
		n += len(s.mem.Words(slab.Handle(w[0] >> 32)))
	}
	return int64(n) * 8
}
