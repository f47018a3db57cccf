package dsl

import (
	"time"

	"github.com/weir-cep/weir/cep"
)

// Program is what a set of rule files compiles to: checked, typed, and free of
// names that still need looking up.
type Program struct {
	Zone      *time.Location // the files' "timezone", default UTC
	Schemas   []*cep.Schema  // all event types, alert events and Outcome included, by name
	Params    []*ParamIR
	Lists     []*ListIR
	Tables    []*TableIR
	Features  []*FeatureIR
	Rules     []*RuleIR // of the named files, by (level, name)
	Sources   []*SourceIR
	Sinks     []*SinkIR
	Decisions []*DecisionIR
	Tests     []*TestIR
}

// ParamIR is a tuning knob with its default value and bounds.
type ParamIR struct {
	Name     string
	Type     cep.Type
	Default  cep.Value
	Min, Max *cep.Value
	Doc      string
	Index    int // in Program.Params
}

// Option is one "name: value" of a source, sink, list or table. Secrets are
// given as EnvName (env("NAME")), never as text.
type Option struct {
	Name    string
	Value   cep.Value
	EnvName string
	Span    Span
}

// ListIR is a declared list, inline or from outside.
type ListIR struct {
	Name    string
	Elem    cep.Type
	Values  []cep.Value // inline
	From    string      // "", file, redis, http
	Options []Option
	File    string // rule file, to resolve paths against
	Index   int    // in Program.Lists
}

// TableIR is a lookup table: Key then columns.
type TableIR struct {
	Name    string
	Key     cep.Field
	Cols    []cep.Field
	From    string
	Options []Option
	File    string
	Index   int // in Program.Tables
}

// FeatureIR keeps aggregates per key over one event type.
type FeatureIR struct {
	Name  string
	On    *cep.Schema
	Where *Expr // over the current event; nil: all
	Key   []int // fields of On
	Aggs  []*Aggregate
	Items []FeatureItem
	Index int // in Program.Features
}

// FeatureItem is one named value of a feature; Expr's OpAgg leaves index
// FeatureIR.Aggs.
type FeatureItem struct {
	Name string
	Expr *Expr
}

// FeatureRead is one place where a rule reads a feature: the item, and the key
// it is read for. Keys are evaluated as of the event being tested.
type FeatureRead struct {
	Feature *FeatureIR
	Item    int
	Keys    []*Expr // one per part of the feature's key
	// OwnKey says that Keys are just the rule's own key parts, in order, so
	// that the feature's state lies where the rule's does.
	OwnKey bool
}

// KeyPart is one part of a rule's key.
type KeyPart struct {
	Name string
	Type cep.Type // string, int, enum or ip
}

// Route is a way in which a rule reads an event type: the fields that give the
// rule's key.
type Route struct {
	Schema *cep.Schema
	Fields []int // parallel to RuleIR.Key; empty for a global rule
}

// Filter is "from E where …".
type Filter struct {
	Schema *cep.Schema
	Where  *Expr
}

// Binding describes what a positive event step, or the "on" of a rule, binds.
type Binding struct {
	Label    string // "" if the step has none
	Schema   *cep.Schema
	Repeated bool  // may bind several events
	Optional bool  // may bind none in a completed match
	Captures []int // fields that any later predicate, clause or alert reads of it, ascending
}

// Status says what happens to a rule's alerts.
type Status string

const (
	Live   Status = "live"
	Shadow Status = "shadow"
	Off    Status = "off"
)

// Policy is a rule's match policy.
type Policy uint8

const (
	MatchFirst Policy = iota
	MatchLatest
	MatchEach
)

// SkipKind prunes other runs when a match is reported (match each).
type SkipKind uint8

const (
	SkipNone    SkipKind = iota
	SkipNext             // drop runs that started with the same event
	SkipPast             // drop runs that started no later than the match's last event
	SkipToFirst          // … before the first event of step SkipStep
	SkipToLast           // … before its last event
)

// RuleIR is one checked rule. Exactly one of When and Pattern is set.
type RuleIR struct {
	Name     string
	Title    string
	File     *Source
	Span     Span
	Meta     []NamedText
	Tags     []string
	Status   Status
	Key      []KeyPart
	Global   bool
	Routes   []Route  // distinct; steps, absences, cancels and the "on" refer to them by index
	From     []Filter // at most one per type
	Bindings []Binding
	Reads    []FeatureRead // distinct; OpFeature refers to them by index
	Aggs     []*Aggregate  // distinct inline aggregates; OpAgg refers to them by index
	When     *When
	Pattern  *PatternIR
	Cancel   []Absence // Within is 0
	Policy   Policy
	Limit    int // match each limit N, 0 none
	Skip     SkipKind
	SkipStep int // binding index
	AtEnd    bool
	Suppress *Suppress
	Alert    *AlertIR
	Timeout  *AlertIR // on timeout
	Level    int      // 0: reads no alert events; else 1 + the highest level it reads
	Deadline bool     // has a timer: final absence, final exactly, for, at end, on timeout
	Arrival  bool     // may run in arrival order (all its sources say so and it has no deadline)
	Version  string   // hex hash of the compiled rule with all it reads
	Allowed  []string // lint codes silenced by "# allow W203"

	zone string // of calendar windows
}

// NamedText is one entry of meta.
type NamedText struct{ Name, Text string }

// When is the trigger "on E where … when …". Binding 0 is its event.
type When struct {
	Route int
	Where *Expr // selects events, for inline windows too; nil: all
	Cond  *Expr
	Newly bool
	For   int64 // ns, 0 none
	Gap   int64
	Keep  int64
}

// PatternIR is the trigger "pattern { … }".
type PatternIR struct {
	Steps  []*StepIR
	Within int64 // ns, inclusive; 0 none
	Where  *Expr // judged at completion
}

// Contiguity is an arrow.
type Contiguity uint8

const (
	Relaxed Contiguity = iota // then: the first later event that fits
	Strict                    // then immediately: the very next event
	Any                       // then any: every later event that fits
)

// StepKind says what a step is.
type StepKind uint8

const (
	StepEvent StepKind = iota
	StepNo             // absence
	StepGroup          // ( … ), possibly repeated
	StepOneOf
	StepAllOf
)

// StepIR is one step of a pattern.
type StepIR struct {
	Kind     StepKind
	Arrow    Contiguity // before the step; meaningless on the first
	Binding  int        // StepEvent: index into RuleIR.Bindings
	No       *Absence   // StepNo
	Lo, Hi   int        // how many: Lo..Hi, Hi 0 for no upper limit; a single step is 1,1; "at most m" is Optional, 1, m
	Exactly  bool
	Optional bool
	Greedy   bool
	Inner    Contiguity // inside a repeated step or group
	Route    int
	Where    *Expr // nil: always
	Until    *Expr
	Before   bool        // until before
	Within   int64       // ns; single step: since the last event bound before it; repeated step or block: its own span; 0 none
	Gap      int64       // ns, between the events of a repeated step; 0 none
	Sub      [][]*StepIR // StepGroup: one sequence; blocks: the alternatives or members
	Span     Span
}

// Absence is an event that must not come: "then no X", and "cancel on X".
type Absence struct {
	Route  int
	Where  *Expr
	Strict bool  // then immediately no
	Within int64 // ns, 0: until the next step, or until the pattern's within
	Span   Span
}

// Suppress is "suppress for D per KEY unless …".
type Suppress struct {
	For    int64
	Per    []SuppressKey // nil: the rule's key
	Unless *Expr
}

// SuppressKey is a part of the suppression key: a key part or an alert field.
type SuppressKey struct {
	Name  string
	Part  int // index into RuleIR.Key, or -1
	Field int // index into AlertIR.Fields, or -1
}

// AlertIR is an alert block.
type AlertIR struct {
	As       *cep.Schema // the derived event type, nil for a plain alert
	Severity *Expr       // nil: medium
	Score    *Expr       // int or number, nil: none
	Message  Template
	Labels   []LabelIR
	To       []*SinkIR
	Fields   []AlertField
}

// LabelIR is one label.
type LabelIR struct {
	Name string
	Text Template
}

// AlertField is one typed field of an alert.
type AlertField struct {
	Name string
	Expr *Expr
}

// SourceIR and SinkIR are declared connectors.
type SourceIR struct {
	Name    string
	Of      []*cep.Schema
	Kind    string
	Options []Option
	File    string
}

type SinkIR struct {
	Name    string
	Kind    string
	Options []Option
	File    string
}

// DecisionIR is a checked decision block.
type DecisionIR struct {
	Name     string
	On       *cep.Schema
	Lines    []DecisionLine
	Default  string
	Deadline int64
}

// DecisionLine answers Verdict when Cond holds; Cond's OpField leaves are 0
// for severity (optional) and 1 for score.
type DecisionLine struct {
	Verdict string
	Cond    *Expr
}

// TestIR is a checked test.
type TestIR struct {
	Name   string
	Rule   *RuleIR
	Rules  []*RuleIR // Rule and every rule whose alerts it reads, by (level, name); not all need be in Program.Rules
	File   *Source
	Span   Span
	With   []TestFix
	Events []TestEvent
	End    int64 // ns after the start: the time of the last line
	Expect []TestExpect
}

// TestFix fixes one param, list, table row or feature value for a test. One of
// Param, List, Table, Feature is set.
type TestFix struct {
	Param   *ParamIR
	List    *ListIR
	Table   *TableIR
	Feature *FeatureIR
	Item    int         // of Feature
	Key     []cep.Value // of Feature, or the one key of Table
	Value   cep.Value   // param: its value; list: a list value; feature: the item's value
	Row     []cep.Value // table: parallel to Cols
}

// TestEvent is one event of a test, or a wait (Schema nil).
type TestEvent struct {
	Schema  *cep.Schema
	At      int64 // ns after the start
	Arrive  int64 // ns after the start; equal to At unless "arriving" is written
	Arrives bool
	Values  []cep.Value // parallel to Schema.Fields
	Span    Span
}

// TestExpect is one expectation. Count 0 with None set: no alerts at all.
type TestExpect struct {
	None    bool
	Count   int
	Timeout bool
	Attrs   []TestAttr
	At      int64
	HasAt   bool
	Span    Span
}

// TestAttr is one named attribute that an expected alert must have.
type TestAttr struct {
	Name  string
	Value cep.Value
}
