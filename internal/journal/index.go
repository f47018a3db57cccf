package journal

import (
	"slices"
	"sort"
)

// indexEvery is the least distance, in bytes of the segment, of two marks of
// one stream in the index.
const indexEvery = 256 << 10

// index says where in a segment positions and rows are found. It is sparse:
// from a mark on one reads at most a little more than indexEvery bytes.
type index struct {
	places  []place
	streams []streamIndex // in the order of their first records
	slot    map[uint32]int
}

// place is a record that the index knows.
type place struct {
	pos Position
	off int64
}

// streamIndex is where the rows of one stream are.
type streamIndex struct {
	rowSpan
	rows []rowPlace
}

type rowPlace struct {
	first uint64 // row
	place
}

// add takes up a record that stands behind all others. It says whether the
// record is the first of its stream.
func (x *index) add(f *frame) (fresh bool) {
	p := place{f.rec.Pos, f.off}
	if n := len(x.places); n == 0 || f.off-x.places[n-1].off >= indexEvery {
		x.places = append(x.places, p)
	}
	if f.rec.Stream == NoStream || f.rec.Count == 0 {
		return false
	}
	i, ok := x.slot[f.rec.Stream]
	if !ok {
		if x.slot == nil {
			x.slot = map[uint32]int{}
		}
		i = len(x.streams)
		x.slot[f.rec.Stream] = i
		x.streams = append(x.streams, streamIndex{rowSpan: rowSpan{f.rec.Stream, f.rec.First, f.rec.First}})
	}
	s := &x.streams[i]
	s.last = max(s.last, f.rec.First+(f.rec.Count-1))
	if n := len(s.rows); n == 0 || f.off-s.rows[n-1].off >= indexEvery {
		s.rows = append(s.rows, rowPlace{f.rec.First, p})
	}
	return !ok
}

// seek is a place at or before the record at pos.
func (x *index) seek(pos Position) (place, bool) {
	i := sort.Search(len(x.places), func(i int) bool { return x.places[i].pos > pos })
	if i == 0 {
		return place{}, false
	}
	return x.places[i-1], true
}

// find is a place at or before the record that holds the row.
func (x *index) find(stream uint32, row uint64) (place, bool) {
	i, ok := x.slot[stream]
	if !ok {
		return place{}, false
	}
	rows := x.streams[i].rows
	k := sort.Search(len(rows), func(k int) bool { return rows[k].first > row })
	if k == 0 {
		return place{}, false
	}
	return rows[k-1].place, true
}

// spans lists the rows of every stream, ascending by stream.
func (x *index) spans() []rowSpan {
	out := make([]rowSpan, len(x.streams))
	for i := range x.streams {
		out[i] = x.streams[i].rowSpan
	}
	slices.SortFunc(out, func(a, b rowSpan) int { return int(int64(a.stream) - int64(b.stream)) })
	return out
}

// bytes is about what the index takes in memory.
func (x *index) bytes() int {
	n := 16 * len(x.places)
	for i := range x.streams {
		n += 96 + 24*len(x.streams[i].rows)
	}
	return n
}
