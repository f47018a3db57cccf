package engine

import (
	"slices"
)

// Rows wait because their own source may still bring older ones, or because
// another that they wait for is behind. The second kind has no bound of its
// own: a partition that is read fast runs away from one that is read slowly.
// So beyond Limits.Waiting a partition that is ahead of its group gets no more
// room until the others have caught up; the one that the group waits for always
// has room, or nobody would ever get on.
//
// What is left is a lateness that is too long for the memory: twice the limit
// waits although nobody who is ahead was let in. With Limits.Early the oldest
// rows then are released before their time, and W moves with them, so that rows
// that come below it are late and counted as such; without it Feed returns
// ErrWaiting.

// crowded says that more rows wait than times the limits.
func (e *Engine) crowded(times int) bool {
	l := &e.cfg.Limits
	return e.held.waiting > times*l.Waiting || l.WaitingBytes > 0 && e.held.bytes > int64(times)*l.WaitingBytes
}

// Waiting is how many rows wait for the watermark of their group, and the bytes
// of the batches that hold them.
func (e *Engine) Waiting() (rows int, bytes int64) { return e.held.waiting, e.held.bytes }

// Room says whether a partition should bring more rows. It should not while too
// many wait, its group has its share in them, and the group waits for another
// partition. Feeding it all the same does no harm but to the memory.
func (e *Engine) Room(source, partition uint32) bool {
	if !e.crowded(1) {
		return true
	}
	part := e.inputs[inputKey(source, partition)]
	if part == nil || part.group.order.waiting*len(e.groups) < e.held.waiting {
		return true
	}
	return part.w() <= lowest(part.group.parts, nil)
}

// earlyRows is how many rows are released early at a time at least.
const earlyRows = 1 << 10

// relieve releases rows before their time while far too many wait: of the group
// in which most do.
func (e *Engine) relieve() {
	for e.err == nil && e.crowded(2) {
		g := e.groups[0]
		for _, other := range e.groups {
			if other.order.waiting > g.order.waiting {
				g = other
			}
		}
		if g.order.waiting == 0 {
			return
		}
		e.releaseEarly(g, min(max(e.held.waiting-2*e.cfg.Limits.Waiting, earlyRows), stepRows))
	}
}

// releaseEarly works off a group's oldest rows, so many or those of one time.
func (e *Engine) releaseEarly(g *group, rows int) {
	g.order.seal()
	before := g.order.waiting
	e.rows, _ = g.order.release(e.rows[:0], maxTime, rows) // for the time of the last
	g.order.push(run{items: slices.Clone(e.rows)})
	e.advanceAlone(g, e.rows[len(e.rows)-1].at+1)
	g.early += uint64(before - g.order.waiting)
	e.stats.Early += uint64(before - g.order.waiting)
	for _, p := range g.parts {
		p.floor = max(p.floor, g.w)
	}
}

// GroupStats is how far a watermark group is.
type GroupStats struct {
	GroupInfo
	Watermark int64  // ns; everything below is worked off; the least int64 if it has not begun
	Greatest  int64  // ns; of a row that was accepted
	Waiting   int    // rows that wait for the watermark
	Oldest    int64  // ns; the time of the first of them
	Early     uint64 // rows released before their time because too many waited
	Resting   bool   // all its partitions are silent: only the passing of time moves the watermark
}

// Groups tells of the watermark groups, by number. The last may be that of the
// sources that no rule looks at.
func (e *Engine) Groups() []GroupStats {
	list := make([]GroupStats, len(e.groups))
	for i, g := range e.groups {
		s := &list[i]
		s.Watermark, s.Greatest, s.Waiting, s.Early, s.Resting = g.w, g.last, g.order.waiting, g.early, g.resting()
		s.Oldest = g.order.oldest()
		for _, r := range g.plan.rules {
			s.Rules = append(s.Rules, r.ir.Name)
		}
		for _, p := range g.parts {
			if !slices.Contains(s.Sources, p.name) {
				s.Sources = append(s.Sources, p.name)
			}
		}
		slices.Sort(s.Sources)
	}
	return list
}

// oldestWaiting calls f for every partition of which rows wait, with the
// position of the first row of the first batch that holds some: what a restart
// has to read again begins there.
func (e *Engine) oldestWaiting(f func(source, partition uint32, position uint64)) {
	oldest := map[*partition]uint64{}
	for i := range e.held.list {
		h := &e.held.list[i]
		if h.batch == nil || h.part == nil {
			continue
		}
		first := h.batch.batch.Rows[0].Ref.Position()
		if p, ok := oldest[h.part]; !ok || first < p {
			oldest[h.part] = first
		}
	}
	for _, p := range e.parts {
		if position, ok := oldest[p]; ok {
			f(p.source, p.id, position)
		}
	}
}
