package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
)

const openRules = `
event Auth { time at  id id  id: string  at: timestamp  card: string  amount: number }
event Ship { time at  at: timestamp  card: string  country: string }
rule probing { by card  pattern { small: at least 3 Auth where amount < 5  then big: Auth where amount > 100 } within 10m  alert { message "m" } }
rule each { by card  pattern { a: Auth where amount < 5  then any b: Auth where amount > 50 } within 1h  match each limit 10  alert { message "m" } }
rule unshipped { by card  pattern { paid: Auth where amount > 20  then no Ship within 1d }  alert { message "m" } }
rule busy { global  pattern { x: Auth where amount == 7  then y: Auth where amount == 8 } within 10m  alert { message "m" } }
rule plain { by card  on Auth when amount > 1000  alert { message "m" } }
`

// TestOpenRuns asks a runtime what is under way for a key.
func TestOpenRuns(t *testing.T) {
	ctx := context.Background()
	r, err := Open(ctx, RuntimeConfig{Dir: "state", FS: vfs.NewMem(), Shards: 3, Sink: SinkFunc(func(*cep.Alert) {})})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Deploy(ctx, RuleText("open.cep", openRules), 0); err != nil {
		t.Fatal(err)
	}
	_, err = r.Ingest(ctx, "", []byte(`{"type":"Auth","id":"a1","card":"c1","amount":1,"at":"2026-01-01T00:00:00Z"}
{"type":"Auth","id":"a2","card":"c1","amount":2,"at":"2026-01-01T00:01:00Z"}
{"type":"Auth","id":"a3","card":"c2","amount":30,"at":"2026-01-01T00:02:00Z"}
{"type":"Auth","id":"a4","card":"c2","amount":7,"at":"2026-01-01T00:03:00Z"}
{"type":"Auth","id":"a5","card":"c9","amount":6,"at":"2026-01-01T00:04:00Z"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ key, rule, want string }{
		{"c1", "probing", "probing c1 small a1 a2: 1 more of small, until 2026-01-01T00:10:00Z | probing c1 small a2: 2 more of small, until 2026-01-01T00:11:00Z"},
		{"c1", "", "busy  x a4: y, until 2026-01-01T00:13:00Z | each c1 a a1: b, until 2026-01-01T01:00:00Z | each c1 a a2: b, until 2026-01-01T01:01:00Z | probing c1 small a1 a2: 1 more of small, until 2026-01-01T00:10:00Z | probing c1 small a2: 2 more of small, until 2026-01-01T00:11:00Z"},
		{"c2", "unshipped", "unshipped c2 paid a3: no Ship within 24h0m0s"},
		{"nobody", "probing", ""},
		{"c1", "plain", ""},
	} {
		list, more, err := r.OpenRuns(ctx, c.key, c.rule)
		if err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, o := range list {
			ids := ""
			for _, e := range o.Events {
				ids += " " + e.ID
			}
			parts = append(parts, o.Rule+" "+o.Key+" "+o.Step+ids+": "+o.Waits)
		}
		if got := strings.Join(parts, " | "); got != c.want || more != 0 {
			t.Errorf("%s %s: %s\nnot %s (%d more)", c.key, c.rule, got, c.want, more)
		}
	}
	if _, _, err := r.OpenRuns(ctx, "c1", "nothing"); !errors.Is(err, ErrNoRule) {
		t.Error(err)
	}
	// Once their time has passed they are not told of any more.
	if _, err := r.Ingest(ctx, "", []byte(`{"type":"Auth","id":"z","card":"z","amount":6,"at":"2026-01-01T00:30:00Z"}`+"\n")); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if list, _, err := r.OpenRuns(ctx, "c1", "probing"); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
}
