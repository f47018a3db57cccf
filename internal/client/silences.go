package client

import (
	"context"
	"net/url"
	"time"
)

// Silence keeps alerts from the sinks for a time.
type Silence struct {
	ID      string            `json:"id"`
	Rule    string            `json:"rule"`
	Key     string            `json:"key"`
	Labels  map[string]string `json:"labels"`
	Reason  string            `json:"reason"`
	By      string            `json:"by"`
	Created time.Time         `json:"created"`
	Starts  time.Time         `json:"starts"`
	Ends    time.Time         `json:"ends"`
	Ended   string            `json:"ended_by"`
	Alerts  uint64            `json:"alerts"`
}

// NewSilence is a silence that is to be.
type NewSilence struct {
	Rule   string            `json:"rule,omitempty"`
	Key    string            `json:"key,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Reason string            `json:"reason"`
	Starts string            `json:"starts,omitempty"` // RFC 3339
	Ends   string            `json:"ends,omitempty"`   // RFC 3339, or
	For    string            `json:"for,omitempty"`    // 30m, 24h, 7d
}

// Silences lists the silences in force or to come; with past those that have
// ended, too.
func (c *Client) Silences(ctx context.Context, past bool) ([]Silence, error) {
	q := url.Values{}
	if past {
		q.Set("past", "true")
	}
	var out struct{ Items []Silence }
	err := c.Get(ctx, "/api/v1/silences", q, &out)
	return out.Items, err
}

// Silence makes a silence.
func (c *Client) Silence(ctx context.Context, s NewSilence) (got Silence, err error) {
	err = c.Post(ctx, "/api/v1/silences", s, &got)
	return got, err
}

// Unsilence ends a silence now.
func (c *Client) Unsilence(ctx context.Context, id string) error {
	return c.Delete(ctx, "/api/v1/silences/"+url.PathEscape(id), nil, nil)
}
