package nfa

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// benchLoad is a stream over many keys: uniform keys and types, at even times.
type benchLoad struct {
	prog  *Prog
	m     Machine
	mem   *slab.Arena
	keys  *slab.Keys
	frame expr.Frame
	batch *cep.Batch
	types []uint64 // bits by type of event
	rng   *rand.Rand
	at    int64
	step  int64 // time between events, ns
	found int
	emit  Emit
	ev    Event
}

const benchTypes = "event A { time at  at: timestamp  k: int  v: int }\n" +
	"event B { time at  at: timestamp  k: int  v: int }\n" +
	"event C { time at  at: timestamp  k: int  v: int }\n"

// newBenchLoad makes the machine for a rule over the types A, B and C.
func newBenchLoad(b *testing.B, rule string, general bool) *benchLoad {
	r, err := checkedRule(benchTypes + rule)
	if err != nil {
		b.Fatal(err)
	}
	p, err := Compile(r, time.UTC)
	if err != nil {
		b.Fatal(err)
	}
	l := &benchLoad{prog: p, mem: slab.NewArena(), keys: slab.NewKeys(), rng: rand.New(rand.NewPCG(1, 2)), batch: &cep.Batch{}, step: 1}
	syms := slab.NewSymbols()
	lim := Limits{Starts: 1 << 20, Events: 1 << 20}
	l.m = p.New(l.mem, syms, lim)
	if general {
		l.m = p.NewGeneral(l.mem, syms, lim)
	} else if make, why := fast(p); make == nil {
		b.Fatalf("not on the fast machine: %s", why)
	}
	for _, name := range []string{"A", "B", "C"} {
		s := schemaOf(r, name)
		if s == nil {
			continue
		}
		t := cep.Table{Schema: s, Cols: make([]cep.Column, len(s.Fields)), Rows: 1}
		for i := range t.Cols {
			t.Cols[i] = cep.Column{Words: []cep.Word{1}, Present: []uint64{1}}
		}
		l.batch.Tables = append(l.batch.Tables, t)
	}
	for i := range l.batch.Tables {
		f := &l.frame
		f.Batch, f.Table = l.batch, &l.batch.Tables[i]
		l.types = append(l.types, p.Bits(f, f.Table.Schema, ^uint64(0)))
	}
	l.frame.Syms = syms
	l.emit = func(m *Match) { l.found++ }
	return l
}

// benchAhead is how many events are looked up together, as the engine does it:
// the memory that they need lies anywhere, and so the misses overlap.
const benchAhead = 16

// batch16 feeds a few events: it finds their keys and brings their states near,
// then moves each key's clock and feeds its machine.
func (l *benchLoad) batch16(next func() (key uint64, kind int)) {
	var keys [benchAhead][8]byte
	var hashes [benchAhead]uint64
	var slots [benchAhead]uint32
	var kinds [benchAhead]int
	for i := range slots {
		var key uint64
		key, kinds[i] = next()
		binary.LittleEndian.PutUint64(keys[i][:], key)
		hashes[i] = slab.Hash(keys[i][:])
		l.keys.AheadIndex(hashes[i])
	}
	for i := range slots {
		l.keys.AheadKey(hashes[i])
	}
	for i := range slots {
		slot, ok := l.keys.Find(hashes[i], keys[i][:])
		if !ok {
			slot = l.keys.Add(hashes[i], keys[i][:])
		} else if v := *l.keys.Value(slot); v != 0 {
			l.mem.Ahead(slab.Handle(v))
		}
		slots[i] = slot
	}
	for i, slot := range slots {
		l.feed(slot, kinds[i])
	}
}

func (l *benchLoad) feed(slot uint32, kind int) {
	state := l.keys.Value(slot)
	l.at += l.step
	f := &l.frame
	f.Table, f.At, f.Ref = &l.batch.Tables[kind], l.at, cep.Ref(l.at)
	s := slab.Handle(*state)
	if s != 0 {
		s = l.m.Advance(s, l.at, f, l.emit)
	}
	l.ev = Event{Frame: f, Bits: l.types[kind], Routes: ^uint64(0)}
	s = l.m.Event(s, &l.ev, l.emit)
	if uint64(s) != *state {
		*state = uint64(s)
		l.keys.Touch(slot)
	}
}

// run feeds n events, rounded up to whole batches, of random keys and types.
func (l *benchLoad) run(n, keys uint64) {
	next := func() (uint64, int) {
		x := l.rng.Uint64()
		return x % keys, int(x>>40) % len(l.batch.Tables)
	}
	for ; n > 0; n -= min(n, benchAhead) {
		l.batch16(next)
	}
}

// BenchmarkKeys: what an event and a key cost over many keys, key table
// included, once every key has as many events behind it as its window holds.
func BenchmarkKeys(b *testing.B) {
	for _, shape := range []struct{ name, pattern string }{
		{"a-then-b-then-c", "a: A then b: B then c: C"},
		{"3-a-then-b", "a: at least 3 A then b: B"},
	} {
		for _, keys := range []uint64{1000, 1_000_000} {
			for _, machine := range []string{"fast", "general"} {
				b.Run(fmt.Sprintf("%s/keys=%d/%s", shape.name, keys, machine), func(b *testing.B) {
					// a millisecond is a million events: ten of each of a million keys
					within := 10 * max(keys/1_000_000, 1)
					l := newBenchLoad(b, fmt.Sprintf("rule r { by k pattern { %s } within %dms alert { message \"m\" } }", shape.pattern, within), machine == "general")
					l.step = int64(within) * 1_000_000 / int64(10*keys)
					l.run(10*keys, keys)
					const part = 1 << 16
					start := cpuTime()
					for b.Loop() {
						l.run(part, keys)
					}
					reportEvents(b, part, start)
					b.ReportMetric(float64(l.mem.Bytes()+l.keys.Bytes())/float64(keys), "B/key")
					b.ReportMetric(float64(l.found)*float64(l.step)/float64(l.at), "matches/event")
				})
			}
		}
	}
}

// BenchmarkOpenRuns: an event of one key with many open runs, of which one
// expires and one begins.
func BenchmarkOpenRuns(b *testing.B) {
	for _, open := range []int64{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("open=%d", open), func(b *testing.B) {
			l := newBenchLoad(b, "rule r { by k pattern { a: at least 3 A then b: B } within 1s alert { message \"m\" } }", false)
			l.step = 1_000_000_000 / open
			const part = 1 << 12
			slot := l.keys.Add(1, []byte("key"))
			for range 2*open + part {
				l.feed(slot, 0)
			}
			start := cpuTime()
			for b.Loop() {
				for range part {
					l.feed(slot, 0)
				}
			}
			reportEvents(b, part, start)
			b.ReportMetric(float64(l.mem.Bytes()), "B/key")
		})
	}
}
