package nfa

// Fork is the forking program: an automaton of states in which a run waits for
// an event. From a state an event may lead along several edges; each makes a
// run of its own. The construction (compile_fork.go) follows FlinkCEP's.
type Fork struct {
	States []State
	Edges  []Edge
	Aims   []Aim
	Terms  []Clause // conditions are conjunctions of clauses
	Lits   []Lit
	Init   int
	closes bool // the pattern ends in an absence
}

// StateKind of a State.
type StateKind uint8

const (
	Waits   StateKind = iota
	Final             // a match
	Pending           // complete but for the passing of time
	Inside            // in a block that is not complete
)

func (k StateKind) String() string { return [...]string{"waits", "final", "pending", "inside"}[k] }

// State is one place of the automaton.
type State struct {
	Kind  StateKind
	Label string
	Edges seg // what an event can do, pass edges already followed
	Aims  seg // the final state, where a run that arrives is in it at once
	// Closing is the pending state that a run here is in as well, as far as time
	// goes: nothing else is needed. The state itself if it is pending, else -1.
	Closing int
	// Nos close the pattern at a pending state.
	Nos    []int
	Within int64 // pending: since the run's last event; 0 to the pattern's within
	Needs  Span  // limits of a repeated step that lacks its minimum here
	Block  int   // inside: the block, an index of Steps
	Onward int   // inside: where the block leads to

	touch uint64 // events with none of these bits …
	inert bool   // … leave a run here as it is
}

// Span limits a stay in a repeated step; zero: not.
type Span struct{ Within, Gap int64 }

// EdgeKind of an Edge.
type EdgeKind uint8

const (
	Take EdgeKind = iota // bind the event
	Skip                 // leave it
	Stop                 // it violates an absence: the run is left only what it completes now
)

func (k EdgeKind) String() string { return [...]string{"take", "skip", "stop"}[k] }

// Edge leads from a state to another if When holds.
type Edge struct {
	Kind    EdgeKind
	To      int
	Binding int  // of a take
	Head    bool // it is the first event of a stay in its step
	Block   int  // a take that enters a block: its inside state, else -1
	No      int  // of a stop: index into Prog.Nos
	When    seg
}

// Aim is the final state, which pass edges alone lead to.
type Aim struct {
	To   int
	When seg
}

// Clause holds if one of its literals does.
type Clause struct{ Lits seg }

// LitKind of a Lit.
type LitKind uint8

const (
	LitTest  LitKind = iota // test N fits
	LitSince                // the run's last event is at most D ago
	LitStay                 // the run's stay in the step of binding N, if it is in it, is within Span
	LitBegun                // the run has bound something: before, no absence is armed
)

// Lit is a condition of an event and a run, or its negation.
type Lit struct {
	Kind LitKind
	Not  bool
	N    int // test or binding
	D    int64
	Span Span
}
