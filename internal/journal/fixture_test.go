package journal

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var writeFixture = flag.Bool("journal.fixture", false, "write testdata of the newest format anew")

// fixtureRecords are the records of a fixture: every kind of record that the
// format tells apart.
func fixtureRecords() []Record {
	var out []Record
	for i := range 24 {
		rec := Record{Kind: uint8(1 + i%4), Stream: uint32(i % 3), First: uint64(1000 + i*7), Count: uint64(1 + i%7), Time: 1_700_000_000_000_000_000 + int64(i)*1e9}
		switch i % 4 {
		case 1:
			rec.Meta = []byte(fmt.Sprintf("meta of record %d", i+1))
			rec.Data = []byte(strings.Repeat(fmt.Sprintf("{\"row\":%d}\n", i), 40)) // gets smaller
		case 2:
			rec.Data = []byte(fmt.Sprintf("short %d\n", i))
		case 3:
			rec.Stream, rec.First, rec.Count = NoStream, 0, 0
			rec.Time = -5
		}
		out = append(out, rec)
	}
	return out
}

// TestFixtures opens journals as each released format wrote them: closed, with
// a segment that was erased from, and with a torn tail.
func TestFixtures(t *testing.T) {
	for v := 1; v <= version; v++ {
		dir := filepath.Join("testdata", fmt.Sprint("v", v))
		if *writeFixture && v == version {
			makeFixture(t, dir)
		}
		held, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		journal := files{}
		for _, e := range held {
			if journal[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
		fs := journal.on("", nil)
		if err := Verify(fs, "journal", func(file string, off int64, why string) { t.Errorf("%s %d: %s", file, off, why) }); err != nil {
			t.Fatal(err)
		}
		j := open(t, Options{FS: fs, Dir: "journal"})
		want := fixtureRecords()
		for i := range want {
			want[i].Pos = Position(i + 1)
			if i == 5 {
				want[i].Data = []byte("erased")
			}
		}
		got := all(t, j, 1)
		same(t, got, want)
		for i := range want {
			if want[i].Stream == NoStream {
				continue
			}
			f, err := j.Find(want[i].Stream, want[i].First+want[i].Count-1)
			if err != nil {
				t.Fatal(err)
			}
			same(t, []Record{f}, want[i:i+1])
		}
		if s := j.Stats(); s.Cut == 0 || s.Segments < 3 {
			t.Errorf("the fixture lacks a torn tail or segments: %+v", s)
		}
		if p := put(t, j, Record{Kind: 1}); p != Position(len(want)+1) {
			t.Errorf("appended at %d", p)
		}
		j.Close()
	}
}

func makeFixture(t *testing.T, dir string) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	j := open(t, Options{FS: fs, Dir: "journal", Segment: 700, Now: func() time.Time { return time.Unix(1_700_000_000, 0) }})
	for i, rec := range fixtureRecords() {
		put(t, j, rec)
		if i == 8 {
			j.Need(9)
			if _, err := j.Erase(func(rec *Record) (bool, error) {
				if rec.Pos != 6 {
					return false, nil
				}
				rec.Data = []byte("erased")
				return true, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	j.Close()
	made := read(t, fs, "journal")
	newest := ""
	for name := range made {
		if strings.HasSuffix(name, segmentSuffix) {
			newest = max(newest, name)
		}
	}
	// The mark becomes the start of a write that was torn.
	made[newest] = append(made[newest][:len(made[newest])-frameSize], "a torn write"...)
	for name, content := range made {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
