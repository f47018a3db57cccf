package server

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

// Every route is described, and nothing else is; the description in docs is
// the one that is served.
func TestOpenAPI(t *testing.T) {
	known := map[string]bool{}
	ids := map[string]string{}
	for _, r := range api {
		name := r.method + " " + r.path
		known[name] = true
		op, ok := operations[name]
		if !ok || op.id == "" {
			t.Errorf("%s is not described: add it to operations", name)
			continue
		}
		if ids[op.id] != "" {
			t.Errorf("%s and %s are both called %s", name, ids[op.id], op.id)
		}
		ids[op.id] = name
		if strings.Count(r.path, "{") != len(op.path) {
			t.Errorf("%s: its path has other parameters", name)
		}
		for _, p := range op.path {
			if !strings.Contains(r.path, "{"+p.name+"}") {
				t.Errorf("%s has no %s", name, p.name)
			}
		}
		for _, c := range op.codes {
			if statusOf[c] == 0 {
				t.Errorf("%s: there is no code %s", name, c)
			}
		}
	}
	for name := range operations {
		if !known[name] {
			t.Errorf("%s is described, and is no route", name)
		}
	}
	if t.Failed() {
		return
	}
	if *update {
		if err := os.WriteFile("../docs/openapi.json", OpenAPI(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile("../docs/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{Runtime: &fakeRuntime{}}).Handler()
	if got := text(t, ask(t, h, "GET", "/api/v1/openapi.json", "")); got != string(written) {
		t.Error("docs/openapi.json is not what is served: go test ./server -run TestOpenAPI -update")
	}
	if !json.Valid(written) || bytes.Contains(written, []byte(`"$ref": ""`)) {
		t.Error("it is no JSON")
	}
}

// A parameter that is described is taken, and one that is not is refused.
func TestParametersAreThose(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: newLog(t), Webhooks: &fakeWebhooks{}}).Handler()
	for _, r := range api {
		op := operations[r.method+" "+r.path]
		if r.method != "GET" || r.path == "/metrics" || r.path == "/livez" || op.id == "" {
			continue
		}
		path := inPath.ReplaceAllString(r.path, "1")
		for _, p := range op.query {
			if got := text(t, ask(t, h, "GET", path+"?"+p.name+"=1", "")); strings.Contains(got, "there is no parameter") {
				t.Errorf("%s does not take %s: %s", path, p.name, got)
			}
		}
		if r.path != streamPattern[4:] {
			expect(t, ask(t, h, "GET", path+"?nonsense=1", ""), 400, "nonsense")
		}
	}
}
