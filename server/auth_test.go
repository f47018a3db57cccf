package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-cep/weir/internal/access"
)

// people are a file of tokens with one of each role.
type people struct {
	path   string
	file   *access.File
	secret map[Role]string
}

func newPeople(t *testing.T) *people {
	t.Helper()
	p := &people{path: filepath.Join(t.TempDir(), "tokens"), secret: map[Role]string{}}
	for _, name := range access.RoleNames() {
		role, err := access.ParseRole(name)
		if err != nil {
			t.Fatal(err)
		}
		secret, token, err := access.New("a-"+name, role, time.Now(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if err := access.Add(p.path, token); err != nil {
			t.Fatal(err)
		}
		p.secret[role] = secret
	}
	file, err := access.Open(p.path)
	if err != nil {
		t.Fatal(err)
	}
	p.file = file
	return p
}

func bearer(secret string) []string { return []string{"Authorization", "Bearer " + secret} }

// login returns the cookie of a session.
func login(t *testing.T, h http.Handler, secret string) string {
	t.Helper()
	r := ask(t, h, "POST", "/api/v1/session", `{"token":"`+secret+`"}`)
	expect(t, r, 200, `"login":true`)
	return r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
}

var inPath = regexp.MustCompile(`\{[^}]*\}`)

// Every role against every route: who may is let through to the handler, who
// may not is not. The handler is one that only says so.
func TestRolesOfRoutes(t *testing.T) {
	p := newPeople(t)
	allowed, denied := 0, 0
	for _, r := range api {
		path := inPath.ReplaceAllString(r.path, "1")
		reached := false
		watched := r
		watched.handle = func(_ *Server, w http.ResponseWriter, _ *http.Request) error {
			reached = true
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		s := New(Config{Runtime: &fakeRuntime{}, Tokens: p.file})
		s.mux = http.NewServeMux()
		s.handle(watched)
		for role := RoleNone; role <= RoleSender; role++ {
			reached = false
			var headers []string
			if role != RoleNone {
				headers = bearer(p.secret[role])
			}
			got := ask(t, s.Handler(), r.method, path, "", headers...)
			may := mayByHand(role, r.role)
			if reached != may {
				t.Errorf("%s %s as %s: handler reached %v, should be %v", r.method, r.path, role, reached, may)
			}
			switch {
			case may:
				allowed++
				expect(t, got, 204)
			case role == RoleNone:
				denied++
				expect(t, got, 401, "unauthorized", r.role.String(), `"hint"`)
				if got.Header.Get("WWW-Authenticate") == "" {
					t.Error("no WWW-Authenticate")
				}
			default:
				denied++
				expect(t, got, 403, `"forbidden"`, "needs the role "+r.role.String(), "a-"+role.String())
			}
		}
	}
	total := len(api) * int(RoleSender+1)
	t.Logf("%d routes × %d roles: %d allowed, %d denied, of %d", len(api), RoleSender+1, allowed, denied, total)
	if allowed+denied != total || denied < len(api) {
		t.Errorf("%d allowed and %d denied of %d", allowed, denied, total)
	}
}

// mayByHand is the table of who may do what, written out apart from the code.
func mayByHand(role, need Role) bool {
	table := map[Role]string{
		RoleNone:     "none viewer analyst author approver operator admin sender",
		RoleViewer:   "viewer analyst author approver operator admin",
		RoleAnalyst:  "analyst author approver operator admin",
		RoleAuthor:   "author approver operator admin",
		RoleApprover: "approver operator admin",
		RoleOperator: "operator admin",
		RoleAdmin:    "admin",
		RoleSender:   "operator admin sender",
	}
	return strings.Contains(" "+table[need]+" ", " "+role.String()+" ")
}

// Without tokens everybody is somebody local who may do everything.
func TestNobodyHasToSay(t *testing.T) {
	h := New(Config{Runtime: &fakeRuntime{}}).Handler()
	expect(t, ask(t, h, "GET", "/api/v1/session", ""), 200, `{"name":"local","role":"admin","login":false}`)
	expect(t, ask(t, h, "GET", "/api/v1/pipeline", ""), 200)
	expect(t, ask(t, h, "GET", "/api/v1/pipeline", "", "Authorization", "Bearer nonsense"), 200)
}

func TestCredentials(t *testing.T) {
	p := newPeople(t)
	var out strings.Builder
	s := New(Config{Runtime: &fakeRuntime{stats: full(1)}, Tokens: p.file, Limits: Limits{Tries: 1000}})
	h := s.Handler()
	viewer := p.secret[RoleViewer]
	for _, c := range []struct {
		name    string
		headers []string
		path    string
		status  int
		want    string
	}{
		{"none", nil, "/api/v1/limits", 401, "viewer"},
		{"right", bearer(viewer), "/api/v1/limits", 200, "limits"},
		{"lower case", []string{"Authorization", "bearer " + viewer}, "/api/v1/limits", 200, "limits"},
		{"wrong", bearer(viewer[:len(viewer)-1] + "_"), "/api/v1/limits", 401, "revoked"},
		{"short", bearer(viewer[:len(viewer)-1]), "/api/v1/limits", 401, "revoked"},
		{"long", bearer(strings.Repeat("x", 20000)), "/api/v1/limits", 401, "revoked"},
		{"empty", bearer(""), "/api/v1/limits", 401, "revoked"},
		{"basic", []string{"Authorization", "Basic eDp5"}, "/api/v1/limits", 401, "Bearer TOKEN"},
		{"bare", []string{"Authorization", viewer}, "/api/v1/limits", 401, "Bearer TOKEN"},
		{"a cookie that is none", []string{"Cookie", "weir_session=xyz"}, "/api/v1/limits", 401, "say who you are"},
		{"the token as a cookie", []string{"Cookie", "weir_session=" + viewer}, "/api/v1/limits", 401, "say who you are"},
		{"in the address", nil, "/api/v1/limits?token=" + viewer, 400, "token_in_url"},
		{"in the address too", bearer(viewer), "/livez?access_token=x", 400, "token_in_url"},
		{"live", nil, "/livez", 200, "ok"},
		{"ready", nil, "/readyz", 200, "ready"},
		{"ready with a stale token", bearer("x"), "/readyz", 200, "ready"},
		{"ready in detail", nil, "/readyz?verbose", 401, "viewer"},
		{"ready in detail, seen", bearer(viewer), "/readyz?verbose", 200, "[+]"},
		{"metrics", nil, "/metrics", 401, "viewer"},
		{"metrics seen", bearer(viewer), "/metrics", 200, "weir_http_denied_total"},
		{"a session", nil, "/api/v1/session", 401, "log in"},
		{"a session by token", bearer(viewer), "/api/v1/session", 200, `{"name":"a-viewer","role":"viewer","login":true}`},
		{"a sender reads", bearer(p.secret[RoleSender]), "/api/v1/alerts", 403, "needs the role viewer"},
	} {
		got := ask(t, h, "GET", c.path, "", c.headers...)
		body := text(t, got)
		if got.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d %s", c.name, got.StatusCode, body)
		}
		if strings.Contains(body, viewer) {
			t.Errorf("%s: the token is in the answer", c.name)
		}
		fmt.Fprint(&out, body)
	}
	// A server that is not ready does not tell a stranger why.
	s.Drain()
	if got := expect(t, ask(t, h, "GET", "/readyz", ""), 503); got != "not ready\n" {
		t.Errorf("a stranger reads %q", got)
	}
	expect(t, ask(t, h, "GET", "/readyz", "", bearer(viewer)...), 503, "stopping")
}

func TestSessions(t *testing.T) {
	p := newPeople(t)
	clock := atomic.Int64{}
	clock.Store(time.Now().UnixNano())
	s := New(Config{Runtime: &fakeRuntime{}, Tokens: p.file, Now: func() time.Time { return time.Unix(0, clock.Load()) },
		Limits: Limits{Sessions: 2, SessionIdle: time.Hour, SessionLife: 3 * time.Hour}})
	h := s.Handler()
	r := ask(t, h, "POST", "/api/v1/session", `{"token":"`+p.secret[RoleAnalyst]+`"}`)
	expect(t, r, 200, `{"name":"a-analyst","role":"analyst","login":true}`)
	if got := r.Header.Get("Set-Cookie"); !strings.Contains(got, "HttpOnly; SameSite=Strict") || !strings.Contains(got, "Path=/") || strings.Contains(got, "Secure") {
		t.Error(got)
	}
	in := func(cookie string) bool {
		return ask(t, h, "GET", "/api/v1/session", "", "Cookie", cookie).StatusCode == 200
	}
	first := r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
	if !in(first) {
		t.Fatal("not logged in")
	}
	// It lives on while it is used, but no longer than it may.
	for i := range 6 {
		clock.Add(int64(29 * time.Minute))
		if !in(first) {
			t.Fatalf("out after %d half hours", i)
		}
	}
	clock.Add(int64(29 * time.Minute))
	if in(first) {
		t.Error("in after its life")
	}
	second := login(t, h, p.secret[RoleViewer])
	clock.Add(int64(time.Hour))
	if in(second) {
		t.Error("in though it was not used")
	}
	// A third ends the one that was not used for longest.
	a := login(t, h, p.secret[RoleViewer])
	clock.Add(1)
	b := login(t, h, p.secret[RoleViewer])
	clock.Add(1)
	if !in(a) {
		t.Fatal("out")
	}
	clock.Add(1)
	c := login(t, h, p.secret[RoleViewer])
	if !in(a) || in(b) || !in(c) || s.sessions.len() != 2 {
		t.Errorf("%v %v %v, %d sessions", in(a), in(b), in(c), s.sessions.len())
	}
	// Logging out, and in anew with an old cookie, ends it.
	if got := ask(t, h, "DELETE", "/api/v1/session", "", "Cookie", a, "Origin", "http://localhost"); got.StatusCode != 204 || !strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Error(got.StatusCode, got.Header)
	}
	if in(a) {
		t.Error("in after logging out")
	}
	expect(t, ask(t, h, "POST", "/api/v1/session", `{"token":"`+p.secret[RoleViewer]+`"}`, "Cookie", c, "Origin", "http://localhost"), 200)
	if in(c) {
		t.Error("the old session lives on behind a new login")
	}
}

// Over TLS, its own or a proxy's, the cookie is for this host and TLS alone.
func TestSecureCookie(t *testing.T) {
	p := newPeople(t)
	h := New(Config{Runtime: &fakeRuntime{}, Tokens: p.file, External: "https://weir.example.com"}).Handler()
	r := ask(t, h, "POST", "/api/v1/session", `{"token":"`+p.secret[RoleViewer]+`"}`)
	if got := r.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-weir_session=") || !strings.Contains(got, "; Secure; SameSite=Strict") {
		t.Error(got)
	}
}

// A token that is revoked is not good any more, nor is a session made with it.
func TestRevoked(t *testing.T) {
	p := newPeople(t)
	s := New(Config{Runtime: &fakeRuntime{}, Tokens: p.file})
	h := s.Handler()
	secret := p.secret[RoleAnalyst]
	cookie := login(t, h, secret)
	who, ok := s.Authenticate(secret)
	if !ok || !s.holds(who) || who.Name != "a-analyst" {
		t.Fatal(who, ok)
	}
	if _, err := access.Revoke(p.path, "a-analyst"); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err != nil { // as SIGHUP does: it need not be waited for
		t.Fatal(err)
	}
	expect(t, ask(t, h, "GET", "/api/v1/limits", "", bearer(secret)...), 401)
	expect(t, ask(t, h, "GET", "/api/v1/limits", "", "Cookie", cookie), 401)
	if _, ok := s.Authenticate(secret); ok || s.holds(who) {
		t.Error("still good")
	}
	if s.sessions.len() != 0 {
		t.Error("the session is kept")
	}
	// A file that is wrong leaves the others good, and shows in the health.
	if err := os.WriteFile(p.path, []byte("nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.file.Reload(); err == nil {
		t.Fatal("taken")
	}
	expect(t, ask(t, h, "GET", "/readyz?verbose", "", bearer(p.secret[RoleViewer])...), 503, "[-]tokens", "tokens:1: a line has 5 words")
}

// Wrong tokens from one address are slowed down; another's are not, and the
// right one still works as a header, so that nobody is locked out by a
// neighbour behind the same proxy.
func TestTries(t *testing.T) {
	p := newPeople(t)
	clock := atomic.Int64{}
	clock.Store(time.Now().UnixNano())
	s := New(Config{Runtime: &fakeRuntime{}, Tokens: p.file, Limits: Limits{Tries: 5}, Now: func() time.Time { return time.Unix(0, clock.Load()) }})
	from := func(addr, body string, headers ...string) *http.Response {
		r := httptest.NewRequest("POST", "http://localhost/api/v1/session", strings.NewReader(body))
		r.RemoteAddr = addr
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	for range 5 {
		expect(t, from("10.0.0.1:1", `{"token":"x"}`), 401)
	}
	right := `{"token":"` + p.secret[RoleViewer] + `"}`
	r := from("10.0.0.1:2", right)
	expect(t, r, 429, "too_many_tries")
	if r.Header.Get("Retry-After") != "12" {
		t.Errorf("Retry-After: %s", r.Header.Get("Retry-After"))
	}
	expect(t, from("10.0.0.1:2", right, bearer("x")...), 429)
	expect(t, from("10.0.0.2:1", right), 200)
	if got := ask(t, s.Handler(), "GET", "/api/v1/limits", "", bearer(p.secret[RoleViewer])...); got.StatusCode != 200 {
		t.Error(got.StatusCode)
	}
	clock.Add(int64(12 * time.Second))
	expect(t, from("10.0.0.1:2", right), 200)
	// The addresses that are told apart are bounded; the rest shares.
	for i := range maxTriers + 10 {
		s.tries.fail(fmt.Sprint(i))
	}
	if len(s.tries.list) > maxTriers || s.tries.wait("another") == 0 {
		t.Errorf("%d addresses", len(s.tries.list))
	}
	clock.Add(int64(time.Hour))
	if s.tries.wait("another") != 0 || s.tries.fail("another") != 0 || len(s.tries.list) > 1 {
		t.Errorf("%d addresses after an hour", len(s.tries.list))
	}
}
