package dsl

import (
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// name resolves a bare name, in the order of the language: field, label, let,
// key part, file-level name, word of the expected enum.
func (x *env) name(n *Name, hint cep.Type) *Expr {
	if n.Name == "true" || n.Name == "false" {
		v := word(boolType, 0)
		if n.Name == "true" {
			v.Word = 1
		}
		return &Expr{Op: OpConst, Type: boolType, Const: v, Span: n.Span}
	}
	if x.cur != nil {
		if i := x.cur.Field(n.Name); i >= 0 {
			return x.currentField(n, i)
		}
	}
	if x.names {
		if e := x.ruleName(n, hint); e != nil {
			return e
		}
	}
	if s := x.symbol("", n.Name); s != nil {
		return x.fileName(s, n.Span)
	}
	if e := enumWord(n, hint); e != nil {
		return e
	}
	x.unknown(n, hint)
	return failed(n.Span)
}

// currentField is a field of the current event, unless the name is also a key
// part that this step reads from another field.
func (x *env) currentField(n *Name, i int) *Expr {
	if x.names && x.route > 0 {
		if p := x.rule.keyPart(n.Name); p >= 0 && x.rule.ir.Routes[x.route-1].Fields[p] != i {
			from := x.cur.Fields[x.rule.ir.Routes[x.route-1].Fields[p]].Name
			x.report("E120", n.Span, "%q is a field of %s and also the rule's key", n.Name, x.cur.Name).
				here("which is meant? here the key is read from %s", from).
				fix("match.key.%s      for the key, which is %s here", n.Name, from)
			return failed(n.Span)
		}
	}
	return x.field(i, n.Span)
}

// ruleName resolves labels, lets and key parts; nil if n is none of them.
func (x *env) ruleName(n *Name, hint cep.Type) *Expr {
	r := x.rule
	if step, ok := r.labels[n.Name]; ok {
		if r.binding(step).Schema == nil {
			return failed(n.Span)
		}
		x.report("E103", n.Span, "%q is an event, not a value", n.Name).here("which of its fields?").
			note("write %s.field; its fields: %s", n.Name, joinComma(fieldNames(r.binding(step).Schema)))
		return failed(n.Span)
	}
	if l := r.lets[n.Name]; l != nil {
		return x.let(l, n.Span, hint)
	}
	if p := r.keyPart(n.Name); p >= 0 {
		return x.key(p, n.Span)
	}
	return nil
}

func (x *env) key(p int, at Span) *Expr {
	k := x.rule.ir.Key[p]
	if k.Type.Kind == cep.KindNone {
		return failed(at)
	}
	return &Expr{Op: OpKey, Type: k.Type, Index: p, Name: k.Name, Span: at}
}

// let writes a let out, as of the place where its name stands.
func (x *env) let(l *letInfo, at Span, hint cep.Type) *Expr {
	if slices.Contains(x.lets, l.name) {
		x.report("E127", l.at, "the lets go in a circle").here("%q is defined by itself", l.name)
		return failed(at)
	}
	l.used = true
	y := *x
	y.lets = append(slices.Clone(x.lets), l.name)
	if x.rule.pattern != nil {
		y.cur, y.route = nil, 0
	}
	e := *y.expr(l.value, hint)
	e.Span = at
	if e.Op == OpBoundList {
		return x.narrowed(&e)
	}
	return &e
}

// predicate writes a predicate out.
func (x *env) predicate(s *symbol, at Span) *Expr {
	d := s.decl.(*PredicateDecl)
	switch {
	case slices.Contains(x.inlining, s):
		s.unit.report("E127", s.at, "the predicates go in a circle").here("%q is defined by itself", s.name)
		return failed(at)
	case s.schema == nil || s.expr == nil && s.state == checked:
		return failed(at)
	case x.cur == nil:
		x.report("E120", at, "%q is about the current event, and there is none here", s.name).here("a condition on %s", s.schema.Name)
		return failed(at)
	case x.cur != s.schema:
		x.report("E120", at, "%q is about %s", s.name, s.schema.Name).here("the current event is %s", withArticle(x.cur.Name))
		return failed(at)
	}
	y := *x
	y.u, y.names = s.unit, false
	y.inlining = append(slices.Clone(x.inlining), s)
	if x.at == nil {
		y.at = &at
	}
	e := y.expr(d.Body, boolType)
	if isFailed(e) {
		return failed(at)
	}
	return placed(e, at)
}

// placed is a copy of e that stands at one place as a whole: what is written
// out of another declaration has its places there, not in the rule.
func placed(e *Expr, at Span) *Expr {
	c := *e
	c.Span = at
	if len(e.Args) > 0 {
		c.Args = make([]*Expr, len(e.Args))
		for i, a := range e.Args {
			c.Args[i] = placed(a, at)
		}
	}
	return &c
}

// fileName reads a file-level name.
func (x *env) fileName(s *symbol, at Span) *Expr {
	switch s.kind {
	case symParam:
		if s.param == nil {
			return failed(at)
		}
		return &Expr{Op: OpParam, Type: s.param.Type, Param: s.param, Name: s.name, Span: at}
	case symConst:
		if s.state == checking {
			x.report("E127", s.at, "the consts go in a circle").here("%q is defined by itself", s.name)
			return failed(at)
		}
		if s.expr == nil {
			return failed(at)
		}
		return placed(s.expr, at)
	case symList:
		if s.list == nil {
			return failed(at)
		}
		return &Expr{Op: OpList, Type: listOf(s.list.Elem), List: s.list, Name: s.name, Span: at}
	case symPredicate:
		return x.predicate(s, at)
	case symTable:
		x.report("E103", at, "%q is a table, not a value", s.name).here("read a cell: %s[key].column, or test a row: key in %s", s.name, s.name)
	case symFeature:
		f := x.report("E103", at, "%q is a feature, not a value", s.name).here("which of its values?")
		if s.feature != nil {
			f.note("%s has: %s", s.name, joinComma(itemNames(s.feature)))
		}
	}
	return failed(at)
}

func itemNames(f *FeatureIR) []string {
	names := make([]string, len(f.Items))
	for i := range f.Items {
		names[i] = f.Items[i].Name
	}
	return names
}

// enumWord is a word of the expected enum, or a severity; nil if n is neither.
func enumWord(n *Name, hint cep.Type) *Expr {
	t := hint.Required()
	i := -1
	switch hint.Kind {
	case cep.KindEnum:
		i = hint.Enum.Index(n.Name)
	case cep.KindSeverity:
		i = slices.Index(cep.SeverityWords, n.Name)
	}
	if i < 0 {
		return nil
	}
	return &Expr{Op: OpConst, Type: t, Const: word(t, cep.Word(i)), Span: n.Span}
}

// resolves says whether a bare name is anything but a word of an enum.
func (x *env) resolves(name string) bool {
	if name == "true" || name == "false" || x.cur != nil && x.cur.Field(name) >= 0 {
		return true
	}
	if x.names {
		r := x.rule
		if _, ok := r.labels[name]; ok || r.lets[name] != nil || r.keyPart(name) >= 0 {
			return true
		}
	}
	return x.u.visible("", name, namesOf) != nil
}

// foreignWord reports a name that is nothing here but a value of other
// languages, and says whether it was one.
func (x *env) foreignWord(n *Name) bool {
	switch lower := strings.ToLower(n.Name); lower {
	case "null", "nil":
		x.report("E125", n.Span, "there is no null; a value is missing or present").here("write:  x is missing   or   x is present")
	case "true", "false":
		x.report("E125", n.Span, "%q is written in small letters", n.Name).here("did you mean %q?", lower).fix("%s", lower)
	default:
		return false
	}
	return true
}

// unknown reports a name that is nothing here.
func (x *env) unknown(n *Name, hint cep.Type) {
	if x.foreignWord(n) {
		return
	}
	var words []string
	switch hint.Kind {
	case cep.KindEnum:
		words = hint.Enum.Words
	case cep.KindSeverity:
		words = cep.SeverityWords
	}
	if words != nil {
		what := "severity"
		if hint.Kind == cep.KindEnum {
			what = hint.Enum.Name
		}
		f := x.report("E110", n.Span, "%q is not %s", n.Name, withArticle(what)).here("%s is one of: %s", what, joinComma(words))
		if near := nearestWord(n.Name, words); near != "" {
			f.fix("%s", near)
		}
		return
	}
	if x.cur == nil {
		if step, ok := x.stepWithField(n.Name); ok {
			label := x.rule.binding(step).Label
			f := x.report("E120", n.Span, "no event is current here, so %q is nobody's field", n.Name)
			if label == "" {
				f.here("a field of %s", x.rule.binding(step).Schema.Name).note("give its step a label:  e: %s …  and write e.%s", x.rule.binding(step).Schema.Name, n.Name)
			} else {
				f.here("whose?").fix("%s.%s", x.rule.labelRead(step), n.Name)
			}
			return
		}
		x.report("E122", n.Span, "there is no %q here", n.Name).didYouMean(n.Name, x.nearNames())
		return
	}
	x.u.unknownField(x.cur, n.Name, n.Span, x.nearNames())
}

// nearestWord is nearest, more willingly: among few words a common stem is
// enough (approve, approved; decline, declined).
func nearestWord(name string, words []string) string {
	if near := nearest(name, words); near != "" {
		return near
	}
	for _, w := range words {
		n := min(len(w), len(name))
		if n >= 3 && w[:n] == name[:n] {
			return w
		}
	}
	return ""
}

// stepWithField finds a step whose events have the field.
func (x *env) stepWithField(name string) (int, bool) {
	if x.rule == nil || !x.names {
		return 0, false
	}
	for i, b := range x.rule.ir.Bindings {
		if b.Schema != nil && b.Schema.Field(name) >= 0 && (x.sees(i) || b.Label == "") {
			return i, true
		}
	}
	return 0, false
}

// nearNames lists the names that may be read here, but for fields.
func (x *env) nearNames() []string {
	names := x.u.visibleNames("", namesOf, nil)
	if x.names {
		for _, k := range x.rule.ir.Key {
			names = append(names, k.Name)
		}
		for n := range x.rule.lets {
			names = append(names, n)
		}
		for n := range x.rule.labels {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}
