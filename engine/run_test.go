package engine

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// files writes a script's events, the second one packed.
func (s *script) files(t *testing.T) (list []File) {
	dir := t.TempDir()
	for i, ev := range s.events {
		data := []byte(strings.Join(lines(ev), "\n"))
		if i == 1 {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			w.Write(data)
			w.Close()
			data = z.Bytes()
		}
		path := filepath.Join(dir, fmt.Sprintf("events%d", i))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		list = append(list, File{Path: path, Format: decode.JSON})
	}
	return list
}

// A run over files gives what feeding gives, whatever the workers, the shards
// and the memory for evidence.
func TestRunIsFeeding(t *testing.T) {
	paths, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			s := readScript(t, path)
			if s.arrival {
				return // files are always run in time order
			}
			want := s.run(t, 1, 100)
			files := s.files(t)
			for _, workers := range []int{1, 3} {
				for _, memory := range []int64{1, 0} {
					var out []byte
					cfg := RunConfig{Files: files, Workers: workers, Drain: s.drain, TempDir: t.TempDir()}
					cfg.Shards = workers
					cfg.Limits.Evidence = memory
					cfg.Emit = func(alerts []*cep.Alert) error {
						for _, a := range alerts {
							out = append(a.AppendJSON(out), '\n')
						}
						return nil
					}
					sum, err := Run(context.Background(), s.prog, cfg)
					if err != nil {
						t.Fatal(err)
					}
					if string(out) != want {
						t.Errorf("%d workers, %d bytes of evidence\ngot:\n%swant:\n%s", workers, memory, out, want)
					}
					if sum.Records != sum.Events+sum.Rejected.Total()+sum.Skipped || len(sum.Warnings) > 0 {
						t.Errorf("%d records, %d events, %d rejected, %d skipped, warnings %q", sum.Records, sum.Events, sum.Rejected.Total(), sum.Skipped, sum.Warnings)
					}
				}
			}
		})
	}
}

const lineRules = `
event E { id id  time at late 2s  id: string  at: timestamp(unix_s)  k: string? }
rule all "Every event" { by k  on E  when true  alert { message "{k}" } }
`

// runText runs lineRules over one file's text.
func runText(t *testing.T, text string, change func(*RunConfig)) (Summary, []string, error) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	cfg := RunConfig{Files: []File{{Path: path, Format: decode.FormatOf(path)}}}
	cfg.Emit = func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			got = append(got, a.Events[0].ID)
		}
		return nil
	}
	if change != nil {
		change(&cfg)
	}
	sum, err := Run(context.Background(), compile(t, lineRules), cfg)
	return sum, got, err
}

// What becomes of a row that is rejected, skipped, late, a duplicate, or
// without its key.
func TestRunCounts(t *testing.T) {
	var late []string
	var dead []string
	sum, got, err := runText(t, `{"type":"E","id":"a","at":10,"k":"x"}
not json
{"type":"E","id":"b","at":14,"k":"x"}
{"type":"E","id":"c","at":12,"k":"x"}
{"type":"E","id":"d","at":11,"k":"x"}
{"type":"Other","id":"e","at":15,"k":"x"}
{"type":"E","id":"a","at":15,"k":"x"}
{"type":"E","id":"f","at":15}
{"type":"E","id":"g","at":3700,"k":"x"}
{"type":"E","id":"b","at":3699,"k":"x"}
`, func(cfg *RunConfig) {
		cfg.Late = func(r LateRow) {
			late = append(late, fmt.Sprint(r.Batch.Rows[r.Index].Ref.Position(), " ", r.Watermark/cep.Second, " ", r.Greatest/cep.Second))
		}
		cfg.Dead = func(file int, base uint64, letters []decode.DeadLetter) {
			for _, l := range letters {
				dead = append(dead, fmt.Sprint(base+l.Position, " ", l.Reason))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "[a c b b g]"; fmt.Sprint(got) != want {
		t.Errorf("alerts of %v, want %s", got, want)
	}
	if want := "[4 12 14]"; fmt.Sprint(late) != want {
		t.Errorf("late %v, want %s", late, want)
	}
	if want := "[1 bad_json]"; fmt.Sprint(dead) != want {
		t.Errorf("dead %v, want %s", dead, want)
	}
	if sum.Records != 10 || sum.Events != 8 || sum.Late != 1 || sum.Duplicates != 1 || sum.Skipped != 1 || sum.Rules[0].KeyMissing != 1 {
		t.Errorf("%+v", sum)
	}
	if l := sum.Lags[0]; l.Late != 1 || l.Longest != 3*cep.Second || l.Suggest() != 4*cep.Second {
		t.Errorf("lags %+v, suggested late %d", l, l.Suggest())
	}
}

func TestRunEnds(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	defer func() {
		// One that has said that it is done may be on its last step still.
		n := runtime.NumGoroutine()
		for end := time.Now().Add(10 * time.Second); n > goroutines && time.Now().Before(end); n = runtime.NumGoroutine() {
			time.Sleep(time.Millisecond)
		}
		if n > goroutines {
			t.Errorf("%d goroutines are left, there were %d", n, goroutines)
		}
	}()
	stop := errors.New("stop")
	if _, _, err := runText(t, `{"type":"E","id":"a","at":10,"k":"x"}`, func(cfg *RunConfig) {
		cfg.Emit = func([]*cep.Alert) error { return stop }
	}); !errors.Is(err, stop) {
		t.Errorf("error of Emit: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := readScript(t, "testdata/velocity.txtar")
	if _, err := Run(ctx, s.prog, RunConfig{Files: s.files(t)}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Run(context.Background(), s.prog, RunConfig{Files: []File{{Path: filepath.Join(t.TempDir(), "none")}}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if sum, _, err := runText(t, "", nil); err != nil || sum.Events != 0 {
		t.Errorf("empty file: %v", err)
	}
}
