package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/weir-cep/weir/alerts/feed"
)

// maxClientMessage is how long a message of a client can be, bytes.
const maxClientMessage = 16 << 10

// upgrader makes WebSockets of requests. Where they come from was looked at
// with every request's origin, see guard.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second,
	ReadBufferSize:   1 << 10,
	WriteBufferPool:  &writeBuffers,
	WriteBufferSize:  4 << 10,
	CheckOrigin:      func(*http.Request) bool { return true },
	Error: func(w http.ResponseWriter, r *http.Request, status int, reason error) {
		e := fail(codeUpgrade, "%s", reason)
		e.Status = status
		writeError(w, r, e)
	},
}

// writeBuffers are shared by WebSockets, of which most have nothing to write.
var writeBuffers sync.Pool

// socket is a client of the feed over a WebSocket.
type socket struct {
	s       *Server
	conn    *websocket.Conn
	who     Identity
	session *feed.Session
}

// serveSocket serves a client until it goes, is too slow, or the server stops.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) error {
	session, err := s.openFeed()
	if err != nil {
		return err
	}
	defer session.Close()
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil // it was answered
	}
	defer conn.Close()
	c := &socket{s: s, conn: conn, who: identity(r), session: session}
	conn.SetReadLimit(maxClientMessage)
	if c.who.Role == RoleNone && !c.introduce() {
		return nil
	}
	ctx, cancel := s.streaming(r.Context())
	defer cancel()
	conn.SetPongHandler(func(string) error { return conn.SetReadDeadline(time.Now().Add(streamPong)) })
	go func() {
		defer cancel()
		c.read()
	}()
	c.write(ctx)
	return nil
}

// introduce lets a client say who it is; false: it did not.
func (c *socket) introduce() bool {
	_ = c.conn.SetReadDeadline(time.Now().Add(streamAuth))
	kind, text, err := c.conn.ReadMessage()
	if err != nil {
		c.close(websocket.ClosePolicyViolation, `say who you are first: {"auth":"TOKEN"}`)
		return false
	}
	var first struct {
		Auth string `json:"auth"`
	}
	if kind == websocket.TextMessage && json.Unmarshal(text, &first) == nil && first.Auth != "" {
		if who, ok := c.s.Authenticate(first.Auth); ok && who.Role.May(RoleViewer) {
			c.who = who
			return true
		}
	}
	c.send(feed.ErrorFrame("", codeUnauthorized, `the first message must be {"auth":"TOKEN"} with a token that may read alerts`))
	c.close(websocket.ClosePolicyViolation, "not authorized")
	return false
}

// read takes what the client asks for until the connection ends.
func (c *socket) read() {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(streamPong))
		kind, r, err := c.conn.NextReader()
		if err != nil {
			return
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return
		}
		if kind != websocket.TextMessage {
			c.session.Say(feed.ErrorFrame("", codeBody, "messages are JSON texts"))
			continue
		}
		if f := c.do(text); f != nil {
			c.session.Say(f)
		}
	}
}

// clientMessage is what a client can say.
type clientMessage struct {
	Op       string  `json:"op"` // sub, unsub
	ID       string  `json:"id"`
	Topic    string  `json:"topic"`
	Filter   string  `json:"filter"`
	After    *uint64 `json:"after"`    // go on behind this alert; none: begin with a snapshot
	Actions  *uint64 `json:"actions"`  // and behind this action
	Snapshot int     `json:"snapshot"` // alerts in the snapshot at most
	Every    int     `json:"every"`    // ms; frames need not come closer than this
	Auth     string  `json:"auth"`     // of the first message; later it is not looked at
}

const maxSubID = 64

// do does what a message says, and returns what to answer, nil: nothing.
func (c *socket) do(text []byte) *feed.Frame {
	var m clientMessage
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return feed.ErrorFrame("", codeBody, "the message can't be read: "+err.Error()+`; write it like {"op":"sub","id":"a","topic":"alerts","filter":"severity>=high"}`)
	}
	if len(m.ID) > maxSubID {
		return feed.ErrorFrame("", codeParameter, "an id can be 64 bytes long")
	}
	switch m.Op {
	case "sub":
		return c.subscribe(&m)
	case "unsub":
		c.session.Unsubscribe(m.ID)
		return nil
	case "":
		if m.Auth != "" {
			return nil // it had said who it is before
		}
	}
	return feed.ErrorFrame(m.ID, codeParameter, `there is no op "`+m.Op+`": sub, unsub`)
}

func (c *socket) subscribe(m *clientMessage) *feed.Frame {
	if m.Topic != "" && m.Topic != "alerts" {
		return feed.ErrorFrame(m.ID, codeParameter, `there is no topic "`+m.Topic+`": alerts`)
	}
	f, err := feedFilter(m.Filter)
	if err != nil {
		return feed.ErrorFrame(m.ID, codeParameter, asError(err).Message)
	}
	want := feed.Want{ID: m.ID, Filter: f, After: m.After, Action: m.Actions, Snapshot: m.Snapshot, Coarse: m.Every >= coarseEvery}
	if err := c.session.Subscribe(want); err != nil {
		return feed.ErrorFrame(m.ID, codeBusy, err.Error())
	}
	return nil
}

// coarseEvery is the distance between frames, ms, from which on a client gets
// them no closer than the feed's slowest pulse.
const coarseEvery = 50

// write sends the client its frames until ctx ends.
func (c *socket) write(ctx context.Context) {
	looked, pinged := time.Now(), time.Now()
	for {
		next, cancel := context.WithDeadline(ctx, pinged.Add(streamPing))
		f, _, err := c.session.Next(next)
		cancel()
		now := time.Now()
		switch {
		case err == nil:
			if !c.send(f) {
				return
			}
		case ctx.Err() != nil || errors.Is(err, feed.ErrClosed):
			c.end()
			return
		case !errors.Is(err, context.DeadlineExceeded):
			c.s.log.Error("the feed can't read the alert log", "error", err)
			c.close(websocket.CloseInternalServerErr, "the alert log can't be read")
			return
		}
		if now.Sub(pinged) >= streamPing {
			pinged = now
			if c.conn.WriteControl(websocket.PingMessage, nil, now.Add(streamWrite)) != nil {
				return
			}
		}
		if now.Sub(looked) >= streamHolds {
			looked = now
			if !c.s.holds(c.who) {
				c.close(websocket.ClosePolicyViolation, "the token was revoked or has expired")
				return
			}
		}
	}
}

// end tells a client that is still there why it is let go.
func (c *socket) end() {
	if c.s.stopping.Load() {
		c.close(websocket.CloseServiceRestart, "the server is stopping; come back")
		return
	}
	c.close(websocket.CloseNormalClosure, "")
}

// send sends a frame; false: the client does not take it.
func (c *socket) send(f *feed.Frame) bool {
	_ = c.conn.SetWriteDeadline(time.Now().Add(streamWrite))
	p, ok := f.Form(func(text []byte) any {
		p, err := websocket.NewPreparedMessage(websocket.TextMessage, text)
		if err != nil {
			return err
		}
		return p
	}).(*websocket.PreparedMessage)
	return ok && c.conn.WritePreparedMessage(p) == nil
}

func (c *socket) close(code int, why string) {
	_ = c.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
}
