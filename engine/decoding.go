package engine

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// inbound is a record on its way through the runtime.
type inbound struct {
	rec    journal.Record
	ticket *journal.Ticket // nil: durable already
	bytes  int64           // of the queue's room that it takes
	part   *livePart       // of rows that came in just now
	meta   rowsMeta        // of rows
	rows   *decoded        // of rows
	tell   func(error)     // told when it is durable or failed; nil: nobody
	reply  chan applied    // takes what came of it; nil: nobody waits
	ready  *compiled       // of a deployment that came in just now: its rules, compiled
}

// compiled is a rule set that has been compiled.
type compiled struct {
	prog   *dsl.Program
	parser *lookup.Parser
}

// applied is what came of a record.
type applied struct {
	carried []Carried
	err     error
}

// decoded is a chunk's rows, made by a worker.
type decoded struct {
	wiring *wiring // by which it was made
	out    *prepared
	res    decode.Result
	err    error
	done   chan struct{}
}

// decoders decodes and prepares chunks for one goroutine.
type decoders struct {
	wiring *wiring
	prep   *preparer
	by     map[string]*decode.Decoder // by source and header
}

// use makes it ready for a wiring.
func (d *decoders) use(w *wiring) {
	if d.wiring != w {
		d.wiring, d.prep, d.by = w, w.plan.newPreparer(), map[string]*decode.Decoder{}
	}
}

// decoder returns the decoder of a source and header.
func (d *decoders) decoder(source uint32, header []string) (*decode.Decoder, error) {
	f := d.wiring.byID[source]
	if f == nil {
		return nil, nil
	}
	id := fmt.Sprintf("%d %q", source, header)
	if dec := d.by[id]; dec != nil {
		return dec, nil
	}
	cfg := f.config
	cfg.Header = header
	if cfg.Format == decode.CSV && len(header) == 0 {
		cfg.Header = []string{""}
	}
	dec, err := decode.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", f.name, err)
	}
	if len(d.by) > 64 {
		clear(d.by)
	}
	d.by[id] = dec
	return dec, nil
}

// work decodes the rows of a record into out.
func (d *decoders) work(w *wiring, rec *journal.Record, meta *rowsMeta, rows *decoded) {
	d.use(w)
	rows.wiring = w
	rows.res.Reset()
	dec, err := d.decoder(sourceOf(rec.Stream), meta.Header)
	if err != nil || dec == nil {
		// The source is gone, or its header cannot be read: no row of it is one.
		rows.out.batch.Rows, rows.out.batch.Tables, rows.err = rows.out.batch.Rows[:0], rows.out.batch.Tables[:0], err
		rows.out.ids = rows.out.ids[:0]
		return
	}
	rows.err = nil
	dec.Decode(rec.Data, rows.out.batch, &rows.res)
	placeRows(rows.out.batch, rec, meta)
	d.prep.fill(rows.out)
}

// placeRows gives the rows of a decoded chunk their references.
func placeRows(b *cep.Batch, rec *journal.Record, meta *rowsMeta) {
	base := cep.MakeRef(sourceOf(rec.Stream), partitionOf(rec.Stream), 0)
	if len(meta.Gaps) == 0 {
		b.Rebase(sourceOf(rec.Stream), partitionOf(rec.Stream), rec.First)
		return
	}
	for i := range b.Rows {
		b.Rows[i].Ref = base | cep.Ref(meta.place(rec.First, b.Rows[i].Ref.Position()))
	}
}

// countRecords counts the records of a chunk, as decoding it will.
func countRecords(cfg *decode.Config, data []byte) (n uint64) {
	c := *cfg
	if c.Delimiter == 0 {
		c.Delimiter = ','
	}
	if c.MaxEvent == 0 {
		c.MaxEvent = decode.DefaultMaxEvent
	}
	for i := 0; i < len(data); {
		end, next := c.Record(data, i, true)
		if end > i {
			n++
		}
		if next < 0 {
			break
		}
		i = next
	}
	return n
}

// recordAt returns the text of a chunk's record by its number.
func recordAt(cfg *decode.Config, data []byte, n uint64) ([]byte, bool) {
	c := *cfg
	if c.Delimiter == 0 {
		c.Delimiter = ','
	}
	if c.MaxEvent == 0 {
		c.MaxEvent = decode.DefaultMaxEvent
	}
	for i := 0; i < len(data); {
		end, next := c.Record(data, i, true)
		if end > i {
			if n == 0 {
				return slices.Clone(data[i:end]), true
			}
			n--
		}
		if next < 0 {
			break
		}
		i = next
	}
	return nil, false
}
