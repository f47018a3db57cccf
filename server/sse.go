package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-cep/weir/alerts/feed"
)

// serveEvents serves the feed as server-sent events: one subscription, which
// the query names. The id of an event is where a browser goes on by itself, with
// the header Last-Event-ID.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) error {
	want, err := eventsWant(r)
	if err != nil {
		return err
	}
	session, err := s.openFeed()
	if err != nil {
		return err
	}
	defer session.Close()
	if err := session.Subscribe(want); err != nil {
		return fail(codeParameter, "%s", err)
	}
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // or the server takes the client for gone in time
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // of proxies that would wait for more
	w.WriteHeader(http.StatusOK)
	_ = rc.SetWriteDeadline(time.Now().Add(streamWrite))
	if _, err := w.Write([]byte("retry: 1000\n\n")); err != nil || rc.Flush() != nil {
		return nil
	}
	ctx, cancel := s.streaming(r.Context())
	defer cancel()
	return s.sendEvents(ctx, w, rc, session, identity(r))
}

// eventsWant reads what a request asks for.
func eventsWant(r *http.Request) (want feed.Want, err error) {
	q, err := onlyQuery(r, "filter", "after", "snapshot", "id")
	if err != nil {
		return want, err
	}
	want.ID = q["id"]
	if want.ID == "" {
		want.ID = "a"
	}
	if want.Filter, err = feedFilter(q["filter"]); err != nil {
		return want, err
	}
	n, err := number(q, "snapshot", 0, 0, 1<<20)
	if err != nil {
		return want, err
	}
	want.Snapshot = int(n)
	after := q["after"]
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		after = last
	}
	if after == "" {
		return want, nil
	}
	seq, action, ok := place(after)
	if !ok {
		return want, fail(codeParameter, "%q is no place to go on at", after).hint("it is the number of an alert, or the id of an event: 88213 or 88213-17")
	}
	want.After, want.Action = &seq, action
	return want, nil
}

// sendEvents sends frames until the client goes or is too slow.
func (s *Server) sendEvents(ctx context.Context, w http.ResponseWriter, rc *http.ResponseController, session *feed.Session, who Identity) error {
	looked := time.Now()
	for {
		f, at, err := session.Next(ctx)
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, feed.ErrClosed) {
				s.log.Error("the feed can't read the alert log", "error", err)
			}
			return nil
		}
		_ = rc.SetWriteDeadline(time.Now().Add(streamWrite))
		if _, err := w.Write(event(f, at)); err != nil || rc.Flush() != nil {
			return nil // the client has gone, or takes nothing
		}
		if now := time.Now(); now.Sub(looked) >= streamHolds {
			looked = now
			if !s.holds(who) {
				return nil
			}
		}
	}
}

// event is a frame as server-sent events have it. JSON has no line ends.
func event(f *feed.Frame, at feed.Place) []byte {
	b := make([]byte, 0, len(f.Text)+64)
	if f.Type != "error" {
		b = strconv.AppendUint(append(b, "id: "...), at.Seq, 10)
		b = strconv.AppendUint(append(b, '-'), at.Action, 10)
		b = append(b, '\n')
	}
	b = append(append(append(b, "event: "...), f.Type...), "\ndata: "...)
	return append(append(b, f.Text...), "\n\n"...)
}
