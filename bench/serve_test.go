package bench

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
)

// chunks cuts a file of lines into requests of so many lines.
func chunks(b *testing.B, path string, lines int) (list [][]byte) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	var chunk []byte
	for n := 0; ; n++ {
		line, err := in.ReadSlice('\n')
		if err != nil {
			break
		}
		if n > 0 && n%lines == 0 {
			list = append(list, chunk)
			chunk = nil
		}
		chunk = append(chunk, line...)
	}
	return append(list, chunk)
}

// cardFile is a file of so many card payments over so many cards.
func cardFile(b *testing.B, events, cards int) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "cards.ndjson")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := Cards(f, events, cards); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkIngest takes 10 rules' events in through Ingest, durable, in batches
// of 1,000 from 4 callers, with checkpoints every 5 s and without.
func BenchmarkIngest(b *testing.B) {
	requests := chunks(b, cardFile(b, 2_000_000, 1_000_000), 1000)
	for _, every := range []time.Duration{-1, 5 * time.Second} {
		name := "without checkpoints"
		if every > 0 {
			name = "checkpoint every " + every.String()
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				serveOnce(b, requests, every)
			}
		})
	}
}

func serveOnce(b *testing.B, requests [][]byte, every time.Duration) {
	ctx := context.Background()
	dir := b.TempDir()
	log, err := alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(dir, "alerts")})
	if err != nil {
		b.Fatal(err)
	}
	var pauses []time.Duration
	var saved int64
	r, err := engine.Open(ctx, engine.RuntimeConfig{Dir: dir, Sink: log, Shards: 2, Interval: every,
		Saved: func(c engine.Checkpoint) { pauses, saved = append(pauses, c.Pause), saved+c.Bytes }})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := r.Deploy(ctx, engine.RuleText("bench.cep", strings.Replace(CardRules(10), "time at\n", "time at late 1m\n", 1)), engine.Keep); err != nil {
		b.Fatal(err)
	}
	start, before := time.Now(), cpu(b)
	var wg sync.WaitGroup
	next := make(chan []byte)
	for range 4 {
		wg.Go(func() {
			for req := range next {
				if _, err := r.Ingest(ctx, "", req); err != nil {
					b.Error(err)
				}
			}
		})
	}
	events := 0
	for _, req := range requests {
		events += bytes.Count(req, []byte("\n"))
		next <- req
	}
	close(next)
	wg.Wait()
	took := time.Since(start)
	if err := r.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	used := cpu(b) - before
	all := time.Since(start)
	b.ReportMetric(float64(events)/took.Seconds()/1e6, "M-events/s-durable")
	b.ReportMetric(float64(events)/all.Seconds()/1e6, "M-events/s-matched")
	b.ReportMetric(float64(used)/float64(events), "cpu-ns/event")
	if len(pauses) > 0 {
		slices.Sort(pauses)
		b.ReportMetric(float64(pauses[len(pauses)*99/100].Microseconds())/1000, "pause-p99-ms")
		b.ReportMetric(float64(saved)/float64(len(pauses))/1e6, "MB/checkpoint")
	}
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	start = time.Now()
	if r, err = engine.Open(ctx, engine.RuntimeConfig{Dir: dir, Sink: log, Shards: 2, Interval: -1}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds()*1000, "restart-ms")
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
	log.Close()
}
