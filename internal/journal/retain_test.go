package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// fill appends records of 1000 bytes that do not get smaller, an hour apart.
func fill(t testing.TB, j *Journal, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 9))
	for range n {
		i := int64(j.End())
		data := make([]byte, 1000)
		for k := range data {
			data[k] = byte(r.Uint32())
		}
		put(t, j, Record{Kind: 1, Stream: 5, First: uint64(i * 10), Count: 10, Time: i * int64(time.Hour), Data: data})
	}
}

func TestRetention(t *testing.T) {
	now := atomic.Int64{}
	fs := vfs.NewMem()
	o := Options{FS: fs, Dir: "journal", Segment: 4 << 10, Now: func() time.Time { return time.Unix(0, now.Load()) }}
	clean := func(j *Journal, removed int, first Position) {
		t.Helper()
		n, err := j.Clean()
		if err != nil || n != removed || j.First() != first {
			t.Fatalf("%d segments removed, %v; the first record is %d, want %d and %d", n, err, j.First(), removed, first)
		}
	}
	j := open(t, o)
	clean(j, 0, 1)
	fill(t, j, 40) // four to a segment
	clean(j, 0, 1)
	j.Need(100)
	clean(j, 0, 1) // no bound
	j.Close()

	o.KeepBytes = 24 << 10 // five segments
	j = open(t, o)
	clean(j, 0, 1) // before Need everything is needed
	j.Need(11)     // in the third
	clean(j, 2, 9)
	r := j.Read(1)
	if err := r.Next(new(Record)); err != ErrGone {
		t.Fatal(err)
	}
	r.Close()
	inside := j.Read(9)
	defer inside.Close()
	if err := inside.Next(new(Record)); err != nil {
		t.Fatal(err)
	}
	j.Need(100)
	clean(j, 3, 21)
	for i := 0; i < 3; i++ { // the reader has its segment open
		if err := inside.Next(new(Record)); err != nil {
			t.Fatal(err)
		}
	}
	if err := inside.Next(new(Record)); err != ErrGone {
		t.Fatal(err)
	}
	if _, err := j.Find(5, 200); err != ErrGone {
		t.Fatal(err)
	}
	if f, err := j.Find(5, 215); err != nil || f.Pos != 21 {
		t.Fatal(f.Pos, err)
	}
	if _, err := j.Find(6, 1); err != ErrGone {
		t.Fatal(err)
	}
	if _, err := j.Find(5, 1000); err != ErrNone {
		t.Fatal(err)
	}
	if s := j.Stats(); s.Bytes > o.KeepBytes || s.First != 21 || s.End != 41 || s.FirstTime != 21*int64(time.Hour) || s.LastTime != 40*int64(time.Hour) {
		t.Fatalf("%+v", s)
	}
	j.Close()

	o.KeepBytes, o.KeepAge = 0, 10*time.Hour
	now.Store(41 * int64(time.Hour))
	j = open(t, o)
	j.Need(100)
	clean(j, 2, 29) // the segment of 29 … 32 has a record that is young enough
	now.Store(1000 * int64(time.Hour))
	clean(j, 2, 37) // the newest one stays
	j.Close()
	for name := range read(t, fs, "journal") {
		if seq, ok := parseName(name, segmentSuffix); !ok || seq < 10 {
			if seq, ok = parseName(name, indexSuffix); !ok || seq < 10 {
				t.Fatalf("%s is left", name)
			}
		}
	}
	j = open(t, o)
	defer j.Close()
	if got := all(t, j, j.First()); len(got) != 4 || got[0].Pos != 37 {
		t.Fatalf("%d records from %d on", len(got), got[0].Pos)
	}
}

// TestRetentionByAgeRolls shows that a segment does not collect records for so
// long that retention by age comes to nothing.
func TestRetentionByAgeRolls(t *testing.T) {
	now := atomic.Int64{}
	j := open(t, Options{FS: vfs.NewMem(), Dir: "journal", KeepAge: 8 * time.Hour, Now: func() time.Time { return time.Unix(0, now.Load()) }})
	defer j.Close()
	for i := range 48 {
		now.Store(int64(i) * int64(20*time.Minute))
		put(t, j, Record{Kind: 1})
	}
	if n := j.Stats().Segments; n != 16 {
		t.Fatalf("%d segments", n)
	}
	j.Need(j.End())
	if n, err := j.Clean(); err != nil || n != 7 {
		t.Fatalf("%d removed, %v", n, err)
	}
}

// TestRemovalIsOrdered watches that the name of a segment is gone for good
// before the next one is removed, also if something fails: a crash leaves no
// hole.
func TestRemovalIsOrdered(t *testing.T) {
	for fail := range 12 {
		var gone []string // since the directory was synced
		ops := -1000
		var mu sync.Mutex
		fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if ops++; ops == fail {
				return errInjected
			}
			switch {
			case op.Kind == errorfs.OpRemove && strings.HasSuffix(op.Path, segmentSuffix):
				if gone = append(gone, op.Path); len(slices.Compact(slices.Clone(gone))) > 1 {
					t.Errorf("fault at operation %d: %v are removed at once", fail, gone)
				}
			case op.Kind == errorfs.OpFileSync && op.Path == "journal":
				gone = nil
			}
			return nil
		}))
		j := open(t, Options{FS: fs, Dir: "journal", Segment: 4 << 10, KeepBytes: 8 << 10})
		fill(t, j, 30)
		j.Need(j.End())
		mu.Lock()
		ops = -1
		mu.Unlock()
		if _, err := j.Clean(); err != nil && !errors.Is(err, errInjected) {
			t.Fatal(err)
		}
		if _, err := j.Clean(); err != nil {
			t.Fatal(err)
		}
		j.Close()
		j = open(t, Options{FS: fs, Dir: "journal"})
		if s := j.Stats(); s.Bytes > 8<<10 {
			t.Fatalf("%+v", s)
		}
		j.Close()
	}
}

func TestErase(t *testing.T) {
	fs := vfs.NewMem()
	o := Options{FS: fs, Dir: "journal", Segment: 4 << 10}
	j := open(t, o)
	if e, err := j.Erase(blank); err != nil || e != (Erased{}) {
		t.Fatalf("%+v, %v", e, err)
	}
	row := func(i int) Record {
		return Record{Kind: 1, Stream: 1, First: uint64(i), Count: 1, Time: 1, Meta: []byte{byte(i)},
			Data: []byte(strings.Repeat(fmt.Sprintf("card-%03d;", i), 20))}
	}
	var want []Record
	for i := range 200 {
		rec := row(i)
		rec.Pos = put(t, j, rec)
		want = append(want, rec)
	}
	erase := func(rec *Record) (bool, error) {
		if rec.First%50 != 7 {
			return false, nil
		}
		rec.Data = bytes.ReplaceAll(rec.Data, []byte("card"), []byte("xxxx"))
		rec.Meta = nil
		return true, nil
	}
	if e, err := j.Erase(erase); err != nil || e != (Erased{Beyond: 200}) {
		t.Fatalf("what is needed was erased: %+v, %v", e, err)
	}
	if _, err := j.Find(1, 57); err != nil { // it is in the cache now
		t.Fatal(err)
	}
	reader := j.Read(1)
	defer reader.Close()
	if err := reader.Next(new(Record)); err != nil {
		t.Fatal(err)
	}
	for _, need := range []Position{151, 201} {
		j.Need(need)
		before := j.Stats().Bytes
		e, err := j.Erase(erase)
		if err != nil {
			t.Fatal(err)
		}
		records := map[Position]int{151: 3, 201: 4}[need] // 8, 58, 108; then all again and 158
		if e.Records != records || e.Segments == 0 || e.Beyond != uint64(201-need) || j.Stats().Bytes-before < e.After-e.Before {
			t.Fatalf("%+v", e)
		}
		for i := range want {
			if Position(i)+1 < need && i%50 == 7 {
				want[i].Data = bytes.ReplaceAll(want[i].Data, []byte("card"), []byte("xxxx"))
				want[i].Meta = nil
			}
		}
		same(t, all(t, j, 1), want)
		for i := range want {
			f, err := j.Find(1, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			same(t, []Record{f}, want[i:i+1])
		}
	}
	n := 1
	for err := error(nil); err == nil; n++ {
		if err = reader.Next(new(Record)); err != nil && err != io.EOF {
			t.Fatalf("the reader that was under way: %v", err)
		}
	}
	if n != 201 {
		t.Fatalf("the reader that was under way read %d records", n)
	}
	// Nothing of it is in any file: a copy of the text is looked for in every segment, unpacked.
	put(t, j, row(200))
	j.Close()
	if err := Verify(fs, "journal", func(file string, off int64, why string) { t.Errorf("%s %d: %s", file, off, why) }); err != nil {
		t.Fatal(err)
	}
	for name, content := range read(t, fs, "journal") {
		if strings.HasSuffix(name, unfinished) || bytes.Contains(content, []byte("card-057")) {
			t.Errorf("%s still holds what was erased", name)
		}
	}
	j = open(t, o)
	defer j.Close()
	same(t, all(t, j, 1)[:200], want)

	// What edit may not do.
	j.Need(j.End())
	if _, err := j.Erase(func(*Record) (bool, error) { return false, errInjected }); !errors.Is(err, errInjected) {
		t.Fatal(err)
	}
	for name, edit := range map[string]func(*Record){
		"position": func(r *Record) { r.Pos++ },
		"stream":   func(r *Record) { r.Stream++ },
		"rows":     func(r *Record) { r.Count++ },
	} {
		if _, err := j.Erase(func(r *Record) (bool, error) { edit(r); return true, nil }); err == nil {
			t.Errorf("edit may change the %s", name)
		}
	}
	same(t, all(t, j, 1)[:200], want)
}

// TestMaintenanceMeanwhile reads, finds and verifies while segments are written
// anew and removed.
func TestMaintenanceMeanwhile(t *testing.T) {
	j := open(t, Options{FS: vfs.NewMem(), Dir: "journal", Segment: 4 << 10, KeepBytes: 64 << 10})
	text := func(i uint64) []byte { return bytes.Repeat(fmt.Appendf(nil, "row %d ", i), 10) }
	var stop atomic.Bool
	var wg sync.WaitGroup
	var seen [3]atomic.Int64
	hold := func(rec *Record) {
		if string(rec.Data) != string(text(rec.First)) && string(rec.Data) != "erased" {
			t.Errorf("record %d holds %q", rec.Pos, rec.Data)
		}
	}
	wg.Go(func() {
		var rec Record
		for r := j.Read(1); !stop.Load(); {
			switch err := r.Next(&rec); err {
			case nil:
				hold(&rec)
				seen[0].Add(1)
			case io.EOF, ErrGone:
				r.Close()
				r = j.Read(j.First())
			default:
				t.Errorf("read: %v", err)
				return
			}
		}
	})
	wg.Go(func() {
		for r := rand.New(rand.NewPCG(1, 1)); !stop.Load(); {
			rec, err := j.Find(1, r.Uint64N(uint64(j.End())))
			switch err {
			case nil:
				hold(&rec)
				seen[1].Add(1)
			case ErrNone, ErrGone:
			default:
				t.Errorf("find: %v", err)
				return
			}
		}
	})
	wg.Go(func() {
		for !stop.Load() {
			if err := j.Verify(func(file string, off int64, why string) { t.Errorf("%s %d: %s", file, off, why) }); err != nil {
				t.Error(err)
				return
			}
			seen[2].Add(1)
		}
	})
	for i := uint64(0); !t.Failed() && (i < 1500 || seen[0].Load() < 1500 || seen[1].Load() < 1500 || seen[2].Load() < 3); i++ {
		p := put(t, j, Record{Kind: 1, Stream: 1, First: i, Count: 1, Data: text(i)})
		if i%100 != 99 {
			continue
		}
		j.Need(p - 20)
		if _, err := j.Clean(); err != nil {
			t.Fatal(err)
		}
		if _, err := j.Erase(func(rec *Record) (bool, error) {
			if rec.First%9 != 0 || string(rec.Data) == "erased" {
				return false, nil
			}
			rec.Data = append(rec.Data[:0], "erased"...)
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
	j.Close()
}
