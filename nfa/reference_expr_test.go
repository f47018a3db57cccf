package nfa

import (
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// refVal is a value of the reference: i for bool, int, enum, timestamp,
// duration and money, f for number, s for string.
type refVal struct {
	missing bool
	kind    cep.Kind
	i       int64
	f       float64
	s       string
	list    []refVal
}

func refInt(i int64) refVal   { return refVal{kind: cep.KindInt, i: i} }
func refText(s string) refVal { return refVal{kind: cep.KindString, s: s} }
func refBool(b bool) refVal {
	v := refVal{kind: cep.KindBool}
	if b {
		v.i = 1
	}
	return v
}
func refNumber(f float64) refVal { return refVal{kind: cep.KindNumber, f: f} }

var refMissing = refVal{missing: true}

// equal is == of two present values of one kind.
func (v refVal) equal(w refVal) bool { return v.i == w.i && v.f == w.f && v.s == w.s }

// compare orders two present values of one kind.
func (v refVal) compare(w refVal) int {
	switch {
	case v.kind == cep.KindString:
		return strings.Compare(v.s, w.s)
	case v.kind == cep.KindNumber && v.f < w.f || v.kind != cep.KindNumber && v.i < w.i:
		return -1
	case v.equal(w):
		return 0
	}
	return 1
}

// refOf turns a constant into a reference value.
func refOf(v cep.Value) refVal {
	if v.Missing {
		return refMissing
	}
	r := refVal{kind: v.Type.Kind, s: v.Text}
	switch r.kind {
	case cep.KindNumber:
		r.f = cep.Number(v.Word)
	case cep.KindList:
		for _, e := range v.List {
			r.list = append(r.list, refOf(e))
		}
	default:
		r.i = int64(v.Word)
	}
	return r
}

// refEval walks an expression of the rule. It knows what the generated rules
// and the conformance cases use and panics on the rest.
type refEval struct {
	r      refRule
	e      *refEvent // the current event, nil for none
	b      refBinds
	end    int64
	failed bool
}

func (x *refEval) eval(ex *dsl.Expr) refVal {
	switch ex.Op {
	case dsl.OpConst:
		return refOf(ex.Const)
	case dsl.OpField:
		return x.e.vals[ex.Index]
	case dsl.OpParam:
		return refOf(ex.Param.Default)
	case dsl.OpBound, dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg:
		return x.bound(ex)
	case dsl.OpMatchStart:
		return refVal{kind: cep.KindTimestamp, i: x.b[0].e.at}
	case dsl.OpMatchEnd:
		return refVal{kind: cep.KindTimestamp, i: x.end}
	case dsl.OpAnd:
		for _, a := range ex.Args {
			if x.eval(a).i == 0 {
				return refBool(false)
			}
		}
		return refBool(true)
	case dsl.OpOr:
		for _, a := range ex.Args {
			if x.eval(a).i != 0 {
				return refBool(true)
			}
		}
		return refBool(false)
	case dsl.OpNot:
		return refBool(x.eval(ex.Args[0]).i == 0)
	case dsl.OpIsMissing:
		return refBool(x.eval(ex.Args[0]).missing)
	case dsl.OpIsPresent:
		return refBool(!x.eval(ex.Args[0]).missing)
	case dsl.OpElse:
		if v := x.eval(ex.Args[0]); !v.missing {
			return v
		}
		return x.eval(ex.Args[1])
	case dsl.OpToNumber:
		v := x.eval(ex.Args[0])
		if v.missing {
			return v
		}
		return refNumber(float64(v.i))
	case dsl.OpListLit:
		v := refVal{kind: cep.KindList}
		for _, a := range ex.Args {
			v.list = append(v.list, x.eval(a))
		}
		return v
	}
	return x.binary(ex, x.eval(ex.Args[0]))
}

// binary evaluates what takes a left and perhaps a right side.
func (x *refEval) binary(ex *dsl.Expr, l refVal) refVal {
	if ex.Op == dsl.OpNeg {
		l.i, l.f = -l.i, -l.f
		return l
	}
	r := x.eval(ex.Args[1])
	some := !l.missing && !r.missing
	switch ex.Op {
	case dsl.OpEq:
		return refBool(some && l.equal(r))
	case dsl.OpNe:
		return refBool(!some || !l.equal(r))
	case dsl.OpLt:
		return refBool(some && l.compare(r) < 0)
	case dsl.OpLe:
		return refBool(some && l.compare(r) <= 0)
	case dsl.OpGt:
		return refBool(some && l.compare(r) > 0)
	case dsl.OpGe:
		return refBool(some && l.compare(r) >= 0)
	case dsl.OpIn:
		for _, e := range r.list {
			if some && !e.missing && l.equal(e) {
				return refBool(true)
			}
		}
		return refBool(false)
	case dsl.OpContains, dsl.OpStarts:
		if !some {
			return refBool(false)
		}
		if ex.Op == dsl.OpContains {
			return refBool(strings.Contains(l.s, r.s))
		}
		return refBool(strings.HasPrefix(l.s, r.s))
	}
	if !some {
		return refMissing
	}
	return x.arithmetic(ex, l, r)
}

func (x *refEval) arithmetic(ex *dsl.Expr, l, r refVal) refVal {
	v := refVal{kind: ex.Type.Kind}
	zero := r.i == 0 && r.f == 0
	switch ex.Op {
	case dsl.OpAdd:
		v.i, v.f = l.i+r.i, l.f+r.f
	case dsl.OpSub:
		v.i, v.f = l.i-r.i, l.f-r.f
	case dsl.OpMul:
		v.i, v.f = l.i*r.i, l.f*r.f
	case dsl.OpDiv:
		if x.failed = x.failed || zero; !zero {
			v.f = (l.f + float64(l.i)) / (r.f + float64(r.i))
		}
	case dsl.OpMod:
		if x.failed = x.failed || zero; !zero {
			v.i = l.i % r.i
		}
	default:
		panic(fmt.Sprintf("reference: no operation %d", ex.Op))
	}
	return v
}

// bound evaluates what reads a step's events.
func (x *refEval) bound(ex *dsl.Expr) refVal {
	es := x.b.of(ex.Step)
	if ex.Op == dsl.OpBoundCount {
		return refInt(int64(len(es)))
	}
	if ex.Op == dsl.OpBound {
		switch {
		case len(es) == 0:
			return refMissing
		case ex.Which == dsl.Last:
			return es[len(es)-1].vals[ex.Index]
		}
		return es[0].vals[ex.Index]
	}
	list := refVal{kind: cep.KindList}
	for _, e := range es {
		if v := e.vals[ex.Index]; !v.missing {
			list.list = append(list.list, v)
		}
	}
	if ex.Op == dsl.OpBoundList {
		return list
	}
	return refAggregate(ex.Agg, ex.Type.Kind, list.list)
}

func refAggregate(fn dsl.AggFn, kind cep.Kind, vs []refVal) refVal {
	sum := refVal{kind: kind}
	for _, v := range vs {
		sum.i, sum.f = sum.i+v.i, sum.f+v.f
	}
	switch {
	case fn == dsl.AggCount:
		return refInt(int64(len(vs)))
	case fn == dsl.AggSum:
		return sum
	case fn == dsl.AggDistinct:
		n := 0
		for i, v := range vs {
			first := true
			for _, w := range vs[:i] {
				first = first && !v.equal(w)
			}
			if first {
				n++
			}
		}
		return refInt(int64(n))
	case len(vs) == 0:
		return refMissing
	}
	best := vs[0]
	for _, v := range vs[1:] {
		if fn == dsl.AggMin && v.compare(best) < 0 || fn == dsl.AggMax && v.compare(best) > 0 || fn == dsl.AggLast {
			best = v
		}
	}
	switch fn {
	case dsl.AggMin, dsl.AggMax, dsl.AggFirst, dsl.AggLast:
		return best
	case dsl.AggAvg:
		return refNumber((sum.f + float64(sum.i)) / float64(len(vs)))
	}
	panic(fmt.Sprintf("reference: no aggregate %d", fn))
}
