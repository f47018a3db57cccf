package engine

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// prepared writes a batch of alerts as events, with what does not follow from
// it. Its types go by their names.
func (w *metaWriter) prepared(p *prepared) {
	b := p.batch
	w.bytes(b.Bytes)
	w.number(uint64(len(b.Wide)))
	for _, x := range b.Wide {
		w.words(x[:])
	}
	w.words(b.Elems)
	w.words(b.Raw)
	w.number(uint64(len(b.Tables)))
	for i := range b.Tables {
		t := &b.Tables[i]
		w.text(t.Schema.Name)
		w.number(uint64(t.Rows), uint64(len(t.Cols)))
		for j := range t.Cols {
			w.words(t.Cols[j].Words)
			w.words(t.Cols[j].Present)
		}
	}
	w.number(uint64(len(b.Rows)))
	for i := range b.Rows {
		r := &b.Rows[i]
		w.signed(r.At)
		w.number(uint64(r.Ref), uint64(r.Table), uint64(r.Index), bit(p.shadow != nil && p.shadow[i]), uint64(p.cause[i]))
	}
}

// prepared reads a batch of a program's events; nil: it is not sound.
func (r *metaReader) prepared(prog *dsl.Program) *prepared {
	b := &cep.Batch{Bytes: r.bytes()}
	for n := r.count(8); n > 0 && !r.bad; n-- {
		var x cep.Wide
		if w := r.words(); len(w) == len(x) {
			copy(x[:], w)
		} else {
			r.bad = true
		}
		b.Wide = append(b.Wide, x)
	}
	b.Elems, b.Raw = r.words(), r.words()
	for n := r.count(1); n > 0 && !r.bad; n-- {
		t := cep.Table{Schema: schemaNamed(prog, r.text()), Rows: int(r.number())}
		for m := r.count(1); m > 0 && !r.bad; m-- {
			t.Cols = append(t.Cols, cep.Column{Words: r.words(), Present: r.words()})
		}
		b.Tables = append(b.Tables, t)
	}
	p := &prepared{batch: b}
	for n := r.count(1); n > 0 && !r.bad; n-- {
		b.Rows = append(b.Rows, cep.Row{At: r.signed(), Ref: cep.Ref(r.number()), Table: uint32(r.number()), Index: uint32(r.number())})
		p.shadow = append(p.shadow, r.flag())
		p.cause = append(p.cause, cep.Ref(r.number()))
	}
	if r.bad || !soundBatch(b) {
		return nil
	}
	return p
}

// soundBatch says that nothing in a batch points out of it.
func soundBatch(b *cep.Batch) bool {
	for i := range b.Tables {
		t := &b.Tables[i]
		if t.Schema == nil || len(t.Cols) != len(t.Schema.Fields) {
			return false
		}
		for j := range t.Cols {
			c := &t.Cols[j]
			if len(c.Words) != t.Rows || len(c.Present) != (t.Rows+63)/64 {
				return false
			}
			for k, w := range c.Words {
				if c.Has(k) && !soundWord(b, t.Schema.Fields[j].Type, w) {
					return false
				}
			}
		}
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		if int(r.Table) >= len(b.Tables) || int(r.Index) >= b.Tables[r.Table].Rows {
			return false
		}
	}
	for _, w := range b.Raw {
		if !within(w, len(b.Bytes)) {
			return false
		}
	}
	return len(b.Rows) > 0 && len(b.Raw) == len(b.Rows)
}

func soundWord(b *cep.Batch, t cep.Type, w cep.Word) bool {
	switch {
	case t.Kind == cep.KindString:
		return within(w, len(b.Bytes))
	case t.Wide():
		return w < uint64(len(b.Wide))
	case t.Kind != cep.KindList:
		return true
	case !within(w, len(b.Elems)):
		return false
	}
	for _, x := range b.List(w) {
		if !soundWord(b, *t.Elem, x) {
			return false
		}
	}
	return true
}

// within says that a word's stretch, offset<<32 | length, lies in n.
func within(w cep.Word, n int) bool { return w>>32+uint64(uint32(w)) <= uint64(n) }
