package engine

import (
	"slices"
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// evidenceData is how many events at either end of a match come with their raw
// text.
const evidenceData = 10

// evidenceBook finds the raw text and the id of an event by its reference. The
// newest events are in memory, up to a limit in bytes; for older ones it asks
// the inputs. What is gone there too stands in the alert without its data.
type evidenceBook struct {
	inputs  map[uint64]Input // by source and partition
	limit   int64
	bytes   int64
	streams map[uint64]*stream // by source and partition
	queue   []*page            // in the order in which they came
	spare   []*page
	// recycle takes the text of a batch that was lent and is gone; nil: none are.
	recycle func([]byte)
}

// stream is the pages of one partition, by position.
type stream struct{ pages []*page }

// page is the text of a batch and where its events stand in it.
type page struct {
	text   []byte
	rows   []evidenceRow
	wide   []cep.Wide
	size   int64
	of     *stream
	lent   bool
	queued bool // not yet given up
	used   bool // rows of its batch wait
}

type evidenceRow struct {
	ref    cep.Ref
	raw    uint64 // as in Batch.Raw
	id     cep.Word
	schema *cep.Schema
}

func newEvidenceBook(cfg *Config) *evidenceBook {
	b := &evidenceBook{limit: cfg.Limits.Evidence, inputs: map[uint64]Input{}, streams: map[uint64]*stream{}}
	for _, in := range cfg.Inputs {
		b.inputs[inputKey(in.Source, in.Partition)] = in
	}
	return b
}

// keep takes up a batch whose rows are of one partition and in its order.
func (b *evidenceBook) keep(p *prepared) {
	batch := p.batch
	if len(batch.Rows) == 0 {
		return
	}
	first := batch.Rows[0].Ref
	key := inputKey(first.Source(), first.Partition())
	s := b.streams[key]
	if s == nil {
		s = &stream{}
		b.streams[key] = s
	}
	pg := b.page()
	*pg = page{text: batch.Bytes, rows: pg.rows[:0], wide: pg.wide[:0], of: s, lent: p.lent, queued: true, used: true}
	pg.fill(batch)
	pg.size = int64(cap(pg.text)) + 32*int64(cap(pg.rows))
	p.page = pg
	s.pages = append(s.pages, pg)
	b.queue = append(b.queue, pg)
	b.bytes += pg.size
	for b.bytes > b.limit && len(b.queue) > 1 {
		b.drop()
	}
}

// fill notes where the events of a batch stand.
func (pg *page) fill(batch *cep.Batch) {
	for i := range batch.Rows {
		r := &batch.Rows[i]
		t := &batch.Tables[r.Table]
		row := evidenceRow{ref: r.Ref, schema: t.Schema}
		if batch.Raw != nil {
			row.raw = batch.Raw[i]
		}
		if id := t.Schema.ID; id >= 0 {
			row.id = t.Cols[id].Words[r.Index]
			if t.Schema.Fields[id].Type.Wide() {
				pg.wide = append(pg.wide, batch.Wide[row.id])
				row.id = cep.Word(len(pg.wide) - 1)
			}
		}
		pg.rows = append(pg.rows, row)
	}
}

func (b *evidenceBook) page() *page {
	if n := len(b.spare); n > 0 {
		p := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return p
	}
	return &page{}
}

// drop gives the oldest page up.
func (b *evidenceBook) drop() {
	pg := b.queue[0]
	b.queue[0] = nil
	b.queue = b.queue[1:]
	b.bytes -= pg.size
	pg.of.pages[0] = nil
	pg.of.pages = pg.of.pages[1:]
	pg.queued = false
	b.settle(pg)
}

// done says that no row of the page's batch waits any more.
func (b *evidenceBook) done(pg *page) {
	if pg != nil {
		pg.used = false
		b.settle(pg)
	}
}

func (b *evidenceBook) settle(pg *page) {
	if pg.queued || pg.used {
		return
	}
	if pg.lent && b.recycle != nil {
		b.recycle(pg.text)
	}
	pg.text = nil
	b.spare = append(b.spare, pg)
}

// find returns the page and the row of an event.
func (b *evidenceBook) find(ref cep.Ref) (*page, *evidenceRow) {
	s := b.streams[inputKey(ref.Source(), ref.Partition())]
	if s == nil {
		return nil, nil
	}
	i, exact := slices.BinarySearchFunc(s.pages, ref, func(p *page, r cep.Ref) int { return compareRefs(p.rows[0].ref, r) })
	if !exact {
		i--
	}
	if i < 0 {
		return nil, nil
	}
	pg := s.pages[i]
	row, ok := slices.BinarySearchFunc(pg.rows, ref, func(r evidenceRow, ref cep.Ref) int { return compareRefs(r.ref, ref) })
	if !ok {
		return nil, nil
	}
	return pg, &pg.rows[row]
}

func compareRefs(a, b cep.Ref) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// fill gives an alert its events.
func (b *evidenceBook) fill(f *found) {
	n := len(f.events)
	f.alert.Events = make([]cep.AlertEvent, n)
	for i := range f.events {
		ev, out := &f.events[i], &f.alert.Events[i]
		bind := &f.rule.ir.Bindings[ev.Binding]
		out.Step, out.Type, out.At = bind.Label, bind.Schema.Name, ev.At
		if out.Step == "" {
			out.Step = out.Type
		}
		in := b.inputs[inputKey(ev.Ref.Source(), ev.Ref.Partition())]
		var raw []byte
		if pg, row := b.find(ev.Ref); pg != nil {
			out.ID, raw = pg.event(row, in)
		} else if in.Find != nil {
			out.ID, raw = in.Find(bind.Schema, ev.Ref)
		}
		if out.ID == "" {
			out.ID = place(in.Name, ev.Ref)
		}
		if i < evidenceData || i >= n-evidenceData {
			out.Data = raw
		}
	}
}

// event returns the id of an event, "" if it has none, and its text as JSON.
func (pg *page) event(row *evidenceRow, in Input) (id string, data []byte) {
	if f := row.schema.ID; f >= 0 {
		text := cep.Batch{Bytes: pg.text, Wide: pg.wide}
		id = text.Value(row.schema.Fields[f].Type, row.id).String()
	}
	off, n := int(row.raw>>32), int(uint32(row.raw))
	switch raw := pg.text[off : off+n]; {
	case n == 0:
	case in.JSON != nil:
		data = in.JSON(nil, raw)
	default:
		data = slices.Clone(raw)
	}
	return id, data
}

// place is an event's place in the input as text: source/partition/position.
func place(source string, ref cep.Ref) string {
	text := strconv.AppendUint(append([]byte(source), '/'), uint64(ref.Partition()), 10)
	return string(strconv.AppendUint(append(text, '/'), ref.Position(), 10))
}
