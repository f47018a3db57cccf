package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-cep/weir/engine"
)

const (
	growthEvents = 300_000
	growthKeys   = 20
	meanStep     = 10.5 // ms between two events of Cards
)

// spanOf is the time in which a card of the growth stream has n events, of
// which one in so many counts, in ms.
func spanOf(n, oneIn int) int { return int(float64(n*oneIn*growthKeys) * meanStep) }

// BenchmarkGrowth shows what an event costs as a hundred times as much lies in
// the windows, or as many runs are open: it should stay the same.
func BenchmarkGrowth(b *testing.B) {
	path := filepath.Join(b.TempDir(), "growth.ndjson")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if err := Cards(f, growthEvents, growthKeys); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	measure := func(name, rule string) {
		b.Run(name, func(b *testing.B) {
			prog := compileText(b, cardEvent+rule)
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
	for _, n := range []int{100, 10_000} {
		measure(fmt.Sprintf("windows/events=%d", n), fmt.Sprintf(windowRule, spanOf(n, 1)))
	}
	for _, policy := range []string{"first", "each"} {
		for _, n := range []int{10, 1000} {
			measure(fmt.Sprintf("runs/match=%s/open=%d", policy, n), fmt.Sprintf(openRule, spanOf(n, 8), policy))
		}
	}
}

// The conditions never hold: what is measured is what is kept.
const (
	windowRule = `rule w { by card_id on Auth when count() over last %[1]dms > 0 and sum(amount) over last %[1]dms > -1.00 USD and max(amount) over last %[1]dms > -1.00 USD and distinct(country) over last %[1]dms > 1000 alert {} }`
	openRule   = `rule r { by card_id pattern { a: Auth where decision == declined then b: Auth where amount > 1000000.00 USD } within %dms match %s alert {} }`
)
