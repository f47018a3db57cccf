package lookup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// Error is a value in a list's or table's file that does not fit.
type Error struct {
	File string
	Line int // 0 for the file as a whole
	What string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.What)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
}

// maxErrors is how many errors of one file are reported.
const maxErrors = 10

// MaxBytes is the size of the largest file that is loaded.
const MaxBytes = 1 << 30

// Load reads the lists and tables that the program's rules and features use.
// Paths are relative to the folder of the rule file that declares them. The
// warnings name what stays empty and what to do about it. The error joins
// everything that is wrong, of all files.
func Load(prog *dsl.Program) (l *expr.Lookups, warnings []string, err error) {
	ld := loader{prog: prog, used: usesOf(prog)}
	l = &expr.Lookups{Version: 1}
	for _, p := range prog.Params {
		l.Params = append(l.Params, expr.NewParam(p.Default))
	}
	for _, ir := range prog.Lists {
		l.Lists = append(l.Lists, ld.list(ir))
	}
	for _, ir := range prog.Tables {
		l.Tables = append(l.Tables, ld.table(ir))
	}
	if len(ld.errs) > 0 {
		return nil, nil, errors.Join(ld.errs...)
	}
	return l, ld.warning(), nil
}

type loader struct {
	prog  *dsl.Program
	used  uses
	empty []string // "list test_merchants (redis)"
	errs  []error
}

func (ld *loader) list(ir *dsl.ListIR) *expr.List {
	values := ir.Values
	switch {
	case !ld.used.lists[ir]:
		values = nil
	case ir.From == "file":
		values = ld.readList(ir)
	case ir.From != "":
		ld.empty = append(ld.empty, fmt.Sprintf("list %s (%s)", ir.Name, ir.From))
	}
	if !ld.used.nets[ir] && ir.Elem.Kind != cep.KindIP {
		return expr.NewList(ir.Elem, values)
	}
	list, err := expr.NewNetList(ir.Elem, values)
	if err != nil { // of a file's values, readList has found it with its line
		ld.errs = append(ld.errs, &Error{File: ir.File, What: fmt.Sprintf("list %s: %v", ir.Name, err)})
	}
	return list
}

func (ld *loader) table(ir *dsl.TableIR) *expr.Table {
	t := expr.NewTable(ir.Key, ir.Cols)
	switch {
	case !ld.used.tables[ir]:
	case ir.From == "file":
		ld.readTable(ir, t)
	default:
		ld.empty = append(ld.empty, fmt.Sprintf("table %s (%s)", ir.Name, ir.From))
	}
	return t
}

// warning says in one sentence what stays empty.
func (ld *loader) warning() []string {
	if len(ld.empty) == 0 {
		return nil
	}
	are, them := "are", "them"
	if len(ld.empty) == 1 {
		are, them = "is", "it"
	}
	return []string{fmt.Sprintf("%s %s empty: a run over files does not connect to servers. "+
		"To run with values, put them into a file and declare %s with: from file { path: \"…\" }", strings.Join(ld.empty, ", "), are, them)}
}

// file is a lookup's file, read.
type file struct {
	path   string
	format string // json, csv or text
	comma  rune
	data   []byte
	errs   []error

	counted, lines int // lineAt has counted so many lines in so many bytes
}

// open reads the file that a declaration names.
func (ld *loader) open(ruleFile, name string, options []dsl.Option) (*file, bool) {
	f := &file{comma: ','}
	for _, o := range options {
		text := o.Value.Text
		if o.EnvName != "" {
			text = os.Getenv(o.EnvName)
		}
		switch o.Name {
		case "path":
			f.path = text
		case "format":
			f.format = text
		case "delimiter":
			r := []rune(text)
			if len(r) != 1 || r[0] == '"' || r[0] == '\n' || r[0] == '\r' {
				ld.errs = append(ld.errs, &Error{File: ruleFile, What: fmt.Sprintf("%s: a delimiter is one character, not %q", name, text)})
				return nil, false
			}
			f.comma = r[0]
		}
	}
	if !filepath.IsAbs(f.path) {
		f.path = filepath.Join(filepath.Dir(ruleFile), filepath.FromSlash(f.path))
	}
	if f.format == "" {
		f.format = formatOf(f.path)
	}
	info, err := os.Stat(f.path)
	if err == nil && info.Size() > MaxBytes {
		err = fmt.Errorf("%s is larger than %d MB", f.path, MaxBytes>>20)
	}
	if err == nil {
		f.data, err = os.ReadFile(f.path)
	}
	if err != nil {
		ld.errs = append(ld.errs, &Error{File: ruleFile, What: fmt.Sprintf("%s can't be loaded: %v", name, err)})
		return nil, false
	}
	return f, true
}

func formatOf(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".ndjson", ".jsonl":
		return "json"
	case ".csv", ".tsv":
		return "csv"
	}
	return "text"
}

// wrong notes an error; it says whether reading on makes sense.
func (f *file) wrong(line int, format string, args ...any) bool {
	f.errs = append(f.errs, &Error{f.path, line, fmt.Sprintf(format, args...)})
	return len(f.errs) < maxErrors
}

func (ld *loader) close(f *file) {
	if len(f.errs) == maxErrors {
		f.errs = append(f.errs, &Error{File: f.path, What: "and perhaps more"})
	}
	ld.errs = append(ld.errs, f.errs...)
}

// uses are the lists and tables that something reads, and the lists in which
// ips are looked up as in networks.
type uses struct {
	lists, nets map[*dsl.ListIR]bool
	tables      map[*dsl.TableIR]bool
}

func usesOf(prog *dsl.Program) uses {
	u := uses{map[*dsl.ListIR]bool{}, map[*dsl.ListIR]bool{}, map[*dsl.TableIR]bool{}}
	for _, r := range prog.Rules {
		expr.OfRule(r, u.mark)
	}
	for _, f := range prog.Features {
		u.mark(f.Where)
		for _, a := range f.Aggs {
			u.mark(a.Arg)
			u.mark(a.Cond)
		}
		for _, it := range f.Items {
			u.mark(it.Expr)
		}
	}
	return u
}

func (u *uses) mark(e *dsl.Expr) {
	expr.Walk(e, func(e *dsl.Expr) bool {
		if e.List != nil {
			u.lists[e.List] = true
		}
		if e.Table != nil {
			u.tables[e.Table] = true
		}
		if e.Op == dsl.OpInNet && e.Args[1].Op == dsl.OpList {
			u.nets[e.Args[1].List] = true
		}
		return true
	})
}
