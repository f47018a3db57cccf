package dsl

import (
	"regexp"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// member types "a in r" for a list r.
func (x *env) member(a, r *Expr, at Span) *Expr {
	a = x.scalar(a)
	if isFailed(a, r) {
		return failed(at)
	}
	if a.Type.Kind == cep.KindIP && (r.Type.Kind == cep.KindString || r.Type.Kind == cep.KindList && r.Type.Elem.Kind == cep.KindString) {
		if !x.networks(r) {
			return failed(at)
		}
		return node(OpInNet, boolType, at, a, r)
	}
	if r.Type.Kind != cep.KindList {
		d := x.report("E103", r.Span, "\"in\" needs a list").here("this is %s", typePhrase(r.Type))
		if a.Type.Kind == cep.KindString && r.Type.Kind == cep.KindString {
			d.fix("%s contains %s", x.text(r.Span), x.text(a.Span))
		}
		return failed(at)
	}
	el := *r.Type.Elem
	switch {
	case a.Type.Kind == cep.KindInt && el.Kind == cep.KindNumber:
		a = toNumber(a)
	case a.Type.Kind == cep.KindString && el.Kind == cep.KindIP:
		a = x.convert(a, ipType)
	}
	if isFailed(a) {
		return a
	}
	if !a.Type.Required().Equal(el) {
		if a.Type.Kind == cep.KindMoney && el.Kind == cep.KindMoney {
			x.report("E104", r.Span, "money in different currencies").here("%s", el.Currency).also(a.Span, a.Type.Currency)
			return failed(at)
		}
		x.report("E103", r.Span, "this list doesn't hold %s", kindPhrase(a.Type)).here("this is a list of %s", el).also(a.Span, "this is "+typePhrase(a.Type.Required()))
		return failed(at)
	}
	return node(OpIn, boolType, at, a, r)
}

// networks tests the constant addresses and networks on the right of an "in".
func (x *env) networks(r *Expr) bool {
	ok := true
	eachConstText(r, func(s string, at Span) {
		if !isNetwork(s) {
			x.report("E103", at, "%q is neither an address nor a network", s).here("write it like \"10.0.0.0/8\"")
			ok = false
		}
	})
	return ok
}

// eachConstText visits the constant texts that e is or lists.
func eachConstText(e *Expr, visit func(s string, at Span)) {
	switch {
	case e.Op == OpConst && e.Type.Kind == cep.KindString:
		visit(e.Const.Text, e.Span)
	case e.Op == OpConst && e.Type.Kind == cep.KindList:
		for _, v := range e.Const.List {
			if v.Type.Kind == cep.KindString {
				visit(v.Text, e.Span)
			}
		}
	case e.Op == OpListLit:
		for _, a := range e.Args {
			eachConstText(a, visit)
		}
	case e.Op == OpList:
		for _, v := range e.List.Values {
			if v.Type.Kind == cep.KindString {
				visit(v.Text, e.Span)
			}
		}
	}
}

// stringOp types contains, starts with, ends with, like, ilike, matches.
func (x *env) stringOp(op Op, l, r *Expr, at Span) *Expr {
	r = x.scalarUnlessText(r)
	if isFailed(l, r) {
		return failed(at)
	}
	name := opWords[op]
	if !isText(l.Type) {
		d := x.report("E103", l.Span, "%q is for text", name).here("this is %s", typePhrase(l.Type.Required()))
		if op == OpContains && l.Type.Kind == cep.KindList {
			d.fix("%s in %s", x.text(r.Span), x.text(l.Span))
		}
		return failed(at)
	}
	if !isText(r.Type) {
		x.report("E103", r.Span, "%q needs a text, or a list of texts", name).here("this is %s", typePhrase(r.Type.Required()))
		return failed(at)
	}
	if op == OpLike || op == OpILike || op == OpMatches {
		if has(r, func(e *Expr) bool { return e.Op != OpConst && e.Op != OpListLit && e.Op != OpList && e.Op != OpParam }) {
			x.report("E103", r.Span, "%q needs a pattern that is written out", name).here("this changes from event to event").
				note("a text, a list of texts, a param or a list declaration; to look for a changing text use contains")
			return failed(at)
		}
	}
	if op == OpMatches && !x.regexps(r) {
		return failed(at)
	}
	return node(op, boolType, at, l, r)
}

// scalarUnlessText lets the list of a step's text fields stand.
func (x *env) scalarUnlessText(e *Expr) *Expr {
	if e.Op == OpBoundList && isText(e.Type) {
		return e
	}
	return x.scalar(e)
}

func isText(t cep.Type) bool {
	return t.Kind == cep.KindString || t.Kind == cep.KindList && t.Elem.Kind == cep.KindString
}

func (x *env) regexps(r *Expr) bool {
	ok := true
	eachConstText(r, func(s string, at Span) {
		if _, err := regexp.Compile(s); err != nil {
			why := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
			x.report("E103", at, "this is not a regular expression").here("%s", why).note("the syntax is RE2's")
			ok = false
		}
	})
	return ok
}

// listLit types [a, b]: elements of one type, ints among numbers as numbers.
func (x *env) listLit(els []*Expr, hint cep.Type, at Span) *Expr {
	if len(els) == 0 {
		if hint.Kind == cep.KindNone {
			x.report("E103", at, "an empty list of what?").here("nothing here says what it holds")
			return failed(at)
		}
		return &Expr{Op: OpConst, Type: listOf(hint), Const: cep.Value{Type: listOf(hint)}, Span: at}
	}
	number := hint.Kind == cep.KindNumber
	for i, e := range els {
		els[i] = x.value(e)
		if hint.Kind == cep.KindIP && e.Type.Kind == cep.KindString && x.hintIP {
			els[i] = x.convert(e, ipType)
		}
		if isFailed(els[i]) {
			return failed(at)
		}
		number = number || e.Type.Kind == cep.KindNumber
	}
	for i := range els {
		if number {
			els[i] = toNumber(els[i])
		}
		if i > 0 {
			var ok bool
			if els[0], els[i], ok = x.unify(els[0], els[i], at, "list"); !ok {
				return failed(at)
			}
		}
	}
	t := listOf(els[0].Type)
	v := cep.Value{Type: t}
	for _, e := range els {
		if e.Op != OpConst {
			return &Expr{Op: OpListLit, Type: t, Args: els, Span: at}
		}
		v.List = append(v.List, e.Const)
	}
	return &Expr{Op: OpConst, Type: t, Const: v, Span: at}
}
