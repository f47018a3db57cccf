package slab

import (
	"encoding/binary"
	"math/bits"
)

// A checkpoint needs the pages as they are at one moment, and copying them
// takes far longer than anybody can wait. Hold takes that moment: from then on,
// whoever is about to change a slot has the piece of the page that it lies in
// copied first, and Drain copies the rest in small portions. A held page is cut
// into up to 64 pieces, of 512 bytes where the page is one of many slots, so a
// change costs the copying of a piece or two, not of the page.
type hold struct {
	page uint32
	used uint32 // words to copy
	left uint64 // pieces that are not copied yet, by bit
	h    Header
	data []byte // the page as AppendPage writes it
}

const pieces = 64

// piece is how many words of a page a piece has.
func (d *hold) piece() uint32 {
	if d.h.Size <= PageWords {
		return PageWords / pieces
	}
	return (d.used + pieces - 1) / pieces
}

// Hold begins to copy every page that has changed since the last call of Hold
// or Dirty, or, if all is set, every page in use, as they are now. It takes the
// marks away. gone is called for changed pages that are not in use any more;
// take gives the memory for a copy. Copies that Held has not handed out are
// given up.
func (a *Arena) Hold(all bool, gone func(page uint32), take func(n int) []byte) {
	for i := range a.holds {
		if p := &a.pages[a.holds[i].page]; p.hold == uint32(i)+1 {
			p.hold = 0
		}
	}
	clear(a.holds)
	a.holds, a.copy = a.holds[:0], 0
	for i := range a.pages {
		p := &a.pages[i]
		dirty := p.dirty
		p.dirty = false
		switch {
		case p.live > 0 && (all || dirty):
			used := uint32(p.used())
			d := hold{page: uint32(i), used: used, h: p.header(), data: take(headerBytes + 8*int(used))}
			if n := (used + max(d.piece(), 1) - 1) / max(d.piece(), 1); n > 0 {
				d.left = ^uint64(0) >> (pieces - n)
			}
			a.holds = append(a.holds, d)
			p.hold = uint32(len(a.holds))
		case dirty && !all:
			gone(uint32(i))
		}
	}
}

// settle copies the pieces of a held page that a slot lies in.
func (a *Arena) settle(h Handle) {
	p, off := &a.pages[h>>pageBits], uint32(h%PageWords)
	d := &a.holds[p.hold-1]
	if off >= d.used {
		return
	}
	piece := d.piece()
	first, last := off/piece, min(off+p.size, d.used)
	for k := first; k*piece < last; k++ {
		if d.left>>k&1 != 0 {
			d.take(p.words, k, piece)
		}
	}
	if d.left == 0 {
		p.hold = 0
	}
}

// letGo copies what is left of a page whose memory is about to be reused.
func (a *Arena) letGo(n uint32) {
	if p := &a.pages[n]; p.hold != 0 {
		a.holds[p.hold-1].finish(p.words)
		p.hold = 0
	}
}

func (d *hold) take(words []uint64, k, piece uint32) {
	d.left &^= 1 << k
	from, to := k*piece, min((k+1)*piece, d.used)
	putWords(d.data[headerBytes+8*from:], words[from:to])
}

// finish copies all that is left, in stretches.
func (d *hold) finish(words []uint64) {
	piece := d.piece()
	for d.left != 0 {
		k := uint32(bits.TrailingZeros64(d.left))
		n := uint32(bits.TrailingZeros64(^(d.left >> k)))
		from, to := k*piece, min((k+n)*piece, d.used)
		putWords(d.data[headerBytes+8*from:], words[from:to])
		d.left &^= ^uint64(0) >> (pieces - n) << k
	}
}

// Drain copies some more of what is held, about so many bytes, and returns how
// many it copied; 0: all is copied.
func (a *Arena) Drain(n int) (copied int) {
	for ; a.copy < len(a.holds) && copied < n; a.copy++ {
		d := &a.holds[a.copy]
		if p := &a.pages[d.page]; p.hold == uint32(a.copy)+1 {
			d.finish(p.words)
			p.hold = 0
		}
		d.putHeader()
		copied += len(d.data)
	}
	return copied
}

// putHeader writes the header before the words.
func (d *hold) putHeader() {
	AppendPage(d.data[:0], d.h, nil)
	binary.LittleEndian.PutUint32(d.data[headerBytes-4:], d.used)
}

// Held hands out the copies, in the form that Load takes. All of them have been
// drained.
func (a *Arena) Held(f func(page uint32, data []byte)) {
	if a.copy != len(a.holds) {
		panic("slab: copies are handed out that are not complete")
	}
	for i := range a.holds {
		f(a.holds[i].page, a.holds[i].data)
	}
	clear(a.holds)
	a.holds, a.copy = a.holds[:0], 0
}

func putWords(dst []byte, words []uint64) {
	if littleEndian && len(words) > 0 {
		copy(dst, bytesOf(words))
		return
	}
	for i, w := range words {
		binary.LittleEndian.PutUint64(dst[8*i:], w)
	}
}
