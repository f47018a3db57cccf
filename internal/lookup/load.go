package lookup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// MaxBytes is the size of the largest file that Load reads.
const MaxBytes = 1 << 30

// Load reads the lists and tables that the program's rules and features use,
// for a run over files. Paths are relative to the folder of the rule file that
// declares them. The warnings name what stays empty and what to do about it.
// The error joins everything that is wrong, of all files.
func Load(prog *dsl.Program) (l *expr.Lookups, warnings []string, err error) {
	ld := loader{Parser: NewParser(prog)}
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

// Paths are the files that Load reads, in the order of their declarations.
func Paths(prog *dsl.Program) (paths []string) {
	used := usesOf(prog)
	for _, ir := range prog.Lists {
		if used.lists[ir] && ir.From == "file" {
			t, _ := declared(ir.Name, false, ir.File, ir.Options)
			paths = append(paths, t.Origin)
		}
	}
	for _, ir := range prog.Tables {
		if used.tables[ir] && ir.From == "file" {
			t, _ := declared(ir.Name, true, ir.File, ir.Options)
			paths = append(paths, t.Origin)
		}
	}
	return paths
}

type loader struct {
	*Parser
	empty []string // "list test_merchants (redis)"
	errs  []error
}

func (ld *loader) list(ir *dsl.ListIR) *expr.List {
	values := ir.Values
	switch {
	case !ld.used.lists[ir]:
		values = nil
	case ir.From == "file":
		if t, ok := ld.read(ir.Name, false, ir.File, ir.Options); ok {
			l, err := ld.Parser.list(ir, t)
			ld.note(err)
			return l
		}
	case ir.From != "":
		ld.empty = append(ld.empty, fmt.Sprintf("list %s (%s)", ir.Name, ir.From))
	}
	l, err := ld.newList(ir, values)
	ld.note(err)
	return l
}

func (ld *loader) table(ir *dsl.TableIR) *expr.Table {
	switch {
	case !ld.used.tables[ir]:
	case ir.From == "file":
		if t, ok := ld.read(ir.Name, true, ir.File, ir.Options); ok {
			table, err := ld.Parser.table(ir, t)
			ld.note(err)
			return table
		}
	default:
		ld.empty = append(ld.empty, fmt.Sprintf("table %s (%s)", ir.Name, ir.From))
	}
	return expr.NewTable(ir.Key, ir.Cols)
}

func (ld *loader) note(err error) {
	if err != nil {
		ld.errs = append(ld.errs, err)
	}
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

// read reads the file that a declaration names.
func (ld *loader) read(name string, table bool, ruleFile string, options []dsl.Option) (Text, bool) {
	t, err := declared(name, table, ruleFile, options)
	if err != nil {
		ld.note(err)
		return Text{}, false
	}
	info, err := os.Stat(t.Origin)
	if err == nil && info.Size() > MaxBytes {
		err = fmt.Errorf("%s is larger than %d MB", t.Origin, MaxBytes>>20)
	}
	if err == nil {
		t.Data, err = os.ReadFile(t.Origin)
	}
	if err != nil {
		ld.note(&Error{File: ruleFile, What: fmt.Sprintf("%s can't be loaded: %v", t.What(), err)})
		return Text{}, false
	}
	return t, true
}

// declared is the text that a declaration names, without its data.
func declared(name string, table bool, ruleFile string, options []dsl.Option) (Text, error) {
	t := Text{Name: name, Rules: ruleFile, Table: table, From: "file", Delimiter: ','}
	for _, o := range options {
		text := o.Value.Text
		if o.EnvName != "" {
			text = os.Getenv(o.EnvName)
		}
		switch o.Name {
		case "path":
			t.Origin = text
		case "format":
			t.Format = text
		case "delimiter":
			r := []rune(text)
			if len(r) != 1 || r[0] == '"' || r[0] == '\n' || r[0] == '\r' {
				return t, &Error{File: ruleFile, What: fmt.Sprintf("%s: a delimiter is one character, not %q", t.What(), text)}
			}
			t.Delimiter = r[0]
		}
	}
	if !filepath.IsAbs(t.Origin) {
		t.Origin = filepath.Join(filepath.Dir(ruleFile), filepath.FromSlash(t.Origin))
	}
	if t.Format == "" {
		t.Format = formatOf(t.Origin)
	}
	return t, nil
}

// formatOf tells a file's format by its name.
func formatOf(path string) string {
	if f := FormatOf(path); f != "" {
		return f
	}
	return "text"
}
