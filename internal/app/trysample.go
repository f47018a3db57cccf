package app

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/weir-cep/weir/internal/decode"
)

// How much of a file "weir try" looks at before it guesses.
const (
	trySampleBytes   = 16 << 20
	trySampleRecords = 50_000
	tryFieldsMax     = 200  // paths of one file; more are not looked at
	tryPathMax       = 4096 // bytes of a path of an object within objects
)

// cell is one field of a record as the file has it.
type cell struct {
	path   int    // index of sample.paths
	text   string // without quotes; "" with kind cellNull
	kind   cellKind
	nested []cell // of a list: its values
}

type cellKind uint8

const (
	cellNull cellKind = iota // null, or an empty cell of CSV
	cellText
	cellNumber
	cellBool
	cellList
	cellOther // a list with objects in it: no declaration reads it
)

// sample are the first records of a file.
type sample struct {
	format    decode.Format
	delimiter byte
	paths     []string // dotted; a column's name in CSV
	index     map[string]int
	records   [][]cell
	broken    int  // records that could not be read
	whole     bool // the file ends within the sample
	dropped   int  // paths beyond tryFieldsMax
}

// readSample reads the beginning of a file and tells what it is.
func readSample(path string) (*sample, error) {
	in, err := decode.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, trySampleBytes+1))
	if err != nil && len(text) == 0 {
		return nil, err
	}
	s := &sample{delimiter: ',', index: map[string]int{}, whole: err == nil && len(text) <= trySampleBytes}
	if !s.whole {
		// The last record may be cut off.
		if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
			text = text[:i+1]
		}
	}
	if err := notText(path, text); err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	body := bytes.TrimSpace(text)
	switch {
	case len(body) == 0:
		return nil, fmt.Errorf("%s is empty: there is nothing to guess from", path)
	case body[0] == '[':
		return nil, fmt.Errorf("%s is one JSON array, and Weir reads an object a line. This writes it so:\n  jq -c '.[]' %s > events.ndjson && weir try events.ndjson", path, quoted(path))
	case body[0] == '{':
		err = s.readJSON(path, body)
	default:
		err = s.readCSV(path, text)
	}
	return s, err
}

// notText names what a file is that is neither NDJSON nor CSV.
func notText(path string, text []byte) error {
	for magic, what := range map[string]string{
		"PAR1": "a Parquet file", "PK\x03\x04": "a zip archive or a spreadsheet", "Obj\x01": "an Avro file", "ORC": "an ORC file",
		"SQLite format 3": "a SQLite database", "%PDF": "a PDF file", "\xff\xfe": "text in UTF-16", "\xfe\xff": "text in UTF-16",
	} {
		if bytes.HasPrefix(text, []byte(magic)) {
			return fmt.Errorf("%s is %s; Weir reads NDJSON (an object a line) and CSV in UTF-8, plain, gzip or zstd: export it as one of these", path, what)
		}
	}
	head := text[:min(len(text), 64<<10)]
	if bytes.IndexByte(head, 0) >= 0 {
		return fmt.Errorf("%s is not text: it has zero bytes in it; Weir reads NDJSON (an object a line) and CSV, plain, gzip or zstd", path)
	}
	for len(head) > 0 && len(head) < len(text) && !utf8.RuneStart(text[len(head)]) {
		head = head[:len(head)-1] // a character that the head cuts in two
	}
	if !utf8.Valid(head) {
		return fmt.Errorf("%s is not in UTF-8; if it is Latin-1, this converts it:\n  iconv -f latin1 -t utf-8 %s > events.utf8", path, quoted(path))
	}
	return nil
}

func (s *sample) readJSON(path string, text []byte) error {
	s.format = decode.JSON
	var first error
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, trySampleBytes+1)
	for lines.Scan() {
		if len(s.records) == trySampleRecords {
			s.whole = false
			break
		}
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		record, err := s.object(line)
		if err != nil {
			if s.broken++; first == nil {
				first = err
			}
			continue
		}
		s.records = append(s.records, record)
	}
	if len(s.records) > 0 {
		return lines.Err()
	}
	if json.NewDecoder(bytes.NewReader(text)).Decode(&map[string]any{}) == nil {
		return fmt.Errorf("%s has objects that go over several lines, and Weir reads an object a line. This writes it so:\n  jq -c . %s > events.ndjson && weir try events.ndjson", path, quoted(path))
	}
	return fmt.Errorf("%s begins like JSON, but no line of it is an object: %w", path, first)
}

// object reads one line.
func (s *sample) object(line []byte) (record []cell, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("not an object: %s", shown(line))
	}
	if err := s.members(d, "", &record); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value on a line")
	}
	return record, nil
}

// members reads an object behind its brace; fields of objects within have
// dotted paths.
func (s *sample) members(d *json.Decoder, prefix string, record *[]cell) error {
	if len(prefix) > tryPathMax {
		return errors.New("an object within objects, deeper than any declaration reads")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		path := prefix + name.(string)
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'):
			if err := s.members(d, path+".", record); err != nil {
				return err
			}
		case json.Delim('['):
			c := cell{path: s.path(path), kind: cellList}
			if err := s.list(d, &c); err != nil {
				return err
			}
			*record = append(*record, c)
		default:
			c := scalar(t)
			c.path = s.path(path)
			*record = append(*record, c)
		}
	}
	_, err := d.Token()
	return err
}

// list reads an array behind its bracket.
func (s *sample) list(d *json.Decoder, c *cell) error {
	for depth := 1; depth > 0; {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			c.kind = cellOther
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if c.kind == cellList {
				c.nested = append(c.nested, scalar(t))
			}
		}
	}
	return nil
}

func scalar(t json.Token) cell {
	switch v := t.(type) {
	case string:
		return cell{text: v, kind: cellText}
	case json.Number:
		return cell{text: v.String(), kind: cellNumber}
	case bool:
		return cell{text: fmt.Sprint(v), kind: cellBool}
	}
	return cell{}
}

// path is the number of a path, -1 if there are too many.
func (s *sample) path(p string) int {
	i, ok := s.index[p]
	if ok {
		return i
	}
	if len(s.paths) == tryFieldsMax {
		s.dropped++
		return -1
	}
	s.index[p] = len(s.paths)
	s.paths = append(s.paths, p)
	return len(s.paths) - 1
}

func (s *sample) readCSV(path string, text []byte) error {
	s.format, s.delimiter = decode.CSV, delimiterOf(text)
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = rune(s.delimiter), -1, true
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("%s is read as CSV, but its header can't be: %w", path, err)
	}
	for i, name := range head {
		if _, ok := s.index[name]; ok {
			return fmt.Errorf("the header of %s has the column %q twice, the second is number %d: give it another name", path, name, i+1)
		}
		s.path(name)
	}
	width := len(head)
	for len(s.records) < trySampleRecords {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(row) < width {
			s.broken++
			continue
		}
		record := make([]cell, 0, width)
		for i, text := range row[:min(width, len(s.paths))] {
			c := cell{path: i, text: text, kind: cellText}
			if text == "" {
				c.kind = cellNull
			}
			record = append(record, c)
		}
		s.records = append(s.records, record)
	}
	s.whole = s.whole && len(s.records) < trySampleRecords
	if len(s.records) == 0 {
		return fmt.Errorf("%s has a header of %s and no record that fits it: there is nothing to guess from", path, plural(width, "column"))
	}
	return nil
}

// delimiterOf is the one that gives the most columns in which the first rows
// agree.
func delimiterOf(text []byte) byte {
	best, columns := byte(','), 1
	for _, d := range []byte{',', ';', '\t', '|'} {
		r := csv.NewReader(bytes.NewReader(text))
		r.Comma, r.ReuseRecord = rune(d), true
		n, ok := 0, true
		for range 20 {
			row, err := r.Read()
			if err != nil {
				ok = errors.Is(err, io.EOF)
				break
			}
			n = len(row)
		}
		if ok && n > columns {
			best, columns = d, n
		}
	}
	return best
}
