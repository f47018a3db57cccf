package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/weir-cep/weir/internal/access"
)

var sessionRoutes = []route{
	{"GET", "/api/v1/session", RoleNone, "who one is, and what one may do", (*Server).getSession},
	{"POST", "/api/v1/session", RoleNone, "log in with a token; a cookie stands for it then", (*Server).postSession},
	{"DELETE", "/api/v1/session", RoleNone, "log out", (*Server).deleteSession},
}

// sessionAnswer says who somebody is.
type sessionAnswer struct {
	Name  string `json:"name"`
	Role  Role   `json:"role"`
	Login bool   `json:"login"` // people have to say who they are
}

// sessions are the logins of browsers, in memory: a restart ends them. A
// session's id is random and kept as its hash; it is good only as long as the
// token that it was made with.
type sessions struct {
	most       int
	idle, life time.Duration
	now        func() time.Time

	mu   sync.Mutex
	list map[[sha256.Size]byte]*session
}

type session struct {
	token         access.Hash
	created, used time.Time
}

// begin makes a session. Where there are too many, the one that was not used
// for longest ends.
func (s *sessions) begin(token access.Hash) (id string) {
	var b [32]byte
	rand.Read(b[:]) // never fails
	id = base64.RawURLEncoding.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if len(s.list) >= s.most {
		s.makeRoom(now)
	}
	s.list[sha256.Sum256([]byte(id))] = &session{token, now, now}
	return id
}

// makeRoom ends what is over, or else the session that was not used for longest.
func (s *sessions) makeRoom(now time.Time) {
	var oldest [sha256.Size]byte
	var at time.Time
	for h, o := range s.list {
		if s.over(o, now) {
			delete(s.list, h)
		} else if at.IsZero() || o.used.Before(at) {
			oldest, at = h, o.used
		}
	}
	if len(s.list) >= s.most {
		delete(s.list, oldest)
	}
}

func (s *sessions) over(o *session, now time.Time) bool {
	return now.Sub(o.used) >= s.idle || now.Sub(o.created) >= s.life
}

// use finds the token that a session stands for.
func (s *sessions) use(id string) (token access.Hash, ok bool) {
	h := sha256.Sum256([]byte(id))
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.list[h]
	if o == nil {
		return token, false
	}
	now := s.now()
	if s.over(o, now) {
		delete(s.list, h)
		return token, false
	}
	o.used = now
	return o.token, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.list, sha256.Sum256([]byte(id)))
}

func (s *sessions) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list)
}

const (
	cookieName = "weir_session"
	// secureCookie is one that a browser takes for this host alone, and over
	// TLS alone.
	secureCookie = "__Host-weir_session"
	// maxSessionID bounds what is taken for an id at all, bytes.
	maxSessionID = 64
)

// cookie is the id of a request's session.
func (s *Server) cookie(r *http.Request) (id string, ok bool) {
	name := cookieName
	if s.isSecure(r) {
		name = secureCookie
	}
	c, err := r.Cookie(name)
	if err != nil || c.Value == "" || len(c.Value) > maxSessionID {
		return "", false
	}
	return c.Value, true
}

// isSecure says whether browsers reach the server over TLS: its own, or that of
// a proxy that it was told of.
func (s *Server) isSecure(r *http.Request) bool { return r.TLS != nil || s.external.secure }

// setCookie hands out a session's id, or takes it back where it is "".
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, id string) {
	c := &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(s.sessions.life / time.Second)}
	if s.isSecure(r) {
		c.Name, c.Secure = secureCookie, true
	}
	if id == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// bySession finds out who sends a request by its cookie. One that stands for
// nothing any more is as none. What changes something must say that it comes
// from a page of this server: a cookie comes along with what a stranger's page
// sends, too.
func (s *Server) bySession(r *http.Request) (Identity, *Error) {
	id, ok := s.cookie(r)
	if !ok {
		return Identity{}, nil
	}
	hash, ok := s.sessions.use(id)
	if !ok {
		return Identity{}, nil
	}
	t, ok := s.tokens.Holds(hash)
	if !ok {
		s.sessions.end(id)
		return Identity{}, nil
	}
	if changes(r) && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "" {
		return Identity{}, fail(codeForbidden, "with a cookie, this needs to say which page it comes from").hint("browsers send the header Origin; programs send a token: Authorization: Bearer TOKEN")
	}
	return Identity{t.Name, t.Role, t.Hash}, nil
}

// changes says whether a request changes something, or opens a connection that
// could: no browser asks before it opens a WebSocket.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return isUpgrade(r)
	}
	return true
}

// getSession says who one is.
func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	who := identity(r)
	if who.Role == RoleNone {
		return s.allow(r, RoleViewer)
	}
	writeJSON(w, http.StatusOK, sessionAnswer{who.Name, who.Role, s.tokens != nil})
	return nil
}

// sessionAsk is what logs somebody in.
type sessionAsk struct {
	Token string `json:"token"`
}

// postSession logs somebody in.
func (s *Server) postSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	var ask sessionAsk
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	if s.tokens == nil {
		writeJSON(w, http.StatusOK, sessionAnswer{local.Name, local.Role, false})
		return nil
	}
	if wait := s.tries.wait(remoteHost(r)); wait > 0 {
		return tooManyTries().after(wait)
	}
	who, ok := s.Authenticate(ask.Token)
	if !ok {
		return s.wrongToken(r)
	}
	if old, ok := s.cookie(r); ok {
		s.sessions.end(old)
	}
	s.setCookie(w, r, s.sessions.begin(who.token))
	s.log.InfoContext(r.Context(), "logged in", "request_id", requestID(r), "name", who.Name, "role", who.Role.String(), "remote", remoteHost(r))
	writeJSON(w, http.StatusOK, sessionAnswer{who.Name, who.Role, true})
	return nil
}

// deleteSession logs somebody out, whether they were in or not.
func (s *Server) deleteSession(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if id, ok := s.cookie(r); ok {
		s.sessions.end(id)
	}
	s.setCookie(w, r, "")
	w.WriteHeader(http.StatusNoContent)
	return nil
}
