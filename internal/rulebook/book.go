package rulebook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/weir-cep/weir/dsl"
)

// What a book can hold.
const (
	MaxFiles    = 1_000
	MaxText     = 1 << 20 // bytes of a rule file
	MaxVersions = 50      // kept of a rule; the oldest go first
	MaxTexts    = 64 << 20
	MaxEdits    = 10_000 // of a list
	MaxValue    = 1 << 10
	MaxReason   = 4 << 10
)

// Data is what a book says. It is not changed once it is in force.
type Data struct {
	Files    map[string]File      `json:"files"`  // that the API applied, by name
	Status   map[string]Status    `json:"status"` // of rules, in place of what their files say
	Lists    map[string][]Edit    `json:"lists"`  // by name
	Versions map[string][]Version `json:"versions"`
	Texts    map[string]string    `json:"texts"` // of files, by hash
}

// File is a rule file that the API applied.
type File struct {
	Text string `json:"text"`
	Note
}

// Note says who changed something, when and why.
type Note struct {
	At     int64  `json:"at"` // ns
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// Status is another status of a rule than its file says.
type Status struct {
	Status dsl.Status `json:"status"`
	Note
}

// Edit is a value that a list has, or has not, beside what it holds by itself.
type Edit struct {
	Value  string `json:"value"`
	Remove bool   `json:"remove,omitempty"`
	Until  int64  `json:"until,omitempty"` // ns; 0: for good
	Note
}

// Version is a rule as it was in force.
type Version struct {
	Version string `json:"version"` // hash of the compiled rule
	File    string `json:"file"`
	Text    string `json:"text"` // of its file: the key in Data.Texts
	Status  string `json:"status"`
	Note
}

// ChangeError says that a change makes no sense, and what would.
type ChangeError struct{ Why string }

func (e *ChangeError) Error() string { return e.Why }

func bad(format string, args ...any) error { return &ChangeError{fmt.Sprintf(format, args...)} }

// Book is a rulebook on disk. Its methods may be called from several
// goroutines; changes come one after the other.
type Book struct {
	path string
	mu   sync.Mutex // of changes
	read sync.RWMutex
	data *Data
}

// FileName is what the book is called in a state directory.
const FileName = "rulebook.json"

// Open opens the book of a state directory, or begins one.
func Open(dir string) (*Book, error) {
	b := &Book{path: filepath.Join(dir, FileName), data: (&Data{}).clone()}
	text, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the rulebook: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(b.data); err != nil {
		return nil, fmt.Errorf("the rulebook %s can't be read: %w; it holds what the API has changed: restore it, or remove it to run what the rule files say", b.path, err)
	}
	b.data = b.data.clone()
	return b, nil
}

// Data is what the book says now.
func (b *Book) Data() *Data {
	b.read.RLock()
	defer b.read.RUnlock()
	return b.data
}

// Change edits the book: what edit makes of a copy is put in force, and then
// kept. If that fails nothing is changed, unless force failed to take back what
// could not be kept; the error says so then.
func (b *Book) Change(edit func(*Data) error, force func(*Data) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.Data()
	next := was.clone()
	if err := edit(next); err != nil {
		return err
	}
	if err := force(next); err != nil {
		return err
	}
	next.trim()
	if err := b.write(next); err != nil {
		return errors.Join(fmt.Errorf("the rulebook can't be written, so nothing is changed: %w", err), force(was))
	}
	b.read.Lock()
	b.data = next
	b.read.Unlock()
	return nil
}

// write replaces the file.
func (b *Book) write(d *Data) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	next := b.path + ".next"
	f, err := os.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	if err := os.Rename(next, b.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(b.path))
}

// clone is a copy whose maps can be changed.
func (d *Data) clone() *Data {
	next := &Data{Files: maps.Clone(d.Files), Status: maps.Clone(d.Status), Lists: map[string][]Edit{}, Versions: map[string][]Version{}, Texts: maps.Clone(d.Texts)}
	if next.Files == nil {
		next.Files = map[string]File{}
	}
	if next.Status == nil {
		next.Status = map[string]Status{}
	}
	if next.Texts == nil {
		next.Texts = map[string]string{}
	}
	for name, edits := range d.Lists {
		next.Lists[name] = slices.Clone(edits)
	}
	for name, vs := range d.Versions {
		next.Versions[name] = slices.Clone(vs)
	}
	return next
}

// trim lets old versions and the texts that nothing names go.
func (d *Data) trim() {
	used := map[string]bool{}
	size := 0
	for name, vs := range d.Versions {
		if n := len(vs) - MaxVersions; n > 0 {
			d.Versions[name] = vs[n:]
		}
		for _, v := range d.Versions[name] {
			if !used[v.Text] {
				used[v.Text] = true
				size += len(d.Texts[v.Text])
			}
		}
	}
	for hash := range d.Texts {
		if !used[hash] {
			delete(d.Texts, hash)
		}
	}
	if size <= MaxTexts {
		return
	}
	// Too much text: half of every rule's versions go, but the last.
	for name, vs := range d.Versions {
		d.Versions[name] = vs[len(vs)/2:]
	}
	d.trim()
}

// CheckName refuses names that are none for a rule file.
func CheckName(name string) error {
	base, ok := strings.CutSuffix(name, ".cep")
	for _, c := range []byte(base) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-')
	}
	if !ok || base == "" || len(name) > 128 {
		return bad("%q is no name of a rule file: letters, digits, _ and -, and .cep at its end, such as card_testing.cep", name)
	}
	return nil
}
