package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// registry gives sources and partitions the numbers that stand in event
// references. Numbers are given once and kept, also when a source goes away, so
// that a reference means the same event for ever. What is in it is a function
// of the journal.
type registry struct {
	sources map[string]uint32
	parts   map[uint32]*journaled // by stream
}

// journaled is what the journal says of a partition.
type journaled struct {
	Source    uint32 `json:"source"`
	Partition uint32 `json:"partition"`
	Name      string `json:"name"`
	Next      uint64 `json:"next"` // position of the next record
	Cursor    []byte `json:"cursor,omitempty"`
	Arrived   int64  `json:"arrived"` // ns, of its last record
	Ended     bool   `json:"ended,omitempty"`
	Idle      bool   `json:"idle,omitempty"`
}

func newRegistry() *registry {
	return &registry{sources: map[string]uint32{}, parts: map[uint32]*journaled{}}
}

// addSources numbers the names that have no number yet: those of one call in
// their order by name, so that in a first deployment a source's number is its
// rank.
func (r *registry) addSources(names []string) error {
	for _, name := range slices.Sorted(slices.Values(names)) {
		if _, ok := r.sources[name]; ok {
			continue
		}
		if len(r.sources) >= cep.MaxSources-2 {
			return fmt.Errorf("source %s: a state directory can number %d sources in its life, and that is one more", name, cep.MaxSources-2)
		}
		r.sources[name] = uint32(len(r.sources))
	}
	return nil
}

// name is the name of a source, "" if there is none of that number.
func (r *registry) name(id uint32) string {
	for name, n := range r.sources {
		if n == id {
			return name
		}
	}
	return ""
}

// find returns a source's partition of a name, nil if it has none.
func (r *registry) find(source uint32, name string) *journaled {
	for _, p := range r.parts {
		if p.Source == source && p.Name == name {
			return p
		}
	}
	return nil
}

// free is the lowest number that no partition of the source has.
func (r *registry) free(source uint32) uint32 {
	var n uint32
	for r.parts[streamID(source, n)] != nil {
		n++
	}
	return n
}

func (r *registry) open(o *openRecord) *journaled {
	p := &journaled{Source: o.ID, Partition: o.Partition, Name: o.Name}
	r.parts[streamID(o.ID, o.Partition)] = p
	return p
}

// ordered are the partitions by source and number.
func (r *registry) ordered() (list []*journaled) {
	for _, s := range slices.Sorted(maps.Keys(r.parts)) {
		list = append(list, r.parts[s])
	}
	return list
}

// saved is the registry's form in a checkpoint.
type savedRegistry struct {
	Sources map[string]uint32 `json:"sources"`
	Parts   []*journaled      `json:"partitions"`
}

// MarshalJSON implements json.Marshaler.
func (r *registry) MarshalJSON() ([]byte, error) {
	return json.Marshal(savedRegistry{r.sources, r.ordered()})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *registry) UnmarshalJSON(b []byte) error {
	var s savedRegistry
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*r = *newRegistry()
	maps.Copy(r.sources, s.Sources)
	for _, p := range s.Parts {
		r.parts[streamID(p.Source, p.Partition)] = p
	}
	return nil
}
