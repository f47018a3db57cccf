package lookup

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// readList reads a list's file: text with a value a line, CSV with a header,
// of which the column called like the list counts (or the only one), or a JSON
// array.
func (ld *loader) readList(ir *dsl.ListIR) []cep.Value {
	f, ok := ld.open(ir.File, "list "+ir.Name, ir.Options)
	if !ok {
		return nil
	}
	defer ld.close(f)
	r, nets := reader{ld.prog.Zone}, ld.used.nets[ir]
	var values []cep.Value
	add := func(line int, s string) bool {
		v, err := r.element(s, ir.Elem, nets)
		if err != nil {
			return f.wrong(line, "%v", err)
		}
		values = append(values, v)
		return true
	}
	switch f.format {
	case "text":
		f.eachLine(add)
	case "csv":
		f.eachCell(ir.Name, add)
	default:
		f.eachElement(func(line int, j any) bool {
			if s, ok := j.(string); ok {
				return add(line, s)
			}
			v, err := r.fromJSON(j, ir.Elem.Required(), "")
			if err != nil {
				return f.wrong(line, "%v", err)
			}
			values = append(values, v)
			return true
		})
	}
	return values
}

// eachLine visits the lines of a text file. Blanks around a value don't count,
// nor do empty lines and lines that begin with "# ".
func (f *file) eachLine(visit func(line int, s string) bool) {
	line := 0
	for text := range strings.Lines(string(f.text())) {
		line++
		s := strings.TrimSpace(text)
		if s == "" || s == "#" || strings.HasPrefix(s, "# ") {
			continue
		}
		if !visit(line, s) {
			return
		}
	}
}

// text is the file without a byte order mark.
func (f *file) text() []byte { return bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf")) }

// rows starts to read a CSV file and returns its header.
func (f *file) rows() (*csv.Reader, []string, bool) {
	r := csv.NewReader(bytes.NewReader(f.text()))
	r.Comma, r.FieldsPerRecord = f.comma, -1
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		f.wrong(0, "the file is empty, it needs a header with the names of its columns")
		return nil, nil, false
	}
	if err != nil {
		f.csvError(err)
		return nil, nil, false
	}
	return r, slices.Clone(header), true
}

func (f *file) csvError(err error) bool {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return f.wrong(p.Line, "%v", p.Err)
	}
	return f.wrong(0, "%v", err)
}

func (f *file) eachCell(column string, visit func(line int, s string) bool) {
	r, header, ok := f.rows()
	if !ok {
		return
	}
	at := slices.Index(header, column)
	if at < 0 {
		f.wrong(1, "no column is called %q like the list; the header says: %s", column, strings.Join(header, ", "))
		return
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			f.csvError(err)
			return
		}
		line, _ := r.FieldPos(0)
		if len(row) <= at {
			if !f.wrong(line, "the row has %d cells, too few for column %q", len(row), column) {
				return
			}
			continue
		}
		if !visit(line, row[at]) {
			return
		}
	}
}

// eachElement visits the elements of a JSON array.
func (f *file) eachElement(visit func(line int, j any) bool) {
	d := json.NewDecoder(bytes.NewReader(f.text()))
	d.UseNumber()
	t, err := d.Token()
	if err != nil || t != json.Delim('[') {
		f.wrong(f.lineAt(d.InputOffset()), "a list in JSON is an array, like [\"a\", \"b\"]")
		return
	}
	for d.More() {
		line := f.lineAt(f.next(d.InputOffset()))
		var j any
		if err := d.Decode(&j); err != nil {
			f.jsonError(d, err)
			return
		}
		if !visit(line, j) {
			return
		}
	}
	if _, err := d.Token(); err != nil {
		f.jsonError(d, err)
	}
}

func (f *file) jsonError(d *json.Decoder, err error) {
	at := d.InputOffset()
	var s *json.SyntaxError
	if errors.As(err, &s) {
		at = s.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at, err = int64(len(f.data)), fmt.Errorf("the file ends in the middle of a value")
	}
	f.wrong(f.lineAt(at), "%v", err)
}

// lineAt is the line of an offset into text. It counts on from the offset
// asked for before.
func (f *file) lineAt(offset int64) int {
	b := f.text()
	at := min(int(offset), len(b))
	if at < f.counted {
		f.counted, f.lines = 0, 0
	}
	f.lines += bytes.Count(b[f.counted:at], []byte("\n"))
	f.counted = at
	return f.lines + 1
}

// next skips blanks and commas.
func (f *file) next(offset int64) int64 {
	b := f.text()
	for int(offset) < len(b) && strings.IndexByte(" \t\r\n,", b[offset]) >= 0 {
		offset++
	}
	return offset
}
