package client

import (
	"context"
	"time"
)

// Check is one thing that has to be right.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// Pipeline is how events flow.
type Pipeline struct {
	Health struct {
		Ready    bool    `json:"ready"`
		Sentence string  `json:"sentence"`
		Checks   []Check `json:"checks"`
	} `json:"health"`
	Now     time.Time  `json:"now"`
	Started time.Time  `json:"started"`
	Sources []Source   `json:"sources"`
	Groups  []Group    `json:"groups"`
	Late    []Lateness `json:"lateness"`
	Queue   struct {
		Records int    `json:"records"`
		Bytes   int64  `json:"bytes"`
		Limit   int64  `json:"limit_bytes"`
		Full    string `json:"full"`
	} `json:"queue"`
	Sinks []Sink `json:"sinks"`
}

// Source is a source, and what it has brought since the start.
type Source struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Error      string            `json:"error"`
	Since      time.Time         `json:"error_since"`
	Ended      bool              `json:"ended"`
	Late       uint64            `json:"late"`
	Rejected   map[string]uint64 `json:"rejected"`
	Skipped    uint64            `json:"skipped"` // of types that no rule names
	Partitions []Partition       `json:"partitions"`
}

// Events is how many events all partitions have brought.
func (s *Source) Events() (n uint64) {
	for i := range s.Partitions {
		n += s.Partitions[i].Events
	}
	return n
}

// Lag is how many records wait at the source; false: it is unknown.
func (s *Source) Lag() (n int64, known bool) {
	for i := range s.Partitions {
		if lag := s.Partitions[i].Lag; lag != nil {
			n, known = n+*lag, true
		}
	}
	return n, known
}

// Refused is how many records did not become events.
func (s *Source) Refused() (n uint64) {
	for _, k := range s.Rejected {
		n += k
	}
	return n
}

// Partition is a partition of a source.
type Partition struct {
	Partition uint32    `json:"partition"`
	Label     string    `json:"label"`
	Events    uint64    `json:"events"`
	Late      uint64    `json:"late"`
	Waiting   int       `json:"waiting"`
	Lag       *int64    `json:"lag"`
	Newest    time.Time `json:"newest_event"`
	Watermark time.Time `json:"watermark"`
	Arrived   time.Time `json:"last_arrival"`
	Idle      bool      `json:"idle"`
	Ended     bool      `json:"ended"`
	Holds     bool      `json:"holds_watermark"`
	Held      bool      `json:"waits_for_others"`
}

// Group is sources that rules wait for together.
type Group struct {
	Watermark time.Time `json:"watermark"`
	Sources   []string  `json:"sources"`
	Rules     []string  `json:"rules"`
}

// Lateness is how late events of a type came.
type Lateness struct {
	Type      string `json:"type"`
	Late      uint64 `json:"late"`
	Longest   string `json:"longest"`
	Suggested string `json:"suggested_late"`
}

// Sink is where alerts are delivered to.
type Sink struct {
	Name    string    `json:"name"`
	Kind    string    `json:"kind"`
	Behind  uint64    `json:"behind"`
	Sent    uint64    `json:"sent"`
	Refused uint64    `json:"refused"`
	Lost    uint64    `json:"lost"`
	Error   string    `json:"error"`
	Since   time.Time `json:"error_since"`
	Oldest  time.Time `json:"oldest"`
}

// Pipeline reads how events flow.
func (c *Client) Pipeline(ctx context.Context) (p Pipeline, err error) {
	err = c.Get(ctx, "/api/v1/pipeline", nil, &p)
	return p, err
}

// State is what the rules remember.
type State struct {
	Bytes      int64  `json:"bytes"`
	Limit      int64  `json:"limit_bytes"` // 0: none
	Keys       int    `json:"keys"`
	DiskFree   *int64 `json:"disk_free_bytes"` // nil: unknown
	Checkpoint struct {
		At    time.Time `json:"at"`
		Every float64   `json:"interval_seconds"`
	} `json:"checkpoint"`
}

// State reads what the rules remember.
func (c *Client) State(ctx context.Context) (s State, err error) {
	err = c.Get(ctx, "/api/v1/state", nil, &s)
	return s, err
}

// Session says who asks.
type Session struct {
	Name  string `json:"name"`
	Role  string `json:"role"`
	Login bool   `json:"login"`
}

// Session says who the server takes the client for.
func (c *Client) Session(ctx context.Context) (s Session, err error) {
	err = c.Get(ctx, "/api/v1/session", nil, &s)
	return s, err
}
