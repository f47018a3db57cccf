package engine

import (
	"math"
	"math/bits"

	"github.com/weir-cep/weir/cep"
)

const (
	minTime = math.MinInt64
	maxTime = math.MaxInt64
)

// before returns t − d, and the least time where that does not fit.
func before(t, d int64) int64 {
	if d > 0 && t < minTime+d {
		return minTime
	}
	return t - d
}

// partition is one ordered part of the input with its own watermark.
//
// W is the greatest at so far less the largest lateness of the partition's
// types, and moves with every row: a row is late iff its at is below the W
// that the rows before it gave, however they were cut into batches, or below
// the floor.
type partition struct {
	source uint32
	id     uint32

	// What decides output, and is kept for a restart.
	max   int64 // greatest at so far, minTime before the first row
	floor int64 // what is below was released without asking this partition: while it was idle, or before it was there
	idle  bool  // out of the watermark until its next row
	ended bool  // nothing more will come

	// Totals, kept too.
	rows     uint64 // accepted or not
	lateRows uint64

	// What the plan and the configuration say.
	name  string
	group *group
	late  int64 // ns
	ahead int64 // ns a row may be ahead of its arrival; 0: any time

	waiting int // its rows in the group's order
}

// w is the partition's watermark.
func (p *partition) w() int64 { return before(p.max, p.late) }

// bound is the time below which a row of the partition is late.
func (p *partition) bound() int64 { return max(p.w(), p.floor) }

// active says that the group waits for the partition.
func (p *partition) active() bool { return !p.idle && !p.ended }

// lowest is the least watermark of the active partitions other than one (nil:
// of all); maxTime if there are none. A partition without a row yet holds
// everything.
func lowest(parts []*partition, other *partition) int64 {
	w := int64(maxTime)
	for _, p := range parts {
		if p != other && p.active() {
			w = min(w, p.w())
		}
	}
	return w
}

// Lag counts how far rows of a type came behind the newest row of their
// partition.
type Lag struct {
	Late    uint64     // rows that came too late
	Longest int64      // ns; the greatest lag of any row
	Counts  [64]uint64 // rows behind, by the power of two of nanoseconds below their lag
}

// count takes a lag of at least one nanosecond.
func (l *Lag) count(lag uint64) {
	l.Longest = max(l.Longest, int64(min(lag, math.MaxInt64)))
	l.Counts[bits.Len64(lag)-1]++
}

// Suggest is a "late" under which no row of the type would have been too late:
// the longest lag rounded up to a second, or to a minute beyond an hour.
func (l *Lag) Suggest() int64 {
	unit := cep.Second
	if l.Longest > cep.Hour {
		unit = cep.Minute
	}
	return l.Longest/unit*unit + unit
}
