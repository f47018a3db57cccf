package engine

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/nfa"
)

// The state of an on … when rule under a key is the handle of its own group's
// windows, or, if the rule is stateful, a slot:
//
//	w0  phase<<40 | held<<32 | window handle
//	w1  time of the key's last event (newly), of the episode's last event (for)
//	w2  start of the episode   w3  hash of its first event's reference
//	w4  cep.Ref of its last event   w5  hash of that event's reference
//	w6  when the episode ended (phase over)
//	w7… captured fields of its last event
const (
	onWords    = 2
	heldWords  = 7
	heldShift  = 32
	heldBit    = 1 << heldShift
	phaseShift = 40
	phaseMask  = 3 << phaseShift
)

// phase is how far an episode of "for" has come.
type phase uint8

const (
	none  phase = iota
	open        // the condition holds, the alert is still to come
	fired       // the condition holds, the alert has been raised
	over        // fired, and the condition has ended less than "keep" ago
)

func phaseOf(w []uint64) phase         { return phase(w[0] >> phaseShift & 3) }
func setPhase(w []uint64, p phase)     { w[0] = w[0]&^phaseMask | uint64(p)<<phaseShift }
func windowsOf(w []uint64) slab.Handle { return slab.Handle(uint32(w[0])) }
func (o *onRule) words() (n int) {
	n = onWords
	if o.held != nil {
		n = heldWords + o.held.capture.Words()
	}
	return n
}

// onEvent judges the condition of an on … when rule for an event.
func (st *stage) onEvent(rs *ruleState, space *space, hash uint64, state slab.Handle) {
	sh, f, o := st.sh, &st.sh.frame, rs.r.on
	if rs.r.needsKey {
		sh.decodeKey()
	}
	s := state
	windows := s
	if o.stateful && s != 0 {
		windows = windowsOf(rs.mem.Words(s))
	}
	windows = st.windows(rs, windows, space, hash)
	f.Aggs, f.Bound = rs, &rs.one
	before := f.Failures
	holds := o.cond(f)
	rs.counts.EvalErrors += f.Failures - before
	if rs.tracer != nil {
		rs.tracer.judged(f, holds)
	}
	switch {
	case !o.stateful:
		s = windows
		if holds {
			rs.fireNow()
		}
	case s == 0 && windows == 0 && !holds: // nothing to remember
	default:
		if s == 0 {
			s = rs.mem.Alloc(o.words())
		}
		rs.mem.Touch(s)
		w := rs.mem.Words(s)
		w[0] = w[0]&^0xffffffff | uint64(windows)
		if o.held != nil {
			rs.episode(w, holds)
		} else if rs.turned(w, holds) {
			rs.fireNow()
		}
		if windows == 0 && w[0] == 0 {
			rs.mem.Free(s)
			s = 0
		}
	}
	for i := range rs.groups {
		if gs := &rs.groups[i]; gs.pool == nil {
			gs.set.Settle(holds)
		}
	}
	f.Aggs = nil
	st.store(rs, space, hash, state, s)
}

// windows adds the event to the rule's windows, of which own is the handle of
// the private ones, and returns that handle.
func (st *stage) windows(rs *ruleState, own slab.Handle, space *space, hash uint64) slab.Handle {
	sh := st.sh
	at := sh.frame.At
	for i := range rs.groups {
		g, gs := &rs.r.on.groups[i], &rs.groups[i]
		if ps := gs.pool; ps != nil {
			st.enterPool(ps, space, hash)
			if gs.cur = ps.cur; ps.noKey {
				rs.counts.KeyMissing++
			}
			continue
		}
		evaluate(&sh.frame, g.inputs, gs.args)
		if g.own {
			own = gs.set.Add(own, at, gs.args)
			gs.cur = own
		} else {
			var noKey bool
			if gs.cur, noKey = gs.enter(sh, g.keyer); noKey {
				rs.counts.KeyMissing++
			}
		}
		giveBack(sh.syms, g.inputs, gs.args)
	}
	return own
}

// enter adds the event to the windows of a key of their own. An event without
// that key is in none of them, and reads them as empty.
func (gs *groupState) enter(sh *shard, keyer *expr.Keyer) (h slab.Handle, noKey bool) {
	key, ok := keyer.AppendKey(sh.keyBuf[:0], &sh.frame)
	sh.keyBuf = key
	if !ok {
		return 0, true
	}
	hash := slab.Hash(key)
	slot, ok := gs.keys.Find(hash, key)
	if !ok {
		slot = gs.keys.Add(hash, key)
	}
	v := gs.keys.Value(slot)
	h = gs.set.Add(slab.Handle(*v), sh.frame.At, gs.args)
	if uint64(h) != *v {
		gs.keys.Touch(slot)
		*v = uint64(h)
	}
	return h, false
}

// recall points the windows at the keys of an episode's last event, which is
// bound, and shows them its values.
func (rs *ruleState) recall(own slab.Handle) {
	sh := rs.sh
	for i := range rs.groups {
		g, gs := &rs.r.on.groups[i], &rs.groups[i]
		gs.cur = own
		if !g.own {
			gs.cur = 0
			key, ok := g.last.keyer.AppendKey(sh.keyBuf[:0], &sh.frame)
			sh.keyBuf = key
			if slot, found := gs.keys.Find(slab.Hash(key), key); ok && found {
				gs.cur = slab.Handle(*gs.keys.Value(slot))
			}
		}
		evaluate(&sh.frame, g.last.inputs, gs.args)
		gs.set.Show(gs.args)
		giveBack(sh.syms, g.last.inputs, gs.args)
	}
}

// Agg implements expr.Aggregates for the rule's inline aggregates.
func (rs *ruleState) Agg(i int) (cep.Word, bool) {
	p := rs.r.on.place[i]
	gs := &rs.groups[p.group]
	f := &rs.sh.frame
	w, ok := gs.set.Read(gs.cur, f.At, p.index)
	if gs.set.Failed {
		gs.set.Failed = false
		f.Failed = true
	}
	return w, ok
}

// turned says whether a condition has just become true for the key, and keeps
// it. It is armed again by an event without it, or when the key had no event
// for the rule's longest window.
func (rs *ruleState) turned(w []uint64, holds bool) bool {
	at := rs.sh.frame.At
	held := w[0]&heldBit != 0
	if quiet := rs.r.on.quiet; held && quiet > 0 && int64(w[1]) < before(at, quiet) {
		held = false
	}
	w[0] &^= heldBit
	if holds {
		w[0] |= heldBit
	}
	w[1] = uint64(at)
	return holds && !held
}

// episode moves the episode of a held condition on by an event.
func (rs *ruleState) episode(w []uint64, holds bool) {
	f, h := &rs.sh.frame, rs.r.on.held
	rs.silence(w, f.At)
	p := phaseOf(w)
	if !holds {
		switch {
		case p == fired && h.keep > 0:
			setPhase(w, over)
			w[6] = uint64(f.At)
		case p == open || p == fired:
			rs.endEpisode(w)
		}
		return
	}
	var id uint64
	id, rs.sh.idBuf = nfa.Identity(f, rs.sh.idBuf)
	record := w[heldWords:]
	if p == none {
		setPhase(w, open)
		w[2], w[3] = uint64(f.At), id
	} else {
		h.capture.Release(record, rs.sh.syms)
		if p == over {
			setPhase(w, fired)
		}
	}
	w[1], w[4], w[5] = uint64(f.At), uint64(f.Ref), id
	h.capture.Store(record, f)
}

// silence ends an episode by the gap, and forgets one that has been over for
// longer than keep, as of a time at which an event comes.
func (rs *ruleState) silence(w []uint64, at int64) {
	h := rs.r.on.held
	last := int64(w[1])
	if p := phaseOf(w); h.gap > 0 && (p == open || p == fired) && last < before(at, h.gap) {
		if p == open || h.keep == 0 {
			rs.endEpisode(w)
			return
		}
		setPhase(w, over)
		w[6] = uint64(last + h.gap)
	}
	if phaseOf(w) == over && int64(w[6]) < before(at, h.keep) {
		rs.endEpisode(w)
	}
}

// endEpisode forgets the episode and gives up its captured event.
func (rs *ruleState) endEpisode(w []uint64) {
	rs.r.on.held.capture.Release(w[heldWords:], rs.sh.syms)
	clear(w[1:])
	setPhase(w, none)
}

// episodeEnd is the deadline of an episode whose alert is still to come.
func (rs *ruleState) episodeEnd(s slab.Handle) (at int64, ok bool) {
	if rs.r.on.held == nil {
		return 0, false
	}
	w := rs.mem.Words(s)
	if phaseOf(w) != open {
		return 0, false
	}
	return after(int64(w[2]), rs.r.on.held.dur), true
}

// onDeadline raises the alert of an episode that has lasted long enough.
func (st *stage) onDeadline(rs *ruleState, s slab.Handle, at int64) slab.Handle {
	w := rs.mem.Words(s)
	h := rs.r.on.held
	if end, ok := rs.episodeEnd(s); !ok || end > at {
		return s // the timer came before a deadline that has moved
	}
	rs.mem.Touch(s)
	if h.gap > 0 && int64(w[1]) < before(at, h.gap) {
		rs.endEpisode(w)
		return rs.spare(s, w)
	}
	setPhase(w, fired)
	f := &st.sh.frame
	rs.one.record = w[heldWords:]
	f.Aggs, f.Bound = rs, &rs.one
	rs.recall(windowsOf(w))
	f.MatchStart, f.MatchEnd = int64(w[2]), at
	last := nfa.BoundEvent{At: int64(w[1]), Ref: cep.Ref(w[4]), ID: w[5]}
	rs.events[0] = last
	rs.match = nfa.Match{At: at, FirstAt: int64(w[2]), Bound: &rs.one, Events: rs.events[:]}
	first := last
	first.ID = w[3]
	st.sh.matched(rs, &rs.match, []nfa.BoundEvent{first})
	f.Aggs = nil
	rs.one.record = nil
	return s
}

// spare frees a slot in which nothing is left.
func (rs *ruleState) spare(s slab.Handle, w []uint64) slab.Handle {
	if w[0] != 0 {
		return s
	}
	rs.mem.Free(s)
	return 0
}

// fireNow raises the alert of an on … when rule for the current event.
func (rs *ruleState) fireNow() {
	sh, f := rs.sh, &rs.sh.frame
	rs.events[0] = nfa.BoundEvent{At: f.At, Ref: f.Ref}
	f.MatchStart, f.MatchEnd = f.At, f.At
	rs.match = nfa.Match{At: f.At, FirstAt: f.At, Bound: &rs.one, Events: rs.events[:]}
	sh.matched(rs, &rs.match, nil)
}

// oneEvent is the one bound event of an on … when rule.
type oneEvent struct {
	rs     *ruleState
	record []uint64 // of an episode's last event; nil: the current event
}

// Count implements expr.Bound.
func (*oneEvent) Count(int) int { return 1 }

// Record implements expr.Bound. Where the event is the current one, nobody
// reads it as bound.
func (o *oneEvent) Record(int, int) []uint64 { return o.record }

// after returns t + d, and the greatest time where that does not fit.
func after(t, d int64) int64 {
	if t > maxTime-d {
		return maxTime
	}
	return t + d
}
