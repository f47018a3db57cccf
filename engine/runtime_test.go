package engine

import (
	"context"
	"fmt"
	"testing"

	"github.com/weir-cep/weir/cep"
)

const probeRules = `
event Auth {
    card: string
    amount: money(USD)
    at: timestamp
    time at
}
rule probe "A card is probed" {
    by card
    pattern {
        a: Auth where amount < 5.00 USD
        then b: Auth where amount > 100.00 USD
    } within 10m
    alert { severity high  message "Card {card}: {a.amount}, then {b.amount}" }
}
`

func TestRuntimeInMemory(t *testing.T) {
	ctx := context.Background()
	var got []string
	r, err := Open(ctx, RuntimeConfig{Sink: SinkFunc(func(a *cep.Alert) { got = append(got, a.Message) })})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Deploy(ctx, RuleText("probe.cep", probeRules), 0); err != nil {
		t.Fatal(err)
	}
	rec, err := r.Ingest(ctx, "", []byte(`{"type":"Auth","card":"c1","amount":"3 USD","at":"2026-01-01T00:00:00Z"}
{"type":"Auth","card":"c1","amount":"300 USD","at":"2026-01-01T00:01:00Z"}
{"type":"Auth","card":"c1"}
{"type":"Other"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%d %d %d %d", rec.Accepted, rec.Rejected, rec.Skipped, rec.Rejects[0].Line) != "2 1 1 3" {
		t.Errorf("%+v", rec)
	}
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	st, err := r.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(st.Sources) != 1 || st.Sources[0].Rejected["missing_field"] != 1 || st.Sources[0].Skipped != 1 {
		t.Errorf("%+v", st.Sources)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != "Card c1: 3.00 USD, then 300.00 USD" {
		t.Errorf("%q", got)
	}
}
