package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
)

func TestNewestAlerts(t *testing.T) {
	log := newLog(t)
	for range 5 {
		found(t, log, "a", cep.Low)
	}
	found(t, log, "b", cep.High)
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: log}).Handler()
	for query, seqs := range map[string]string{"?last=2": "6,5", "?last=2&before=5": "4,3", "?last=10&rule=b": "6", "?last=9&before=1970-01-01T03:00:00Z": "2,1", "?last=3&before=1": ""} {
		if got := numbers(t, expect(t, ask(t, h, "GET", "/api/v1/alerts"+query, ""), 200)); got != seqs {
			t.Errorf("%s: %s, not %s", query, got, seqs)
		}
	}
	for query, want := range map[string]string{"?last=0": "from 1", "?last=1001": "1000", "?last=2&after=1": "do not go together", "?last=2&wait=1s": "do not go together", "?last=1&before=0": "before=0", "?last=1&before=x": "before=x"} {
		expect(t, ask(t, h, "GET", "/api/v1/alerts"+query, ""), 400, want)
	}
}

func TestTriage(t *testing.T) {
	log := newLog(t)
	p := newPeople(t)
	found(t, log, "a", cep.Low)
	found(t, log, "a", cep.High)
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: log, Tokens: p.file}).Handler()
	as := func(role Role, method, path, body string) string {
		r := ask(t, h, method, path, body, bearer(p.secret[role])...)
		return fmt.Sprint(r.StatusCode, " ", text(t, r))
	}
	for _, c := range []struct{ body, want string }{
		{`{"alerts":[1,2],"state":"acknowledged","assignee":"jd"}`, `200 {"actions":[{"action":1,"seq":1,"kind":"acknowledge"`},
		{`{"alerts":[1,2],"state":"acknowledged","assignee":"jd"}`, `200 {"actions":[]}`},
		{`{"alerts":[2],"state":"closed","outcome":"fraud","comment":"called"}`, `"kind":"close"`},
		{`{"alerts":[2],"state":"closed","outcome":"fraud","comment":"called"}`, `"by":"a-analyst"`},
		{`{"alerts":[9],"comment":"x"}`, `404 {"error":{"code":"not_found"`},
		{`{"alerts":[1]}`, `400 {"error":{"code":"bad_change"`},
		{`{"alerts":[1],"state":"done"}`, `an alert is open, acknowledged, closed`},
		{`{"alerts":[1],"outcome":"fraud"}`, `close it, or leave the outcome out`},
		{`{"alerts":[],"comment":"x"}`, `no alert is named`},
		{`{"alerts":[1],"sate":"open"}`, `did you mean \"state\"?`},
		{`{"alerts":[1],"State":"open"}`, `did you mean \"state\"?`},
		{`{"alerts":1}`, `alerts can't be number`},
		{`{"alerts":[-1],"comment":"x"}`, `whole number, not below 0`},
		{`{"alerts":[1],"state":null}`, `state is null`},
	} {
		if got := as(RoleAnalyst, "POST", "/api/v1/alerts/triage", c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.body, got)
		}
	}
	if got := as(RoleViewer, "POST", "/api/v1/alerts/triage", `{}`); !strings.HasPrefix(got, "403") {
		t.Error(got)
	}
	got := as(RoleViewer, "GET", "/api/v1/alerts/2", "")
	for _, want := range []string{`200 {"alert":{`, `"state":"closed","outcome":"fraud","assignee":"jd","comments":2`, `"history":[{"action":2,"seq":2`, `"comment":"called"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if got := as(RoleViewer, "GET", "/api/v1/alerts/7", ""); !strings.HasPrefix(got, "404") {
		t.Error(got)
	}
	if got := as(RoleViewer, "GET", "/api/v1/alerts/x", ""); !strings.HasPrefix(got, "400") {
		t.Error(got)
	}
	if got := as(RoleViewer, "GET", "/api/v1/alerts?after=1", ""); !strings.Contains(got, `"state":"closed"`) {
		t.Error(got)
	}
	if got := as(RoleViewer, "GET", "/api/v1/actions?after=3&limit=1", ""); !strings.HasPrefix(got, `200 {"items":[{"action":4,"seq":2,"kind":"comment"`) || !strings.HasSuffix(got, `"next":4,"head":4}`+"\n") {
		t.Error(got)
	}
	if got := as(RoleViewer, "GET", "/api/v1/alerts/groups?by=rule,key", ""); !strings.Contains(got, `{"rule":"a","key":"a1","alerts":2,"open":1,"first":"1970-01-01T01:00:00Z","last":"1970-01-01T02:00:00Z","first_seq":1,"last_seq":2,"severity":"high"}],"back":1,"head":2}`) {
		t.Error(got)
	}
	if got := as(RoleViewer, "GET", "/api/v1/alerts/groups?by=day", ""); !strings.Contains(got, "by=rule,key") {
		t.Error(got)
	}
}

func TestSilences(t *testing.T) {
	log := newLog(t)
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: log}).Handler()
	post := func(body string, status int, holds ...string) string {
		t.Helper()
		return expect(t, ask(t, h, "POST", "/api/v1/silences", body), status, holds...)
	}
	for body, want := range map[string]string{
		`{}`: "name a rule", `{"rule":"a","reason":"x"}`: "needs an end", `{"rule":"a","for":"24h"}`: "reason", `{"rule":"a","reason":"x","for":"1y"}`: "24h or 7d",
		`{"rule":"a","reason":"x","for":"1h","ends":"2030-01-01T00:00:00Z"}`: "do not go together", `{"rule":"a","reason":"x","ends":"soon"}`: "2026-01-31", `{"rule":"a","reason":"x","for":"-1h"}`: "24h or 7d",
		`{"rule":"a","reason":"x","for":"9999999d"}`: "24h or 7d", `{"rule":"a","reason":"x","ends":"1999-01-01T00:00:00Z"}`: "ends before", `{"labels":{"team":1}}`: "can't be number", `{"labels":[]}`: "an object",
	} {
		post(body, 400, want)
	}
	var got silenceAnswerForTest
	if err := json.Unmarshal([]byte(post(`{"rule":"a*","labels":{"team":"x"},"reason":"test","for":"7d"}`, 201, `"by":"local"`, `"labels":{"team":"x"}`)), &got); err != nil {
		t.Fatal(err)
	}
	if span := got.Ends.Sub(got.Starts); span < 7*24*time.Hour-time.Minute || span > 7*24*time.Hour+time.Minute {
		t.Error(span)
	}
	expect(t, ask(t, h, "GET", "/api/v1/silences", ""), 200, got.ID)
	if r := ask(t, h, "DELETE", "/api/v1/silences/"+got.ID, ""); r.StatusCode != 204 {
		t.Error(r.StatusCode)
	}
	expect(t, ask(t, h, "DELETE", "/api/v1/silences/"+got.ID, ""), 404, "is in force")
	expect(t, ask(t, h, "GET", "/api/v1/silences", ""), 200, `{"items":[]}`)
	expect(t, ask(t, h, "GET", "/api/v1/silences?past=true", ""), 200, got.ID, `"ended_by":"local"`)
	expect(t, ask(t, h, "GET", "/api/v1/silences?past=maybe", ""), 400)
	expect(t, ask(t, h, "GET", "/api/v1/actions", ""), 200, `"kind":"silence"`, `"kind":"unsilence"`)
	without := New(Config{Runtime: &fakeRuntime{}}).Handler()
	for _, path := range []string{"silences", "actions", "alerts/1", "alerts/groups"} {
		expect(t, ask(t, without, "GET", "/api/v1/"+path, ""), 503, "unavailable")
	}
}

type silenceAnswerForTest struct {
	ID           string
	Starts, Ends time.Time
}

// FuzzJSON: whatever a body is, it is taken or refused with a reason; what is
// taken means the same to a decoder that is not strict.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"alerts":[1,2],"state":"open"}`, `{"alerts":[1],"alerts":[2]}`, `{"a":{"b":[[[]]]}}`, `[`, `{"state":null}`, "{}\n{}", `{"comment":"\ud800"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got triageAsk
		if e := decodeJSON([]byte(body), 8, &got); e != nil {
			if e.Status != 400 || e.Message == "" || len(e.Message) > 1000 {
				t.Fatalf("%+v", e)
			}
			return
		}
		var loose triageAsk
		if err := json.Unmarshal([]byte(body), &loose); err != nil {
			t.Fatalf("%q is taken: %v", body, err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(loose)
		if string(a) != string(b) {
			t.Fatalf("%s and %s", a, b)
		}
	})
}

var _ AlertLog = (*alerts.Log)(nil)
