package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/decode"
)

// benchEvents writes a stream of card authorizations and logins, about 200
// bytes each, over so many keys, 20,000 a second of event time.
func benchEvents(b testing.TB, n, keys int) string {
	path := filepath.Join(b.TempDir(), "events.ndjson")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, uint64(keys)))
	var buf []byte
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	countries := []string{"US", "GB", "DE", "FR", "RO", "KP"}
	for i := range n {
		at := start.Add(time.Duration(i) * 50 * time.Microsecond)
		k := rng.IntN(keys)
		decision := "approved"
		if rng.IntN(8) == 0 {
			decision = "declined"
		}
		buf = fmt.Appendf(buf, `{"type":"Auth","auth_id":"a%09d","at":"%s","card_id":"card%07d","customer_id":"u%07d","merchant_id":"m%05d","amount":"%d.%02d","decision":"%s","entry":"cnp","country":"%s","ip":"10.%d.%d.%d"}`+"\n",
			i, at.Format("2006-01-02T15:04:05.000000Z"), k, k/2, rng.IntN(20000), rng.IntN(300), rng.IntN(100), decision,
			countries[rng.IntN(len(countries))], rng.IntN(256), rng.IntN(256), rng.IntN(256))
		if len(buf) > 1<<20 {
			if _, err := f.Write(buf); err != nil {
				b.Fatal(err)
			}
			buf = buf[:0]
		}
	}
	if _, err := f.Write(buf); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkRun is file → alerts with the ten rules of testdata/bench.cep.
func BenchmarkRun(b *testing.B) {
	rules, err := os.ReadFile("testdata/bench.cep")
	if err != nil {
		b.Fatal(err)
	}
	prog := compile(b, string(rules))
	const n = 400_000
	for _, keys := range []int{1000, 50_000, 1_000_000} {
		path := benchEvents(b, n, keys)
		for _, shards := range []int{1, 2} {
			b.Run(fmt.Sprintf("keys=%d/shards=%d", keys, shards), func(b *testing.B) {
				b.ReportAllocs()
				alerts := 0
				before := cpuTime()
				for b.Loop() {
					cfg := RunConfig{Files: []File{{Path: path, Format: decode.JSON}}}
					cfg.Shards = shards
					cfg.Emit = func(a []*cep.Alert) error { alerts += len(a); return nil }
					sum, err := Run(context.Background(), prog, cfg)
					if err != nil {
						b.Fatal(err)
					}
					if sum.Events != n {
						b.Fatalf("%d events", sum.Events)
					}
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
				b.ReportMetric(float64(cpuTime()-before)/float64(b.N)/n, "cpu-ns/event")
				b.ReportMetric(float64(alerts)/float64(b.N), "alerts")
			})
		}
	}
}

// cpuTime is the process's CPU time: on a machine that others use too, the
// figure to compare.
func cpuTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
