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
	counts  []int                              // rows by partition
	batch   func(part, from, n int) *cep.Batch // makes some of them
	text    func(ref cep.Ref) string           // of a row
	e       *Engine
	out     []byte
	saved   *savedState
	derived map[cep.Ref]string // text of alerts that became events
	recall  *recall
	taken   *Snapshot                    // whose pages are still being copied
	image   map[uint64]map[uint32][]byte // what they must become
}

func (s *script) course(t testing.TB, cfg Config) *course {
	parts := make([][]string, len(s.events))
	c := &course{t: t, prog: s.prog, cfg: cfg}
	for i, ev := range s.events {
		parts[i] = lines(ev)
		c.counts = append(c.counts, len(parts[i]))
	}
	c.batch = func(part, from, n int) *cep.Batch {
		return decodeLines(t, s.prog, parts[part][from:from+n], uint32(part), uint64(from))
	}
	c.text = func(ref cep.Ref) string { return parts[ref.Partition()][ref.Position()] }
	c.begin()
	return c
}

// begin makes the engine.
func (c *course) begin() {
	c.saved, c.derived, c.recall = &savedState{}, map[cep.Ref]string{}, newRecall(nil)
	for i := range c.counts {
		c.cfg.Inputs = append(c.cfg.Inputs, Input{Partition: uint32(i), Find: c.find})
	}
	c.cfg.Emit = func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			c.out = append(a.AppendJSON(c.out), '\n')
		}
		return nil
	}
	e, err := New(c.prog, c.cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.use(e)
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
		text = c.text(ref)
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
	for i := range c.counts {
		from, waits := c.saved.oldest[inputKey(0, uint32(i))]
		if !waits {
			continue
		}
		for at := int(from); at < fed[i]; at += rows {
			n := min(rows, fed[i]-at)
			e.rewind(e.prep.prepare(c.batch(i, at, n)))
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
	end := int64(minTime)
	if drain == EveryDeadline {
		end = maxTime - 1
	}
	return c.runTo(rows, end, when)
}

// runTo is run with deadlines up to a time.
func (c *course) runTo(rows int, end int64, when chance) string {
	c.t.Helper()
	fed := make([]int, len(c.counts))
	finished := make([]bool, len(c.counts))
	type point struct {
		fed      []int
		finished []bool
		out      int
		open     int
		next     int
	}
	var last *point // of the last snapshot
	open := len(c.counts)
	for i := 0; open > 0; i = (i + 1) % len(c.counts) {
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
		if finished[i] {
			continue
		}
		n := min(rows, c.counts[i]-fed[i])
		if n == 0 {
			finished[i] = true
			open--
			if err := c.e.Finish(0, uint32(i)); err != nil {
				c.t.Fatal(err)
			}
			continue
		}
		if err := c.e.Feed(c.batch(i, fed[i], n)); err != nil {
			c.t.Fatal(err)
		}
		fed[i] += n
	}
	c.store()
	if err := c.e.EndAt(end); err != nil {
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
	progs := []*dsl.Program{compile(t, richRules), compile(t, richRules+arrivalRules)}
	total, restored, waited := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, true)
		slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
		cfg := Config{Shards: rapid.IntRange(1, 4).Draw(rt, "shards"), Arrival: rapid.Bool().Draw(rt, "arrival")}
		s := &script{prog: progs[0], drain: Drain(rapid.Bool().Draw(rt, "drain"))}
		if cfg.Arrival {
			s.prog = progs[1]
		}
		s.take(evs, rapid.IntRange(1, 2).Draw(rt, "partitions"))
		rows := rapid.IntRange(1, 10).Draw(rt, "rows")
		want := s.course(t, cfg).run(rows, s.drain, nil)
		total += strings.Count(want, "\n")
		c := s.course(t, cfg)
		got := c.run(rows, s.drain, func() (bool, bool) {
			for i := range c.e.held.list {
				if h := &c.e.held.list[i]; h.batch != nil && h.part == nil {
					waited++
				}
			}
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
	if total == 0 || restored == 0 || waited == 0 {
		t.Errorf("%d alerts, %d times restored, %d times alerts waited to be events", total, restored, waited)
	}
	t.Logf("%d alerts, %d times restored, %d times alerts waited to be events", total, restored, waited)
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

// A deployment moves and frees what a snapshot is still copying: the snapshot
// stays what it was, and the next one, of what has changed, makes the whole
// state of the new rules.
func TestSnapshotOverDeployments(t *testing.T) {
	without := func(names ...string) *dsl.Program {
		text := richRules
		for _, name := range names {
			from := strings.Index(text, "\nrule "+name+" ")
			to := from + strings.Index(text[from:], "\n}\n") + 2
			text = text[:from] + text[to:]
		}
		return compile(t, text)
	}
	progs := []*dsl.Program{without(), without("seen", "held"), without("waves", "after_wave"), without()}
	evs := rapid.Custom(func(rt *rapid.T) []randomEvent { return randomStream(rt, true) }).Filter(func(evs []randomEvent) bool { return len(evs) > 55 }).Example(7)
	text := ""
	for _, e := range evs {
		text += e.line + "\n"
	}
	all := lines(text)
	e, err := New(progs[0], Config{Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { e.Close() }()
	saved, fed := &savedState{}, 0
	feed := func(prog *dsl.Program, n int) {
		n = min(n, len(all)-fed)
		if err := e.Feed(decodeLines(t, prog, all[fed:fed+n], 0, uint64(fed))); err != nil {
			t.Fatal(err)
		}
		fed += n
	}
	prog := progs[0]
	for _, next := range append(progs[1:], progs...) {
		feed(prog, 7)
		snap := e.Snapshot(false)
		image := imageOf(e)
		if _, err := e.Deploy(next, Deployment{}); err != nil {
			t.Fatal(err)
		}
		prog = next
		feed(prog, 1)
		saved.take(snap)
		if d := saved.differs(image); d != "" {
			t.Fatal(d)
		}
		snap = e.Snapshot(false)
		image = imageOf(e)
		saved.take(snap)
		if d := saved.differs(image); d != "" {
			t.Fatal(d)
		}
		if n := len(saved.units) - len(e.dedupes); n > len(image) {
			t.Fatalf("%d units are saved, and there are %d", n, len(image))
		}
		again, err := Restore(prog, Config{}, saved.meta, saved.pages)
		if err != nil {
			t.Fatal(err)
		}
		if d := saved.differs(imageOf(again)); d != "" {
			t.Fatal(d)
		}
		again.Close()
	}
}
