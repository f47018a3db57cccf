package dsl

import (
	"github.com/weir-cep/weir/cep"
)

// constant checks a value that must be known now.
func (u *unit) constant(n Node, t cep.Type) (cep.Value, bool) {
	x := &env{c: u.c, u: u}
	return x.constant(n, t)
}

func (x *env) constant(n Node, t cep.Type) (cep.Value, bool) {
	e := x.expr(n, t)
	if t.Kind == cep.KindList && e.Type.Kind == cep.KindList && e.Op == OpConst {
		return x.constList(e, t)
	}
	e = x.fits(e, t)
	if isFailed(e) {
		return cep.Value{}, false
	}
	if e.Op != OpConst {
		x.report("E103", n.NodeSpan(), "a fixed value is needed here").here("this is only known when events come")
		return cep.Value{}, false
	}
	v := e.Const
	v.Type = t.Required()
	return v, true
}

// constList brings a constant list's elements to the wanted type.
func (x *env) constList(e *Expr, t cep.Type) (cep.Value, bool) {
	v := cep.Value{Type: t.Required()}
	for _, el := range e.Const.List {
		f := x.fits(&Expr{Op: OpConst, Type: el.Type, Const: el, Span: e.Span}, *t.Elem)
		if isFailed(f) {
			return v, false
		}
		v.List = append(v.List, f.Const)
	}
	return v, true
}

// fits brings a value to the wanted type, or reports that it has another.
func (x *env) fits(e *Expr, want cep.Type) *Expr {
	e = x.value(e)
	if isFailed(e) {
		return e
	}
	if want.Kind == cep.KindNumber {
		e = toNumber(e)
	}
	e = x.convert(e, want)
	if isFailed(e) || e.Type.Required().Equal(want.Required()) {
		return e
	}
	if e.Type.Kind == cep.KindMoney && want.Kind == cep.KindMoney {
		x.report("E104", e.Span, "money in different currencies").here("%s, but %s is wanted", e.Type.Currency, want.Currency)
		return failed(e.Span)
	}
	d := x.report("E103", e.Span, "%s is wanted here", withArticle(want.Required().String())).here("this is %s", typePhrase(e.Type))
	if n, ok := constNumber(e); ok && want.Kind == cep.KindMoney {
		if v, ok := cep.MulNumber(cep.MoneyScale, n); ok {
			d.fix("%s", cep.AppendMoney(nil, v, want.Currency))
		}
	}
	return failed(e.Span)
}

// testValue is one field's value in a test or in defaults.
type testValue struct {
	auto  bool
	value cep.Value
}

// checkDefaults checks the defaults of events that tests may leave out.
func (u *unit) checkDefaults() {
	for _, d := range u.file.Decls {
		d, ok := d.(*DefaultsDecl)
		if !ok {
			continue
		}
		schema := u.event(d.Of)
		if schema == nil {
			continue
		}
		if u.defaults[schema] != nil {
			u.report("E114", d.Of.Span, "defaults of %s are given twice", schema.Name).here("the second time")
		}
		u.defaults[schema] = u.testFields(schema, d.Config)
	}
}

// testFields checks { field: value } of an event in a test or in defaults.
func (u *unit) testFields(schema *cep.Schema, c Config) map[string]testValue {
	vals := map[string]testValue{}
	for _, it := range c.Items {
		i := schema.Field(it.Name.Name)
		if i < 0 {
			u.unknownField(schema, it.Name.Name, it.Name.Span, nil)
			continue
		}
		if _, twice := vals[it.Name.Name]; twice {
			u.report("E114", it.Name.Span, "%q is given twice", it.Name.Name).here("the second time")
		}
		t := schema.Fields[i].Type
		if t.Kind == cep.KindNone {
			continue
		}
		if n, ok := it.Value.(*Name); ok && n.Name == "auto" && !(t.Kind == cep.KindEnum && t.Enum.Index("auto") >= 0) {
			if t.Kind != cep.KindString && t.Kind != cep.KindInt {
				u.report("E103", n.Span, "\"auto\" makes fresh texts and ints").here("%s is %s", it.Name.Name, withArticle(t.Required().String()))
				continue
			}
			vals[it.Name.Name] = testValue{auto: true}
			continue
		}
		v, ok := u.testField(it.Value, t)
		if ok {
			vals[it.Name.Name] = testValue{value: v}
		}
	}
	return vals
}

// testField is one value; a single one stands for a list of one, as in input.
func (u *unit) testField(n Node, t cep.Type) (cep.Value, bool) {
	if t.Kind != cep.KindList {
		return u.constant(n, t)
	}
	if _, ok := n.(*ListNode); ok {
		return u.constant(n, t)
	}
	v, ok := u.constant(n, *t.Elem)
	return cep.Value{Type: t.Required(), List: []cep.Value{v}}, ok
}
