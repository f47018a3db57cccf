package webhook

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// told is what messages to people are made of.
type told struct {
	AlertID  string            `json:"alert_id"`
	Seq      uint64            `json:"seq"`
	Rule     string            `json:"rule"`
	Severity string            `json:"severity"`
	Message  string            `json:"message"`
	At       string            `json:"at"`
	Key      map[string]any    `json:"key"`
	Labels   map[string]string `json:"labels"`
	URL      string            `json:"url"`
	State    string            `json:"state"`
	Outcome  string            `json:"outcome"`
	Assignee string            `json:"assignee"`
	Text     string            `json:"text"` // of a summary, a test, a notice
}

func (m *message) told() (t told, err error) {
	if err = json.Unmarshal(m.Data, &t); err != nil {
		return t, fmt.Errorf("read the message: %w", err)
	}
	if t.Text == "" {
		t.Text = t.Message
	}
	return t, nil
}

// title is the message in one line.
func (m *message) title(t *told) string {
	switch m.Type {
	case TypeUpdated:
		return fmt.Sprintf("[%s] %s: %s", t.State, t.Rule, t.Message)
	case TypeResolved:
		return fmt.Sprintf("[closed: %s] %s: %s", t.Outcome, t.Rule, t.Message)
	case TypeSummary:
		return t.Text
	case TypeTest:
		return "Test: " + t.Text
	case TypeDisabled:
		return "Weir: " + t.Text
	}
	return fmt.Sprintf("%s %s: %s", strings.ToUpper(t.Severity), t.Rule, t.Message)
}

// slack writes for incoming webhooks of Slack (and of what takes the same):
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks.
type slack struct{}

func (slack) body(m *message) ([]byte, string, error) {
	t, err := m.told()
	if err != nil {
		return nil, "", err
	}
	text := escapeSlack(m.title(&t))
	if t.URL != "" {
		text += fmt.Sprintf(" <%s|open>", t.URL)
	}
	return encode(map[string]any{"text": text})
}

// escapeSlack keeps what an event says from being read as markup or a mention.
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// email writes for gateways that send what they are posted as e-mail.
type email struct{}

func (email) body(m *message) ([]byte, string, error) {
	t, err := m.told()
	if err != nil {
		return nil, "", err
	}
	subject := []rune(m.title(&t))
	if len(subject) > 200 {
		subject = append(subject[:199], '…')
	}
	var b strings.Builder
	b.WriteString(t.Text + "\n\n")
	for _, f := range [][2]string{{"rule", t.Rule}, {"severity", t.Severity}, {"at", t.At}, {"state", t.State}, {"outcome", t.Outcome}, {"assignee", t.Assignee}, {"alert", t.AlertID}, {"open", t.URL}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "%-9s %s\n", f[0], f[1])
		}
	}
	return encode(map[string]any{"subject": strings.Join(strings.Fields(string(subject)), " "), "text": b.String()})
}

// pagerduty writes events of its Events API v2
// (https://developer.pagerduty.com/docs/send-alert-event): an alert triggers an
// incident, its acknowledgement and its end go on with it.
type pagerduty struct {
	key func() (string, error)
}

// pagerSeverity is what PagerDuty calls a severity of ours.
var pagerSeverity = map[string]string{"info": "info", "low": "warning", "medium": "warning", "high": "error", "critical": "critical"}

func (p pagerduty) body(m *message) ([]byte, string, error) {
	t, err := m.told()
	if err != nil {
		return nil, "", err
	}
	key, err := p.key()
	if err != nil {
		return nil, "", err
	}
	action, dedup := "trigger", t.AlertID
	switch {
	case m.Type == TypeResolved:
		action = "resolve"
	case m.Type == TypeUpdated && t.State == "acknowledged":
		action = "acknowledge"
	case t.AlertID == "":
		dedup = m.ID
	}
	severity := pagerSeverity[t.Severity]
	if severity == "" {
		severity = "info"
	}
	event := map[string]any{"routing_key": key, "event_action": action, "dedup_key": dedup}
	if action == "trigger" {
		title := []rune(m.title(&t))
		payload := map[string]any{"summary": string(title[:min(len(title), 1024)]), "source": "weir", "severity": severity,
			"class": t.Rule, "custom_details": m.Data}
		if t.At != "" {
			payload["timestamp"] = t.At
		}
		event["payload"] = payload
		if t.URL != "" {
			event["links"] = []map[string]string{{"href": t.URL, "text": "open"}}
		}
	}
	return encode(event)
}

func encode(v any) ([]byte, string, error) {
	b, err := json.Marshal(v)
	return b, jsonType, err
}

func stamp(ns int64) string { return string(cep.AppendTime(nil, ns)) }

// sample is the message of a test.
func sample(id string) *message {
	return &message{ID: id, Type: TypeTest, Data: json.RawMessage(`{"text":"this message was asked for; if you read it, alerts arrive here","rule":"test","severity":"info",` +
		`"message":"a test of the endpoint","key":{},"labels":{},"fields":{},"events":[]}`)}
}
