package cep

// Field is one typed field of an event type.
type Field struct {
	Name   string
	Path   string // where it stands in the input: dotted path, or CSV header; default Name
	Type   Type
	Format string // of a timestamp: "" (RFC 3339), "unix_s", "unix_ms", or a Go layout
	Doc    string
}

// Schema is one event type.
type Schema struct {
	Name   string
	Tag    string // value of the source's type field that selects it; default Name
	Fields []Field
	Time   int   // index of the event-time field
	ID     int   // index of the field that identifies an event, or -1
	Late   int64 // tolerated lateness, ns, >= 0
	// Derived says that the type's events are alerts ("alert as X"), not input.
	Derived bool
	index   map[string]int
}

// Field returns the index of the named field, or -1.
func (s *Schema) Field(name string) int {
	if s.index == nil {
		for i := range s.Fields {
			if s.Fields[i].Name == name {
				return i
			}
		}
		return -1
	}
	if i, ok := s.index[name]; ok {
		return i
	}
	return -1
}

// Seal builds the name index. Call it once, when the fields are complete.
func (s *Schema) Seal() {
	s.index = make(map[string]int, len(s.Fields))
	for i := range s.Fields {
		s.index[s.Fields[i].Name] = i
	}
}
