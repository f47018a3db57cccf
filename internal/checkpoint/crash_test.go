package checkpoint

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

var long = flag.Bool("long", false, "crash suites with more seeds")

// history is the checkpoints of a workload, as far as it knows.
type history struct {
	mu     sync.Mutex
	models []*model // of all commits that were begun
	done   int      // of these, that have returned
}

func (h *history) begin(m *model) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.models = append(h.models[:h.done], m.clone())
}

func (h *history) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = len(h.models)
}

func (h *history) copy() *history {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &history{models: append([]*model(nil), h.models...), done: h.done}
}

// work commits n random checkpoints, and closes and opens the store in between.
// What fails is tried again, as a full commit.
func (h *history) work(t testing.TB, o Options, seed uint64, n int) {
	r := rand.New(rand.NewPCG(seed, 3))
	s := tryOpen(t, o)
	m := newModel()
	for i := range n {
		full := i == 0 || r.IntN(6) == 0
		next := m.clone()
		c := next.change(r, full)
		h.begin(next)
		for tries := 0; ; tries++ {
			if tries > 200 {
				t.Fatal("a commit fails for ever")
			}
			_, err := s.Commit(c)
			if err == nil {
				break
			}
			if !errors.Is(err, errInjected) {
				t.Fatalf("commit: %v", err)
			}
			c = next.whole()
		}
		h.end()
		m = next
		switch r.IntN(5) {
		case 0:
			if err := s.Close(); err != nil && !errors.Is(err, errInjected) {
				t.Fatalf("close: %v", err)
			}
			s = tryOpen(t, o)
		case 1:
			dir := fmt.Sprint("save", i)
			if err := s.Savepoint(dir); err != nil && !errors.Is(err, errInjected) {
				t.Fatalf("savepoint: %v", err)
			}
		}
	}
	if err := s.Close(); err != nil && !errors.Is(err, errInjected) {
		t.Fatalf("close: %v", err)
	}
}

// whole is a full commit of the model.
func (m *model) whole() *Commit {
	c := &Commit{Position: m.position, Need: m.position - 1, Layout: "l1", Meta: []byte(m.meta), Full: true, Blobs: map[string][]byte{}}
	for i := range 4 {
		name := fmt.Sprint("list", i)
		c.Blobs[name] = nil
		if text, ok := m.blobs[name]; ok {
			c.Blobs[name] = []byte(text)
		}
	}
	for id, data := range m.pages {
		c.Pages = append(c.Pages, Page{Unit: id.unit, Number: id.number, Data: data})
	}
	return c
}

var errInjected = errors.New("injected")

func tryOpen(t testing.TB, o Options) *Store {
	t.Helper()
	for range 200 {
		s, err := Open(o)
		if err == nil {
			return s
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("open: %v", err)
		}
	}
	t.Fatal("open fails for ever")
	return nil
}

// survives opens a crashed store and holds it against the history: the last
// checkpoint that had returned, or the one that was under way.
func (h *history) survives(t *testing.T, fs vfs.FS, what string) {
	t.Helper()
	o := Options{FS: fs, Dir: "data", Keep: 2, Now: clock()}
	var found *model
	s, lost, err := Recover(o, func(s *Store) error {
		mf, ok := s.Latest()
		if !ok {
			if h.done > 0 {
				return fmt.Errorf("nothing is left of %d checkpoints", h.done)
			}
			return nil
		}
		for i := max(0, h.done-1); i < len(h.models); i++ {
			if h.models[i].position == mf.Position {
				found = h.models[i]
			}
		}
		if found == nil {
			var known []uint64
			for _, m := range h.models {
				known = append(known, m.position)
			}
			return fmt.Errorf("position %d is neither the last that was committed nor the one under way: %v, of which %d are done", mf.Position, known, h.done)
		}
		if d, err := found.differs(s); err != nil || d != "" {
			return errors.Join(err, fmt.Errorf("position %d: %s", mf.Position, d))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(lost) > 0 {
		t.Fatalf("%s: taken for damage: %v", what, lost[0].Err)
	}
	// It goes on from there.
	r := rand.New(rand.NewPCG(1, 1))
	if found == nil {
		found = newModel()
	}
	next := found.clone()
	mustCommit(t, s, next.change(r, len(found.pages) == 0))
	next.check(t, s)
	if err := s.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if err := Verify(fs, "data", func(file, why string) { t.Errorf("%s: %s: %s", what, file, why) }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// gated keeps CrashClone from coming between the two locks that MemFS.Link
// takes, where both would wait for each other.
type gated struct {
	*vfs.MemFS
	mu *sync.Mutex
}

func (g gated) Link(from, to string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.MemFS.Link(from, to)
}

// The machine stops at every operation that changes the file system, with all,
// none or some of what was not synced on disk.
func TestCrashAnywhere(t *testing.T) {
	seeds := uint64(2)
	if *long {
		seeds = 15
	}
	points := 0
	for seed := range seeds {
		mem := vfs.NewCrashableMem()
		h := &history{}
		type crash struct {
			fs   vfs.FS
			h    *history
			what string
		}
		var mu sync.Mutex
		var crashes []crash
		r := rand.New(rand.NewPCG(seed, 5))
		n := 0
		fs := errorfs.Wrap(gated{mem, &mu}, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			percent := []int{0, 50, 100}[n%3]
			// The history first: what is noted as done is on disk in the clone.
			c := crash{h: h.copy(), what: fmt.Sprintf("seed %d, operation %d (%v %s), %d %% of what was not synced", seed, n, op.Kind, op.Path, percent)}
			c.fs = mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r})
			h.mu.Lock()
			c.h.models = append([]*model(nil), h.models...) // begun meanwhile counts
			h.mu.Unlock()
			crashes = append(crashes, c)
			n++
			return nil
		}))
		h.work(t, Options{FS: fs, Dir: "data", Keep: 2, Now: clock()}, seed, 8)
		for i := range crashes {
			crashes[i].h.survives(t, crashes[i].fs, crashes[i].what)
		}
		points += len(crashes)
	}
	if points < 300 {
		t.Errorf("only %d operations", points)
	}
	t.Logf("%d crash points", points)
}

// Every operation that changes the file system fails once, or for a while, as
// on a full disk. What was committed before stays, and the store goes on by
// itself.
func TestFailAnywhere(t *testing.T) {
	failed := 0
	for _, length := range []int{1, 25} {
		step := 2 + 5*(length/25)
		if *long {
			step = 1
		}
		for at := 0; ; at += step {
			mem := vfs.NewCrashableMem()
			var mu sync.Mutex
			n, hit := 0, false
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				n++
				if n > at && n <= at+length {
					hit = true
					return fmt.Errorf("%v %s: %w", op.Kind, op.Path, errInjected)
				}
				return nil
			}))
			h := &history{}
			h.work(t, Options{FS: fs, Dir: "data", Keep: 2, Now: clock()}, 1, 5)
			mu.Lock()
			wasHit := hit
			mu.Unlock()
			h.survives(t, mem.CrashClone(vfs.CrashCloneCfg{}), fmt.Sprintf("%d failures from operation %d on", length, at))
			if !wasHit {
				break
			}
			failed++
		}
	}
	if failed < 100 {
		t.Errorf("only %d operations failed", failed)
	}
	t.Logf("%d runs with failures", failed)
}
