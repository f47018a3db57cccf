package dsl

// File is one parsed rule file. Declarations that do not parse are left out;
// their diagnostics say why.
type File struct {
	Source *Source
	Decls  []Decl
	Broken []Ident // names that the declarations left out would have declared

	Comments []Comment // in order
}

// Ident is a name where it stands. Back-quotes are already taken off.
type Ident struct {
	Name string
	Span Span
}

// Decl is a top-level declaration.
type Decl interface{ DeclSpan() Span }

// TimezoneDecl is: timezone "Europe/Paris".
type TimezoneDecl struct {
	Span Span
	Zone *Lit // string
}

// PredicateDecl is: predicate NAME on Event = condition.
type PredicateDecl struct {
	Span Span
	Name Ident
	On   TypeRef
	Body Node
}

// DecisionDecl is: decision NAME on Event { verdict when condition … default verdict deadline D }.
type DecisionDecl struct {
	Span     Span
	Name     Ident
	On       TypeRef
	Lines    []DecisionClause
	Default  Ident
	Deadline *Lit // duration, nil if none
}

// DecisionClause is one line of a decision.
type DecisionClause struct {
	Verdict Ident
	When    Node
}

// ImportDecl is: import "path" as alias.
type ImportDecl struct {
	Span Span
	Path *Lit
	As   *Ident
}

// EnumDecl is: enum Name { word, word }.
type EnumDecl struct {
	Span  Span
	Name  Ident
	Words []Ident
}

// EventDecl is: event Name as "tag" { … }.
type EventDecl struct {
	Span   Span
	Name   Ident
	As     *Lit
	Times  []TimeClause // one is legal; more are reported by the checker
	IDs    []Ident      // likewise
	Fields []FieldDecl
}

// TimeClause is: time field late D.
type TimeClause struct {
	Span  Span
	Field Ident
	Late  *Lit
}

// FieldDecl is: name: type from "path" "doc".
type FieldDecl struct {
	Span Span
	Name Ident
	Type TypeExpr
	From *Lit
	Doc  *Lit
}

// TypeRef names an event type or enum, perhaps through an import's alias.
type TypeRef struct {
	Span  Span
	Alias *Ident // nil if none
	Name  Ident
}

// TypeExpr is a written type: [list of] name[(args)][?].
type TypeExpr struct {
	Span     Span
	List     bool
	Alias    *Ident
	Name     Ident
	Args     []TypeArg
	Optional bool
}

// TypeArg is an argument of a type: a currency, or a timestamp format.
type TypeArg struct {
	Text   string
	String bool // written as a string
	Span   Span
}

// Config is { name: value, … }.
type Config struct {
	Span  Span
	Items []ConfigItem
}

// ConfigItem is one name: value.
type ConfigItem struct {
	Span  Span
	Name  Ident
	Value Node
}

// SourceDecl is: source NAME of Event, … from kind { … }.
type SourceDecl struct {
	Span   Span
	Name   Ident
	Of     []TypeRef
	Kind   Ident
	Config Config
}

// SinkDecl is: sink NAME to kind { … }.
type SinkDecl struct {
	Span   Span
	Name   Ident
	Kind   Ident
	Config Config
}

// ConstDecl is: const NAME: type = value.
type ConstDecl struct {
	Span  Span
	Name  Ident
	Type  *TypeExpr
	Value Node
}

// ParamDecl is: param NAME: type = value min value max value "doc".
type ParamDecl struct {
	Span     Span
	Name     Ident
	Type     TypeExpr
	Value    Node
	Min, Max Node // nil if none
	Doc      *Lit
}

// ListDecl is: list NAME of type = [ … ], or from kind { … }.
type ListDecl struct {
	Span   Span
	Name   Ident
	Of     TypeExpr
	Value  Node // nil if from a kind
	Kind   *Ident
	Config Config
}

// TableDecl is: table NAME from kind { … } { key name: type  columns }.
type TableDecl struct {
	Span   Span
	Name   Ident
	Kind   Ident
	Config Config
	Key    FieldDecl
	Cols   []FieldDecl
}

// FeatureDecl is: feature NAME on Event where … by key { item = value … }.
type FeatureDecl struct {
	Span  Span
	Name  Ident
	On    TypeRef
	Where Node
	By    Key
	Items []Assign
}

// Assign is: name = expression.
type Assign struct {
	Span  Span
	Name  Ident
	Value Node
}

// Key is: name, or (name, name).
type Key struct {
	Span  Span
	Parts []Ident
}

// DefaultsDecl is: defaults Event { field: value, … }.
type DefaultsDecl struct {
	Span   Span
	Of     TypeRef
	Config Config
}

// RuleDecl is a rule; its clauses stand in the order in which they are written.
type RuleDecl struct {
	Span    Span
	Name    Ident
	Title   *Lit
	Clauses []Clause
}

// Clause is one clause of a rule.
type Clause interface{ ClauseSpan() Span }

// MetaClause is: meta { name: value }.
type MetaClause struct {
	Span   Span
	Config Config
}

// StatusClause is: status live.
type StatusClause struct {
	Span  Span
	Value Ident
}

// TagsClause is: tags [a, b].
type TagsClause struct {
	Span Span
	Tags []Ident
}

// ByClause is: by key, or global.
type ByClause struct {
	Span   Span
	Key    Key
	Global bool
}

// FromClause is: from Event where condition.
type FromClause struct {
	Span  Span
	Of    TypeRef
	Where Node
}

// OnClause is: on label: Event where condition.
type OnClause struct {
	Span  Span
	Label *Ident
	Type  TypeRef
	Where Node
}

// WhenClause is: when newly condition for D gap D keep D.
type WhenClause struct {
	Span           Span
	Newly          bool
	Cond           Node
	For, Gap, Keep *Lit // durations, nil if none
}

// LetClause is: let name = expression.
type LetClause struct {
	Span Span
	Let  Assign
}

// PatternClause is: pattern { steps } within D where condition.
type PatternClause struct {
	Span   Span
	Steps  StepSeq
	Within *Lit
	Where  Node
}

// CancelClause is: cancel on Event by key where condition.
type CancelClause struct {
	Span  Span
	Of    TypeRef
	By    *Key
	Where Node
}

// MatchClause is: match each limit 5 skip past last.
type MatchClause struct {
	Span   Span
	Policy Ident // first, latest, each
	Limit  *Lit  // int
	Skip   *SkipClause
}

// SkipClause is: skip to next | past last | to first S | to last S.
type SkipClause struct {
	Span Span
	Kind string // "next", "past", "first", "last"
	Step *Ident // of first and last
}

// EmitClause is: emit on match | updates | at end.
type EmitClause struct {
	Span Span
	When string // "match", "updates", "end"
}

// SuppressClause is: suppress for D per key unless condition.
type SuppressClause struct {
	Span   Span
	For    *Lit
	Per    *Key
	Unless Node
}

// AlertClause is: [on timeout] alert as Name { … }.
type AlertClause struct {
	Span    Span
	Timeout bool
	As      *Ident
	Items   []AlertItem
}

// AlertItem is one item of an alert block. Kind says which fields are set.
type AlertItem struct {
	Span   Span
	Kind   string  // "severity", "score", "message", "labels", "to", "field"
	Value  Node    // severity, score
	Text   *Lit    // message
	Config Config  // labels
	To     []Ident // to
	Field  Assign  // field
}

// StepSeq is a sequence of steps.
type StepSeq struct {
	Span  Span
	Steps []StepNode
}

// StepNode is one step with the arrow before it.
type StepNode struct {
	Span      Span
	Arrow     string // "" on the first step; "then", "immediately", "any"
	ArrowSpan Span
	Kind      StepKind // StepEvent, StepNo, StepGroup, StepOneOf, StepAllOf
	Label     *Ident   // StepEvent
	Quant     *Quant   // StepEvent, StepGroup
	Type      TypeRef  // StepEvent, StepNo
	By        *Key
	Where     Node
	Until     Node
	Before    bool // until before
	UntilSpan Span
	Within    *Lit
	Gap       *Lit
	Sub       []StepSeq // StepGroup: one; blocks: the alternatives
}

// Quant is how often a step is taken.
type Quant struct {
	Span   Span
	Kind   string // "n", "exactly", "least", "most", "range", "some", "optional"
	Lo, Hi int    // n, exactly, least: Lo; most: Hi; range: Lo and Hi
	Inner  string // "", "consecutive", "any"
	Greedy bool
}

// TestDecl is: test "name" for rule { … }.
type TestDecl struct {
	Span   Span
	Name   *Lit
	For    Ident
	With   []WithClause
	Given  []GivenLine
	Expect []ExpectClause
}

// WithClause is: with target = value.
type WithClause struct {
	Span   Span
	Target Node
	Value  Node
}

// GivenLine is: at 3 x 0s every 10s Event { … }, or wait D.
type GivenLine struct {
	Span     Span
	Wait     *Lit // duration; set on a wait line only
	Repeat   *Lit // int, nil: once
	At       *Lit
	Every    *Lit
	Arriving *Lit
	Type     TypeRef
	Config   Config
}

// ExpectClause is: expect no alerts | expect 2 alerts { … } at 5m.
type ExpectClause struct {
	Span    Span
	None    bool
	Count   int
	Timeout bool
	Config  *Config
	At      *Lit
}

func (d *TimezoneDecl) DeclSpan() Span  { return d.Span }
func (d *PredicateDecl) DeclSpan() Span { return d.Span }
func (d *DecisionDecl) DeclSpan() Span  { return d.Span }
func (d *ImportDecl) DeclSpan() Span    { return d.Span }
func (d *EnumDecl) DeclSpan() Span      { return d.Span }
func (d *EventDecl) DeclSpan() Span     { return d.Span }
func (d *SourceDecl) DeclSpan() Span    { return d.Span }
func (d *SinkDecl) DeclSpan() Span      { return d.Span }
func (d *ConstDecl) DeclSpan() Span     { return d.Span }
func (d *ParamDecl) DeclSpan() Span     { return d.Span }
func (d *ListDecl) DeclSpan() Span      { return d.Span }
func (d *TableDecl) DeclSpan() Span     { return d.Span }
func (d *FeatureDecl) DeclSpan() Span   { return d.Span }
func (d *DefaultsDecl) DeclSpan() Span  { return d.Span }
func (d *RuleDecl) DeclSpan() Span      { return d.Span }
func (d *TestDecl) DeclSpan() Span      { return d.Span }

func (c *MetaClause) ClauseSpan() Span     { return c.Span }
func (c *StatusClause) ClauseSpan() Span   { return c.Span }
func (c *TagsClause) ClauseSpan() Span     { return c.Span }
func (c *ByClause) ClauseSpan() Span       { return c.Span }
func (c *FromClause) ClauseSpan() Span     { return c.Span }
func (c *OnClause) ClauseSpan() Span       { return c.Span }
func (c *WhenClause) ClauseSpan() Span     { return c.Span }
func (c *LetClause) ClauseSpan() Span      { return c.Span }
func (c *PatternClause) ClauseSpan() Span  { return c.Span }
func (c *CancelClause) ClauseSpan() Span   { return c.Span }
func (c *MatchClause) ClauseSpan() Span    { return c.Span }
func (c *EmitClause) ClauseSpan() Span     { return c.Span }
func (c *SuppressClause) ClauseSpan() Span { return c.Span }
func (c *AlertClause) ClauseSpan() Span    { return c.Span }
