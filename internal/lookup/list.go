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

// values reads a list: text with a value a line, CSV with a header, of which
// the column called like the list counts (or the only one), or a JSON array.
func (p *Parser) values(ir *dsl.ListIR, d *document) []cep.Value {
	r, nets := reader{p.prog.Zone}, p.used.nets[ir]
	var values []cep.Value
	add := func(line int, s string) bool {
		v, err := r.element(s, ir.Elem, nets)
		if err != nil {
			return d.wrong(line, "%v", err)
		}
		values = append(values, v)
		return true
	}
	switch d.Format {
	case "text":
		d.eachLine(add)
	case "csv":
		d.eachCell(ir.Name, add)
	case "json":
		d.eachElement(func(line int, j any) bool {
			if s, ok := j.(string); ok {
				return add(line, s)
			}
			v, err := r.fromJSON(j, ir.Elem.Required(), "")
			if err == nil && v.Type.Kind == cep.KindString { // a number, say
				v, err = r.element(v.Text, ir.Elem, nets)
			}
			if err != nil {
				return d.wrong(line, "%v", err)
			}
			values = append(values, v)
			return true
		})
	default:
		d.wrong(0, "a list is text, CSV or JSON, not %q", d.Format)
	}
	return values
}

// eachLine visits the lines of a text file. Blanks around a value don't count,
// nor do empty lines and lines that begin with "# ".
func (d *document) eachLine(visit func(line int, s string) bool) {
	line := 0
	for text := range strings.Lines(string(d.text())) {
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
func (d *document) text() []byte { return bytes.TrimPrefix(d.Data, []byte("\xef\xbb\xbf")) }

// rows starts to read a CSV file and returns its header.
func (d *document) rows() (*csv.Reader, []string, bool) {
	r := csv.NewReader(bytes.NewReader(d.text()))
	r.Comma, r.FieldsPerRecord = d.comma(), -1
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		d.wrong(0, "the file is empty, it needs a header with the names of its columns")
		return nil, nil, false
	}
	if err != nil {
		d.csvError(err)
		return nil, nil, false
	}
	return r, slices.Clone(header), true
}

func (d *document) csvError(err error) bool {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return d.wrong(p.Line, "%v", p.Err)
	}
	return d.wrong(0, "%v", err)
}

func (d *document) eachCell(column string, visit func(line int, s string) bool) {
	r, header, ok := d.rows()
	if !ok {
		return
	}
	at := slices.Index(header, column)
	if at < 0 {
		d.wrong(1, "no column is called %q like the list; the header says: %s", column, strings.Join(header, ", "))
		return
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			d.csvError(err)
			return
		}
		line, _ := r.FieldPos(0)
		if len(row) <= at {
			if !d.wrong(line, "the row has %d cells, too few for column %q", len(row), column) {
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
func (d *document) eachElement(visit func(line int, j any) bool) {
	dec := json.NewDecoder(bytes.NewReader(d.text()))
	dec.UseNumber()
	t, err := dec.Token()
	if err != nil || t != json.Delim('[') {
		d.wrong(d.lineAt(dec.InputOffset()), "a list in JSON is an array, like [\"a\", \"b\"]")
		return
	}
	for dec.More() {
		line := d.lineAt(d.next(dec.InputOffset()))
		var j any
		if err := dec.Decode(&j); err != nil {
			d.jsonError(dec, err)
			return
		}
		if !visit(line, j) {
			return
		}
	}
	if _, err := dec.Token(); err != nil {
		d.jsonError(dec, err)
	}
}

func (d *document) jsonError(dec *json.Decoder, err error) {
	at := dec.InputOffset()
	var s *json.SyntaxError
	if errors.As(err, &s) {
		at = s.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		at, err = int64(len(d.text())), fmt.Errorf("the file ends in the middle of a value")
	}
	d.wrong(d.lineAt(at), "%v", err)
}

// lineAt is the line of an offset into text. It counts on from the offset
// asked for before.
func (d *document) lineAt(offset int64) int {
	b := d.text()
	at := min(int(offset), len(b))
	if at < d.counted {
		d.counted, d.lines = 0, 0
	}
	d.lines += bytes.Count(b[d.counted:at], []byte("\n"))
	d.counted = at
	return d.lines + 1
}

// next skips blanks and commas.
func (d *document) next(offset int64) int64 {
	b := d.text()
	for int(offset) < len(b) && strings.IndexByte(" \t\r\n,", b[offset]) >= 0 {
		offset++
	}
	return offset
}
