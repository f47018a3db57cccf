package window

import (
	"math/bits"

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

func (d *distinct) len(r []uint64) int     { return int(r[d.off] >> 1 & (1<<31 - 1)) }
func (d *distinct) large(r []uint64) bool  { return r[d.off]&1 == 1 }
func (d *distinct) base() int              { return 3 + len(d.spans) }
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
				w[3+i] = next<<32 | (w[3+i]&0xffffffff - 1)
				s.mem.Touch(slab.Handle(d.slot(r)))
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

func (d *distinct) seeLarge(s *Set, r []uint64, at, v uint64) {
	w := d.words(s, r)
	s.mem.Touch(slab.Handle(d.slot(r)))
	_, e := d.find(s, w, v)
	if e == 0 {
		if d.len(r) >= s.Limit {
			s.Capped++
			d.dropOldest(s, r)
			d.see(s, r, at, v)
			return
		}
		n := d.len(r)
		if n == (len(w)-d.base())/entryWords {
			d.rebuild(s, r, 2*n)
			w = d.words(s, r)
		}
		if e = uint32(w[2] >> 32); e != 0 {
			w[2] = w[d.entry(e)+2]<<32 | w[2]&0xffffffff
		} else {
			w[2]++
			e = uint32(w[2])
		}
		s.retain(d.kind, v)
		d.index(s, w, v, e)
		r[d.off] += 2
		for i := range d.spans {
			d.gain(w, i, e)
		}
		d.append(w, e, at, v)
		return
	}
	k := d.entry(e)
	next := uint32(w[k+2])
	for i := range d.spans {
		switch c := uint32(w[3+i] >> 32); {
		case c == e && next != 0:
			w[3+i] = uint64(next)<<32 | w[3+i]&0xffffffff
		case c == e: // the latest stays the latest
		case c == 0 || w[k] < w[d.entry(c)]: // a window holds all values of a stamp or none
			d.gain(w, i, e)
		}
	}
	d.unlink(w, e)
	d.append(w, e, at, v)
}

// gain counts one more value in window i; e is its first if it had none.
func (d *distinct) gain(w []uint64, i int, e uint32) {
	if w[3+i]>>32 == 0 {
		w[3+i] |= uint64(e) << 32
	}
	w[3+i]++
}

func (d *distinct) entry(e uint32) int { return d.base() + int(e-1)*entryWords }

// append puts an entry at the end of the list.
func (d *distinct) append(w []uint64, e uint32, at, v uint64) {
	last := uint32(w[1])
	k := d.entry(e)
	w[k], w[k+1], w[k+2] = at, v, uint64(last)<<32
	if last == 0 {
		w[1] = uint64(e)<<32 | uint64(e)
		return
	}
	w[d.entry(last)+2] |= uint64(e)
	w[1] = w[1]&^0xffffffff | uint64(e)
}

func (d *distinct) unlink(w []uint64, e uint32) {
	link := w[d.entry(e)+2]
	prev, next := link>>32, link&0xffffffff
	if prev != 0 {
		k := d.entry(uint32(prev)) + 2
		w[k] = w[k]&^0xffffffff | next
	} else {
		w[1] = next<<32 | w[1]&0xffffffff
	}
	if next != 0 {
		k := d.entry(uint32(next)) + 2
		w[k] = w[k]&0xffffffff | prev<<32
	} else {
		w[1] = w[1]&^0xffffffff | prev
	}
}

// rebuild moves the values to a slot for n of them or a little more, large if
// that is above smallDistinct, with a fresh index.
func (d *distinct) rebuild(s *Set, r []uint64, n int) {
	old, have := slab.Handle(d.slot(r)), d.len(r)
	was := d.large(r)
	var from []uint64
	if old != 0 {
		from = s.mem.Words(old)
	}
	large := n > smallDistinct
	words := max(2*have, 2)
	if large {
		words = d.base() + n*entryWords
	}
	h := s.mem.Alloc(words)
	w := s.mem.Words(h)
	r[d.off] = uint64(h)<<32 | uint64(have)<<1
	if large {
		r[d.off] |= 1
		log := bits.Len(uint(2*((len(w)-d.base())/entryWords) - 1))
		w[0] = uint64(s.mem.Alloc(1<<log/2))<<32 | uint64(log)
		w[2] = uint64(have)
	}
	next := uint32(0)
	if was {
		next = uint32(from[1] >> 32)
	}
	for i := range have {
		k, e := 2*i, next
		if was {
			k = d.entry(e)
			next = uint32(from[k+2])
		}
		at, v := from[k], from[k+1]
		if !large {
			w[2*i], w[2*i+1] = at, v
			continue
		}
		d.append(w, uint32(i+1), at, v)
		d.index(s, w, v, uint32(i+1))
		for j := range d.spans {
			if was && uint32(from[3+j]>>32) == e {
				w[3+j] = uint64(i+1)<<32 | from[3+j]&0xffffffff
			}
		}
	}
	if large && !was {
		for i := range d.spans { // all of them in every window: evict brings it forward
			w[3+i] = w[1]>>32<<32 | uint64(have)
		}
	}
	if was {
		s.mem.Free(slab.Handle(from[0] >> 32))
	}
	s.mem.Free(old)
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

// The index of a large table: entries by hash of their value, two to a word,
// linear probing, at most half full, deletion by shifting back.

func hash(v uint64) uint64 {
	v ^= v >> 32
	v *= 0x9e3779b97f4a7c15
	v ^= v >> 29
	v *= 0xbf58476d1ce4e5b9
	return v ^ v>>32
}

func slotAt(ix []uint64, i uint64) uint32 { return uint32(ix[i>>1] >> (i & 1 * 32)) }

func setSlot(ix []uint64, i uint64, e uint32) {
	shift := i & 1 * 32
	ix[i>>1] = ix[i>>1]&^(0xffffffff<<shift) | uint64(e)<<shift
}

// find returns the place in the index and the entry of a value; entry 0 and a
// free place if it is not there.
func (d *distinct) find(s *Set, w []uint64, v uint64) (i uint64, e uint32) {
	ix := s.mem.Words(slab.Handle(w[0] >> 32))
	mask := uint64(1)<<(w[0]&63) - 1
	for i = hash(v) & mask; ; i = (i + 1) & mask {
		if e = slotAt(ix, i); e == 0 || w[d.entry(e)+1] == v {
			return i, e
		}
	}
}

func (d *distinct) index(s *Set, w []uint64, v uint64, e uint32) {
	h := slab.Handle(w[0] >> 32)
	ix := s.mem.Words(h)
	s.mem.Touch(h)
	mask := uint64(1)<<(w[0]&63) - 1
	i := hash(v) & mask
	for slotAt(ix, i) != 0 {
		i = (i + 1) & mask
	}
	setSlot(ix, i, e)
}

func (d *distinct) unindex(s *Set, w []uint64, v uint64) {
	h := slab.Handle(w[0] >> 32)
	ix := s.mem.Words(h)
	s.mem.Touch(h)
	mask := uint64(1)<<(w[0]&63) - 1
	i, _ := d.find(s, w, v)
	for j := (i + 1) & mask; slotAt(ix, j) != 0; j = (j + 1) & mask {
		e := slotAt(ix, j)
		home := hash(w[d.entry(e)+1]) & mask
		if (j-home)&mask >= (j-i)&mask {
			setSlot(ix, i, e)
			i = j
		}
	}
	setSlot(ix, i, 0)
}
