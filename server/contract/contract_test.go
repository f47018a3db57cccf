package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/alerts/sink/webhook"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
	"github.com/weir-cep/weir/server"
)

// events is the kind of body that a stream has.
const events = "text/event-stream"

// runtime is one that takes every line for an event. What it has no method for
// nobody may ask here.
type runtime struct{ server.Runtime }

func (runtime) Ingest(_ context.Context, _ string, lines []byte) (engine.Receipt, error) {
	return engine.Receipt{Accepted: bytes.Count(lines, []byte("\n")), Rejected: 1, Rejects: []engine.Reject{{Line: 1, Reason: "bad_json", Detail: "no"}}}, nil
}

func (runtime) Stats(context.Context) (engine.RuntimeStats, error) {
	return engine.RuntimeStats{At: time.Now(), Started: time.Now()}, nil
}

func (runtime) OpenRuns(_ context.Context, key, rule string) ([]engine.OpenRun, int, error) {
	if rule != "" {
		return nil, 0, engine.ErrNoRule
	}
	return []engine.OpenRun{{Rule: "probing", Key: key, Step: "small", Steps: []string{"small", "big"}, FirstAt: 1e18, LastAt: 2e18, Events: []engine.OpenEvent{{Step: "small", Type: "Auth", ID: "a1", At: 1e18}}, Waits: "big"}}, 3, nil
}

var rules = engine.RuleText("r.cep", "event E { at: timestamp  k: string  time at }\nlist watched of string = [\"a\"]\nrule r { by k  on E when k in watched  alert { message \"m\" } }\n")

func (runtime) Rules() (engine.RuleSet, *dsl.Program, bool) {
	prog, err := rules.Compile()
	return rules, prog, err == nil
}

func (runtime) ListValues(_ context.Context, _, name string, limit int) ([]string, int, error) {
	if name != "watched" {
		return nil, 0, engine.ErrNoList
	}
	return []string{"a"}, 1, nil
}

// admin changes nothing, and says that it did.
type admin struct{ data *rulebook.Data }

func (admin) Check(file, text string) (dsl.Diagnostics, error) {
	_, err := engine.RuleText(file, text).Compile()
	var wrong *engine.RuleError
	if errors.As(err, &wrong) {
		return wrong.Diagnostics, nil
	}
	return nil, err
}

func (admin) Apply(_ context.Context, file, text string, _, _ bool, _ rulebook.Note) (engine.Deployed, error) {
	if _, err := engine.RuleText(file, text).Compile(); err != nil {
		return engine.Deployed{}, err
	}
	return engine.Deployed{Rules: []engine.Carried{{Rule: "r", What: engine.CarriedNew}}}, nil
}

func (a admin) Remove(_ context.Context, file string, n rulebook.Note) error {
	return a.data.Remove(file, n)
}

func (a admin) SetStatus(_ context.Context, rule string, s dsl.Status, n rulebook.Note) error {
	return a.data.SetStatus(rule, s, n)
}

func (admin) Rollback(context.Context, string, string, rulebook.Note) (engine.Deployed, error) {
	return engine.Deployed{}, nil
}

func (a admin) EditList(_ context.Context, list string, add, _ []string, until int64, n rulebook.Note) error {
	return a.data.EditList(list, []rulebook.Edit{{Value: add[0], Until: until, Note: n}})
}

func (a admin) Book() *rulebook.Data { return a.data }
func (admin) Managed(string) string  { return "api" }

// description is the API's, valid.
func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(server.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestDescriptionIsOpenAPI(t *testing.T) {
	doc := description(t)
	if n := doc.Paths.Len(); n < 20 {
		t.Errorf("only %d paths", n)
	}
}

// routeOf finds what is described at a path.
func routeOf(doc *openapi3.T, r *http.Request) *routers.Route {
	for _, exact := range []bool{true, false} {
		for path, item := range doc.Paths.Map() {
			op := item.GetOperation(r.Method)
			if op == nil || exact != (path == r.URL.Path) || !exact && !fits(path, r.URL.Path) {
				continue
			}
			return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: op}
		}
	}
	return nil
}

func fits(pattern, path string) bool {
	a, b := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}

// Answers of a server, good and bad, are what the description says.
func TestAnswersAreAsDescribed(t *testing.T) {
	doc := description(t)
	log, err := alerts.Open(alerts.Options{FS: vfs.NewMem(), Dir: "alerts"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	for n := range uint64(3) {
		a := &cep.Alert{ID: [16]byte{byte(n)}, Rule: "a", Severity: cep.High, At: 1e9, Key: []cep.NamedValue{{Name: "k", Value: cep.Str("x")}}}
		if err := log.Commit(n+1, []*cep.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Dead(cep.DeadRecord{Source: "web", Reason: "bad_json", Raw: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	if err := log.Late(cep.LateRecord{Source: "web", Type: "E", Raw: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	box, _, err := log.OpenOutbox("cases", 10)
	if err != nil {
		t.Fatal(err)
	}
	d := alerts.Delivery{ID: "m", Type: "alert.opened", Seq: 1, State: alerts.DeliveryDead, Created: 1}
	d.Add(alerts.Attempt{At: 1, Took: 2, Status: 500, Response: "no"})
	if err := box.Add(alerts.Cursor{Seq: 1}, []alerts.Delivery{d}); err != nil {
		t.Fatal(err)
	}
	hooks := webhook.New(webhook.Config{Log: log})
	live := feed.New(log, feed.Limits{}, nil)
	t.Cleanup(live.Close)
	book := &rulebook.Data{Files: map[string]rulebook.File{"x.cep": {}}, Status: map[string]rulebook.Status{}, Lists: map[string][]rulebook.Edit{},
		Versions: map[string][]rulebook.Version{"r": {{Version: "1", File: "r.cep", Text: "h", Status: "live", Note: rulebook.Note{At: 1, By: "jd", Reason: "r"}}}}, Texts: map[string]string{"h": "rule"}}
	h := server.New(server.Config{Runtime: runtime{}, Rules: admin{book}, Alerts: log, Webhooks: hooks, Feed: live, Operator: server.Operator{
		Savepoint: func(_ context.Context, dir string) (server.Savepoint, error) { return server.Savepoint{Dir: dir}, nil },
		Erase:     func(context.Context, engine.Erase) (engine.Erased, error) { return engine.Erased{}, nil },
	}}).Handler()
	answered := map[string]bool{}
	openapi3filter.RegisterBodyDecoder(events, openapi3filter.PlainBodyDecoder)
	// A stream ends with its request: these have ended, and get what is there.
	ended, end := context.WithCancel(context.Background())
	end()
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v1/events", "{}\n"}, {"POST", "/api/v1/events", ""}, {"GET", "/api/v1/dead-letters", ""}, {"GET", "/api/v1/late", ""},
		{"POST", "/api/v1/alerts/triage", `{"alerts":[1],"state":"closed","outcome":"fraud","comment":"x","assignee":"jd"}`}, {"POST", "/api/v1/alerts/triage", `{"alerts":[9],"comment":"x"}`}, {"POST", "/api/v1/alerts/triage", `{}`},
		{"GET", "/api/v1/alerts", ""}, {"GET", "/api/v1/alerts?last=2", ""}, {"GET", "/api/v1/alerts?limit=0", ""}, {"GET", "/api/v1/alerts/1", ""}, {"GET", "/api/v1/alerts/9", ""}, {"GET", "/api/v1/alerts/groups?by=rule,key", ""},
		{"POST", "/api/v1/silences", `{"rule":"a","labels":{"x":"y"},"reason":"r","for":"1h"}`}, {"POST", "/api/v1/silences", `{"rules":"a"}`}, {"GET", "/api/v1/silences", ""}, {"DELETE", "/api/v1/silences/none", ""}, {"GET", "/api/v1/actions", ""},
		{"GET", "/api/v1/deliveries", ""}, {"POST", "/api/v1/deliveries/retry", `{"states":["dead"]}`}, {"POST", "/api/v1/deliveries/purge", `{"sink":"none"}`}, {"GET", "/api/v1/endpoints", ""},
		{"POST", "/api/v1/endpoints/none/test", ""}, {"POST", "/api/v1/endpoints/none/enable", ""}, {"POST", "/api/v1/endpoints/none/disable", `{"reason":"x"}`},
		{"GET", "/api/v1/pipeline", ""}, {"GET", "/api/v1/limits", ""}, {"GET", "/api/v1/rules", ""}, {"GET", "/api/v1/state", ""}, {"POST", "/api/v1/state/savepoint", `{"dir":"/x"}`}, {"POST", "/api/v1/state/erase", `{"field":"a","value":"b"}`},
		{"GET", "/api/v1/rules/r", ""}, {"GET", "/api/v1/rules/none", ""}, {"POST", "/api/v1/rules/check", `{"file":"a.cep","text":"rule x {"}`}, {"POST", "/api/v1/rules/check", `{"file":"a.cep","text":""}`},
		{"POST", "/api/v1/rules/apply", `{"file":"a.cep","text":"","reason":"r"}`}, {"POST", "/api/v1/rules/apply", `{"file":"a.cep","text":"rule x {","reason":"r"}`}, {"DELETE", "/api/v1/rules/files/x.cep", `{"reason":"r"}`}, {"DELETE", "/api/v1/rules/files/y.cep", `{}`},
		{"POST", "/api/v1/rules/r/status", `{"status":"off","reason":"r"}`}, {"POST", "/api/v1/rules/r/status", `{"status":"on","reason":"r"}`}, {"POST", "/api/v1/rules/r/rollback", `{"version":"1","reason":"r"}`},
		{"GET", "/api/v1/lists", ""}, {"GET", "/api/v1/lists/watched", ""}, {"GET", "/api/v1/lists/none", ""}, {"POST", "/api/v1/lists/watched/entries", `{"add":["b"],"reason":"r","for":"1h"}`}, {"POST", "/api/v1/lists/watched/entries", `{"reason":"r"}`},
		{"GET", "/api/v1/keys/c1/runs", ""}, {"GET", "/api/v1/keys/c1/runs?rule=none", ""},
		{"GET", "/livez", ""}, {"GET", "/readyz", ""}, {"GET", "/metrics", ""}, {"GET", "/api/v1/session", ""}, {"POST", "/api/v1/session", `{"token":"x"}`}, {"DELETE", "/api/v1/session", ""}, {"GET", "/api/v1/openapi.json", ""},
		{"GET", "/api/v1/stream", ""}, {"GET", "/api/v1/stream?filter=x", events}, {"GET", "/api/v1/stream", events},
	} {
		r := httptest.NewRequest(c.method, "http://localhost"+c.path, strings.NewReader(c.body))
		if c.body == events {
			r = httptest.NewRequestWithContext(ended, c.method, "http://localhost"+c.path, nil)
			r.Header.Set("Accept", events)
		}
		route := routeOf(doc, r)
		if route == nil {
			t.Errorf("%s %s is not described", c.method, c.path)
			continue
		}
		answered[c.method+" "+route.Path] = true
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 && route.Path != "/readyz" {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		in := &openapi3filter.ResponseValidationInput{RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route}, Status: w.Code, Header: w.Header(),
			Options: &openapi3filter.Options{IncludeResponseStatus: true}}
		in.SetBodyBytes(w.Body.Bytes())
		if err := openapi3filter.ValidateResponse(context.Background(), in); err != nil {
			t.Errorf("%s %s answers %d: %v\n%s", c.method, c.path, w.Code, err, w.Body)
		}
	}
	n := 0
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if n++; !answered[method+" "+path] {
				t.Errorf("%s is not asked for here", fmt.Sprint(method, " ", path))
			}
		}
	}
	t.Logf("%d operations", n)
}
