package engine

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/dsl"
)

// RuleSet is rule files with their text, so that a deployment can be repeated
// word for word when the journal is replayed.
type RuleSet struct {
	Roots []string          // the files whose rules run, in their order
	Files map[string]string // the text of the roots and of all that they import, by path
	// Status gives rules another status than their files say, by name; rules
	// that there are not are passed over.
	Status map[string]dsl.Status `json:",omitempty"`
}

// RuleText is a rule set of one text that imports nothing.
func RuleText(name, text string) RuleSet {
	return RuleSet{Roots: []string{name}, Files: map[string]string{name: text}}
}

// ReadRules reads rule files, and what they import, from fsys; a folder stands
// for all its .cep files. Errors are about files that cannot be read; what is
// wrong in them is found by Compile.
func ReadRules(fsys fs.FS, paths ...string) (RuleSet, error) {
	files, _, err := dsl.ParseFiles(fsys, paths...)
	if err != nil {
		return RuleSet{}, err
	}
	s := RuleSet{Files: map[string]string{}}
	for _, f := range files {
		s.Roots = append(s.Roots, f.Source.Name)
		s.Files[f.Source.Name] = string(f.Source.Text)
	}
	dsl.Check(reader{fsys, s.Files}, files...) // for what it reads
	return s, nil
}

// reader notes the files that are read from another file system.
type reader struct {
	fs.FS
	files map[string]string
}

// ReadFile implements fs.ReadFileFS.
func (r reader) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(r.FS, name)
	if err == nil {
		r.files[name] = string(text)
	}
	return text, err
}

// RuleError tells that rule files have errors.
type RuleError struct{ Diagnostics dsl.Diagnostics }

func (e *RuleError) Error() string {
	errs := slices.DeleteFunc(slices.Clone(e.Diagnostics), func(d dsl.Diagnostic) bool { return d.Level != dsl.LevelError })
	return fmt.Sprintf("the rules have %s:\n%s", count(len(errs), "error"), strings.TrimRight(errs.Text(), "\n"))
}

// Compile checks the rules. Its error is a *RuleError.
func (s RuleSet) Compile() (*dsl.Program, error) {
	var files []*dsl.File
	var all dsl.Diagnostics
	for _, name := range s.Roots {
		f, ds := dsl.Parse(name, []byte(s.Files[name]))
		f.SetStatus(s.Status)
		files, all = append(files, f), append(all, ds...)
	}
	prog, ds := dsl.Check(texts(s.Files), files...)
	all = append(all, ds...).Sort()
	if all.HasErrors() {
		return nil, &RuleError{all}
	}
	return prog, nil
}

// Hash is the same for the same texts and statuses.
func (s RuleSet) Hash() uint64 {
	h := xxh3.New()
	for _, r := range s.Roots {
		fmt.Fprintf(h, "%q;", r)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		fmt.Fprintf(h, "%q=%q;", name, s.Files[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Status)) {
		fmt.Fprintf(h, "%q is %q;", name, s.Status[name])
	}
	return h.Sum64()
}

// WithTexts is a file system with texts in the place of the files of those
// names.
func WithTexts(fsys fs.FS, files map[string]string) fs.FS { return overlay{fsys, files} }

type overlay struct {
	fs.FS
	files texts
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	if f, err := o.files.Open(name); err == nil {
		return f, nil
	}
	return o.FS.Open(name)
}

// texts are files in memory. Only reading a whole file by its name is asked of
// them.
type texts map[string]string

// ReadFile implements fs.ReadFileFS.
func (t texts) ReadFile(name string) ([]byte, error) {
	text, ok := t[path.Clean(filepath.ToSlash(name))]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// Open implements fs.FS.
func (t texts) Open(name string) (fs.File, error) {
	text, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &textFile{name: name, size: int64(len(text)), r: strings.NewReader(string(text))}, nil
}

// textFile is an opened text; it is its own FileInfo.
type textFile struct {
	name string
	size int64
	r    *strings.Reader
}

func (f *textFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *textFile) Read(p []byte) (int, error) { return f.r.Read(p) }
func (f *textFile) Close() error               { return nil }
func (f *textFile) Name() string               { return path.Base(f.name) }
func (f *textFile) Size() int64                { return f.size }
func (f *textFile) Mode() fs.FileMode          { return 0o444 }
func (f *textFile) ModTime() time.Time         { return time.Time{} }
func (f *textFile) IsDir() bool                { return false }
func (f *textFile) Sys() any                   { return nil }
