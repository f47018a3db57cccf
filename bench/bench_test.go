package bench

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/weir-cep/weir/bench/gen"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/lookup"
	"github.com/weir-cep/weir/rules/library"
)

func TestMain(m *testing.M) {
	fmt.Println("machine:", Machine())
	os.Exit(m.Run())
}

const (
	runEvents = 1_000_000
	runKeys   = 1_000_000
)

// cardsFile is the workload on disk, made once.
var cardsFile = sync.OnceValues(func() (string, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("weir-bench-cards-%d-%d.ndjson", runEvents, runKeys))
	if st, err := os.Stat(path); err == nil && st.Size() > runEvents*100 {
		return path, nil
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return "", err
	}
	if err := Cards(f, runEvents, runKeys); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return path, os.Rename(path+".part", path)
})

func compile(tb testing.TB, fsys fs.FS, names ...string) *dsl.Program {
	tb.Helper()
	prog, ds, err := dsl.Load(fsys, names...)
	if err != nil {
		tb.Fatal(err)
	}
	if ds.HasErrors() {
		tb.Fatal(ds.Text())
	}
	return prog
}

func compileText(tb testing.TB, text string) *dsl.Program {
	tb.Helper()
	return compile(tb, fstest.MapFS{"bench.cep": &fstest.MapFile{Data: []byte(text)}}, "bench.cep")
}

// cpu is the processor time of the process so far, ns.
func cpu(tb testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// rate reports events/s of wall time, and of one core: per second of processor
// time.
func rate(b *testing.B, events float64, cpuNs int64) {
	b.ReportMetric(events/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(events/(float64(cpuNs)/1e9), "events/s/core")
	b.ReportMetric(float64(cpuNs)/events, "cpu-ns/event")
}

// BenchmarkDecode reads and decodes the file and does nothing with the events.
func BenchmarkDecode(b *testing.B) {
	path, err := cardsFile()
	if err != nil {
		b.Fatal(err)
	}
	prog := compileText(b, CardRules(10))
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	d, err := decode.New(decode.Config{Schemas: engine.Reads(prog)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	const chunk = 1 << 18
	batch, res := &cep.Batch{}, &decode.Result{}
	start, events := cpu(b), 0
	for b.Loop() {
		for at := 0; at < len(text); {
			end := min(at+chunk, len(text))
			for end < len(text) && text[end-1] != '\n' {
				end++
			}
			res.Reset()
			d.Decode(text[at:end:end], batch, res)
			events += len(batch.Rows)
			at = end
		}
	}
	rate(b, float64(events), cpu(b)-start)
}

// BenchmarkRun is the whole way from a file to alerts.
func BenchmarkRun(b *testing.B) {
	path, err := cardsFile()
	if err != nil {
		b.Fatal(err)
	}
	for _, rules := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("rules=%d/keys=%dk", rules, runKeys/1000), func(b *testing.B) {
			prog := compileText(b, CardRules(rules))
			start, events := cpu(b), uint64(0)
			var sum engine.Summary
			for b.Loop() {
				sum = runFile(b, prog, path)
				events += sum.Events
			}
			rate(b, float64(events), cpu(b)-start)
			b.ReportMetric(float64(sum.Alerts), "alerts")
		})
	}
}

func runFile(b *testing.B, prog *dsl.Program, path string) engine.Summary {
	b.Helper()
	return runFiles(b, prog, []engine.File{{Path: path}}, false)
}

func runFiles(b *testing.B, prog *dsl.Program, files []engine.File, costs bool) engine.Summary {
	b.Helper()
	lookups, _, err := lookup.Load(prog)
	if err != nil {
		b.Fatal(err)
	}
	cfg := engine.RunConfig{Files: files}
	cfg.Lookups, cfg.Costs = lookups, costs
	cfg.Emit = func([]*cep.Alert) error { return nil }
	sum, err := engine.Run(context.Background(), prog, cfg)
	if err != nil {
		b.Fatal(err)
	}
	return sum
}

// ruleFiles are a generated day and the types that it lacks.
func ruleFiles(b *testing.B) []engine.File {
	b.Helper()
	day, others := filepath.Join(b.TempDir(), "day.ndjson"), filepath.Join(b.TempDir(), "others.ndjson")
	for path, write := range map[string]func(io.Writer) error{
		day: func(w io.Writer) error {
			_, err := gen.Write(w, gen.Options{Cards: 20_000, Users: 10_000, Sensors: 200})
			return err
		},
		others: func(w io.Writer) error { return Others(w, 300_000, 20_000) },
	} {
		f, err := os.Create(path)
		if err != nil {
			b.Fatal(err)
		}
		if err := write(f); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return []engine.File{{Path: day}, {Path: others}}
}

// enoughKeys is from how many keys on the bytes of a key say something: state
// is reserved in pages.
const enoughKeys = 1000

// BenchmarkRule runs each rule of the library alone: nanoseconds of the rule
// itself per event that it reads, and bytes a key.
func BenchmarkRule(b *testing.B) {
	names, err := fs.Glob(library.Files, "*.cep")
	if err != nil {
		b.Fatal(err)
	}
	prog := compile(b, library.Files, names...)
	files := ruleFiles(b)
	for _, rule := range prog.Rules {
		b.Run(rule.Name, func(b *testing.B) {
			alone := *prog
			alone.Rules = needed(prog, rule)
			nanos, events := int64(0), uint64(0)
			var last engine.RuleStats
			for b.Loop() {
				sum := runFiles(b, &alone, files, true)
				events += sum.Events
				for _, r := range sum.Rules {
					if r.Name == rule.Name {
						nanos, last = nanos+r.Nanos, r
					}
				}
			}
			b.ReportMetric(float64(events)/float64(b.N), "events")
			b.ReportMetric(float64(nanos)/float64(events), "ns/event")
			if last.Keys >= enoughKeys {
				b.ReportMetric(float64(last.Bytes)/float64(last.Keys), "bytes/key")
			}
		})
	}
}

// needed is the rule and those whose alerts it reads.
func needed(prog *dsl.Program, rule *dsl.RuleIR) []*dsl.RuleIR {
	reads := map[*cep.Schema]bool{}
	for _, route := range rule.Routes {
		reads[route.Schema] = true
	}
	var rules []*dsl.RuleIR
	for _, r := range prog.Rules {
		if r == rule || r.Alert.As != nil && reads[r.Alert.As] {
			rules = append(rules, r)
		}
	}
	return rules
}
