package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/weir-cep/weir/server/page"
)

// standIn speaks the HTTP API and the feed as the real server does, and does on
// demand what the real one does only under duress: it leaves gaps, lets no
// WebSocket through, sends what was sent before.
type standIn struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex
	alerts    []map[string]any
	news      chan struct{}
	dropped   map[int]bool // the feed leaves these out
	noSockets bool
	subs      []string // what clients asked for
}

func newStandIn(t *testing.T) *standIn {
	s := &standIn{t: t, news: make(chan struct{}), dropped: map[int]bool{}}
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	mux.HandleFunc("GET /api/v1/session", answer(func(*http.Request) any {
		return map[string]any{"name": "local", "role": "admin", "login": false}
	}))
	mux.HandleFunc("GET /api/v1/pipeline", answer(func(*http.Request) any {
		return map[string]any{"health": map[string]any{"ready": true, "sentence": "Everything is flowing.", "checks": []any{}}, "sources": []any{}, "sinks": []any{}}
	}))
	mux.HandleFunc("GET /api/v1/rules", answer(func(*http.Request) any { return map[string]any{"items": []any{}} }))
	mux.HandleFunc("GET /api/v1/alerts", answer(s.list))
	mux.HandleFunc("GET /api/v1/stream", s.stream)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func answer(f func(*http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(f(r)) // an error is the client's connection
	}
}

var severities = []string{"low", "medium", "high", "critical", "info"}

// raise raises n alerts.
func (s *standIn) raise(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		i := len(s.alerts) + 1
		at := time.Now().UTC().Format(time.RFC3339Nano)
		s.alerts = append(s.alerts, map[string]any{
			"alert_id": fmt.Sprintf("%032x", i), "seq": i, "rule": "rule_" + strconv.Itoa(i%7), "version": "1", "status": "live", "severity": severities[i%5],
			"at": at, "first_at": at, "key": map[string]any{"card_id": "c" + strconv.Itoa(i%11)}, "message": "Alert " + strconv.Itoa(i), "kind": "match",
			"revision": 1, "suppressed": 0, "truncated": false, "events": []any{}, "state": "open"})
	}
	close(s.news)
	s.news = make(chan struct{})
}

// behind are the alerts behind a number, and what is closed with the next.
func (s *standIn) behind(seq int) ([]map[string]any, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alerts[min(seq, len(s.alerts)):], s.news
}

func (s *standIn) list(r *http.Request) any {
	q := r.URL.Query()
	after, _ := strconv.Atoi(q.Get("after"))
	list, _ := s.behind(after)
	if last := q.Get("last"); last != "" {
		n, _ := strconv.Atoi(last)
		list, _ = s.behind(0)
		if before, err := strconv.Atoi(q.Get("before")); err == nil {
			list = list[:before-1]
		}
		newest := []map[string]any{}
		for i := len(list) - 1; i >= 0 && len(newest) < n; i-- {
			newest = append(newest, list[i])
		}
		list = newest
	}
	return map[string]any{"items": list, "next": after + len(list), "head": after + len(list)}
}

// stream is the feed: a snapshot or what came since, then what comes.
func (s *standIn) stream(w http.ResponseWriter, r *http.Request) {
	var send func(v any) error
	var sub struct {
		After   *int
		Actions int
	}
	gone := r.Context().Done()
	s.mu.Lock()
	closed := s.noSockets
	s.mu.Unlock()
	switch {
	case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		w.Header().Set("Content-Type", "text/event-stream")
		if after, _, ok := strings.Cut(r.URL.Query().Get("after"), "-"); ok {
			if n, err := strconv.Atoi(after); err == nil {
				sub.After = &n
			}
		}
		send = func(v any) error {
			b, _ := json.Marshal(v)
			_, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", v.(map[string]any)["type"], b)
			w.(http.Flusher).Flush()
			return err
		}
	case closed:
		http.Error(w, "no WebSocket goes through here", http.StatusBadGateway)
		return
	default:
		up := websocket.Upgrader{}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		_, text, err := c.ReadMessage()
		if err != nil {
			return
		}
		if err := json.Unmarshal(text, &sub); err != nil {
			return
		}
		s.mu.Lock()
		s.subs = append(s.subs, string(text))
		s.mu.Unlock()
		left := make(chan struct{})
		go func() {
			defer close(left)
			for {
				if _, _, err := c.ReadMessage(); err != nil {
					return
				}
			}
		}()
		gone = left
		send = func(v any) error { return c.WriteJSON(v) }
	}
	at := 0
	if sub.After != nil {
		at = *sub.After
	} else {
		list, _ := s.behind(0)
		at = len(list)
		newest := list[max(0, at-500):]
		if send(map[string]any{"type": "snapshot", "id": "a", "upto": at, "actions": 0, "items": append([]map[string]any{}, newest...)}) != nil {
			return
		}
	}
	for {
		list, news := s.behind(at)
		for _, a := range list {
			at++
			m := map[string]any{"type": "batch", "id": "a", "seq": []int{at, at}, "items": []any{a}}
			if s.dropped[at] {
				m = map[string]any{"type": "gap", "id": "a", "from": at, "to": at, "reason": "slow_client"}
			}
			if send(m) != nil {
				return
			}
		}
		if send(map[string]any{"type": "hb", "head": at, "seq": at, "actions": 0}) != nil {
			return
		}
		select {
		case <-news:
		case <-gone:
			return
		}
	}
}
