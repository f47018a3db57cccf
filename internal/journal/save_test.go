package journal

import (
	"errors"
	"os"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestSave(t *testing.T) {
	mem := vfs.NewCrashableMem()
	j := open(t, Options{FS: mem, Dir: "journal", Segment: 4 << 10, KeepBytes: 1})
	if end, err := j.Save("empty", 1); err != nil || end != 1 {
		t.Fatal(end, err)
	}
	fill(t, j, 30)
	want := all(t, j, 1)
	end, err := j.Save("saved", 10)
	if err != nil || end != 31 {
		t.Fatal(end, err)
	}
	j.Need(31)
	fill(t, j, 5)
	if _, err := j.Erase(func(rec *Record) (bool, error) { rec.Data = nil; return true, nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Clean(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Save("saved", 31); !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	if _, err := j.Save("gone", 1); !errors.Is(err, ErrGone) {
		t.Fatal(err)
	}
	j.Close()

	mem = mem.CrashClone(vfs.CrashCloneCfg{})
	for dir, want := range map[string][]Record{"saved": want, "empty": nil} {
		if err := Verify(mem, dir, func(file string, off int64, why string) { t.Errorf("%s %d: %s", file, off, why) }); err != nil {
			t.Fatal(err)
		}
		facts, err := Inspect(mem, dir)
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, Options{FS: mem, Dir: dir})
		if is := s.Stats(); facts.First != is.First || facts.End != is.End || facts.Bytes != is.Bytes || facts.Segments != is.Segments || facts.FirstTime != is.FirstTime || facts.LastTime != is.LastTime {
			t.Errorf("Inspect: %+v, a journal: %+v", facts, is)
		}
		first := s.First()
		if first > 10 || len(want) > 0 && first == 1 {
			t.Fatalf("it begins with record %d", first)
		}
		same(t, all(t, s, first), want[first-1:])
		if p := put(t, s, Record{Kind: 1}); p != Position(len(want))+1 {
			t.Fatalf("appended at %d", p)
		}
		s.Close()
	}
	if _, err := mem.Stat("gone"); !isMissing(err) {
		t.Fatalf("what failed is left: %v", err)
	}
}
