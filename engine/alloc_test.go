package engine

import (
	"fmt"
	"os"
	"testing"

	"github.com/weir-cep/weir/cep"
)

// In the steady state an event costs no allocation: batches are reused, states
// lie in slabs, and what a step needs is kept for the next.
func TestNoAllocationPerEvent(t *testing.T) {
	rules, err := os.ReadFile("testdata/bench.cep")
	if err != nil {
		t.Fatal(err)
	}
	prog := compile(t, string(rules))
	var text []string
	const rows = 2000
	for i := range rows {
		text = append(text, fmt.Sprintf(`{"type":"Auth","auth_id":"a%d","at":"2026-01-01T00:00:%02d.%03dZ","card_id":"c%d","customer_id":"u%d","merchant_id":"m%d","amount":"%d.00","decision":"%s","entry":"cnp","country":"US"}`,
			i, i*20/1000, i*20%1000, i*7%50, i*7%25, i%20, 10+i%3, []string{"approved", "declined"}[i/50%2]))
	}
	b := decodeLines(t, prog, text, 0, 0)
	cfg := Config{Dedupe: -1}
	cfg.Limits.Evidence = 1
	e, err := New(prog, cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.giveBack = func(*prepared) {}
	p := &prepared{batch: b, lent: true}
	at := &b.Tables[0].Cols[b.Tables[0].Schema.Time]
	feed := func() {
		for i := range b.Rows {
			b.Rows[i].At += 40 * cep.Second
			b.Rows[i].Ref += rows
			if at.Words != nil {
				at.Words[i] = cep.Word(b.Rows[i].At)
			}
		}
		e.prep.fill(p)
		part := e.parts[0]
		id := e.hold(p, part)
		e.accept(p, id, part, 0, rows, maxTime)
		e.held.settle(id)
		if err := e.advance(part.group, b.Rows[rows-1].At+1); err != nil {
			t.Fatal(err)
		}
	}
	for range 30 {
		feed()
	}
	quiet := 0
	for range 20 {
		before := e.Stats().Alerts
		n := testing.AllocsPerRun(1, feed)
		if e.Stats().Alerts > before {
			continue // an alert may allocate
		}
		quiet++
		if n > rows/50 { // a table may grow now and then
			t.Errorf("%v allocations for %d events", n, rows)
		}
	}
	if quiet == 0 {
		t.Error("every batch raised alerts")
	}
}
