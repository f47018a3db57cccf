package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
)

// The types of messages.
const (
	TypeOpened   = "alert.opened"
	TypeUpdated  = "alert.updated"
	TypeResolved = "alert.resolved"
	TypeSummary  = "alert.summary"
	TypeTest     = "test"
	TypeDisabled = "endpoint.disabled"
)

// message is what a delivery says.
type message struct {
	ID   string
	Type string
	At   int64           // ns; when what it tells of happened
	Data json.RawMessage // an object
}

// MaxBody is how large a body is meant to be, bytes; evidence is left out of
// larger ones, first the events' data, then events from the middle.
const MaxBody = 20 << 10

// errGone says that the log has not the alert any more that is to be told of.
var errGone = errors.New("the alert is not in the log any more: its retention removed it")

// messageOf reads what a delivery says.
func messageOf(log *alerts.Log, d *alerts.Delivery, link string) (*message, error) {
	m := &message{ID: d.ID, Type: d.Type, At: d.Created, Data: d.Message}
	if d.Message != nil {
		return m, nil
	}
	e, err := log.Get(d.Seq)
	if errors.Is(err, alerts.ErrNone) {
		return nil, errGone
	}
	if err != nil {
		return nil, err
	}
	m.At, m.Data = e.Logged, e.JSON
	if d.Action != 0 {
		if a, err := log.Action(d.Action); err == nil {
			m.At = a.At
			e.Triage.State, e.Triage.Outcome, e.Triage.Assignee, e.Triage.Updated = a.State, a.Outcome, a.Assignee, a.At
		} else if !errors.Is(err, alerts.ErrNone) {
			return nil, err
		}
		m.Data = e.AppendJSON(nil)
	}
	m.Data = fit(m.Data, link)
	return m, nil
}

// body is the message as it is posted where no template says otherwise.
func (m *message) body() []byte {
	b := cep.AppendJSONString([]byte(`{"type":`), m.Type)
	b = append(cep.AppendTime(append(b, `,"timestamp":"`...), m.At), '"')
	return append(append(append(b, `,"data":`...), m.Data...), '}')
}

// line is an alert's text cut at its events, which stand last.
type line struct {
	head   []byte // up to the events' bracket
	events []json.RawMessage
}

const eventsField = `,"events":`

func cut(text []byte) (line, bool) {
	var a struct{ Events json.RawMessage }
	var l line
	if json.Unmarshal(text, &a) != nil || json.Unmarshal(a.Events, &l.events) != nil || !bytes.HasSuffix(text, append(a.Events, '}')) {
		return l, false
	}
	l.head = text[:len(text)-1-len(a.Events)]
	return l, bytes.HasSuffix(l.head, []byte(eventsField))
}

// join writes the alert with a link and, if events were left out, how many.
func (l *line) join(link string, omitted int) []byte {
	var out []byte
	if link != "" || omitted > 0 {
		at := len(l.head) - len(eventsField)
		out = append(out, l.head[:at]...)
		if link != "" {
			out = cep.AppendJSONString(append(out, `,"url":`...), link)
		}
		if omitted > 0 {
			out = strconv.AppendInt(append(out, `,"events_omitted":`...), int64(omitted), 10)
		}
		out = append(out, l.head[at:]...)
	} else {
		out = append(out, l.head...)
	}
	out = append(out, '[')
	for i, e := range l.events {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, "]}"...)
}

// fit adds a link to an alert and leaves evidence out until it is small enough.
func fit(text []byte, link string) []byte {
	l, ok := cut(text)
	if !ok {
		return text
	}
	out := l.join(link, 0)
	if len(out) <= MaxBody {
		return out
	}
	for i, e := range l.events {
		l.events[i] = withoutData(e)
	}
	all, omitted := l.events, 0
	for out = l.join(link, 0); len(out) > MaxBody && len(l.events) > 2; out = l.join(link, omitted) {
		// Halve what stands between the first and the last.
		keep := (len(l.events) - 2) / 2
		omitted = len(all) - keep - 2
		front := 1 + keep/2
		l.events = append(append([]json.RawMessage{}, all[:front]...), all[len(all)-(keep-keep/2)-1:]...)
	}
	return out
}

// withoutData is an event of an alert without its text.
func withoutData(event json.RawMessage) json.RawMessage {
	var e struct {
		Step, Type, ID, At json.RawMessage
	}
	if json.Unmarshal(event, &e) != nil {
		return event
	}
	return fmt.Appendf(nil, `{"step":%s,"type":%s,"id":%s,"at":%s}`, e.Step, e.Type, e.ID, e.At)
}
