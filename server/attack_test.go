package server

import (
	"bufio"
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

	"github.com/gorilla/websocket"

	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
	"github.com/weir-cep/weir/cep"
)

// Origin × host × credential × method, for the API and for what opens a
// WebSocket: what a page of a stranger's sends changes nothing and opens
// nothing, whoever is logged in.
func TestOriginMatrix(t *testing.T) {
	p := newPeople(t)
	log, s, srv := streamServer(t, Config{Tokens: p.file, Limits: Limits{Tries: 1 << 20}, Origins: []string{"https://friend.example"}, Hosts: []string{"weir.example"}}, feed.Limits{})
	found(t, log, "a", cep.Low)
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
		{"watch", "GET", streamPattern[4:], "", false, false, RoleViewer},
	}
	n, refused := 0, 0
	for _, o := range origins {
		for _, host := range hosts {
			for _, c := range credentials {
				for _, a := range asks {
					header := http.Header{}
					if o.origin != "" {
						header.Set("Origin", strings.ReplaceAll(o.origin, "HOST", host.name))
					}
					if o.site != "" {
						header.Set("Sec-Fetch-Site", o.site)
					}
					for i := 0; i < len(c.headers); i += 2 {
						header.Set(c.headers[i], c.headers[i+1])
					}
					var w *attempt
					switch a.name {
					case "open":
						w = openSocket(t, srv, host.name, header)
					case "watch":
						w = openEvents(t, srv, host.name, header)
					default:
						w = sendTo(h, a.method, a.path, a.body, host.name, header)
					}
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
						if strings.Contains(w.body, `"code":"`+code+`"`) {
							got = code
						}
					}
					if got != want {
						t.Errorf("%s from %s to %s as %s: %s, not %s: %d %s", a.name, o.name, host.name, c.name, got, want, w.status, w.body)
					}
					if got != "through" {
						refused++
						if w.shows {
							t.Errorf("%s from %s to %s as %s: alerts are shown", a.name, o.name, host.name, c.name)
						}
					} else if a.path == streamPattern[4:] && w.shows != c.good {
						t.Errorf("%s from %s to %s as %s: alerts are shown: %v", a.name, o.name, host.name, c.name, w.shows)
					}
					if got == codeForbidden && o.origin != "" && !strings.Contains(o.origin, "HOST") && !strings.Contains(w.body, o.origin) {
						t.Errorf("it is not said that %s was refused: %s", o.origin, w.body)
					}
					if w.header.Get("Access-Control-Allow-Origin") != "" {
						t.Error("another origin may read")
					}
				}
			}
		}
	}
	t.Logf("%d of %d requests refused, all as they should be", refused, n)
}

// attempt is what came of a request.
type attempt struct {
	status int
	header http.Header
	body   string
	shows  bool // an alert was in a message of the feed
}

func sendTo(h http.Handler, method, path, body, host string, header http.Header) *attempt {
	r := httptest.NewRequest(method, "http://x"+path, strings.NewReader(body))
	r.Host, r.Header = host, header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return &attempt{status: w.Code, header: w.Header(), body: w.Body.String()}
}

// openSocket does a browser's handshake with the server under a name, and asks
// for alerts.
func openSocket(t *testing.T, srv *httptest.Server, host string, header http.Header) *attempt {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: 30 * time.Second, NetDial: func(string, string) (net.Conn, error) { return net.Dial("tcp", srv.Listener.Addr().String()) }}
	conn, resp, err := d.Dial("ws://"+host+streamPattern[4:], header)
	if err != nil {
		if resp == nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		return &attempt{status: resp.StatusCode, header: resp.Header, body: string(text)}
	}
	defer conn.Close()
	say(t, conn, `{"op":"sub","id":"a"}`)
	f := hear(t, conn)
	return &attempt{status: resp.StatusCode, header: resp.Header, shows: f.Type == "snapshot" && len(f.Items) == 1}
}

// openEvents asks for alerts as server-sent events.
func openEvents(t *testing.T, srv *httptest.Server, host string, header http.Header) *attempt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+streamPattern[4:], nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.Header = host, header
	r.Header.Set("Accept", "text/event-stream")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	a := &attempt{status: resp.StatusCode, header: resp.Header}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		a.body = string(text)
		return a
	}
	for in := bufio.NewScanner(resp.Body); in.Scan(); {
		if text, ok := strings.CutPrefix(in.Text(), "data: "); ok {
			a.shows = strings.Contains(text, `"seq":1`)
			return a
		}
	}
	return a
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

// Clients that read nothing cost a cursor: others get every alert meanwhile,
// and what logs alerts waits for nobody.
func TestClientsThatNeverRead(t *testing.T) {
	log, s, srv := streamServer(t, Config{}, feed.Limits{Page: 50})
	const slow, head = 300, 5000
	for range slow {
		conn := dial(t, srv, nil)
		say(t, conn, `{"op":"sub","id":"a","after":0}`)
	}
	conn := dial(t, srv, nil)
	say(t, conn, `{"op":"sub","id":"a","after":0}`)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for n := uint64(100); n <= head; n += 100 {
			sinktest.Commit(t, log, n)
		}
	}()
	next := uint64(1)
	for next <= head {
		f := hear(t, conn)
		for _, it := range f.Items {
			if it.Seq != next {
				t.Fatalf("alert %d came, not %d", it.Seq, next)
			}
			next++
		}
	}
	<-written
	if got := s.feed.Stats().Clients; got != slow+1 {
		t.Errorf("%d clients, and %d came", got, slow+1)
	}
}

// No more connections are open than may: further ones wait, and are served when
// one has gone.
func TestConnectionsAreBounded(t *testing.T) {
	const most = 4
	_, addr := start(t, Config{Runtime: &fakeRuntime{stats: full(1)}, Limits: Limits{Conns: most}})
	open := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return c
	}
	answered := func(c net.Conn) error {
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil && r.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", r.StatusCode)
		}
		return err
	}
	var held []net.Conn
	for range most {
		c := open()
		if err := answered(c); err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	further := open()
	got := make(chan error, 1)
	go func() { got <- answered(further) }()
	// Those that are open are still served, so the further one had its time.
	for _, c := range held {
		for range 20 {
			if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := answered(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case err := <-got:
		t.Fatalf("one more than %d is served: %v", most, err)
	default:
	}
	held[0].Close()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
