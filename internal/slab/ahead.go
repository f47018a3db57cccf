package slab

// A look-up in a large table is a chain of cache misses: the index, the key's
// record, what its value names. Whoever looks many keys up takes the steps for
// all of them in turn, so that the misses of one step overlap: ReachIndex for
// each, then ReachKey for each, then Find. Both only read; their results are
// to be summed up into something the compiler cannot leave out.

// ReachIndex reads the place of the index where a hash would stand.
func (k *Keys) ReachIndex(hash uint64) uint64 {
	h := uint32(hash >> 32)
	s := k.index.segment(h)
	return s.entries[h&uint32(len(s.entries)-1)]
}

// ReachKey reads the record of the first key with the hash, if there is one.
func (k *Keys) ReachKey(hash uint64) uint64 {
	h := uint32(hash >> 32)
	s := k.index.segment(h)
	mask := uint32(len(s.entries) - 1)
	for i := h & mask; s.entries[i] != 0; i = (i + 1) & mask {
		if e := s.entries[i]; uint32(e>>32) == h {
			return k.mem.Words(Handle(uint32(e)))[0]
		}
	}
	return 0
}
