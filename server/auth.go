package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/weir-cep/weir/internal/access"
)

// Tokens is what the server needs of the tokens that it takes; *access.File has
// it. Both methods say false for a token that was revoked or has expired.
type Tokens interface {
	Lookup(secret string) (access.Token, bool)
	Holds(h access.Hash) (access.Token, bool)
	// Wrong says why tokens that were changed are not in force; nil: they are.
	Wrong() error
	// Reload reads them again. With an error, those from before stay good.
	Reload() error
}

// inURL are parameters by which people are wont to hand over tokens.
var inURL = []string{"token", "access_token", "auth", "api_key", "apikey", "key_token", "bearer"}

// authenticate finds out who sends a request. Without a credential it is the
// zero Identity, with a wrong one an error, unless the route is everybody's.
func (s *Server) authenticate(r *http.Request) (Identity, *Error) {
	for name := range r.URL.Query() {
		if slices.Contains(inURL, strings.ToLower(name)) {
			return Identity{}, fail(codeInURL, "there is a token in the address").hint("addresses end up in logs and histories: send it as a header, Authorization: Bearer TOKEN, and revoke this one")
		}
	}
	if s.tokens == nil {
		return local, nil
	}
	if given := r.Header.Values("Authorization"); len(given) > 0 {
		return s.bearer(r, given)
	}
	return s.bySession(r)
}

// bearer finds out whose the token of a header is.
func (s *Server) bearer(r *http.Request, given []string) (Identity, *Error) {
	scheme, secret, _ := strings.Cut(given[0], " ")
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return Identity{}, fail(codeUnauthorized, "the Authorization header is not one that is taken here").hint("send one header, Authorization: Bearer TOKEN")
	}
	who, ok := s.Authenticate(strings.TrimSpace(secret))
	if !ok {
		return Identity{}, s.wrongToken(r)
	}
	return who, nil
}

// Authenticate finds out whose a token is; false: nobody's, or not any more.
func (s *Server) Authenticate(secret string) (Identity, bool) {
	if s.tokens == nil {
		return local, true
	}
	t, ok := s.tokens.Lookup(secret)
	return Identity{t.Name, t.Role, t.Hash}, ok
}

// holds says whether somebody is still who they were: their token was neither
// revoked nor has it expired, and has the same role. What stays open for long
// asks now and then.
func (s *Server) holds(who Identity) bool {
	if s.tokens == nil {
		return true
	}
	t, ok := s.tokens.Holds(who.token)
	return ok && t.Role == who.Role && t.Name == who.Name
}

// wrongToken refuses a wrong token, and slows down who sends many.
func (s *Server) wrongToken(r *http.Request) *Error {
	s.metrics.denied.WithLabelValues("credential").Inc()
	if wait := s.tries.fail(remoteHost(r)); wait > 0 {
		return tooManyTries().after(wait)
	}
	s.log.LogAttrs(r.Context(), slog.LevelWarn, "a token was wrong", slog.String("request_id", requestID(r)), slog.String("remote", remoteHost(r)), slog.String("path", r.URL.Path))
	return fail(codeUnauthorized, "the token is not a good one: it is none, was revoked, or has expired").hint(`"weir token list" shows the good ones, "weir token new" makes one`)
}

func tooManyTries() *Error {
	return fail(codeTries, "too many wrong tokens came from your address").hint("wait for the time in Retry-After")
}

// remoteHost is the address that a request comes from, without its port.
func remoteHost(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// allow says whether somebody may do what a route does.
func (s *Server) allow(r *http.Request, need Role) *Error {
	who := identity(r)
	switch {
	case who.Role.May(need):
		return nil
	case who.Role == RoleNone && r.Pattern == streamPattern && isUpgrade(r):
		return nil // says who it is in its first message
	case who.Role == RoleNone:
		s.metrics.denied.WithLabelValues("none").Inc()
		return fail(codeUnauthorized, "say who you are: this needs the role %s", need).hint("send the header Authorization: Bearer TOKEN, or log in; \"weir token new\" makes a token")
	}
	s.metrics.denied.WithLabelValues("role").Inc()
	return fail(codeRole, "this needs the role %s, and %s has the role %s", need, who.Name, who.Role).hint("%s", betterRole(need))
}

// betterRole says which tokens would do.
func betterRole(need Role) string {
	if need == RoleSender {
		return fmt.Sprintf("a token of role %s, %s or %s sends events", RoleSender, RoleOperator, RoleAdmin)
	}
	return fmt.Sprintf("a token of role %s or above may do it; \"weir token new --role %s\" makes one", need, need)
}

// streamPattern is the one route whose callers may say who they are once they
// are connected: a browser's WebSocket can't send headers.
const streamPattern = "GET /api/v1/stream"

// isUpgrade says whether a request is to become a WebSocket.
func isUpgrade(r *http.Request) bool { return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") }
