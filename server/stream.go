package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
)

var streamRoutes = []route{
	{"GET", "/api/v1/stream", RoleViewer, "alerts as they happen, over a WebSocket or as server-sent events", (*Server).getStream},
}

// Feed is what the server needs of the live feed; *feed.Hub has it.
type Feed interface {
	Open() (*feed.Session, error)
	Stats() feed.Stats
	Limits() feed.Limits
}

// Times of streams.
const (
	streamAuth  = 10 * time.Second // until a client has said who it is
	streamWrite = 30 * time.Second // until a client has taken a frame; then it is let go
	streamPing  = 20 * time.Second // between signs of life that a client must answer
	streamPong  = 60 * time.Second // until one is answered
	streamHolds = 15 * time.Second // between looks whether a client's token still holds
)

// getStream shows alerts as they happen.
func (s *Server) getStream(w http.ResponseWriter, r *http.Request) error {
	if s.feed == nil {
		return errNoLog
	}
	if s.stopping.Load() {
		return errStopping
	}
	switch {
	case isUpgrade(r):
		return s.serveSocket(w, r)
	case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		return s.serveEvents(w, r)
	}
	return fail(codeUpgrade, "this is a stream").hint("open it as a WebSocket, or ask for server-sent events: curl -N -H 'Accept: text/event-stream' …/api/v1/stream")
}

// openFeed begins a session of the feed.
func (s *Server) openFeed() (*feed.Session, error) {
	session, err := s.feed.Open()
	if errors.Is(err, feed.ErrFull) {
		return nil, fail(codeBusy, "as many clients watch the feed as may").hint("close some, or ask for alerts with GET /api/v1/alerts?after=…&wait=30s").after(5 * time.Second)
	}
	return session, err
}

// streaming is a context that ends with the request, and with the server.
func (s *Server) streaming(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// place is where a client goes on: the numbers of an alert and of an action,
// "88213-17", or of an alert alone.
func place(text string) (seq uint64, action *uint64, ok bool) {
	first, second, both := strings.Cut(text, "-")
	seq, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return 0, nil, false
	}
	if !both {
		return seq, nil, true
	}
	n, err := strconv.ParseUint(second, 10, 63)
	return seq, &n, err == nil
}

// feedFilter reads a filter of a client's.
func feedFilter(text string) (alerts.Filter, error) {
	f, err := alerts.ParseFilter(text)
	if err != nil {
		return f, fail(codeParameter, "%s", err).hint("write it like: severity>=high and rule=card_* and state=open")
	}
	return f, nil
}
