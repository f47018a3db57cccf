package engine

// group is the partitions that wait for each other, and the rows that wait.
//
// Its watermark W is the least of its active partitions', but never falls:
// what it has passed has been worked off. A partition that comes late to it,
// new or back from being idle, is not asked for what is below; its floor says
// that such rows are late. So every row that is accepted stands at W or behind
// it:
//
//	W <= bound() of every active partition
type group struct {
	index int

	// What decides output, and is kept for a restart, together with the rows
	// that wait.
	w    int64 // all rows and deadlines below are worked off; minTime: nothing is
	last int64 // greatest at of a row that was accepted

	plan  *groupPlan
	parts []*partition // in the order in which they came
	order order
	early uint64 // rows released before the watermark of the partitions had passed them
}

// target is what the watermark is now, given where the partitions are.
func (g *group) target() int64 {
	if w := lowest(g.parts, nil); w != maxTime {
		return max(g.w, w)
	}
	return g.w
}

// resting says that no partition holds the watermark, so that only the passing
// of time moves it.
func (g *group) resting() bool {
	for _, p := range g.parts {
		if p.active() {
			return false
		}
	}
	return true
}

// rejoin makes a partition one that the group waits for.
func (p *partition) rejoin() {
	p.idle, p.ended = false, false
	p.floor = max(p.floor, p.group.w)
}

// sourceState is what an engine knows of a source.
type sourceState struct {
	group *group
	// floor is the time below which rows of the source had been released when
	// its group was last joined with others: kept for a restart. No rule may
	// see rows of the source from below.
	floor int64
}
