package server

import (
	"fmt"
	"time"
)

// Limits bound what a client can ask for. A zero field takes its default.
type Limits struct {
	Header      int           // bytes of a request's headers
	Body        int64         // bytes of a request's body as it is sent
	Decoded     int64         // bytes of a body once it is decompressed
	Bodies      int64         // bytes of all bodies in memory at once
	Rejects     int           // rejected records that an answer lists
	Page        int           // items of a page of alerts, dead letters or late events
	PageDefault int           // items of a page whose size is not asked for
	Polls       int           // requests that wait for alerts at once
	Wait        time.Duration // that such a request may wait
	ReadHeader  time.Duration // until the headers have come
	Read        time.Duration // until the body has come
	Write       time.Duration // until the answer is taken
	Idle        time.Duration // of a connection between two requests
	Conns       int           // open connections
	JSON        int64         // bytes of a body that is one JSON object
	Depth       int           // nesting of such a body
	Sessions    int           // browsers that are logged in
	SessionIdle time.Duration // that a session may not be used
	SessionLife time.Duration // of a session
	Tries       int           // wrong tokens of an address, in a minute
}

// DefaultLimits are the limits that are published.
var DefaultLimits = Limits{
	Header:      32 << 10,
	Body:        16 << 20,
	Decoded:     64 << 20,
	Bodies:      256 << 20,
	Rejects:     100,
	Page:        1000,
	PageDefault: 100,
	Polls:       1000,
	Wait:        time.Minute,
	ReadHeader:  10 * time.Second,
	Read:        time.Minute,
	Write:       2 * time.Minute,
	Idle:        2 * time.Minute,
	Conns:       4096,
	JSON:        1 << 20,
	Depth:       32,
	Sessions:    1000,
	SessionIdle: 8 * time.Hour,
	SessionLife: 24 * time.Hour,
	Tries:       10,
}

// Limit is a row of the published table.
type Limit struct {
	Name    string `json:"name"`
	Value   int64  `json:"value"`
	Unit    string `json:"unit"`
	Meaning string `json:"meaning"`
	Reached string `json:"reached"` // what happens then
}

// Table is the limits as they are published, at GET /api/v1/limits.
func (l Limits) Table() []Limit {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return []Limit{
		{"header", int64(l.Header), "bytes", "headers of a request", "431"},
		{"body", l.Body, "bytes", "body of a request as it is sent", "413"},
		{"decoded", l.Decoded, "bytes", "body of a request once it is decompressed", "413"},
		{"bodies", l.Bodies, "bytes", "bodies of all requests that are being taken in", "429 with Retry-After"},
		{"rejects", int64(l.Rejects), "records", "rejected records that an answer lists; all are counted and kept as dead letters", "the answer says how many more there are"},
		{"page", int64(l.Page), "items", "items of a page", "400"},
		{"polls", int64(l.Polls), "requests", "requests that wait for alerts", "429 with Retry-After"},
		{"wait", seconds(l.Wait), "seconds", "time that a request may wait for alerts", "400"},
		{"read_header", seconds(l.ReadHeader), "seconds", "time until the headers of a request have come", "the connection is closed"},
		{"read", seconds(l.Read), "seconds", "time until the body of a request has come", "408"},
		{"write", seconds(l.Write), "seconds", "time until an answer is taken", "the connection is closed"},
		{"idle", seconds(l.Idle), "seconds", "time of a connection between two requests", "the connection is closed"},
		{"connections", int64(l.Conns), "connections", "open connections", "further ones wait to be accepted"},
		{"json", l.JSON, "bytes", "body of a request that is one JSON object", "413"},
		{"json_depth", int64(l.Depth), "levels", "objects and arrays within one another in such a body", "400"},
		{"sessions", int64(l.Sessions), "sessions", "browsers that are logged in", "the session that was not used for longest ends"},
		{"session_idle", seconds(l.SessionIdle), "seconds", "time that a session may not be used", "the session ends"},
		{"session_life", seconds(l.SessionLife), "seconds", "time since the login", "the session ends"},
		{"tries", int64(l.Tries), "tries", "wrong tokens from an address in a minute", "429 with Retry-After"},
	}
}

// fill puts in the defaults.
func (l Limits) fill() Limits {
	d := DefaultLimits
	or(&l.Header, d.Header)
	or(&l.Body, d.Body)
	or(&l.Decoded, d.Decoded)
	or(&l.Bodies, d.Bodies)
	or(&l.Rejects, d.Rejects)
	or(&l.Page, d.Page)
	or(&l.PageDefault, min(d.PageDefault, l.Page))
	or(&l.Polls, d.Polls)
	or(&l.Wait, d.Wait)
	or(&l.ReadHeader, d.ReadHeader)
	or(&l.Read, d.Read)
	or(&l.Write, d.Write)
	or(&l.Idle, d.Idle)
	or(&l.Conns, d.Conns)
	or(&l.JSON, d.JSON)
	or(&l.Depth, d.Depth)
	or(&l.Sessions, d.Sessions)
	or(&l.SessionIdle, d.SessionIdle)
	or(&l.SessionLife, d.SessionLife)
	or(&l.Tries, d.Tries)
	return l
}

func or[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Row is the limit as a row of the page of operations.
func (l Limit) Row() string {
	return fmt.Sprintf("| `%s` | %d %s | %s | %s |", l.Name, l.Value, l.Unit, l.Meaning, l.Reached)
}
