package cep

import (
	"math"
	"unsafe"
)

// Ref is an event's place in the input: source (its rank among the sources by
// name), partition, and position from 0, rejected rows counted. It packs into
// one word so that matching state can hold many.
type Ref uint64

// Limits of a Ref's parts.
const (
	MaxSources    = 1 << 8
	MaxPartitions = 1 << 12
	MaxPosition   = 1<<44 - 1
)

// MakeRef packs a reference. Refs order as (source, partition, position).
func MakeRef(source, partition uint32, position uint64) Ref {
	return Ref(uint64(source)<<56 | uint64(partition)<<44 | position)
}

// Source, Partition and Position return the parts.
func (r Ref) Source() uint32    { return uint32(r >> 56) }
func (r Ref) Partition() uint32 { return uint32(r>>44) & (MaxPartitions - 1) }
func (r Ref) Position() uint64  { return uint64(r) & MaxPosition }

// A Word is one value in its column, read by the field's kind:
//
//	bool 0/1 · int, timestamp, duration, money: int64 · number: IEEE bits ·
//	enum, severity: ordinal · string: offset<<32|length into Batch.Bytes ·
//	ip, point: index into Batch.Wide · list: offset<<32|count into Batch.Elems
type Word = uint64

// Wide is a value of two words: an ip (big-endian halves of the 16-byte form)
// or a point (IEEE bits of latitude and longitude, degrees).
type Wide [2]uint64

// Column holds one field of every row of a table.
type Column struct {
	Words   []Word
	Present []uint64 // bitmap by row; a required field's bit is always set
}

// Has reports whether the row has a value.
func (c *Column) Has(row int) bool { return c.Present[row>>6]>>(row&63)&1 == 1 }

// Table holds the rows of one event type of a batch, column by column.
type Table struct {
	Schema *Schema
	Cols   []Column // parallel to Schema.Fields; a column that no rule reads has nil Words
	Rows   int
}

// Row is one event of a batch.
type Row struct {
	At    int64 // event time, ns
	Ref   Ref
	Table uint32 // index into Batch.Tables
	Index uint32 // row in that table
}

// Batch is a run of events of one source partition, in input order, typed and
// columnar. It is immutable once built.
type Batch struct {
	Tables []Table
	Rows   []Row
	Bytes  []byte   // the text that string words point into
	Wide   []Wide   // the values that ip and point words point to
	Elems  []Word   // the elements that list words point to
	Raw    []uint64 // per Rows entry: offset<<32|length of its raw text in Bytes; nil if the batch keeps none
}

// StringWord packs a string's place in Bytes.
func StringWord(offset, length int) Word { return uint64(offset)<<32 | uint64(uint32(length)) }

// Str returns the string of a string word. It shares Bytes' memory.
func (b *Batch) Str(w Word) string {
	off, n := int(w>>32), int(uint32(w))
	if n == 0 {
		return ""
	}
	return unsafe.String(&b.Bytes[off], n)
}

// RawText returns the raw text of row i, nil if none is kept.
func (b *Batch) RawText(i int) []byte {
	if b.Raw == nil {
		return nil
	}
	off, n := int(b.Raw[i]>>32), int(uint32(b.Raw[i]))
	return b.Bytes[off : off+n]
}

// List returns the element words of a list word.
func (b *Batch) List(w Word) []Word {
	off, n := int(w>>32), int(uint32(w))
	return b.Elems[off : off+n]
}

// NumberWord and Number convert between a number and its word.
func NumberWord(f float64) Word { return math.Float64bits(f) }
func Number(w Word) float64     { return math.Float64frombits(w) }
