package lookup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// fill reads a table: CSV with a header, or JSON objects one after the other
// (NDJSON) or in an array. Columns are found by name, or by what "from" says;
// others are ignored.
func (p *Parser) fill(ir *dsl.TableIR, t *expr.Table, d *document) {
	b := builder{document: d, reader: reader{p.prog.Zone}, ir: ir, table: t, seen: map[string]int{}}
	switch d.Format {
	case "csv":
		b.fromCSV()
	case "json":
		b.fromJSON()
	default:
		d.wrong(0, "a table is a CSV or a JSON file; call it .csv or .json, or say which: format: csv")
	}
}

type builder struct {
	*document
	reader reader
	ir     *dsl.TableIR
	table  *expr.Table
	seen   map[string]int // the line of every key
}

func pathOf(f cep.Field) string {
	if f.Path != "" {
		return f.Path
	}
	return f.Name
}

// row adds a row; get reads a field.
func (b *builder) row(line int, get func(cep.Field) (cep.Value, error)) bool {
	key, err := get(b.ir.Key)
	if err != nil {
		return b.wrong(line, "%s: %v", b.ir.Key.Name, err)
	}
	if key.Missing {
		return b.wrong(line, "%s: the key is missing", b.ir.Key.Name)
	}
	text := key.String()
	first, ok := b.seen[text]
	switch {
	case ok && b.written():
		return b.wrong(line, "%s %q stands in line %d already", b.ir.Key.Name, text, first)
	case ok:
		return b.wrong(line, "%s %q is there twice, written in two ways", b.ir.Key.Name, text)
	}
	b.seen[text] = line
	cells := make([]cep.Value, len(b.ir.Cols))
	for i, col := range b.ir.Cols {
		if cells[i], err = get(col); err != nil {
			return b.cell(line, text, col, err)
		}
	}
	if err := b.table.Set(key, cells); err != nil {
		return b.wrong(line, "%v", err)
	}
	return true
}

// cell notes an error in a cell, by its row's key where there are no lines.
func (b *builder) cell(line int, key string, col cep.Field, err error) bool {
	if b.written() {
		return b.wrong(line, "%s: %v", col.Name, err)
	}
	return b.wrong(line, "%s %q: %s: %v", b.ir.Key.Name, key, col.Name, err)
}

func (b *builder) fromCSV() {
	r, header, ok := b.rows()
	if !ok {
		return
	}
	at := map[string]int{}
	for _, f := range append([]cep.Field{b.ir.Key}, b.ir.Cols...) {
		i := slices.Index(header, pathOf(f))
		if i < 0 && !f.Type.Optional {
			b.wrong(1, "no column is called %q; the header says: %s", pathOf(f), strings.Join(header, ", "))
			return
		}
		at[f.Name] = i
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.csvError(err)
			return
		}
		line, _ := r.FieldPos(0)
		goOn := b.row(line, func(f cep.Field) (cep.Value, error) {
			i := at[f.Name]
			if i < 0 {
				return cep.Missing(f.Type), nil
			}
			if i >= len(row) {
				return cep.Value{}, fmt.Errorf("the row has only %d cells", len(row))
			}
			if row[i] == "" && !f.Type.Optional && f.Type.Kind != cep.KindString {
				return cep.Value{}, fmt.Errorf("the cell is empty, but a %s is required", f.Type)
			}
			return b.reader.fromText(row[i], f.Type, f.Format)
		})
		if !goOn {
			return
		}
	}
}

func (b *builder) fromJSON() {
	if bytes.HasPrefix(bytes.TrimLeft(b.text(), " \t\r\n"), []byte("[")) {
		b.eachElement(b.object)
		return
	}
	dec := json.NewDecoder(bytes.NewReader(b.text()))
	dec.UseNumber()
	for {
		line := b.lineAt(b.next(dec.InputOffset()))
		var j any
		err := dec.Decode(&j)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.jsonError(dec, err)
			return
		}
		if !b.object(line, j) {
			return
		}
	}
}

// object adds the row of a JSON object.
func (b *builder) object(line int, j any) bool {
	o, ok := j.(map[string]any)
	if !ok {
		return b.wrong(line, "%s is not an object with the table's columns", jsonText(j))
	}
	return b.row(line, func(f cep.Field) (cep.Value, error) {
		j, found := member(o, pathOf(f))
		if !found {
			if f.Type.Optional {
				return cep.Missing(f.Type), nil
			}
			return cep.Value{}, fmt.Errorf("there is no %q in the object", pathOf(f))
		}
		return b.reader.fromJSON(j, f.Type, f.Format)
	})
}

// member follows a dotted path; a member whose own name has the dots goes first.
func member(o map[string]any, path string) (any, bool) {
	if j, ok := o[path]; ok {
		return j, true
	}
	head, rest, ok := strings.Cut(path, ".")
	if !ok {
		return nil, false
	}
	inner, ok := o[head].(map[string]any)
	if !ok {
		return nil, false
	}
	return member(inner, rest)
}
