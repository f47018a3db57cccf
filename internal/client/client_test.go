package client

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func open(t *testing.T, c Config) *Client {
	t.Helper()
	cl, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/session":
			w.WriteHeader(403)
			fmt.Fprint(w, `{"error":{"code":"forbidden","message":"this needs the role analyst","hint":"get a token","request_id":"r1"}}`)
		case "/api/v1/state":
			w.WriteHeader(502)
			fmt.Fprint(w, "<html>a proxy</html>")
		default:
			fmt.Fprint(w, "not JSON")
		}
	}))
	defer s.Close()
	cl := open(t, Config{URL: s.URL + "/"})
	_, err := cl.Session(t.Context())
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 403 || refused.Code != "forbidden" {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"this needs the role analyst", "get a token", "forbidden", "r1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if _, err := cl.State(t.Context()); err == nil || !strings.Contains(err.Error(), "502 Bad Gateway") {
		t.Errorf("a proxy's error: %v", err)
	}
	if _, err := cl.Rules(t.Context()); err == nil || !strings.Contains(err.Error(), "not what a server of this version says") {
		t.Errorf("what is not JSON: %v", err)
	}
	s.Close()
	if _, err := cl.Rules(t.Context()); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "WEIR_SERVER") {
		t.Errorf("no server: %v", err)
	}
}

func TestTokensGoToTheServerAndNowhereElse(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }))
	defer other.Close()
	got := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		if r.URL.Path == "/api/v1/state" {
			http.Redirect(w, r, other.URL, http.StatusFound)
			return
		}
		fmt.Fprint(w, `{"name":"jd","role":"analyst","login":true}`)
	}))
	defer s.Close()
	cl := open(t, Config{URL: s.URL, Token: "weir_1\n"})
	who, err := cl.Session(t.Context())
	if err != nil || who != (Session{"jd", "analyst", true}) || got != "Bearer weir_1" {
		t.Errorf("%+v, %v, header %q", who, err, got)
	}
	if _, err := cl.State(t.Context()); err == nil {
		t.Error("a redirect was followed")
	}
	if _, err := New(Config{URL: "http://weir.example.com", Token: "weir_1"}); err == nil || !strings.Contains(err.Error(), "plain text") {
		t.Errorf("a token over plain HTTP: %v", err)
	}
	for _, url := range []string{"", "localhost:8080", "ftp://a", "http://u:p@a", "http://a/?x=1"} {
		if _, err := New(Config{URL: url}); err == nil {
			t.Errorf("%q is taken for an address", url)
		}
	}
}

func TestCAFile(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"name":"jd"}`) }))
	defer s.Close()
	s.Config.ErrorLog = nil
	if _, err := open(t, Config{URL: s.URL}).Session(t.Context()); err == nil {
		t.Error("a certificate of nobody's is taken")
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if who, err := open(t, Config{URL: s.URL, Token: "x", CAFile: file}).Session(t.Context()); err != nil || who.Name != "jd" {
		t.Errorf("%+v, %v", who, err)
	}
}

// script is a feed that plays one list of messages a connection, and then cuts
// it off.
type script struct {
	t     *testing.T
	plays [][]string
	mu    sync.Mutex // over subs: each connection has its own goroutine
	subs  []map[string]any
	pages map[string]string // answers by request
}

func (p *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/stream" {
		text, ok := p.pages[r.URL.RequestURI()]
		if !ok {
			p.t.Errorf("asked for %s", r.URL.RequestURI())
		}
		fmt.Fprint(w, text)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.subs) >= len(p.plays) {
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error":{"code":"unauthorized","message":"the play is over"}}`)
		return
	}
	var up websocket.Upgrader
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer conn.Close()
	var sub map[string]any
	if err := conn.ReadJSON(&sub); err != nil {
		p.t.Error(err)
		return
	}
	play := p.plays[len(p.subs)]
	p.subs = append(p.subs, sub)
	for _, m := range play {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			p.t.Error(err)
		}
	}
}

func items(seqs ...int) string {
	var parts []string
	for _, n := range seqs {
		parts = append(parts, fmt.Sprintf(`{"seq":%d,"rule":"r","key":{"card":"c%d"}}`, n, n))
	}
	return strings.Join(parts, ",")
}

// play follows a script to its end.
func play(t *testing.T, p *script, f Feed) (seqs []uint64, said []string, err error) {
	t.Helper()
	p.t = t
	s := httptest.NewServer(p)
	defer s.Close()
	f.Alert = func(a *Alert) error { seqs = append(seqs, a.Seq); return nil }
	f.Say = func(text string) { said = append(said, text) }
	f.wait = func(context.Context, time.Duration) error { return nil }
	err = open(t, Config{URL: s.URL}).Follow(t.Context(), f)
	p.mu.Lock() // no connection still writes what it was asked
	defer p.mu.Unlock()
	return seqs, said, err
}

func TestFeedGoesOnWhereItWas(t *testing.T) {
	p := &script{plays: [][]string{
		{`{"type":"snapshot","id":"cli","upto":12,"actions":3,"items":[` + items(10, 12) + `]}`,
			`{"type":"batch","id":"cli","seq":[13,15],"items":[` + items(13, 15) + `]}`},
		{`{"type":"batch","id":"cli","seq":[14,17],"items":[` + items(15, 16) + `]}`, `{"type":"hb","head":20,"seq":20,"actions":4}`},
		{`{"type":"batch","id":"cli","seq":[21,21],"items":[` + items(21) + `]}`},
	}}
	seqs, said, err := play(t, p, Feed{Snapshot: 5, Filter: "rule=r"})
	if want := []uint64{10, 12, 13, 15, 16, 21}; !slices.Equal(seqs, want) {
		t.Errorf("got %v, want %v", seqs, want)
	}
	if err == nil || !strings.Contains(err.Error(), "the play is over") {
		t.Errorf("it ends with %v", err)
	}
	if p.subs[0]["snapshot"] != 5.0 || p.subs[0]["filter"] != "rule=r" || p.subs[1]["after"] != 15.0 || p.subs[1]["actions"] != 3.0 || p.subs[2]["after"] != 20.0 {
		t.Errorf("subscriptions %v", p.subs)
	}
	if len(said) < 2 || !strings.Contains(said[0], "lost") || said[1] != "connected again" {
		t.Errorf("said %q", said)
	}
}

func TestFeedFillsGaps(t *testing.T) {
	p := &script{plays: [][]string{{
		`{"type":"batch","id":"cli","seq":[6,7],"items":[` + items(7) + `]}`,
		`{"type":"gap","id":"cli","from":8,"to":12,"reason":"slow_client","fetch":"/api/v1/alerts?after=7"}`,
		`{"type":"batch","id":"cli","seq":[13,13],"items":[` + items(13) + `]}`,
		`{"type":"gap","id":"cli","from":14,"to":30,"reason":"gone"}`,
		`{"type":"batch","id":"cli","seq":[31,31],"items":[` + items(31) + `]}`,
	}}, pages: map[string]string{
		"/api/v1/alerts?after=7&limit=500":  `{"items":[` + items(8, 9) + `],"next":10,"head":13}`,
		"/api/v1/alerts?after=10&limit=500": `{"items":[` + items(12, 13) + `],"next":13,"head":13}`,
	}}
	seqs, said, _ := play(t, p, Feed{After: 5, Resume: true})
	if want := []uint64{7, 8, 9, 12, 13, 31}; !slices.Equal(seqs, want) {
		t.Errorf("got %v, want %v", seqs, want)
	}
	if len(said) == 0 || !strings.Contains(said[0], "14 to 30 are gone") {
		t.Errorf("said %q", said)
	}
}

func TestFeedEndsWhereItIsRefused(t *testing.T) {
	p := &script{plays: [][]string{{`{"type":"error","id":"cli","code":"bad_parameter","message":"column 4: no"}`}}}
	if _, _, err := play(t, p, Feed{Filter: "rul=r"}); err == nil || !strings.Contains(err.Error(), "column 4") {
		t.Errorf("got %v", err)
	}
	if _, _, err := play(t, &script{}, Feed{}); err == nil || !strings.Contains(err.Error(), "the play is over") {
		t.Errorf("got %v", err)
	}
}

func TestFeedTellsWhatPeopleMake(t *testing.T) {
	p := &script{plays: [][]string{{`{"type":"update","id":"cli","actions":[4,5],"items":[{"seq":7,"kind":"close","state":"closed","outcome":"fraud","by":"jd","action":5}]}`}, {}}}
	var got []Made
	play(t, p, Feed{After: 7, Resume: true, Made: func(m *Made) error { got = append(got, *m); return nil }})
	if len(got) != 1 || got[0].Outcome != "fraud" || got[0].By != "jd" || p.subs[1]["actions"] != 5.0 {
		t.Errorf("got %+v, then asked %v", got, p.subs[1])
	}
}

func TestAlertKeepsItsText(t *testing.T) {
	const text = `{"seq":9007199254740993,"rule":"r","severity":"high","at":"2026-01-31T10:00:00Z","key":{"card":"c1"},"more":{"a":[1]}}`
	var a Alert
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	if a.Seq != 9007199254740993 || a.Severity != "high" || string(a.JSON) != text {
		t.Errorf("%+v %s", a, a.JSON)
	}
}

func TestReadyTellsClocksApart(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(503)
	}))
	defer s.Close()
	ready, ahead, err := open(t, Config{URL: s.URL}).Ready(t.Context())
	if err != nil || ready || ahead < 59*time.Minute || ahead > 61*time.Minute {
		t.Errorf("ready %v, ahead %s, %v", ready, ahead, err)
	}
}
