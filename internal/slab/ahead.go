package slab

// A look-up in a large table is a chain of cache misses: the index, the key's
// record, what its values name. Whoever looks many keys up takes one step for
// all of them and then the next: AheadIndex for each, then AheadKey for each,
// then Find for each, then Ahead for what the values name. The misses of a step
// then overlap. None of these changes anything.

// AheadIndex brings near the place of the index where a hash would stand.
func (k *Keys) AheadIndex(hash uint64) {
	h := uint32(hash >> 32)
	s := k.index.segment(h)
	Prefetch(&s.entries[h&uint32(len(s.entries)-1)])
}

// AheadKey brings near the record of the first key with the hash, if there is
// one.
func (k *Keys) AheadKey(hash uint64) {
	h := uint32(hash >> 32)
	s := k.index.segment(h)
	mask := uint32(len(s.entries) - 1)
	for i := h & mask; s.entries[i] != 0; i = (i + 1) & mask {
		if e := s.entries[i]; uint32(e>>32) == h {
			k.mem.Ahead(Handle(uint32(e)))
			return
		}
	}
}

// lineWords is the words of a cache line.
const lineWords = 8

// Ahead brings near the beginning of a slot, two cache lines if it is longer
// than one.
func (a *Arena) Ahead(h Handle) {
	p := &a.pages[h>>pageBits]
	w := p.words[h%PageWords:]
	Prefetch(&w[0])
	if p.size > lineWords {
		Prefetch(&w[lineWords])
	}
}
