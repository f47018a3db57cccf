package engine

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/checkpoint"
)

var writeFormat = flag.Bool("write-format", false, "write testdata/formatN for the current format; only before it is released")

// format is the version whose checkpoint -write-format writes.
const format = 1

// A checkpoint of every format that was ever released opens with this build,
// and the run goes on from it to the alerts that it had then. A folder holds the
// rules, the events of two partitions with a line "--" where the checkpoint was
// taken, the store, and the alerts behind it.
func TestFormats(t *testing.T) {
	if *writeFormat {
		writeFormatFixture(t)
	}
	dirs := globbed(t, "testdata/format*")
	if want := filepath.Join("testdata", fmt.Sprint("format", format)); dirs[len(dirs)-1] != want {
		t.Errorf("the newest is %s, want %s", dirs[len(dirs)-1], want)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			f := readFormat(t, dir)
			want, err := os.ReadFile(filepath.Join(dir, "alerts"))
			if err != nil || len(want) == 0 {
				t.Fatal("no alerts", err)
			}
			mem := vfs.NewMem()
			if ok, err := vfs.Clone(vfs.Default, mem, filepath.Join(dir, "save"), "save"); err != nil || !ok {
				t.Fatal(err)
			}
			if err := checkpoint.Verify(mem, "save", func(file, why string) { t.Errorf("%s: %s", file, why) }); err != nil {
				t.Fatal(err)
			}
			if _, err := checkpoint.Install(mem, "save", "data"); err != nil {
				t.Fatal(err)
			}
			store, err := checkpoint.Open(checkpoint.Options{FS: mem, Dir: "data"})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			m, ok := store.Latest()
			if !ok {
				t.Fatal("the store is empty")
			}
			if text, ok, err := store.Blob("rules"); err != nil || !ok || string(text) != f.rules {
				t.Errorf("the rules in the store: %q %v", text, err)
			}
			if got := f.goOn(t, m, store); short(got) != string(want) {
				t.Errorf("%s", firstDifference(short(got), string(want)))
			}
		})
	}
}

// formatted is a fixture.
type formatted struct {
	rules  string
	c      *course
	before []int // rows of each partition before the checkpoint
}

func readFormat(t *testing.T, dir string) *formatted {
	rules, err := os.ReadFile(filepath.Join(dir, "rules.cep"))
	if err != nil {
		t.Fatal(err)
	}
	f := &formatted{rules: string(rules)}
	s := &script{prog: compile(t, f.rules)}
	for part := range 2 {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("events%d.ndjson", part)))
		if err != nil {
			t.Fatal(err)
		}
		before, after, ok := strings.Cut(string(text), "--\n")
		if !ok {
			t.Fatal("no place for the checkpoint")
		}
		f.before = append(f.before, len(lines(before)))
		s.events = append(s.events, before+after)
	}
	f.c = s.course(t, Config{Shards: 2, Arrival: true})
	return f
}

// goOn restores the engine and feeds what comes behind the checkpoint.
func (f *formatted) goOn(t *testing.T, m *checkpoint.Manifest, store *checkpoint.Store) string {
	c := f.c
	c.saved.meta, c.saved.oldest = m.Meta, map[uint64]uint64{inputKey(0, 0): 0, inputKey(0, 1): 0}
	e, err := Restore(c.prog, c.cfg, m.Meta, store.Pages)
	if err != nil {
		t.Fatal(err)
	}
	c.e.Close()
	c.use(e)
	for i, n := range f.before {
		e.rewind(e.prep.prepare(c.batch(i, 0, n)))
	}
	if err := e.rewound(); err != nil {
		t.Fatal(err)
	}
	// The texts of alerts that had become events stand in the alert log of a
	// server; here they are lost, and stand in no alert.
	c.derived = map[cep.Ref]string{}
	for i, n := range f.before {
		if err := e.Feed(c.batch(i, n, c.counts[i]-n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.End(EveryDeadline); err != nil {
		t.Fatal(err)
	}
	return string(c.out)
}

func writeFormatFixture(t *testing.T) {
	dir := filepath.Join("testdata", fmt.Sprint("format", format))
	f := readFormat(t, dir)
	for _, name := range []string{"save", "alerts"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range f.before {
		if err := f.c.e.Feed(f.c.batch(i, 0, n)); err != nil {
			t.Fatal(err)
		}
	}
	mem := vfs.NewMem()
	store, err := checkpoint.Open(checkpoint.Options{FS: mem, Dir: "data"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c := &checkpoint.Commit{Position: 1, Need: 1, Blobs: map[string][]byte{"rules": []byte(f.rules)}}
	snap := f.c.e.Snapshot(true)
	snap.Fill(c)
	if _, err := store.Commit(c); err != nil {
		t.Fatal(err)
	}
	if err := store.Savepoint("save"); err != nil {
		t.Fatal(err)
	}
	if _, err := vfs.Clone(mem, vfs.Default, "save", filepath.Join(dir, "save")); err != nil {
		t.Fatal(err)
	}
	m, _ := store.Latest()
	f.c.out = nil
	got := f.goOn(t, m, store)
	if err := os.WriteFile(filepath.Join(dir, "alerts"), []byte(short(got)), 0o644); err != nil {
		t.Fatal(err)
	}
}
