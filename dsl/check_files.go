package dsl

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// unit is one loaded file: what it declares and which files it can see.
type unit struct {
	c        *checker
	file     *File
	src      *Source
	named    bool
	imports  []importOf
	types    map[string]*symbol // its enums, events and alert events
	names    map[string]*symbol // its params, consts, lists, tables, features, predicates
	sinks    map[string]*symbol
	sources  []*symbol
	others   map[string]Span // decisions, and sources, whose names nothing reads
	defaults map[*cep.Schema]map[string]testValue
	loading  bool
	silences bool // some comment may silence warnings
}

// importOf is one import of a file.
type importOf struct {
	alias string // "" if none
	unit  *unit
	at    Span
}

func cleanName(name string) string { return path.Clean(filepath.ToSlash(name)) }

// load enters a file and, depth first, what it imports.
func (c *checker) load(f *File, named bool) *unit {
	name := cleanName(f.Source.Name)
	if u := c.units[name]; u != nil {
		u.named = u.named || named
		return u
	}
	u := &unit{c: c, file: f, src: f.Source, named: named, loading: true, silences: bytes.Contains(f.Source.Text, []byte("allow")),
		types: map[string]*symbol{}, names: map[string]*symbol{}, sinks: map[string]*symbol{}, others: map[string]Span{}, defaults: map[*cep.Schema]map[string]testValue{}}
	c.units[name] = u
	for _, d := range f.Decls {
		if im, ok := d.(*ImportDecl); ok {
			u.loadImport(name, im)
		}
	}
	u.loading = false
	c.order = append(c.order, u)
	return u
}

func (u *unit) loadImport(from string, im *ImportDecl) {
	c := u.c
	p := im.Path.Str
	if !path.IsAbs(p) {
		p = path.Join(path.Dir(from), p)
	}
	p = path.Clean(p)
	other := c.units[p]
	switch {
	case other == u:
		c.report(u.src, "E127", im.Path.Span, "a file can't import itself").here("this is the file itself")
		return
	case other != nil && other.loading:
		c.report(u.src, "E127", im.Path.Span, "the imports go in a circle").here("%s imports %s, directly or through others", im.Path.Str, u.src.Name).
			note("move what both need to a third file")
		return
	case other == nil:
		f := c.given[p]
		if f == nil {
			text, err := fs.ReadFile(c.fsys, p)
			if err != nil {
				c.report(u.src, "E122", im.Path.Span, "can't read %q", im.Path.Str).here("looked for %s", p).
					note("a path is relative to the file that imports")
				return
			}
			var ds Diagnostics
			f, ds = Parse(p, text)
			c.parsed = append(c.parsed, ds...)
		}
		other = c.load(f, false)
	}
	alias := ""
	if im.As != nil {
		alias = im.As.Name
	}
	u.imports = append(u.imports, importOf{alias: alias, unit: other, at: im.Span})
}

// visible finds a symbol by name in u and in what it imports, through from,
// one of its maps. alias "" looks among the names that need none.
func (u *unit) visible(alias, name string, from func(*unit) map[string]*symbol) *symbol {
	if alias == "" {
		if s := from(u)[name]; s != nil {
			return s
		}
	}
	for _, im := range u.imports {
		if im.alias == alias {
			if s := from(im.unit)[name]; s != nil {
				return s
			}
		}
	}
	return nil
}

// visibleNames lists what visible could find, for "did you mean".
func (u *unit) visibleNames(alias string, from func(*unit) map[string]*symbol, keep func(*symbol) bool) []string {
	var names []string
	add := func(m map[string]*symbol) {
		for n, s := range m {
			if keep == nil || keep(s) {
				names = append(names, n)
			}
		}
	}
	if alias == "" {
		add(from(u))
	}
	for _, im := range u.imports {
		if im.alias == alias {
			add(from(im.unit))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func typesOf(u *unit) map[string]*symbol { return u.types }
func namesOf(u *unit) map[string]*symbol { return u.names }
func sinksOf(u *unit) map[string]*symbol { return u.sinks }

// isAlias says whether some import is called so.
func (u *unit) isAlias(name string) bool {
	return slices.ContainsFunc(u.imports, func(im importOf) bool { return im.alias == name && name != "" })
}

// Files is the operating system's files as an fs.FS that takes any path the
// system does, absolute ones and those with ".." included, so that rule files
// keep the names that the user typed.
var Files fs.FS = osFiles{}

type osFiles struct{}

func (osFiles) Open(name string) (fs.File, error) { return os.Open(filepath.FromSlash(name)) }

// Load reads, parses and checks rule files; a folder stands for all its .cep
// files, those of its subfolders included. "-" is standard input. err is about
// files that can't be read; what is wrong in them are diagnostics.
func Load(fsys fs.FS, paths ...string) (*Program, Diagnostics, error) {
	files, ds, err := ParseFiles(fsys, paths...)
	if err != nil {
		return nil, nil, err
	}
	p, more := Check(fsys, files...)
	return p, append(ds, more...).Sort(), nil
}

// ParseFiles reads and parses rule files as Load does.
func ParseFiles(fsys fs.FS, paths ...string) ([]*File, Diagnostics, error) {
	var files []*File
	var ds Diagnostics
	seen := map[string]bool{}
	add := func(name string, text []byte) {
		if seen[name] {
			return
		}
		seen[name] = true
		f, more := Parse(name, text)
		files, ds = append(files, f), append(ds, more...)
	}
	for _, p := range paths {
		if p == "-" {
			text, err := io.ReadAll(os.Stdin)
			if err != nil {
				return nil, nil, fmt.Errorf("read standard input: %w", err)
			}
			add("-", text)
			continue
		}
		names, err := ruleFiles(fsys, path.Clean(filepath.ToSlash(p)))
		if err != nil {
			return nil, nil, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, nil, fmt.Errorf("read rules: %w", err)
			}
			add(name, text)
		}
	}
	return files, ds, nil
}

// ruleFiles is the file itself, or the .cep files of a folder in order.
func ruleFiles(fsys fs.FS, p string) ([]string, error) {
	info, err := fs.Stat(fsys, p)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if !info.IsDir() {
		return []string{p}, nil
	}
	var names []string
	err = fs.WalkDir(fsys, p, func(name string, d fs.DirEntry, err error) error {
		// What is hidden is not meant: the folders behind the links of a mounted
		// ConfigMap would bring every file a second time.
		if err == nil && name != p && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ".cep") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("read rules: no .cep file in %s", p)
	}
	return names, nil
}
