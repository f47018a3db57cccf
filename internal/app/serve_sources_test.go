//go:build unix

package app

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A followed file, a list from a file, and sinks: what is appended is found,
// what is added to the list takes effect, and every alert is in the sink's file
// once, also after a kill.
func TestServeFiles(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", `event E { time at  at: timestamp  k: string }
source log of E from file { path: "events.ndjson", follow: true, order: arrival }
list watched of string from file { path: "watched.txt", refresh: 1s }
sink out to file { path: "alerts.ndjson" }
rule seen { by k on E when k in watched alert { message "{k}"  to out } }
`)
	line := func(i int, k string) string {
		return fmt.Sprintf(`{"type":"E","at":"2026-01-31T10:%02d:00Z","k":"%s"}`+"\n", i, k)
	}
	appendTo := func(text string) {
		t.Helper()
		f, err := os.OpenFile("events.ndjson", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sent := func() int {
		text, err := os.ReadFile("alerts.ndjson")
		if err != nil {
			return 0
		}
		return strings.Count(string(text), "\n")
	}
	write(t, "watched.txt", "a\n")
	appendTo(line(1, "a") + line(2, "b"))
	p := serve(t, "state", "r.cep")
	p.alerts(0, 1)
	appendTo(line(3, "a"))
	p.alerts(1, 1)
	write(t, "watched.txt", "a\nb\n")
	p.until("the list is taken up", func() bool {
		var pipeline struct {
			Lists []struct{ Rows int } `json:"lists_and_tables"`
		}
		p.get("/api/v1/pipeline", &pipeline)
		return len(pipeline.Lists) == 1 && pipeline.Lists[0].Rows == 2
	})
	appendTo(line(4, "b"))
	p.alerts(2, 1)
	p.until("the alerts are sent", func() bool { return sent() == 3 })
	p.stop(syscall.SIGKILL)

	appendTo(line(5, "b") + "nonsense\n")
	p = serve(t, "state", "r.cep")
	p.alerts(3, 1)
	p.until("the last is sent", func() bool { return sent() == 4 })
	var dead struct {
		Items []struct{ Source, Reason, Raw string }
	}
	p.until("the line that is no event is a dead letter", func() bool {
		p.get("/api/v1/dead-letters", &dead)
		return len(dead.Items) > 0
	})
	if d := dead.Items[0]; d.Source != "log" || d.Reason != "bad_json" || d.Raw != "nonsense" {
		t.Errorf("%+v", d)
	}
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.errs)
	}
	text, err := os.ReadFile("alerts.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for i, alert := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if !strings.Contains(alert, fmt.Sprintf(`"seq":%d,`, i+1)) {
			t.Errorf("line %d is %s", i+1, alert)
		}
	}
}
