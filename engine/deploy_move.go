package engine

import (
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
)

// moveStates makes the states of the stages to come what they go on with, as
// far as that does not lie there already, and leaves what nobody goes on with
// to purge.
func (d *deploying) moveStates() {
	for i, sh := range d.e.steps.shards {
		for _, st := range d.stages[i] {
			d.copyFeatures(sh, st)
			copyPools(d.e, st, d.remains[i])
		}
	}
	for i := range d.stages {
		m := mover{e: d.e}
		for _, st := range d.stages[i] {
			m.find(st, d.remains[i])
		}
		m.move()
	}
	d.e.bury(d.plan, d.remains)
}

// copyFeatures gives the stage's features that begin with copies their states,
// those of all shards that this one keeps.
func (d *deploying) copyFeatures(sh *shard, st *stage) {
	for i := range st.features {
		fs := &st.features[i]
		if fs.f.from == 0 {
			continue
		}
		for j, rem := range d.remains {
			old := rem.features[fs.f.from]
			if j != sh.id && (old.f.everywhere || !fs.f.everywhere) {
				continue // it has all that this shard keeps, or nothing of it
			}
			c := copying{e: d.e, from: old.set, keys: rem.stage[old.f.sid].spaces[old.f.space], sid: old.f.sid,
				to: fs.set, space: st.spaces[fs.f.space], as: fs.f.sid}
			if old.f.everywhere && !fs.f.everywhere {
				c.mine = func(hash uint64) bool { return shardOf(hash, d.plan.shards) == sh.id }
			}
			c.all()
		}
	}
}

// copyPools gives the stage's pools that begin with copies their states.
func copyPools(e *Engine, st *stage, rem *remains) {
	for _, ps := range st.pools {
		if ps.p.from == 0 {
			continue
		}
		old := rem.pools[ps.p.from]
		if ps.keys == nil {
			c := copying{e: e, from: old.set, keys: rem.stage[old.p.sid].spaces[old.p.space], sid: old.p.sid,
				to: ps.set, space: st.spaces[ps.p.space], as: ps.p.sid}
			c.all()
			continue
		}
		e.looked += uint64(old.keys.Len())
		old.keys.Sweep(0, old.keys.Len(), func(slot uint32) {
			key := old.keys.Key(slot)
			to := ps.keys.Add(slab.Hash(key), key)
			*ps.keys.Value(to) = uint64(old.set.Copy(slab.Handle(*old.keys.Value(slot)), ps.set))
		})
	}
}

// copying copies the states of a sid to another, in a space of the same keys.
type copying struct {
	e     *Engine
	from  *window.Set
	keys  *space
	sid   uint32
	to    *window.Set
	space *space
	as    uint32
	mine  func(hash uint64) bool // nil: all keys
}

func (c *copying) all() {
	from, as := entryOwnerOf(c.sid, ofState), entryOwnerOf(c.as, ofState)
	c.e.looked += uint64(c.keys.keys.Len())
	c.keys.keys.Sweep(0, c.keys.keys.Len(), func(slot uint32) {
		h := c.keys.get(slot, from)
		if h == 0 {
			return
		}
		key := c.keys.keys.Key(slot)
		hash := slab.Hash(key)
		if c.mine != nil && !c.mine(hash) {
			return
		}
		c.space.put(c.space.slot(hash, key), as, uint32(c.from.Copy(slab.Handle(h), c.to)))
	})
}

// slot finds or makes a key.
func (s *space) slot(hash uint64, key []byte) uint32 {
	if slot := s.find(hash, key); slot != 0 {
		return slot
	}
	return s.add(hash, key)
}

// mover moves the entries of what has come to another key space: the states
// themselves stay where they are.
type mover struct {
	e    *Engine
	from []*space
	sids map[*space]map[uint32]moving
}

// moving is where the entries of a sid go.
type moving struct {
	to       *space
	old, now *timers
}

// find finds out what of a stage lay elsewhere.
func (m *mover) find(st *stage, rem *remains) {
	add := func(sid uint32, oldSpace, newSpace int) {
		old := rem.stage[sid]
		from, to := old.spaces[oldSpace], st.spaces[newSpace]
		if from == to {
			return
		}
		if m.sids == nil {
			m.sids = map[*space]map[uint32]moving{}
		}
		if m.sids[from] == nil {
			m.from, m.sids[from] = append(m.from, from), map[uint32]moving{}
		}
		m.sids[from][sid] = moving{to, old.timers, st.timers}
	}
	for _, f := range st.w.features {
		if old := rem.features[f.sid]; old != nil {
			add(f.sid, old.f.space, f.space)
		}
	}
	for _, q := range st.w.pools {
		if old := rem.pools[q.sid]; old != nil && q.keyer == nil {
			add(q.sid, old.p.space, q.space)
		}
	}
	for _, r := range st.w.rules {
		if old := rem.rules[r.sid]; old != nil {
			add(r.sid, old.r.space, r.space)
		}
	}
}

func (m *mover) move() {
	for _, from := range m.from {
		sids := m.sids[from]
		m.e.looked += uint64(from.keys.Len())
		from.keys.Sweep(0, from.keys.Len(), func(slot uint32) {
			from.each(slot, func(owner, h uint32) {
				if to, ok := sids[owner>>kindBits]; ok {
					to.entry(from, slot, owner, h)
				}
			})
			if from.empty(slot) {
				from.keys.Remove(slot)
			}
		})
	}
}

// entry moves one entry of a key.
func (m *moving) entry(from *space, slot, owner, h uint32) {
	key := from.keys.Key(slot)
	to := m.to.slot(slab.Hash(key), key)
	switch owner & (1<<kindBits - 1) {
	case ofTimer:
		at := m.old.at(h)
		m.old.kill(h)
		h = m.now.set(at, owner>>kindBits, to)
	case ofClock:
		g := m.to.mem.Alloc(1)
		m.to.mem.Words(g)[0] = from.mem.Words(slab.Handle(h))[0]
		from.mem.Free(slab.Handle(h))
		h = uint32(g)
	}
	from.put(slot, owner, 0)
	m.to.put(to, owner, h)
}
