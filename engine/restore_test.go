package engine

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// savedState is what a store holds that takes in every snapshot.
type savedState struct {
	units  map[uint64]map[uint32][]byte
	meta   []byte
	oldest map[uint64]uint64
	bytes  int64
}

// take takes in a snapshot.
func (s *savedState) take(snap *Snapshot) {
	pages := snap.Wait()
	if snap.Full {
		s.units = map[uint64]map[uint32][]byte{}
	}
	for id := range s.units {
		if id < snap.FullTo || slices.Contains(snap.GoneUnits, id) {
			delete(s.units, id)
		}
	}
	for _, p := range pages {
		u := s.units[p.Unit]
		if u == nil {
			u = map[uint32][]byte{}
			s.units[p.Unit] = u
		}
		if p.Data == nil {
			delete(u, p.Number)
			continue
		}
		u[p.Number] = bytes.Clone(p.Data)
	}
	s.meta, s.oldest, s.bytes = bytes.Clone(snap.Meta), maps.Clone(snap.Oldest), s.bytes+snap.Bytes
	snap.Release()
}

// pages is what Restore reads.
func (s *savedState) pages(f func(unit uint64, page uint32, data []byte) error) error {
	for _, id := range slices.Sorted(maps.Keys(s.units)) {
		for _, n := range slices.Sorted(maps.Keys(s.units[id])) {
			if err := f(id, n, s.units[id][n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// imageOf is the pages of an engine's arenas as they are.
func imageOf(e *Engine) map[uint64]map[uint32][]byte {
	image := map[uint64]map[uint32][]byte{}
	for _, sh := range e.steps.shards {
		sh.units(func(u unit) {
			image[u.id] = map[uint32][]byte{}
			u.mem.Pages(func(n uint32, h slab.Header, words []uint64) { image[u.id][n] = slab.AppendPage(nil, h, words) })
		})
	}
	return image
}

// differs says where the saved pages are not those of an image.
func (s *savedState) differs(image map[uint64]map[uint32][]byte) string {
	for id, pages := range image {
		if !maps.EqualFunc(pages, s.units[id], bytes.Equal) {
			return fmt.Sprintf("%s (%x): %d pages, %d saved, or others", UnitName(id), id, len(pages), len(s.units[id]))
		}
	}
	return ""
}

// course is a run that may be saved and restored on its way.
type course struct {
	t       testing.TB
	prog    *dsl.Program
	cfg     Config
	parts   [][]string // lines by partition
	e       *Engine
	out     []byte
	saved   *savedState
	derived map[cep.Ref]string // text of alerts that became events
	recall  *recall
	taken   *Snapshot                    // whose pages are still being copied
	image   map[uint64]map[uint32][]byte // what they must become
}

func (s *script) course(t testing.TB, cfg Config) *course {
	c := &course{t: t, prog: s.prog, saved: &savedState{}, derived: map[cep.Ref]string{}, recall: newRecall(nil)}
	for i, ev := range s.events {
		c.parts = append(c.parts, lines(ev))
		cfg.Inputs = append(cfg.Inputs, Input{Partition: uint32(i), Find: c.find})
	}
	cfg.Emit = func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			c.out = append(a.AppendJSON(c.out), '\n')
		}
		return nil
	}
	c.cfg = cfg
	e, err := New(s.prog, cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.use(e)
	return c
}

// use makes an engine the course's.
func (c *course) use(e *Engine) {
	c.e = e
	e.steps.derived.spool = func(b *cep.Batch, lines int) {
		for i := range b.Rows {
			c.derived[b.Rows[i].Ref] = string(b.RawText(i))
		}
		level := b.Rows[0].Ref.Partition()
		e.steps.book.inputs[inputKey(derivedSource, level)] = Input{Find: c.find}
	}
	for level := range uint32(len(e.steps.derived.next)) {
		e.steps.book.inputs[inputKey(derivedSource, level)] = Input{Find: c.find}
	}
}

// find is where the journal would be asked.
func (c *course) find(s *cep.Schema, ref cep.Ref) (id string, data []byte) {
	text := c.derived[ref]
	if ref.Source() != derivedSource {
		text = c.parts[ref.Partition()][ref.Position()]
	}
	if text == "" {
		return "", nil
	}
	if s.ID >= 0 {
		id = c.recall.reader(s).read([]byte(text))
	}
	return id, []byte(text)
}

// snapshot takes a snapshot; store has it copied and stored, as late as that
// may be: the engine goes on in between.
func (c *course) snapshot(full bool) {
	c.t.Helper()
	c.store()
	c.taken = c.e.Snapshot(full)
	c.image = imageOf(c.e)
}

func (c *course) store() {
	c.t.Helper()
	if c.taken == nil {
		return
	}
	c.saved.take(c.taken)
	c.taken = nil
	if d := c.saved.differs(c.image); d != "" {
		c.t.Fatalf("what was saved is not what there was: %s", d)
	}
}

// crash drops the engine and restores it; fed is how many lines of each
// partition had been fed when the snapshot was taken.
func (c *course) crash(fed []int, rows int) {
	c.t.Helper()
	c.store()
	c.e.Close()
	e, err := Restore(c.prog, c.cfg, c.saved.meta, c.saved.pages)
	if err != nil {
		c.t.Fatal(err)
	}
	if d := c.saved.differs(imageOf(e)); d != "" {
		c.t.Fatalf("what was restored is not what was saved: %s", d)
	}
	c.use(e)
	for i, p := range c.parts {
		from, waits := c.saved.oldest[inputKey(0, uint32(i))]
		if !waits {
			continue
		}
		for at := int(from); at < fed[i]; at += rows {
			n := min(rows, fed[i]-at)
			e.rewind(e.prep.prepare(decodeLines(c.t, c.prog, p[at:at+n], uint32(i), uint64(at))))
		}
	}
	if err := e.rewound(); err != nil {
		c.t.Fatal(err)
	}
}

// chance decides where a course is saved and where it crashes; nil: nowhere.
type chance func() (save, crash bool)

// run feeds the partitions in turns, as script.run does.
func (c *course) run(rows int, drain Drain, when chance) string {
	c.t.Helper()
	fed := make([]int, len(c.parts))
	finished := make([]bool, len(c.parts))
	type point struct {
		fed      []int
		finished []bool
		out      int
		open     int
		next     int
	}
	var last *point // of the last snapshot
	open := len(c.parts)
	for i := 0; open > 0; i = (i + 1) % len(c.parts) {
		if when != nil {
			save, crash := when()
			if save {
				c.snapshot(false)
				last = &point{slices.Clone(fed), slices.Clone(finished), len(c.out), open, i}
			}
			if crash && last != nil {
				c.crash(last.fed, rows)
				// All behind the snapshot happens again, as it would out of a journal.
				fed, finished, open, i = slices.Clone(last.fed), slices.Clone(last.finished), last.open, last.next
				c.out = c.out[:last.out]
			}
		}
		p := c.parts[i]
		if finished[i] {
			continue
		}
		n := min(rows, len(p)-fed[i])
		if n == 0 {
			finished[i] = true
			open--
			if err := c.e.Finish(0, uint32(i)); err != nil {
				c.t.Fatal(err)
			}
			continue
		}
		if err := c.e.Feed(decodeLines(c.t, c.prog, p[fed[i]:fed[i]+n], uint32(i), uint64(fed[i]))); err != nil {
			c.t.Fatal(err)
		}
		fed[i] += n
	}
	c.store()
	if err := c.e.End(drain); err != nil {
		c.t.Fatal(err)
	}
	return string(c.out)
}

// Every script, saved and restored at every place, gives the alerts that it
// gives in one go.
func TestScriptsRestored(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	if len(paths) == 0 {
		t.Fatal("no scripts")
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readScript(t, path)
			for _, shards := range []int{1, 3} {
				for _, rows := range []int{1, 5} {
					cfg := Config{Shards: shards, Arrival: s.arrival}
					base := s.course(t, cfg)
					want := base.run(rows, s.drain, nil)
					r := rand.New(rand.NewPCG(uint64(shards), uint64(rows)))
					c := s.course(t, cfg)
					got := c.run(rows, s.drain, func() (bool, bool) { return true, r.IntN(3) == 0 })
					if got != want {
						t.Fatalf("%d shards, batches of %d: %s", shards, rows, firstDifference(got, want))
					}
					compareStats(t, c.e.Stats(), base.e.Stats())
				}
			}
		})
	}
}

// compareStats holds what is counted against a run that was never restored.
func compareStats(t *testing.T, got, want Stats) {
	t.Helper()
	got.Memory, want.Memory = Memory{}, Memory{}
	for _, s := range []*Stats{&got, &want} {
		for i := range s.Rules {
			s.Rules[i].Keys, s.Rules[i].Bytes, s.Rules[i].Nanos = 0, 0, 0 // a sweep may have come at another time
		}
	}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("counted\n%s\nwant\n%s", g, w)
	}
}

// Random streams through every kind of state, saved and restored at random
// places: a store that has taken several snapshots in turn, the one before
// being the last a while ago.
func TestRandomRestored(t *testing.T) {
	prog := compile(t, richRules)
	total, restored := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, true)
		slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
		s := &script{prog: prog, drain: Drain(rapid.Bool().Draw(rt, "drain"))}
		s.take(evs, rapid.IntRange(1, 2).Draw(rt, "partitions"))
		rows := rapid.IntRange(1, 10).Draw(rt, "rows")
		cfg := Config{Shards: rapid.IntRange(1, 4).Draw(rt, "shards"), Arrival: rapid.Bool().Draw(rt, "arrival")}
		want := s.course(t, cfg).run(rows, s.drain, nil)
		total += strings.Count(want, "\n")
		got := s.course(t, cfg).run(rows, s.drain, func() (bool, bool) {
			crash := rapid.IntRange(0, 5).Draw(rt, "crash") == 0
			if crash {
				restored++
			}
			return rapid.IntRange(0, 2).Draw(rt, "save") == 0, crash
		})
		if got != want {
			rt.Fatalf("%d shards, batches of %d: %s\nevents:\n%s", cfg.Shards, rows, firstDifference(got, want), strings.Join(s.events, "--\n"))
		}
	})
	if total == 0 || restored == 0 {
		t.Errorf("%d alerts, %d times restored", total, restored)
	}
	t.Logf("%d alerts, %d times restored", total, restored)
}

// Pages are copied by another goroutine while the engine works on, and become
// what they were when the snapshot was taken.
func TestSnapshotBeside(t *testing.T) {
	prog := benchProg(t, 10)
	e, err := New(prog, Config{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const keys = 10_000
	s := newBenchStream(t, e, prog, keys)
	s.feed(keys, keys, true)
	saved := &savedState{}
	most := 0
	for i := range 8 {
		s.feed(2000, 1+i*400, false)
		if i == 6 {
			s.feed(keys, keys, true)
		}
		snap := e.Snapshot(false)
		if snap.FullTo > 0 {
			most++
		}
		image := imageOf(e)
		copied := make(chan struct{})
		go func() {
			defer close(copied)
			snap.Wait()
		}()
		s.feed(3000, keys, false)
		<-copied
		saved.take(snap)
		if d := saved.differs(image); d != "" {
			t.Fatal(d)
		}
	}
	if most == 0 {
		t.Error("nearly all pages had changed, and not all were copied")
	}
	// One whose pages nobody asks for, and one that comes before they are copied.
	e.Snapshot(false).Release()
	s.feed(1000, keys, false)
	first := e.Snapshot(true)
	s.feed(1000, keys, false)
	second := e.Snapshot(false)
	image := imageOf(e)
	s.feed(1000, keys, false)
	saved.take(first)
	saved.take(second)
	if d := saved.differs(image); d != "" {
		t.Fatal(d)
	}
}
