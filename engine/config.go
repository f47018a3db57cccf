package engine

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/nfa"
)

// Config says how a program is run. The zero Config runs it on one shard over
// one input partition.
type Config struct {
	// Shards is how many goroutines share the keys; 0 is 1. It changes the
	// speed and nothing else.
	Shards int

	// Inputs are the partitions that rows will come from, so that the
	// watermark can wait for those that have not begun. None: the one
	// partition 0 of source 0 with every type of the program.
	Inputs []Input

	// Apart lets sources of rules that have nothing in common not wait for each
	// other, as a server wants it. Without it all do, and alerts come out in
	// one order of time.
	Apart bool

	// Sources says which types each source of a program carries of which
	// partitions may come, for Apart. nil: the sources of the rule files, and
	// one for all types that none of these carries.
	Sources func(*dsl.Program) [][]*cep.Schema

	// Deploys lets every row that comes in time wait for the watermark, whether
	// somebody looks at it or not, so that rules and lookups that change
	// meanwhile see it. Without it they see of the rows that have come only
	// those that others had looked at. In a group whose rules are all in arrival
	// order no row waits: a first rule in time order sees what comes behind it.
	Deploys bool

	// Arrival lets rules whose RuleIR.Arrival is set see their rows as they
	// come. Without it every rule runs in time order.
	Arrival bool

	// Dedupe is how long an id is remembered, ns of event time; 0 is
	// DefaultDedupe, negative turns it off.
	Dedupe int64

	// Emit takes the alerts in their final order. The slice is the caller's,
	// the alerts are the callee's to keep. An error ends the run.
	Emit func(alerts []*cep.Alert) error

	// Late takes rows that came too late, in the order in which they came, and
	// behind those of a feed the alerts of rules in arrival order that are too
	// late as events of rules in time order. The batch is not to be kept.
	Late func(LateRow)

	// Ahead takes rows that were too far ahead of their arrival, in the order
	// in which they came. The batch is not to be kept.
	Ahead func(AheadRow)

	// Lookups are the values of params, lists and tables; nil takes the
	// program's own (defaults and inline lists; tables and lists from outside
	// are empty).
	Lookups *expr.Lookups

	// Fixed are feature values that hold whatever the events do.
	Fixed []FixedFeature

	Limits Limits

	// Trace watches one rule and key; nil: none.
	Trace *Trace

	// Costs measures the time that each rule takes, at the price of two clock
	// readings per rule and event.
	Costs bool

	ids *ids // of the states that are taken over; nil: there are none
}

// DefaultDedupe is how long ids are remembered where nothing else is said.
const DefaultDedupe = cep.Hour

// Input is one partition of the input.
type Input struct {
	Source    uint32 // its rank among the sources by name
	Partition uint32
	Types     []*cep.Schema // that it can carry; nil: all of the program's

	// Dedupe is how long the source's ids are remembered, ns of event time; 0
	// is Config.Dedupe, negative turns it off. What the last partition of a
	// source says holds for all of it.
	Dedupe int64
	// MaxAhead is how far ahead of its arrival a row may be, ns; 0: any time.
	MaxAhead int64
	// Idle says that the partition is silent as it becomes known: nobody waits
	// for it before its first row.
	Idle bool

	// Name is the source's name, as it stands in the ids of events that have
	// none of their own; "" is DefaultSource.
	Name string
	// JSON turns an event's raw text into JSON for an alert, appending to dst;
	// nil: it is JSON already.
	JSON func(dst, raw []byte) []byte
	// Find returns the id (as text, "" if it has none) and the text as JSON of
	// an event that is not in memory any more; nil: such are gone.
	Find func(s *cep.Schema, ref cep.Ref) (id string, data []byte)
}

// DefaultSource is the name of a source that has none: what a file given on
// the command line is.
const DefaultSource = "events"

// Limits bound what a run may hold.
type Limits struct {
	Match nfa.Limits
	// Waiting is how many rows may wait for the watermark; 0 is
	// DefaultWaiting. Beyond it Feed returns ErrWaiting: the lateness is too
	// long for the memory.
	Waiting int
	// WaitingBytes is how many bytes the batches may have of which rows wait;
	// 0: it does not matter.
	WaitingBytes int64
	// Early is for a server, which must neither stop nor grow without end:
	// beyond the limits above partitions that are ahead of others have no Room,
	// and beyond twice the limits the oldest rows are released before their
	// time. Then where batches are cut decides which rows that is.
	Early bool
	// Evidence is how many bytes of raw events are kept in memory for alerts;
	// 0 is DefaultEvidence. The oldest go first.
	Evidence int64
}

// Defaults of Limits.
const (
	DefaultWaiting  = 16 << 20
	DefaultEvidence = 64 << 20
)

// MaxShards is the number of key groups: more shards than that would stay idle.
const MaxShards = 256

// FixedFeature is one item of a feature that has a fixed value for one key.
type FixedFeature struct {
	Feature *dsl.FeatureIR
	Item    int
	Key     []cep.Value
	Value   cep.Value
}

// LateRow is a row that came too late to be looked at.
type LateRow struct {
	Batch     *cep.Batch
	Index     int   // in Batch.Rows
	Watermark int64 // ns; the row's at is below it
	Greatest  int64 // the greatest at of its partition when it came
}

// AheadRow is a row whose time is too far ahead of its arrival.
type AheadRow struct {
	Batch *cep.Batch
	Index int   // in Batch.Rows
	Limit int64 // ns; the row's at is above it
}

func (c *Config) fill() error {
	if c.Shards == 0 {
		c.Shards = 1
	}
	if c.Shards < 1 || c.Shards > MaxShards {
		return fmt.Errorf("engine: %d shards, it can be 1 to %d", c.Shards, MaxShards)
	}
	if c.Dedupe == 0 {
		c.Dedupe = DefaultDedupe
	}
	if c.Limits.Waiting == 0 {
		c.Limits.Waiting = DefaultWaiting
	}
	if c.Limits.Evidence == 0 {
		c.Limits.Evidence = DefaultEvidence
	}
	if len(c.Inputs) == 0 && !c.Apart {
		c.Inputs = []Input{{}}
	}
	c.Inputs = slices.Clone(c.Inputs)
	return nil
}
