package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Feed follows alerts as they happen. Every alert that passes is handed over
// once and in order, also when the connection breaks or the server restarts in
// between; what retention has removed meanwhile is told of.
type Feed struct {
	Filter   string
	After    uint64 // go on behind this alert, if Resume
	Resume   bool
	Snapshot int // else begin with so many of the newest, 0: with none

	Alert func(*Alert) error // in order of their numbers
	Made  func(*Made) error  // what somebody made of an alert; may be nil
	Say   func(text string)  // what a person should know: lost and found connections, gaps, notices; may be nil

	wait   func(ctx context.Context, d time.Duration) error // between two tries; nil: by the clock
	action *uint64
}

// Made is what somebody made of an alert.
type Made struct {
	Seq      uint64    `json:"seq"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	Outcome  string    `json:"outcome"`
	Assignee string    `json:"assignee"`
	Comment  string    `json:"comment"`
	By       string    `json:"by"`
	Updated  time.Time `json:"updated"`
	Action   uint64    `json:"action"`
}

// Times between tries to connect, and without a sign of life from the server,
// which gives one every 15 s.
const (
	firstWait = 500 * time.Millisecond
	mostWait  = 30 * time.Second
	silence   = 60 * time.Second
	pageSize  = 500
)

// handed is an error of a callback: it ends the feed.
type handed struct{ error }

// Follow hands over alerts until ctx ends, the server refuses for good, or a
// callback returns an error.
func (c *Client) Follow(ctx context.Context, f Feed) error {
	if f.Say == nil {
		f.Say = func(string) {}
	}
	if f.wait == nil {
		f.wait = sleep
	}
	pause, lost, worked := firstWait, false, false
	for {
		err := c.followOnce(ctx, &f, func() {
			if lost {
				f.Say("connected again")
			}
			lost, worked = false, true
		}, func() { pause = firstWait })
		if ctx.Err() != nil {
			return nil
		}
		var stop handed
		var refused *Error
		switch {
		case errors.As(err, &stop):
			return stop.error
		case errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusTooManyRequests:
			return err
		}
		if !worked {
			return err
		}
		if !lost {
			f.Say(fmt.Sprintf("the connection is lost (%s); trying again", strings.TrimSpace(firstLine(err))))
		}
		lost = true
		if f.wait(ctx, pause) != nil {
			return nil
		}
		pause = min(2*pause, mostWait)
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// feedMessage is what the server says on the feed.
type feedMessage struct {
	Type    string          `json:"type"`
	Upto    uint64          `json:"upto"`
	Seq     json.RawMessage `json:"seq"`     // [from, to] of a batch, a number of a heartbeat
	Actions json.RawMessage `json:"actions"` // [from, to] of an update, else a number
	Items   json.RawMessage `json:"items"`
	From    uint64          `json:"from"`
	To      uint64          `json:"to"`
	Reason  string          `json:"reason"`
	Text    string          `json:"text"`
	Code    string          `json:"code"`
	Message string          `json:"message"`
}

func (c *Client) followOnce(ctx context.Context, f *Feed, connected, alive func()) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	release := context.AfterFunc(ctx, func() { conn.Close() })
	defer release()
	if err := conn.WriteJSON(f.subscription()); err != nil {
		return err
	}
	connected()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(silence))
		var m feedMessage
		if err := conn.ReadJSON(&m); err != nil {
			return gone(err)
		}
		if err := f.take(ctx, c, &m); err != nil {
			return err
		}
		alive()
	}
}

func (f *Feed) subscription() map[string]any {
	sub := map[string]any{"op": "sub", "id": "cli", "topic": "alerts", "filter": f.Filter}
	if f.Resume {
		sub["after"] = f.After
		if f.action != nil {
			sub["actions"] = *f.action
		}
	} else {
		sub["snapshot"] = max(f.Snapshot, 1)
	}
	return sub
}

// dial opens the WebSocket; what the server answers instead is its refusal.
func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	d := websocket.Dialer{TLSClientConfig: c.tls, Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 15 * time.Second}
	head := http.Header{}
	if c.token != "" {
		head.Set("Authorization", "Bearer "+c.token)
	}
	conn, answer, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(c.at("/api/v1/stream", nil), "http"), head)
	if err == nil {
		conn.SetReadLimit(maxAnswer)
		return conn, nil
	}
	if answer == nil {
		return nil, c.unreachable(err)
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<16)) // what there is of it
	answer.Body.Close()
	return nil, refusal(answer.StatusCode, text)
}

// gone says why a connection ended. One that the server ended for good reason
// is not tried again.
func gone(err error) error {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		if closed.Code == websocket.ClosePolicyViolation {
			return &Error{Status: http.StatusUnauthorized, Code: "unauthorized", Message: closed.Text}
		}
		return errors.New("the server closed it: " + closed.Text)
	}
	return err
}

// take takes a message, and notes how far it goes.
func (f *Feed) take(ctx context.Context, c *Client, m *feedMessage) error {
	switch m.Type {
	case "snapshot":
		return f.snapshot(m)
	case "batch":
		var span [2]uint64
		if err := json.Unmarshal(m.Seq, &span); err != nil {
			return fmt.Errorf("the feed said a batch of %s: %w", m.Seq, err)
		}
		return f.hand(m.Items, span[1])
	case "update":
		return f.update(m)
	case "gap":
		return f.fill(ctx, c, m)
	case "notice":
		f.Say(m.Text)
	case "error":
		status := http.StatusBadRequest
		if m.Code == "busy" {
			status = http.StatusTooManyRequests
		}
		return &Error{Status: status, Code: m.Code, Message: m.Message}
	case "hb":
		var seq uint64
		if len(m.Seq) > 0 && json.Unmarshal(m.Seq, &seq) == nil && f.Resume && seq > f.After {
			f.After = seq
		}
	}
	return nil
}

func (f *Feed) snapshot(m *feedMessage) error {
	var n uint64
	if json.Unmarshal(m.Actions, &n) == nil {
		f.action = &n
	}
	if f.Snapshot == 0 {
		m.Items = nil
	}
	if err := f.hand(m.Items, m.Upto); err != nil {
		return err
	}
	f.Resume = true
	return nil
}

// hand hands over alerts that were not yet, and stands behind upto then.
func (f *Feed) hand(items json.RawMessage, upto uint64) error {
	var list []Alert
	if len(items) > 0 {
		if err := json.Unmarshal(items, &list); err != nil {
			return fmt.Errorf("the feed sent what is no alert: %w", err)
		}
	}
	for i := range list {
		if f.Resume && list[i].Seq <= f.After {
			continue
		}
		if err := f.Alert(&list[i]); err != nil {
			return handed{err}
		}
		if f.Resume {
			f.After = list[i].Seq
		}
	}
	f.After = max(f.After, upto)
	return nil
}

func (f *Feed) update(m *feedMessage) error {
	var list []Made
	if err := json.Unmarshal(m.Items, &list); err != nil {
		return fmt.Errorf("the feed sent what is no change of an alert: %w", err)
	}
	var span [2]uint64
	if json.Unmarshal(m.Actions, &span) == nil {
		f.action = &span[1]
	}
	if f.Made == nil {
		return nil
	}
	for i := range list {
		if err := f.Made(&list[i]); err != nil {
			return handed{err}
		}
	}
	return nil
}

// fill reads from the log what the feed has left out.
func (f *Feed) fill(ctx context.Context, c *Client, m *feedMessage) error {
	if m.Reason == "gone" {
		f.Say(fmt.Sprintf("alerts %d to %d are gone: retention has removed them", m.From, m.To))
		f.After = max(f.After, m.To)
		return nil
	}
	at := max(f.After, m.From-min(m.From, 1))
	for at < m.To {
		p, err := c.After(ctx, at, pageSize, f.Filter)
		if err != nil {
			return err
		}
		for i := range p.Items {
			if a := &p.Items[i]; a.Seq > f.After {
				if err := f.Alert(a); err != nil {
					return handed{err}
				}
				f.After = a.Seq
			}
		}
		if p.Next <= at {
			break
		}
		at = p.Next
	}
	f.After = max(f.After, m.To)
	return nil
}
