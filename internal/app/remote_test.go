//go:build unix

package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ask runs a command of this process's own.
func ask(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(args, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func (p *process) pay(events string) {
	p.t.Helper()
	answer, err := http.Post(p.url+"/api/v1/events", "application/x-ndjson", strings.NewReader(events))
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		p.t.Fatalf("the server answered %s", answer.Status)
	}
}

const remoteRules = `event Payment {
  time at
  at: timestamp
  card: string
  amount: money(EUR)
}

source web of Payment from http { order: arrival }

rule big "Large" {
  by card
  on Payment when amount > 100.00 EUR
  alert {
    severity high
    message "Card {card}"
  }
}
`

func payment(card string, amount int) string {
	return fmt.Sprintf(`{"type":"Payment","at":%q,"card":%q,"amount":"%d.00 EUR"}`+"\n", time.Now().UTC().Format(time.RFC3339Nano), card, amount)
}

func TestCommandsAgainstAServer(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "cards.cep")
	if err := os.WriteFile(rules, []byte(remoteRules), 0o644); err != nil {
		t.Fatal(err)
	}
	p := serve(t, filepath.Join(dir, "state"), rules)
	on := "--server=" + p.url
	p.pay(payment("c1", 500) + payment("c2", 7) + payment("c3", 700))
	p.until("there are two alerts", func() bool {
		_, out, _ := ask(t, "alerts", "list", on, "--output", "json")
		return strings.Count(out, "\n") == 2
	})
	expect := func(want int, parts []string, args ...string) {
		t.Helper()
		code, out, errs := ask(t, append(args, on)...)
		if code != want {
			t.Errorf("weir %s ends with %d: %s%s", strings.Join(args, " "), code, out, errs)
		}
		for _, part := range parts {
			if !strings.Contains(out+errs, part) {
				t.Errorf("weir %s: %q is not in\n%s%s", strings.Join(args, " "), part, out, errs)
			}
		}
	}
	expect(0, []string{"SEQ", "high", "open", "big", "Card c1", "Card c3"}, "alerts", "list")
	expect(0, []string{"no alerts"}, "alerts", "list", "--filter", `key="c2"`)
	expect(3, []string{"column"}, "alerts", "list", "--filter", "rul=big")
	expect(0, []string{"1  acknowledged"}, "alerts", "ack", "1")
	expect(0, []string{"1 alert so already"}, "alerts", "ack", "1")
	expect(0, []string{"1  closed as fraud"}, "alerts", "close", "1", "--outcome", "fraud", "--comment", "card blocked")
	expect(0, []string{"2  open, with jd"}, "alerts", "assign", "2", "--to", "jd")
	expect(0, []string{"2  open"}, "alerts", "comment", "looks odd", "2")
	expect(0, []string{"closed/fraud", "close by local: card blocked"}, "alerts", "show", "1")
	expect(0, []string{"1  open"}, "alerts", "reopen", "1")
	expect(3, []string{"no such alert", "not_found"}, "alerts", "show", "99")

	expect(0, []string{"no messages"}, "deliveries", "list")
	expect(3, []string{"webhook"}, "deliveries", "test", "cases")
	expect(3, []string{"a silence needs an end"}, "silences", "add", "--rule", "big", "--reason", "tests")
	expect(0, []string{"sil-", "rule=big"}, "silences", "add", "--rule", "big", "--for", "1h", "--reason", "tests")
	expect(0, []string{"rule=big", "local", "tests"}, "silences", "list")
	expect(1, []string{"rule=big is silenced until", "weir silences end sil-"}, "doctor")
	_, out, _ := ask(t, "silences", "list", "--output", "json", on)
	var silences []struct{ ID string }
	if err := json.Unmarshal([]byte(out), &silences); err != nil || len(silences) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	expect(0, []string{silences[0].ID + " ended"}, "silences", "end", silences[0].ID)
	expect(0, []string{"nothing is wrong"}, "doctor")

	expect(0, []string{"big", "live", "cards.cep:10"}, "rules", "list")
	expect(0, []string{p.url, "SOURCE", "http", "RULE", "big"}, "top", "--once")
	if code := p.stop(syscall.SIGTERM); code != 0 {
		t.Errorf("the server ends with %d", code)
	}
	expect(1, []string{"no server answers", "weir serve"}, "doctor")
	expect(1, []string{"no server answers"}, "doctor", "--state", filepath.Join(dir, "state"))
	expect(3, []string{"there is no state directory"}, "doctor", "--state", filepath.Join(dir, "none"))
	expect(3, []string{"no server answers", "WEIR_SERVER"}, "alerts", "list")
}

func TestTailSeesEveryAlertOnceThoughTheServerIsKilled(t *testing.T) {
	dir := t.TempDir()
	rules, state := filepath.Join(dir, "cards.cep"), filepath.Join(dir, "state")
	if err := os.WriteFile(rules, []byte(remoteRules), 0o644); err != nil {
		t.Fatal(err)
	}
	p := serve(t, state, rules)
	p.pay(payment("c1", 500))
	listen := strings.TrimPrefix(p.url, "http://")
	tail := command("alerts", "tail", "--after", "0", "--output", "json", "--server", p.url)
	out, errs := &syncBuffer{}, &syncBuffer{}
	tail.Stdout, tail.Stderr = out, errs
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tail.Process.Kill(); tail.Wait() })
	saw := func(n int) func() bool { return func() bool { return strings.Count(out.String(), "\n") >= n } }
	p.until("the first alert is seen", saw(1))
	p.stop(syscall.SIGKILL)
	p = serve(t, state, "--listen", listen, rules)
	p.pay(payment("c2", 500) + payment("c3", 500))
	p.until("the others are seen", saw(3))
	var keys []string
	for line := range strings.Lines(out.String()) {
		var a struct {
			Seq uint64
			Key struct{ Card string }
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprint(a.Seq, a.Key.Card))
	}
	if got := strings.Join(keys, " "); got != "1 c1 2 c2 3 c3" && got != "1c1 2c2 3c3" {
		t.Errorf("saw %s; said %s", got, errs)
	}
	if !strings.Contains(errs.String(), "connected again") {
		t.Errorf("it said %s", errs)
	}
	tail.Process.Signal(syscall.SIGINT)
	if tail.Wait(); tail.ProcessState.ExitCode() != 0 {
		t.Errorf("it ends with %d: %s", tail.ProcessState.ExitCode(), errs)
	}
}

func TestConfigSaysWhereSettingsComeFrom(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(configFile, []byte("listen: 127.0.0.1:9000\nshards: 3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEIR_STATE", "/var/lib/weir")
	t.Setenv("WEIR_SHARDS", "4")
	code, out, errs := ask(t, "config", "show", "serve", "--log-format", "json")
	if code != 0 {
		t.Fatalf("%d: %s", code, errs)
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		got[f[0]] = strings.Join(f[1:], " ")
	}
	for name, want := range map[string]string{
		"listen":        "127.0.0.1:9000 weir.yaml (line 1)",
		"shards":        "4 environment (WEIR_SHARDS)",
		"state":         "/var/lib/weir environment (WEIR_STATE)",
		"log-format":    "json flag",
		"drain-timeout": "30s default",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if code, out, _ := ask(t, "config", "validate"); code != 0 || out != "ok: 2 settings in weir.yaml\n" {
		t.Errorf("%d %q", code, out)
	}
	for text, say := range map[string]string{"shards: many\n": "weir.yaml:1: shards", "log-format: xml\n": "xml is none of text, json", "shard: 2\n": `did you mean "shards"?`} {
		if err := os.WriteFile(configFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := ask(t, "config", "validate"); code != exitInput || !strings.Contains(errs, say) {
			t.Errorf("%q: %d %q", text, code, errs)
		}
	}
	if err := os.Remove(configFile); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := ask(t, "config", "show", "serve", "--no-such"); code != exitInput || !strings.Contains(errs, "no-such") {
		t.Errorf("%d %q", code, errs)
	}
}
