package engine

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/internal/checkpoint"
)

// savedCourse is a snapshot of an engine in the middle of a stream, with rows
// and alerts that wait.
func savedCourse(t testing.TB) *course {
	prog := compile(t, richRules+arrivalRules)
	evs := rapid.Custom(func(rt *rapid.T) []randomEvent { return randomStream(rt, true) }).Filter(func(evs []randomEvent) bool { return len(evs) > 50 }).Example(3)
	slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
	s := &script{prog: prog}
	s.take(evs, 2)
	c := s.course(t, Config{Shards: 2, Arrival: true})
	for i, n := range c.counts {
		if err := c.e.Feed(c.batch(i, 0, n)); err != nil {
			t.Fatal(err)
		}
	}
	c.snapshot(true)
	c.store()
	return c
}

// arrivalRules have alerts that wait for the watermark of rules in time order.
const arrivalRules = `
source fast of A from kafka { topic: "a", order: arrival }
source slow of B from kafka { topic: "b", order: arrival }
`

// Snapshots that are not of the engine to be made are refused, each with the
// reason.
func TestRestoreRefuses(t *testing.T) {
	s := readScript(t, "testdata/features.txtar")
	c := s.course(t, Config{Shards: 2})
	for i, n := range c.counts {
		if err := c.e.Feed(c.batch(i, 0, n/2)); err != nil {
			t.Fatal(err)
		}
	}
	c.snapshot(true)
	c.store()
	restore := func(meta []byte, pages func(func(uint64, uint32, []byte) error) error) error {
		e, err := Restore(c.prog, c.cfg, meta, pages)
		if err == nil {
			e.Close()
		}
		return err
	}
	meta := c.saved.meta
	if err := restore(meta, c.saved.pages); err != nil {
		t.Fatal(err)
	}

	less := *c.prog
	less.Rules = less.Rules[1:]
	if _, err := Restore(&less, c.cfg, meta, c.saved.pages); !errors.Is(err, ErrOtherRules) || !strings.Contains(err.Error(), c.prog.Rules[0].Name) {
		t.Errorf("a rule less: %v", err)
	}
	other := *c.prog
	other.Rules = slices.Clone(other.Rules[1:])
	renamed := *c.prog.Rules[0]
	renamed.Name = "another"
	other.Rules = append(other.Rules, &renamed)
	if _, err := Restore(&other, c.cfg, meta, c.saved.pages); !errors.Is(err, ErrOtherRules) || !strings.Contains(err.Error(), "no rule another") {
		t.Errorf("a rule more: %v", err)
	}

	// The rule is the same, and its state was laid out otherwise.
	m, err := decodeMeta(meta)
	if err != nil {
		t.Fatal(err)
	}
	name := c.prog.Rules[0].Name
	table := m.ids.encode(nil)
	m.ids.rules[name].layout++
	odd := bytes.Replace(meta, table, m.ids.encode(nil), 1)
	if err := restore(odd, c.saved.pages); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), errLayout.Error()) {
		t.Errorf("another layout of a rule: %v", err)
	}

	var v *checkpoint.VersionError
	newer := append([]byte{metaVersion + 1}, meta[1:]...)
	if err := restore(newer, c.saved.pages); !errors.As(err, &v) {
		t.Errorf("a newer version: %v", err)
	}
	foreign := bytes.Replace(meta, []byte("windows "), []byte("windowz "), 1)
	if err := restore(foreign, c.saved.pages); err == nil || !strings.Contains(err.Error(), "laid out") || !strings.Contains(err.Error(), "windowz") {
		t.Errorf("another layout: %v", err)
	}
	var damage *checkpoint.CorruptError
	for name, pages := range map[string]func(f func(uint64, uint32, []byte) error) error{
		"a page of no unit":   func(f func(uint64, uint32, []byte) error) error { return f(unitID(0, 4000, 0), 1, nil) },
		"a page of no shard":  func(f func(uint64, uint32, []byte) error) error { return f(unitID(9, 0, 0), 1, nil) },
		"a page that is none": func(f func(uint64, uint32, []byte) error) error { return f(unitID(0, 0, 0), 1, make([]byte, 40)) },
		"ids of no source":    func(f func(uint64, uint32, []byte) error) error { return f(idsUnit(77), 1, make([]byte, idBytes)) },
		"half an id":          func(f func(uint64, uint32, []byte) error) error { return f(idsUnit(0), 1, make([]byte, 7)) },
	} {
		if err := restore(meta, pages); !errors.As(err, &damage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	failed := errors.New("the disk is gone")
	if err := restore(meta, func(func(uint64, uint32, []byte) error) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("pages that cannot be read: %v", err)
	}
}

// A Meta that is cut off or changed anywhere is an error or is read, and never
// ends the process.
func TestRestoreDamagedMeta(t *testing.T) {
	c := savedCourse(t)
	meta := c.saved.meta
	m, err := decodeMeta(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.readDerived(c.prog); err != nil {
		t.Fatal(err)
	}
	if len(m.waiting) == 0 || len(m.derived) == 0 {
		t.Fatalf("rows of %d inputs and %d batches of alerts wait", len(m.waiting), len(m.derived))
	}
	read := func(b []byte) error {
		m, err := decodeMeta(b)
		if err != nil {
			return err
		}
		return m.readDerived(c.prog)
	}
	for n := range meta {
		if err := read(meta[:n]); err == nil {
			t.Errorf("%d of %d bytes were enough", n, len(meta))
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	refused := 0
	for range 20_000 {
		b := bytes.Clone(meta)
		for range 1 + r.IntN(3) {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		if read(b) != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("every change was accepted")
	}
}

// Rows that do not come back are missed.
func TestRewoundMissesRows(t *testing.T) {
	c := savedCourse(t)
	e, err := Restore(c.prog, c.cfg, c.saved.meta, c.saved.pages)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.rewound(); err == nil || !strings.Contains(err.Error(), "were found again") {
		t.Errorf("%v", err)
	}
}
