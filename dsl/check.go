package dsl

import (
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
)

// Check compiles rule files. The files are the named ones: their rules and
// tests run. What they import is read from fsys, once each, relative to the
// importing file's Source.Name, and gives names only. Every finding is
// reported in one pass; the program is complete only if none is an error.
func Check(fsys fs.FS, files ...*File) (*Program, Diagnostics) {
	c := newChecker(fsys)
	for _, f := range files {
		c.given[cleanName(f.Source.Name)] = f
	}
	for _, f := range files {
		c.load(f, true)
	}
	for _, u := range c.order {
		u.collect()
	}
	for _, u := range c.order {
		u.checkDecls()
	}
	c.checkRules()
	for _, u := range c.order {
		if u.named {
			u.checkTests()
		}
	}
	p := c.program()
	c.lint(p)
	return p, c.diagnostics()
}

// checker holds one Check.
type checker struct {
	fsys     fs.FS
	given    map[string]*File // the named files, by path
	units    map[string]*unit // by path
	order    []*unit          // as loaded: named files as given, imports where first met
	rules    []*ruleCheck     // every rule of every unit
	alerts   map[string]*alertEvent
	outcome  *cep.Schema
	zone     *time.Location
	zoneAt   *unit // the file that set it
	parsed   Diagnostics
	found    []*finding
	spots    map[spot]bool
	tags     map[string]*symbol // events by the value that selects them
	mute     int                // above 0, nothing is reported
	allTests []*TestIR
}

func newChecker(fsys fs.FS) *checker {
	return &checker{
		fsys: fsys, given: map[string]*File{}, units: map[string]*unit{}, spots: map[spot]bool{},
		tags: map[string]*symbol{}, alerts: map[string]*alertEvent{}, zone: time.UTC, outcome: outcomeSchema(),
	}
}

// diagnostics is all that was found, in reading order, less what a rule
// silences.
func (c *checker) diagnostics() Diagnostics {
	all := slices.Clone(c.parsed)
	for _, f := range c.found {
		if f.d.Level == LevelError || !c.allowed(&f.d) {
			all = append(all, f.d)
		}
	}
	return all.Sort()
}

// outcomeSchema is the built-in event of verdicts and late labels.
func outcomeSchema() *cep.Schema {
	s := &cep.Schema{Name: "Outcome", Tag: "Outcome", ID: -1, Time: 3, Fields: []cep.Field{
		{Name: "alert_id", Type: stringType}, {Name: "key", Type: stringType},
		{Name: "label", Type: stringType}, {Name: "at", Type: timestampType},
	}}
	for i := range s.Fields {
		s.Fields[i].Path = s.Fields[i].Name
	}
	s.Seal()
	return s
}

// byName orders schemas.
func byName(a, b *cep.Schema) int { return strings.Compare(a.Name, b.Name) }

// CheckExpr checks one expression that reads nothing: the examples of the
// function catalogue, and what a console is asked.
func CheckExpr(text string) (*Expr, Diagnostics) {
	const head = "const x = "
	f, ds := Parse("expression", []byte(head+text))
	if ds.HasErrors() {
		return nil, ds
	}
	c := newChecker(nil)
	u := c.load(f, true)
	var d *ConstDecl
	if len(f.Decls) == 1 {
		d, _ = f.Decls[0].(*ConstDecl)
	}
	if d == nil {
		u.report("E100", Span{len(head), len(head) + len(text)}, "one expression is wanted")
		return nil, c.diagnostics()
	}
	x := &env{c: c, u: u}
	e := x.expr(d.Value, cep.Type{})
	if ds := c.diagnostics(); ds.HasErrors() {
		return nil, ds
	}
	return e, nil
}
