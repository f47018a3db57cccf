package dsl

import (
	"github.com/weir-cep/weir/cep"
)

// env is one place where an expression stands: what it may read and what is
// known there. It is copied, not changed, to make another place of it.
type env struct {
	c    *checker
	u    *unit      // the file whose names are visible
	rule *ruleCheck // nil outside rules
	// names says that the rule's labels, lets and key parts are names here
	// (in a rule, but not inside a predicate).
	names   bool
	feature *FeatureIR // whose values these are, nil outside features

	cur   *cep.Schema // the current event, nil where there is none
	route int         // 1 + the route by which the current event is read, 0 if none
	held  bool        // the current event is the last one of an episode, bound in step 0
	own   int         // 1 + the step whose events these are, in its own where and until
	all   bool        // every label may be read
	vis   map[int]bool

	facts facts

	aggs    *[]*Aggregate // where windowed aggregates go; nil: none may stand here
	aggsWhy string        // why not
	ownFull bool          // an aggregate's "last" window holds at least the current event

	reads    *[]FeatureRead
	readsOK  bool
	readsWhy string
	loose    bool // keys of features may be unresolved: a predicate checked on its own

	inlining []*symbol // predicates being written out
	lets     []string  // lets being written out

	at     *Span  // set while a predicate is written out: where it is used
	anyOf  string // what to propose when a list stands for one value; $ is the list
	hintIP bool
}

func (x *env) report(code string, at Span, format string, args ...any) *finding {
	return x.c.report(x.u.src, code, at, format, args...)
}

func (x *env) warn(code string, at Span, format string, args ...any) *finding {
	if len(x.inlining) > 0 || len(x.lets) > 0 {
		x.c.mute++ // what is always so in one place need not be in another
		defer func() { x.c.mute-- }()
	}
	return x.c.find(x.u.src, LevelWarning, code, at, format, args...)
}

// text is the source text of a place.
func (x *env) text(at Span) string { return x.u.src.Slice(at) }

// spelled is the source text of an operation with its constant operand
// replaced.
func (x *env) spelled(l, r *Expr, at Span, with string) string {
	if l.Op == OpConst && r.Op != OpConst {
		return with + x.u.src.Slice(Span{l.Span.End, at.End})
	}
	return x.u.src.Slice(Span{at.Start, r.Span.Start}) + with
}

// know returns the place with what a condition proves there.
func (x *env) know(cond *Expr, truth bool) *env {
	if isFailed(cond) {
		return x
	}
	return x.knowing(x.implied(cond, truth)...)
}

func (x *env) implied(cond *Expr, truth bool) []fact {
	if isFailed(cond) {
		return nil
	}
	return implied(cond, truth, x.windowFact)
}

func (x *env) knowing(fs ...fact) *env {
	if len(fs) == 0 {
		return x
	}
	y := *x
	y.facts = x.facts.with(fs...)
	return &y
}

// narrowed drops the "?" of a value that is known to be there.
func (x *env) narrowed(e *Expr) *Expr {
	if !e.Type.Optional {
		return e
	}
	if !x.facts.holds(presentKey(e)) && !x.windowHolds(e) {
		return e
	}
	n := *e
	n.Type.Optional = false
	return &n
}

// sees says whether the step's label may be read here.
func (x *env) sees(step int) bool {
	return x.all || x.vis[step] || x.own == step+1 && x.rule.binding(step).Repeated
}

// seeing returns the place with further labels to read.
func (x *env) seeing(steps ...int) *env {
	y := *x
	y.vis = make(map[int]bool, len(x.vis)+len(steps))
	for s := range x.vis {
		y.vis[s] = true
	}
	for _, s := range steps {
		y.vis[s] = true
	}
	return &y
}

// symbol finds a file-level name.
func (x *env) symbol(alias, name string) *symbol {
	s := x.u.visible(alias, name, namesOf)
	if s != nil {
		s.check()
	}
	return s
}

// fieldOf names the declared field that an expression reads, as Payout.amount,
// "" if it reads something else.
func (x *env) fieldOf(e *Expr) string {
	var s *cep.Schema
	switch {
	case e.Op == OpField:
		s = x.cur
	case e.Op == OpBound && x.rule != nil:
		s = x.rule.binding(e.Step).Schema
	}
	if s == nil {
		return ""
	}
	return s.Name + "." + s.Fields[e.Index].Name
}

// field reads a field of the current event.
func (x *env) field(i int, at Span) *Expr {
	f := &x.cur.Fields[i]
	if f.Type.Kind == cep.KindNone {
		return failed(at)
	}
	if x.held {
		return x.narrowed(&Expr{Op: OpBound, Type: f.Type, Index: i, Step: 0, Which: Only, Name: f.Name, Span: at})
	}
	return x.narrowed(&Expr{Op: OpField, Type: f.Type, Index: i, Name: f.Name, Span: at})
}
