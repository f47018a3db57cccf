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

// lookUp finds the slots of all visits of some rows, in their order, and
// touches what lies behind them: the key's entries and the states.
func (st *stage) lookUp(rows []item, batch func(uint32) *prepared) {
	st.ahead = st.ahead[:0]
	for i := range st.spaces {
		st.added[i] = st.spaces[i].added
	}
	sum := uint64(0)
	for i := range rows {
		list, v := st.visits(&rows[i], batch)
		for j := range list {
			vs := &list[j]
			slot := notMine
			if st.sh.owns(vs) || st.w.spaces[vs.access.space].everywhere {
				slot = 0
				sum += st.spaces[vs.access.space].keys.ReachIndex(vs.hash)
			}
			st.ahead = append(st.ahead, visited{vs, v, slot})
		}
	}
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot == 0 {
			sum += st.spaces[a.access.space].keys.ReachKey(a.hash)
		}
	}
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot == 0 {
			sp := st.spaces[a.access.space]
			if a.slot = sp.find(a.hash, a.keyBytes()); a.slot != 0 {
				sum += sp.reachList(a.slot)
			}
		}
	}
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot != 0 && a.slot != notMine {
			sum += st.reachStates(st.spaces[a.access.space], a.slot)
		}
	}
	for i := range st.ahead {
		if a := &st.ahead[i]; a.slot != 0 && a.slot != notMine {
			sum += st.reachWindows(st.spaces[a.access.space], a.slot)
		}
	}
	st.reached = sum
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

// reachList reads the beginning of a key's list of entries, if it has one.
func (s *space) reachList(key uint32) uint64 {
	if v := *s.keys.Value(key); v >= listMark {
		return s.mem.Words(listHandle(v))[0]
	}
	return 0
}

// reachStates reads the first word of every state of a key.
func (st *stage) reachStates(sp *space, key uint32) (sum uint64) {
	for _, e := range sp.entries(key) {
		if owner := entryOwner(e); e != 0 && int(owner) < len(st.mems) {
			sum += st.mems[owner].Words(slab.Handle(entryHandle(e)))[0]
		}
	}
	return sum
}

// reachWindows reads what the windows of a key will read first.
func (st *stage) reachWindows(sp *space, key uint32) (sum uint64) {
	for _, e := range sp.entries(key) {
		if owner := entryOwner(e); e != 0 && int(owner) < len(st.sets) && st.sets[owner] != nil {
			sum += st.sets[owner].Reach(slab.Handle(entryHandle(e)))
		}
	}
	return sum
}
