package dsl

import "github.com/weir-cep/weir/cep"

// Op is the operation of an expression of the IR.
type Op uint8

// Leaves come first; each is classified by where its value comes from, so that
// whoever executes the IR only maps leaves to slots.
const (
	OpConst      Op = iota // Const
	OpField                // field Index of the current event
	OpKey                  // part Index of the rule's key
	OpParam                // Param
	OpList                 // List, as the right side of OpIn and the string operators
	OpBound                // field Index of an event bound by step Step, chosen by Which
	OpBoundList            // the list of field Index over all events bound by step Step
	OpBoundCount           // how many events step Step has bound, int
	OpBoundAgg             // Agg over field Index of the events bound by step Step
	OpMatchStart           // time of the match's first event
	OpMatchEnd             // time of the match's last event, or the deadline
	OpAgg                  // windowed aggregate Index of the owner (rule or feature)
	OpFeature              // feature read Index of the rule (Rule.Reads)

	OpTableHas  // Args[0] is a key of Table, bool
	OpTableCell // column Index of row Args[0] of Table; optional unless narrowed

	OpAnd       // n-ary, left to right, short-circuiting
	OpOr        // n-ary, left to right, short-circuiting
	OpNot       //
	OpEq        // false if either side is missing
	OpNe        // true if either side is missing
	OpLt        // the four orders: neither side may be missing
	OpLe        //
	OpGt        //
	OpGe        //
	OpIsMissing //
	OpIsPresent //
	OpAdd       // int, number, money, duration, timestamp + duration
	OpSub       //
	OpMul       // int, number, money × number, duration × number
	OpDiv       // number, money ÷ money, money ÷ number, duration ÷ duration, duration ÷ number
	OpMod       // int, number, duration; sign of the left side
	OpNeg       //
	OpElse      // Args[0] unless it is missing, then Args[1]
	OpToNumber  // int → number, inserted by the checker
	OpIn        // Args[0] equals an element of Args[1] (a list of any origin); false if missing
	OpInNet     // ip Args[0] lies in one of the networks of Args[1] (const strings or a list)
	OpContains  // string operators: Args[0] a string or a list of strings (any element), Args[1] a string or list of patterns (any)
	OpStarts    //
	OpEnds      //
	OpLike      // * and ?; Args[1] is constant, a list, or a param
	OpILike     //
	OpMatches   // RE2, unanchored
	OpCall      // Func applied to Args
	OpListLit   // a list of Args
)

// Which chooses among the events that a step has bound.
type Which uint8

const (
	Only  Which = iota // the step binds at most one event
	First              // the earliest
	Last               // the latest
)

// Expr is a typed expression. Lets, predicates and constants are already
// written out in it; every int that stands where a number is needed is under
// an OpToNumber. Trees may share subtrees; nobody changes them after Check.
type Expr struct {
	Op   Op
	Type cep.Type
	Args []*Expr
	Span Span   // in the file of the rule, for traces and messages
	Name string // of a leaf: its canonical spelling, as "amount", "small.last.country", "spend.avg_30d"

	Const cep.Value // OpConst
	Index int       // see the ops
	Step  int       // OpBound…: index into Rule.Bindings
	Which Which     // OpBound
	Agg   AggFn     // OpBoundAgg
	Param *ParamIR
	List  *ListIR
	Table *TableIR
	Func  *Func // OpCall
}

// AggFn is an aggregate function.
type AggFn uint8

const (
	AggCount AggFn = iota
	AggSum
	AggAvg
	AggMin
	AggMax
	AggStddev
	AggDistinct
	AggFirst
	AggLast
	AggZscore
	AggPercentile
	AggMedian
)

// WindowKind says which events a window holds.
type WindowKind uint8

const (
	WindowLast     WindowKind = iota // up to and including the current event
	WindowPrevious                   // ordered before the current event
	WindowCalendar                   // this hour, day, week, month; includes the current event
	WindowAllTime                    // all, the current event included
)

// Calendar is the unit of a calendar window.
type Calendar uint8

const (
	Hour Calendar = iota
	Day
	Week // from Monday
	Month
)

// Window is the range of an aggregate. Exactly one of Dur and N is set for
// WindowLast and WindowPrevious.
type Window struct {
	Kind   WindowKind
	Dur    int64    // ns
	N      int      // events
	Ending int64    // ns: "ending D ago", only with WindowPrevious and Dur
	Unit   Calendar // of WindowCalendar
}

// Aggregate is one windowed aggregate: Fn of Arg over the events of Window.
// The events are those of its owner (the "on … where" of a rule, or the
// feature's), further grouped by Per.
type Aggregate struct {
	Fn          AggFn
	Type        cep.Type // of the result
	Arg         *Expr    // over the entering event; nil for count()
	Cond        *Expr    // count(cond): only events for which it holds; nil: all
	P           float64  // percentile: 0..100
	Per         []int    // fields of the event that form the key; nil: the owner's key
	Window      Window
	UnlessFired bool
	Text        string // canonical spelling, for explain
}

// Part is one piece of a template: literal text, or an expression with a format.
type Part struct {
	Text   string
	Expr   *Expr
	Format string // "", ".N", "date", "time", "mask"
}

// Template is a message or a label's value.
type Template []Part
