package engine

import "fmt"

// rewinding is what a restored engine waits for: the rows that waited for the
// watermark when the snapshot was taken.
type rewinding struct {
	rows map[uint64]stretches // by input
	want []int                // by group: how many, alerts as events among them
}

// rewind takes back those rows of a batch that waited when the snapshot was
// taken, and ignores the others: they were worked off, or were duplicates or
// too late. The batch is one that was fed before the snapshot, prepared for the
// engine's plan.
func (e *Engine) rewind(p *prepared) {
	id := noBatch
	if rows := p.batch.Rows; e.back != nil && len(rows) > 0 {
		key := inputKey(rows[0].Ref.Source(), rows[0].Ref.Partition())
		if part := e.inputs[key]; part != nil && len(e.back.rows[key]) > 0 {
			id = e.takeBack(p, part, e.back.rows[key])
		}
	}
	if id == noBatch && p.lent {
		e.giveBack(p)
	}
}

// takeBack returns the batch's place in the holdings, noBatch if no row of it
// waits.
func (e *Engine) takeBack(p *prepared, part *partition, kept stretches) uint32 {
	g, id := part.group, noBatch
	for i := range p.batch.Rows {
		r := &p.batch.Rows[i]
		if r.At < g.w || !kept.has(r.Ref.Position()) {
			continue
		}
		if id == noBatch {
			e.steps.book.keep(p)
			id = e.held.hold(p, part)
		}
		g.order.add(item{at: r.At, ref: r.Ref, batch: id, row: uint32(i)})
	}
	if id != noBatch {
		e.held.settle(id)
	}
	return id
}

// rewound ends rewinding. It is an error if rows did not come back.
func (e *Engine) rewound() error {
	if e.back == nil {
		return nil
	}
	want := e.back.want
	e.back = nil
	for i, g := range e.groups {
		if n := g.order.waiting; n != want[i] {
			return fmt.Errorf("engine: %d rows waited for the watermark when the snapshot was taken, and %d of them were found again", want[i], n)
		}
	}
	return nil
}
