package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// files is the content of a directory.
type files map[string][]byte

func read(t testing.TB, fs vfs.FS, dir string) files {
	t.Helper()
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := files{}
	for _, name := range names {
		f, err := fs.Open(fs.PathJoin(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, info.Size())
		if n, err := readAt(f, b, 0); err != nil || n < len(b) {
			t.Fatal(n, err)
		}
		f.Close()
		out[name] = b
	}
	return out
}

// on puts the files on a file system in memory; one of them with another
// content.
func (f files) on(name string, content []byte) *vfs.MemFS {
	fs := vfs.NewMem()
	if err := fs.MkdirAll("journal", 0o755); err != nil {
		panic(err)
	}
	for n, b := range f {
		if n == name {
			b = content
		}
		if b == nil {
			continue
		}
		file, err := fs.Create("journal/"+n, vfs.WriteCategoryUnspecified)
		if err != nil {
			panic(err)
		}
		if _, err := file.Write(slices.Clone(b)); err != nil {
			panic(err)
		}
		file.Close()
	}
	return fs
}

// sealedJournal is a small journal of several segments, one of them written
// anew by an erasure, and the records that it holds.
func sealedJournal(t testing.TB) (files, []Record) {
	t.Helper()
	fs := vfs.NewMem()
	j := open(t, Options{FS: fs, Dir: "journal", Segment: 1500, Now: func() time.Time { return time.Unix(0, 0) }})
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 14 {
		put(t, j, Record{Kind: 1, Stream: uint32(i % 2), First: uint64(i * 10), Count: 10, Time: int64(1 + i), Meta: []byte("m"), Data: rowsOf(r, (i+1)%4)})
		if i == 5 {
			j.Need(j.End())
			if e, err := j.Erase(blank); err != nil || e.Segments == 0 {
				t.Fatalf("%+v, %v", e, err)
			}
		}
	}
	want := all(t, j, 1)
	j.Close()
	return read(t, fs, "journal"), want
}

// tryEverything opens a damaged journal and uses it. It fails if any of it is
// wrong; damaged says that an error has named the file.
func tryEverything(fs vfs.FS, file string, want []Record) (damaged bool, err error) {
	named := func(err error) bool {
		var damage *CorruptError
		return errors.As(err, &damage) && damage.File == "journal/"+file
	}
	j, err := Open(Options{FS: fs, Dir: "journal"})
	if err != nil {
		if named(err) {
			return true, nil
		}
		return false, err
	}
	defer j.Close()
	got, err := tryAll(j, 1)
	if err != nil {
		if !named(err) {
			return false, err
		}
		damaged = true
	}
	for i := range got {
		if got[i].Pos != want[i].Pos || !equal(&got[i], &want[i]) {
			return damaged, fmt.Errorf("record %d is read wrong", want[i].Pos)
		}
	}
	if !damaged && len(got) < len(want) {
		return damaged, fmt.Errorf("%d records are lost without a word", len(want)-len(got))
	}
	for i := range want {
		w := &want[i]
		f, err := j.Find(w.Stream, w.First+9)
		switch {
		case err != nil && !named(err):
			return damaged, fmt.Errorf("find record %d: %w", w.Pos, err)
		case err != nil:
			damaged = true
		case f.Pos != w.Pos || !equal(&f, w):
			return damaged, fmt.Errorf("record %d is found wrong", w.Pos)
		}
	}
	return damaged, nil
}

// TestFlippedBits flips a bit in every byte of every file: it is detected and
// named, or it does no harm.
func TestFlippedBits(t *testing.T) {
	journal, want := sealedJournal(t)
	r := rand.New(rand.NewPCG(8, 8))
	flips, harmless := 0, 0
	for name, content := range journal {
		for at := range content {
			flips++
			bad := slices.Clone(content)
			bad[at] ^= 1 << r.IntN(8)
			reported := false
			err := Verify(journal.on(name, bad), "journal", func(file string, off int64, why string) {
				reported = true
				if file != "journal/"+name || off < 0 || off > int64(at) || why == "" {
					t.Errorf("%s byte %d: reported as %s byte %d: %s", name, at, file, off, why)
				}
			})
			if err != nil {
				t.Errorf("%s byte %d: verify: %v", name, at, err)
			}
			damaged, err := tryEverything(journal.on(name, bad), name, want)
			if err != nil {
				t.Errorf("%s byte %d: %v", name, at, err)
			}
			if strings.HasSuffix(name, indexSuffix) && damaged {
				t.Errorf("%s byte %d: a damaged index is in the way", name, at)
			}
			if damaged && !reported {
				t.Errorf("%s byte %d: not found by verify", name, at)
			}
			if !reported {
				harmless++ // the mark at the end, or behind the end
			}
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d bytes of %d files flipped, %d of them did no harm", flips, len(journal), harmless)
	if len(journal) < 7 || harmless > 2*frameSize*len(journal) {
		t.Errorf("the journal is not what this test needs")
	}
}

// TestCutFiles cuts every file off at every length.
func TestCutFiles(t *testing.T) {
	journal, want := sealedJournal(t)
	newest := ""
	for name := range journal {
		if strings.HasSuffix(name, segmentSuffix) {
			newest = max(newest, name)
		}
	}
	for name, content := range journal {
		if name == newest { // what is missing there may never have been written
			continue
		}
		for n := range content {
			if _, err := tryEverything(journal.on(name, content[:n]), name, want); err != nil {
				t.Fatalf("%s cut off at byte %d: %v", name, n, err)
			}
		}
	}
}

// TestTornTail cuts the newest segment off at every length: as many records are
// there as it holds completely.
func TestTornTail(t *testing.T) {
	fs := vfs.NewMem()
	j := open(t, Options{FS: fs, Dir: "journal"})
	ends := []int64{headerSize}
	r := rand.New(rand.NewPCG(6, 6))
	var want []Record
	for i := range 6 {
		rec := Record{Kind: 1, Stream: 1, First: uint64(i), Count: 1, Time: 1, Data: rowsOf(r, i)}
		rec.Pos = put(t, j, rec)
		want = append(want, rec)
		ends = append(ends, j.last().sum.end)
	}
	j.Close()
	journal := read(t, fs, "journal")
	name := segmentName(1)
	for n := range journal[name] {
		whole := 0
		for int64(n) >= ends[whole] && whole < len(want) {
			whole++
		}
		if int64(n) < ends[whole] {
			whole--
		}
		cut := journal.on(name, journal[name][:n])
		j := open(t, Options{FS: cut, Dir: "journal"})
		same(t, all(t, j, 1), want[:max(whole, 0)])
		if p := put(t, j, Record{Kind: 2}); p != Position(max(whole, 0)+1) {
			t.Fatalf("cut off at byte %d: appended at position %d", n, p)
		}
		j.Close()
		j = open(t, Options{FS: cut, Dir: "journal"})
		if got := all(t, j, 1); len(got) != max(whole, 0)+1 || got[len(got)-1].Kind != 2 {
			t.Fatalf("cut off at byte %d: %d records", n, len(got))
		}
		j.Close()
	}
}

// TestForgedFrames appends what looks like the frames of this very journal, and
// tears the tail there: data is not taken for frames.
func TestForgedFrames(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, Dir: "journal"}
	j := open(t, o)
	put(t, j, Record{Kind: 1, Data: []byte("first")})
	salt := j.last().salt
	var forged []byte
	for range 50 { // a guess at the offset does not help without the salt
		off := j.last().sum.end + 2*frameSize + int64(len(forged))
		f := frame{rec: Record{Pos: 3, Kind: 1}, off: off, durable: off}
		forged = f.put(forged, salt^1)
	}
	put(t, j, Record{Kind: 1, Data: forged[:leastCompressed-1]})
	put(t, j, Record{Kind: 1, Meta: forged})
	j.Close()
	journal := read(t, fs, "journal")
	name := segmentName(1)
	content := journal[name]
	for at := len(content) - 2*frameSize - len(forged); at < len(content)-frameSize; at += 7 {
		bad := slices.Clone(content[:len(content)-frameSize]) // without the mark
		bad[at] ^= 4
		j := open(t, Options{FS: journal.on(name, bad), Dir: "journal"})
		if got := all(t, j, 1); len(got) != 2 {
			t.Fatalf("%d records", len(got))
		}
		j.Close()
	}
}

// TestMissingFiles takes files away: the oldest segments may be gone, one in
// the middle may not.
func TestMissingFiles(t *testing.T) {
	journal, want := sealedJournal(t)
	var segs []string
	for name := range journal {
		if strings.HasSuffix(name, segmentSuffix) {
			segs = append(segs, name)
		}
	}
	slices.Sort(segs)
	for i, name := range segs {
		j, err := Open(Options{FS: journal.on(name, nil), Dir: "journal"})
		var damage *CorruptError
		switch {
		case i == 0:
			if err != nil {
				t.Fatal(err)
			}
			same(t, all(t, j, j.First()), want[j.First()-1:])
			if _, err := j.Find(want[0].Stream, want[0].First); err != ErrGone {
				t.Fatalf("a row of a removed segment: %v", err)
			}
			if _, err := tryAll(j, 1); err != ErrGone {
				t.Fatalf("read from a removed segment: %v", err)
			}
			j.Close()
		case i == len(segs)-1: // cannot be told from one that never was
			if err != nil {
				t.Fatal(err)
			}
			j.Close()
		case !errors.As(err, &damage) || damage.File != "journal/"+name:
			t.Fatalf("without %s: %v", name, err)
		}
	}
	for name := range journal {
		if strings.HasSuffix(name, indexSuffix) {
			j := open(t, Options{FS: journal.on(name, nil), Dir: "journal"})
			same(t, all(t, j, 1), want)
			if _, ok := read(t, j.fs, "journal")[name]; !ok {
				t.Fatalf("%s was not built again", name)
			}
			j.Close()
		}
	}
}

// TestNewerVersion opens segments of a format that is not known yet.
func TestNewerVersion(t *testing.T) {
	journal, _ := sealedJournal(t)
	for name, content := range journal {
		if !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		newer := slices.Clone(content)
		binary.LittleEndian.PutUint32(newer[8:], version+1)
		binary.LittleEndian.PutUint32(newer[headerSize-4:], crc32.Checksum(newer[:headerSize-4], castagnoli))
		for _, content := range [][]byte{newer, newer[:headerSize]} {
			_, err := Open(Options{FS: journal.on(name, content), Dir: "journal"})
			var v *VersionError
			if !errors.As(err, &v) || v.File != "journal/"+name || v.Version != version+1 {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}
