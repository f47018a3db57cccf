package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
)

// Death is why a run ended without a match.
type Death uint8

const (
	Absent      Death = iota // an absence was violated: index into Prog.Nos
	Cancelled                // cancel on: index into RuleIR.Cancel
	Broken                   // only "immediately" and "consecutive" led on, and the event did not fit
	OutOfSpan                // its step lacked events at the end of its own within or gap
	TooMany                  // event n+1 of "exactly n"
	WhereFalse               // the pattern's where was false at completion
	Overlapped               // a reported match, or a skip clause, dropped it
	Overwritten              // match latest: a later start came to its place
	OverBudget               // dropped to make room
	LeftOut                  // a match beyond "limit N"
)

var deathNames = [...]string{"absence", "cancelled", "contiguity", "out of span", "one too many", "where", "overlap", "overwritten", "budget", "limit"}

func (d Death) String() string { return deathNames[d] }

// TracedRun is a run as a tracer sees it. It is valid during the call.
type TracedRun struct {
	First   cep.Ref // its first event
	FirstAt int64
	Last    cep.Ref // the event that it bound last
	LastAt  int64
	At      int64 // of the current event; without meaning where time alone moved on
	Ordinal int   // tells runs with the same first event apart (match each)
	Step    int   // index into RuleIR.Bindings of the step it stands on, -1 in a block before its first event
	Count   int   // events bound by that step
	Bound   expr.Bound
	Events  []BoundEvent // all that it has bound, in time order
}

// Tracer watches the runs of a machine. Calls come in the order in which
// things happen; every run starts, and ends in one of Completed, Killed and
// Expired. Under match each a run that forks goes on as the first fork, the
// others get an ordinal of their own: their first call has all that they have
// bound so far. Methods must not keep the frame or the run.
type Tracer interface {
	// Started: the current event began a run, which bound it.
	Started(r *TracedRun)
	// Took: the run bound the current event, which is not its first.
	Took(r *TracedRun)
	// Refused: the run could have gone on with an event of this type, but the
	// current one does not satisfy the step's condition. The test names the
	// step's condition; f is ready to evaluate its terms.
	Refused(r *TracedRun, test *Test, f *expr.Frame)
	// Completed: the run was reported.
	Completed(r *TracedRun, at int64, kind cep.MatchKind)
	// Killed: the run ended without a match; what index means depends on why.
	Killed(r *TracedRun, why Death, index int)
	// Expired: its time was over at the given time.
	Expired(r *TracedRun, at int64)
}

// Traceable is a machine that a tracer can be hooked into. While one is, the
// machine must be given every event of the rule's types, not only the
// Relevant ones.
type Traceable interface{ SetTracer(t Tracer) }
