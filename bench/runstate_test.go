package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/lookup"
)

// stateEvents are enough for some checkpoints.
const stateEvents = 4_000_000

// stateFile is a longer workload than cardsFile, in the benchmark's folder.
func stateFile(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "cards.ndjson")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := Cards(f, stateEvents, runKeys); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// job is a run with a state, whose alerts go to a file.
type job struct {
	b      *testing.B
	path   string
	dir    string
	marks  int
	began  time.Time
	ready  time.Duration // until the state was there
	first  time.Duration // until something new was worked off
	before uint64
	stopAt uint64 // events, then it is told to stop; 0: never
}

func (j *job) run(interval time.Duration) (engine.Summary, error) {
	prog := compileText(j.b, CardRules(10))
	lookups, _, err := lookup.Load(prog)
	if err != nil {
		j.b.Fatal(err)
	}
	out, err := os.OpenFile(filepath.Join(j.b.TempDir(), "alerts"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		j.b.Fatal(err)
	}
	defer out.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	cfg := engine.RunConfig{Files: []engine.File{{Path: j.path}}}
	cfg.Lookups = lookups
	var line []byte
	cfg.Emit = func(alerts []*cep.Alert) error {
		line = line[:0]
		for _, a := range alerts {
			line = append(a.AppendJSON(line), '\n')
		}
		_, err := out.Write(line)
		return err
	}
	cfg.Progress = func(p engine.Progress) {
		if j.first == 0 && p.Events > j.before {
			j.first = time.Since(j.began)
		}
		if j.stopAt > 0 && p.Events >= j.stopAt {
			stop()
		}
	}
	if interval > 0 {
		cfg.State = &engine.RunState{Dir: j.dir, Interval: interval,
			Mark: func() ([]byte, func() error, error) {
				j.marks++
				note, err := json.Marshal(0)
				return note, out.Sync, err
			},
			Begin: func(r *engine.Resumed) error {
				j.ready = time.Since(j.began)
				if r != nil {
					j.before = r.Events
				}
				return nil
			},
			Warn: func(err error) { j.b.Error(err) },
		}
	}
	j.began = time.Now()
	return engine.Run(ctx, prog, cfg)
}

// BenchmarkRunState is what checkpoints cost a run over a file with a million
// keys.
func BenchmarkRunState(b *testing.B) {
	path := stateFile(b)
	for _, interval := range []time.Duration{0, 5 * time.Second, time.Second} {
		name := fmt.Sprint("interval=", interval)
		if interval == 0 {
			name = "no state"
		}
		b.Run(name, func(b *testing.B) {
			start, events, marks := cpu(b), uint64(0), 0
			for b.Loop() {
				j := &job{b: b, path: path, dir: b.TempDir()}
				sum, err := j.run(interval)
				if err != nil {
					b.Fatal(err)
				}
				events, marks = events+sum.Events, marks+j.marks
			}
			rate(b, float64(events), cpu(b)-start)
			b.ReportMetric(float64(marks)/float64(b.N), "checkpoints")
		})
	}
}

// BenchmarkRunResumed is how long a run takes that is broken off near its end
// until it goes on.
func BenchmarkRunResumed(b *testing.B) {
	path := stateFile(b)
	var ready, first time.Duration
	for b.Loop() {
		dir := b.TempDir()
		j := &job{b: b, path: path, dir: dir, stopAt: stateEvents * 3 / 4}
		if _, err := j.run(time.Minute); !errors.Is(err, context.Canceled) {
			b.Fatalf("it was not stopped: %v", err)
		}
		again := &job{b: b, path: path, dir: dir, stopAt: stateEvents*3/4 + 200_000}
		if _, err := again.run(time.Minute); !errors.Is(err, context.Canceled) {
			b.Fatalf("it was not stopped: %v", err)
		}
		if again.before == 0 {
			b.Fatal("it did not go on from a checkpoint")
		}
		ready, first = ready+again.ready, first+again.first
	}
	b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ms-to-state")
	b.ReportMetric(float64(first.Milliseconds())/float64(b.N), "ms-to-first-event")
}
