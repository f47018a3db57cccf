package webhook

import (
	"container/heap"

	"github.com/weir-cep/weir/alerts"
)

// queue holds pending deliveries. Those of one group wait for each other, in
// their order: only the first of a group is tried.
type queue struct {
	groups map[string]*group
	heads  heads // groups whose first is not being tried, by when it is due
	count  int
}

type group struct {
	name  string
	items []*alerts.Delivery
}

func newQueue() *queue { return &queue{groups: map[string]*group{}} }

// push adds a delivery to its group.
func (q *queue) push(name string, d *alerts.Delivery) {
	q.count++
	g := q.groups[name]
	if g == nil {
		g = &group{name: name, items: []*alerts.Delivery{d}}
		q.groups[name] = g
		heap.Push(&q.heads, g)
		return
	}
	g.items = append(g.items, d)
}

// due takes the group whose first is due at now, nil if none is. It comes back
// with again or pop.
func (q *queue) due(now int64) *group {
	if len(q.heads) == 0 || q.heads[0].items[0].Next > now {
		return nil
	}
	return heap.Pop(&q.heads).(*group)
}

// next is when something is due; false: nothing waits.
func (q *queue) next() (at int64, ok bool) {
	if len(q.heads) == 0 {
		return 0, false
	}
	return q.heads[0].items[0].Next, true
}

// again puts a group back whose first stays.
func (q *queue) again(g *group) { heap.Push(&q.heads, g) }

// pop takes the first of a group away.
func (q *queue) pop(g *group) {
	q.count--
	if g.items = g.items[1:]; len(g.items) == 0 {
		delete(q.groups, g.name)
		return
	}
	heap.Push(&q.heads, g)
}

// hasten makes deliveries due at now for which f says so, and returns how many.
func (q *queue) hasten(now int64, f func(*alerts.Delivery) bool) (n int) {
	for _, g := range q.groups {
		for _, d := range g.items {
			if d.Next > now && f(d) {
				d.Next = now
				n++
			}
		}
	}
	heap.Init(&q.heads)
	return n
}

// remove takes deliveries out for which f says so.
func (q *queue) remove(f func(*alerts.Delivery) bool) (list []*alerts.Delivery) {
	waits := map[*group]bool{}
	for _, g := range q.heads {
		waits[g] = true
	}
	q.heads = q.heads[:0]
	for name, g := range q.groups {
		var rest []*alerts.Delivery
		for _, d := range g.items {
			if f(d) {
				list = append(list, d)
			} else {
				rest = append(rest, d)
			}
		}
		if g.items = rest; len(rest) == 0 {
			delete(q.groups, name)
		} else if waits[g] {
			q.heads = append(q.heads, g)
		}
	}
	heap.Init(&q.heads)
	q.count -= len(list)
	return list
}

// oldest is when the delivery began that waits longest, 0 if none waits.
func (q *queue) oldest() (at int64) {
	for _, g := range q.groups {
		if c := g.items[0].Created; at == 0 || c < at {
			at = c
		}
	}
	return at
}

type heads []*group

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return before(h[i].items[0], h[j].items[0]) }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*group)) }

func (h *heads) Pop() any {
	old := *h
	g := old[len(old)-1]
	*h = old[:len(old)-1]
	return g
}

func before(a, b *alerts.Delivery) bool {
	if a.Next != b.Next {
		return a.Next < b.Next
	}
	return a.N < b.N
}
