package engine

import (
	"slices"
	"strconv"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// evidenceData is how many events at either end of a match come with their raw
// text.
const evidenceData = 10

// evidenceBook finds the raw text and the id of an event by its reference. It
// keeps the batches themselves, up to a limit in bytes; the oldest go first,
// and an alert about events that are gone says so by leaving their data out.
type evidenceBook struct {
	inputs  map[uint64]Input // by source and partition
	limit   int64
	bytes   int64
	streams map[uint64]*stream // by source and partition
	queue   []*page            // in the order in which they came
}

// stream is the batches of one partition, by position.
type stream struct{ pages []*page }

type page struct {
	batch *cep.Batch
	first cep.Ref
	size  int64
	of    *stream
}

func newEvidenceBook(cfg *Config) *evidenceBook {
	b := &evidenceBook{limit: cfg.Limits.Evidence, inputs: map[uint64]Input{}, streams: map[uint64]*stream{}}
	for _, in := range cfg.Inputs {
		b.inputs[inputKey(in.Source, in.Partition)] = in
	}
	return b
}

// keep takes up a batch whose rows are of one partition and in its order.
func (b *evidenceBook) keep(batch *cep.Batch) {
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
	p := &page{batch: batch, first: first, size: batchBytes(batch), of: s}
	s.pages = append(s.pages, p)
	b.queue = append(b.queue, p)
	b.bytes += p.size
	for b.bytes > b.limit && len(b.queue) > 1 {
		old := b.queue[0]
		b.queue[0] = nil
		b.queue = b.queue[1:]
		b.bytes -= old.size
		old.of.pages[0] = nil
		old.of.pages = old.of.pages[1:]
	}
}

// batchBytes is about what a batch holds on to.
func batchBytes(b *cep.Batch) int64 {
	n := len(b.Bytes) + 32*len(b.Rows) + 16*len(b.Wide) + 8*len(b.Elems)
	for i := range b.Tables {
		for j := range b.Tables[i].Cols {
			n += 8 * len(b.Tables[i].Cols[j].Words)
		}
	}
	return int64(n)
}

// find returns the batch and the row of an event.
func (b *evidenceBook) find(ref cep.Ref) (batch *cep.Batch, row int, ok bool) {
	s := b.streams[inputKey(ref.Source(), ref.Partition())]
	if s == nil {
		return nil, 0, false
	}
	i, exact := slices.BinarySearchFunc(s.pages, ref, func(p *page, r cep.Ref) int { return compareRefs(p.first, r) })
	if !exact {
		i--
	}
	if i < 0 {
		return nil, 0, false
	}
	batch = s.pages[i].batch
	row, ok = slices.BinarySearchFunc(batch.Rows, ref, func(r cep.Row, ref cep.Ref) int { return compareRefs(r.Ref, ref) })
	return batch, row, ok
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
		b.event(&f.alert.Events[i], f.rule.ir, f, i, i < evidenceData || i >= n-evidenceData)
	}
}

func (b *evidenceBook) event(out *cep.AlertEvent, r *dsl.RuleIR, f *found, i int, data bool) {
	ev := &f.events[i]
	bind := &r.Bindings[ev.Binding]
	out.Step, out.Type, out.At = bind.Label, bind.Schema.Name, ev.At
	if out.Step == "" {
		out.Step = out.Type
	}
	batch, row, ok := b.find(ev.Ref)
	if !ok {
		out.ID = b.place(ev.Ref)
		return
	}
	r0 := &batch.Rows[row]
	t := &batch.Tables[r0.Table]
	if id := t.Schema.ID; id >= 0 && t.Cols[id].Has(int(r0.Index)) {
		out.ID = batch.Value(t.Schema.Fields[id].Type, t.Cols[id].Words[r0.Index]).String()
	} else {
		out.ID = b.place(ev.Ref)
	}
	raw := batch.RawText(row)
	if !data || len(raw) == 0 {
		return
	}
	if in := b.inputs[inputKey(ev.Ref.Source(), ev.Ref.Partition())]; in.JSON != nil {
		out.Data = in.JSON(nil, raw)
	} else {
		out.Data = slices.Clone(raw)
	}
}

// place is an event's place in the input as text: source/partition/position.
func (b *evidenceBook) place(ref cep.Ref) string {
	name := b.inputs[inputKey(ref.Source(), ref.Partition())].Name
	text := strconv.AppendUint(append([]byte(name), '/'), uint64(ref.Partition()), 10)
	return string(strconv.AppendUint(append(text, '/'), ref.Position(), 10))
}
