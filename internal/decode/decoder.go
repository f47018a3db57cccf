package decode

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
)

// Decoder decodes chunks of one input. It remembers the order of keys and owns
// scratch memory, so it serves one goroutine; Clone makes another for the same
// input.
type Decoder struct {
	cfg     Config
	root    *node // of JSON
	columns []int // of CSV: column → slot, -1 for one that nobody reads
	fields  [][]conv
	times   []int  // per schema, the index of its time field
	tags    *names // type names → tagged
	tagged  []int  // → schema
	single  int    // the schema of every record, -1 if the type field tells
	// typeSlot is the slot of the type field, -1 if there is none.
	typeSlot int

	// Of the record at hand.
	room     []int         // per schema, of the batch at hand: rows that its columns have room for
	tokens   []token       // per slot
	nums     []cep.Decimal // per slot, of a JSON number
	num      cep.Decimal   // of the list element or coordinate at hand
	schema   int           // -1 while unknown
	width    int           // cells of a CSV record
	tmp      []byte
	reason   Reason
	position uint64 // of the record in its chunk
	at       int    // where the record failed, -1 if no place is meant
	why      string // and why
	field    string // the field that failed, "" if it was none
}

// New makes a decoder. Its errors are about the configuration: no type, two
// types with one tag, a header with a column twice.
func New(cfg Config) (*Decoder, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	d := &Decoder{cfg: cfg, single: -1, typeSlot: -1}
	var paths []string
	if cfg.Single == nil {
		paths = append(paths, cfg.TypeField)
	}
	for _, s := range cfg.Schemas {
		if cfg.Single == nil || cfg.Single == s {
			for i := range s.Fields {
				paths = append(paths, path(&s.Fields[i]))
			}
		}
	}
	var slots map[string]int
	var err error
	if cfg.Format == CSV {
		d.columns, slots, err = layoutCSV(paths, cfg.Header)
	} else {
		d.root, slots, err = layoutJSON(paths, len(cfg.Schemas)+1)
	}
	if err != nil {
		return nil, err
	}
	if err := d.types(slots); err != nil {
		return nil, err
	}
	d.room = make([]int, len(cfg.Schemas))
	d.tokens = make([]token, len(slots))
	d.nums = make([]cep.Decimal, len(slots))
	return d, nil
}

// Clone returns a decoder like d for another goroutine.
func (d *Decoder) Clone() *Decoder {
	c, err := New(d.cfg)
	if err != nil {
		panic("decode: a configuration was good once: " + err.Error())
	}
	return c
}

// Schemas returns the schemas that a batch's tables are parallel to.
func (d *Decoder) Schemas() []*cep.Schema { return d.cfg.Schemas }

// types prepares the schemas' conversions and tags.
func (d *Decoder) types(slots map[string]int) error {
	var tags []string
	for si, s := range d.cfg.Schemas {
		d.fields = append(d.fields, nil)
		d.times = append(d.times, s.Time)
		if d.cfg.Single != nil && d.cfg.Single != s || s.Derived {
			continue
		}
		if d.cfg.Single != nil {
			d.single = si
		}
		for _, t := range tags {
			if t == tag(s) {
				return fmt.Errorf("decode: two event types are selected by %q, the second is %s", t, s.Name)
			}
		}
		tags = append(tags, tag(s))
		d.tagged = append(d.tagged, si)
		for fi := range s.Fields {
			f := &s.Fields[fi]
			c := newConv(f.Name, f.Type, f.Format)
			c.slot = slots[path(f)]
			c.stored = d.cfg.Need == nil || d.cfg.Need[si] == nil || d.cfg.Need[si][fi]
			d.fields[si] = append(d.fields[si], *c)
		}
	}
	if d.cfg.Single != nil && d.single < 0 {
		return fmt.Errorf("decode: the event type %s is not among the types", d.cfg.Single.Name)
	}
	d.tags = newNames(tags)
	if d.cfg.Single == nil {
		d.typeSlot = slots[d.cfg.TypeField]
	}
	return nil
}

// Decode decodes a chunk of complete records into dst, which it empties first,
// and adds to res, which it empties too. dst.Bytes becomes the chunk itself,
// and unescaped strings are put behind it, in its spare capacity where there
// is some: the chunk must not be changed while the batch is used. Rows have
// positions from 0; Rebase gives them their place.
func (d *Decoder) Decode(chunk []byte, dst *cep.Batch, res *Result) {
	d.attach(dst)
	res.Reset()
	dst.Bytes = chunk
	for i := 0; i < len(chunk); {
		start := i
		var end int
		end, i = d.cfg.Record(chunk, start, true)
		if end == start {
			continue
		}
		d.position = res.Records
		if !d.take(chunk[:end], start, dst, res) {
			d.dead(chunk[start:end], start, res)
		}
		res.Records++
	}
	d.finish(dst)
}

// take decodes the record that is all of b[start:]; false is a dead letter.
func (d *Decoder) take(b []byte, start int, dst *cep.Batch, res *Result) bool {
	d.field = ""
	if len(b)-start > d.cfg.MaxEvent {
		d.bad(TooLong, -1, "")
		return false
	}
	if d.cfg.Format == CSV {
		if !utf8.Valid(b[start:]) {
			d.bad(BadUTF8, -1, "the record is not UTF-8")
			return false
		}
		if !d.cells(b, start) {
			return false
		}
		if d.width < len(d.columns) {
			d.bad(ShortRow, -1, "")
			return false
		}
	} else if !d.record(b, start) {
		return false
	}
	if d.single >= 0 {
		d.schema = d.single
	} else if d.schema < 0 {
		return d.unknown(b, res)
	}
	return d.row(b, start, dst)
}

// unknown counts a record whose type no schema names. One without a type is a
// dead letter.
func (d *Decoder) unknown(b []byte, res *Result) bool {
	d.field = d.cfg.TypeField
	switch d.tokens[d.typeSlot].kind {
	case isNone, isNull, isEmpty:
		d.bad(MissingField, -1, "")
		return false
	case isObject, isArray:
		d.bad(WrongType, -1, "")
		return false
	}
	res.skip(d.text(b, d.typeSlot))
	return true
}

// row converts the noted texts and adds the row to its table. While a chunk is
// decoded, columns have the length of their table's room; finish cuts them.
func (d *Decoder) row(b []byte, start int, dst *cep.Batch) bool {
	fields := d.fields[d.schema]
	bytesLen, wideLen, elemsLen := len(dst.Bytes), len(dst.Wide), len(dst.Elems)
	t := &dst.Tables[d.schema]
	row := t.Rows
	if row == d.room[d.schema] {
		d.grow(t, d.schema)
	}
	var at int64
	time := d.times[d.schema]
	for i := range fields {
		f := &fields[i]
		var w cep.Word
		var present bool
		if k := &d.tokens[f.slot]; k.simple() && f.kind == cep.KindString {
			w, present = cep.StringWord(int(k.off), int(k.end-k.off)), true
		} else {
			var reason Reason
			if w, present, reason = d.convert(b, f, dst); reason != OK {
				takeBack(t, i, row)
				dst.Bytes, dst.Wide, dst.Elems = dst.Bytes[:bytesLen], dst.Wide[:wideLen], dst.Elems[:elemsLen]
				d.field = f.name
				d.bad(reason, -1, "")
				return false
			}
		}
		if i == time {
			at = int64(w)
		}
		if f.stored {
			c := &t.Cols[i]
			c.Words[row] = w
			if f.optional && present {
				c.Present[row>>6] |= 1 << (row & 63)
			}
		}
	}
	t.Rows++
	dst.Rows = append(dst.Rows, cep.Row{At: at, Ref: cep.Ref(d.position), Table: uint32(d.schema), Index: uint32(row)})
	dst.Raw = append(dst.Raw, cep.StringWord(start, len(b)-start))
	return true
}

// grow doubles a table's room, at least 64 rows.
func (d *Decoder) grow(t *cep.Table, schema int) {
	room := max(64, 2*d.room[schema])
	d.room[schema] = room
	for i := range d.fields[schema] {
		if !d.fields[schema][i].stored {
			continue
		}
		c := &t.Cols[i]
		c.Words = slices.Grow(c.Words, room-len(c.Words))[:room]
		have := len(c.Present)
		c.Present = slices.Grow(c.Present, room>>6-have)[:room>>6]
		clear(c.Present[have:])
	}
}

// takeBack clears the bits of a row that failed in the first n columns.
func takeBack(t *cep.Table, n, row int) {
	for i := range t.Cols[:n] {
		if c := &t.Cols[i]; len(c.Present) > 0 {
			c.Present[row>>6] &^= 1 << (row & 63)
		}
	}
}

// finish cuts the columns to their rows and marks the values of the required
// fields, which are all there.
func (d *Decoder) finish(dst *cep.Batch) {
	for si, fields := range d.fields {
		t := &dst.Tables[si]
		if d.room[si] == 0 {
			continue
		}
		for i := range fields {
			if !fields[i].stored {
				continue
			}
			c := &t.Cols[i]
			c.Words = c.Words[:t.Rows]
			c.Present = c.Present[:(t.Rows+63)>>6]
			if !fields[i].optional {
				for j := range c.Present {
					c.Present[j] = ^uint64(0)
				}
				if rest := t.Rows & 63; rest != 0 {
					c.Present[len(c.Present)-1] = 1<<rest - 1
				}
			}
		}
	}
}

// attach makes dst an empty batch of the decoder's tables.
func (d *Decoder) attach(dst *cep.Batch) {
	same := len(dst.Tables) == len(d.cfg.Schemas)
	for i := 0; same && i < len(dst.Tables); i++ {
		t := &dst.Tables[i]
		same = t.Schema == d.cfg.Schemas[i] && len(t.Cols) == len(t.Schema.Fields)
	}
	if !same {
		dst.Tables = make([]cep.Table, len(d.cfg.Schemas))
		for i, s := range d.cfg.Schemas {
			dst.Tables[i] = cep.Table{Schema: s, Cols: make([]cep.Column, len(s.Fields))}
		}
	}
	dst.Reset()
	clear(d.room)
}

// bad notes why the record fails and returns -1, the scanner's failure.
func (d *Decoder) bad(r Reason, at int, why string) int {
	d.reason, d.at, d.why = r, at, why
	return -1
}

// dead adds the record's dead letter; start is its place in the chunk.
func (d *Decoder) dead(raw []byte, start int, res *Result) {
	if d.reason == TooLong {
		raw = raw[:min(len(raw), MaxRawText, d.cfg.MaxEvent)]
	}
	res.Dead = append(res.Dead, DeadLetter{Position: res.Records, Reason: d.reason, Detail: d.detail(start), Field: d.field, Raw: raw})
}
