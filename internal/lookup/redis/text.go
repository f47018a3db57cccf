package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/lookup"
)

// maxErrors is how many values that do not fit are named.
const maxErrors = 10

// setText is a list's text: a JSON array of the members, in order, one a line.
func setText(t lookup.Text, members []string) (lookup.Text, error) {
	slices.Sort(members)
	members = slices.Compact(members) // a scan may return one twice
	out := []byte{'['}
	for i, m := range members {
		if !utf8.ValidString(m) {
			return lookup.Text{}, fmt.Errorf("the member %q is not UTF-8 text", m)
		}
		if i > 0 {
			out = append(out, ',', '\n')
		}
		out = appendString(out, m)
	}
	return seal(t, append(out, ']'))
}

// hashText is a table's text: a JSON array of the rows, ordered by key, one a
// line.
func hashText(t lookup.Text, key cep.Field, cols []cep.Field, fields map[string]string) (lookup.Text, error) {
	r := rows{key: appendString(nil, pathOf(key)), cols: cols, out: []byte{'['}}
	var errs []error
	for i, field := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			r.out = append(r.out, ',', '\n')
		}
		if err := r.row(field, fields[field]); err != nil {
			if errs = append(errs, fmt.Errorf("field %q: %w", field, err)); len(errs) == maxErrors {
				break
			}
		}
	}
	if len(errs) > 0 {
		return lookup.Text{}, errors.Join(errs...)
	}
	return seal(t, append(r.out, ']'))
}

func seal(t lookup.Text, data []byte) (lookup.Text, error) {
	if len(data) > lookup.MaxText {
		return lookup.Text{}, lookup.ErrTooLarge
	}
	t.Format, t.Data = "json", data
	return t.Seal(), nil
}

// rows writes the rows of a table as JSON objects.
type rows struct {
	key  []byte // the key's member, as JSON
	cols []cep.Field
	out  []byte
}

// row writes the row of a hash's field. The field goes last: it outweighs a
// member of the key's name in the value.
func (r *rows) row(field, value string) error {
	if !utf8.ValidString(field) {
		return errors.New("it is not UTF-8 text")
	}
	if !utf8.ValidString(value) {
		return errors.New("its value is not UTF-8 text")
	}
	r.out = append(r.out, '{')
	switch object, ok := members(value); {
	case len(r.cols) == 0:
	case ok && !r.point(object):
		if len(object) > 0 {
			r.out = append(append(r.out, object...), ',')
		}
	case len(r.cols) == 1:
		r.out = appendString(r.out, pathOf(r.cols[0]))
		r.out = append(r.out, ':')
		r.out = append(appendCell(r.out, value, r.cols[0].Type), ',')
	default:
		return fmt.Errorf("its value is a JSON object with the columns %s, not %s", r.names(), short(value))
	}
	r.out = append(append(r.out, r.key...), ':')
	r.out = append(appendString(r.out, field), '}')
	return nil
}

// members returns what stands between the braces of a JSON object.
func members(value string) ([]byte, bool) {
	b := bytes.TrimSpace([]byte(value))
	if len(b) == 0 || b[0] != '{' {
		return nil, false
	}
	var c bytes.Buffer
	if json.Compact(&c, b) != nil {
		return nil, false
	}
	b = c.Bytes()
	return b[1 : len(b)-1], true
}

// point says whether an object is the one column's value and not its row: the
// table has a point, and the object names no column.
func (r *rows) point(object []byte) bool {
	if len(r.cols) != 1 || r.cols[0].Type.Kind != cep.KindPoint {
		return false
	}
	var m map[string]json.RawMessage
	err := json.Unmarshal(slices.Concat([]byte{'{'}, object, []byte{'}'}), &m)
	_, lat := m["lat"]
	_, named := m[pathOf(r.cols[0])]
	return err == nil && lat && !named
}

func (r *rows) names() string {
	var b []byte
	for i, c := range r.cols {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, pathOf(c)...)
	}
	return string(b)
}

// appendCell writes the plain value of a table's only column, by the rules for
// cells: an empty one is missing where that may be.
func appendCell(b []byte, value string, t cep.Type) []byte {
	if value == "" && t.Optional {
		return append(b, "null"...)
	}
	v := bytes.TrimSpace([]byte(value))
	raw := t.Kind == cep.KindList && bytes.HasPrefix(v, []byte("[")) || t.Kind == cep.KindPoint && bytes.HasPrefix(v, []byte("{"))
	var c bytes.Buffer
	if raw && json.Compact(&c, v) == nil {
		return append(b, c.Bytes()...)
	}
	return appendString(b, value)
}

func appendString(b []byte, s string) []byte {
	j, err := json.Marshal(s)
	if err != nil {
		panic("lookup/redis: a text cannot be written as JSON: " + err.Error())
	}
	return append(b, j...)
}

func pathOf(f cep.Field) string {
	if f.Path != "" {
		return f.Path
	}
	return f.Name
}

func short(s string) string {
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return fmt.Sprintf("%q", s)
}
