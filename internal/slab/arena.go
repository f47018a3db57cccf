package slab

import "math/bits"

// Handle addresses a slot of an Arena: the page in the upper 20 bits, the word
// in the page in the lower 12. 0 is "none".
type Handle uint32

// Limits of an arena.
const (
	PageWords = 1 << pageBits        // words of a page: 32 KiB
	MaxPages  = 1 << (32 - pageBits) // pages of an arena: 32 GiB of small slots

	pageBits  = 12
	largeStep = 512 // a slot above PageWords is rounded up to a multiple of this
	spareMin  = 16  // empty pages kept for any class before memory goes back to Go
)

// LayoutVersion names the layout of pages and slots; it changes with it, so
// that a reader of copied pages can tell.
const LayoutVersion = 1

// Arena hands out slots of words by size class from pages of 32 KiB. A page
// belongs to one class while any of its slots is in use; then any class may
// have it. A slot above PageWords has a page of its own.
//
// Within a page, free slots are chained through their first word. Each class
// chains the pages that have room, so Alloc and Free take constant time.
type Arena struct {
	pages []page // pages[0] is never used, so no slot has handle 0
	room  [numClasses]uint32
	spare []uint32 // empty pages of PageWords words
	empty []uint32 // pages whose memory the system has back
	bare  []uint32 // page numbers without memory
	chunk []uint64 // what is left of the latest chunk
	holds []hold   // pages that are being copied
	copy  int      // the first of them that may not be complete

	slots         int
	live          int64 // words in use, by class size
	reserved      int64 // words of all pages
	reservedPages int
}

type page struct {
	words      []uint64
	size       uint32 // words of a slot; 0 while the page is empty
	prev, next uint32 // neighbours in the chain of pages with room
	live       uint16
	free       uint16 // 1 + offset of the first free slot, 0 if none
	fresh      uint16 // slots from here on were never used and are zero
	hold       uint32 // 1 + its place among the arena's holds, 0: none
	class      uint8
	dirty      bool
	chained    bool
}

// NewArena returns an empty arena. It reserves nothing until the first Alloc.
func NewArena() *Arena { return &Arena{pages: make([]page, 1)} }

// Alloc returns a zeroed slot of at least the given number of words.
func (a *Arena) Alloc(words int) Handle {
	if words > PageWords {
		return a.allocLarge(words)
	}
	c := classOf(words)
	n := a.room[c]
	if n == 0 {
		n = a.newPage(c)
	}
	p := &a.pages[n]
	var off uint32
	if p.free != 0 {
		off = uint32(p.free - 1)
		if p.hold != 0 {
			a.settle(Handle(n<<pageBits | off))
		}
		s := p.words[off : off+p.size]
		p.free = uint16(s[0])
		clear(s)
	} else {
		off = uint32(p.fresh)
		p.fresh += uint16(p.size)
	}
	p.live++
	p.dirty = true
	a.slots++
	a.live += int64(p.size)
	if p.free == 0 && uint32(p.fresh)+p.size > PageWords {
		a.unchain(n)
	}
	return Handle(n<<pageBits | off)
}

// Words returns the whole slot, which may be longer than what was asked for.
// It stays valid until the slot is freed or grown, whatever else is allocated.
func (a *Arena) Words(h Handle) []uint64 {
	p := &a.pages[h>>pageBits]
	off := uint32(h) % PageWords
	return p.words[off : off+p.size : off+p.size]
}

// Grow returns a slot of at least the given number of words with h's content:
// h itself if that is large enough, else a new one, and h is freed. The new
// words are zero. Growing 0 is Alloc.
func (a *Arena) Grow(h Handle, words int) Handle {
	if h == 0 {
		return a.Alloc(words)
	}
	old := a.Words(h)
	if words <= len(old) {
		return h
	}
	g := a.Alloc(words)
	copy(a.Words(g), old)
	a.Free(h)
	return g
}

// Free gives the slot back. Freeing 0 does nothing.
func (a *Arena) Free(h Handle) {
	if h == 0 {
		return
	}
	n := uint32(h >> pageBits)
	p := &a.pages[n]
	if p.live == 0 {
		panic("slab: slot freed twice")
	}
	a.slots--
	a.live -= int64(p.size)
	p.live--
	p.dirty = true
	if p.size > PageWords {
		a.drop(n)
		return
	}
	off := uint16(h % PageWords)
	if p.hold != 0 {
		a.settle(h)
	}
	p.words[off] = uint64(p.free)
	p.free = off + 1
	if !p.chained {
		a.chain(n)
	}
	// The last page with room stays, so that one slot that comes and goes does
	// not make a page do the same.
	if p.live == 0 && (p.prev != 0 || p.next != 0) {
		a.unchain(n)
		a.retire(n)
	}
}

// Touch marks the page of h as changed. Whoever writes through Words calls it
// with the slot's handle, before the first word is written.
func (a *Arena) Touch(h Handle) {
	p := &a.pages[h>>pageBits]
	p.dirty = true
	if p.hold != 0 {
		a.settle(h)
	}
}

// Ready is what Touch does before words are written, for who may find that
// there is nothing to write. Who then writes calls Touch at any time.
func (a *Arena) Ready(h Handle) {
	if p := &a.pages[h>>pageBits]; p.hold != 0 {
		a.settle(h)
	}
}

// Live returns the number of slots in use and their bytes by size class.
func (a *Arena) Live() (slots int, bytes int64) { return a.slots, a.live * 8 }

// Bytes returns the bytes of all pages that take memory, in use or not.
func (a *Arena) Bytes() int64 { return a.reserved * 8 }

func (a *Arena) allocLarge(words int) Handle {
	words = (words + largeStep - 1) / largeStep * largeStep
	n := a.pageNumber()
	p := &a.pages[n]
	*p = page{words: make([]uint64, words), size: uint32(words), live: 1, dirty: true}
	a.slots++
	a.live += int64(words)
	a.reserved += int64(words)
	a.reservedPages++
	return Handle(n << pageBits)
}

// newPage gives class c an empty page and chains it.
func (a *Arena) newPage(c uint8) uint32 {
	var n uint32
	switch {
	case len(a.spare) > 0:
		k := len(a.spare) - 1
		n, a.spare = a.spare[k], a.spare[:k]
		clear(a.pages[n].words[:a.pages[n].fresh])
	case len(a.empty) > 0:
		k := len(a.empty) - 1
		n, a.empty = a.empty[k], a.empty[:k]
		a.reserved += PageWords
		a.reservedPages++
	default:
		n = a.pageNumber()
		a.pages[n].words = a.pageWords()
		a.reserved += PageWords
		a.reservedPages++
	}
	a.pages[n] = page{words: a.pages[n].words, size: classSizes[c], class: c, dirty: true}
	a.chain(n)
	return n
}

func (a *Arena) pageNumber() uint32 {
	if k := len(a.bare); k > 0 {
		n := a.bare[k-1]
		a.bare = a.bare[:k-1]
		return n
	}
	if len(a.pages) == MaxPages {
		panic("slab: arena has reached its limit of 32 GiB (MaxPages)")
	}
	a.pages = append(a.pages, page{})
	return uint32(len(a.pages) - 1)
}

// retire keeps an empty page for other classes, or gives its memory back when
// an eighth of the arena is empty already (where the system can take it).
func (a *Arena) retire(n uint32) {
	p := &a.pages[n]
	a.letGo(n)
	p.size, p.free = 0, 0
	if len(a.spare) >= spareMin+a.reservedPages/8 && release(p.words) {
		p.fresh = 0
		a.reserved -= PageWords
		a.reservedPages--
		a.empty = append(a.empty, n)
		return
	}
	a.spare = append(a.spare, n)
}

// drop gives the memory of a large slot back.
func (a *Arena) drop(n uint32) {
	a.letGo(n)
	a.reserved -= int64(len(a.pages[n].words))
	a.reservedPages--
	a.pages[n] = page{dirty: true}
	a.bare = append(a.bare, n)
}

func (a *Arena) chain(n uint32) {
	p := &a.pages[n]
	p.prev, p.next, p.chained = 0, a.room[p.class], true
	if p.next != 0 {
		a.pages[p.next].prev = n
	}
	a.room[p.class] = n
}

func (a *Arena) unchain(n uint32) {
	p := &a.pages[n]
	if p.prev != 0 {
		a.pages[p.prev].next = p.next
	} else {
		a.room[p.class] = p.next
	}
	if p.next != 0 {
		a.pages[p.next].prev = p.prev
	}
	p.prev, p.next, p.chained = 0, 0, false
}

// Size classes: the powers of two and their halves between, so that at most a
// third of a slot is unused. Between 1024 and 4096 words only what divides a
// page well.
var classSizes = [...]uint32{1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, 2048, 4096}

const (
	numClasses   = 23
	smallClasses = 64
)

var smallClass = func() (t [smallClasses + 1]uint8) {
	c := uint8(0)
	for w := range t {
		if uint32(w) > classSizes[c] {
			c++
		}
		t[w] = uint8(c)
	}
	return t
}()

// classOf returns the smallest class that holds so many words, at most PageWords.
func classOf(words int) uint8 {
	if words <= smallClasses {
		return smallClass[max(words, 1)]
	}
	switch {
	case words > 2048:
		return 22
	case words > 1360:
		return 21
	case words > 1024:
		return 20
	}
	k := bits.Len(uint(words - 1)) // 2^(k-1) < words <= 2^k, 7 <= k <= 10
	c := uint8(13 + 2*(k-7))       // 13 is the class of 128
	if words <= 3<<(k-2) {
		c--
	}
	return c
}
