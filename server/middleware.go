package server

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

// Handler is the server's routes with all that surrounds them.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := s.ids.of(r)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, id))
		out := &answer{ResponseWriter: w}
		h := out.Header()
		h.Set("X-Request-Id", id)
		secure(h)
		defer func() { s.finish(out, r, start, recover()) }()
		if e := s.guard(r); e != nil {
			writeError(out, r, e)
			return
		}
		who, e := s.authenticate(r)
		r = withIdentity(r, who)
		if e != nil && (e.Code == codeInURL || !s.isOpen(r)) {
			writeError(out, r, e)
			return
		}
		s.route(out, r)
	})
}

// secure sets what every answer tells browsers: to take it for what it says it
// is, to tell nobody where they came from, and to hand it to no other page.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // the page has its own
}

// isOpen says whether a request is for what anybody may have who does not say
// who they are. A stale credential must not make a probe fail.
func (s *Server) isOpen(r *http.Request) bool {
	_, pattern := s.mux.Handler(r)
	return pattern == "GET /livez" || pattern == "GET /readyz"
}

// finish sees to what a handler panicked with, counts the request and writes the access log.
func (s *Server) finish(w *answer, r *http.Request, start time.Time, p any) {
	if p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		s.metrics.panics.Inc()
		s.log.Error("request panicked", "request_id", requestID(r), "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
		if w.status == 0 {
			writeError(w, r, asError(nil))
		}
	}
	took := time.Since(start)
	_, pattern := s.mux.Handler(r)
	s.metrics.request(pattern, w.code(), took)
	s.log.LogAttrs(r.Context(), slog.LevelDebug, "request",
		slog.String("request_id", requestID(r)), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", w.code()), slog.Int64("bytes", w.bytes), slog.Duration("took", took), slog.String("remote", r.RemoteAddr), slog.String("by", identity(r).Name))
}

// guard refuses what a browser sends for a page of somebody else's: a request
// across origins that would change something, and one to a name that is not
// this machine's.
func (s *Server) guard(r *http.Request) *Error {
	if s.hosts != nil && !s.knows(r.Host) {
		return fail(codeHost, "this server is not known as %q", r.Host).hint("call it localhost or by its address; a proxy's name is allowed with --host NAME")
	}
	return s.checkOrigin(r)
}

// knows says whether a request may call the server so.
func (s *Server) knows(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || s.hosts[name] {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// answer watches what is answered.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Hijack hands the connection over, to become a WebSocket.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil && a.status == 0 {
		a.status = http.StatusSwitchingProtocols
	}
	return c, rw, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

type requestKey struct{}

// requestID is the id that a request goes by in answers and logs.
func requestID(r *http.Request) string {
	id, _ := r.Context().Value(requestKey{}).(string)
	return id
}

// requestIDs names requests: a random part of the process and a number.
type requestIDs struct {
	next  atomic.Uint64
	start atomic.Pointer[string]
}

const maxRequestID = 64

// of takes the client's own id where it is one, so that a request is found
// again across systems.
func (g *requestIDs) of(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= maxRequestID && plainWord(id) {
		return id
	}
	start := g.start.Load()
	if start == nil {
		var b [6]byte
		rand.Read(b[:]) // never fails
		text := hex.EncodeToString(b[:])
		g.start.CompareAndSwap(nil, &text)
		start = g.start.Load()
	}
	n := g.next.Add(1)
	return *start + "-" + hex.EncodeToString([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// plainWord says whether a text can stand in a header or a log as it is.
func plainWord(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}
