package engine

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const oneMore = `
rule one_more "One more" {
  by card_id
  on Auth where decision == declined
  when newly count() over last 10m >= 3 and distinct(merchant_id) over last 10m >= 2
  alert { message "{count() over last 10m}" }
}
`

// BenchmarkDeploy puts one more rule in place and takes it away again, with
// states for so many keys and rows that wait, beside the ten rules of
// testdata/bench.cep or many more. The figures are how long the engine stands
// still.
func BenchmarkDeploy(b *testing.B) {
	text, err := os.ReadFile("testdata/bench.cep")
	if err != nil {
		b.Fatal(err)
	}
	rules := string(text)
	for _, c := range []struct{ keys, waiting, rules int }{{1000, 0, 10}, {1_000_000, 0, 10}, {300_000, 300_000, 10}, {1000, 0, 1000}} {
		b.Run(fmt.Sprintf("keys=%d/waiting=%d/rules=%d", c.keys, c.waiting, c.rules), func(b *testing.B) {
			many := rules
			for i := range c.rules - 10 {
				many += fmt.Sprintf("rule copy%d { by card_id on Auth where decision == declined when count() over last %ds >= 3 alert { message \"{card_id}\" } }\n", i, 10+i)
			}
			if c.waiting > 0 {
				many = strings.Replace(many, "late 1s", "late 1h", 1)
			}
			with, without := compile(b, many+oneMore), compile(b, many)
			e, err := New(without, Config{Deploys: true, Dedupe: -1})
			if err != nil {
				b.Fatal(err)
			}
			feedBench(b, e, c.keys, max(c.keys, 20_000))
			adding, taking := time.Hour, time.Hour // the shortest: others use the machine too
			for b.Loop() {
				start := time.Now()
				if _, err := e.Deploy(with, Deployment{}); err != nil {
					b.Fatal(err)
				}
				adding = min(adding, time.Since(start))
				start = time.Now()
				if _, err := e.Deploy(without, Deployment{}); err != nil {
					b.Fatal(err)
				}
				taking = min(taking, time.Since(start))
			}
			b.ReportMetric(float64(e.held.waiting), "waiting")
			b.ReportMetric(float64(adding.Microseconds())/1e3, "ms/add")
			b.ReportMetric(float64(taking.Microseconds())/1e3, "ms/remove")
		})
	}
}

// feedBench feeds events so that so many keys have states.
func feedBench(b *testing.B, e *Engine, keys, n int) {
	const batch = 2000
	for from := 0; from < n; from += batch {
		var text []string
		for i := from; i < from+batch; i++ {
			at := time.Unix(1_767_225_600, int64(i)*20_000).UTC()
			text = append(text, fmt.Sprintf(`{"type":"Auth","auth_id":"a%d","at":"%s","card_id":"c%d","customer_id":"u%d","merchant_id":"m%d","amount":"%d.00","decision":"%s","entry":"cnp","country":"US"}`,
				i, at.Format("2006-01-02T15:04:05.000000Z"), i%keys, i%keys/2, i%200, 10+i%90, []string{"approved", "declined"}[i%2]))
		}
		if err := e.Feed(decodeLines(b, e.plan.prog, text, 0, uint64(from))); err != nil {
			b.Fatal(err)
		}
	}
	if e.steps.shards[0].stages[0].spaces[0].keys.Len() < keys/2 && e.held.waiting < n {
		b.Fatal("the keys have no state")
	}
}
