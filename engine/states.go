package engine

import "github.com/weir-cep/weir/internal/slab"

// space is a key space of a shard: the keys that rules and features with equal
// key parts share, and for each key the states that they have there. One look-up
// per event serves all of them.
//
// A key has room for a few entries beside its bytes; they stand there by
// ascending owner, 0 behind the last. If they are too many, the first of those
// words is, with the top bit set, the handle of a list: its length, then the
// entries. An entry is owner<<32 | handle, where owner is a sid and what of it
// (see ofState). Only owners with a state have an
// entry, so a thousand rules cost a key nothing until they remember something
// of it.
type space struct {
	keys  *slab.Keys
	mem   *slab.Arena
	room  int    // entries beside a key
	added uint64 // keys ever added
	copy  []uint64
}

const (
	listMark  = 1 << 63
	ownerBits = 31
	maxRoom   = 4
	listWords = 8 // of a new list
)

// newSpace makes a space for keys that have up to so many entries.
func newSpace(entries int) *space {
	room := roomFor(entries)
	return &space{keys: slab.NewWideKeys(room), mem: slab.NewArena(), room: room}
}

func roomFor(entries int) int { return min(max(entries, 1), maxRoom) }

func entry(owner, h uint32) uint64    { return uint64(owner)<<32 | uint64(h) }
func entryOwner(e uint64) uint32      { return uint32(e >> 32) }
func entryHandle(e uint64) uint32     { return uint32(e) }
func listHandle(v uint64) slab.Handle { return slab.Handle(uint32(v)) }

// add enters a key that is not there yet.
func (s *space) add(hash uint64, key []byte) (slot uint32) {
	s.added++
	return s.keys.Add(hash, key)
}

// entries are a key's entries, by ascending owner; they may end with zeros.
func (s *space) entries(key uint32) []uint64 {
	w := s.keys.Values(key)
	if w[0] < listMark {
		return w
	}
	list := s.mem.Words(listHandle(w[0]))
	return list[1 : 1+list[0]]
}

// get returns the owner's state of a key, 0 if it has none.
func (s *space) get(key, owner uint32) uint32 {
	w := s.keys.Values(key)
	if w[0] < listMark {
		for _, e := range w {
			if entryOwner(e) == owner {
				return entryHandle(e) // also right for e 0: owner 0's handle is 0
			}
		}
		return 0
	}
	list := s.entries(key)
	if i := searchOwner(list, owner); i < len(list) && entryOwner(list[i]) == owner {
		return entryHandle(list[i])
	}
	return 0
}

// put sets the owner's state of a key; handle 0 takes it away.
func (s *space) put(key, owner, h uint32) {
	w := s.keys.Values(key)
	if w[0] >= listMark {
		s.putList(key, w, owner, h)
		return
	}
	i := 0
	for i < len(w) && w[i] != 0 && entryOwner(w[i]) < owner {
		i++
	}
	found := i < len(w) && w[i] != 0 && entryOwner(w[i]) == owner
	if !found && h == 0 {
		return
	}
	s.keys.Touch(key)
	switch {
	case found && h != 0:
		w[i] = entry(owner, h)
	case found:
		copy(w[i:], w[i+1:])
		w[len(w)-1] = 0
	case w[len(w)-1] == 0:
		copy(w[i+1:], w[i:])
		w[i] = entry(owner, h)
	default:
		l := s.mem.Alloc(listWords)
		list := s.mem.Words(l)
		list[0] = uint64(len(w))
		copy(list[1:], w)
		clear(w)
		w[0] = listMark | uint64(l)
		s.putList(key, w, owner, h)
	}
}

func (s *space) putList(key uint32, w []uint64, owner, h uint32) {
	l := listHandle(w[0])
	list := s.mem.Words(l)
	n := int(list[0])
	i := 1 + searchOwner(list[1:1+n], owner)
	found := i <= n && entryOwner(list[i]) == owner
	if !found && h == 0 {
		return
	}
	s.mem.Touch(l)
	switch {
	case found && h != 0:
		list[i] = entry(owner, h)
	case found:
		copy(list[i:n], list[i+1:n+1])
		n--
		list[0] = uint64(n)
		if n <= (s.room+1)/2 { // few are left: back beside the key
			s.keys.Touch(key)
			copy(w, list[1:1+n])
			s.mem.Free(l)
		}
	default:
		if g := s.mem.Grow(l, n+2); g != l {
			l = g
			s.keys.Touch(key)
			w[0] = listMark | uint64(l)
		}
		list = s.mem.Words(l)
		copy(list[i+1:n+2], list[i:n+1])
		list[i] = entry(owner, h)
		list[0]++
	}
}

// each calls f for every entry that a key has now, by ascending owner. f may
// put entries of the key, and must not call each.
func (s *space) each(key uint32, f func(owner, h uint32)) {
	s.copy = append(s.copy[:0], s.entries(key)...)
	for _, e := range s.copy {
		if e != 0 {
			f(entryOwner(e), entryHandle(e))
		}
	}
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
