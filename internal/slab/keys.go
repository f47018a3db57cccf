package slab

import (
	"unsafe"

	"github.com/zeebo/xxh3"
)

// Keys finds a 64-bit value by the bytes of a key. It keeps the whole key and
// compares it, so two keys with one hash never meet.
//
// A key costs its values and 4 bytes beside its own, rounded up to a size
// class, and 12 to 24 bytes of index. Memory does not shrink below its
// high-water mark in the index; the keys' own pages do.
type Keys struct {
	index table
	mem   *Arena // records: values, then uint32 1+length, then the key's bytes
	width uint32 // values of a key
	n     int
}

// A record's layout: its first words are the values, the lower half of the
// next is 1 + the key's length (0: no record; the arena leaves that word of a
// free slot alone), the key starts behind it.
const lengthBytes = 4

// NewKeys returns an empty table.
func NewKeys() *Keys { return NewWideKeys(1) }

// NewWideKeys returns an empty table with a number of values for each key, at
// least one. They lie beside the key's bytes, where a look-up has just been.
func NewWideKeys(width int) *Keys {
	return &Keys{index: newTable(), mem: NewArena(), width: uint32(width)}
}

// Hash returns the hash that Find and Add take: xxh3, the same in every process.
func Hash(key []byte) uint64 { return xxh3.Hash(key) }

// Find returns the slot of a key. A slot is a number, not dense and never 0,
// that stays the key's own until it is removed.
func (k *Keys) Find(hash uint64, key []byte) (slot uint32, ok bool) {
	h := uint32(hash >> 32)
	s := k.index.segment(h)
	mask := uint32(len(s.entries) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := s.entries[i]
		if e == 0 {
			return 0, false
		}
		if uint32(e>>32) == h && string(k.Key(uint32(e))) == string(key) {
			return uint32(e), true
		}
	}
}

// Add enters a key that is not there yet, with values 0, and copies its bytes.
func (k *Keys) Add(hash uint64, key []byte) (slot uint32) {
	h := k.mem.Alloc(int(k.width) + (lengthBytes+len(key)+7)/8)
	w := k.mem.Words(h)[k.width:]
	w[0] = uint64(len(key) + 1)
	b := unsafe.Slice((*byte)(unsafe.Pointer(&w[0])), len(w)*8)
	copy(b[lengthBytes:], key)
	k.index.insert(uint32(hash>>32), uint32(h))
	k.n++
	return uint32(h)
}

// Value returns the key's first value, valid until the key is removed. Who
// writes through it later than Add calls Touch first.
func (k *Keys) Value(slot uint32) *uint64 { return &k.mem.Words(Handle(slot))[0] }

// Values returns all values of the key, on the same terms.
func (k *Keys) Values(slot uint32) []uint64 { return k.mem.Words(Handle(slot))[:k.width:k.width] }

// Touch says that the key's values are going to change.
func (k *Keys) Touch(slot uint32) { k.mem.Touch(Handle(slot)) }

// Key returns the key's bytes; they are the table's own, valid until the key
// is removed.
func (k *Keys) Key(slot uint32) []byte {
	w := &k.mem.Words(Handle(slot))[k.width]
	n := uint32(*w) - 1
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(w), lengthBytes)), n)
}

// Remove takes the key out. Its slot may be given to another key.
func (k *Keys) Remove(slot uint32) {
	k.index.remove(uint32(Hash(k.Key(slot))>>32), slot)
	k.mem.Touch(Handle(slot))
	k.mem.Words(Handle(slot))[k.width] = 0
	k.mem.Free(Handle(slot))
	k.n--
}

// Len returns the number of keys.
func (k *Keys) Len() int { return k.n }

// Bytes returns the memory that the table has reserved.
func (k *Keys) Bytes() int64 { return k.mem.Bytes() + k.index.bytes() }

// Sweep calls f for up to n keys in the order of their slots, beginning at
// slot from (0: the first), once each, and returns where the next Sweep
// continues. It goes on at the beginning when it reaches the end. f may remove
// the key it is called with, and must not add or remove others.
func (k *Keys) Sweep(from uint32, n int, f func(slot uint32)) (next uint32) {
	n = min(n, k.n)
	pages := uint32(len(k.mem.pages))
	at := from >> pageBits
	off := from % PageWords
	// The first page may be visited twice: from off to its end, and up to off.
	for visited := uint32(0); n > 0 && visited <= pages; visited++ {
		if at >= pages {
			at, off = 0, 0
		}
		for n > 0 && off < k.extent(at) {
			w := k.mem.pages[at].words
			size := k.mem.pages[at].size
			if r := off % size; r != 0 { // the page has changed its class since
				off += size - r
				continue
			}
			slot := at<<pageBits | off
			off += size
			if uint32(w[slot%PageWords+k.width]) == 0 {
				continue
			}
			n--
			f(slot)
		}
		if n == 0 && off < k.extent(at) {
			return at<<pageBits | off
		}
		at, off = at+1, 0
	}
	if at >= pages {
		at, off = 0, 0
	}
	return at<<pageBits | off
}

// extent is the offset behind the last slot of a page that was ever used.
func (k *Keys) extent(page uint32) uint32 {
	p := &k.mem.pages[page]
	switch {
	case p.live == 0:
		return 0
	case p.size > PageWords:
		return 1
	}
	return uint32(p.fresh)
}
