package engine

import "github.com/weir-cep/weir/internal/slab"

// space is a key space of a shard: the keys that rules and features with equal
// key parts share, and for each key the states that they have there. One look-up
// per event serves all of them.
//
// A key's value is either 0 (no state), one entry in place, or, with the top
// bit set, the handle of a list: its length, then entries by ascending owner.
// An entry is owner<<32 | handle. Only owners with a state have an entry, so a
// thousand rules cost a key nothing until they remember something of it.
type space struct {
	keys  *slab.Keys
	mem   *slab.Arena
	added uint64 // keys ever added
}

const (
	listMark  = 1 << 63
	ownerBits = 31
)

func newSpace() *space { return &space{keys: slab.NewKeys(), mem: slab.NewArena()} }

func entry(owner, h uint32) uint64    { return uint64(owner)<<32 | uint64(h) }
func entryOwner(e uint64) uint32      { return uint32(e >> 32) }
func entryHandle(e uint64) uint32     { return uint32(e) }
func listHandle(v uint64) slab.Handle { return slab.Handle(uint32(v)) }

// add enters a key that is not there yet.
func (s *space) add(hash uint64, key []byte) (slot uint32) {
	s.added++
	return s.keys.Add(hash, key)
}

// get returns the owner's state of a key, 0 if it has none.
func (s *space) get(key, owner uint32) uint32 {
	v := *s.keys.Value(key)
	if v < listMark {
		if entryOwner(v) == owner {
			return entryHandle(v) // also right for v 0: owner 0's handle is 0
		}
		return 0
	}
	list := s.mem.Words(listHandle(v))
	n := int(list[0])
	if i := searchOwner(list[1:1+n], owner); i < n && entryOwner(list[1+i]) == owner {
		return entryHandle(list[1+i])
	}
	return 0
}

// put sets the owner's state of a key; handle 0 takes it away.
func (s *space) put(key, owner, h uint32) {
	v := s.keys.Value(key)
	switch {
	case *v >= listMark:
		s.putList(key, v, owner, h)
	case *v == 0 || entryOwner(*v) == owner:
		if h == 0 {
			*v = 0
		} else {
			*v = entry(owner, h)
		}
		s.keys.Touch(key)
	case h != 0:
		a, b := *v, entry(owner, h)
		if a > b {
			a, b = b, a
		}
		l := s.mem.Alloc(3)
		w := s.mem.Words(l)
		w[0], w[1], w[2] = 2, a, b
		*v = listMark | uint64(l)
		s.keys.Touch(key)
	}
}

func (s *space) putList(key uint32, v *uint64, owner, h uint32) {
	l := listHandle(*v)
	list := s.mem.Words(l)
	n := int(list[0])
	i := 1 + searchOwner(list[1:1+n], owner)
	found := i <= n && entryOwner(list[i]) == owner
	switch {
	case found && h != 0:
		list[i] = entry(owner, h)
	case found:
		copy(list[i:n], list[i+1:n+1])
		list[0]--
		if n == 2 { // one entry left: back into its place
			*v = list[1]
			s.mem.Free(l)
			s.keys.Touch(key)
			return
		}
	case h != 0:
		if g := s.mem.Grow(l, n+2); g != l {
			l = g
			*v = listMark | uint64(l)
			s.keys.Touch(key)
		}
		list = s.mem.Words(l)
		copy(list[i+1:n+2], list[i:n+1])
		list[i] = entry(owner, h)
		list[0]++
	}
	s.mem.Touch(l)
}

// each calls f for every entry of a key, by ascending owner. f may put entries
// of the owner it is called with.
func (s *space) each(key uint32, f func(owner, h uint32)) {
	v := *s.keys.Value(key)
	if v < listMark {
		if v != 0 {
			f(entryOwner(v), entryHandle(v))
		}
		return
	}
	for owner := uint32(0); ; owner++ {
		e, ok := s.from(key, owner)
		if !ok {
			return
		}
		owner = entryOwner(e)
		f(owner, entryHandle(e))
	}
}

// from returns the first entry whose owner is at least the given one.
func (s *space) from(key, owner uint32) (uint64, bool) {
	v := *s.keys.Value(key)
	if v < listMark {
		return v, v != 0 && entryOwner(v) >= owner
	}
	list := s.mem.Words(listHandle(v))
	n := int(list[0])
	i := searchOwner(list[1:1+n], owner)
	if i == n {
		return 0, false
	}
	return list[1+i], true
}

// empty reports whether nothing is left of a key.
func (s *space) empty(key uint32) bool { return *s.keys.Value(key) == 0 }

func (s *space) bytes() int64 { return s.keys.Bytes() + s.mem.Bytes() }

// searchOwner returns the index of the first entry whose owner is not smaller.
// Lists are short: a scan beats halving up to a few dozen entries.
func searchOwner(list []uint64, owner uint32) int {
	lo, hi := 0, len(list)
	for hi-lo > 16 {
		if m := (lo + hi) / 2; entryOwner(list[m]) < owner {
			lo = m + 1
		} else {
			hi = m
		}
	}
	for lo < hi && entryOwner(list[lo]) < owner {
		lo++
	}
	return lo
}
