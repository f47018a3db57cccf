package engine

import (
	"maps"
	"slices"

	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
)

// What a deployment leaves without an owner is forgotten bit by bit with the
// steps that follow, so that the deployment itself does not have to look at
// every key: the states hold references to strings, and entries stand among
// those of others. Until then nothing looks at it, and a snapshot has it
// finished first, so that it is never saved.

// purgeKeys is how many keys a step looks at, at least, for each shard. It is
// the work of a fraction of a millisecond.
const purgeKeys = 4096

// purge is one table that has states of the dead.
type purge struct {
	space  *space            // with such states among its entries, or
	keys   *slab.Keys        // a table of windows,
	set    *window.Set       // of this set
	timers *timers           // of a space
	dead   map[uint32]*grave // by sid, of a space
	sids   []uint32
	alone  bool   // nobody else has the space
	at     uint32 // where to go on
}

// grave is what is needed to forget a state.
type grave struct {
	feature *featureState
	pool    *poolState
	rule    *ruleState
}

func (g *grave) drop(h slab.Handle) {
	switch {
	case g.feature != nil:
		g.feature.set.Drop(h)
	case g.pool != nil:
		g.pool.set.Drop(h)
	case g.rule.machine != nil:
		g.rule.machine.Drop(h)
	default:
		g.rule.dropOn(h)
	}
}

// bury takes up what is without an owner under a plan that is about to take
// its place.
func (e *Engine) bury(p *plan, all []*remains) {
	alive := map[uint32]bool{}
	for _, r := range p.rules {
		alive[r.sid] = true
	}
	for _, w := range p.worlds {
		for _, f := range w.features {
			alive[f.sid] = true
		}
		for _, q := range w.pools {
			alive[q.sid] = true
		}
		for i := range w.spaces {
			alive[w.spaces[i].sid] = true
		}
	}
	for i, rem := range all {
		for _, task := range rem.purges(alive) {
			e.steps.shards[i].purges = append(e.steps.shards[i].purges, task)
			for _, sid := range task.sids {
				if e.dying == nil {
					e.dying = map[uint32]int{}
				}
				e.dying[sid]++
			}
		}
	}
	for _, sid := range slices.Sorted(maps.Keys(all[0].spaces)) {
		if !alive[sid] { // no entry has a space's
			p.ids.free = append(p.ids.free, sid)
		}
	}
}

// purges lists the tables that have states of the dead.
func (rem *remains) purges(alive map[uint32]bool) (tasks []*purge) {
	bySpace := map[*space]*purge{}
	dead := func(sid uint32, in int, g *grave) {
		st := rem.stage[sid]
		sp := st.spaces[in]
		task := bySpace[sp]
		if task == nil {
			task = &purge{space: sp, timers: st.timers, dead: map[uint32]*grave{}, alone: !alive[st.w.spaces[in].sid]}
			bySpace[sp] = task
			tasks = append(tasks, task)
		}
		task.dead[sid] = g
		task.sids = append(task.sids, sid)
	}
	for _, sid := range slices.Sorted(maps.Keys(rem.stage)) {
		if alive[sid] {
			continue
		}
		if fs := rem.features[sid]; fs != nil {
			dead(sid, fs.f.space, &grave{feature: fs})
		} else if ps := rem.pools[sid]; ps != nil {
			dead(sid, ps.p.space, &grave{pool: ps})
			tasks = append(tasks, ps.purges(sid)...)
		} else if rs := rem.rules[sid]; rs != nil {
			dead(sid, rs.r.space, &grave{rule: rs})
			for i := range rs.groups {
				if rs.groups[i].pool == nil {
					tasks = append(tasks, rs.groups[i].purges(sid)...)
				}
			}
		}
	}
	return tasks
}

// purges is what there is to do for a table of windows, if there is one.
func (gs *groupState) purges(sid uint32) []*purge {
	if gs.keys == nil {
		return nil
	}
	return []*purge{{keys: gs.keys, set: gs.set, sids: []uint32{sid}}}
}

// bytes is the memory that is given back when the task is done.
func (p *purge) bytes() (n int64) {
	if p.keys != nil {
		return p.keys.Bytes()
	}
	for _, g := range p.dead {
		switch {
		case g.feature != nil:
			n += g.feature.mem.Bytes()
		case g.pool != nil:
			n += g.pool.mem.Bytes()
		default:
			n += g.rule.mem.Bytes() + g.rule.supp.bytes()
		}
	}
	if p.alone {
		n += p.space.bytes()
	}
	return n
}

// dyingBytes is the memory of what is still to be forgotten.
func (e *Engine) dyingBytes() (n int64) {
	for _, sh := range e.steps.shards {
		for _, p := range sh.purges {
			n += p.bytes()
		}
	}
	return n
}

// purge looks at some keys behind a step of so many rows.
func (e *Engine) purge(rows int) {
	for _, sh := range e.steps.shards {
		e.purgeShard(sh, max(purgeKeys, 16*rows/len(e.steps.shards)))
	}
}

// purgeAll forgets what is left to forget.
func (e *Engine) purgeAll() {
	for _, sh := range e.steps.shards {
		for len(sh.purges) > 0 {
			e.purgeShard(sh, 1<<30)
		}
	}
}

func (e *Engine) purgeShard(sh *shard, n int) {
	for n > 0 && len(sh.purges) > 0 {
		task := sh.purges[0]
		n -= task.look(n)
		if task.at != 0 {
			return
		}
		sh.purges = slices.Delete(sh.purges, 0, 1)
		for _, sid := range task.sids {
			if e.dying[sid]--; e.dying[sid] == 0 {
				delete(e.dying, sid)
				e.plan.ids.free = append(e.plan.ids.free, sid)
			}
		}
	}
}

// look looks at up to n keys and returns how many; at is 0 behind the last.
func (p *purge) look(n int) int {
	keys := p.keys
	if keys == nil {
		keys = p.space.keys
	}
	all := keys.Len()
	n = min(n, all)
	next := keys.Sweep(p.at, n, func(slot uint32) {
		if p.keys == nil {
			p.key(slot)
			return
		}
		p.set.Drop(slab.Handle(*keys.Value(slot)))
		keys.Remove(slot)
	})
	if n == all || next <= p.at { // round to the beginning
		next = 0
	}
	p.at = next
	return n
}

// key takes the entries of the dead from a key.
func (p *purge) key(slot uint32) {
	sp := p.space
	sp.each(slot, func(owner, h uint32) {
		sid := owner >> kindBits
		g := p.dead[sid]
		if g == nil {
			return
		}
		switch owner & (1<<kindBits - 1) {
		case ofState:
			g.drop(slab.Handle(h))
		case ofTimer:
			p.timers.forget(h, sid, slot)
		case ofClock:
			sp.mem.Free(slab.Handle(h))
		}
		sp.put(slot, owner, 0)
	})
	if sp.empty(slot) {
		sp.keys.Remove(slot)
	}
}
