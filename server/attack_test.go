package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
)

// Origin × host × credential × method, for the API and for what opens a
// WebSocket: what a page of a stranger's sends changes nothing and opens
// nothing, whoever is logged in.
func TestOriginMatrix(t *testing.T) {
	p := newPeople(t)
	log := newLog(t)
	found(t, log, "a", cep.Low)
	s := New(Config{Runtime: &fakeRuntime{stats: full(1)}, Alerts: log, Tokens: p.file, Limits: Limits{Tries: 1 << 20}, Origins: []string{"https://friend.example"}, Hosts: []string{"weir.example"}})
	if _, ok := operations[streamPattern]; !ok {
		s.handle(route{"GET", streamPattern[4:], RoleViewer, "", func(_ *Server, w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusOK)
			return nil
		}})
	}
	h := s.Handler()
	cookie := login(t, h, p.secret[RoleAnalyst])
	origins := []struct {
		name, origin, site string
		ours               bool
	}{
		{"none", "", "", true}, {"own", "http://HOST", "", true}, {"own, told", "http://HOST", "same-origin", true}, {"friend", "https://friend.example", "cross-site", true},
		{"stranger", "https://evil.example", "cross-site", false}, {"stranger, old browser", "https://evil.example", "", false}, {"null", "null", "", false}, {"null, told", "null", "cross-site", false},
		{"other port", "http://localhost:9999", "same-site", false}, {"look-alike", "https://friend.example.evil.example", "", false}, {"no address", "%%%", "", false}, {"site only", "", "cross-site", false},
	}
	hosts := []struct {
		name string
		ours bool
	}{{"localhost", true}, {"127.0.0.1:8080", true}, {"weir.example", true}, {"evil.example", false}, {"localhost.evil.example", false}}
	credentials := []struct {
		name    string
		headers []string
		good    bool
		cookie  bool
	}{{"none", nil, false, false}, {"wrong", bearer("weir_pat_x"), false, false}, {"viewer", bearer(p.secret[RoleViewer]), true, false}, {"analyst", bearer(p.secret[RoleAnalyst]), true, false}, {"cookie", []string{"Cookie", cookie}, true, true}}
	asks := []struct {
		name, method, path, body string
		changes, opens           bool
		needs                    Role
	}{
		{"read", "GET", "/api/v1/alerts", "", false, false, RoleViewer},
		{"change", "POST", "/api/v1/alerts/triage", `{"alerts":[1],"comment":"x"}`, true, false, RoleAnalyst},
		{"remove", "DELETE", "/api/v1/silences/x", "", true, false, RoleAnalyst},
		{"open", "GET", streamPattern[4:], "", true, true, RoleViewer},
	}
	n, refused := 0, 0
	for _, o := range origins {
		for _, host := range hosts {
			for _, c := range credentials {
				for _, a := range asks {
					r := httptest.NewRequest(a.method, "http://x"+a.path, strings.NewReader(a.body))
					r.Host = host.name
					if o.origin != "" {
						r.Header.Set("Origin", strings.ReplaceAll(o.origin, "HOST", host.name))
					}
					if o.site != "" {
						r.Header.Set("Sec-Fetch-Site", o.site)
					}
					if a.opens {
						r.Header.Set("Upgrade", "websocket")
						r.Header.Set("Connection", "Upgrade")
					}
					for i := 0; i < len(c.headers); i += 2 {
						r.Header.Set(c.headers[i], c.headers[i+1])
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					want := "through"
					silent := o.origin == "" && o.site == ""
					role := RoleAnalyst
					if c.name == "viewer" {
						role = RoleViewer
					}
					switch {
					case !host.ours:
						want = codeHost
					case a.changes && !o.ours:
						want = codeForbidden
					case c.cookie && a.changes && silent:
						want = codeForbidden
					case c.name == "wrong":
						want = codeUnauthorized
					case !c.good && !a.opens:
						want = codeUnauthorized
					case c.good && !role.May(a.needs):
						want = codeRole
					}
					n++
					got := "through"
					for _, code := range []string{codeHost, codeForbidden, codeUnauthorized, codeRole} {
						if strings.Contains(w.Body.String(), `"code":"`+code+`"`) {
							got = code
						}
					}
					if got != want {
						t.Errorf("%s from %s to %s as %s: %s, not %s: %d %s", a.name, o.name, host.name, c.name, got, want, w.Code, w.Body)
					}
					if got != "through" {
						refused++
					}
					if got == codeForbidden && o.origin != "" && !strings.Contains(o.origin, "HOST") && !strings.Contains(w.Body.String(), o.origin) {
						t.Errorf("it is not said that %s was refused: %s", o.origin, w.Body)
					}
					if w.Header().Get("Access-Control-Allow-Origin") != "" {
						t.Error("another origin may read")
					}
				}
			}
		}
	}
	t.Logf("%d of %d requests refused, all as they should be", refused, n)
}

// Connections that send their headers by drops are closed, and the server
// answers others meanwhile.
func TestSlowLoris(t *testing.T) {
	_, addr := start(t, Config{Runtime: &fakeRuntime{stats: full(1)}, Limits: Limits{ReadHeader: 300 * time.Millisecond, Read: 300 * time.Millisecond}})
	const many = 200
	conns := make([]net.Conn, many)
	for i := range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "GET /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\nX-Slow: "); err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	r, err := http.Get("http://" + addr + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 200 {
		t.Error(r.StatusCode)
	}
	for i, c := range conns {
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil {
			if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
				t.Fatalf("connection %d is still open", i)
			}
		}
	}
}

// A body that is small as it is sent and huge as it is read is refused, and
// takes no more memory than the limit says.
func TestGzipBomb(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 64 {
		if _, err := z.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const most = 4 << 20
	h := New(Config{Runtime: &fakeRuntime{}, Limits: Limits{Decoded: most}}).Handler()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	expect(t, ask(t, h, "POST", "/api/v1/events", packed.String(), "Content-Encoding", "gzip"), 413, "once it is decompressed")
	runtime.ReadMemStats(&after)
	got := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes that are %d MiB unpacked: %d MiB allocated in all", packed.Len(), 64, got>>20)
	if got > 10*most {
		t.Errorf("%d bytes were allocated", got)
	}
	// The bodies that are one JSON object take no compression at all.
	expect(t, ask(t, h, "POST", "/api/v1/session", packed.String()[:1000], "Content-Encoding", "gzip"), 400, "bad_body")
}

func TestHugeAndDeep(t *testing.T) {
	_, addr := start(t, Config{Runtime: &fakeRuntime{}, Alerts: newLog(t)})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/livez", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Big", strings.Repeat("x", 2*DefaultLimits.Header))
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	if got.StatusCode != 431 {
		t.Errorf("large headers: %d", got.StatusCode)
	}
	h := New(Config{Runtime: &fakeRuntime{}, Alerts: newLog(t)}).Handler()
	for _, c := range []struct{ open, shut string }{{"[", "]"}, {`{"a":`, "}"}} {
		for _, depth := range []int{DefaultLimits.Depth + 1, 100_000} {
			body := fmt.Sprintf(`{"labels":%s1%s}`, strings.Repeat(c.open, depth), strings.Repeat(c.shut, depth))
			expect(t, ask(t, h, "POST", "/api/v1/silences", body), 400, "bad_body")
		}
	}
	expect(t, ask(t, h, "POST", "/api/v1/silences", `{"labels":{"a":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)+`}}`), 400, "json_depth")
	expect(t, ask(t, h, "POST", "/api/v1/silences", `{"reason":"`+strings.Repeat("x", 1<<20)+`"}`), 413, "body_too_large")
}
