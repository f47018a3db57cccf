package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// impliedBy says whether a condition holds wherever another does: each of its
// conjuncts is one of the other's.
func impliedBy(cond, other *Expr) bool {
	if cond == nil {
		return true
	}
	if other == nil {
		return false
	}
	var have []string
	for _, c := range conjuncts(other) {
		have = append(have, structure(c))
	}
	for _, c := range conjuncts(cond) {
		if !slices.Contains(have, structure(c)) {
			return false
		}
	}
	return true
}

// conjuncts are the parts of a condition that must all hold.
func conjuncts(e *Expr) []*Expr {
	if e.Op == OpAnd {
		return e.Args
	}
	return []*Expr{e}
}

// alwaysSame: a value compared with itself (W205).
func (x *env) alwaysSame(op Op, l, r *Expr, at Span) {
	if l.Op == OpConst || structure(l) != structure(r) {
		return
	}
	always := "false"
	if op == OpEq || op == OpLe || op == OpGe {
		always = "true"
	}
	x.warn("W205", at, "this condition is always %s", always).here("both sides are the same")
}

// lintConditions: conditions that are always true or false (W205).
func (r *ruleCheck) lintConditions() {
	test := func(e *Expr) { // a condition as a whole, or a part that must hold
		if e == nil || isFailed(e) {
			return
		}
		walk(e, func(e *Expr) {
			switch {
			case e.Op == OpConst && e.Type.Kind == cep.KindBool:
				r.warn("W205", e.Span, "this condition is always %s", AppendValue(nil, e.Const)).here("whatever the event")
			case e.Op == OpAnd:
				r.contradiction(e)
			case e.Op == OpOr:
				r.tautology(e)
			}
		})
	}
	for _, f := range r.ir.From {
		test(f.Where)
	}
	if w := r.ir.When; w != nil {
		test(w.Where)
		test(w.Cond)
	} else {
		eachStep(r.ir.Pattern.Steps, func(s *StepIR) {
			test(s.Where)
			test(s.Until)
			if s.No != nil {
				test(s.No.Where)
			}
		})
		test(r.ir.Pattern.Where)
	}
	for _, c := range r.ir.Cancel {
		test(c.Where)
	}
}

// constrained is a comparison of something with a constant.
type constrained struct {
	op    Op
	value *Expr
	at    Span
}

// constraints groups the comparisons with constants among some conditions by
// what they are about.
func constraints(parts []*Expr) map[string][]constrained {
	m := map[string][]constrained{}
	for _, p := range parts {
		if p.Op < OpEq || p.Op > OpGe || len(p.Args) != 2 {
			continue
		}
		l, v, op := p.Args[0], p.Args[1], p.Op
		if l.Op == OpConst {
			l, v, op = v, l, mirrored(op)
		}
		if v.Op == OpConst && l.Op != OpConst {
			k := structure(l)
			m[k] = append(m[k], constrained{op, v, p.Span})
		}
	}
	return m
}

// contradiction: amount > 5 and amount < 3; decision == a and decision == b.
func (r *ruleCheck) contradiction(e *Expr) {
	for _, cs := range constraints(e.Args) {
		for i, a := range cs {
			for _, b := range cs[i+1:] {
				if c, ok := compareConst(a.value, b.value); ok && disjoint(a.op, b.op, c) {
					r.warn("W205", b.at, "this condition is always false").here("it excludes the other one").also(a.at, "this")
					return
				}
			}
		}
	}
}

// disjoint says whether "v op a" and "v op2 b" exclude each other, c being the
// order of a and b.
func disjoint(op, op2 Op, c int) bool {
	lower := func(o Op) bool { return o == OpGt || o == OpGe }
	upper := func(o Op) bool { return o == OpLt || o == OpLe }
	switch {
	case op == OpEq && op2 == OpEq:
		return c != 0
	case op == OpEq && op2 == OpNe || op == OpNe && op2 == OpEq:
		return c == 0
	case lower(op) && upper(op2):
		return c > 0 || c == 0 && (op == OpGt || op2 == OpLt)
	case upper(op) && lower(op2):
		return c < 0 || c == 0 && (op == OpLt || op2 == OpGt)
	case op == OpEq && lower(op2):
		return c < 0 || c == 0 && op2 == OpGt
	case op == OpEq && upper(op2):
		return c > 0 || c == 0 && op2 == OpLt
	case lower(op) && op2 == OpEq:
		return c > 0 || c == 0 && op == OpGt
	case upper(op) && op2 == OpEq:
		return c < 0 || c == 0 && op == OpLt
	}
	return false
}

// tautology: decision != a or decision != b.
func (r *ruleCheck) tautology(e *Expr) {
	for _, cs := range constraints(e.Args) {
		for i, a := range cs {
			for _, b := range cs[i+1:] {
				c, ok := compareConst(a.value, b.value)
				if ok && a.op == OpNe && b.op == OpNe && c != 0 {
					r.warn("W205", b.at, "this condition is always true").here("one of the two always holds").also(a.at, "this").
						note("to exclude both: join them with \"and\", or  not in [%s, %s]", a.value, b.value)
					return
				}
			}
		}
	}
}
