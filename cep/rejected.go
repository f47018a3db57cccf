package cep

// DeadRecord is a record that did not become an event.
type DeadRecord struct {
	Source    string
	Partition uint32
	Position  uint64
	Place     string // where the source says that it stands, "" as above
	Arrived   int64  // ns
	Reason    string // a code, see decode.Reason
	Detail    string // "" or what is wrong in words
	Field     string // "" or the field that is wrong
	Raw       []byte
}

// LateRecord is an event that came behind the watermark.
type LateRecord struct {
	Source    string
	Partition uint32
	Position  uint64
	Arrived   int64 // ns
	Type      string
	At        int64 // ns
	Watermark int64 // ns
	Raw       []byte
}
