package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Alert is an alert as the API shows it; JSON is all of it.
type Alert struct {
	Seq      uint64         `json:"seq"`
	Rule     string         `json:"rule"`
	Status   string         `json:"status"` // live, shadow
	Severity string         `json:"severity"`
	At       time.Time      `json:"at"`
	Key      map[string]any `json:"key"`
	Message  string         `json:"message"`
	State    string         `json:"state"`
	Outcome  string         `json:"outcome"`
	Assignee string         `json:"assignee"`
	Silence  string         `json:"silence"`
	Comments int            `json:"comments"`

	JSON json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the text.
func (a *Alert) UnmarshalJSON(text []byte) error {
	type plain Alert
	if err := json.Unmarshal(text, (*plain)(a)); err != nil {
		return err
	}
	a.JSON = append(a.JSON[:0], text...)
	return nil
}

// Page is some alerts.
type Page struct {
	Items []Alert `json:"items"`
	Next  uint64  `json:"next"`  // go on behind it
	Head  uint64  `json:"head"`  // of the log
	First uint64  `json:"first"` // that the log has
}

// Last reads the newest alerts that pass a filter, newest first; below: of those
// before a number, 0: of all.
func (c *Client) Last(ctx context.Context, n int, below uint64, filter string) (p Page, err error) {
	q := url.Values{"last": {strconv.Itoa(n)}}
	if below > 0 {
		q.Set("before", strconv.FormatUint(below, 10))
	}
	err = c.Get(ctx, "/api/v1/alerts", with(q, "filter", filter), &p)
	return p, err
}

// After reads the alerts behind a number that pass a filter.
func (c *Client) After(ctx context.Context, after uint64, limit int, filter string) (p Page, err error) {
	q := url.Values{"after": {strconv.FormatUint(after, 10)}, "limit": {strconv.Itoa(limit)}}
	err = c.Get(ctx, "/api/v1/alerts", with(q, "filter", filter), &p)
	return p, err
}

func with(q url.Values, name, value string) url.Values {
	if value != "" {
		q.Set(name, value)
	}
	return q
}

// Action is an entry of the audit trail.
type Action struct {
	N        uint64    `json:"action"`
	Seq      uint64    `json:"seq,omitempty"`
	Kind     string    `json:"kind"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	State    string    `json:"state,omitempty"`
	Outcome  string    `json:"outcome,omitempty"`
	Assignee string    `json:"assignee,omitempty"`
	Comment  string    `json:"comment,omitempty"`
	Detail   string    `json:"detail,omitempty"`
}

// Story is an alert with what was done to it and where it was sent.
type Story struct {
	Alert      Alert      `json:"alert"`
	History    []Action   `json:"history"`
	Deliveries []Delivery `json:"deliveries"`
}

// Alert reads one alert.
func (c *Client) Alert(ctx context.Context, seq uint64) (s Story, raw json.RawMessage, err error) {
	if err := c.Get(ctx, fmt.Sprintf("/api/v1/alerts/%d", seq), nil, &raw); err != nil {
		return s, nil, err
	}
	err = json.Unmarshal(raw, &s)
	return s, raw, err
}

// Triage is what is to become of alerts. What is nil stays.
type Triage struct {
	Alerts   []uint64 `json:"alerts"`
	State    *string  `json:"state,omitempty"`
	Outcome  *string  `json:"outcome,omitempty"`
	Assignee *string  `json:"assignee,omitempty"`
	Comment  *string  `json:"comment,omitempty"`
}

// Triage changes alerts, all that are named or none.
func (c *Client) Triage(ctx context.Context, t Triage) ([]Action, error) {
	var out struct{ Actions []Action }
	err := c.Post(ctx, "/api/v1/alerts/triage", t, &out)
	return out.Actions, err
}
