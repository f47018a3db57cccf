package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// Event is one event of one key as a machine sees it.
type Event struct {
	Frame  *expr.Frame // the current event; Frame.At is the time at which it stands
	Bits   uint64      // unary predicates that hold, by Prog.Preds index; see Prog.Bits
	Routes uint64      // routes by which the event reached this key, by RuleIR.Routes index
	Seq    uint64      // unused by a caller; machines number the events of a key themselves
}

// Match is a reported run. It is valid only during the Emit call; as an
// expr.Bound it gives the alert block the events it binds.
type Match struct {
	Kind      cep.MatchKind
	At        int64 // time of the completing event, or the deadline
	FirstAt   int64
	Truncated bool // match each limit N left some out
	Bound     expr.Bound
	Events    []BoundEvent // every bound event in time order
}

// BoundEvent is one event of a match.
type BoundEvent struct {
	Binding int // index into RuleIR.Bindings
	At      int64
	Ref     cep.Ref
	ID      uint64 // hash of its reference: (type, id, at), or (source, partition, position)
}

// Emit receives the matches of a machine as they are found, in order.
type Emit func(m *Match)

// Machine matches one rule's pattern. The state of a key lives in a slot of
// the arena, addressed by its handle; 0 means that the key has none. A machine
// has no clock, no goroutine and does no I/O.
//
// For every event that the rule reads for the key, in order: Advance to the
// event's time first (it fires deadlines before it), then Event.
type Machine interface {
	// Event feeds one event and returns the state's handle, which may have
	// changed; 0 when nothing is left to remember.
	Event(s slab.Handle, ev *Event, emit Emit) slab.Handle
	// Advance fires the deadlines d < now in order and drops what has expired.
	// The frame gives the alert block its key, lookups and features.
	Advance(s slab.Handle, now int64, f *expr.Frame, emit Emit) slab.Handle
	// Deadline is the earliest time at which Advance has something to fire.
	Deadline(s slab.Handle) (at int64, ok bool)
	// Idle is the time after which the state cannot matter any more (its
	// runs have all expired and no deadline is left); ok false: never.
	Idle(s slab.Handle) (at int64, ok bool)
	// Drop forgets the state.
	Drop(s slab.Handle)
	// Counters reads what the machine has counted since it was made.
	Counters() Counters
}

// Counters are a machine's totals.
type Counters struct {
	Capped     uint64 // starts or runs dropped by a budget (weir_rule_runs_capped_total)
	EvalErrors uint64 // conditions that failed and counted as false (weir_rule_eval_errors_total)
	Budget     uint64 // tests left out because the per-event budget was spent
}

// Limits bounds what one key of one rule may hold.
type Limits struct {
	Starts int // open runs per key; default 1000
	Tests  int // run tests per event, a test that reads n bound events counting 1 + n/128; default 0 = Starts
	Events int // bound events per run; default 10000
}

// filled puts the defaults in place of zeros.
func (l Limits) filled() Limits {
	if l.Starts <= 0 {
		l.Starts = DefaultStarts
	}
	if l.Tests <= 0 {
		l.Tests = l.Starts
	}
	if l.Events <= 0 {
		l.Events = DefaultEvents
	}
	return l
}
