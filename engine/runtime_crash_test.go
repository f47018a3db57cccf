package engine

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

var crashes = flag.Int("engine.crashes", 60, "random crashes of the runtime in memory")

// scenario is a run as the records of its journal: partitions that come, rows,
// silences, wall time, list edits, deployments. Record n of the journal is step
// n-1, so the journal alone says how far a run has come.
type scenario struct {
	steps []journal.Record
	rng   *rand.Rand
	lines int
	next  map[uint32]uint64
	rules int // versions deployed
}

const listRules = `
list watched of string from file { path: "watched.txt" }

rule watched "A watched user logs in" {
    by user
    on l: Login when ok and user in watched
    alert { severity low  message "{user} at {l.ip}" }
    suppress for 5m
}
`

// draw makes a scenario of so many steps.
func draw(seed uint64, steps int) *scenario {
	s := &scenario{rng: rand.New(rand.NewPCG(seed, 7)), next: map[uint32]uint64{}}
	s.deploy()
	s.open(0)
	for len(s.steps) < steps {
		switch s.rng.IntN(20) {
		case 0:
			if len(s.next) < 3 {
				s.open(uint32(len(s.next)))
			}
		case 1:
			s.add(recIdle, s.ref(s.rng.Uint32N(uint32(len(s.next)))))
		case 2:
			s.add(recTick, tickRecord{int64(s.rng.IntN(3000)) * int64(time.Millisecond)})
		case 3:
			s.add(recLookup, lookupRecord{s.texts()})
		case 4:
			if s.rng.IntN(2) == 0 {
				s.deploy()
			}
		default:
			s.rows(s.rng.Uint32N(uint32(len(s.next))))
		}
	}
	s.steps = append(s.steps, journal.Record{Kind: recFlush, Stream: journal.NoStream})
	return s
}

func (s *scenario) add(kind uint8, v any) {
	s.steps = append(s.steps, journal.Record{Kind: kind, Stream: journal.NoStream, Data: encodeJSON(v)})
}

func (s *scenario) ref(partition uint32) openRecord {
	return openRecord{Source: HTTPSource, ID: 0, Name: fmt.Sprint("p", partition), Partition: partition}
}

func (s *scenario) open(partition uint32) {
	s.next[partition] = 0
	s.add(recOpen, s.ref(partition))
}

func (s *scenario) texts() map[string]lookup.Text {
	var users []string
	for i := range 12 {
		if s.rng.IntN(4) == 0 {
			users = append(users, fmt.Sprint("u", i))
		}
	}
	t := lookup.Text{Name: "watched", Rules: "chain.cep", From: "file", Origin: "watched.txt", Format: "text", Data: []byte(strings.Join(users, "\n"))}.Seal()
	return map[string]lookup.Text{t.Key(): t}
}

// deploy takes up another version of the rules: limits change, a rule comes and
// goes.
func (s *scenario) deploy() {
	text := chainRules + listRules
	if s.rules%2 == 1 {
		text = strings.Replace(text, ">= 3", ">= 2", 1)
	}
	if s.rules%3 == 2 {
		text = strings.Replace(text, "within 20m", "within 10m", 1)
	}
	s.rules++
	s.add(recDeploy, deployRecord{Roots: []string{"chain.cep"}, Files: map[string]string{"chain.cep": text},
		Sources: map[string]uint32{HTTPSource: 0}, Texts: s.texts()})
}

func (s *scenario) rows(partition uint32) {
	n := 1 + s.rng.IntN(60)
	lines := someEvents(s.rng, s.lines, n)
	s.lines += n
	meta := rowsMeta{Cursor: fmt.Append(nil, s.lines)}
	s.steps = append(s.steps, journal.Record{Kind: recRows, Stream: streamID(0, partition), First: s.next[partition], Count: uint64(n), Data: withRoom(lines), Meta: meta.encode()})
	s.next[partition] += uint64(n)
}

// clone is a step's record, which a run may write behind.
func (s *scenario) step(i int) *inbound {
	rec := s.steps[i]
	rec.Data = withRoom(rec.Data)
	if rec.Kind != recRows {
		rec.Data = s.steps[i].Data
	}
	en := &inbound{rec: rec}
	if rec.Kind == recRows {
		en.meta, _ = decodeRowsMeta(rec.Meta) // it was encoded here
	}
	return en
}

// watchedFS counts the operations of a file system and keeps what a crash
// before one of them would leave.
type watchedFS struct {
	mem  *vfs.MemFS
	mu   sync.Mutex
	ops  int
	at   int // crash before this operation; negative: never
	rng  *rand.Rand
	left *vfs.MemFS
}

func (w *watchedFS) fs() vfs.FS {
	return errorfs.Wrap(w.mem, errorfs.InjectorFunc(func(errorfs.Op) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.ops == w.at {
			w.left = w.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: []int{0, 30, 70, 100}[w.rng.IntN(4)], RNG: w.rng})
		}
		w.ops++
		return nil
	}))
}

func (w *watchedFS) crashed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left != nil
}

// play runs the rest of a script on a file system until it crashes or ends. It
// returns the alerts if it came to the end.
func play(t *testing.T, s *scenario, w *watchedFS, shards int, chance *rand.Rand, acked *int) (text string, ended bool) {
	t.Helper()
	ctx := context.Background()
	log, err := alerts.Open(alerts.Options{FS: w.fs(), Dir: "data/alerts", CleanEvery: -1})
	if err != nil {
		t.Fatalf("open the alert log: %v", err)
	}
	defer log.Close()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r, err := Open(ctx, RuntimeConfig{FS: w.fs(), Dir: "data", Sink: log, Interval: -1, Shards: shards, Keep: 1,
		Limits: Limits{Evidence: 4 << 10}, Now: func() time.Time { return now }, every: neverTicker})
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	defer r.Close()
	if r.recovery.Missing != 0 {
		t.Fatalf("%+v", r.recovery)
	}
	n := r.node.Load()
	done := int(n.j.End()) - 1
	if done < *acked {
		t.Fatalf("%d records were acknowledged, %d are there", *acked, done)
	}
	for i := done; i < len(s.steps); i++ {
		if w.crashed() {
			return "", false
		}
		if chance.IntN(12) == 0 {
			go n.checkpointNow(ctx)
		}
		if _, err := n.submit(ctx, s.step(i)); err != nil && !w.crashed() {
			t.Fatalf("step %d: %v", i, err)
		}
		if !w.crashed() {
			*acked = i + 1
		}
	}
	if w.crashed() {
		return "", false
	}
	if n.failure != nil {
		t.Fatal(n.failure)
	}
	return logText(t, log), true
}

// neverTicker is a ticker that never ticks: time passes by the script alone.
func neverTicker(time.Duration) ticker { return stillTicker{} }

type stillTicker struct{}

func (stillTicker) C() <-chan time.Time { return nil }
func (stillTicker) Stop()               {}

func logText(t *testing.T, log *alerts.Log) (text string) {
	t.Helper()
	for seq := uint64(0); seq < log.Head(); {
		page, err := log.After(seq, 1000, alerts.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Entries {
			text += fmt.Sprintf("%s\n", page.Entries[i].JSON)
		}
		seq = page.Next
	}
	return text
}

// TestRuntimeCrash: whatever operation on a file a crash comes before, and
// whatever of the unsynced bytes it leaves, a run that is taken up again ends
// with the alerts of one that never broke, under the same numbers.
func TestRuntimeCrash(t *testing.T) {
	total, points := 0, 0
	for seed := uint64(1); total < *crashes; seed++ {
		s := draw(seed, 60)
		w := &watchedFS{mem: vfs.NewCrashableMem(), at: -1}
		acked := 0
		want, _ := play(t, s, w, 2, rand.New(rand.NewPCG(seed, 3)), &acked)
		if strings.Count(want, "\n") < 3 {
			t.Fatalf("seed %d: only %q", seed, want)
		}
		points += w.ops
		rng := rand.New(rand.NewPCG(seed, 4))
		for range 12 {
			w := &watchedFS{mem: vfs.NewCrashableMem(), at: rng.IntN(w.ops), rng: fork(rng)}
			acked, broke := 0, 0
			for {
				got, ended := play(t, s, w, 2, rng, &acked)
				if ended {
					if got != want {
						t.Fatalf("seed %d, %d crashes:\n%s\nwant\n%s", seed, broke, got, want)
					}
					break
				}
				broke++
				next := &watchedFS{mem: w.left, at: -1, rng: fork(rng)}
				if broke < 4 {
					next.at = rng.IntN(w.ops + 1)
				}
				w = next
			}
			total += broke
		}
	}
	t.Logf("%d crashes, each before one of about %d file operations a script", total, points)
}

// fork is a source of chance of its own: a file system is used by many.
func fork(rng *rand.Rand) *rand.Rand { return rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())) }
