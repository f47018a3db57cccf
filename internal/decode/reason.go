package decode

import (
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// Reason says why a record was rejected. Its code is stable: scripts and
// dashboards are written against it.
type Reason uint8

// The reasons. OK is the zero Reason: not rejected.
const (
	OK Reason = iota
	BadJSON
	BadCSV
	BadUTF8
	TooDeep
	TooLong
	ShortRow
	MissingField
	WrongType
	BadNumber
	OutOfRange
	UnknownEnum
	OtherCurrency
	TooManyDecimals
	BadTime
	BadDuration
	BadIP
	BadPoint
	numReasons
)

var reasonCodes = [numReasons]string{"ok", "bad_json", "bad_csv", "bad_utf8", "too_deep", "too_long", "short_row",
	"missing_field", "wrong_type", "bad_number", "out_of_range", "unknown_enum", "other_currency",
	"too_many_decimals", "bad_time", "bad_duration", "bad_ip", "bad_point"}

func (r Reason) String() string { return reasonCodes[r] }

// DeadLetter is a record that did not become an event.
type DeadLetter struct {
	Position uint64 // of the record, from the chunk's first
	Reason   Reason
	Detail   string // what was wrong, naming the field where it was one
	Field    string // that was wrong, "" if it was none
	Raw      []byte // the record, at most MaxRawText bytes of it; shares the chunk's memory
}

// MaxRawText is how much of an overlong record its dead letter keeps, bytes.
const MaxRawText = 64 << 10

// AppendJSON writes the dead letter as a line of the dead-letter file, without
// the line's end. base is the position of the chunk's first record.
func (l *DeadLetter) AppendJSON(dst []byte, source string, base uint64) []byte {
	dst = cep.AppendJSONString(append(dst, `{"source":`...), source)
	dst = strconv.AppendUint(append(dst, `,"position":`...), base+l.Position, 10)
	dst = cep.AppendJSONString(append(dst, `,"reason":`...), l.Reason.String())
	dst = cep.AppendJSONString(append(dst, `,"detail":`...), l.Detail)
	dst = cep.AppendJSONString(append(dst, `,"raw":`...), string(l.Raw))
	return append(dst, '}')
}

// Result is what became of the records of a chunk beside the accepted rows.
type Result struct {
	Records uint64 // all of them: the positions that the chunk takes up
	Skipped uint64 // of types that no schema names
	Dead    []DeadLetter
	Unknown []TypeCount // the types of the skipped ones, at most MaxUnknown of them
}

// TypeCount counts records of a type that no schema names.
type TypeCount struct {
	Type  string
	Count uint64
}

// MaxUnknown is how many unknown types a Result tells apart; the others are
// only counted.
const MaxUnknown = 16

// Reset empties the result and keeps its memory.
func (r *Result) Reset() { *r = Result{Dead: r.Dead[:0], Unknown: r.Unknown[:0]} }

func (r *Result) skip(name []byte) {
	r.Skipped++
	for i := range r.Unknown {
		if r.Unknown[i].Type == string(name) {
			r.Unknown[i].Count++
			return
		}
	}
	if len(r.Unknown) < MaxUnknown {
		r.Unknown = append(r.Unknown, TypeCount{string(name), 1})
	}
}

// Counts sums rejected records by reason.
type Counts [numReasons]uint64

// Add counts the dead letters of a chunk.
func (c *Counts) Add(dead []DeadLetter) {
	for i := range dead {
		c[dead[i].Reason]++
	}
}

// Total returns how many records were rejected.
func (c *Counts) Total() (n uint64) {
	for _, v := range c {
		n += v
	}
	return n
}

// Each calls f for every reason that occurred, in a fixed order.
func (c *Counts) Each(f func(r Reason, n uint64)) {
	for r, n := range c {
		if n > 0 {
			f(Reason(r), n)
		}
	}
}
