package engine

import (
	"sort"

	"github.com/weir-cep/weir/cep"
)

// In arrival order rules see rows as they are fed, whatever their time. Their
// worlds run before the rows are ordered by time; what they raise goes to
// rules of arrival order behind the row that caused it, and to rules of time
// order like any other row. A run with rules of both orders writes alerts by
// the row that caused them: of a rule in time order, the row that moved the
// watermark past the alert.

// move says how far the watermark is behind a row of the feed in progress.
type move struct {
	ref cep.Ref
	w   int64
}

// arrivals collects what a feed needs for the worlds of arrival order.
type arrivals struct {
	rows  []item
	moves []move
	start int64 // the watermark before the feed
}

func (a *arrivals) begin(w int64) {
	a.rows, a.moves, a.start = a.rows[:0], a.moves[:0], w
}

// move notes what the partitions' watermark is behind a row.
func (a *arrivals) move(ref cep.Ref, w int64) {
	last := a.start
	if n := len(a.moves); n > 0 {
		last = a.moves[n-1].w
	}
	if w > last {
		a.moves = append(a.moves, move{ref, w})
	}
}

// at is the watermark behind a row of the feed.
func (a *arrivals) at(ref cep.Ref) int64 {
	i := sort.Search(len(a.moves), func(i int) bool { return a.moves[i].ref > ref })
	if i == 0 {
		return a.start
	}
	return a.moves[i-1].w
}

// passed is the row that moved the watermark past a time; noCause: none of the
// feed did.
func (a *arrivals) passed(at int64) cep.Ref {
	i := sort.Search(len(a.moves), func(i int) bool { return a.moves[i].w > at })
	if i == len(a.moves) {
		return noCause
	}
	return a.moves[i].ref
}

// feedBoth is feedPrepared for a group with rules in arrival order.
func (e *Engine) feedBoth(p *prepared, part *partition, arrived int64) {
	a, g := &e.arrivals, part.group
	a.begin(g.w)
	id := e.hold(p, part)
	e.accept(p, id, part, 0, len(p.batch.Rows), arrived)
	e.steps.begin(a)
	e.steps.arrive(g, e.held.list, a.rows)
	for _, b := range e.steps.derived.batches {
		e.acceptDerived(g, b)
	}
	e.held.drop(id, len(a.rows))
	e.held.settle(id)
	if e.advance(g, g.target()) == nil {
		e.err = e.steps.deliver()
	}
}

// acceptDerived takes what rules in arrival order raised into time order.
func (e *Engine) acceptDerived(g *group, p *prepared) {
	id := e.held.hold(p, nil)
	for i := range p.batch.Rows {
		if !p.wanted(i, g.plan.timeWorlds()) {
			continue
		}
		r := &p.batch.Rows[i]
		if w := e.arrivals.at(p.cause[i]); r.At < w {
			e.tooLate(p, i, w, w)
			continue
		}
		g.order.add(item{at: r.At, ref: r.Ref, batch: id, row: uint32(i)})
		g.last = max(g.last, r.At)
	}
	e.held.settle(id)
}

// arrive runs the worlds of arrival order over the rows of a feed.
func (s *stepper) arrive(g *group, batches []held, rows []item) {
	s.batches = batches
	s.derived.begin()
	for _, w := range g.plan.arrivalWorlds() {
		from := len(s.found)
		s.level(w, s.derived.mergeArrival(w, rows), minTime)
		for _, f := range s.found[from:] {
			f.pos = f.cause
		}
	}
}

// mergeArrival returns the rows of a level in arrival order: an event that a
// lower level raised stands behind the row that caused it.
func (d *deriver) mergeArrival(w *world, rows []item) []item {
	if w.level == 0 || len(d.items) == 0 {
		return rows
	}
	cause := func(it *item) cep.Ref { return d.batches[it.batch-derivedBatch].cause[it.row] }
	sort.SliceStable(d.items, func(i, j int) bool {
		a, b := &d.items[i], &d.items[j]
		if x, y := cause(a), cause(b); x != y {
			return x < y
		}
		if a.batch != b.batch {
			return a.batch < b.batch
		}
		return a.row < b.row
	})
	d.merged = d.merged[:0]
	i := 0
	for j := range d.items {
		for c := cause(&d.items[j]); i < len(rows) && rows[i].ref <= c; i++ {
			d.merged = append(d.merged, rows[i])
		}
		d.merged = append(d.merged, d.items[j])
	}
	d.merged = append(d.merged, rows[i:]...)
	return d.merged
}
