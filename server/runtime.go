package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// Runtime is what the server needs of the engine. All methods may be called by
// many goroutines at once.
type Runtime interface {
	// Ingest takes records of a source, JSON objects a line; "" is the source
	// that takes events over HTTP, where there is just one. What is accepted is
	// durable on return. data is the runtime's to keep.
	// Errors: BusyError, SourceError, ErrStalled, ErrStopping.
	Ingest(ctx context.Context, source string, data []byte) (Receipt, error)
	// Stats is how things stand. It is cheap enough for a scrape a second.
	Stats() *Stats
	// Savepoint writes a copy of the state to a folder that does not exist.
	// Errors: ExistsError, ErrStopping.
	Savepoint(ctx context.Context, dir string) (Savepoint, error)
}

// Receipt says what became of ingested records.
type Receipt struct {
	Accepted   uint64   // became events
	Duplicates uint64   // of these, known to have come before
	Rejected   uint64   // are dead letters now
	Skipped    uint64   // of types that no rule names
	Rejects    []Reject // the first of the rejected ones
	Unknown    []string // types of the skipped ones
}

// Reject is a record that did not become an event.
type Reject struct {
	Record int    // number in the request, from 0
	Reason string // a stable code
	Detail string // what is wrong, in words
	Field  string // that is wrong, "" if it is none
}

// Savepoint is a copy of the state.
type Savepoint struct {
	Dir      string
	Position uint64 // of the journal, that it stands at
	Bytes    int64
	Took     time.Duration
}

// AlertLog is what the server needs of the alert log; *alerts.Log has it.
type AlertLog interface {
	Head() uint64
	After(seq uint64, limit int, f alerts.Filter) (alerts.Page, error)
	Changed() <-chan struct{}
	DeadAfter(n uint64, limit int) (list []alerts.DeadLetter, next uint64, err error)
	LateAfter(n uint64, limit int) (list []alerts.LateEvent, next uint64, err error)
}

// ErrStalled says that the journal can't be written, ErrStopping that the
// server is about to end, ErrNoLog that there is no alert log.
var (
	ErrStalled  = errors.New("the journal can't be written")
	ErrStopping = errors.New("the server is stopping")
	ErrNoLog    = errors.New("this server keeps no alert log")
)

// BusyError says that too much waits to be worked off.
type BusyError struct {
	After time.Duration // until it is worth another try
	Why   string        // "" or what is full
}

func (e *BusyError) Error() string {
	if e.Why != "" {
		return e.Why
	}
	return "too many events wait to be worked off"
}

// SourceError says that there is no such source, or that none is named where
// one must be.
type SourceError struct {
	Name  string
	Known []string // the sources that take events over HTTP
}

func (e *SourceError) Error() string {
	if e.Name == "" {
		return "several sources take events over HTTP, and the request names none"
	}
	return fmt.Sprintf("no source called %q takes events over HTTP", e.Name)
}

func (e *SourceError) hint() string {
	if len(e.Known) == 0 {
		return "declare one in a rule file: source NAME of EVENT from http {}"
	}
	return "write ?source=NAME with one of: " + strings.Join(e.Known, ", ")
}

// ExistsError says that a folder that was to be made exists.
type ExistsError struct{ Dir string }

func (e *ExistsError) Error() string { return e.Dir + " exists already" }
