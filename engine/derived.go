package engine

import (
	"encoding/hex"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// Derived events are alerts that rules of higher levels read. They are made
// into batches like any other rows, one per level and step.
//
// A derived event's reference is (derivedSource, tier, number). A tier is a
// level in one order, time or arrival; its numbers count on in the order of its
// events, so that they do not depend on how the input was cut into steps.
const (
	derivedSource = cep.MaxSources - 1
	derivedBatch  = 1 << 31 // item.batch of the first derived batch of a step
)

// deriver makes alerts into rows.
type deriver struct {
	plan    *plan
	prep    *preparer
	read    []bool      // by type number: some rule or feature reads it
	next    []uint64    // by tier, the next number: kept for a restart
	batches []*prepared // of the step
	items   []item      // of the step, those of all levels
	pending []*found    // scratch
	merged  []item
	// spool keeps the first bytes of a batch's text, which are its alerts as
	// lines, for when they have left memory; nil: they are gone then.
	spool func(b *cep.Batch, lines int)
}

func newDeriver(p *plan) *deriver {
	d := &deriver{}
	d.adopt(p)
	return d
}

// adopt makes it serve a plan, which may be another than before: numbers are
// never given twice.
func (d *deriver) adopt(p *plan) {
	d.plan, d.prep, d.read = p, p.newPreparer(), make([]bool, len(p.prog.Schemas)+1)
	for _, w := range p.worlds {
		for n, list := range w.accesses {
			d.read[n] = d.read[n] || len(list) > 0
		}
		for len(d.next) <= w.tier() {
			d.next = append(d.next, 0)
		}
	}
}

// tier is where the world's alerts stand among derived events: by level.
func (w *world) tier() int {
	if w.arrival {
		return 2*w.level + 1
	}
	return 2 * w.level
}

// begin forgets the events of the step before.
func (d *deriver) begin() { d.batches, d.items = d.batches[:0], d.items[:0] }

// add makes events of a level's alerts; nil: nobody reads any of them.
func (d *deriver) add(w *world, list []*found) *prepared {
	d.pending = d.pending[:0]
	for _, f := range list {
		if as := f.rule.block(f.alert.Kind).IR().As; as != nil && d.read[d.plan.number[as]] {
			d.pending = append(d.pending, f)
		}
	}
	if len(d.pending) == 0 {
		return nil
	}
	if w.arrival {
		slices.SortFunc(d.pending, (*found).arrived)
	} else {
		slices.SortFunc(d.pending, (*found).asEvents)
	}
	b := &cep.Batch{}
	for _, f := range d.pending { // the evidence: a line each, before all else
		start := len(b.Bytes)
		b.Bytes = f.alert.AppendJSON(b.Bytes)
		b.Raw = append(b.Raw, cep.StringWord(start, len(b.Bytes)-start))
		b.Bytes = append(b.Bytes, '\n')
	}
	lines := len(b.Bytes)
	tables := map[*cep.Schema]uint32{}
	var shadow []bool
	var cause []cep.Ref
	for _, f := range d.pending {
		as := f.rule.block(f.alert.Kind).IR().As
		t, ok := tables[as]
		if !ok {
			t = uint32(len(b.Tables))
			tables[as] = t
			b.Tables = append(b.Tables, cep.Table{Schema: as, Cols: make([]cep.Column, len(as.Fields))})
		}
		tier := w.tier()
		ref := cep.MakeRef(derivedSource, uint32(tier), d.next[tier])
		d.next[tier]++
		f.alert.Event = ref
		b.Rows = append(b.Rows, cep.Row{At: f.alert.At, Ref: ref, Table: t, Index: uint32(b.Tables[t].Rows)})
		d.row(b, &b.Tables[t], f)
		shadow = append(shadow, f.rule.shadow)
		cause = append(cause, f.cause)
	}
	p := &prepared{batch: b, shadow: shadow, cause: cause}
	d.prep.fill(p)
	if d.spool != nil {
		d.spool(b, lines)
	}
	n := uint32(derivedBatch + len(d.batches))
	d.batches = append(d.batches, p)
	for i := range b.Rows {
		d.items = append(d.items, item{at: b.Rows[i].At, ref: b.Rows[i].Ref, batch: n, row: uint32(i)})
	}
	return p
}

// row appends an alert to its type's table.
func (d *deriver) row(b *cep.Batch, t *cep.Table, f *found) {
	for i := range t.Schema.Fields {
		fd := &t.Schema.Fields[i]
		appendValue(b, &t.Cols[i], t.Rows, fd.Type, attribute(f.alert, fd.Name))
	}
	t.Rows++
}

// attribute is what a field of an alert event holds: an alert field, a key
// part, or what every alert has.
func attribute(a *cep.Alert, name string) cep.Value {
	for _, list := range [][]cep.NamedValue{a.Fields, a.Key} {
		for i := range list {
			if list[i].Name == name {
				return list[i].Value
			}
		}
	}
	switch name {
	case "rule":
		return cep.Str(a.Rule)
	case "version":
		return cep.Str(a.Version)
	case "severity":
		return cep.SeverityOf(a.Severity)
	case "score":
		if a.HasScore {
			return cep.Num(a.Score)
		}
	case "at":
		return cep.Time(a.At)
	case "first_at":
		return cep.Time(a.FirstAt)
	case "key":
		return cep.Str(keyText(a.Key))
	case "alert_id":
		return cep.Str(hex.EncodeToString(a.ID[:]))
	case "revision":
		return cep.Int(int64(a.Revision))
	}
	return cep.Value{Missing: true}
}

// keyText is an alert's key as one text: its parts as messages print them.
func keyText(key []cep.NamedValue) string {
	var text []byte
	for i := range key {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = key[i].Value.AppendText(text)
	}
	return string(text)
}

// appendValue adds a cell to a column. An int becomes a number where the
// column holds numbers.
func appendValue(b *cep.Batch, c *cep.Column, row int, t cep.Type, v cep.Value) {
	if row&63 == 0 {
		c.Present = append(c.Present, 0)
	}
	if v.Missing {
		c.Words = append(c.Words, 0)
		return
	}
	c.Present[row>>6] |= 1 << (row & 63)
	if t.Kind == cep.KindNumber && v.Type.Kind == cep.KindInt {
		v = cep.Num(float64(int64(v.Word)))
	}
	c.Words = append(c.Words, appendWord(b, v))
}

// appendWord puts what a value points to into the batch and returns its word.
func appendWord(b *cep.Batch, v cep.Value) cep.Word {
	switch {
	case v.Type.Kind == cep.KindString:
		start := len(b.Bytes)
		b.Bytes = append(b.Bytes, v.Text...)
		return cep.StringWord(start, len(v.Text))
	case v.Type.Wide():
		b.Wide = append(b.Wide, v.Wide)
		return cep.Word(len(b.Wide) - 1)
	case v.Type.Kind == cep.KindList:
		words := make([]cep.Word, len(v.List))
		for i := range v.List {
			words[i] = appendWord(b, v.List[i])
		}
		start := len(b.Elems)
		b.Elems = append(b.Elems, words...)
		return cep.StringWord(start, len(words))
	}
	return v.Word
}

// merge returns the rows of a level: the base rows and the events that lower
// levels raised, by (at, level, cause, rule, match); base rows come first.
func (d *deriver) merge(w *world, rows []item) []item {
	if w.level == 0 || len(d.items) == 0 {
		return rows
	}
	slices.SortFunc(d.items, func(a, b item) int {
		switch {
		case a.at != b.at:
			return compare(a.at, b.at)
		case a.batch != b.batch:
			return compare(a.batch, b.batch)
		}
		return compare(a.row, b.row)
	})
	d.merged = d.merged[:0]
	i := 0
	for j := range d.items {
		for i < len(rows) && rows[i].at <= d.items[j].at {
			d.merged = append(d.merged, rows[i])
			i++
		}
		d.merged = append(d.merged, d.items[j])
	}
	d.merged = append(d.merged, rows[i:]...)
	return d.merged
}
