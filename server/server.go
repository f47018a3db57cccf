package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-cep/weir/server/page"
)

// Config says what a server serves.
type Config struct {
	Runtime  Runtime
	Alerts   AlertLog // nil: there is none, and its routes say so
	Operator Operator
	Webhooks Endpoints // nil: there are none
	Feed     Feed      // nil: there is none
	Rules    RuleAdmin // nil: the API changes no rules
	Figures  *Figures  // nil: none are observed
	Limits   Limits
	Logger   *slog.Logger // nil: nothing is logged
	Build    Build
	// Hosts are names, beside addresses of this machine and localhost, that
	// requests may call it by. A page of a stranger's that has its name point
	// at this machine is refused so.
	Hosts []string
	// AnyHost lets requests call it anything: it is reached through an address
	// that is not loopback.
	AnyHost bool
	// Tokens are what callers say with who they are. nil: nobody has to, and
	// everybody may do everything.
	Tokens Tokens
	// Origins are those whose pages may send requests that change something,
	// beside the server's own; see CheckOrigin.
	Origins []string
	// External is the address that others reach the server at, if a proxy
	// stands before it; see CheckExternal. "": none.
	External string
	// TLS makes Serve speak TLS; nil: it speaks plain HTTP.
	TLS *tls.Config
	// Certificate is what TLS is spoken with, for the health to tell of and for
	// Reload; nil: it is not looked at.
	Certificate *Certificate
	// Now is the clock of sessions and logins; nil: time.Now.
	Now func() time.Time
}

// Build is what the program is made of.
type Build struct{ Version, Commit, Go string }

// Server answers HTTP requests.
type Server struct {
	rt        Runtime
	alerts    AlertLog
	endpoints Endpoints
	feed      Feed
	admin     RuleAdmin
	operator  Operator
	limits    Limits
	log       *slog.Logger
	build     Build
	hosts     map[string]bool // nil: any
	http      *http.Server
	console   http.Handler
	mux       *http.ServeMux
	metrics   *metrics
	bodies    budget
	polls     budget
	ids       requestIDs
	origins   *http.CrossOriginProtection
	cert      *Certificate
	tokens    Tokens // nil: nobody has to say who they are
	sessions  sessions
	tries     tries
	now       func() time.Time
	external  external

	stop     chan struct{} // closed when the server begins to stop
	stopOnce sync.Once
	stopping atomic.Bool
}

// New returns a server that answers nothing yet: hand it to Serve, or its
// Handler to a server of one's own.
func New(c Config) *Server {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Figures == nil {
		c.Figures = NewFigures()
	}
	s := &Server{rt: c.Runtime, alerts: c.Alerts, endpoints: c.Webhooks, feed: c.Feed, admin: c.Rules, operator: c.Operator, limits: c.Limits.fill(), log: c.Logger, build: c.Build,
		mux: http.NewServeMux(), console: page.Handler(), stop: make(chan struct{}), tokens: c.Tokens, cert: c.Certificate}
	origins, err := originsOf(&c)
	if err != nil {
		panic("server: " + err.Error()) // CheckOrigin and CheckExternal were not asked
	}
	s.origins, s.external = origins, external{c.External, strings.HasPrefix(c.External, "https://")}
	if c.Now == nil {
		c.Now = time.Now
	}
	s.now = c.Now
	s.sessions = sessions{most: s.limits.Sessions, idle: s.limits.SessionIdle, life: s.limits.SessionLife, now: c.Now, list: map[[sha256.Size]byte]*session{}}
	s.tries = tries{most: s.limits.Tries, per: time.Minute, now: c.Now, list: map[string]*bucket{}}
	s.bodies.max, s.polls.max = s.limits.Bodies, int64(s.limits.Polls)
	if !c.AnyHost {
		s.hosts = map[string]bool{}
		for _, h := range c.Hosts {
			s.hosts[h] = true
		}
	}
	s.metrics = newMetrics(s, c.Figures)
	s.routes()
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: s.limits.ReadHeader,
		ReadTimeout:       s.limits.ReadHeader + s.limits.Read,
		WriteTimeout:      s.limits.ReadHeader + s.limits.Read + s.limits.Write,
		IdleTimeout:       s.limits.Idle,
		MaxHeaderBytes:    s.limits.Header,
		TLSConfig:         c.TLS,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers requests of l until Shutdown or Close; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	l = limitConns(l, s.limits.Conns)
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(l, "", "")
	} else {
		err = s.http.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve HTTP: %w", err)
}

// Reload reads tokens and certificate again, which is done by itself soon after
// they change. With an error, those from before stay in use.
func (s *Server) Reload() error {
	var errs []error
	if s.tokens != nil {
		errs = append(errs, s.tokens.Reload())
	}
	if s.cert != nil {
		errs = append(errs, s.cert.Reload())
	}
	return errors.Join(errs...)
}

// Drain says that the server is about to stop: it is not ready any more, takes
// no events, and requests that wait for alerts are answered with what there is.
func (s *Server) Drain() {
	s.stopping.Store(true)
	s.stopOnce.Do(func() { close(s.stop) })
}

// Shutdown drains, stops listening, lets requests that are being answered end,
// and closes those that still run when ctx does.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	err := s.http.Shutdown(ctx)
	if err == nil {
		return nil
	}
	if cerr := s.http.Close(); cerr != nil {
		return fmt.Errorf("close connections: %w", cerr)
	}
	return fmt.Errorf("stop HTTP: %w", err)
}

// budget bounds a sum over requests, such as the bytes of their bodies.
type budget struct {
	used atomic.Int64
	max  int64
}

// take adds n unless that is more than there may be.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// now is the sum at the moment.
func (b *budget) now() int64 { return b.used.Load() }

// limitConns accepts no more than n connections at once; further ones wait.
func limitConns(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, free: make(chan struct{}, n), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	free      chan struct{}
	closed    chan struct{}
	closeOnce sync.Once
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: c, free: l.free}, nil
}

func (l *limited) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.free })
	return err
}

// pause is how long a client is asked to stay away where nothing better is
// known.
const pause = time.Second
