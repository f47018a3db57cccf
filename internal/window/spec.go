package window

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Arg is the value of one input for the event that is added. The word of a
// string is its symbol; the word of an ip or a point is the symbol of its 16
// bytes. The caller holds a reference during the call; the set takes its own.
type Arg struct {
	Word cep.Word
	Ok   bool // false: missing
}

// Spec is one aggregate of a set.
type Spec struct {
	Fn       dsl.AggFn
	Input    int      // index of its argument, or of its condition for count(cond), in the args of Add; -1: count()
	In       cep.Kind // of the input; of a condition KindBool
	Optional bool     // the input may be missing; if false, Arg.Ok is not looked at
	Out      cep.Kind // of the result
	P        float64  // percentile, 0..100, six decimals
	Window   dsl.Window
	// UnlessFired leaves out the events that were settled as fired.
	UnlessFired bool
	// Seen says that a count is only told apart from zero: it may read 1 for any
	// more, and over a duration costs one time a key instead of one an event.
	Seen bool
}

// Specs returns the specs of aggregates that share stream and key, in their
// order, and the distinct expressions whose values are the args of Add.
func Specs(aggs []*dsl.Aggregate) (specs []Spec, inputs []*dsl.Expr) {
	for _, a := range aggs {
		sp := Spec{Fn: a.Fn, Input: -1, Out: a.Type.Kind, P: a.P, Window: a.Window, UnlessFired: a.UnlessFired}
		in := a.Arg
		if a.Fn == dsl.AggCount {
			in = a.Cond
		}
		if in != nil {
			sp.In = in.Type.Kind
			// A field that is required is always there; any other expression
			// may fail, and then it is missing.
			sp.Optional = in.Op != dsl.OpField || in.Type.Optional
			for i, have := range inputs {
				if SameExpr(have, in) {
					sp.Input = i
				}
			}
			if sp.Input < 0 {
				sp.Input = len(inputs)
				inputs = append(inputs, in)
			}
		}
		specs = append(specs, sp)
	}
	return specs, inputs
}

// SameExpr reports whether two expressions over the current event are
// certainly the same. Ops that only patterns know are never inputs.
func SameExpr(a, b *dsl.Expr) bool {
	if a == b {
		return true
	}
	if a.Op != b.Op || !a.Type.Equal(b.Type) || len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		if !SameExpr(a.Args[i], b.Args[i]) {
			return false
		}
	}
	switch a.Op {
	case dsl.OpConst:
		return a.Const.Missing == b.Const.Missing && a.Const.Word == b.Const.Word && a.Const.Text == b.Const.Text &&
			a.Const.Wide == b.Const.Wide && a.Const.List == nil && b.Const.List == nil
	case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg:
		return false
	}
	return a.Index == b.Index && a.Param == b.Param && a.List == b.List && a.Table == b.Table && a.Func == b.Func
}

// MarkSeen sets Seen of every count whose value the given expressions (all
// that the owner evaluates) do nothing with but compare it with zero.
func MarkSeen(specs []Spec, roots ...*dsl.Expr) {
	other := make([]bool, len(specs)) // has a use that needs the number
	used := make([]bool, len(specs))
	var walk func(e *dsl.Expr)
	walk = func(e *dsl.Expr) {
		if e == nil {
			return
		}
		if e.Op == dsl.OpAgg {
			other[e.Index] = true
			return
		}
		if i, ok := zeroTest(e); ok {
			used[i] = true
			return
		}
		for _, a := range e.Args {
			walk(a)
		}
	}
	for _, e := range roots {
		walk(e)
	}
	for i := range specs {
		specs[i].Seen = specs[i].Fn == dsl.AggCount && used[i] && !other[i]
	}
}

// zeroTest recognises the comparisons of an aggregate that only ask whether it
// is zero: == 0, != 0, > 0, <= 0, >= 1, < 1, and the same turned round.
func zeroTest(e *dsl.Expr) (agg int, ok bool) {
	if len(e.Args) != 2 {
		return 0, false
	}
	a, c, op := e.Args[0], e.Args[1], e.Op
	if a.Op == dsl.OpConst {
		a, c = c, a
		switch op {
		case dsl.OpLt:
			op = dsl.OpGt
		case dsl.OpLe:
			op = dsl.OpGe
		case dsl.OpGt:
			op = dsl.OpLt
		case dsl.OpGe:
			op = dsl.OpLe
		}
	}
	if a.Op != dsl.OpAgg || c.Op != dsl.OpConst || c.Type.Kind != cep.KindInt || c.Const.Missing {
		return 0, false
	}
	switch op {
	case dsl.OpEq, dsl.OpNe, dsl.OpGt, dsl.OpLe:
		return a.Index, c.Const.Word == 0
	case dsl.OpGe, dsl.OpLt:
		return a.Index, c.Const.Word == 1
	}
	return 0, false
}

// check reports a spec that no set can keep. The checker of the language lets
// none of these through, except those above the limits.
func (sp *Spec) check() error {
	w := sp.Window
	switch w.Kind {
	case dsl.WindowLast, dsl.WindowPrevious:
		if (w.Dur > 0) == (w.N > 0) || w.Dur < 0 || w.N < 0 || w.Ending < 0 || w.Ending > 0 && (w.N > 0 || w.Kind == dsl.WindowLast) {
			return fmt.Errorf("window has no sensible range: %+v", w)
		}
		if w.N > MaxEvents {
			return fmt.Errorf("a window holds at most %d events", MaxEvents)
		}
	}
	if sp.Fn != dsl.AggCount && sp.Input < 0 {
		return fmt.Errorf("the aggregate has no argument")
	}
	switch sp.Fn {
	case dsl.AggCount:
		if sp.Input >= 0 && sp.In != cep.KindBool {
			return fmt.Errorf("count of a %s", sp.In)
		}
	case dsl.AggSum, dsl.AggAvg, dsl.AggStddev, dsl.AggZscore:
		if !isInt(sp.In) && sp.In != cep.KindNumber {
			return fmt.Errorf("arithmetic on a %s", sp.In)
		}
	case dsl.AggMin, dsl.AggMax:
		if !isInt(sp.In) && sp.In != cep.KindNumber && sp.In != cep.KindString {
			return fmt.Errorf("least or greatest %s", sp.In)
		}
	case dsl.AggPercentile, dsl.AggMedian:
		if !isInt(sp.In) && sp.In != cep.KindNumber {
			return fmt.Errorf("percentile of a %s", sp.In)
		}
		if w.N == 0 {
			return fmt.Errorf("percentile and median need a number of events")
		}
		if w.N > MaxRank {
			return fmt.Errorf("percentile and median hold at most %d events", MaxRank)
		}
	case dsl.AggDistinct, dsl.AggFirst, dsl.AggLast:
		if sp.In == cep.KindList || sp.In == cep.KindNone {
			return fmt.Errorf("%s of a %s", "distinct, first or last", sp.In)
		}
	}
	return nil
}

// isInt reports whether words of the kind order and add as int64.
func isInt(k cep.Kind) bool {
	switch k {
	case cep.KindInt, cep.KindMoney, cep.KindDuration, cep.KindTimestamp, cep.KindBool, cep.KindEnum, cep.KindSeverity:
		return true
	}
	return false
}

// isSymbol reports whether words of the kind are counted symbols.
func isSymbol(k cep.Kind) bool {
	return k == cep.KindString || k == cep.KindIP || k == cep.KindPoint
}
