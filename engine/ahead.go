package engine

import "github.com/weir-cep/weir/internal/slab"

// ahead is how many rows are looked up together. The keys of a row lie
// anywhere in memory, and what is done for a row is too long for the processor
// to begin on the next one's misses meanwhile; looking up a few rows at once
// lets the misses overlap.
const ahead = 16

// lookUp finds the slots of all visits of some rows, in their order, and
// touches what lies behind them: the key's entries and the states.
func (st *stage) lookUp(rows []item, batch func(uint32) *prepared) {
	st.slots = st.slots[:0]
	for i := range st.spaces {
		st.added[i] = st.spaces[i].added
	}
	for i := range rows {
		list, v := st.visits(&rows[i], batch)
		for j := range list {
			st.slots = append(st.slots, st.mine(v, &list[j]))
		}
	}
	n, sum := 0, uint64(0)
	for i := range rows {
		list, _ := st.visits(&rows[i], batch)
		for j := range list {
			if slot := st.slots[n]; slot != 0 && slot != notMine {
				sum += st.touch(st.spaces[list[j].access.space], slot)
			}
			n++
		}
	}
	st.touched = sum
}

// visits are the row's visits in the stage's world.
func (st *stage) visits(it *item, batch func(uint32) *prepared) ([]visit, *visits) {
	v := &batch(it.batch).worlds[st.w.index]
	if len(v.first) == 0 {
		return nil, v
	}
	return v.list[v.first[it.row]:v.first[it.row+1]], v
}

// mine returns the slot of a visit's key, 0 if it has none, notMine if another
// shard has it.
func (st *stage) mine(v *visits, vs *visit) uint32 {
	if !st.w.spaces[vs.access.space].everywhere && !st.sh.owns(vs) {
		return notMine
	}
	return st.find(v, vs)
}

// touch reads the first word of every state of a key.
func (st *stage) touch(sp *space, key uint32) (sum uint64) {
	v := *sp.keys.Value(key)
	if v < listMark {
		if v != 0 {
			sum = st.touchState(v)
		}
		return sum
	}
	list := sp.mem.Words(listHandle(v))
	for _, e := range list[1 : 1+list[0]] {
		sum += st.touchState(e)
	}
	return sum
}

func (st *stage) touchState(e uint64) uint64 {
	if owner := entryOwner(e); int(owner) < len(st.mems) {
		return st.mems[owner].Words(slab.Handle(entryHandle(e)))[0]
	}
	return 0
}
