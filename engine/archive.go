package engine

import (
	"strconv"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// The journal is also the archive: the text of an event that is not in memory
// any more is found there by its reference.

// find implements Input.Find for the node's partitions.
func (n *node) find(s *cep.Schema, ref cep.Ref) (id string, data []byte) {
	if n.j == nil {
		return "", nil
	}
	f := n.wire.Load().byID[ref.Source()]
	if f == nil {
		return "", nil
	}
	rec, err := n.j.Find(streamID(ref.Source(), ref.Partition()), ref.Position())
	if err != nil {
		return "", nil
	}
	meta, err := decodeRowsMeta(rec.Meta)
	if err != nil {
		return "", nil
	}
	at, ok := meta.record(rec.First, ref.Position())
	if !ok {
		return "", nil
	}
	raw, ok := recordAt(&f.config, rec.Data, at)
	if !ok || isBlank(raw) {
		return "", nil
	}
	if f.config.Format == decode.CSV {
		raw = csvJSON(nil, meta.Header, raw, comma(f.config.Delimiter))
	}
	return n.idOf(s, raw), raw
}

// comma is a delimiter with its default.
func comma(d byte) byte {
	if d == 0 {
		return ','
	}
	return d
}

// idOf reads an event's id out of its text.
func (n *node) idOf(s *cep.Schema, data []byte) string {
	if s.ID < 0 {
		return ""
	}
	if n.recall == nil {
		n.recall = newRecall(nil)
	}
	return n.recall.reader(s).read(data)
}

// hookDerived keeps the text of alerts that are events, and finds it again.
func (n *node) hookDerived() {
	n.e.steps.derived.spool = func(b *cep.Batch, lines int) {
		for i := range b.Rows {
			ref := b.Rows[i].Ref
			if err := n.sink.PutDerived(ref.Partition(), ref.Position(), b.RawText(i)); err != nil {
				n.fail(err)
				return
			}
		}
	}
	for tier := range n.e.steps.derived.next {
		n.e.steps.book.inputs[inputKey(derivedSource, uint32(tier))] = Input{Find: n.findDerived}
	}
}

// findDerived implements Input.Find for alerts that are events.
func (n *node) findDerived(s *cep.Schema, ref cep.Ref) (id string, data []byte) {
	text, ok, err := n.sink.Derived(ref.Partition(), ref.Position())
	if err != nil || !ok {
		return "", nil
	}
	return n.idOf(s, text), text
}

// redecode reads the text of waiting rows again, for a program that reads them
// otherwise. Rows that are no events any more are left out.
func (n *node) redecode(w *wiring) func(*cep.Batch) (*cep.Batch, error) {
	d := decoders{wiring: w, by: map[string]*decode.Decoder{}}
	return func(b *cep.Batch) (*cep.Batch, error) {
		out := &cep.Batch{}
		if len(b.Rows) == 0 {
			return out, nil
		}
		ref := b.Rows[0].Ref
		dec, err := d.decoder(ref.Source(), n.headers[streamID(ref.Source(), ref.Partition())])
		if err != nil || dec == nil {
			return out, err
		}
		var lines []byte
		for i := range b.Rows {
			lines = append(append(lines, b.RawText(i)...), '\n')
		}
		var res decode.Result
		dec.Decode(lines, out, &res)
		for i := range out.Rows {
			out.Rows[i].Ref = b.Rows[out.Rows[i].Ref.Position()].Ref
		}
		return out, nil
	}
}

// reject keeps something that a source could not even make a record of.
func (n *node) reject(p *livePart, next uint64, place, reason string, raw []byte) {
	position, err := strconv.ParseUint(place, 10, 64)
	if err != nil {
		position = next
	}
	d := DeadRecord{Source: p.feed.Load().name, Partition: partitionOf(p.stream), Position: position, Place: place, Arrived: n.now().UnixNano(), Reason: reason, Raw: raw}
	if err := n.sink.Dead(d); err != nil {
		n.fail(err)
		return
	}
	_ = n.ask(n.ctx, func() { n.counts.reject(sourceOf(p.stream), reason) }) // a node that ends counts no more
}
