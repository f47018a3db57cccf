package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

// fakeRuntime takes every line that begins with "{" for an event.
type fakeRuntime struct {
	mu       sync.Mutex
	lines    []string
	source   string
	err      error
	receipt  *engine.Receipt
	stats    engine.RuntimeStats
	trouble  error
	ingested func()
	rules    engine.RuleSet
}

func (f *fakeRuntime) Ingest(ctx context.Context, source string, data []byte) (engine.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ingested != nil {
		f.ingested()
	}
	if f.err != nil {
		return engine.Receipt{}, f.err
	}
	f.source = source
	var got engine.Receipt
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if !strings.HasSuffix(line, "\n") {
			return engine.Receipt{}, fmt.Errorf("a line without its end: %q", line)
		}
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "{") {
			got.Accepted++
		} else {
			got.Rejects = append(got.Rejects, engine.Reject{Line: n, Reason: "bad_json", Detail: "an object was expected", Field: "f"})
			got.Rejected++
		}
		f.lines = append(f.lines, line)
	}
	if f.receipt != nil {
		return *f.receipt, nil
	}
	return got, nil
}

func (f *fakeRuntime) Stats(context.Context) (engine.RuntimeStats, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats, f.trouble
}

func (f *fakeRuntime) ListValues(_ context.Context, _, name string, limit int) ([]string, int, error) {
	if name != "watched" {
		return nil, 0, engine.ErrNoList
	}
	return []string{"u1"}, 1, nil
}

func (f *fakeRuntime) OpenRuns(_ context.Context, key, rule string) ([]engine.OpenRun, int, error) {
	if rule == "nothing" {
		return nil, 0, engine.ErrNoRule
	}
	return []engine.OpenRun{{Rule: "probing", Key: key, Step: "small", Steps: []string{"small", "big"}, FirstAt: 1e18, LastAt: 2e18, Events: []engine.OpenEvent{{Step: "small", Type: "Auth", ID: "a1", At: 1e18}}, Waits: "big"}}, 3, nil
}

func (f *fakeRuntime) Rules() (engine.RuleSet, *dsl.Program, bool) {
	if len(f.rules.Files) == 0 {
		return f.rules, nil, false
	}
	prog, err := f.rules.Compile()
	return f.rules, prog, err == nil
}

// newLog is an alert log in memory.
func newLog(t *testing.T) *alerts.Log {
	t.Helper()
	l, err := alerts.Open(alerts.Options{FS: vfs.NewMem(), Dir: "alerts"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// found appends an alert of a rule.
func found(t *testing.T, l *alerts.Log, rule string, severity cep.Severity) {
	t.Helper()
	n := l.Head() + 1
	a := &cep.Alert{ID: [16]byte{byte(n)}, Rule: rule, Severity: severity, At: int64(n) * int64(time.Hour), Key: []cep.NamedValue{{Name: "k", Value: cep.Str(rule + "1")}}}
	if err := l.Commit(n, []*cep.Alert{a}); err != nil {
		t.Fatal(err)
	}
}

// ask sends a request to a handler and returns the answer.
func ask(t *testing.T, h http.Handler, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// expect fails unless an answer has a status and holds some texts.
func expect(t *testing.T, r *http.Response, status int, holds ...string) string {
	t.Helper()
	got := text(t, r)
	if r.StatusCode != status {
		t.Fatalf("status %d, not %d: %s", r.StatusCode, status, got)
	}
	for _, want := range holds {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	return got
}
