package engine

import "github.com/weir-cep/weir/internal/slab"

// entries is how many entries the rule can have under a key.
func (r *rule) entries(arrival bool) int {
	n := 0
	if r.keeps {
		n++
	}
	if r.ir.Deadline {
		n++
	}
	if r.ir.Suppress != nil {
		n++
	}
	if arrival {
		n++
	}
	return n
}

// clock returns the greatest time that the rule has seen for the key, which is
// where an event stands in arrival order, and moves it to at if that is later.
//
// A clock lives as long as its key: whether an event that comes very late
// stands at its own time or at the clock must not depend on when a sweep came
// by.
func (st *stage) clock(rs *ruleState, space *space, hash uint64, at int64) int64 {
	sh := st.sh
	if sh.key == 0 {
		sh.key = space.add(hash, sh.bytes)
	}
	owner := entryOwnerOf(rs.r.sid, ofClock)
	h := slab.Handle(space.get(sh.key, owner))
	if h == 0 {
		h = space.mem.Alloc(1)
		space.mem.Words(h)[0] = uint64(at)
		space.put(sh.key, owner, uint32(h))
		return at
	}
	w := space.mem.Words(h)
	if old := int64(w[0]); at <= old {
		return old
	}
	space.mem.Touch(h)
	w[0] = uint64(at)
	return at
}

// schedule sets the timer of a rule's key to its next deadline. A timer that
// comes too early stays: it looks again when it comes.
func (st *stage) schedule(rs *ruleState, space *space, key uint32, s slab.Handle) {
	owner := entryOwnerOf(rs.r.sid, ofTimer)
	id := space.get(key, owner)
	at, ok := st.deadline(rs, s)
	switch {
	case ok && id != 0 && st.timers.at(id) <= at:
		return
	case !ok && id == 0:
		return
	}
	if id != 0 {
		st.timers.kill(id)
		id = 0
	}
	if ok {
		id = st.timers.set(at, rs.r.sid, key)
	}
	space.put(key, owner, id)
}

// deadline is when the state has something to fire.
func (st *stage) deadline(rs *ruleState, s slab.Handle) (at int64, ok bool) {
	switch {
	case s == 0:
		return 0, false
	case rs.r.on != nil:
		return rs.episodeEnd(s)
	}
	return rs.machine.Deadline(s)
}

// fire works through the deadlines before w.
func (st *stage) fire(w int64) {
	sh, f := st.sh, &st.sh.frame
	for {
		t, ok := st.timers.next(w)
		if !ok {
			return
		}
		rs := st.ruleOf(t.sid)
		if rs == nil {
			continue // the rule is gone
		}
		space := st.spaces[rs.r.space]
		owner := entryOwnerOf(t.sid, ofState)
		state := slab.Handle(space.get(t.key, owner))
		space.put(t.key, entryOwnerOf(t.sid, ofTimer), 0)
		if state == 0 {
			continue
		}
		sh.rule, sh.key, sh.cause = rs, t.key, noCause
		sh.bytes = append(sh.timerKey[:0], space.keys.Key(t.key)...)
		sh.timerKey = sh.bytes
		f.Batch, f.Table, f.Row, f.At, f.Bound = nil, nil, 0, t.at, nil
		if rs.r.needsKey {
			sh.decodeKey()
		}
		s := state
		if rs.r.on != nil {
			s = st.onDeadline(rs, s, t.at)
		} else {
			s = rs.machine.Advance(s, t.at+1, f, rs.emit)
		}
		if s != state {
			space.put(t.key, owner, uint32(s))
		}
		st.schedule(rs, space, t.key, s)
		sh.settleLoans()
	}
}
