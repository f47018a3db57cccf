package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

type pageID struct {
	unit   uint64
	number uint32
}

// model is what a checkpoint must hold.
type model struct {
	position uint64
	meta     string
	pages    map[pageID][]byte
	blobs    map[string]string
}

func newModel() *model { return &model{pages: map[pageID][]byte{}, blobs: map[string]string{}} }

func (m *model) clone() *model {
	return &model{m.position, m.meta, maps.Clone(m.pages), maps.Clone(m.blobs)}
}

// change draws a commit and applies it to the model.
func (m *model) change(r *rand.Rand, full bool) *Commit {
	m.position += 1 + uint64(r.IntN(100))
	m.meta = fmt.Sprint("meta ", m.position)
	c := &Commit{Position: m.position, Need: m.position - 1, Layout: "l1", Meta: []byte(m.meta), Blobs: map[string][]byte{}, Full: full}
	for range r.IntN(3) {
		name := fmt.Sprint("list", r.IntN(4))
		if r.IntN(3) == 0 {
			c.Blobs[name] = nil
			delete(m.blobs, name)
			continue
		}
		m.blobs[name] = fmt.Sprint("content ", r.Uint64())
		c.Blobs[name] = []byte(m.blobs[name])
	}
	if !full && r.IntN(6) == 0 {
		c.FullTo = uint64(1+r.IntN(3)) * UnitSpan
	}
	if !full && r.IntN(3) == 0 {
		unit := uint64(r.IntN(4)) * UnitSpan
		c.GoneUnits = append(c.GoneUnits, unit)
		maps.DeleteFunc(m.pages, func(id pageID, _ []byte) bool { return id.unit == unit })
	}
	changed := map[pageID]bool{}
	for range r.IntN(20) {
		id := pageID{uint64(r.IntN(4)) * UnitSpan, 1 + uint32(r.IntN(12))}
		if changed[id] {
			continue
		}
		changed[id] = true
		if r.IntN(4) == 0 && !full {
			delete(m.pages, id)
			c.Pages = append(c.Pages, Page{Unit: id.unit, Number: id.number})
			continue
		}
		data := make([]byte, 1+r.IntN(3000))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		m.pages[id] = data
		c.Pages = append(c.Pages, Page{Unit: id.unit, Number: id.number, Data: data})
	}
	for id, data := range m.pages {
		if full || id.unit < c.FullTo {
			if !changed[id] {
				c.Pages = append(c.Pages, Page{Unit: id.unit, Number: id.number, Data: data})
			}
		}
	}
	return c
}

// differs says how a store is not what it must be, "" if it is.
func (m *model) differs(s *Store) (string, error) {
	mf, ok := s.Latest()
	if !ok {
		return "no checkpoint", nil
	}
	if mf.Position != m.position || string(mf.Meta) != m.meta || mf.Layout != "l1" || mf.Need != m.position-1 {
		return fmt.Sprintf("manifest %+v, want position %d", mf, m.position), nil
	}
	got := map[pageID][]byte{}
	var last pageID
	order := ""
	err := s.Pages(func(unit uint64, page uint32, data []byte) error {
		id := pageID{unit, page}
		if unit < last.unit || unit == last.unit && page <= last.number {
			order = fmt.Sprintf("%v behind %v", id, last)
		}
		last = id
		got[id] = bytes.Clone(data)
		return nil
	})
	if err != nil {
		return "", err
	}
	if order != "" {
		return order, nil
	}
	if !maps.EqualFunc(got, m.pages, bytes.Equal) {
		return fmt.Sprintf("%d pages, want %d, or others", len(got), len(m.pages)), nil
	}
	for i := range 4 {
		name := fmt.Sprint("list", i)
		b, ok, err := s.Blob(name)
		if err != nil {
			return "", err
		}
		if want, has := m.blobs[name]; has != ok || string(b) != want {
			return fmt.Sprintf("blob %s is %q %v, want %q %v", name, b, ok, want, has), nil
		}
	}
	return "", nil
}

func (m *model) check(t *testing.T, s *Store) {
	t.Helper()
	if d, err := m.differs(s); err != nil || d != "" {
		t.Fatalf("position %d: %s %v", m.position, d, err)
	}
}

// clock counts seconds.
func clock() func() time.Time {
	n := int64(0)
	return func() time.Time { n++; return time.Unix(n, 0) }
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustCommit(t testing.TB, s *Store, c *Commit) Written {
	t.Helper()
	w, err := s.Commit(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Random commits, reopened now and then, against a map. Kept checkpoints stay
// what they were.
func TestStoreAgainstModel(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		o := Options{FS: vfs.NewMem(), Dir: "data", Keep: 2, Now: clock()}
		s := mustOpen(t, o)
		if _, ok := s.Latest(); ok {
			t.Fatal("a new store has a checkpoint")
		}
		m := newModel()
		var history []*model
		compacted := int64(0)
		for i := range 60 {
			w := mustCommit(t, s, m.change(r, i == 0 || r.IntN(15) == 0))
			compacted += w.Compacted
			if w.Seq != uint64(i+1) {
				t.Fatalf("checkpoint %d, want %d", w.Seq, i+1)
			}
			history = append(history, m.clone())
			if r.IntN(3) == 0 {
				m.check(t, s)
			}
			if r.IntN(5) == 0 {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = mustOpen(t, o)
				if r.IntN(2) == 0 {
					m.check(t, s)
				}
			}
			kept, err := s.Kept()
			if err != nil {
				t.Fatal(err)
			}
			if len(kept) != min(i, 2) {
				t.Fatalf("%d kept behind commit %d", len(kept), i)
			}
			for j, k := range kept {
				if want := history[i-len(kept)+j].position; k.Position != want {
					t.Fatalf("kept %d is of position %d, want %d", j, k.Position, want)
				}
			}
			need, err := s.Need()
			if want := history[max(0, i-2)].position - 1; err != nil || need != want {
				t.Fatalf("need %d, want %d, %v", need, want, err)
			}
		}
		if compacted == 0 {
			t.Error("nothing was ever compacted")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		clean := true
		if err := Verify(o.FS, "data", func(file, why string) { clean = false; t.Errorf("%s: %s", file, why) }); err != nil || !clean {
			t.Fatal(err)
		}
		info, err := Inspect(o.FS, "data")
		if err != nil || info.Position != m.position || info.Pages != len(m.pages) || len(info.Blobs) != len(m.blobs) || len(info.Kept) != 2 {
			t.Fatalf("%+v %v", info, err)
		}
	}
}

// A page that comes twice, and a commit behind Close, are errors.
func TestCommitRefuses(t *testing.T) {
	s := mustOpen(t, Options{FS: vfs.NewMem(), Dir: "d"})
	twice := &Commit{Position: 1, Pages: []Page{{1, 1, []byte("a")}, {1, 1, []byte("b")}}}
	if _, err := s.Commit(twice); err == nil {
		t.Error("a page twice")
	}
	mustCommit(t, s, &Commit{Position: 1, Full: true, Pages: []Page{{1, 1, []byte("a")}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(&Commit{Position: 2}); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	if err := s.Pages(nil); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir})
	defer s.Close()
	_, err := Open(Options{Dir: dir})
	var locked *LockedError
	if !errors.As(err, &locked) {
		t.Fatal(err)
	}
	if err := Verify(vfs.Default, dir, nil); !errors.As(err, &locked) {
		t.Fatal(err)
	}
}

// What a savepoint holds, it gives back, here or in another place.
func TestSavepoint(t *testing.T) {
	fs := vfs.NewMem()
	r := rand.New(rand.NewPCG(9, 9))
	s := mustOpen(t, Options{FS: fs, Dir: "data", Keep: 1})
	if err := s.Savepoint("save"); !errors.Is(err, ErrEmpty) {
		t.Fatal(err)
	}
	m := newModel()
	for i := range 5 {
		mustCommit(t, s, m.change(r, i == 0))
	}
	then := m.clone()
	if err := s.Savepoint("save"); err != nil {
		t.Fatal(err)
	}
	if err := s.Savepoint("save"); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	for range 20 {
		mustCommit(t, s, m.change(r, false))
	}
	if err := Verify(fs, "save", func(file, why string) { t.Errorf("%s: %s", file, why) }); err != nil {
		t.Fatal(err)
	}
	if info, err := Inspect(fs, "save"); err != nil || info.Position != then.position || len(info.Units) == 0 {
		t.Fatalf("%+v %v", info, err)
	}
	if _, err := Install(fs, "save", "data"); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	mf, err := Install(fs, "save", "other")
	if err != nil || mf.Position != then.position {
		t.Fatalf("%+v %v", mf, err)
	}
	o := mustOpen(t, Options{FS: fs, Dir: "other", Keep: 1})
	then.check(t, o)
	for range 3 {
		mustCommit(t, o, then.change(r, false))
	}
	then.check(t, o)
	m.check(t, s)
	if err := errors.Join(s.Close(), o.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Verify(fs, "nowhere", nil); err == nil {
		t.Error("verified nothing")
	}
}

func TestKeepEvery(t *testing.T) {
	now := time.Unix(0, 0)
	o := Options{FS: vfs.NewMem(), Dir: "d", Keep: 3, KeepEvery: time.Minute, Now: func() time.Time { now = now.Add(25 * time.Second); return now }}
	s := mustOpen(t, o)
	defer s.Close()
	for i := range 20 {
		mustCommit(t, s, &Commit{Position: uint64(i + 1), Meta: []byte("m"), Full: true})
	}
	kept, err := s.Kept()
	if err != nil {
		t.Fatal(err)
	}
	var at []uint64
	for _, k := range kept {
		at = append(at, k.Position)
	}
	if !slices.Equal(at, []uint64{13, 16, 19}) {
		t.Errorf("kept %v", at)
	}
}
