package replay

import (
	"sort"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// batch builds the events of a test as one batch of partition 0, in the order
// in which they arrive; ties stand as written. The id of a row is the number
// of its line.
func batch(test *dsl.TestIR) *cep.Batch {
	events := make([]*dsl.TestEvent, 0, len(test.Events))
	for i := range test.Events {
		if test.Events[i].Schema != nil {
			events = append(events, &test.Events[i])
		}
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].Arrive < events[j].Arrive })
	b := &builder{batch: &cep.Batch{}, tables: map[*cep.Schema]uint32{}}
	for i, e := range events {
		b.add(e, uint64(i))
	}
	return b.batch
}

// builder appends rows of values to a batch.
type builder struct {
	batch  *cep.Batch
	tables map[*cep.Schema]uint32
}

func (b *builder) add(e *dsl.TestEvent, position uint64) {
	number, ok := b.tables[e.Schema]
	if !ok {
		number = uint32(len(b.batch.Tables))
		b.tables[e.Schema] = number
		b.batch.Tables = append(b.batch.Tables, cep.Table{Schema: e.Schema, Cols: make([]cep.Column, len(e.Schema.Fields))})
	}
	t := &b.batch.Tables[number]
	row := t.Rows
	for i := range e.Values {
		b.cell(&t.Cols[i], row, &e.Values[i], e.Schema.Fields[i].Type)
	}
	t.Rows++
	at := int64(t.Cols[e.Schema.Time].Words[row])
	b.batch.Rows = append(b.batch.Rows, cep.Row{At: at, Ref: cep.MakeRef(0, 0, position), Table: number, Index: uint32(row)})
	b.raw(e)
}

func (b *builder) cell(c *cep.Column, row int, v *cep.Value, t cep.Type) {
	for len(c.Present) <= row>>6 {
		c.Present = append(c.Present, 0)
	}
	var w cep.Word
	if !v.Missing {
		c.Present[row>>6] |= 1 << (row & 63)
		w = b.word(v, t)
	}
	c.Words = append(c.Words, w)
}

// word stores a value where its kind keeps it and returns its word.
func (b *builder) word(v *cep.Value, t cep.Type) cep.Word {
	switch t.Kind {
	case cep.KindString:
		return b.text(v.Text)
	case cep.KindIP, cep.KindPoint:
		b.batch.Wide = append(b.batch.Wide, v.Wide)
		return cep.Word(len(b.batch.Wide) - 1)
	case cep.KindList:
		words := make([]cep.Word, len(v.List))
		for i := range v.List {
			words[i] = b.word(&v.List[i], *t.Elem)
		}
		b.batch.Elems = append(b.batch.Elems, words...)
		return cep.StringWord(len(b.batch.Elems)-len(words), len(words))
	}
	return v.Word
}

func (b *builder) text(s string) cep.Word {
	b.batch.Bytes = append(b.batch.Bytes, s...)
	return cep.StringWord(len(b.batch.Bytes)-len(s), len(s))
}

// raw writes the event as the JSON line that a source would have carried, so
// that alerts of tests show their evidence as others do.
func (b *builder) raw(e *dsl.TestEvent) {
	start := len(b.batch.Bytes)
	out := append(b.batch.Bytes, '{')
	for i := range e.Values {
		if e.Values[i].Missing {
			continue
		}
		if out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, e.Schema.Fields[i].Name...)
		out = append(out, `":`...)
		out = e.Values[i].AppendJSON(out)
	}
	b.batch.Bytes = append(out, '}')
	b.batch.Raw = append(b.batch.Raw, cep.StringWord(start, len(b.batch.Bytes)-start))
}
