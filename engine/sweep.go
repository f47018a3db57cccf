package engine

import (
	"github.com/weir-cep/weir/internal/slab"
)

// A sweep forgets states that cannot matter any more: runs that have expired,
// windows that have emptied, keys of which nothing is left. Dropping them
// changes no result, so it may happen at any time; every step looks at some
// keys, so that the work is bounded and all keys get their turn.

// pace is where the sweep of a table is, and how many keys it looks at. The
// more of them it finds to be through, the more it looks at: a table whose
// keys stay costs next to nothing, and one whose keys come once and never
// again does not grow beyond those that live.
type pace struct {
	at    uint32 // where the next sweep continues
	looks int    // for 64 rows
}

const (
	minLooks = 4   // 1 key for 16 rows
	maxLooks = 256 // 4 keys for each row: more than a row can bring
)

// sweep calls look for the table's next keys; gone says that it removed the
// key.
func (p *pace) sweep(keys *slab.Keys, rows int, look func(slot uint32) (gone bool)) {
	p.looks = min(max(p.looks, minLooks), maxLooks)
	n := min(16+rows*p.looks/64, keys.Len())
	gone := 0
	p.at = keys.Sweep(p.at, n, func(slot uint32) {
		if look(slot) {
			gone++
		}
	})
	switch {
	case gone*4 > n:
		p.looks *= 2
	case gone*16 < n:
		p.looks /= 2
	}
}

// sweep looks at some keys of every table of a group; w is its watermark.
func (sh *shard) sweep(group int, w int64) {
	for _, st := range sh.stages {
		if st.w.group != group {
			continue
		}
		if st.w.arrival { // an event may come at any time and stand at an old clock
			continue
		}
		for i, sp := range st.spaces {
			st.paces[i].sweep(sp.keys, sh.rows, func(key uint32) bool { return st.sweepKey(sp, key, w) })
		}
		for i := range st.rules {
			rs := &st.rules[i]
			rs.supp.sweep(w, sh.rows)
			for j := range rs.groups {
				rs.groups[j].sweep(w, sh.rows)
			}
		}
		for _, ps := range st.pools {
			ps.sweep(w, sh.rows)
		}
	}
	sh.rows = 0
}

// sweepKey drops the idle states of a key, and the key if none is left.
func (st *stage) sweepKey(sp *space, key uint32, w int64) (gone bool) {
	sp.each(key, func(owner, h uint32) {
		sid := owner >> kindBits
		if !st.has(sid) { // its rule or feature is gone; see purge
			return
		}
		switch owner & (1<<kindBits - 1) {
		case ofState:
		case ofSuppress:
			rs := st.ruleOf(sid)
			if rs.supp.idle(slab.Handle(h), w) {
				rs.supp.mem.Free(slab.Handle(h))
				sp.put(key, owner, 0)
			}
			return
		default: // a timer goes with its state, a clock stays
			return
		}
		if at, ok := st.idle(sid, slab.Handle(h)); !ok || at >= w {
			return
		}
		st.dropState(sid, slab.Handle(h))
		sp.put(key, owner, 0)
		if t := sp.get(key, entryOwnerOf(sid, ofTimer)); t != 0 {
			st.timers.kill(t)
			sp.put(key, entryOwnerOf(sid, ofTimer), 0)
		}
	})
	if gone = sp.empty(key); gone {
		sp.keys.Remove(key)
	}
	return gone
}

// idle is the time after which a state cannot matter any more.
func (st *stage) idle(sid uint32, h slab.Handle) (at int64, ok bool) {
	owner := st.owners[sid] - 1
	if int(owner) < len(st.features) {
		return st.features[owner].set.Idle(h)
	}
	i := int(owner) - len(st.features)
	if i >= len(st.rules) {
		return st.pools[i-len(st.rules)].set.Idle(h)
	}
	rs := &st.rules[i]
	if rs.machine != nil {
		return rs.machine.Idle(h)
	}
	return rs.idle(h)
}

func (st *stage) dropState(sid uint32, h slab.Handle) {
	owner := st.owners[sid] - 1
	if int(owner) < len(st.features) {
		st.features[owner].set.Drop(h)
		return
	}
	i := int(owner) - len(st.features)
	if i >= len(st.rules) {
		st.pools[i-len(st.rules)].set.Drop(h)
		return
	}
	rs := &st.rules[i]
	if rs.machine != nil {
		rs.machine.Drop(h)
		return
	}
	rs.dropOn(h)
}

// idle is when the state of an on … when rule cannot matter any more.
func (rs *ruleState) idle(s slab.Handle) (at int64, ok bool) {
	o := rs.r.on
	if !o.stateful {
		return rs.groups[0].set.Idle(s)
	}
	w := rs.mem.Words(s)
	at = minTime
	if h := windowsOf(w); h != 0 {
		if at, ok = rs.groups[0].set.Idle(h); !ok {
			return 0, false
		}
	}
	if w[0]&heldBit != 0 {
		if o.quiet == 0 {
			return 0, false
		}
		at = max(at, after(int64(w[1]), o.quiet))
	}
	switch phaseOf(w) {
	case open:
		return 0, false
	case fired:
		if o.held.gap == 0 {
			return 0, false
		}
		at = max(at, after(after(int64(w[1]), o.held.gap), o.held.keep))
	case over:
		at = max(at, after(int64(w[6]), o.held.keep))
	}
	return at, true
}

// dropOn frees the state of an on … when rule.
func (rs *ruleState) dropOn(s slab.Handle) {
	o := rs.r.on
	if !o.stateful {
		rs.groups[0].set.Drop(s)
		return
	}
	w := rs.mem.Words(s)
	if h := windowsOf(w); h != 0 {
		rs.groups[0].set.Drop(h)
	}
	if phaseOf(w) != none {
		o.held.capture.Release(w[heldWords:], rs.sh.syms)
	}
	rs.mem.Free(s)
}

// sweep forgets the empty windows of a group with a key of its own.
func (gs *groupState) sweep(w int64, rows int) {
	if gs.keys == nil {
		return
	}
	gs.pace.sweep(gs.keys, rows, func(slot uint32) (gone bool) {
		h := slab.Handle(*gs.keys.Value(slot))
		at, ok := gs.set.Idle(h)
		if gone = ok && at < w; gone {
			gs.set.Drop(h)
			gs.keys.Remove(slot)
		}
		return gone
	})
}
