package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
)

var errBroken = errors.New("broken off")

// brokenJob is a run that is broken off now and then.
type brokenJob struct {
	prog  *dsl.Program
	cfg   RunConfig
	files []File

	out, dead, late []byte
	sum             Summary
	fs              vfs.FS
	disk            []*diskOutput // where what is written is too; nil: nowhere
	breaks, saves   int           // how often it was broken off, and checkpoints were begun
	resumed         []Resumed
	warned          []error
}

// written is what a job has written at a checkpoint.
type written struct{ Out, Dead, Late int }

// once runs the job up to its end or to where it is broken off. With step nil
// nothing is kept.
func (j *brokenJob) once(t *testing.T, ctx context.Context, step func(writing bool) (bool, error)) error {
	cfg := j.cfg
	cfg.Files = j.files
	cfg.Emit = func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			j.out = append(a.AppendJSON(j.out), '\n')
		}
		return nil
	}
	cfg.Late = func(r LateRow) {
		j.late = fmt.Appendf(j.late, "%d %d %d %s\n", r.Batch.Rows[r.Index].Ref, r.Watermark, r.Greatest, r.Batch.RawText(r.Index))
	}
	cfg.Dead = func(file int, base uint64, letters []decode.DeadLetter) {
		for i := range letters {
			j.dead = append(letters[i].AppendJSON(j.dead, cfg.Files[file].Path, base), '\n')
		}
	}
	if step != nil {
		if j.fs == nil {
			j.fs = vfs.NewMem()
		}
		cfg.State = &RunState{Dir: "job", FS: j.fs, step: step,
			Mark: func() ([]byte, func() error, error) {
				j.saves++
				note, err := json.Marshal(written{len(j.out), len(j.dead), len(j.late)})
				for i, d := range j.disk {
					d.flush(t, [][]byte{j.out, j.dead, j.late}[i])
				}
				return note, func() error {
					for _, d := range j.disk {
						if err := d.sync(); err != nil {
							return err
						}
					}
					return nil
				}, err
			},
			Begin: func(r *Resumed) error {
				var w written
				if r != nil {
					j.resumed = append(j.resumed, *r)
					if err := json.Unmarshal(r.Note, &w); err != nil {
						return err
					}
				}
				if j.disk == nil {
					j.out, j.dead, j.late = j.out[:w.Out:w.Out], j.dead[:w.Dead:w.Dead], j.late[:w.Late:w.Late]
					return nil
				}
				j.out, j.dead, j.late = j.disk[0].begin(t, j.fs, w.Out), j.disk[1].begin(t, j.fs, w.Dead), j.disk[2].begin(t, j.fs, w.Late)
				return nil
			},
			Warn: func(err error) { j.warned = append(j.warned, err) },
		}
	}
	sum, err := Run(ctx, j.prog, cfg)
	j.sum = sum
	return err
}

// run runs the job to its end, however often it is broken off.
func (j *brokenJob) run(t *testing.T, r *rand.Rand, save, crash int) {
	t.Helper()
	for {
		err := j.once(t, context.Background(), func(bool) (bool, error) {
			if j.breaks < 50 && r.IntN(crash) == 0 {
				return false, errBroken
			}
			return r.IntN(save) == 0, nil
		})
		if err == nil {
			return
		}
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		j.breaks++
	}
}

// same compares what came of two jobs.
func (j *brokenJob) same(t *testing.T, want *brokenJob) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("%d breaks, %d checkpoints", j.breaks, j.saves)
		}
	}()
	for _, c := range []struct {
		what      string
		got, want []byte
	}{{"alerts", j.out, want.out}, {"dead letters", j.dead, want.dead}, {"late", j.late, want.late}} {
		if !bytes.Equal(c.got, c.want) {
			t.Fatalf("%s after %d breaks: %s", c.what, j.breaks, firstDifference(string(c.got), string(c.want)))
		}
	}
	if len(j.warned) > 0 {
		t.Errorf("warnings: %v", j.warned)
	}
	got, sum := j.sum, want.sum
	compareStats(t, got.Stats, sum.Stats)
	got.Stats, sum.Stats = Stats{}, Stats{}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", sum); g != w {
		t.Errorf("summary\n%s\nwant\n%s", g, w)
	}
}

func TestRunStateScripts(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readScript(t, path)
			if s.arrival {
				return // files are always run in time order
			}
			files := s.files(t)
			for _, shards := range []int{1, 3} {
				cfg := RunConfig{Workers: shards, Drain: s.drain, TempDir: t.TempDir(), chunk: 150}
				cfg.Shards, cfg.Limits.Evidence = shards, 1
				base := &brokenJob{prog: s.prog, cfg: cfg, files: files}
				if err := base.once(t, context.Background(), nil); err != nil {
					t.Fatal(err)
				}
				for seed := range uint64(4) {
					j := &brokenJob{prog: s.prog, cfg: cfg, files: files}
					j.run(t, rand.New(rand.NewPCG(seed, uint64(shards))), 2, 4)
					j.same(t, base)
				}
			}
		})
	}
}

// mixedStream are files of random events with everything in between that can go wrong, in
// NDJSON, CSV, plain and packed.
func mixedFiles(t *testing.T, r *rand.Rand, prog *dsl.Program, dir string, rows int) (files []File) {
	var texts [3]bytes.Buffer
	at := int64(1_767_225_600)
	for i := range rows {
		at += r.Int64N(4)
		late := int64(0)
		if r.IntN(8) == 0 {
			late = r.Int64N(40)
		}
		id := i
		if r.IntN(20) == 0 {
			id = max(0, i-r.IntN(30))
		}
		u, n := fmt.Sprintf("u%d", r.IntN(5)), r.IntN(6)
		switch w := &texts[r.IntN(2)]; r.IntN(12) {
		case 0:
			w.WriteString("no event\n")
		case 1:
			fmt.Fprintf(w, `{"type":"Other%d","at":%d}`+"\n\n", r.IntN(3), at)
		case 2:
			fmt.Fprintf(w, `{"type":"A","id":"x%d","at":%d,"u":"%s","n":"%s"}`+"\n", i, at, u, strings.Repeat("long ", r.IntN(80)))
		case 3, 4, 5:
			fmt.Fprintf(w, `{"type":"B","id":"b%d","at":%d,"w":"%s","u":"\u0075%d","n":%d}`+"\n", id, at-late, u, r.IntN(3), n)
		case 6:
			fmt.Fprintf(&texts[2], "b%d,%d,%s,\"%s\",%d\n", id, at-late/4, u, u, n)
		default:
			fmt.Fprintf(w, `{"type":"A","id":"a%d","at":%d,"u":"%s","v":"v%d","n":%d}`+"\n", id, at-late, u, r.IntN(3), n)
		}
	}
	b := schemaNamed(prog, "B")
	for i := range texts {
		text := texts[i].Bytes()
		f := File{Path: filepath.Join(dir, fmt.Sprint("events", i)), Format: decode.JSON}
		switch i {
		case 1:
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			w.Write(text)
			w.Close()
			text = z.Bytes()
		case 2:
			f.Format, f.Type = decode.CSV, b
			text = append([]byte("id,at,w,u,n\n"), text...)
		}
		if err := os.WriteFile(f.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

var jobs = flag.Int("engine.jobs", 30, "random runs over files that are broken off")

// Random streams through every kind of state, broken off anywhere.
func TestRunStateRandom(t *testing.T) {
	prog := compile(t, richRules)
	breaks, alerts, resumed := 0, 0, 0
	dir := t.TempDir()
	for seed := range uint64(*jobs) {
		r := rand.New(rand.NewPCG(seed, 1))
		files := mixedFiles(t, r, prog, dir, 20+r.IntN(200))
		files = files[:1+r.IntN(3)]
		cfg := RunConfig{Workers: 1 + r.IntN(2), Drain: Drain(r.IntN(2) == 0), TempDir: dir, chunk: 50 + r.IntN(1000)}
		cfg.Shards, cfg.Limits.Evidence = 1+r.IntN(4), []int64{1, 500, 0}[r.IntN(3)]
		base := &brokenJob{prog: prog, cfg: cfg, files: files}
		if err := base.once(t, context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		j := &brokenJob{prog: prog, cfg: cfg, files: files}
		j.run(t, r, 1+r.IntN(4), 2+r.IntN(20))
		if j.same(t, base); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		breaks, alerts, resumed = breaks+j.breaks, alerts+bytes.Count(j.out, []byte("\n")), resumed+len(j.resumed)
	}
	if resumed == 0 || alerts == 0 {
		t.Errorf("%d breaks, %d resumed, %d alerts", breaks, resumed, alerts)
	}
	t.Logf("%d breaks, %d resumed, %d alerts", breaks, resumed, alerts)
}
