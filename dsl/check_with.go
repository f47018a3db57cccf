package dsl

import (
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// with fixes a param, a list, a table's row or a feature's value.
func (t *testCheck) with(w WithClause) {
	x := &env{c: t.u.c, u: t.u}
	fix := TestFix{}
	switch n := w.Target.(type) {
	case *Select:
		if ix, ok := n.X.(*IndexNode); ok {
			t.withKey(x, n, ix, w)
			return
		}
	case *IndexNode:
		if s := x.fileRef(n.X); s != nil && s.kind == symTable && s.table != nil {
			t.u.report("E123", n.Span, "a row is fixed column by column").here("which column?").
				note("with %s.%s = …", t.u.src.Slice(n.Span), strings.Join(columnNames(s.table), " = …   with "+t.u.src.Slice(n.Span)+"."))
			return
		}
	}
	s := x.fileRef(w.Target)
	if n, ok := w.Target.(*Name); ok && s == nil {
		t.u.report("E122", n.Span, "there is no %q here", n.Name).didYouMean(n.Name, t.u.visibleNames("", namesOf, nil))
		return
	}
	ok := false
	switch {
	case s != nil && s.kind == symBroken:
	case s != nil && s.kind == symParam && s.param != nil:
		fix.Param = s.param
		if fix.Value, ok = x.constant(w.Value, s.param.Type); ok {
			t.inBounds(s.param, fix.Value, w.Value.NodeSpan())
		}
	case s != nil && s.kind == symList && s.list != nil:
		fix.List = s.list
		fix.Value, ok = x.constant(w.Value, listOf(s.list.Elem))
	default:
		t.u.report("E123", w.Target.NodeSpan(), "\"with\" can't fix this").here("only a param, a list, a table's cell or a feature's value").
			note("with limit = 3   with names = [\"a\"]   with table[\"key\"].column = 1   with feature[\"key\"].value = 1")
	}
	if ok {
		t.ir.With = append(t.ir.With, fix)
	}
}

// inBounds tests a param's value against its min and max.
func (t *testCheck) inBounds(p *ParamIR, v cep.Value, at Span) {
	for _, b := range []struct {
		limit *cep.Value
		wrong int
		say   string
	}{{p.Min, -1, "below its min"}, {p.Max, 1, "above its max"}} {
		if b.limit == nil {
			continue
		}
		c, _ := compareConst(&Expr{Op: OpConst, Type: p.Type, Const: v}, &Expr{Op: OpConst, Type: p.Type, Const: *b.limit})
		if c == b.wrong {
			t.u.report("E103", at, "%q is %s", p.Name, b.say).here("the limit is %s", AppendValue(nil, *b.limit))
		}
	}
}

// withKey fixes feature[key].item or table[key].column.
func (t *testCheck) withKey(x *env, n *Select, ix *IndexNode, w WithClause) {
	s := x.fileRef(ix.X)
	switch {
	case s != nil && s.kind == symFeature && s.feature != nil:
		t.withFeature(x, s.feature, n, ix, w)
	case s != nil && s.kind == symTable && s.table != nil:
		t.withCell(x, s.table, n, ix, w)
	case s == nil:
		known := t.u.visibleNames("", namesOf, func(s *symbol) bool { return s.kind == symFeature || s.kind == symTable })
		name := t.u.src.Slice(ix.X.NodeSpan())
		t.u.report("E122", ix.X.NodeSpan(), "there is no feature or table %q here", name).didYouMean(name, known)
	}
}

func (t *testCheck) withFeature(x *env, f *FeatureIR, n *Select, ix *IndexNode, w WithClause) {
	item := slices.IndexFunc(f.Items, func(it FeatureItem) bool { return it.Name == n.Word.Name })
	if item < 0 {
		t.u.report("E102", n.Word.Span, "%s has no value %q", f.Name, n.Word.Name).didYouMean(n.Word.Name, itemNames(f))
		return
	}
	if len(ix.Keys) != len(f.Key) {
		t.u.report("E119", ix.Span, "%s has a key of %s", f.Name, plural(len(f.Key), "part")).here("%d given", len(ix.Keys))
		return
	}
	fix := TestFix{Feature: f, Item: item}
	for i, k := range ix.Keys {
		v, ok := x.constant(k, f.On.Fields[f.Key[i]].Type.Required())
		if !ok {
			return
		}
		fix.Key = append(fix.Key, v)
	}
	var ok bool
	if typ := f.Items[item].Expr.Type; typ.Kind != cep.KindNone {
		if fix.Value, ok = x.constant(w.Value, typ.Required()); ok {
			t.ir.With = append(t.ir.With, fix)
		}
	}
}

// withCell fixes one cell; the cells of one row make one fix.
func (t *testCheck) withCell(x *env, tab *TableIR, n *Select, ix *IndexNode, w WithClause) {
	col := slices.IndexFunc(tab.Cols, func(c cep.Field) bool { return c.Name == n.Word.Name })
	if col < 0 {
		t.u.report("E102", n.Word.Span, "%s has no column %q", tab.Name, n.Word.Name).didYouMean(n.Word.Name, columnNames(tab))
		return
	}
	if len(ix.Keys) != 1 {
		t.u.report("E103", ix.Span, "%s has one key", tab.Name).here("%d are given", len(ix.Keys))
		return
	}
	key, ok := x.constant(ix.Keys[0], tab.Key.Type)
	if !ok {
		return
	}
	v, ok := x.constant(w.Value, tab.Cols[col].Type.Required())
	if !ok {
		return
	}
	i := slices.IndexFunc(t.ir.With, func(f TestFix) bool {
		return f.Table == tab && string(appendConst(nil, f.Key[0])) == string(appendConst(nil, key))
	})
	if i < 0 {
		i = len(t.ir.With)
		row := make([]cep.Value, len(tab.Cols))
		for c := range row {
			row[c] = cep.Value{Type: tab.Cols[c].Type, Missing: true}
		}
		t.ir.With = append(t.ir.With, TestFix{Table: tab, Key: []cep.Value{key}, Row: row})
	}
	t.ir.With[i].Row[col] = v
}

// wholeRows rejects rows that lack a column which can't be missing.
func (t *testCheck) wholeRows(d *TestDecl) {
	for _, f := range t.ir.With {
		if f.Table == nil {
			continue
		}
		for c, v := range f.Row {
			if v.Missing && !f.Table.Cols[c].Type.Optional {
				key := string(AppendValue(nil, f.Key[0]))
				t.u.report("E123", d.Name.Span, "the row %s of %s lacks %q", key, f.Table.Name, f.Table.Cols[c].Name).
					here("every column but the optional ones is needed").fix("with %s[%s].%s = …", f.Table.Name, key, f.Table.Cols[c].Name)
			}
		}
	}
}
