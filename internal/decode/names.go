package decode

import (
	"encoding/binary"
	"math/bits"
)

// names finds short texts of a fixed set: keys of an object, types, words of
// an enum. Open addressing over a table at most half full; nothing is
// allocated after it is built.
type names struct {
	entries []nameEntry // a power of two
	shift   uint8
}

type nameEntry struct {
	name  string
	value int32
	used  bool
}

func newNames(list []string) *names {
	size := 4
	for size < 2*len(list) {
		size *= 2
	}
	n := &names{entries: make([]nameEntry, size), shift: uint8(64 - bits.TrailingZeros(uint(size)))}
	for i, s := range list {
		if n.find([]byte(s)) >= 0 {
			continue
		}
		h := n.hash([]byte(s))
		for n.entries[h].used {
			h = (h + 1) & (len(n.entries) - 1)
		}
		n.entries[h] = nameEntry{s, int32(i), true}
	}
	return n
}

// hash mixes the ends of a text and its length: texts of a schema seldom
// differ in the middle only, and then they are merely found slower.
func (n *names) hash(b []byte) int {
	var w uint64
	switch l := len(b); {
	case l >= 8:
		w = binary.LittleEndian.Uint64(b) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(b[l-8:]), 17)
	case l >= 4:
		w = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[l-4:]))<<32
	case l > 0:
		w = uint64(b[0]) | uint64(b[l/2])<<8 | uint64(b[l-1])<<16
	}
	w ^= uint64(len(b)) << 56
	return int(w * 0x9E3779B97F4A7C15 >> n.shift)
}

// find returns the place of a text in the list, the first if it stands there
// twice, or -1.
func (n *names) find(b []byte) int {
	for h := n.hash(b); ; h = (h + 1) & (len(n.entries) - 1) {
		e := &n.entries[h]
		if !e.used {
			return -1
		}
		if e.name == string(b) {
			return int(e.value)
		}
	}
}
