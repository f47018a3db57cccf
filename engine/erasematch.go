package engine

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/journal"
)

// erasing finds the texts of events that Erase is about. Where a text does not
// say whether it is one of them, because it is damaged or its columns are not
// known, it is one if the value stands in it as a word: better too much is
// erased than too little.
type erasing struct {
	value string
	paths []string        // where the field stands in a text
	types map[string]bool // names, and what events call them; nil: all types
	wire  *wiring
}

// newErasing resolves a field by the rules that run.
func newErasing(what Erase, w *wiring) *erasing {
	m := &erasing{value: what.Value, paths: []string{what.Field}, wire: w}
	if what.Type != "" {
		m.types = map[string]bool{what.Type: true}
	}
	if w == nil {
		return m
	}
	for _, s := range w.prog.Schemas {
		if what.Type != "" && what.Type != s.Name {
			continue
		}
		if m.types != nil && s.Tag != "" {
			m.types[s.Tag] = true
		}
		for i := range s.Fields {
			if f := &s.Fields[i]; f.Name == what.Field && f.Path != "" && !slices.Contains(m.paths, f.Path) {
				m.paths = append(m.paths, f.Path)
			}
		}
	}
	return m
}

// feed is the source of a number, nil if none of the running rules has it.
func (m *erasing) feed(id uint32) *feed {
	if m.wire == nil {
		return nil
	}
	return m.wire.byID[id]
}

// event says whether a text is one to erase. typ is the event's type and source
// where it comes from, "" where that is not known.
func (m *erasing) event(source, typ string, raw []byte) bool {
	var f *feed
	if m.wire != nil && source != "" {
		f = m.wire.feed(source)
	}
	return m.text(f, typ, raw)
}

// text is event for a feed that is known, or nil.
func (m *erasing) text(f *feed, typ string, raw []byte) bool {
	if !bytes.Contains(raw, []byte(m.value)) && bytes.IndexByte(raw, '\\') < 0 {
		return false
	}
	if len(raw) == 0 || !json.Valid(raw) || bytes.TrimLeft(raw, " \t")[0] != '{' {
		return m.word(raw)
	}
	if m.types != nil && !m.types[m.typeOf(f, typ, raw)] {
		return false
	}
	return slices.ContainsFunc(m.paths, func(p string) bool { return anyAt(raw, p, m.is) })
}

// typeOf is the type of an event.
func (m *erasing) typeOf(f *feed, typ string, raw []byte) string {
	field := "type"
	switch {
	case typ != "":
		return typ
	case f != nil && f.config.Single != nil:
		return f.config.Single.Name
	case f != nil && f.config.TypeField != "":
		field = f.config.TypeField
	}
	anyAt(raw, field, func(v json.RawMessage) bool { return json.Unmarshal(v, &typ) == nil })
	return typ
}

// is says whether a JSON value is the one that is erased, or a list with it.
func (m *erasing) is(v json.RawMessage) bool {
	var text string
	if json.Unmarshal(v, &text) == nil {
		return text == m.value || strings.TrimSpace(text) == m.value
	}
	if string(v) == m.value {
		return true
	}
	var list []json.RawMessage
	return json.Unmarshal(v, &list) == nil && slices.ContainsFunc(list, m.is)
}

// anyAt says whether ok holds of a value that stands in an object at a dotted
// path, or under a name that has the dots itself. A name may stand there twice.
func anyAt(object []byte, path string, ok func(json.RawMessage) bool) bool {
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for dec.More() {
		t, err := dec.Token()
		name, isName := t.(string)
		var v json.RawMessage
		if err != nil || !isName || dec.Decode(&v) != nil {
			return false
		}
		if name == path && ok(v) {
			return true
		}
		if rest, in := strings.CutPrefix(path, name+"."); in && anyAt(v, rest, ok) {
			return true
		}
	}
	return false
}

// word says whether the value stands in a text with no letter or digit right
// before or behind it.
func (m *erasing) word(raw []byte) bool {
	for at := 0; ; {
		i := bytes.Index(raw[at:], []byte(m.value))
		if i < 0 {
			return false
		}
		i += at
		end := i + len(m.value)
		if (i == 0 || !wordByte(raw[i-1])) && (end == len(raw) || !wordByte(raw[end])) {
			return true
		}
		at = i + 1
	}
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// What stands in the journal in place of an erased record: no event, so that
// the records behind it keep their places.
const (
	blankJSON = "{}"
	blankCSV  = `""`
)

// isBlank says that a record was erased.
func isBlank(raw []byte) bool { return string(raw) == blankJSON || string(raw) == blankCSV }

// blank erases rows of a record of the journal and says how many it were. Data
// is replaced, since others may read the old one.
func (m *erasing) blank(rec *journal.Record) (rows int, err error) {
	if rec.Kind != recRows {
		return 0, nil
	}
	meta, err := decodeRowsMeta(rec.Meta)
	if err != nil {
		return 0, err
	}
	f := m.feed(sourceOf(rec.Stream))
	cfg := decode.Config{Delimiter: ',', MaxEvent: decode.DefaultMaxEvent}
	if len(meta.Header) > 0 {
		cfg.Format = decode.CSV
	}
	if f != nil {
		cfg.Delimiter = comma(f.config.Delimiter)
		cfg.MaxEvent = max(f.config.MaxEvent, cfg.MaxEvent)
		cfg.Format = f.config.Format
	}
	mark := blankJSON
	if cfg.Format == decode.CSV {
		mark = blankCSV
	}
	var out []byte
	kept := 0 // of Data, up to where out has it
	for i := 0; i < len(rec.Data); {
		end, next := cfg.Record(rec.Data, i, true)
		if end > i && m.row(f, &cfg, &meta, rec.Data[i:end]) {
			out = append(append(out, rec.Data[kept:i]...), mark...)
			kept = end
			rows++
		}
		if next < 0 {
			break
		}
		i = next
	}
	if rows > 0 {
		rec.Data = append(out, rec.Data[kept:]...)
	}
	return rows, nil
}

// row says whether a record of the journal is one to erase.
func (m *erasing) row(f *feed, cfg *decode.Config, meta *rowsMeta, raw []byte) bool {
	if cfg.Format != decode.CSV {
		return m.text(f, "", raw)
	}
	if f == nil || len(meta.Header) == 0 {
		return m.word(raw)
	}
	return m.text(f, "", csvJSON(nil, meta.Header, raw, cfg.Delimiter))
}
