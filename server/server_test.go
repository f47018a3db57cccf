package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
)

func TestAlertPages(t *testing.T) {
	log := newLog(t)
	found(t, log, "a", cep.Low)
	found(t, log, "b", cep.High)
	found(t, log, "a", cep.Critical)
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: log, Limits: Limits{Page: 50}}).Handler()
	for _, c := range []struct{ query, seqs, end string }{
		{"", "1,2,3", `"next":3,"head":3,"first":1}`},
		{"?after=1&limit=1", "2", `"next":2,"head":3,"first":1}`},
		{"?after=3", "", `{"items":[],"next":3,"head":3,"first":1}`},
		{"?after=3&wait=0s", "", `"next":3`},
		{"?after=9", "", `{"items":[],"next":9,"head":3,"first":1}`},
		{"?rule=b", "2", `"next":3`},
		{"?rule=a&rule=b", "1,2,3", `"next":3`},
		{"?min_severity=high", "2,3", `"next":3`},
		{"?key=a1", "1,3", `"next":3`},
		{"?from=1970-01-01T02:00:00Z&before=1970-01-01T03:00:00Z", "2", `"next":3`},
	} {
		got := expect(t, ask(t, h, "GET", "/api/v1/alerts"+c.query, ""), 200, c.end)
		if seqs := numbers(t, got); seqs != c.seqs {
			t.Errorf("%s: alerts %s, not %s", c.query, seqs, c.seqs)
		}
	}
	for _, c := range []struct{ query, want string }{
		{"?after=-1", "after=-1"}, {"?limit=0", "from 1 to 50"}, {"?limit=51", "from 1 to 50"}, {"?wait=2h", "to 1m0s"}, {"?wait=x", "wait=30s"},
		{"?afte=1", "there are: after"}, {"?min_severity=loud", "critical"}, {"?after=1&after=2", "twice"}, {"?from=yesterday", "2026-01-31"},
	} {
		expect(t, ask(t, h, "GET", "/api/v1/alerts"+c.query, ""), 400, "bad_parameter", c.want)
	}
	without := New(Config{Runtime: &fakeRuntime{}}).Handler()
	for _, path := range []string{"alerts", "late", "dead-letters"} {
		expect(t, ask(t, without, "GET", "/api/v1/"+path, ""), 503, "unavailable")
	}
}

// numbers lists the sequence numbers of a page of alerts.
func numbers(t *testing.T, page string) string {
	t.Helper()
	var p struct{ Items []struct{ Seq int } }
	if err := json.Unmarshal([]byte(page), &p); err != nil {
		t.Fatalf("%v: %s", err, page)
	}
	var seqs []string
	for _, i := range p.Items {
		seqs = append(seqs, fmt.Sprint(i.Seq))
	}
	return strings.Join(seqs, ",")
}

func TestLettersAndLate(t *testing.T) {
	log := newLog(t)
	for i := range uint64(3) {
		if err := log.Dead(cep.DeadRecord{Source: "web", Position: i, Arrived: int64(time.Hour), Reason: "bad_json", Detail: "no", Field: "n", Raw: []byte("x\xff<")}); err != nil {
			t.Fatal(err)
		}
		if err := log.Late(cep.LateRecord{Source: "web", Position: i, Type: "E", At: 1e9, Watermark: 2e9, Raw: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: log}).Handler()
	expect(t, ask(t, h, "GET", "/api/v1/dead-letters?after=1&limit=1", ""), 200,
		`{"items":[{"number":2,"source":"web","partition":0,"position":1,"arrived":"1970-01-01T01:00:00Z","reason":"bad_json","detail":"no","field":"n","raw":"x`+"\\ufffd"+`<"}],"next":2}`)
	expect(t, ask(t, h, "GET", "/api/v1/late?after=2", ""), 200,
		`{"items":[{"number":3,"source":"web","partition":0,"position":2,"arrived":null,"type":"E","at":"1970-01-01T00:00:01Z","watermark":"1970-01-01T00:00:02Z","raw":"{}"}],"next":3}`)
	expect(t, ask(t, h, "GET", "/api/v1/late?after=3", ""), 200, `{"items":[],"next":3}`)
	expect(t, ask(t, h, "GET", "/api/v1/late?rule=x", ""), 400, "there are: after, limit")
}

// A request that waits is answered when an alert comes that it asks for, when
// its time is over, and when the server stops.
func TestAlertWait(t *testing.T) {
	log := newLog(t)
	s := New(Config{Runtime: &fakeRuntime{}, Alerts: log, Limits: Limits{Polls: 1}})
	wait := func(query string) <-chan string {
		answer := make(chan string, 1)
		go func() {
			r := ask(t, s.Handler(), "GET", "/api/v1/alerts?"+query, "")
			b, _ := io.ReadAll(r.Body)
			answer <- string(b)
		}()
		until(t, func() bool { return s.polls.now() == 1 })
		return answer
	}
	got := wait("wait=1m&rule=b")
	expect(t, ask(t, s.Handler(), "GET", "/api/v1/alerts?wait=1s", ""), 429, "busy")
	found(t, log, "a", cep.Low) // one that is not asked for
	found(t, log, "b", cep.Low)
	if text := <-got; numbers(t, text) != "2" {
		t.Errorf("got %s", text)
	}
	until(t, func() bool { return s.polls.now() == 0 })
	expect(t, ask(t, s.Handler(), "GET", "/api/v1/alerts?after=2&wait=1ms", ""), 200, `"items":[],"next":2`)
	got = wait("after=2&wait=1m")
	s.Drain()
	if text := <-got; !strings.Contains(text, `"items":[],"next":2`) {
		t.Errorf("got %s", text)
	}
}

// until waits for a condition.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}

func TestNothingThere(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{}}).Handler()
	expect(t, ask(t, h, "GET", "/nowhere", ""), 404, "not_found", "GET / lists")
	expect(t, ask(t, h, "POST", "/events", "{}"), 404, "did you mean /api/v1/events?")
	r := ask(t, h, "GET", "/api/v1/events", "")
	expect(t, r, 405, "method_not_allowed", "allowed: POST")
	if r.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %s", r.Header.Get("Allow"))
	}
	expect(t, ask(t, h, "GET", "/", ""), 200, "/api/v1/alerts")
}

func TestHosts(t *testing.T) {
	of := func(c Config, host string) int {
		c.Runtime = &fakeRuntime{}
		return ask(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Host = host
			New(c).Handler().ServeHTTP(w, r)
		}), "GET", "/livez", "").StatusCode
	}
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "weir.localhost", "LOCALHOST.", ""} {
		if got := of(Config{}, host); got != 200 {
			t.Errorf("%s: %d", host, got)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "0.0.0.0:8080"} {
		if got := of(Config{}, host); got != 403 {
			t.Errorf("%s: %d", host, got)
		}
		if got := of(Config{AnyHost: true}, host); got != 200 {
			t.Errorf("%s at any host: %d", host, got)
		}
	}
	if got := of(Config{Hosts: []string{"weir.example"}}, "weir.example:80"); got != 200 {
		t.Errorf("a host that is named: %d", got)
	}
}

func TestRequestIDs(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{}}).Handler()
	id := func(given string) string {
		return ask(t, h, "GET", "/livez", "", "X-Request-Id", given).Header.Get("X-Request-Id")
	}
	if got := id("abc-1"); got != "abc-1" {
		t.Errorf("the client's id became %q", got)
	}
	for _, bad := range []string{"", "a b", "a\"", strings.Repeat("a", 65)} {
		if got := id(bad); got == bad || got == "" {
			t.Errorf("%q became %q", bad, got)
		}
	}
	if id("") == id("") {
		t.Error("two requests have one id")
	}
}

func TestPanic(t *testing.T) {
	rt := &fakeRuntime{ingested: func() { panic("broken") }}
	var out bytes.Buffer
	s := New(Config{Runtime: panicking{rt}, Logger: slog.New(slog.NewJSONHandler(&out, nil))})
	expect(t, ask(t, s.Handler(), "GET", "/api/v1/pipeline", "", "X-Request-Id", "r1"), 500, "internal", `"request_id":"r1"`)
	for _, want := range []string{`"msg":"request panicked"`, `"request_id":"r1"`, `"panic":"broken"`, "server_test.go"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in the log: %s", want, out.String())
		}
	}
	if s.bodies.now() != 0 {
		t.Error("bytes are held")
	}
}

type panicking struct{ *fakeRuntime }

func (panicking) Stats(context.Context) (engine.RuntimeStats, error) { panic("broken") }

func TestAccessLog(t *testing.T) {
	var out bytes.Buffer
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: newLog(t), Logger: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))}).Handler()
	ask(t, h, "GET", "/api/v1/alerts?key=4242424242", "")
	var line struct {
		Msg, Method, Path string
		Status            int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line.Msg != "request" || line.Path != "/api/v1/alerts" || line.Status != 200 {
		t.Errorf("%+v", line)
	}
	if strings.Contains(out.String(), "4242") {
		t.Errorf("a key is in the log: %s", out.String())
	}
}

func TestSavepoint(t *testing.T) {
	saved, fails := "", error(nil)
	op := Operator{Savepoint: func(_ context.Context, dir string) (Savepoint, error) {
		saved = dir
		return Savepoint{Dir: dir, Position: 7, Bytes: 9}, fails
	}}
	h := New(Config{Runtime: &fakeRuntime{}, Operator: op}).Handler()
	expect(t, ask(t, h, "POST", "/api/v1/state/savepoint", `{"dir":"/backup/../backup/1"}`), 200, `{"dir":"/backup/1","position":7,"bytes":9}`)
	if saved != "/backup/1" {
		t.Errorf("saved to %s", saved)
	}
	fails = &fs.PathError{Op: "savepoint", Path: "/backup/1", Err: fs.ErrExist}
	expect(t, ask(t, h, "POST", "/api/v1/state/savepoint", `{"dir":"/backup/1"}`), 409, `"exists"`)
	for body, want := range map[string]string{`{"dir":"backup"}`: "absolute", `{"dirs":"/x"}`: "did you mean", ``: "empty_body", `{"dir":"/x"} x`: "bad_body", `[`: "bad_body"} {
		expect(t, ask(t, h, "POST", "/api/v1/state/savepoint", body), 400, want)
	}
	expect(t, ask(t, h, "POST", "/api/v1/state/savepoint", `{"dir":"/`+strings.Repeat("x", int(DefaultLimits.JSON))+`"}`), 413, "body_too_large")
	without := New(Config{Runtime: &fakeRuntime{}}).Handler()
	expect(t, ask(t, without, "POST", "/api/v1/state/savepoint", `{"dir":"/backup/1"}`), 503, "unavailable")
}

func TestReady(t *testing.T) {
	rt := &fakeRuntime{stats: full(1)}
	reload, free := Reload{At: 1}, int64(1<<40)
	s := New(Config{Runtime: rt, Operator: Operator{Reload: func() Reload { return reload }, Disk: func() (int64, bool) { return free, true }}})
	if got := expect(t, ask(t, s.Handler(), "GET", "/readyz", ""), 200); got != "ready\n" {
		t.Errorf("%q", got)
	}
	expect(t, ask(t, s.Handler(), "GET", "/readyz?verbose", ""), 200, "[+]journal: ", "[+]config: the rule files are in force\n", "[+]disk: 1048576 MiB are free\n", "All is well", "ready\n")
	free = 3 << 20
	expect(t, ask(t, s.Handler(), "GET", "/readyz?verbose", ""), 200, "[-]disk: Only 3 MiB", "\nOnly 3 MiB are left")
	reload.Error = "a.cep:1:2: E105: what\n  | x\n"
	expect(t, ask(t, s.Handler(), "GET", "/readyz?verbose", ""), 200, "[-]config: ", "\nThe rule files were changed and are not in force, those from before run on: a.cep:1:2: E105: what\n")
	rt.stats.Journal.Stalled = "no space left on device"
	expect(t, ask(t, s.Handler(), "GET", "/readyz", ""), 503, "[-]journal: ", "\nNothing is taken in: the journal cannot be written (no space left on device)", "not ready\n")
	expect(t, ask(t, s.Handler(), "GET", "/livez", ""), 200, "ok")
	rt.stats.Journal.Stalled = ""
	s.Drain()
	expect(t, ask(t, s.Handler(), "GET", "/readyz", ""), 503, "[-]server: ", "Weir is stopping")
	expect(t, ask(t, s.Handler(), "POST", "/api/v1/events", "{}"), 503, "stopping")
	expect(t, ask(t, s.Handler(), "GET", "/livez", ""), 200)
}

// What the runtime knows is shown under stable names.
func TestStatus(t *testing.T) {
	rt := &fakeRuntime{stats: full(1), rules: engine.RuleText("r.cep", `event E { time at  at: timestamp  k: string }
rule r "A title" { by k on E when k == "x" alert { message "{k}" } }
`)}
	h := New(Config{Runtime: rt, Operator: Operator{Reload: func() Reload { return Reload{At: 1e9, Error: "no"} }, Sinks: func() []sink.Stats { return []sink.Stats{sinkStats} }}}).Handler()
	for path, holds := range map[string][]string{
		"/api/v1/pipeline": {`"health":{"ready":true,"sentence":"Sink out takes no alerts since 1m0s (2 behind): connection refused.`, `"name":"txns","kind":"kafka","errors":1`, `"lateness":[{"type":"Auth","late":1,"longest":"1s500ms","suggested_late":"2s","behind":{"2.147483648s":4}}]`, `"rejected":{"bad_json":2}`,
			`"partition":0,"label":"eu","group":0,"events":1,"late":0,"waiting":0,"lag":2,"newest_event":"2026-01-31T12:00:00Z"`,
			`"holds_watermark":true`, `"backpressure_seconds":7`, `"groups":[{"watermark":"2026-01-31T11:59:55Z","sources":["txns"],"rules":["r"]}]`,
			`"journal":{"records":1,"first":3,"end":4`, `"lists_and_tables":[{"name":"bad_cards","from":"file","origin":"cards.txt","rows":3`, `"alerts_reproduced":3,"alerts_missing":0`,
			`"sinks":[{"name":"out","kind":"kafka","cursor":3,"behind":2,"sent":4,"retries":3,"refused":1,"lost":0,"error":"connection refused","error_since":"2026-01-31T11:59:00Z","oldest":"2026-01-31T11:59:30Z"}]`},
		"/api/v1/rules": {`{"items":[{"name":"r","title":"A title","version":"`, `"status":"live","file":"r.cep","line":2,"managed_by":"file","level":0,"matches":3,"alerts":2,"suppressed":1`,
			`"hash":"`, `"last_reload":"1970-01-01T00:00:01Z","last_reload_successful":false,"last_reload_error":"no"`},
		"/api/v1/state": {`"bytes":1,"limit_bytes":2,"keys":3`, `"parts":{"dedupe":4,`, `"disk_free_bytes":null`, `"checkpoint":{"at":"2026-01-31T12:00:00Z","position":4,"pages":5,"bytes":6,"seconds":1,"pause_seconds":0.002,"interval_seconds":5`},
	} {
		expect(t, ask(t, h, "GET", path, ""), 200, holds...)
		expect(t, ask(t, h, "GET", path+"?x=1", ""), 400, "takes none")
	}
	rt.trouble, rt.stats.Trouble = engine.ErrStalled, "the disk is gone"
	expect(t, ask(t, h, "GET", "/api/v1/pipeline", ""), 200, `"ready":false`, "the disk is gone")
	expect(t, ask(t, h, "GET", "/api/v1/state", ""), 503, "stalled")
	expect(t, ask(t, h, "GET", "/api/v1/rules", ""), 200, `"name":"r"`)
}

// Shutdown lets a request that is being answered end.
func TestShutdown(t *testing.T) {
	rt := &fakeRuntime{}
	s, addr := start(t, Config{Runtime: rt})
	inside, leave := make(chan struct{}), make(chan struct{})
	rt.ingested = func() { close(inside); <-leave }
	answer := make(chan string, 1)
	go func() {
		r, err := http.Post("http://"+addr+"/api/v1/events", "application/x-ndjson", strings.NewReader("{}"))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		answer <- string(b)
	}()
	<-inside
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	until(t, func() bool {
		_, err := http.Get("http://" + addr + "/livez")
		return err != nil
	})
	close(leave)
	if got := <-answer; !strings.Contains(got, `"accepted":1`) {
		t.Errorf("got %s", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The page of operations lists every limit with its value.
func TestLimitsArePublished(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{}}).Handler()
	var got struct{ Limits []Limit }
	if err := json.Unmarshal([]byte(expect(t, ask(t, h, "GET", "/api/v1/limits", ""), 200)), &got); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range got.Limits {
		if row := l.Row(); !strings.Contains(string(page), row) {
			t.Errorf("docs/operations.md lacks the row\n%s", row)
		}
	}
	if len(got.Limits) < 10 {
		t.Errorf("only %d limits", len(got.Limits))
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	_, addr := start(t, Config{Runtime: &fakeRuntime{}, Limits: Limits{Conns: 1}})
	first := &http.Transport{}
	defer first.CloseIdleConnections()
	get := func(tr *http.Transport, wait time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/livez", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := tr.RoundTrip(r)
		if err == nil {
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		return err
	}
	if err := get(first, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	second := &http.Transport{}
	defer second.CloseIdleConnections()
	if err := get(second, 50*time.Millisecond); err == nil {
		t.Fatal("a second connection is served")
	}
	second.CloseIdleConnections()
	first.CloseIdleConnections()
	if err := get(second, 30*time.Second); err != nil {
		t.Errorf("not served when there is room: %v", err)
	}
}
