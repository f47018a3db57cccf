package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// Frame is what an expression is evaluated against: the current event, the
// run's bound events, windows and lookups. One Frame per shard is refilled for
// every event; evaluation allocates nothing.
type Frame struct {
	// The current event. Table is nil where no event is current (a pattern's
	// where, an alert block at a deadline).
	Batch *cep.Batch
	Table *cep.Table
	Row   int // row in Table
	At    int64
	Ref   cep.Ref

	Key     []cep.Value // the rule's key parts
	Bound   Bound       // the run or match under test; nil before the first binding
	Aggs    Aggregates  // OpAgg leaves
	Reads   Features    // OpFeature leaves
	Lookups *Lookups
	Syms    *slab.Symbols

	MatchStart, MatchEnd int64

	// Failed is set by a division by zero, an overflow or a failed conversion.
	// Whoever owns a whole condition clears it, evaluates, and takes a failed
	// condition as false; it counts in weir_rule_eval_errors_total.
	Failed bool

	// Failures counts the whole conditions and values that failed. It only
	// grows; a caller that wants to know about one compares before and after.
	Failures uint64

	scratch scratch
}

// scratch is memory that evaluations borrow, stackwise: a whole expression
// gives back what it took.
type scratch struct {
	text  []byte   // strings that functions build; when it grows they keep the old array alive
	list  []byte   // the encoding of a list; not nested
	words []uint64 // values to sort
}

// fail notes that the expression cannot be computed.
func (f *Frame) fail() { f.Failed = true }

// Bound gives access to the events that a run has bound, step by step. Its
// implementations are the machines' runs.
type Bound interface {
	// Count is how many events the step has bound.
	Count(step int) int
	// Record is the capture record of the i-th event (from 0) that the step has
	// bound; i -1 is the last. It is valid until the run changes.
	Record(step, i int) []uint64
}

// Aggregates reads the windowed aggregates of a rule or feature as of now.
// A string result is a symbol, an ip or point the symbol of its 16 bytes (see
// WideBytes); ok false means missing. The reader gets no reference.
type Aggregates interface {
	Agg(i int) (w cep.Word, ok bool)
}

// Features reads feature values as of now, by index into RuleIR.Reads.
type Features interface {
	Feature(f *Frame, i int) (w cep.Word, ok bool)
}
