package slab

// table is the index of Keys: an extendible hash table from 32 bits of a hash
// to slot numbers. The upper bits of the hash choose a segment through a
// directory, the lower bits a place in it, with linear probing and deletion by
// shifting back. A full segment splits in two by one more bit of the hash, so
// growth moves at most segmentMax entries at a time, never the whole table.
// (Fagin, Nievergelt, Pippenger, Strong: Extendible hashing, TODS 4(3), 1979.)
type table struct {
	dir   []*segment // 1<<depth entries; segments of less depth stand in it several times
	depth uint8
	size  int64  // entries of the segments outside mem
	mem   *Arena // of the larger segments
}

// segment holds entries of hash<<32|slot; 0 is empty (no slot has number 0).
// Its length is a power of two and at most two thirds are used.
type segment struct {
	entries []uint64
	slot    Handle // of the entries, 0 if they are Go's
	used    int
	depth   uint8 // bits of the hash that all entries share
}

const (
	segmentMin = 8
	segmentMax = 2048
	slotFrom   = 512 // entries from which a segment lies in the arena
	depthMax   = 21  // with segmentMax this uses up the 32 bits of a hash
)

func newTable() table {
	t := table{mem: NewArena()}
	t.dir = []*segment{{}}
	t.renew(t.dir[0], segmentMin)
	return t
}

// renew gives a segment n empty entries.
func (t *table) renew(s *segment, n int) {
	s.used = 0
	if n < slotFrom {
		s.entries = make([]uint64, n)
		t.size += int64(n)
		return
	}
	s.slot = t.mem.Alloc(n)
	s.entries = t.mem.Words(s.slot)[:n]
}

// done gives back the memory of a segment's former entries.
func (t *table) done(entries []uint64, slot Handle) {
	if slot == 0 {
		t.size -= int64(len(entries))
	}
	t.mem.Free(slot)
}

// segment returns the segment of a hash.
func (t *table) segment(h uint32) *segment { return t.dir[uint64(h)<<t.depth>>32] }

// insert adds an entry. The caller has made sure that it is not there.
func (t *table) insert(h uint32, slot uint32) {
	s := t.segment(h)
	for (s.used+1)*3 > len(s.entries)*2 {
		t.grow(s, h)
		s = t.segment(h)
	}
	s.put(uint64(h)<<32 | uint64(slot))
}

func (s *segment) put(e uint64) {
	mask := uint64(len(s.entries) - 1)
	i := e >> 32 & mask
	for s.entries[i] != 0 {
		i = (i + 1) & mask
	}
	s.entries[i] = e
	s.used++
}

// remove takes the entry away, which must be there.
func (t *table) remove(h uint32, slot uint32) {
	s := t.segment(h)
	mask := uint64(len(s.entries) - 1)
	e := uint64(h)<<32 | uint64(slot)
	i := uint64(h) & mask
	for s.entries[i] != e {
		if s.entries[i] == 0 {
			panic("slab: a key was entered under a hash that is not its own")
		}
		i = (i + 1) & mask
	}
	s.used--
	// Close the gap: move back the next entry whose home is not after it.
	for j := (i + 1) & mask; s.entries[j] != 0; j = (j + 1) & mask {
		home := s.entries[j] >> 32 & mask
		if (j-home)&mask >= (j-i)&mask {
			s.entries[i] = s.entries[j]
			i = j
		}
	}
	s.entries[i] = 0
}

// grow makes room in s: doubles it while it is small, splits it after that.
func (t *table) grow(s *segment, h uint32) {
	if len(s.entries) < segmentMax || s.depth == depthMax {
		old, slot := s.entries, s.slot
		t.renew(s, 2*len(old))
		for _, e := range old {
			if e != 0 {
				s.put(e)
			}
		}
		t.done(old, slot)
		return
	}
	if s.depth == t.depth {
		t.double()
	}
	s.depth++
	twin := &segment{depth: s.depth}
	t.renew(twin, segmentMax)
	old, slot := s.entries, s.slot
	t.renew(s, segmentMax)
	bit := uint64(1) << (64 - s.depth)
	for _, e := range old {
		switch {
		case e == 0:
		case e&bit != 0:
			twin.put(e)
		default:
			s.put(e)
		}
	}
	t.done(old, slot)
	// The upper half of the directory entries that named s now name its twin.
	span := 1 << (t.depth - s.depth)
	first := int(uint64(h)<<t.depth>>32) &^ (2*span - 1)
	for i := first + span; i < first+2*span; i++ {
		t.dir[i] = twin
	}
}

func (t *table) double() {
	dir := make([]*segment, 2*len(t.dir))
	for i, s := range t.dir {
		dir[2*i], dir[2*i+1] = s, s
	}
	t.dir = dir
	t.depth++
}

func (t *table) bytes() int64 { return t.size*8 + t.mem.Bytes() + int64(len(t.dir))*8 }
