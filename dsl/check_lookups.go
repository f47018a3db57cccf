package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

func (u *unit) checkList(s *symbol, d *ListDecl) {
	t, ok := u.typeOf(d.Of)
	if !ok {
		return
	}
	if t.Kind == cep.KindList || t.Optional || t.Kind == cep.KindPoint {
		u.report("E103", d.Of.Span, "a list can't hold %s", t).here("plain values only")
		return
	}
	l := &ListIR{Name: d.Name.Name, Elem: t, File: u.src.Name, Index: -1}
	s.list = l
	if d.Kind != nil {
		l.From = d.Kind.Name
		l.Options = u.options("list", lookupKinds, *d.Kind, d.Config)
		return
	}
	v, ok := u.constant(d.Value, listOf(t))
	if !ok {
		s.list = nil
		return
	}
	l.Values = v.List
}

func (u *unit) checkTable(s *symbol, d *TableDecl) {
	t := &TableIR{Name: d.Name.Name, From: d.Kind.Name, File: u.src.Name, Index: -1}
	t.Options = u.options("table", lookupKinds, d.Kind, d.Config)
	key, ok := u.field(d.Key)
	if !ok {
		return
	}
	if key.Type.Optional || !isKeyKind(key.Type.Kind) {
		u.report("E109", d.Key.Type.Span, "%s can't be a key", key.Type).here("a key is a string, an int, an enum or an ip")
		return
	}
	t.Key = key
	for _, f := range d.Cols {
		col, ok := u.field(f)
		if !ok {
			return
		}
		if col.Name == key.Name || slices.ContainsFunc(t.Cols, func(o cep.Field) bool { return o.Name == col.Name }) {
			u.report("E120", f.Span, "%q is already a column", f.Name.Name).here("written a second time")
			continue
		}
		t.Cols = append(t.Cols, col)
	}
	s.table = t
}

func isKeyKind(k cep.Kind) bool {
	return k == cep.KindString || k == cep.KindInt || k == cep.KindEnum || k == cep.KindIP
}
