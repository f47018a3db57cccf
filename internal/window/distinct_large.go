package window

import (
	"math/bits"

	"github.com/weir-cep/weir/internal/slab"
)

// seeLarge is see for a large table.
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
