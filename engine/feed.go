package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/lookup"
)

// HTTPSource is the name of the source that takes events of the types that no
// source of the rules carries.
const HTTPSource = "http"

// OutcomeSource is the name and the kind of the source that tells rules what
// analysts say of alerts. Rules that read Outcome are given it if no source of
// theirs carries the type.
const OutcomeSource = "outcome"

// DefaultIdle is how long a partition may be silent before the watermark goes
// on without it; DefaultMaxAhead how far ahead of its arrival an event may be.
const (
	DefaultIdle     = int64(cep.Minute)
	DefaultMaxAhead = int64(cep.Hour)
)

// feed is a source as the running program reads it.
type feed struct {
	name   string
	id     uint32
	kind   string
	ir     *dsl.SourceIR // nil: HTTPSource or OutcomeSource by itself
	types  []*cep.Schema
	config decode.Config // without the header of CSV
	idle   time.Duration
	dedupe int64 // ns; negative: off
	ahead  int64 // ns; 0: off
	print  string
}

// feeds lists the sources that some rule that is not off needs, by name.
func feeds(prog *dsl.Program) (list []*feed, err error) {
	read := Reads(prog)
	carried := map[*cep.Schema]bool{}
	for _, ir := range prog.Sources {
		used := false
		for _, s := range ir.Of {
			carried[s] = true
			used = used || slices.Contains(read, s)
		}
		if !used {
			continue
		}
		f := &feed{name: ir.Name, kind: ir.Kind, ir: ir, types: ir.Of}
		if err := f.configure(prog); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	var rest, verdicts []*cep.Schema
	for _, s := range prog.Schemas {
		switch {
		case carried[s] || s.Derived || !slices.Contains(read, s):
		case s.Name == "Outcome":
			verdicts = append(verdicts, s)
		default:
			rest = append(rest, s)
		}
	}
	for _, f := range []*feed{{name: HTTPSource, kind: "http", types: rest}, {name: OutcomeSource, kind: OutcomeSource, types: verdicts}} {
		if len(f.types) == 0 {
			continue
		}
		if slices.ContainsFunc(list, func(g *feed) bool { return g.name == f.name }) {
			return nil, fmt.Errorf("source %s: no source carries %s, and the name %q is that of the source for such types; let the source carry it too", f.name, f.types[0].Name, f.name)
		}
		if err := f.configure(prog); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *feed) int { return compareText(a.name, b.name) })
	return list, nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// configure reads the options that every source has.
func (f *feed) configure(prog *dsl.Program) error {
	f.idle, f.ahead = time.Duration(DefaultIdle), DefaultMaxAhead
	f.config = decode.Config{Schemas: f.types, Zone: prog.Zone}
	typed := false
	if f.ir != nil {
		for i := range f.ir.Options {
			o := &f.ir.Options[i]
			switch o.Name {
			case "format":
				if o.Value.Text == "csv" {
					f.config.Format = decode.CSV
				}
			case "path":
				if !f.has("format") {
					f.config.Format = decode.FormatOf(filepath.Base(o.Value.Text))
				}
			case "type":
				f.config.TypeField, typed = o.Value.Text, true
			case "delimiter":
				if len(o.Value.Text) != 1 {
					return fmt.Errorf("source %s: the delimiter %q is not one character", f.name, o.Value.Text)
				}
				f.config.Delimiter = o.Value.Text[0]
			case "idle":
				f.idle = time.Duration(o.Value.Word)
			case "dedupe":
				if f.dedupe = int64(o.Value.Word); f.dedupe == 0 {
					f.dedupe = -1
				}
			case "max_ahead":
				f.ahead = int64(o.Value.Word)
			}
			f.print += fmt.Sprintf("%s=%s%s;", o.Name, o.Value.String(), o.EnvName)
		}
		if f.config.Format == decode.CSV && f.kind != "file" {
			return fmt.Errorf("source %s: csv needs a header line, which only a file has; let the source carry JSON", f.name)
		}
	}
	if f.kind == OutcomeSource {
		f.idle = 1 // nobody waits for verdicts
	}
	// A source of one type that names no type field carries nothing else.
	if f.ir != nil && len(f.types) == 1 && !typed {
		f.config.Single = f.types[0]
	}
	for _, s := range f.types {
		f.print += s.Name + ","
	}
	return nil
}

func (f *feed) has(option string) bool {
	return slices.ContainsFunc(f.ir.Options, func(o dsl.Option) bool { return o.Name == option })
}

// wiring is what a deployed program means for what comes in. It does not
// change; a deployment makes a new one.
type wiring struct {
	generation uint64
	rules      RuleSet
	prog       *dsl.Program
	parser     *lookup.Parser // of lists and tables from outside
	plan       *plan
	feeds      []*feed
	byID       map[uint32]*feed
}

func (w *wiring) feed(name string) *feed {
	for _, f := range w.feeds {
		if f.name == name {
			return f
		}
	}
	return nil
}

// taker is the source that takes what is posted without a source's name, nil
// if none or several could.
func (w *wiring) taker() (f *feed, names []string) {
	for _, g := range w.feeds {
		if g.kind == "http" {
			f, names = g, append(names, g.name)
		}
	}
	if len(names) != 1 {
		return nil, names
	}
	return f, names
}
