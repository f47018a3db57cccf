package dsl

// Node is an expression of the syntax tree.
type Node interface{ NodeSpan() Span }

// LitKind says what a literal is.
type LitKind uint8

// The kinds of literals.
const (
	LitInt      LitKind = iota // Int
	LitNumber                  // Float: a decimal
	LitPercent                 // Float: 80% is 0.8
	LitMoney                   // Int: millionths of the unit; Currency
	LitDuration                // Int: nanoseconds
	LitString                  // Str: escapes resolved
)

// Lit is a literal with its exact text and its value.
type Lit struct {
	Span     Span
	Kind     LitKind
	Text     string // as written
	Int      int64
	Float    float64
	Currency string
	Str      string
	Raw      bool // LitString: written in single quotes
}

// Name is a bare name: a field, label, let, key part, or file-level name.
type Name struct {
	Span Span
	Name string
}

// Select is x.word.
type Select struct {
	Span Span
	X    Node
	Word Ident
}

// IndexNode is x[key, …].
type IndexNode struct {
	Span Span
	X    Node
	Keys []Node
}

// CallNode is name(args).
type CallNode struct {
	Span Span
	Func Ident
	Args []Node
}

// ListNode is [a, b].
type ListNode struct {
	Span  Span
	Items []Node
}

// UnaryNode is: not x, or -x.
type UnaryNode struct {
	Span   Span
	Op     string // "not", "-"
	OpSpan Span
	X      Node
}

// BinaryNode is an infix operation: or and == != < <= > >= + - * / % else.
type BinaryNode struct {
	Span   Span
	Op     string
	OpSpan Span
	L, R   Node
}

// TestNode is a word operator: x [not] in|contains|matches|like|ilike|starts with|ends with y.
type TestNode struct {
	Span   Span
	Op     string // "in", "contains", "matches", "like", "ilike", "starts", "ends"
	Not    bool
	OpSpan Span
	L, R   Node
}

// BetweenNode is: x [not] between lo and hi.
type BetweenNode struct {
	Span      Span
	Not       bool
	X, Lo, Hi Node
}

// MissingNode is: x is [not] missing|present. Present says that the test, as
// written with its not, holds for a value that is there.
type MissingNode struct {
	Span    Span
	X       Node
	Present bool
}

// AggNode is: x per key over window ending D ago unless fired. Window may be
// nil ("rarity(x) per merchant_id").
type AggNode struct {
	Span        Span
	X           Node
	Per         *Key
	Window      *WindowNode
	Ending      *Lit
	UnlessFired bool
	UnlessSpan  Span
}

// WindowNode is what follows "over".
type WindowNode struct {
	Span  Span
	Kind  string // "last", "previous", "this", "all", or "" for a bare duration (E108)
	Dur   *Lit   // last, previous, bare
	Every *Lit   // panes
	N     *Lit   // N events
	Unit  string // this: "hour", "day", "week", "month", "session"
	Gap   *Lit   // this session gap D
}

// ParenNode is (x), kept so that the formatter and fixes can show it.
type ParenNode struct {
	Span Span
	X    Node
}

func (n *Lit) NodeSpan() Span         { return n.Span }
func (n *Name) NodeSpan() Span        { return n.Span }
func (n *Select) NodeSpan() Span      { return n.Span }
func (n *IndexNode) NodeSpan() Span   { return n.Span }
func (n *CallNode) NodeSpan() Span    { return n.Span }
func (n *ListNode) NodeSpan() Span    { return n.Span }
func (n *UnaryNode) NodeSpan() Span   { return n.Span }
func (n *BinaryNode) NodeSpan() Span  { return n.Span }
func (n *TestNode) NodeSpan() Span    { return n.Span }
func (n *BetweenNode) NodeSpan() Span { return n.Span }
func (n *MissingNode) NodeSpan() Span { return n.Span }
func (n *AggNode) NodeSpan() Span     { return n.Span }
func (n *WindowNode) NodeSpan() Span  { return n.Span }
func (n *ParenNode) NodeSpan() Span   { return n.Span }

// RowNode is a table's row in a test: { column: value, … }.
type RowNode struct {
	Span   Span
	Config Config
}

func (n *RowNode) NodeSpan() Span { return n.Span }
