//go:build unix

package app

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

const watched = `event Pay { time at  at: timestamp  user: string  amount: number }
rule large { by user  on Pay when amount > 100  alert { severity high  message "{user} pays {amount}" } }
`

// TestWatch saves a rule file in several ways, and looks at what is printed.
func TestWatch(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", watched)
	write(t, "e.ndjson", `{"type":"Pay","at":"2026-01-01T00:00:00Z","user":"u1","amount":90}
{"type":"Pay","at":"2026-01-01T00:01:00Z","user":"u2","amount":120}
{"type":"Pay","at":"2026-01-01T00:02:00Z","user":"u3","amount":300}
`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errs := &syncBuffer{}, &syncBuffer{}
	tick, done := make(chan time.Time), make(chan error, 1)
	c := &runCmd{Rules: []string{"r.cep"}}
	c.Events, c.TypeField, c.Format, c.Delimiter = []string{"e.ndjson"}, "type", "auto", ","
	go func() { done <- c.watch(ctx, Streams{Out: out, Err: errs}, tick) }()
	look := func() { // twice, as it takes a change up
		tick <- time.Now()
		tick <- time.Now()
		tick <- time.Now()
	}
	from := 0
	expect := func(parts ...string) {
		t.Helper()
		said := out.String() + errs.String()
		for _, p := range parts {
			if !strings.Contains(out.String()[from:]+errs.String(), p) {
				t.Errorf("it does not say %q:\n%s", p, said)
			}
		}
		from = len(out.String())
	}
	look()
	expect("large                         2", "2 alerts over 3 events in", "watching r.cep")
	write(t, "r.cep", strings.Replace(watched, "> 100", "> 200", 1))
	look()
	expect("- 2026-01-01 00:01:00  high      large  u2  u2 pays 120", "large                         2 → 1", "1 alert over 3 events")
	write(t, "r.cep", strings.Replace(watched, "> 100", "> ", 1))
	look()
	expect("r.cep:2", "the last result stands: 1 alert")
	// As editors save: a new file in the place of the old one.
	write(t, "r.cep.new", strings.NewReplacer("> 100", "> 50", "pays", "paid").Replace(watched))
	if err := os.Rename("r.cep.new", "r.cep"); err != nil {
		t.Fatal(err)
	}
	look()
	expect("+ 2026-01-01 00:00:00  high      large  u1  u1 paid 90", "~ 2026-01-01 00:02:00  high      large  u3  u3 paid 300", "1 → 3")
	write(t, "r.cep", strings.NewReplacer("> 100", "> 50", "pays", "paid").Replace(watched)+"\n# a comment\n")
	look()
	expect("no alert has changed")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWatchRefuses(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", watched)
	for _, args := range [][]string{{"--events", "-"}, {"--events", "e", "--out", "x"}, {"--events", "Pay=-"}} {
		code, _, errs := weir(t, append([]string{"run", "r.cep", "--watch"}, args...)...)
		if code != exitInput || !strings.Contains(errs, "--watch") {
			t.Errorf("%v: %d %s", args, code, errs)
		}
	}
}
