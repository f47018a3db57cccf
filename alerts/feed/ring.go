package feed

import (
	"github.com/weir-cep/weir/alerts"
)

// item is an alert as it is written out.
type item struct {
	entry alerts.Entry
	text  []byte
}

// ring is the newest alerts, without a hole.
type ring struct {
	items  []item
	bytes  int
	head   uint64 // number of the last alert that was read
	action uint64 // every action up to it is about an alert up to head
}

// reset forgets all, and goes on behind an alert.
func (r *ring) reset(head uint64) {
	r.items, r.bytes, r.head = nil, 0, head
}

// add appends the next alert, and lets the oldest go beyond the limits. Readers
// may still look at those: nothing is written over, and the array goes when
// appending has left it behind.
func (r *ring) add(it item, count, bytes int) {
	r.items = append(r.items, it)
	r.bytes += len(it.text)
	drop := 0
	for len(r.items)-drop > count || r.bytes > bytes && len(r.items)-drop > 1 {
		r.bytes -= len(r.items[drop].text)
		drop++
	}
	r.items = r.items[drop:]
}

// behind are the alerts behind a number; false: some of them are not here.
func (r *ring) behind(seq uint64) ([]item, bool) {
	if seq >= r.head {
		return nil, true
	}
	if len(r.items) == 0 || seq+1 < r.items[0].entry.Seq {
		return nil, false
	}
	return r.items[seq+1-r.items[0].entry.Seq:], true
}
