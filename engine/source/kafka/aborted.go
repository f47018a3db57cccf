package kafka

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// aborted is a transaction of an answer that was given up: the producer's
// records from first up to its next marker are not to be read.
type aborted struct{ producer, first int64 }

// filter tells the records of aborted transactions from the others. It serves
// one answer: the list in an answer is about just its batches.
type filter struct {
	coming []aborted      // by first offset
	open   map[int64]bool // producers whose transaction at this place was given up
}

func newFilter(list []aborted) filter {
	if len(list) == 0 {
		return filter{}
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b aborted) int { return cmp.Compare(a.first, b.first) })
	return filter{coming: list, open: map[int64]bool{}}
}

// drops says whether the batch's records are not to be read. Batches are asked
// for in their order; control batches are never to be read.
func (f *filter) drops(b *batch) bool {
	for len(f.coming) > 0 && f.coming[0].first <= b.last {
		f.open[f.coming[0].producer] = true
		f.coming = f.coming[1:]
	}
	if b.control() {
		if len(f.open) > 0 && isAbort(b) {
			delete(f.open, b.producer)
		}
		return true
	}
	return b.transactional() && len(f.open) > 0 && f.open[b.producer]
}

// isAbort says whether a control batch ends a transaction by giving it up.
func isAbort(b *batch) bool {
	r, _, err := nextRecord(b.body, b.base)
	const abort = 0
	return err == nil && len(r.key) >= 4 && binary.BigEndian.Uint16(r.key[2:]) == abort
}
