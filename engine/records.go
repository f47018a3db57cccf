package engine

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/lookup"
)

// The kinds of records in the journal. Everything that decides what a runtime
// finds is one of them, so that the journal alone repeats the run: which rows
// came in which order, when a partition fell silent, when a rule or a list
// changed. The numbers are part of the format.
const (
	recRows   = 1 // rows of one partition: raw text, and in Meta rowsMeta
	recOpen   = 2 // a partition comes into being
	recIdle   = 3 // a partition leaves the watermark until its next row
	recEnd    = 4 // a partition has ended
	recTick   = 5 // wall time has passed
	recDeploy = 6 // a rule set
	recLookup = 7 // the content of lists and tables from outside
	recFlush  = 8 // all is worked off as if nothing more came
)

// streamID is the number of a partition among the journal's streams.
func streamID(source, partition uint32) uint32 { return source<<12 | partition }

func sourceOf(stream uint32) uint32    { return stream >> 12 }
func partitionOf(stream uint32) uint32 { return stream & (cep.MaxPartitions - 1) }

// rowsMeta is what a record of rows says beside its text.
type rowsMeta struct {
	Cursor []byte
	Header []string
	Gaps   []Gap
}

var errMeta = errors.New("the record's head is damaged")

// encode writes the meta: lengths and numbers as varints.
func (m *rowsMeta) encode() []byte {
	b := binary.AppendUvarint(nil, uint64(len(m.Cursor)))
	b = append(b, m.Cursor...)
	b = binary.AppendUvarint(b, uint64(len(m.Header)))
	for _, h := range m.Header {
		b = binary.AppendUvarint(b, uint64(len(h)))
		b = append(b, h...)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Gaps)))
	for _, g := range m.Gaps {
		b = binary.AppendUvarint(b, uint64(g.Record))
		b = binary.AppendUvarint(b, g.Skip)
	}
	return b
}

// decodeRowsMeta reads what encode wrote.
func decodeRowsMeta(b []byte) (m rowsMeta, err error) {
	r := headReader{b: b}
	if c := r.bytes(); len(c) > 0 {
		m.Cursor = c
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		m.Header = append(m.Header, string(r.bytes()))
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		m.Gaps = append(m.Gaps, Gap{Record: int(r.number()), Skip: r.number()})
	}
	if r.bad || len(r.b) != 0 {
		return rowsMeta{}, errMeta
	}
	return m, nil
}

type headReader struct {
	b   []byte
	bad bool
}

func (r *headReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *headReader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// place is the position of a record of a chunk, counted with its gaps.
func (m *rowsMeta) place(first, record uint64) uint64 {
	p := first + record
	for _, g := range m.Gaps {
		if uint64(g.Record) > record {
			break
		}
		p += g.Skip
	}
	return p
}

// record is the number in the chunk of the record at a position, false if the
// position was left out.
func (m *rowsMeta) record(first, position uint64) (uint64, bool) {
	at := position - first
	for _, g := range m.Gaps {
		if at < uint64(g.Record) {
			break
		}
		if at < uint64(g.Record)+g.Skip {
			return 0, false
		}
		at -= g.Skip
	}
	return at, true
}

// span is how many positions so many records take, gaps included.
func (m *rowsMeta) span(records uint64) uint64 {
	for _, g := range m.Gaps {
		records += g.Skip
	}
	return records
}

// openRecord brings a partition into being.
type openRecord struct {
	Source    string `json:"source"`
	ID        uint32 `json:"id"` // of the source
	Name      string `json:"name"`
	Partition uint32 `json:"partition"`
}

// tickRecord lets wall time pass.
type tickRecord struct {
	Elapsed int64 `json:"elapsed"` // ns
}

// deployRecord is a rule set that takes effect.
type deployRecord struct {
	Roots   []string               `json:"roots"`
	Files   map[string]string      `json:"files"`
	Status  map[string]dsl.Status  `json:"status,omitempty"`
	Carry   Carry                  `json:"carry"`
	Reset   []string               `json:"reset,omitempty"`
	Sources map[string]uint32      `json:"sources"` // ids of all sources so far, by name
	Texts   map[string]lookup.Text `json:"texts,omitempty"`
}

// lookupRecord changes lists and tables.
type lookupRecord struct {
	Texts map[string]lookup.Text `json:"texts"`
}

func encodeJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("engine: a record cannot be written as JSON: " + err.Error()) // its types can
	}
	return b
}

func decodeJSON(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("a record of the journal cannot be read: %w", err)
	}
	return nil
}
