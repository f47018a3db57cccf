package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink/webhook"
	"github.com/weir-cep/weir/cep"
)

// fakeWebhooks notes what it is asked for.
type fakeWebhooks struct{ asked []string }

func (f *fakeWebhooks) note(format string, args ...any) {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func (f *fakeWebhooks) Stats() []webhook.Stats {
	return []webhook.Stats{{Sink: "cases", URL: "https://cases.example/hook", Order: "key", Disabled: "410 Gone",
		Lag: 3, Pending: 2, Delivered: 9, Failed: 4, Dead: 6, Dropped: 8, Gathered: 1, Oldest: time.Date(2026, 1, 31, 11, 59, 50, 0, time.UTC)}}
}

func (f *fakeWebhooks) Retry(_ context.Context, s webhook.Selection) (int, error) {
	f.note("retry %+v", s)
	return 3, nil
}

func (f *fakeWebhooks) Purge(_ context.Context, s webhook.Selection, by string) (int, error) {
	f.note("purge %+v by %s", s, by)
	return 2, nil
}

func (f *fakeWebhooks) Test(_ context.Context, name string) (alerts.Delivery, error) {
	f.note("test %s", name)
	if name != "cases" {
		return alerts.Delivery{}, fmt.Errorf("sink %q: %w", name, webhook.ErrNoEndpoint)
	}
	d := alerts.Delivery{N: 4, Sink: "cases", ID: "test-1", Type: "test", State: alerts.DeliveryDelivered, Created: 1e9}
	d.Add(alerts.Attempt{At: 2e9, Took: 5e6, Status: 200, Response: "ok"})
	return d, nil
}

func (f *fakeWebhooks) Enable(_ context.Context, name, by string) error {
	f.note("enable %s by %s", name, by)
	return nil
}

func (f *fakeWebhooks) Disable(_ context.Context, name, by, why string) error {
	f.note("disable %s by %s: %s", name, by, why)
	return nil
}

func TestDeliveries(t *testing.T) {
	log := newLog(t)
	found(t, log, "a", cep.Low)
	box, _, err := log.OpenOutbox("cases", 100)
	if err != nil {
		t.Fatal(err)
	}
	list := []alerts.Delivery{{ID: "a-1", Type: "alert.opened", Seq: 1, Rule: "a", Key: "k", Created: 1e9, Next: 2e9}, {ID: "s-1", Type: "alert.summary", State: alerts.DeliveryDead, Created: 3e9, Reason: "410"}}
	list[0].Add(alerts.Attempt{At: 1e9, Took: 1e6, Error: "connection refused"})
	if err := box.Add(alerts.Cursor{Seq: 1}, list); err != nil {
		t.Fatal(err)
	}
	hooks := &fakeWebhooks{}
	h := New(Config{Runtime: &fakeRuntime{stats: full(1)}, Alerts: log, Webhooks: hooks}).Handler()
	first := `{"id":"cases/1","sink":"cases","message_id":"a-1","type":"alert.opened","alert":1,"rule":"a","key":"k","state":"pending","created":"1970-01-01T00:00:01Z","next":"1970-01-01T00:00:02Z","tries":1,"attempts":[{"at":"1970-01-01T00:00:01Z","seconds":0.001,"error":"connection refused"}]}`
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "deliveries", "", 200, `{"items":[{"id":"cases/2"`},
		{"GET", "deliveries?alert=1", "", 200, `{"items":[` + first + `]}`},
		{"GET", "deliveries?sink=cases&limit=1", "", 200, `"next":"2"}`},
		{"GET", "deliveries?sink=cases&limit=1&after=2", "", 200, `{"items":[` + first + `],"next":"1"}`},
		{"GET", "deliveries?state=dead", "", 200, `"next":null,"tries":0,"attempts":[],"reason":"410"}]}`},
		{"GET", "deliveries?state=dead&state=pending&sink=none", "", 200, `{"items":[]}`},
		{"GET", "deliveries?state=lost", "", 400, "pending, delivered, dead"},
		{"GET", "deliveries?after=1", "", 400, "after goes with sink"},
		{"GET", "alerts/1", "", 200, `"deliveries":[` + first + `]`},
		{"POST", "deliveries/retry", `{"sink":"cases","states":["dead","delivered"]}`, 200, `{"count":3}`},
		{"POST", "deliveries/purge", `{"ids":["cases/2"],"since":"1970-01-01T00:00:01Z"}`, 200, `{"count":2}`},
		{"POST", "deliveries/purge", `{}`, 400, "no message is named"},
		{"POST", "deliveries/purge", `{"sinks":"x"}`, 400, `did you mean \"sink\"?`},
		{"POST", "deliveries/retry", `{"states":["x"]}`, 400, "bad_change"},
		{"GET", "endpoints", "", 200, `"sink":"cases","url":"https://cases.example/hook","order":"key"`},
		{"POST", "endpoints/cases/test", "", 200, `"attempts":[{"at":"1970-01-01T00:00:02Z","seconds":0.005,"status":200,"response":"ok"}]`},
		{"POST", "endpoints/other/test", "", 404, "no such webhook"},
		{"POST", "endpoints/cases/enable", "", 200, "cases"},
		{"POST", "endpoints/cases/disable", `{"reason":"moving"}`, 200, "cases"},
		{"POST", "endpoints/cases/disable", `{"reason":""}`, 400, "a reason"},
		{"GET", "actions", "", 200, `"kind":"deliveries_purge","at"`},
	} {
		expect(t, ask(t, h, c.method, "/api/v1/"+c.path, c.body), c.status, c.want)
	}
	want := "retry {Sink:cases States:[dead delivered] Since:0 IDs:[]}|purge {Sink: States:[] Since:1000000000 IDs:[cases/2]} by local|test cases|test other|enable cases by local|disable cases by local: moving"
	if got := strings.Join(hooks.asked, "|"); got != want {
		t.Errorf("asked:\n%s\nnot\n%s", got, want)
	}
	expect(t, ask(t, h, "GET", "/readyz?verbose", ""), 200, "[-]sinks: Webhook cases is off")
	without := New(Config{Runtime: &fakeRuntime{}}).Handler()
	expect(t, ask(t, without, "POST", "/api/v1/endpoints/x/test", ""), 503, "has no webhooks")
	expect(t, ask(t, without, "GET", "/api/v1/deliveries", ""), 503, "no alert log")
	expect(t, ask(t, without, "GET", "/api/v1/endpoints", ""), 200, `{"items":[]}`)
}

// The page is for browsers, at every address that is none of the API's.
func TestPageIsServed(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{}, Tokens: newPeople(t).file}).Handler()
	for _, path := range []string{"/", "/alerts/7"} {
		r := ask(t, h, "GET", path, "", "Accept", "text/html,*/*")
		expect(t, r, 200, "<html")
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
	}
	r := ask(t, h, "GET", "/", "")
	expect(t, r, 200, `{"method":"POST","path":"/api/v1/events","role":"sender"`)
	if r.Header.Get("Vary") != "Accept" {
		t.Error("caches are not told")
	}
	for path, status := range map[string]int{"/alerts/7": 404, "/assets/none.js": 404, "/favicon.ico": 200} {
		if r := ask(t, h, "GET", path, ""); r.StatusCode != status {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/api/v1/nothing", "/api/v1/limits"} {
		if r := ask(t, h, "GET", path, "", "Accept", "text/html"); !strings.Contains(r.Header.Get("Content-Type"), "json") || r.StatusCode < 400 {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	if r := ask(t, h, "GET", "/livez", ""); r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" || r.Header.Get("Cache-Control") != "no-store" {
		t.Error(r.Header)
	}
}
