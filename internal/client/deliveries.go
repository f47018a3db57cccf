package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// Delivery is a message to a webhook, and its tries.
type Delivery struct {
	ID       string    `json:"id"` // sink/number, by which it is sent again
	Sink     string    `json:"sink"`
	Message  string    `json:"message_id"`
	Type     string    `json:"type"`
	Alert    uint64    `json:"alert,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Key      string    `json:"key,omitempty"`
	State    string    `json:"state"`
	Created  time.Time `json:"created"`
	Next     time.Time `json:"next"`
	Tries    int       `json:"tries"`
	Attempts []Attempt `json:"attempts"`
	Reason   string    `json:"reason,omitempty"`
}

// Attempt is one try.
type Attempt struct {
	At       time.Time `json:"at"`
	Seconds  float64   `json:"seconds"`
	Status   int       `json:"status,omitempty"`
	Error    string    `json:"error,omitempty"`
	Response string    `json:"response,omitempty"`
}

// DeliveryQuery says which deliveries.
type DeliveryQuery struct {
	Sink   string
	States []string
	Alert  uint64
	After  string // of a page before; goes with Sink
	Limit  int
}

// Deliveries reads deliveries, and where to go on; "": that was all.
func (c *Client) Deliveries(ctx context.Context, ask DeliveryQuery) (list []Delivery, next string, err error) {
	q := url.Values{"limit": {strconv.Itoa(ask.Limit)}}
	for _, s := range ask.States {
		q.Add("state", s)
	}
	if ask.Alert > 0 {
		q.Set("alert", strconv.FormatUint(ask.Alert, 10))
	}
	var out struct {
		Items []Delivery
		Next  string
	}
	err = c.Get(ctx, "/api/v1/deliveries", with(with(q, "sink", ask.Sink), "after", ask.After), &out)
	return out.Items, out.Next, err
}

// Selection says which messages are sent again, or given up.
type Selection struct {
	Sink   string   `json:"sink,omitempty"`
	States []string `json:"states,omitempty"`
	Since  string   `json:"since,omitempty"` // RFC 3339
	IDs    []string `json:"ids,omitempty"`
}

// Retry sends messages again, and says how many.
func (c *Client) Retry(ctx context.Context, sel Selection) (int, error) {
	var out struct{ Count int }
	err := c.Post(ctx, "/api/v1/deliveries/retry", sel, &out)
	return out.Count, err
}

// Purge gives messages up, and says how many.
func (c *Client) Purge(ctx context.Context, sel Selection) (int, error) {
	var out struct{ Count int }
	err := c.Post(ctx, "/api/v1/deliveries/purge", sel, &out)
	return out.Count, err
}

// Endpoint is a webhook, and how it is doing.
type Endpoint struct {
	Sink      string    `json:"sink"`
	URL       string    `json:"url"`
	Pending   int       `json:"pending"`
	Delivered uint64    `json:"delivered"`
	Failed    uint64    `json:"failed"`
	Dead      uint64    `json:"dead"`
	Oldest    time.Time `json:"oldest"`
	Failing   time.Time `json:"failing_since"`
	Disabled  string    `json:"disabled"`
	Error     string    `json:"last_error"`
}

// Endpoints lists the webhooks.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	var out struct{ Items []Endpoint }
	err := c.Get(ctx, "/api/v1/endpoints", nil, &out)
	return out.Items, err
}

// Test sends a test message to a webhook the way an alert goes, and says what
// became of it.
func (c *Client) Test(ctx context.Context, sink string) (d Delivery, err error) {
	err = c.Post(ctx, "/api/v1/endpoints/"+url.PathEscape(sink)+"/test", struct{}{}, &d)
	return d, err
}
