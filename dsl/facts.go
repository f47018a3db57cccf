package dsl

import (
	"strconv"

	"github.com/weir-cep/weir/cep"
)

// A fact is something that a condition has proved: a value is present, a step
// has bound an event, a table has a row, a window holds so many events. Facts
// turn optional values into plain ones ("narrowing").
type fact struct {
	key string // what is proved; see presentKey and its like
	n   int    // at least so many, for windows and steps; else 1
	of  *Expr  // presence: the value, so that the fact can move to another place

	group string // of a window: the events that it is cut from
	win   Window
}

// facts is an immutable set of facts; nil is empty. Adding copies: the sets
// are small and conditions are shallow.
type facts map[string]fact

func (f facts) with(more ...fact) facts {
	if len(more) == 0 {
		return f
	}
	g := make(facts, len(f)+len(more))
	for k, x := range f {
		g[k] = x
	}
	for _, x := range more {
		if g[x.key].n < x.n {
			g[x.key] = x
		}
	}
	return g
}

func (f facts) list() []fact {
	l := make([]fact, 0, len(f))
	for _, x := range f {
		l = append(l, x)
	}
	return l
}

func (f facts) holds(key string) bool { return f[key].n > 0 }

func presentKey(e *Expr) string { return "present " + structure(e) }
func boundKey(step int) string  { return "bound " + strconv.Itoa(step) }
func rowKey(t *TableIR, key *Expr) string {
	return "row " + t.Name + " " + structure(key)
}

// present is the fact that e has a value.
func present(e *Expr) fact { return fact{key: presentKey(e), n: 1, of: e} }

// implied lists what e being true (or false, if truth is false) proves.
// windowOf gives the fact that a count of a window's events would prove.
func implied(e *Expr, truth bool, windowOf func(*Expr) (fact, bool)) []fact {
	switch e.Op {
	case OpNot:
		return implied(e.Args[0], !truth, windowOf)
	case OpAnd, OpOr:
		if (e.Op == OpAnd) == truth { // all of them hold, or all of them fail
			var all []fact
			for _, a := range e.Args {
				all = append(all, implied(a, truth, windowOf)...)
			}
			return all
		}
		return common(e.Args, truth, windowOf)
	case OpIsMissing, OpIsPresent:
		if (e.Op == OpIsPresent) == truth {
			return proves(e.Args[0])
		}
	case OpEq, OpNe:
		fs := impliedOrder(e, truth, windowOf)
		if (e.Op == OpEq) == truth {
			fs = append(append(fs, proves(e.Args[0])...), proves(e.Args[1])...)
		}
		return fs
	case OpLt, OpLe, OpGt, OpGe:
		return impliedOrder(e, truth, windowOf)
	case OpIn, OpInNet, OpContains, OpStarts, OpEnds, OpLike, OpILike, OpMatches:
		if truth {
			return proves(e.Args[0])
		}
	case OpTableHas:
		if truth {
			return append(proves(e.Args[0]), fact{key: rowKey(e.Table, e.Args[0]), n: 1})
		}
	}
	return nil
}

// common is what every one of several alternatives proves.
func common(args []*Expr, truth bool, windowOf func(*Expr) (fact, bool)) []fact {
	var both facts
	for i, a := range args {
		fs := facts(nil).with(implied(a, truth, windowOf)...)
		if i == 0 {
			both = fs
			continue
		}
		for k, x := range both {
			if n := min(x.n, fs[k].n); n == 0 {
				delete(both, k)
			} else {
				x.n = n
				both[k] = x
			}
		}
	}
	return both.list()
}

// proves is what the presence of e proves: e itself and, if e reads an event
// of a step, that the step has bound one.
func proves(e *Expr) []fact {
	fs := []fact{present(e)}
	switch e.Op {
	case OpBound, OpBoundAgg:
		fs = append(fs, fact{key: boundKey(e.Step), n: 1})
	case OpToNumber, OpNeg:
		fs = append(fs, proves(e.Args[0])...)
	case OpAdd, OpSub, OpMul, OpDiv, OpMod:
		// Arithmetic takes no missing operand: nothing new.
	}
	return fs
}

// impliedOrder reads a bound on a count of events: n >= 3, 0 < n, n == 5.
func impliedOrder(e *Expr, truth bool, windowOf func(*Expr) (fact, bool)) []fact {
	op, a, b := e.Op, e.Args[0], e.Args[1]
	if _, ok := constNumber(a); ok {
		a, b, op = b, a, mirrored(op)
	}
	c, ok := constNumber(b)
	if !ok {
		return nil
	}
	if !truth {
		op = negated(op)
	}
	n := 0
	switch {
	case op == OpGe || op == OpEq:
		n = ceilInt(c)
	case op == OpGt:
		n = floorInt(c) + 1
	case op == OpNe && c == 0:
		n = 1 // a count is never negative
	}
	if n < 1 {
		return nil
	}
	if a.Op == OpToNumber {
		a = a.Args[0]
	}
	if a.Op == OpBoundCount {
		return []fact{{key: boundKey(a.Step), n: n}}
	}
	if f, ok := windowOf(a); ok {
		f.n = n
		return []fact{f}
	}
	return nil
}

func mirrored(op Op) Op {
	switch op {
	case OpLt:
		return OpGt
	case OpLe:
		return OpGe
	case OpGt:
		return OpLt
	case OpGe:
		return OpLe
	}
	return op
}

func negated(op Op) Op {
	switch op {
	case OpLt:
		return OpGe
	case OpLe:
		return OpGt
	case OpGt:
		return OpLe
	case OpGe:
		return OpLt
	case OpEq:
		return OpNe
	case OpNe:
		return OpEq
	}
	return op
}

// constNumber is the value of a constant int or number.
func constNumber(e *Expr) (float64, bool) {
	if e.Op == OpToNumber {
		e = e.Args[0]
	}
	if e.Op != OpConst {
		return 0, false
	}
	switch e.Type.Kind {
	case cep.KindInt:
		return float64(int64(e.Const.Word)), true
	case cep.KindNumber:
		return cep.Number(e.Const.Word), true
	}
	return 0, false
}

func ceilInt(f float64) int {
	n := floorInt(f)
	if float64(n) < f {
		n++
	}
	return n
}

func floorInt(f float64) int {
	if f > 1e9 {
		return 1e9
	}
	if f < 0 {
		return -1
	}
	return int(f)
}
