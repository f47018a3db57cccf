package bench

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
)

// BenchmarkDeploy adds a rule to ten and takes it away again, with 1 M keys of
// state: the whole call, from the text to the durable record that has taken
// effect. The journal's own sync stands beside.
func BenchmarkDeploy(b *testing.B) {
	ctx := context.Background()
	requests := chunks(b, cardFile(b, 1_500_000, 1_000_000), 1000)
	dir := b.TempDir()
	log, err := alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(dir, "alerts")})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	var syncs []time.Duration
	r, err := engine.Open(ctx, engine.RuntimeConfig{Dir: dir, Sink: log, Shards: 2, Interval: -1,
		Synced: func(took time.Duration, _ int, _ int64) { syncs = append(syncs, took) }})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	rules := func(n int) engine.RuleSet {
		return engine.RuleText("bench.cep", strings.Replace(CardRules(n), "time at\n", "time at late 1m\n", 1))
	}
	deploy := func(n int) time.Duration {
		start := time.Now()
		if _, err := r.Deploy(ctx, rules(n), engine.Keep); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	deploy(10)
	for _, req := range requests {
		if _, err := r.Ingest(ctx, "", req); err != nil {
			b.Fatal(err)
		}
	}
	if err := r.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	syncs = syncs[:0]
	var adds, removes []time.Duration
	for b.Loop() {
		for range 10 {
			adds = append(adds, deploy(11))
			removes = append(removes, deploy(10))
		}
	}
	for name, list := range map[string][]time.Duration{"add-ms": adds, "remove-ms": removes, "sync-ms": syncs} {
		slices.Sort(list)
		b.ReportMetric(float64(list[len(list)/2].Microseconds())/1000, name)
	}
	st, err := r.Stats(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(st.KeyCount), "keys")
}
