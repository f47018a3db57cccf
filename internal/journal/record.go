package journal

import "math"

// Position is the number of a record, from 1, in the order of appending.
type Position uint64

// NoStream is the stream of records that hold no rows.
const NoStream = math.MaxUint32

// Limits of a record.
const (
	MaxData = 64 << 20 // bytes of Data
	MaxMeta = 1 << 20  // bytes of Meta
)

// Record is one entry of the journal.
type Record struct {
	Pos    Position // set by the journal
	Kind   uint8    // what the record is to the caller; 0 is the journal's own
	Stream uint32   // that the rows belong to, or NoStream
	// First and Count are the rows of the stream that the record holds: First …
	// First+Count-1. First ascends within a stream, gaps are allowed.
	First, Count uint64
	Time         int64  // ns since 1970; 0: when it was appended
	Meta         []byte // small, stored as it is
	Data         []byte // stored compressed when that makes it smaller
}

// holds says whether the record holds a row of a stream.
func (r *Record) holds(stream uint32, row uint64) bool {
	return r.Stream == stream && r.First <= row && row-r.First < r.Count
}
