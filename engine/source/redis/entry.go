package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// entry is one entry of a stream; its fields are names and values in turn, nil
// if it was removed from the stream before it was read.
type entry struct {
	id     id
	fields []any
}

// entries reads the part of an answer that lists entries.
func entries(v any) ([]entry, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errAnswer
	}
	out := make([]entry, 0, len(list))
	for _, v := range list {
		if v == nil {
			continue // removed from the stream
		}
		pair, ok := v.([]any)
		if !ok || len(pair) != 2 {
			return nil, errAnswer
		}
		text, ok := pair[0].(string)
		if !ok {
			return nil, errAnswer
		}
		e := entry{}
		var err error
		if e.id, err = parseID(text); err != nil {
			return nil, err
		}
		if pair[1] != nil {
			if e.fields, ok = pair[1].([]any); !ok || len(e.fields)%2 != 0 {
				return nil, errAnswer
			}
		}
		out = append(out, e)
	}
	return out, nil
}

var errAnswer = errors.New("the answer of Redis cannot be read")

// field returns the i-th field.
func (e *entry) field(i int) (name, value string) {
	name, _ = e.fields[2*i].(string)
	value, _ = e.fields[2*i+1].(string)
	return name, value
}

// appendEvent appends the event that an entry holds as one line; field is the
// name of the field that holds it, "" to look for it. A reason says why there
// is none.
func (e *entry) appendEvent(dst []byte, field string) (out []byte, reason string) {
	if e.fields == nil {
		return dst, "the entry was removed from the stream before it was read"
	}
	start := len(dst)
	for i := range len(e.fields) / 2 {
		name, value := e.field(i)
		if field != "" && name == field || field == "" && (name == "event" || name == "data") && isObject(value) {
			return line(append(dst, value...), start)
		}
	}
	if field != "" {
		return dst, fmt.Sprintf("the entry has no field %q", field)
	}
	dst = append(dst, '{')
	for i := range len(e.fields) / 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, value := e.field(i)
		dst = append(cep.AppendJSONString(dst, name), ':')
		if isJSON(value) {
			dst = append(dst, value...)
		} else {
			dst = cep.AppendJSONString(dst, value)
		}
	}
	return line(append(dst, '}'), start)
}

// line makes what stands behind start one line. Text that is too long for an
// event is cut, so that the decoder makes a dead letter of it.
func line(dst []byte, start int) ([]byte, string) {
	b := dst[start:]
	if len(bytes.TrimSpace(b)) == 0 {
		return dst[:start], "the field that holds the event is empty"
	}
	if len(b) > decode.DefaultMaxEvent {
		dst = dst[:start+decode.DefaultMaxEvent+1]
		b = dst[start:]
	}
	for i, c := range b { // JSON has line ends between its parts only
		if c == '\n' {
			b[i] = ' '
		}
	}
	return append(dst, '\n'), ""
}

func isObject(v string) bool { return len(v) > 1 && v[0] == '{' && json.Valid([]byte(v)) }

// isJSON says whether a field's value is JSON that is no string.
func isJSON(v string) bool {
	if v == "" {
		return false
	}
	switch c := v[0]; {
	case c == '{', c == '[', c == '-', c >= '0' && c <= '9', c == 't', c == 'f':
		return json.Valid([]byte(v)) && v[len(v)-1] > ' '
	}
	return false
}

// text is an entry as a dead letter shows it.
func (e *entry) text() []byte {
	var b []byte
	for i, v := range e.fields {
		if i > 0 {
			b = append(b, ' ')
		}
		s, _ := v.(string)
		b = append(b, s...)
	}
	return b
}
