package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
	"github.com/weir-cep/weir/alerts/sink/webhook"
)

// BenchmarkWebhook delivers 20,000 alerts to a receiver on this machine, signed,
// each with its rows in the outbox.
func BenchmarkWebhook(b *testing.B) {
	const n = 20_000
	for _, order := range []string{"none", "key", "strict"} {
		b.Run("order="+order, func(b *testing.B) {
			for b.Loop() {
				var got atomic.Int64
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					got.Add(1)
				}))
				dir := b.TempDir()
				if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600); err != nil {
					b.Fatal(err)
				}
				log, err := alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(dir, "alerts")})
				if err != nil {
					b.Fatal(err)
				}
				sinktest.Commit(b, log, n)
				spec := sinktest.Spec(b, filepath.Join(dir, "r.cep"), fmt.Sprintf(`webhook { url: %q, secret_file: "secret", order: %s, allow: ["127.0.0.0/8"] }`, srv.URL, order))
				hooks := webhook.New(webhook.Config{Log: log, Logger: slog.New(slog.DiscardHandler)})
				start, before := time.Now(), cpu(b)
				if err := hooks.Set([]sink.Spec{spec}); err != nil {
					b.Fatal(err)
				}
				for got.Load() < n {
					time.Sleep(time.Millisecond)
				}
				b.ReportMetric(n/time.Since(start).Seconds(), "deliveries/s")
				b.ReportMetric(float64(cpu(b)-before)/n/1000, "cpu-us/delivery")
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				hooks.Close(ctx)
				cancel()
				log.Close()
				srv.Close()
			}
		})
	}
}
