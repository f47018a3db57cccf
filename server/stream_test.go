package server

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gorilla/websocket"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
)

var disconnects = flag.Int("stream.disconnects", 200, "times that clients of the feed are cut off at random")

// streamServer is a real server with a log and its feed.
func streamServer(t *testing.T, c Config, limits feed.Limits) (*alerts.Log, *Server, *httptest.Server) {
	t.Helper()
	log := sinktest.Log(t)
	hub := feed.New(log, limits, nil)
	c.Runtime, c.Alerts, c.Feed = &fakeRuntime{stats: full(1)}, log, hub
	s := New(c)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.Drain()
		hub.Close()
		srv.Close()
	})
	return log, s, srv
}

// frame is a message of the feed.
type frame struct {
	Type, ID, Code, Message, Reason string
	Seq                             json.RawMessage
	Upto, Head, From, To            uint64
	Actions                         json.RawMessage
	Items                           []struct{ Seq, Action uint64 }
}

// dial opens a WebSocket.
func dial(t *testing.T, srv *httptest.Server, header http.Header) *websocket.Conn {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial(strings.Replace(srv.URL, "http", "ws", 1)+"/api/v1/stream", header)
	if err != nil {
		t.Fatalf("%v %v", err, resp)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn) (f frame) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if err := conn.ReadJSON(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestStream(t *testing.T) {
	log, s, srv := streamServer(t, Config{}, feed.Limits{})
	sinktest.Commit(t, log, 3)
	conn := dial(t, srv, nil)
	say(t, conn, `{"op":"sub","id":"a","topic":"alerts","filter":"key=c1","snapshot":10}`)
	if f := hear(t, conn); f.Type != "snapshot" || f.ID != "a" || f.Upto != 3 || len(f.Items) != 1 {
		t.Fatalf("%+v", f)
	}
	sinktest.Commit(t, log, 6)
	if f := hear(t, conn); f.Type != "batch" || len(f.Items) != 1 || f.Items[0].Seq != 6 || string(f.Seq) != "[4,6]" {
		t.Fatalf("%+v", f)
	}
	for text, want := range map[string]string{
		`{"op":"sub","id":"b","filter":"sevrity=x"}`: "there is no field",
		`{"op":"sub","id":"b","topic":"rules"}`:      "there is no topic",
		`{"op":"dance"}`:                             "there is no op",
		`{"op":"sub","after":-1}`:                    "can't be read",
		`{"what":1}`:                                 "can't be read",
		`hello`:                                      "can't be read",
		`{"id":"` + strings.Repeat("x", 100) + `"}`:  "64 bytes",
	} {
		say(t, conn, text)
		if f := hear(t, conn); f.Type != "error" || !strings.Contains(f.Message, want) {
			t.Errorf("%s: %+v", text, f)
		}
	}
	if err := conn.WriteMessage(websocket.BinaryMessage, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if f := hear(t, conn); f.Type != "error" {
		t.Errorf("%+v", f)
	}
	s.Drain()
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
		t.Errorf("a stopping server says %v", err)
	}
	if _, resp, err := websocket.DefaultDialer.Dial(strings.Replace(srv.URL, "http", "ws", 1)+"/api/v1/stream", nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%v %v", err, resp)
	}
}

func TestStreamTooLong(t *testing.T) {
	_, _, srv := streamServer(t, Config{}, feed.Limits{})
	conn := dial(t, srv, nil)
	say(t, conn, strings.Repeat("x", maxClientMessage+1))
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Error(err)
	}
}

func TestStreamFull(t *testing.T) {
	_, _, srv := streamServer(t, Config{}, feed.Limits{Clients: 1})
	dial(t, srv, nil)
	_, resp, err := websocket.DefaultDialer.Dial(strings.Replace(srv.URL, "http", "ws", 1)+"/api/v1/stream", nil)
	if err == nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("%v %v", err, resp)
	}
	plain, err := http.Get(srv.URL + "/api/v1/stream")
	if err != nil || plain.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("%v %v", plain, err)
	}
	plain.Body.Close()
}

// A browser's page can send no header with a WebSocket: it says who it is in
// the first message.
func TestStreamAuth(t *testing.T) {
	people := newPeople(t)
	log, _, srv := streamServer(t, Config{Tokens: people.file}, feed.Limits{})
	sinktest.Commit(t, log, 1)
	viewer := people.secret[RoleViewer]
	conn := dial(t, srv, nil)
	say(t, conn, fmt.Sprintf(`{"auth":%q}`, viewer))
	say(t, conn, `{"op":"sub","id":"a"}`)
	if f := hear(t, conn); f.Type != "snapshot" {
		t.Errorf("%+v", f)
	}
	conn = dial(t, srv, http.Header{"Authorization": {"Bearer " + viewer}})
	say(t, conn, `{"op":"sub","id":"a"}`)
	if f := hear(t, conn); f.Type != "snapshot" {
		t.Errorf("%+v", f)
	}
	for _, first := range []string{`{"auth":"weir_pat_wrong"}`, `{"op":"sub","id":"a"}`, fmt.Sprintf(`{"auth":%q}`, people.secret[RoleSender]), "x"} {
		conn := dial(t, srv, nil)
		say(t, conn, first)
		if f := hear(t, conn); f.Type != "error" || f.Code != codeUnauthorized {
			t.Errorf("%s: %+v", first, f)
		}
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("%s: %v", first, err)
		}
	}
	_, resp, err := websocket.DefaultDialer.Dial(strings.Replace(srv.URL, "http", "ws", 1)+"/api/v1/stream", http.Header{"Origin": {"https://evil.example"}})
	if err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a stranger's page: %v %v", err, resp)
	}
	text, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(text), "https://evil.example") {
		t.Errorf("it does not say which: %s", text)
	}
}

// TestDisconnects cuts clients off at random, over WebSockets and server-sent
// events, while alerts and actions come. Each goes on where it was, and gets
// every alert and every action once, in order.
func TestDisconnects(t *testing.T) {
	log, _, srv := streamServer(t, Config{}, feed.Limits{Page: 20, Recent: 200, Beat: 50 * time.Millisecond})
	const clients = 8
	stop := make(chan struct{})
	var head, acted uint64
	var writer, all sync.WaitGroup
	writer.Go(func() {
		rng := rand.New(rand.NewPCG(1, 2))
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			head += 1 + uint64(rng.IntN(5))
			sinktest.Commit(t, log, head)
			if rng.IntN(4) == 0 {
				if _, err := log.Act([]uint64{head}, alerts.Change{Comment: new("c")}, "jd"); err != nil {
					t.Error(err)
				}
				acted++
			}
		}
	})
	var readers []*reader
	for i := range clients {
		r := &reader{t: t, srv: srv, rng: rand.New(rand.NewPCG(uint64(i), 3))}
		readers = append(readers, r)
		all.Go(func() {
			for n := range *disconnects / clients {
				if (n+i)%3 == 0 {
					r.events(r.rng.IntN(300), 0, 0)
				} else {
					r.socket(r.rng.IntN(300), 0, 0)
				}
			}
		})
	}
	all.Wait()
	close(stop)
	writer.Wait()
	for i, r := range readers {
		all.Go(func() {
			if i%2 == 0 {
				r.socket(1<<30, head, acted)
			} else {
				r.events(1<<30, head, acted)
			}
		})
	}
	all.Wait()
	for i, r := range readers {
		if r.seq != head || r.action != acted {
			t.Errorf("client %d has %d of %d alerts and %d of %d actions", i, r.seq, head, r.action, acted)
		}
	}
	t.Logf("%d clients cut off %d times: each got %d alerts and %d actions, all once, in order", clients, *disconnects/clients*clients, head, acted)
}

// reader is a client that knows what comes next.
type reader struct {
	t           *testing.T
	srv         *httptest.Server
	rng         *rand.Rand
	seq, action uint64
}

// take looks at a frame: what it brings must be what comes next.
func (r *reader) take(f *frame) {
	for _, it := range f.Items {
		switch f.Type {
		case "batch":
			if it.Seq != r.seq+1 {
				r.t.Errorf("alert %d came behind %d", it.Seq, r.seq)
			}
			r.seq = it.Seq
		case "update":
			if it.Action != r.action+1 {
				r.t.Errorf("action %d came behind %d", it.Action, r.action)
			}
			r.action = it.Action
		}
	}
	if f.Type == "gap" || f.Type == "error" || f.Type == "snapshot" {
		r.t.Errorf("%+v", f)
	}
}

func (r *reader) done(head, acted uint64) bool { return head > 0 && r.seq >= head && r.action >= acted }

// socket reads some frames over a WebSocket, and goes without a word.
func (r *reader) socket(frames int, head, acted uint64) {
	conn := dial(r.t, r.srv, nil)
	defer conn.NetConn().Close()
	say(r.t, conn, fmt.Sprintf(`{"op":"sub","id":"a","after":%d,"actions":%d,"every":%d}`, r.seq, r.action, r.rng.IntN(2)*100))
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for range frames {
		if r.done(head, acted) {
			return
		}
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			r.t.Error(err)
			return
		}
		r.take(&f)
		if r.rng.IntN(40) == 0 && head == 0 {
			return
		}
	}
}

// events does the same over server-sent events.
func (r *reader) events(frames int, head, acted uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.srv.URL+"/api/v1/stream", nil)
	if err != nil {
		r.t.Error(err)
		return
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", fmt.Sprintf("%d-%d", r.seq, r.action))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	id := ""
	for frames > 0 && !r.done(head, acted) {
		line, err := in.ReadString('\n')
		if err != nil {
			r.t.Error(err)
			return
		}
		if rest, ok := strings.CutPrefix(line, "id: "); ok {
			id = strings.TrimSpace(rest)
		}
		text, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		frames--
		var f frame
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			r.t.Error(err)
			return
		}
		r.take(&f)
		if want := fmt.Sprintf("%d-%d", r.seq, r.action); f.Type != "hb" && id != want {
			r.t.Errorf("the id is %s, not %s", id, want)
		}
		if r.rng.IntN(40) == 0 && head == 0 {
			return
		}
	}
}

// FuzzStreamMessage: whatever a client says is done or answered.
func FuzzStreamMessage(f *testing.F) {
	log, err := alerts.Open(alerts.Options{FS: vfs.NewMem(), Dir: "alerts", CleanEvery: -1})
	if err != nil {
		f.Fatal(err)
	}
	hub := feed.New(log, feed.Limits{}, nil)
	f.Cleanup(func() { hub.Close(); log.Close() })
	for _, s := range []string{`{"op":"sub","id":"a","filter":"severity>=high","after":3}`, `{"op":"unsub","id":"a"}`, `{"auth":"x"}`, `{"op":"sub","after":1e30}`, `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		session, err := hub.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		c := &socket{s: &Server{}, session: session}
		if out := c.do(text); out != nil && (out.Type != "error" || !json.Valid(out.Text)) {
			t.Fatalf("%s", out.Text)
		}
	})
}
