package engine

import (
	"bytes"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine/emit"
	"github.com/weir-cep/weir/nfa"
)

// found is an alert that a shard has built, with what it takes to put it in
// its place and to look up its evidence.
type found struct {
	alert  *cep.Alert
	rule   *rule
	key    []byte
	events []nfa.BoundEvent
	cause  cep.Ref // of the row that completed it; noCause: a deadline
	pos    cep.Ref // of the row that lets it be written; 0 if only time counts
	number uint32  // in the order in which its shard found it
}

// matched builds the alert of a match unless it is suppressed. first are the
// events that make its id: the match's own, but for an episode the one that
// began it; nil is the current event alone, which is the match's only one and
// has not been identified yet.
func (sh *shard) matched(rs *ruleState, m *nfa.Match, first []nfa.BoundEvent) {
	f := &sh.frame
	if rs.supp.readsAlert() {
		sh.decodeKey()
	}
	rs.counts.Matches++
	block := rs.r.block(m.Kind)
	before := f.Failures
	drop, n := rs.supp.drop(rs, block, m)
	if drop {
		rs.counts.Suppressed++
	} else {
		sh.decodeKey()
		a := block.Alert(f)
		if first == nil {
			m.Events[0].ID, sh.idBuf = nfa.Identity(f, sh.idBuf)
			first = m.Events
		}
		a.ID, sh.idBuf = emit.ID(rs.r.ir, rs.r.lineage, m.Kind, sh.bytes, first, sh.idBuf)
		a.At, a.FirstAt, a.Kind, a.Truncated, a.Suppressed = m.At, m.FirstAt, m.Kind, m.Truncated, n
		sh.number++
		sh.found = append(sh.found, &found{
			alert: a, rule: rs.r, key: bytes.Clone(sh.bytes), events: append([]nfa.BoundEvent(nil), m.Events...),
			cause: sh.cause, number: sh.number,
		})
		rs.counts.Alerts++
	}
	rs.counts.EvalErrors += f.Failures - before
}

// order is the order in which alerts are written: in time order by (at, level,
// rule name, key, first event), in arrival order by (cause, level, rule name,
// key, first event); both together by cause. Several of one rule, key and
// first event come from one shard and keep its order.
func (a *found) order(b *found) int {
	switch {
	case a.pos != b.pos:
		return compare(a.pos, b.pos)
	case a.rule.world.arrival != b.rule.world.arrival:
		if a.rule.world.arrival {
			return -1
		}
		return 1
	case a.rule.world.arrival:
		return a.arrived(b)
	case a.alert.At != b.alert.At:
		return compare(a.alert.At, b.alert.At)
	case a.rule.world.level != b.rule.world.level:
		return compare(a.rule.world.level, b.rule.world.level)
	}
	return a.within(b)
}

// within orders alerts of one time and level.
func (a *found) within(b *found) int {
	if a.rule != b.rule {
		return compare(a.rule.rank, b.rule.rank)
	}
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	if x, y := &a.events[0], &b.events[0]; x.At != y.At {
		return compare(x.At, y.At)
	} else if x.Ref != y.Ref {
		return compare(x.Ref, y.Ref)
	}
	return compare(a.number, b.number)
}

// arrived is the order of alerts in arrival order.
func (a *found) arrived(b *found) int {
	switch {
	case a.cause != b.cause:
		return compare(a.cause, b.cause)
	case a.rule.world.level != b.rule.world.level:
		return compare(a.rule.world.level, b.rule.world.level)
	}
	return a.within(b)
}

// asEvents is the order in which alerts are events of the next level: (at,
// level, cause, rule, match).
func (a *found) asEvents(b *found) int {
	switch {
	case a.alert.At != b.alert.At:
		return compare(a.alert.At, b.alert.At)
	case a.rule.world.level != b.rule.world.level:
		return compare(a.rule.world.level, b.rule.world.level)
	case a.cause != b.cause:
		return compare(a.cause, b.cause)
	}
	return a.within(b)
}

func compare[T int | int64 | uint32 | cep.Ref](a, b T) int {
	if a < b {
		return -1
	}
	return 1
}
