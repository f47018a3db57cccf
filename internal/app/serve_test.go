//go:build unix

package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A test binary that is run with this in its environment is weir.
const asCommand = "WEIR_TEST_AS_COMMAND"

func init() {
	if os.Getenv(asCommand) != "" {
		os.Exit(Main(os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
}

// process is a weir serve of its own.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	errs *syncBuffer
	exit chan int
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// command prepares weir as a process.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	return cmd
}

// run runs weir to its end, which must come soon.
func run(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	cmd := command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(60*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	_ = cmd.Wait() // the exit code says it
	return cmd.ProcessState.ExitCode(), out.String()
}

// start starts weir serve on a free port.
func start(t *testing.T, state string, args ...string) *process {
	t.Helper()
	p := &process{t: t, errs: &syncBuffer{}, exit: make(chan int, 1)}
	p.cmd = command(append([]string{"serve", "--listen", "127.0.0.1:0", "--state", state}, args...)...)
	p.cmd.Stderr = p.errs
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := p.cmd.Wait()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Error(err)
		}
		p.exit <- p.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// serve starts weir serve and waits until it answers.
func serve(t *testing.T, state string, args ...string) *process {
	t.Helper()
	p := start(t, state, args...)
	p.until("it serves", func() bool {
		r, err := readServerFile(state)
		if err != nil || r.PID != p.cmd.Process.Pid {
			return false
		}
		p.url = r.URL
		answer, err := http.Get(p.url + "/readyz")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == 200
	})
	return p
}

// until waits for a condition, and fails when the process has ended.
func (p *process) until(what string, is func() bool) {
	p.t.Helper()
	end := time.Now().Add(60 * time.Second)
	for !is() {
		select {
		case code := <-p.exit:
			p.t.Fatalf("waiting until %s, weir ended with %d:\n%s", what, code, p.errs)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain until %s:\n%s", what, p.errs)
		}
	}
}

// stop sends a signal and waits for the end; it returns the exit code, -1 for
// the end by a signal.
func (p *process) stop(sig syscall.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
	select {
	case code := <-p.exit:
		return code
	case <-time.After(60 * time.Second):
		p.t.Fatalf("it does not end:\n%s", p.errs)
		return 0
	}
}

// get asks for a path and reads the answer into v.
func (p *process) get(path string, v any) {
	p.t.Helper()
	answer, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.errs)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(v); err != nil {
		p.t.Fatalf("%s: %v", path, err)
	}
}

// post sends events, all of which must be accepted.
func (p *process) post(events ...string) {
	p.t.Helper()
	answer, err := http.Post(p.url+"/api/v1/events", "application/x-ndjson", strings.NewReader(strings.Join(events, "\n")))
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.errs)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if want := fmt.Sprintf(`"accepted":%d,"rejected":0`, len(events)); answer.StatusCode != 200 || !strings.Contains(string(body), want) {
		p.t.Fatalf("%s: %s\n%s", answer.Status, body, p.errs)
	}
}

// alert is what tests look at.
type alert struct {
	ID   string `json:"alert_id"`
	Seq  uint64 `json:"seq"`
	Rule string `json:"rule"`
}

// alerts waits for so many alerts behind a sequence number.
func (p *process) alerts(after uint64, n int) (list []alert) {
	p.t.Helper()
	p.until(fmt.Sprintf("there are %d alerts behind %d", n, after), func() bool {
		var page struct{ Items []alert }
		p.get(fmt.Sprintf("/api/v1/alerts?after=%d&wait=1s", after), &page)
		list = page.Items
		return len(list) >= n
	})
	if len(list) != n {
		p.t.Fatalf("%d alerts, not %d: %+v", len(list), n, list)
	}
	return list
}

// metric is the value of a series without labels.
func (p *process) metric(name string) string {
	p.t.Helper()
	answer, err := http.Get(p.url + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(rest)
		}
	}
	p.t.Fatalf("no metric %s", name)
	return ""
}

const pairs = `event E { time at  id id  at: timestamp  id: string  k: string  n: int }
source web of E from http { order: arrival }
rule pair { by k
  pattern { a: E where n == 1  then b: E where n == 2 } within 1h
  alert { message "{k}" } }
`

// event is the i-th event of a key.
func event(i int, key string, n int) string {
	return fmt.Sprintf(`{"type":"E","at":"2026-01-31T10:%02d:00Z","id":"%s-%d","k":"%s","n":%d}`, i, key, i, key, n)
}

// idsOfRun are the ids of the alerts that weir run finds in events.
func idsOfRun(t *testing.T, rules string, events ...string) map[string]bool {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "r.cep"), rules)
	write(t, filepath.Join(dir, "e.ndjson"), strings.Join(events, "\n"))
	code, out, errs := weir(t, "run", filepath.Join(dir, "r.cep"), "--events", filepath.Join(dir, "e.ndjson"))
	if code != exitOK {
		t.Fatal(errs)
	}
	ids := map[string]bool{}
	for line := range strings.Lines(out) {
		var a alert
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		ids[a.ID] = true
	}
	return ids
}

// Patterns that begin before a restart, a kill and a change of the rules end
// behind it, with the ids that an uninterrupted run gives.
func TestServe(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", pairs)
	want := idsOfRun(t, pairs, event(1, "a", 1), event(2, "b", 1), event(3, "c", 1), event(4, "a", 2), event(5, "b", 2), event(6, "c", 2))
	if len(want) != 3 {
		t.Fatalf("%d alerts", len(want))
	}
	var got []alert

	p := serve(t, "state", "r.cep")
	for _, line := range []string{"listening on   http://127.0.0.1:", "curl --data-binary '{\"type\":\"E\",", "1 rule"} {
		p.until("it says "+line, func() bool { return strings.Contains(p.errs.String(), line) })
	}
	p.post(event(1, "a", 1), event(2, "b", 1))
	p.post(event(3, "c", 1), event(4, "a", 2))
	got = append(got, p.alerts(0, 1)...)
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.errs)
	}
	if _, err := os.Stat("state/server.json"); err == nil {
		t.Error("server.json is left behind")
	}

	p = serve(t, "state", "r.cep")
	p.post(event(5, "b", 2))
	got = append(got, p.alerts(1, 1)...)
	p.stop(syscall.SIGKILL)

	p = serve(t, "state", "r.cep")
	if missing := p.metric("weir_recovery_alerts_missing"); missing != "0" {
		t.Errorf("%s alerts were not found again", missing)
	}
	write(t, "r.cep", pairs+"rule every { by k on E when n == 2 alert { message \"{k}\" } }\n")
	p.until("the new rule runs", func() bool {
		var rules struct{ Items []struct{ Name string } }
		p.get("/api/v1/rules", &rules)
		return len(rules.Items) == 2
	})
	write(t, "r.cep", pairs+"rule every { by k on E when m == 2 alert { message \"{k}\" } }\n")
	p.until("the bad rule is refused", func() bool { return p.metric("weir_config_last_reload_successful") == "0" })
	for _, line := range []string{`msg="rules refused; those from before run on"`, "  error[E102]: ", "    --> r.cep:6:29", "^"} {
		if !strings.Contains(p.errs.String(), line) {
			t.Errorf("%q is not in\n%s", line, p.errs)
		}
	}
	var rules struct {
		Items []struct{ Name string }
		Text  string `json:"last_reload_error"`
	}
	if p.get("/api/v1/rules", &rules); len(rules.Items) != 2 || !strings.Contains(rules.Text, "E102") {
		t.Errorf("%+v", rules)
	}
	p.post(event(6, "c", 2))
	last := p.alerts(2, 2)
	for _, a := range last {
		if a.Rule == "pair" {
			got = append(got, a)
		}
	}
	write(t, "r.cep", pairs) // away with the second rule, at once
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.until("the rule is gone", func() bool {
		p.get("/api/v1/rules", &rules)
		return len(rules.Items) == 1 && p.metric("weir_config_last_reload_successful") == "1"
	})
	for i, a := range got {
		if !want[a.ID] {
			t.Errorf("alert %d is %+v, which no run finds", i, a)
		}
		delete(want, a.ID)
	}
	if len(want) > 0 {
		t.Errorf("%d alerts are missing", len(want))
	}
	all := p.alerts(0, 4)
	for i, a := range all {
		if a.Seq != uint64(i+1) {
			t.Errorf("alert %d has number %d", i+1, a.Seq)
		}
	}
	if code := p.stop(syscall.SIGINT); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.errs)
	}
	if strings.Contains(p.errs.String(), "c-6") {
		t.Errorf("a value of an event is in the log:\n%s", p.errs)
	}
}

// A server that waits for a slow client when it is to stop goes at once when it
// is told twice.
func TestSecondSignal(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", pairs)
	p := serve(t, "state", "r.cep")
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
	p.until("the request is there", func() bool { return p.metric("weir_http_body_bytes") != "0" })
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.until("it stops", func() bool { return strings.Contains(p.errs.String(), "msg=stopping") })
	if code := p.stop(syscall.SIGTERM); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit code %d:\n%s", code, p.errs)
	}
	p = serve(t, "state", "r.cep")
	p.post(event(1, "a", 1), event(2, "a", 2))
	p.alerts(0, 1)
}

// A savepoint of a running server goes on elsewhere as the server does.
func TestSavepoint(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", pairs)
	p := serve(t, "state", "r.cep", "--shards", "2")
	p.post(event(1, "a", 1), event(2, "b", 1), event(3, "a", 2))
	p.alerts(0, 1)
	for _, step := range []struct {
		args []string
		code int
		out  string
		errs string
	}{
		{[]string{"state", "savepoint", "saved", "--state", "state"}, exitOK, `"position": `, ""},
		{[]string{"state", "savepoint", "saved", "--state", "state"}, exitInput, "", "saved exists already: name a folder that does not"},
		{[]string{"state", "savepoint", "other", "--server", p.url + "/x"}, exitInput, "", "there is nothing at /x/api/v1/state/savepoint"},
		{[]string{"state", "verify", "state"}, exitInput, "", "in use by another process (process "},
		{[]string{"state", "verify", "saved"}, exitOK, "ok: every byte", ""},
		{[]string{"state", "inspect", "saved"}, exitOK, "alerts   1 to 1", ""},
		{[]string{"state", "inspect", "saved", "--output", "json"}, exitOK, `"last": 1`, ""},
		{[]string{"state", "restore", "saved", "--state", "state"}, exitInput, "", "state is not empty"},
		{[]string{"state", "restore", "saved", "--state", "again"}, exitOK, "", "weir serve RULES… --state again"},
		{[]string{"state", "verify", "again"}, exitOK, "ok: every byte", ""},
		{[]string{"state", "restore", "state", "--state", "x"}, exitInput, "", "is a state directory, not a savepoint"},
		{[]string{"state", "verify", "rules"}, exitInput, "", "neither a state directory nor a savepoint"},
		{[]string{"state", "verify", "nowhere"}, exitInput, "", "there is no state directory nowhere"},
	} {
		code, out, errs := weir(t, step.args...)
		if code != step.code || !strings.Contains(out, step.out) || !strings.Contains(errs, step.errs) {
			t.Fatalf("weir %s: exit code %d\n%s%s", strings.Join(step.args, " "), code, out, errs)
		}
	}
	p.post(event(4, "b", 2))
	want := p.alerts(0, 2)
	p.stop(syscall.SIGTERM)
	again := serve(t, "again", "r.cep")
	again.post(event(4, "b", 2))
	if got := again.alerts(0, 2); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("elsewhere %v, here %v", got, want)
	}
	again.stop(syscall.SIGTERM)

	// Of a directory that no server works on.
	if code, out, errs := weir(t, "state", "savepoint", "later", "--state", "again"); code != exitOK {
		t.Fatal(out, errs)
	}
	if code, out, errs := weir(t, "state", "inspect", "later"); code != exitOK || !strings.Contains(out, "alerts   1 to 2") {
		t.Fatal(out, errs)
	}
}

func TestServeRefuses(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", pairs)
	write(t, "bad.cep", "rule x {")
	write(t, "file", "")
	p := serve(t, "used", "r.cep", "--shards", "2")
	for _, dir := range []string{"newer", "damaged", "foreign"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, "newer/FORMAT", "weir state 2\n")
	write(t, "damaged/FORMAT", "weir stale 1\n")
	write(t, "foreign/notes.txt", "")
	for _, c := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, exitInput, "is reached by others"},
		{[]string{"--listen", "192.0.2.1:8080"}, exitInput, "add --insecure"},
		{[]string{"--listen", "8080"}, exitInput, "write it like 127.0.0.1:8080"},
		{[]string{"--listen", strings.TrimPrefix(p.url, "http://"), "--state", "fresh"}, exitInput, "is another server running there?"},
		{[]string{"--state", "used"}, exitInput, "in use by another process (process " + fmt.Sprint(p.cmd.Process.Pid) + ", " + p.url + "): stop that one"},
		{[]string{"--state", "newer"}, exitInput, "newer was written by a newer version of Weir"},
		{[]string{"--state", "damaged"}, exitInput, "FORMAT is damaged"},
		{[]string{"--state", "foreign"}, exitInput, "not a state directory of Weir (it holds notes.txt"},
		{[]string{"--state", "file/state"}, exitInput, "cannot be written (not a directory)"},
		{[]string{"--shards", "257"}, exitInput, "257 shards"},
		{[]string{"--state-limit", "much"}, exitInput, "write it like 512MiB"},
		{[]string{"bad.cep"}, exitRules, "bad.cep:1:"},
		{[]string{"missing.cep"}, exitInput, "missing.cep"},
	} {
		code, out := run(t, append([]string{"serve", "--listen", "127.0.0.1:0", "--state", "own", "r.cep"}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.errs) {
			t.Errorf("weir serve %s: exit code %d\n%s", strings.Join(c.args, " "), code, out)
		}
	}
	p.stop(syscall.SIGTERM)
	if _, out := run(t, "serve", "--listen", "127.0.0.1:0", "--state", "used", "--shards", "3", "r.cep"); !strings.Contains(out, "spread over 2 shards") {
		t.Errorf("other shards: %s", out)
	}
}

// A flipped bit is found, named with its file, and never used.
func TestDamagedState(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", pairs)
	p := serve(t, "state", "r.cep")
	p.post(event(1, "a", 1), event(2, "b", 1), event(3, "a", 2))
	p.alerts(0, 1)
	p.stop(syscall.SIGTERM)
	if code, out, errs := weir(t, "state", "verify", "state"); code != exitOK {
		t.Fatal(out, errs)
	}
	segments, err := filepath.Glob("state/journal/*.seg")
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	tables, err := filepath.Glob("state/state/*.sst")
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	for _, file := range []string{segments[0], tables[len(tables)-1]} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(text)
		flipped[len(text)/2] ^= 4
		write(t, file, string(flipped))
		code, out, errs := weir(t, "state", "verify", "state")
		if code != exitFindings || !strings.Contains(out, filepath.Base(file)) {
			t.Errorf("verify with a flipped bit in %s: exit code %d\n%s%s", file, code, out, errs)
		}
		if file == segments[0] { // of a damaged table, an older checkpoint may be used
			code, said := run(t, "serve", "--listen", "127.0.0.1:0", "--state", "state", "r.cep")
			if code != exitInput || !strings.Contains(said, filepath.Base(file)) {
				t.Errorf("serve with a flipped bit in %s: exit code %d\n%s", file, code, said)
			}
		}
		write(t, file, string(text))
	}
	if code, out, errs := weir(t, "state", "verify", "state"); code != exitOK {
		t.Fatal(out, errs)
	}
}
