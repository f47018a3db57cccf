package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// files lists the files below a folder.
func files(t testing.TB, fs vfs.FS, dir string) (list []string) {
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			list = append(list, files(t, fs, path)...)
		} else {
			list = append(list, path)
		}
	}
	return list
}

// copyTree copies all files into a file system of its own.
func copyTree(t testing.TB, from vfs.FS, dirs ...string) *vfs.MemFS {
	to := vfs.NewMem()
	for _, dir := range dirs {
		for _, path := range files(t, from, dir) {
			if err := to.MkdirAll(to.PathDir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			putFile(t, to, path, getFile(t, from, path))
		}
	}
	return to
}

func getFile(t testing.TB, fs vfs.FS, path string) []byte {
	f, err := fs.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func putFile(t testing.TB, fs vfs.FS, path string, b []byte) {
	if err := writeFile(fs, path, b); err != nil {
		t.Fatal(err)
	}
}

// kind is what kind of file a path is.
func kind(path string) string {
	name := path[strings.LastIndex(path, "/")+1:]
	switch {
	case strings.HasSuffix(name, ".sst"):
		return "table"
	case strings.HasPrefix(name, "MANIFEST-"):
		return "manifest"
	case strings.HasPrefix(name, "OPTIONS-"):
		return "options"
	case strings.HasSuffix(name, ".log"):
		return "log"
	case strings.HasPrefix(name, "marker"), name == "LOCK":
		return "empty"
	}
	return name
}

// A store with a flipped bit anywhere gives what was committed last or, after
// it has said so, what was committed before: never anything else. Where the
// newest is whole, damage elsewhere does not matter.
func TestFlippedBits(t *testing.T) {
	mem := vfs.NewMem()
	r := rand.New(rand.NewPCG(4, 4))
	s := mustOpen(t, Options{FS: mem, Dir: "data", Keep: 2, Now: clock()})
	m := newModel()
	var history []*model
	for i := range 4 {
		mustCommit(t, s, m.change(r, i == 0))
		history = append(history, m.clone())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flips, found := map[string]int{}, map[string]int{}
	for _, path := range files(t, mem, "data") {
		whole := getFile(t, mem, path)
		for _, at := range places(r, len(whole)) {
			fs := copyTree(t, mem, "data")
			b := bytes.Clone(whole)
			b[at] ^= 1 << r.IntN(8)
			putFile(t, fs, path, b)
			flips[kind(path)]++
			what := fmt.Sprintf("%s, byte %d", path, at)
			if recoverDamaged(t, fs, history, what) {
				found[kind(path)]++
			}
		}
	}
	for _, k := range []string{"table", "manifest", "options", "MANIFEST.json", "state.newest"} {
		if flips[k] == 0 {
			t.Errorf("no %s was damaged", k)
		}
	}
	if found["table"] == 0 || found["manifest"] == 0 {
		t.Errorf("nothing was found: %v", found)
	}
	t.Logf("bits flipped: %v; the newest checkpoint given up: %v", flips, found)
}

// places are offsets of a file: some anywhere, and its end, where tables keep
// what all else hangs on.
func places(r *rand.Rand, size int) (list []int) {
	n := 6
	if *long {
		n = 200
	}
	for range min(n, size) {
		list = append(list, r.IntN(size))
	}
	for i := range min(n, size) {
		list = append(list, size-1-i*5%size)
	}
	return list
}

// recoverDamaged opens a damaged store; gaveUp: it had to go back.
func recoverDamaged(t *testing.T, fs vfs.FS, history []*model, what string) (gaveUp bool) {
	t.Helper()
	o := Options{FS: fs, Dir: "data", Keep: 2, Now: clock()}
	var got *model
	s, lost, err := Recover(o, func(s *Store) error {
		mf, ok := s.Latest()
		if !ok {
			t.Fatalf("%s: the store seems to be empty", what)
		}
		for _, m := range history {
			if m.position == mf.Position {
				got = m
			}
		}
		if got == nil {
			t.Fatalf("%s: a position that never was: %d", what, mf.Position)
		}
		d, err := got.differs(s)
		if err == nil && d != "" {
			t.Fatalf("%s: %s", what, d)
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	newest := history[len(history)-1]
	if (got == newest) != (len(lost) == 0) {
		t.Fatalf("%s: position %d of %d, and %d checkpoints are said to be lost", what, got.position, newest.position, len(lost))
	}
	for _, l := range lost {
		var c *CorruptError
		if !errors.As(l.Err, &c) || c.File == "" || l.Dir == "" {
			t.Fatalf("%s: no file is named: %v", what, l.Err)
		}
	}
	next := got.clone()
	r := rand.New(rand.NewPCG(2, 2))
	mustCommit(t, s, next.change(r, false))
	next.check(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return len(lost) > 0
}

// Verify finds a flipped bit in any file of a savepoint, and names the file.
func TestVerifyFindsFlips(t *testing.T) {
	mem := vfs.NewMem()
	r := rand.New(rand.NewPCG(5, 5))
	s := mustOpen(t, Options{FS: mem, Dir: "data", Now: clock()})
	m := newModel()
	for i := range 3 {
		mustCommit(t, s, m.change(r, i == 0))
	}
	if err := errors.Join(s.Savepoint("save"), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t, mem, "save") {
		whole := getFile(t, mem, path)
		for _, at := range places(r, len(whole)) {
			fs := copyTree(t, mem, "save")
			b := bytes.Clone(whole)
			b[at] ^= 1 << r.IntN(8)
			putFile(t, fs, path, b)
			var named []string
			err := Verify(fs, "save", func(file, why string) { named = append(named, file) })
			if err != nil {
				t.Fatalf("%s, byte %d: %v", path, at, err)
			}
			if len(named) == 0 || named[0] != path {
				t.Errorf("%s, byte %d: named are %v", path, at, named)
			}
			if _, err := Install(fs, "save", "other"); err == nil {
				t.Errorf("%s, byte %d: installed", path, at)
			}
		}
	}
}

// When nothing is left that could be used, the error is that of the newest.
func TestNothingLeft(t *testing.T) {
	mem := vfs.NewMem()
	o := Options{FS: mem, Dir: "data", Keep: 1, Now: clock()}
	s := mustOpen(t, o)
	for i := range 3 {
		mustCommit(t, s, &Commit{Position: uint64(i + 1), Meta: []byte("m"), Full: true, Pages: []Page{{1, 1, make([]byte, 100)}}})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, lost, err := Recover(o, func(s *Store) error { return &CorruptError{Why: "it tastes of nothing"} })
	var c *CorruptError
	if !errors.As(err, &c) || len(lost) != 1 {
		t.Fatalf("%v, %d lost", err, len(lost))
	}
	other := errors.New("another reason")
	if _, lost, err = Recover(o, func(*Store) error { return other }); !errors.Is(err, other) || len(lost) != 0 {
		t.Fatalf("%v, %d lost", err, len(lost))
	}
}

// A checkpoint of a newer version is left alone, with a clear word.
func TestNewerFormat(t *testing.T) {
	mem := vfs.NewMem()
	s := mustOpen(t, Options{FS: mem, Dir: "data"})
	mustCommit(t, s, &Commit{Position: 1, Meta: []byte("m"), Full: true})
	s.manifest.Format = Format + 1
	tb := &tables{s: s, format: s.db.TableFormat()}
	m := s.manifest
	m.Seq++
	if err := mem.MkdirAll(s.ingestDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(tb.writeHead(&Commit{}, &m), s.ingest(tb.paths, &Commit{}), s.Close()); err != nil {
		t.Fatal(err)
	}
	var v *VersionError
	if _, err := Open(Options{FS: mem, Dir: "data"}); !errors.As(err, &v) || v.Found != Format+1 || !strings.Contains(err.Error(), "newer") {
		t.Fatal(err)
	}
	if err := Verify(mem, "data", func(file, why string) { t.Errorf("%s: %s", file, why) }); !errors.As(err, &v) {
		t.Fatal(err)
	}
}
