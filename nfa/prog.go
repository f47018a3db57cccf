package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// Prog is a compiled pattern: flat tables that refer to each other by index.
// It is immutable and may be shared by any number of machines. A Prog with
// match each has Fork, any other has Steps and what hangs on them.
type Prog struct {
	Rule   *dsl.RuleIR
	Preds  []Pred      // unary predicates; the first 64 are the bits of an event
	Tests  []Test      // conditions of steps, absences and untils
	Layout expr.Layout // what is kept of bound events, by binding
	Where  expr.Cond   // the pattern's where, judged at completion; nil: true
	Quits  []int       // tests of "cancel on"

	// The deterministic program.
	Steps  []Step
	Groups []Group
	Tracks []Track
	Ways   []Way
	Nos    []No
	Arms   []Arm
	Ops    []Op
	Starts seg // Ways from nothing

	Fork *Fork // the forking program

	// strict says that some part looks at events which fit nothing, so that
	// every event of the rule's types counts once a run is open.
	strict bool
	// spill says that there are more predicates than bits.
	spill     bool
	startBits uint64
	quitBits  uint64
	lateBits  uint64 // predicates with a Late part
	words     int    // of a run
	blockAt   int    // word of a run where its block's tracks begin
	types     []typePreds
}

// Pred is a unary predicate: the event came by a route and satisfies the terms
// of its condition that read no bound event.
type Pred struct {
	Route int
	Cond  expr.Cond // nil: every event of the route
	Early expr.Cond // of Cond, what asks of the event alone; nil: nothing (see EarlyBits)
	Late  expr.Cond // of Cond, what reads the key or features; nil: nothing
	Text  string
}

// typePreds are the predicates that an event of one type can satisfy.
type typePreds struct {
	schema *cep.Schema
	preds  []int
}

// Test is a whole condition: a predicate, and what must be asked for each run.
type Test struct {
	Pred int
	Cond expr.Cond // nil: nothing run-specific
	Text string

	Where  *dsl.Expr   // the whole condition as the rule has it, nil: always
	Schema *cep.Schema // of the events that it is asked of
}

// seg is a range of another table.
type seg struct{ from, to int }

func (s seg) len() int { return s.to - s.from }

// StepKind of the deterministic program.
type StepKind uint8

const (
	TakeStep StepKind = iota // an event step
	OneStep                  // one of { … }
	AllStep                  // all of { … }
)

// Step is a place where a run can stand: an event step or a block, numbered in
// written order, the steps inside a block behind it.
type Step struct {
	Kind        StepKind
	Label       string // for dumps and traces
	Binding     int
	Test        int
	Lo, Hi      int // Hi 0: no upper limit
	Exactly     bool
	Consecutive bool
	Greedy      bool
	Within      int64     // of a repeated step or a block: its own span; 0 none
	Arrive      int64     // of a single step inside a block: since the event before; 0 none
	Gap         int64     // between its events; 0 none
	Until       expr.Cond // judged after an absorption
	Before      int       // test of "until before", -1 none
	Block       int       // the block that the step is inside of, -1 none
	Tracks      seg       // of a block: its alternatives or members

	Ways  seg // how a run that is ready goes on, nearest first
	Arms  seg // absences that are armed while it is ready
	Heads seg // Ways that begin a round too many of an "exactly n ( … )"
	End   End

	touch  uint64 // events with none of these bits leave a run here as it is
	alert  bool   // … but this step looks at every event
	strict bool   // an event that does not fit may end a run here
}

// repeated says that the step can bind more than one event.
func (s *Step) repeated() bool { return s.Hi != 1 }

// End says how a run can finish from a step: whether only optional steps
// follow, what must hold of the groups it leaves, and what it waits for.
type End struct {
	OK      bool
	Ops     seg
	Nos     []int // the closing absences, all of which must be over
	Exactly bool  // a closing "exactly n": wait for the end of its time
}

// Way is an arrow to a step that may come next.
type Way struct {
	To     int
	Strict bool
	Within int64 // since the run's last event; 0 none
	Greedy bool  // goes before further ways
	Ops    seg
	Again  int // the group of which the way begins another round, -1 none
}

// Group is a repeated or optional group.
type Group struct {
	Lo, Hi  int
	Exactly bool
	Greedy  bool
}

// OpKind is what crossing a group's border does to its count of rounds.
type OpKind uint8

const (
	Enter OpKind = iota // rounds = 1
	Round               // rounds + 1, if the upper limit allows
	Leave               // rounds = 0, if the lower limit allows
)

// Op is one border crossing on a way.
type Op struct {
	Kind  OpKind
	Group int
}

// No is an absence.
type No struct {
	Label  string
	Test   int
	Strict bool
	Within int64
}

// Arm is an absence that is armed if its Ops allow.
type Arm struct {
	No  int
	Ops seg
}

// Track is one alternative or member of a block: a sequence of steps.
type Track struct{ Steps seg }

// Bits evaluates the unary predicates for the frame's event of the given type,
// which reached its key by the given routes.
func (p *Prog) Bits(f *expr.Frame, schema *cep.Schema, routes uint64) uint64 {
	var set uint64
	for i := range p.types {
		t := &p.types[i]
		if t.schema != schema {
			continue
		}
		for _, n := range t.preds {
			if n < 64 && p.Preds[n].holds(f, routes) {
				set |= 1 << n
			}
		}
		break
	}
	return set
}

func (d *Pred) holds(f *expr.Frame, routes uint64) bool {
	return routes>>d.Route&1 != 0 && (d.Cond == nil || d.Cond(f))
}

// Relevant says cheaply whether an event with these bits can matter to a key;
// live says that the key has state.
func (p *Prog) Relevant(set uint64, live bool) bool {
	if live {
		return set != 0 || p.strict || p.spill
	}
	return set&p.startBits != 0 || p.spill
}

// New makes the machine that the program is for: the fast one where it is
// exact, else the general one.
func (p *Prog) New(mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine {
	if make, _ := fast(p); make != nil {
		return make(mem, syms, lim)
	}
	return p.NewGeneral(mem, syms, lim)
}

// NewGeneral makes the general machine, which runs every program.
func (p *Prog) NewGeneral(mem *slab.Arena, syms *slab.Symbols, lim Limits) Machine {
	c := newCore(p, mem, syms, lim)
	if p.Fork != nil {
		return newForking(c)
	}
	return newDetermined(c)
}

// fastMachine is where the fast machine is plugged in (see fast.go): for a
// program that it runs exactly it returns a constructor, and always the reason.
var fastMachine func(p *Prog) (make func(*slab.Arena, *slab.Symbols, Limits) Machine, why string)

func fast(p *Prog) (make func(*slab.Arena, *slab.Symbols, Limits) Machine, why string) {
	if fastMachine == nil {
		return nil, "no fast machine"
	}
	return fastMachine(p)
}

// bitOf is the mask of a test's predicate, 0 if it has no bit.
func (p *Prog) bitOf(test int) uint64 {
	if n := p.Tests[test].Pred; n < 64 {
		return 1 << n
	}
	return 0
}
