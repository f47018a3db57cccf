package gen

import (
	"bufio"
	"io"
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// Incident is one planted incident of the truth file.
type Incident struct {
	Kind     string   // what was played, named for the rule that is meant to find it
	Key      string   // that rule's key
	NearMiss bool     // it looks like the incident and is none: the rule must stay silent for the key
	Note     string   // of a near miss: why it is none
	Rules    []string // rules of the library that fire for it
	First    int64    // ns, of its first and last event
	Last     int64
	Events   []string // its events' ids as alerts name them: of a type without one "events/0/" and the position
}

// note adds an event that has come.
func (i *Incident) note(e *event, position int) {
	if len(i.Events) == 0 || e.at < i.First {
		i.First = e.at
	}
	i.Last = max(i.Last, e.at)
	id := e.id
	if id == "" {
		id = "events/0/" + strconv.Itoa(position)
	}
	i.Events = append(i.Events, id)
}

// AppendJSON writes the incident as a line of the truth file, without the
// line's end.
func (i *Incident) AppendJSON(dst []byte) []byte {
	dst = cep.AppendJSONString(append(dst, `{"kind":`...), i.Kind)
	dst = cep.AppendJSONString(append(dst, `,"key":`...), i.Key)
	dst = strconv.AppendBool(append(dst, `,"near_miss":`...), i.NearMiss)
	if i.Note != "" {
		dst = cep.AppendJSONString(append(dst, `,"note":`...), i.Note)
	}
	dst = appendStrings(append(dst, `,"rules":`...), i.Rules)
	dst = cep.AppendTime(append(dst, `,"first":"`...), i.First)
	dst = cep.AppendTime(append(dst, `","last":"`...), i.Last)
	dst = appendStrings(append(dst, `","events":`...), i.Events)
	return append(dst, '}')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = cep.AppendJSONString(dst, s)
	}
	return append(dst, ']')
}

// WriteTruth writes the truth file: a line per incident, by time.
func WriteTruth(w io.Writer, list []Incident) error {
	b := bufio.NewWriter(w)
	for i := range list {
		b.Write(append(list[i].AppendJSON(b.AvailableBuffer()), '\n'))
	}
	return b.Flush()
}
