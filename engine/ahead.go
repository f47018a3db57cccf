package engine

import "github.com/weir-cep/weir/internal/slab"

// ahead is how many rows are looked up together. The keys of a row lie
// anywhere in memory, and what is done for a row is too long for the processor
// to begin on the next one's misses meanwhile. Taking one step of the way to
// the states for all of some rows, then the next, lets the misses of a step
// overlap: with a million keys that is the better half of the time.
const ahead = 32

// visited is a visit of the rows that are looked up.
type visited struct {
	*visit
	in   *visits
	slot uint32 // of the key, 0 if it has none, notMine if another shard has it
}

func (a *visited) keyBytes() []byte { return a.in.keys[a.key : a.key+a.len] }

// notMine marks a visit to a key of another shard.
const notMine = ^uint32(0)

// lookUp finds the slots of all visits of some rows, in their order, and brings
// near what lies behind them: the key's entries, the states, and what their
// windows will read first.
func (st *stage) lookUp(rows []item, batch func(uint32) *prepared) {
	st.ahead = st.ahead[:0]
	for i := range st.spaces {
		st.added[i] = st.spaces[i].added
	}
	for i := range rows {
		list, v := st.visits(&rows[i], batch)
		for j := range list {
			vs := &list[j]
			slot := notMine
			if st.sh.owns(vs) || st.w.spaces[vs.access.space].everywhere {
				slot = 0
				st.spaces[vs.access.space].keys.AheadIndex(vs.hash)
			}
			st.ahead = append(st.ahead, visited{vs, v, slot})
		}
	}
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot == 0 {
			st.spaces[a.access.space].keys.AheadKey(a.hash)
		}
	}
	lists := false
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot == 0 {
			sp := st.spaces[a.access.space]
			if a.slot = sp.find(a.hash, a.keyBytes()); a.slot != 0 && sp.aheadList(a.slot) {
				lists = true
			} else if a.slot != 0 {
				st.aheadStates(sp, a.slot)
			}
		}
	}
	if lists {
		for i := range st.ahead {
			if a := &st.ahead[i]; a.slot != 0 && a.slot != notMine {
				st.aheadStates(st.spaces[a.access.space], a.slot)
			}
		}
	}
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot != 0 && a.slot != notMine {
			st.aheadWindows(st.spaces[a.access.space], a.slot)
		}
	}
}

// visits are the row's visits in the stage's world.
func (st *stage) visits(it *item, batch func(uint32) *prepared) ([]visit, *visits) {
	v := &batch(it.batch).worlds[st.w.index]
	if len(v.first) == 0 {
		return nil, v
	}
	return v.list[v.first[it.row]:v.first[it.row+1]], v
}

// find returns the slot of a key, 0 if it is not there.
func (s *space) find(hash uint64, key []byte) uint32 {
	if slot, ok := s.keys.Find(hash, key); ok {
		return slot
	}
	return 0
}

// aheadList brings near a key's list of entries, if it has one.
func (s *space) aheadList(key uint32) bool {
	v := *s.keys.Value(key)
	if v < listMark {
		return false
	}
	s.mem.Ahead(listHandle(v))
	return true
}

// aheadStates brings near every state of a key.
func (st *stage) aheadStates(sp *space, key uint32) {
	for _, e := range sp.entries(key) {
		if owner := entryOwner(e); owner&(1<<kindBits-1) == ofState && st.has(owner>>kindBits) {
			st.mems[owner>>kindBits].Ahead(slab.Handle(entryHandle(e)))
		}
	}
}

// aheadWindows brings near what the windows of a key will read first.
func (st *stage) aheadWindows(sp *space, key uint32) {
	for _, e := range sp.entries(key) {
		if owner := entryOwner(e); owner&(1<<kindBits-1) == ofState && int(owner>>kindBits) < len(st.sets) {
			if set := st.sets[owner>>kindBits]; set != nil {
				set.Ahead(slab.Handle(entryHandle(e)))
			}
		}
	}
}
