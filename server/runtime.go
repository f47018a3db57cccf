package server

import (
	"context"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

// Runtime is what the server needs of the engine; *engine.Runtime has it. All
// methods may be called by many goroutines at once.
type Runtime interface {
	// Ingest takes records of a source, JSON objects a line; "" is the source
	// that takes events over HTTP, where there is just one. What is accepted is
	// durable on return.
	Ingest(ctx context.Context, source string, lines []byte) (engine.Receipt, error)
	// Stats is how things stand. An error says why nothing can be taken in; the
	// stats then hold what is known all the same.
	Stats(ctx context.Context) (engine.RuntimeStats, error)
	// OpenRuns are the attempts that patterns have under way for a key.
	OpenRuns(ctx context.Context, key, rule string) (list []engine.OpenRun, more int, err error)
	// ListValues are values of a list, and how many it has.
	ListValues(ctx context.Context, file, name string, limit int) (values []string, all int, err error)
	// Rules are the rules that run; false: none do yet.
	Rules() (engine.RuleSet, *dsl.Program, bool)
}

// AlertLog is what the server needs of the alert log; *alerts.Log has it.
type AlertLog interface {
	Head() uint64
	After(seq uint64, limit int, f alerts.Filter) (alerts.Page, error)
	Last(limit int, before uint64, f alerts.Filter) (alerts.Page, error)
	Get(seq uint64) (alerts.Entry, error)
	Changed() <-chan struct{}
	Groups(by alerts.GroupBy, f alerts.Filter, limit int) (list []alerts.Group, back uint64, err error)

	Act(seqs []uint64, c alerts.Change, by string) ([]alerts.Action, error)
	History(seq uint64) ([]alerts.Action, error)
	ActionsAfter(n uint64, limit int) (list []alerts.Action, next uint64, err error)
	LastAction() uint64
	Note(kind, detail, by string) (alerts.Action, error)

	Deliveries(q alerts.DeliveryQuery) ([]alerts.Delivery, error)

	Silence(s alerts.Silence) (alerts.Silence, error)
	Unsilence(id, by string) error
	Silences(past bool) ([]alerts.Silence, error)

	DeadAfter(n uint64, limit int) (list []alerts.DeadLetter, next uint64, err error)
	LateAfter(n uint64, limit int) (list []alerts.LateEvent, next uint64, err error)
	// Stalled says why and since when the log can't be written; "" if it can.
	Stalled() (since time.Time, why string)
	Stats() alerts.Stats
}

// Operator is what the program around the server does when it is asked to; a
// nil function says that it can't.
type Operator struct {
	// Savepoint writes a copy of the state to a folder that does not exist yet.
	Savepoint func(ctx context.Context, dir string) (Savepoint, error)
	// Erase takes the texts of somebody's events out of what is kept.
	Erase func(ctx context.Context, what engine.Erase) (engine.Erased, error)
	// Reload is how the last change of the rule files went.
	Reload func() Reload
	// Sinks is how the delivery of alerts goes, by name.
	Sinks func() []sink.Stats
	// Disk is the room on the disk of the state directory, bytes; false:
	// unknown.
	Disk func() (free int64, ok bool)
}

// Savepoint is a copy of the state.
type Savepoint struct {
	Dir      string `json:"dir"`
	Position uint64 `json:"position"` // of the journal, that it stands at
	Bytes    int64  `json:"bytes"`
}

// Reload is how the last change of the rule files went. The zero Reload: there
// was none.
type Reload struct {
	At    int64  // ns
	Error string // "" or why it was refused
}
