package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/internal/client"
)

// server is one that answers as it is told, and notes what it was asked.
type server struct {
	answers map[string]string // by "METHOD path?query"
	asked   []string          // with the body
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := r.Method + " " + r.URL.RequestURI()
	s.asked = append(s.asked, strings.TrimSpace(name+" "+string(body)))
	text, ok := s.answers[name]
	if !ok {
		w.WriteHeader(404)
		fmt.Fprintf(w, `{"error":{"code":"not_found","message":"there is nothing at %s"}}`, name)
		return
	}
	fmt.Fprint(w, text)
}

// try runs a command against it.
func (s *server) try(t *testing.T, run func(target, IO) error) (out, errs string, err error) {
	t.Helper()
	h := httptest.NewServer(s)
	defer h.Close()
	var o, e bytes.Buffer
	err = run(target{Server: h.URL}, IO{Out: &o, Err: &e})
	return o.String(), e.String(), err
}

func TestDiff(t *testing.T) {
	from := "a\nb\nc\nd\ne\nf\ng\nh\ni\n"
	to := "a\nb\nc\nd\ne\nF\ng\nh\ni\nj\n"
	want := "  …\n c\n d\n e\n-f\n+F\n g\n h\n i\n+j\n"
	if got := diff(from, to); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if diff(from, from) != "" || !strings.Contains(diff("", strings.Repeat("x\n", maxDiff+1)), "too long") {
		t.Error("the same text, or one that is too long")
	}
}

const cards = `event Payment {
  time at
  at: timestamp
  card: string
  amount: money(EUR)
}

rule big "Large" {
  on Payment when amount > 100.00 EUR
  alert {
    severity high
    message "Card {card}"
  }
}
`

func ruleFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cards.cep")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRulesDiff(t *testing.T) {
	list := `{"items":[{"name":"big","status":"live","file":"cards.cep"}],"last_reload_successful":true}`
	rule := cards[strings.Index(cards, "rule big"):]
	s := &server{answers: map[string]string{"GET /api/v1/rules": list, "GET /api/v1/rules/big": fmt.Sprintf(`{"name":"big","text":%q}`, rule)}}
	diffing := func(text string) func(target, IO) error {
		path := ruleFile(t, text)
		return func(to target, io IO) error {
			return rulesDiffCmd{target: to, Paths: []string{path}}.Run(t.Context(), io)
		}
	}
	if out, errs, err := s.try(t, diffing(cards)); err != nil || out != "" || errs != "1 rule, as they run\n" {
		t.Errorf("%q %q %v", out, errs, err)
	}
	s.answers["GET /api/v1/rules/big"] = fmt.Sprintf(`{"name":"big","text":%q}`, cards) // that of its file
	if out, _, err := s.try(t, diffing(cards)); err != nil || out != "" {
		t.Errorf("%q %v", out, err)
	}
	out, _, err := s.try(t, diffing(strings.ReplaceAll(cards, "100.00", "250.00")))
	if !errors.As(err, new(Findings)) || !strings.Contains(out, "-  on Payment when amount > 100.00 EUR\n+  on Payment when amount > 250.00 EUR\n") {
		t.Errorf("%q %v", out, err)
	}
	out, _, err = s.try(t, diffing(strings.ReplaceAll(cards, "rule big", "rule huge")))
	if err == nil || err.Error() != "2 findings" || !strings.Contains(out, "rule huge does not run yet") || !strings.Contains(out, "rule big runs and is not in the files") {
		t.Errorf("%q %v", out, err)
	}
	if _, errs, err := s.try(t, diffing("rule {")); !errors.As(err, new(Rejected)) || !strings.Contains(errs, "error[") {
		t.Errorf("%q %v", errs, err)
	}
}

func TestRulesApplyChecksAllBeforeItChangesOne(t *testing.T) {
	wrong := `{"diagnostics":[{"code":"E101","severity":"error","file":"cards.cep","line":3,"column":7,"message":"no such type","fix":["timestamp"]}]}`
	s := &server{answers: map[string]string{"POST /api/v1/rules/check": wrong, "POST /api/v1/rules/apply": `{}`}}
	path := ruleFile(t, cards)
	apply := func(to target, io IO) error {
		return rulesApplyCmd{target: to, Files: []string{path}, Carry: "keep", Reason: "why"}.Run(t.Context(), io)
	}
	_, errs, err := s.try(t, apply)
	if !errors.As(err, new(Rejected)) || !strings.Contains(errs, "cards.cep:3:7: error[E101]: no such type\n   = fix: timestamp") || len(s.asked) != 1 {
		t.Errorf("%q %v, asked %q", errs, err, s.asked)
	}
	s.answers["POST /api/v1/rules/check"] = strings.ReplaceAll(wrong, `"error"`, `"warning"`)
	out, _, err := s.try(t, apply)
	if err != nil || out != "cards.cep is in force\n" || !strings.Contains(s.asked[2], `"reason":"why","carry":"keep"`) {
		t.Errorf("%q %v, asked %q", out, err, s.asked)
	}
}

func TestRulesSwitch(t *testing.T) {
	s := &server{answers: map[string]string{"POST /api/v1/rules/big/status": `{}`, "POST /api/v1/rules/big/rollback": `{}`}}
	for want, run := range map[string]func(named, IO) error{
		"big is live\n":                    func(n named, io IO) error { return rulesEnableCmd{n, because{"r"}}.Run(t.Context(), io) },
		"big is shadow\n":                  func(n named, io IO) error { return rulesShadowCmd{n, because{"r"}}.Run(t.Context(), io) },
		"big is off\n":                     func(n named, io IO) error { return rulesDisableCmd{n, because{"r"}}.Run(t.Context(), io) },
		"big is as it was in version v2\n": func(n named, io IO) error { return rulesRollbackCmd{n, because{"r"}, "v2"}.Run(t.Context(), io) },
	} {
		out, _, err := s.try(t, func(to target, io IO) error { return run(named{target: to, Rule: "big"}, io) })
		if err != nil || out != want {
			t.Errorf("got %q, %v, want %q", out, err, want)
		}
	}
}

func TestDeliveries(t *testing.T) {
	one := `{"id":"cases/17","sink":"cases","type":"alert.opened","alert":88,"rule":"big","state":"dead","tries":2,"created":"2026-01-31T10:00:00Z","next":null,"attempts":[{"at":"2026-01-31T10:00:01Z","seconds":0.25,"status":500,"response":"oops\u001b[31m"}],"reason":"given up"}`
	s := &server{answers: map[string]string{
		"GET /api/v1/deliveries?limit=50&state=dead":         `{"items":[` + one + `]}`,
		"GET /api/v1/deliveries?after=18&limit=1&sink=cases": `{"items":[` + one + `]}`,
		"GET /api/v1/deliveries?after=4&limit=1&sink=cases":  `{"items":[]}`,
		"POST /api/v1/deliveries/retry":                      `{"count":3}`,
		"POST /api/v1/endpoints/cases/test":                  one,
	}}
	out, _, err := s.try(t, func(to target, io IO) error {
		return deliveriesListCmd{target: to, Where: []string{"dead"}, Limit: 50}.Run(t.Context(), io)
	})
	if err != nil || !strings.Contains(out, "cases/17  alert.opened  88     dead   2      2026-01-31T10:00:00Z  -     given up") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = s.try(t, func(to target, io IO) error {
		return deliveriesShowCmd{target: to, ID: "cases/17"}.Run(t.Context(), io)
	})
	if err != nil || !strings.Contains(out, "HTTP 500 in 250ms: oops?[31m") {
		t.Errorf("%v\n%q", err, out)
	}
	if _, _, err = s.try(t, func(to target, io IO) error { return deliveriesShowCmd{target: to, ID: "cases/3"}.Run(t.Context(), io) }); err == nil {
		t.Error("a message that is not there is shown")
	}
	out, _, err = s.try(t, func(to target, io IO) error {
		return deliveriesRetryCmd{picked{target: to, Sink: "cases", Since: "2026-01-31T10:00:00Z"}}.Run(t.Context(), io)
	})
	if err != nil || out != "3 messages to be sent again\n" || !strings.HasSuffix(s.asked[len(s.asked)-1], `{"sink":"cases","since":"2026-01-31T10:00:00Z"}`) {
		t.Errorf("%q %v %q", out, err, s.asked)
	}
	if _, _, err = s.try(t, func(to target, io IO) error { return deliveriesPurgeCmd{picked{target: to}}.Run(t.Context(), io) }); err == nil {
		t.Error("everything is purged without being named")
	}
	if _, _, err = s.try(t, func(to target, io IO) error { return deliveriesTestCmd{target: to, Sink: "cases"}.Run(t.Context(), io) }); !errors.As(err, new(Findings)) {
		t.Errorf("a test that was not taken ends with %v", err)
	}
}

func TestSince(t *testing.T) {
	sel, err := picked{Since: "2h"}.selection(noon)
	if err != nil || sel.Since != "2026-01-31T10:00:00Z" {
		t.Errorf("%+v %v", sel, err)
	}
	if _, err := (picked{Since: "yesterday"}).selection(noon); err == nil {
		t.Error("yesterday is taken")
	}
}

func TestTokenFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for text, good := range map[string]bool{"weir_1\n": true, "": false, "a\nb\n": false} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (target{Server: "http://127.0.0.1:1", TokenFile: file}).open(); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTopTellsRates(t *testing.T) {
	a, b := &look{pipe: well().pipe}, &look{pipe: well().pipe}
	a.rules, b.rules = []client.Rule{{Name: "big", Alerts: 10}}, []client.Rule{{Name: "small", Alerts: 1}, {Name: "big", Status: "live", Alerts: 14}}
	b.pipe.Now = a.pipe.Now.Add(2 * time.Second)
	lag := int64(7)
	b.pipe.Sources = []client.Source{{Name: "txns", Partitions: []client.Partition{{Events: 1500, Lag: &lag, Watermark: noon, Holds: true}, {Partition: 1, Events: 1500, Watermark: noon.Add(time.Second)}}}}
	b.endpoints = []client.Endpoint{{Sink: "cases", Delivered: 5, Pending: 2, Disabled: "gone"}}
	var out bytes.Buffer
	if err := (topCmd{Rows: 1}).draw(&out, false, "http://weir", a, b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"All is well.", "txns    3000    500.0/s  7    0", "2026-01-31T12:00:00Z  2s      for 0", "big   live    14      2.0/s", "cases  webhook  5", "off: gone"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, out.String())
		}
	}
	if strings.Contains(out.String(), "small") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("too much is shown:\n%s", out.String())
	}
}

func TestClean(t *testing.T) {
	if got := clean("a\x1b[2Jb\u202ec\n"); got != "a?[2Jb?c?" {
		t.Errorf("got %q", got)
	}
}
