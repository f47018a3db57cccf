//go:build unix

package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ask sends a request, and returns what is answered.
func (p *process) ask(method, path string, body any) (status int, text string) {
	p.t.Helper()
	in, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(string(in)))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer.StatusCode, string(out)
}

type fields = map[string]any

const adminRules = `event Pay { time at  at: timestamp  user: string  amount: number }
source web of Pay from http { order: arrival }
list watched of string = ["u1"]
rule watch { by user  on Pay when user in watched  alert { message "watched {user}" } }
`

const applied = `import "r.cep"
rule large { by user  on Pay when amount > 100  alert { message "large {user}" } }
`

// TestRulesThroughTheAPI: what the API changes of rules and lists is in force,
// outlasts kills, and can be taken back; what makes no sense changes nothing.
func TestRulesThroughTheAPI(t *testing.T) {
	inFolder(t)
	write(t, "r.cep", adminRules)
	p := serve(t, "state", "r.cep", "--log-level", "warn")
	day, seen := 0, 0
	// see sends a payment of each of three users, and wants these alerts.
	see := func(want string) {
		t.Helper()
		day++
		var events []string
		for i := 1; i <= 3; i++ {
			events = append(events, fmt.Sprintf(`{"type":"Pay","user":"u%d","amount":%d,"at":"2026-01-%02dT00:00:0%dZ"}`, i, i*60, day, i))
		}
		p.post(events...)
		var got []string
		n := len(strings.Fields(strings.ReplaceAll(want, ",", " "))) / 2
		p.until("alerts "+want, func() bool {
			var page struct {
				Items []struct{ Message, Status string }
				Next  int
			}
			p.get(fmt.Sprintf("/api/v1/alerts?after=%d", seen), &page)
			got = got[:0]
			for _, a := range page.Items {
				text := a.Message
				if a.Status == "shadow" {
					text = "(" + text + ")"
				}
				got = append(got, text)
			}
			return len(got) >= n
		})
		seen += len(got)
		if s := strings.Join(got, ", "); s != want {
			t.Fatalf("day %d: %s, not %s", day, s, want)
		}
	}
	ok := func(method, path string, body fields, parts ...string) {
		t.Helper()
		status, text := p.ask(method, path, body)
		if status >= 300 {
			t.Fatalf("%s: %d %s", path, status, text)
		}
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: %s lacks %s", path, text, part)
			}
		}
	}
	refused := func(method, path string, body fields, status int, part string) {
		t.Helper()
		if got, text := p.ask(method, path, body); got != status || !strings.Contains(text, part) {
			t.Errorf("%s: %d %s, not %d with %s", path, got, text, status, part)
		}
	}
	again := func() {
		p.stop(syscall.SIGKILL)
		p = serve(t, "state", "r.cep", "--log-level", "warn")
	}

	see("watched u1")
	ok("POST", "/api/v1/rules/check", fields{"file": "more.cep", "text": applied}, `"ok":true`)
	ok("POST", "/api/v1/rules/check", fields{"file": "more.cep", "text": strings.Replace(applied, "amount", "amunt", 1)}, `"ok":false`, "amunt", "did you mean")
	ok("POST", "/api/v1/rules/apply", fields{"file": "more.cep", "text": applied, "reason": "first"}, `{"rule":"large","what":"new"}`)
	see("watched u1, large u2, large u3")
	refused("POST", "/api/v1/rules/apply", fields{"file": "more.cep", "text": "rule x {", "reason": "second"}, 422, "rules_do_not_compile")
	refused("POST", "/api/v1/rules/apply", fields{"file": "r.cep", "text": applied, "reason": "second"}, 400, "the rules of r.cep are managed by that file")
	refused("POST", "/api/v1/rules/apply", fields{"file": "../x.cep", "text": applied, "reason": "second"}, 400, "is no name of a rule file")
	refused("POST", "/api/v1/rules/apply", fields{"file": "x.cep", "text": applied}, 400, "needs a reason")
	again()
	see("watched u1, large u2, large u3")
	ok("POST", "/api/v1/rules/watch/status", fields{"status": "shadow", "reason": "loud"}, `"status":"shadow"`, `"managed_by":"file"`)
	ok("POST", "/api/v1/lists/watched/entries", fields{"add": []string{"u3"}, "remove": []string{"u1"}, "reason": "case", "for": "24h"}, `"values":["u3"]`, `"reason":"case"`)
	ok("POST", "/api/v1/rules/apply", fields{"file": "more.cep", "text": strings.Replace(applied, "100", "150", 1), "reason": "third"}, `{"rule":"large","what":"kept"}`)
	again()
	see("large u3, (watched u3)")
	var story struct {
		Text     string
		Versions []struct{ Version, By, Reason, Text string }
	}
	p.get("/api/v1/rules/large", &story)
	if len(story.Versions) != 2 || story.Versions[0].Reason != "third" || !strings.Contains(story.Versions[1].Text, "> 100") || !strings.Contains(story.Text, "> 150") {
		t.Errorf("%+v", story)
	}
	ok("POST", "/api/v1/rules/large/rollback", fields{"version": story.Versions[1].Version, "reason": "back"})
	refused("POST", "/api/v1/rules/watch/rollback", fields{"version": "none", "reason": "back"}, 404, "no version")
	see("large u2, large u3, (watched u3)")
	ok("POST", "/api/v1/rules/watch/status", fields{"status": "off", "reason": "quiet"}, `"status":"off"`)
	ok("DELETE", "/api/v1/rules/files/more.cep", fields{"reason": "over"})
	refused("DELETE", "/api/v1/rules/files/more.cep", fields{"reason": "over"}, 400, "was applied here")
	refused("POST", "/api/v1/rules/large/status", fields{"status": "live", "reason": "x"}, 404, "no such rule")
	refused("POST", "/api/v1/lists/nobody/entries", fields{"add": []string{"x"}, "reason": "x"}, 404, "no such list")
	ok("POST", "/api/v1/rules/watch/status", fields{"status": "live", "reason": "again"}, `"status":"live"`)
	see("watched u3")
	// An edit ends by itself.
	ok("POST", "/api/v1/lists/watched/entries", fields{"add": []string{"u2"}, "remove": []string{"u3"}, "reason": "short", "for": "10ms"})
	p.until("the edit has ended", func() bool {
		var list struct{ Edits []struct{ Value string } }
		p.get("/api/v1/lists/watched", &list)
		return len(list.Edits) == 1
	})
	again()
	write(t, "r.cep", strings.Replace(adminRules, `["u1"]`, `["u1", "u2"]`, 1)) // a file's change goes beside the edits
	p.until("the file is taken up", func() bool {
		var list struct{ Values []string }
		p.get("/api/v1/lists/watched", &list)
		return strings.Join(list.Values, " ") == "u2"
	})
	var trail struct {
		Items []struct{ Kind, Detail string }
	}
	p.get("/api/v1/actions?limit=100", &trail)
	kinds := map[string]int{}
	for _, a := range trail.Items {
		kinds[a.Kind]++
	}
	if fmt.Sprint(kinds) != "map[list_edit:3 rule_rollback:1 rule_status:3 rules_apply:2 rules_remove:1]" {
		t.Errorf("the trail has %v", kinds)
	}
	// A savepoint has it all.
	saved, err := filepath.Abs("saved")
	if err != nil {
		t.Fatal(err)
	}
	ok("POST", "/api/v1/state/savepoint", fields{"dir": saved})
	p.stop(syscall.SIGTERM)
	if code, _, errs := weir(t, "state", "restore", "saved", "--state", "other"); code != exitOK {
		t.Fatal(errs)
	}
	p = serve(t, "other", "r.cep", "--log-level", "warn")
	var list struct {
		Values []string
		Edits  []struct{ Value string }
	}
	p.get("/api/v1/lists/watched", &list)
	if strings.Join(list.Values, " ") != "u2" || len(list.Edits) != 1 || list.Edits[0].Value != "u1" {
		t.Errorf("%+v", list)
	}
	p.stop(syscall.SIGTERM)
}
