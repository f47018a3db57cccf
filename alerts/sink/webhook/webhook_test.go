package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
)

func ptr[T any](v T) *T { return &v }

// What is posted passes the specification's own verifier, by every secret that
// is in the file, over a real connection.
func TestSignatures(t *testing.T) {
	old, err := standardwebhooks.NewWebhook(testSecret)
	must(t, err)
	const newer = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD9KjLq3HcZqk="
	next, err := standardwebhooks.NewWebhook(newer)
	must(t, err)
	got := make(chan []error, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := r.Body.Read(body); err != nil && err.Error() != "EOF" {
			t.Error(err)
		}
		got <- []error{old.Verify(body, r.Header), next.Verify(body, r.Header), old.Verify(append(body, ' '), r.Header)}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer srv.Close()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(newer+"\n"+testSecret+"\n"), 0o600))
	s := sinktest.Spec(t, filepath.Join(dir, "r.cep"), fmt.Sprintf(`webhook { url: %q, secret_file: "secret", allow: ["127.0.0.0/8", "::1"] }`, srv.URL))
	l := sinktest.Log(t)
	begin(t, l, nil, s)
	sinktest.Commit(t, l, 1)
	errs := <-got
	if errs[0] != nil || errs[1] != nil {
		t.Errorf("not verified: %v", errs)
	}
	if errs[2] == nil {
		t.Error("another body is verified too")
	}
	// A secret that was replaced is taken up by the next message.
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(testSecret), 0o600))
	sinktest.Commit(t, l, 2)
	if errs = <-got; errs[0] != nil || errs[1] == nil {
		t.Errorf("%v", errs)
	}
}

func TestMessage(t *testing.T) {
	l, r := sinktest.Log(t), &receiver{}
	begin(t, l, r, spec(t, ""))
	sinktest.Commit(t, l, 1)
	sinktest.Eventually(t, "it arrives", func() bool { return len(r.got()) == 1 })
	c := r.got()[0]
	var m struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
	must(t, json.Unmarshal(c.body, &m))
	if m.Type != TypeOpened || m.Data["seq"] != 1.0 || m.Data["url"] != "https://weir.example/alerts/1" || m.Data["message"] != "alert 1" || m.Timestamp.IsZero() {
		t.Errorf("%s", c.body)
	}
	if want := fmt.Sprintf("%032x-1", 1); c.id != want || strings.Contains(c.id, ".") {
		t.Errorf("id %s, not %s", c.id, want)
	}
	if c.header.Get("Content-Type") != "application/json" || c.header.Get("webhook-signature") == "" || c.header.Get("webhook-timestamp") == "" {
		t.Errorf("%v", c.header)
	}
}

// The whole schedule, in a clock of its own: ten tries over some 75 hours under
// one id, then the message is dead and can be sent again.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := http.StatusInternalServerError
		l, r := sinktest.Log(t), &receiver{}
		r.answer = func(*call) (int, http.Header) { return status, nil }
		e := begin(t, l, r, spec(t, ", disable_after: 2000h"))
		start := time.Now()
		sinktest.Commit(t, l, 1)
		time.Sleep(100 * time.Hour)
		synctest.Wait()
		calls := r.got()
		if len(calls) != len(Schedule)+1 {
			t.Fatalf("%d tries", len(calls))
		}
		at := calls[0].at
		for i, c := range calls[1:] {
			gap, d := c.at.Sub(at), Schedule[i]
			if gap < d*4/5 || gap > d*6/5+time.Second {
				t.Errorf("try %d came after %v, the schedule says %v", i+2, gap, d)
			}
			if c.id != calls[0].id || c.header.Get("webhook-timestamp") == calls[0].header.Get("webhook-timestamp") {
				t.Errorf("try %d: the id must stay and the time must not", i+2)
			}
			at = c.at
		}
		t.Logf("%d tries over %v", len(calls), at.Sub(start).Round(time.Minute))
		dead, err := l.Deliveries(alerts.DeliveryQuery{Sink: "out", States: []alerts.DeliveryState{alerts.DeliveryDead}})
		must(t, err)
		if len(dead) != 1 || dead[0].Tries != 10 || dead[0].Attempts[9].Status != 500 || dead[0].Attempts[9].Response != "answer" || !strings.Contains(dead[0].Reason, "given up after 10 tries: answer 500") {
			t.Fatalf("%+v", dead)
		}
		status = http.StatusOK
		n, err := e.Retry(t.Context(), Selection{Sink: "out"})
		must(t, err)
		synctest.Wait()
		calls = r.got()
		if last := calls[len(calls)-1]; n != 1 || len(calls) != 11 || last.id != calls[0].id || last.status != 200 {
			t.Errorf("%d sent again: %+v", n, last)
		}
	})
}

func TestReceiverThatIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, r := sinktest.Log(t), &receiver{}
		r.answer = func(*call) (int, http.Header) {
			if len(r.calls) == 0 {
				return http.StatusTooManyRequests, http.Header{"Retry-After": {"600"}}
			}
			return http.StatusOK, nil
		}
		e := begin(t, l, r, spec(t, ", order: strict"))
		start := time.Now()
		sinktest.Commit(t, l, 3)
		time.Sleep(599 * time.Second)
		synctest.Wait()
		if n := len(r.got()); n != 1 {
			t.Fatalf("%d tries in the time in which there were to be none", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls := r.got(); len(calls) != 4 || calls[1].at.Sub(start) < 600*time.Second {
			t.Fatalf("%d tries", len(calls))
		}
		if s := e.Stats()[0]; s.Slowed != 1 || s.Delivered != 3 || s.Pending != 0 || !s.Failing.IsZero() || s.Sentence(time.Now()) != "" {
			t.Errorf("%+v", s)
		}
	})
}

// 410, and nothing but failures for too long, switch an endpoint off; the others
// and the trail tell of it; what it has to deliver waits and comes when it is
// on again.
func TestSwitchedOff(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		option  string
		within  time.Duration
		because string
	}{
		"410":      {http.StatusGone, "", time.Minute, "410"},
		"failures": {http.StatusBadRequest, ", disable_after: 1h", 4 * time.Hour, "nothing but failures for"},
		"redirect": {http.StatusFound, ", disable_after: 1m", time.Hour, "answer 302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, r := sinktest.Log(t), &receiver{}
				status := c.status
				r.answer = func(m *call) (int, http.Header) {
					if m.typ == TypeDisabled {
						return http.StatusOK, nil
					}
					return status, nil
				}
				other := spec(t, "")
				other.IR.Name = "other"
				e := begin(t, l, r, spec(t, c.option), other)
				sinktest.Commit(t, l, 1)
				time.Sleep(c.within)
				synctest.Wait()
				s := e.Stats()
				if len(s) != 2 || s[1].Sink != "out" || !strings.Contains(s[1].Disabled, c.because) || !strings.Contains(s[1].Sentence(time.Now()), "is off") {
					t.Fatalf("%+v", s)
				}
				calls := r.got()
				if last := calls[len(calls)-1]; last.typ != TypeDisabled || !strings.Contains(string(last.body), "webhook out was switched off") {
					t.Errorf("the other endpoint was told %s", last.body)
				}
				trail, _, err := l.ActionsAfter(0, 10)
				must(t, err)
				if len(trail) != 1 || trail[0].Kind != "endpoint_disabled" {
					t.Errorf("%+v", trail)
				}
				sinktest.Commit(t, l, 5)
				time.Sleep(5 * time.Hour)
				synctest.Wait()
				if more := len(r.got()) - len(calls); more != 0 {
					t.Errorf("%d messages while it was off", more)
				}
				status = http.StatusOK
				must(t, e.Enable(t.Context(), "out", "jd"))
				synctest.Wait()
				sinktest.Complete(t, r.taken(), 5)
			})
		})
	}
}

func TestTest(t *testing.T) {
	l, r := sinktest.Log(t), &receiver{}
	status := http.StatusUnauthorized
	r.answer = func(*call) (int, http.Header) { return status, nil }
	e := begin(t, l, r, spec(t, ""))
	must(t, e.Disable(t.Context(), "out", "jd", "maintenance"))
	d, err := e.Test(t.Context(), "out")
	must(t, err)
	if d.State != alerts.DeliveryDead || len(d.Attempts) != 1 || d.Attempts[0].Status != 401 {
		t.Errorf("%+v", d)
	}
	r.mu.Lock()
	status = http.StatusOK
	r.mu.Unlock()
	if d, err = e.Test(t.Context(), "out"); err != nil || d.State != alerts.DeliveryDelivered {
		t.Errorf("%+v %v", d, err)
	}
	verify, err := standardwebhooks.NewWebhook(testSecret)
	must(t, err)
	for _, c := range r.got() {
		if c.typ != TypeTest || verify.Verify(c.body, c.header) != nil {
			t.Errorf("%s", c.body)
		}
	}
	if _, err := e.Test(t.Context(), "nobody"); err == nil {
		t.Error("a test of nothing")
	}
}

func TestUpdates(t *testing.T) {
	l, r := sinktest.Log(t), &receiver{}
	begin(t, l, r, spec(t, ", order: key"))
	sinktest.Commit(t, l, 2)
	sinktest.Eventually(t, "the alerts arrive", func() bool { return len(r.got()) == 2 })
	_, err := l.Act([]uint64{1}, alerts.Change{State: ptr(alerts.StateAcknowledged), Assignee: ptr("jd")}, "jd")
	must(t, err)
	_, err = l.Act([]uint64{1}, alerts.Change{State: ptr(alerts.StateClosed), Outcome: ptr("fraud")}, "eve")
	must(t, err)
	_, err = l.Act([]uint64{1}, alerts.Change{Comment: ptr("done")}, "eve")
	must(t, err)
	sinktest.Eventually(t, "what was done arrives", func() bool { return len(r.got()) == 5 })
	for i, want := range []string{`"type":"alert.updated" "state":"acknowledged" "assignee":"jd"`, `"type":"alert.resolved" "state":"closed" "outcome":"fraud"`, `"type":"alert.updated" "state":"closed"`} {
		c := r.got()[2+i]
		for _, part := range strings.Fields(want) {
			if !strings.Contains(string(c.body), part) {
				t.Errorf("%s is not in %s", part, c.body)
			}
		}
		if id := fmt.Sprintf("%032x-1-%d", 1, i+1); c.id != id {
			t.Errorf("id %s, not %s", c.id, id)
		}
	}
}

func TestPurge(t *testing.T) {
	l, r := sinktest.Log(t), &receiver{}
	r.answer = func(*call) (int, http.Header) { return 0, nil }
	e := begin(t, l, r, spec(t, ""))
	sinktest.Commit(t, l, 3)
	sinktest.Eventually(t, "all failed once", func() bool { return len(r.got()) == 3 && e.Stats()[0].Trying == 0 })
	n, err := e.Purge(t.Context(), Selection{Sink: "out", States: []alerts.DeliveryState{alerts.DeliveryPending}, IDs: []string{"out/1", "out/2"}}, "jd")
	must(t, err)
	dead, err := l.Deliveries(alerts.DeliveryQuery{Seq: 2})
	must(t, err)
	if n != 2 || len(dead) != 1 || dead[0].State != alerts.DeliveryDead || dead[0].Reason != "purged by jd" || dead[0].Attempts[0].Error == "" {
		t.Errorf("%d: %+v", n, dead)
	}
	if n, err := e.Retry(t.Context(), Selection{IDs: []string{"out/3"}}); err != nil || n != 1 {
		t.Errorf("a pending one by its id: %d %v", n, err)
	}
	if n, err := e.Retry(t.Context(), Selection{IDs: []string{"out/99"}}); n != 0 || !errors.Is(err, alerts.ErrNoDelivery) || !strings.Contains(err.Error(), "out/99") {
		t.Errorf("one that there is not: %d %v", n, err)
	}
	sinktest.Eventually(t, "it is tried again", func() bool { return len(r.got()) == 4 && e.Stats()[0].Trying == 0 })
	if n, err = e.Purge(t.Context(), Selection{}, "jd"); err != nil || n != 2 {
		t.Errorf("%d %v", n, err)
	}
	left, err := l.Deliveries(alerts.DeliveryQuery{})
	must(t, err)
	if len(left) != 1 || left[0].Seq != 3 {
		t.Errorf("%+v", left)
	}
}

// An endpoint whose sink changes goes on with what it has to deliver.
func TestChangedSink(t *testing.T) {
	l, r := sinktest.Log(t), &receiver{}
	r.answer = func(*call) (int, http.Header) { return 0, nil }
	e := begin(t, l, r, spec(t, ""))
	sinktest.Commit(t, l, 5)
	sinktest.Eventually(t, "all failed once", func() bool { return len(r.got()) == 5 })
	r.mu.Lock()
	r.answer = nil
	r.mu.Unlock()
	must(t, e.Set([]sink.Spec{spec(t, ", order: strict")}))
	_, err := e.Retry(t.Context(), Selection{States: []alerts.DeliveryState{alerts.DeliveryPending}})
	must(t, err)
	sinktest.Eventually(t, "all arrive", func() bool { return len(r.taken()) >= 5 })
	sinktest.Complete(t, r.taken(), 5)
	must(t, e.Set(nil))
	if s := e.Stats(); len(s) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWrongSettings(t *testing.T) {
	for options, says := range map[string]string{
		`url: "ftp://x"`:                                          "is no address of a web server",
		`url: "https://me:pw@example.com/"`:                       "a password does not belong into a rule file",
		`url: "https://example.com/", allow: ["10.0.0.1/8"]`:      `did you mean "10.0.0.0/8"`,
		`url: "https://example.com/", template: "nothing.tmpl"`:   "the bundled templates are slack, pagerduty and email",
		`url: "https://example.com/", template: "pagerduty"`:      "needs a routing key",
		`url: "https://example.com/", template: "bad.tmpl"`:       "bad.tmpl:2",
		`url: "https://example.com/", template: "text.tmpl"`:      "makes no JSON",
		`url: "https://example.com/", secret_file: "short"`:       "must be 24 to 64",
		`url: "https://example.com/", secret_file: "plain"`:       "does not begin with whsec_",
		`url: "https://example.com/", secret_file: "nothing"`:     "no such file",
		`url: "https://example.com/", secret_file: env("NO_ENV")`: "the variable NO_ENV is not set",
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"bad.tmpl": "{\n{{ .data.x", "text.tmpl": "hello {{.type}}", "short": "whsec_c2hvcnQ=", "plain": "hunter2"} {
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		err := New(Config{}).Check([]sink.Spec{sinktest.Spec(t, filepath.Join(dir, "r.cep"), "webhook { "+options+" }")})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "sink out") {
			t.Errorf("%s: %v, not %q", options, err, says)
		}
	}
}
