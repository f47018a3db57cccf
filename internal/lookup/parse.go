package lookup

import (
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// Value is a parsed text: one of the two.
type Value struct {
	List  *expr.List
	Table *expr.Table
}

// Rows is the number of values of a list or of rows of a table.
func (v Value) Rows() int {
	switch {
	case v.List != nil:
		return v.List.Len()
	case v.Table != nil:
		return v.Table.Rows()
	}
	return 0
}

// Parse reads the text of one of the program's lists or tables. It depends on
// the program and the text alone. The error joins up to maxErrors of type
// *Error.
func Parse(prog *dsl.Program, t Text) (Value, error) { return NewParser(prog).parse(t) }

// Parser parses the texts of one program and remembers the last value of each
// list and table, so that a text that was looked at before it went into the
// journal is not parsed again when it takes effect. It is safe for concurrent
// use.
type Parser struct {
	prog   *dsl.Program
	used   uses
	lists  map[string]*dsl.ListIR // by key
	tables map[string]*dsl.TableIR

	mu   sync.Mutex
	last map[string]parsed // by key
}

type parsed struct {
	hash  uint64
	table bool
	value Value
}

// NewParser makes a parser.
func NewParser(prog *dsl.Program) *Parser {
	p := &Parser{prog: prog, used: usesOf(prog), lists: map[string]*dsl.ListIR{}, tables: map[string]*dsl.TableIR{}, last: map[string]parsed{}}
	for _, ir := range prog.Lists {
		p.lists[keyOf(ir.File, ir.Name)] = ir
	}
	for _, ir := range prog.Tables {
		p.tables[keyOf(ir.File, ir.Name)] = ir
	}
	return p
}

// Parse is Parse with the parser's memory.
func (p *Parser) Parse(t Text) (Value, error) {
	p.mu.Lock()
	last, ok := p.last[t.Key()]
	p.mu.Unlock()
	if ok && last.hash == t.Hash && last.table == t.Table {
		return last.value, nil
	}
	v, err := p.parse(t)
	if err != nil {
		return Value{}, err
	}
	p.mu.Lock()
	p.last[t.Key()] = parsed{t.Hash, t.Table, v}
	p.mu.Unlock()
	return v, nil
}

func (p *Parser) parse(t Text) (Value, error) {
	if t.Table {
		ir, ok := p.tables[t.Key()]
		if !ok {
			return Value{}, fmt.Errorf("%s declares no table %s", t.Rules, t.Name)
		}
		table, err := p.table(ir, t)
		return Value{Table: table}, err
	}
	ir, ok := p.lists[t.Key()]
	if !ok {
		return Value{}, fmt.Errorf("%s declares no list %s", t.Rules, t.Name)
	}
	list, err := p.list(ir, t)
	return Value{List: list}, err
}

func (p *Parser) list(ir *dsl.ListIR, t Text) (*expr.List, error) {
	d := document{Text: t}
	var values []cep.Value
	if d.readable() {
		values = p.values(ir, &d)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return p.newList(ir, values)
}

func (p *Parser) newList(ir *dsl.ListIR, values []cep.Value) (*expr.List, error) {
	if !p.used.nets[ir] {
		return expr.NewList(ir.Elem, values), nil
	}
	list, err := expr.NewNetList(ir.Elem, values)
	if err != nil { // of a text's values, values has found it with its place
		return nil, &Error{File: ir.File, What: fmt.Sprintf("list %s: %v", ir.Name, err)}
	}
	return list, nil
}

func (p *Parser) table(ir *dsl.TableIR, t Text) (*expr.Table, error) {
	table := expr.NewTable(ir.Key, ir.Cols)
	d := document{Text: t}
	if d.readable() {
		p.fill(ir, table, &d)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	return table, nil
}

// Error is a value in the text of a list or table that does not fit.
type Error struct {
	File string // or where else the text is from
	Line int    // 0 for the text as a whole
	What string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.What)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
}

// maxErrors is how many errors of one text are reported.
const maxErrors = 10

// document is a text while it is read.
type document struct {
	Text
	errs []error

	counted, lines int // lineAt has counted so many lines in so many bytes
}

func (d *document) comma() rune {
	if d.Delimiter == 0 {
		return ','
	}
	return d.Delimiter
}

// written says whether somebody wrote the text as it is, so that its line
// numbers mean something to the reader of an error.
func (d *document) written() bool { return d.From != "redis" }

// readable refuses JSON that is not UTF-8: what stands there would be lost.
// Other formats give the bytes as they are.
func (d *document) readable() bool {
	if d.Format != "json" || utf8.Valid(d.Data) {
		return true
	}
	line, rest := 1, d.Data
	for {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n <= 1 {
			break
		}
		if r == '\n' {
			line++
		}
		rest = rest[n:]
	}
	d.wrong(line, "the text is not UTF-8")
	return false
}

// wrong notes an error; it says whether reading on makes sense.
func (d *document) wrong(line int, format string, args ...any) bool {
	if !d.written() {
		line = 0
	}
	d.errs = append(d.errs, &Error{d.Origin, line, fmt.Sprintf(format, args...)})
	return len(d.errs) < maxErrors
}

func (d *document) err() error {
	if len(d.errs) == maxErrors {
		d.errs = append(d.errs, &Error{File: d.Origin, What: "and perhaps more"})
	}
	return errors.Join(d.errs...)
}
