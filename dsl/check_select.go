package dsl

import (
	"strings"

	"github.com/weir-cep/weir/cep"
)

// selected checks x.word: a field of a label, a part of the match, a value of
// a feature, a cell of a table, a name behind an import's alias.
func (x *env) selected(n *Select) *Expr {
	if step, ok := x.label(n.X); ok {
		return x.labelField(step, n)
	}
	if inner, ok := n.X.(*Select); ok {
		if step, ok := x.label(inner.X); ok && (inner.Word.Name == "first" || inner.Word.Name == "last") {
			return x.chosenField(step, inner.Word.Name, n)
		}
		if m, ok := inner.X.(*Name); ok && m.Name == "match" && inner.Word.Name == "key" && x.rule != nil && x.names && !x.resolves("match") {
			return x.matchKey(n)
		}
	}
	if m, ok := n.X.(*Name); ok && m.Name == "match" && x.rule != nil && !x.resolves("match") {
		return x.matchPart(n)
	}
	if ix, ok := n.X.(*IndexNode); ok {
		return x.indexed(ix, n)
	}
	if s := x.fileRef(n.X); s != nil {
		switch s.kind {
		case symFeature:
			return x.featureValue(s, nil, n)
		case symTable:
			x.report("E103", n.X.NodeSpan(), "%q is a table: which row?", s.name).here("the key goes in brackets").
				fix("%s[key].%s", s.name, n.Word.Name)
			return failed(n.Span)
		}
	}
	if s := x.fileRef(n); s != nil { // alias.name
		return x.fileName(s, n.Span)
	}
	return x.noSelect(n)
}

// noSelect reports x.word where x has no parts.
func (x *env) noSelect(n *Select) *Expr {
	name, ok := n.X.(*Name)
	if !ok || x.resolves(name.Name) {
		if e := x.expr(n.X, cep.Type{}); !isFailed(e) {
			x.report("E102", n.Word.Span, "%s has no part %q", withArticle(e.Type.Required().String()), n.Word.Name).here("nothing is called so")
		}
		return failed(n.Span)
	}
	var known []string
	if x.names {
		for l := range x.rule.labels {
			known = append(known, l)
		}
	}
	known = append(known, x.u.visibleNames("", namesOf, func(s *symbol) bool { return s.kind == symFeature })...)
	x.report("E122", name.Span, "there is no %q here", name.Name).didYouMean(name.Name, known)
	return failed(n.Span)
}

// label is the step that a name labels, or the "on" event's.
func (x *env) label(n Node) (int, bool) {
	name, ok := n.(*Name)
	if !ok || !x.names || x.cur != nil && x.cur.Field(name.Name) >= 0 {
		return 0, false
	}
	step, ok := x.rule.labels[name.Name]
	return step, ok
}

// visibleLabel rejects a label whose step comes later, or may be in another
// branch.
func (x *env) visibleLabel(step int, at Span) bool {
	if x.rule.binding(step).Schema == nil {
		return false
	}
	if x.rule.on != nil && x.cur != nil || x.sees(step) {
		return true
	}
	l := x.rule.binding(step).Label
	f := x.report("E120", at, "%q can't be read here", l)
	if x.own == step+1 {
		f.here("this is the event itself: its fields stand alone")
	} else if span, ok := x.rule.labelSpan(step); ok && span.Start > at.Start {
		f.here("its event comes later").also(span, "bound here").note("move the test to the later step")
	} else if x.rule.on != nil {
		f.here("no event is current here")
	} else {
		f.here("its step is in another branch")
	}
	return false
}

// labelField checks label.word.
func (x *env) labelField(step int, n *Select) *Expr {
	b := x.rule.binding(step)
	if !x.visibleLabel(step, n.X.NodeSpan()) {
		return failed(n.Span)
	}
	word := n.Word.Name
	i := b.Schema.Field(word)
	switch {
	case word == "count" && (b.Repeated || i < 0):
		return &Expr{Op: OpBoundCount, Type: intType, Step: step, Name: b.Label + ".count", Span: n.Span}
	case i < 0 && (word == "first" || word == "last"):
		x.report("E102", n.Span, "%q is an event, not a value", b.Label+"."+word).here("which of its fields?").
			note("%s has: %s", b.Schema.Name, joinComma(fieldNames(b.Schema)))
		return failed(n.Span)
	case i < 0:
		x.u.unknownField(b.Schema, word, n.Word.Span, nil)
		return failed(n.Span)
	case x.rule.on != nil && !x.held:
		return x.named(x.field(i, n.Span), b.Label+"."+word)
	case b.Repeated:
		return x.boundList(step, i, n.Span)
	}
	return x.bound(step, i, Only, n.Span)
}

func (x *env) named(e *Expr, name string) *Expr { e.Name = name; return e }

// chosenField checks label.first.word and label.last.word.
func (x *env) chosenField(step int, which string, n *Select) *Expr {
	b := x.rule.binding(step)
	if !x.visibleLabel(step, n.X.NodeSpan()) {
		return failed(n.Span)
	}
	i := b.Schema.Field(n.Word.Name)
	if i < 0 {
		x.u.unknownField(b.Schema, n.Word.Name, n.Word.Span, nil)
		return failed(n.Span)
	}
	switch {
	case x.rule.on != nil && !x.held:
		return x.field(i, n.Span)
	case !b.Repeated:
		return x.bound(step, i, Only, n.Span)
	case which == "first":
		return x.bound(step, i, First, n.Span)
	}
	return x.bound(step, i, Last, n.Span)
}

// bound reads one field of one event of a step. It may be missing unless the
// step is known to have bound an event.
func (x *env) bound(step, field int, which Which, at Span) *Expr {
	b := x.rule.binding(step)
	t := b.Schema.Fields[field].Type
	if t.Kind == cep.KindNone {
		return failed(at)
	}
	name := b.Label + "." + [...]string{"", "first.", "last."}[which] + b.Schema.Fields[field].Name
	e := &Expr{Op: OpBound, Type: t, Step: step, Index: field, Which: which, Name: name, Span: at}
	e.Type.Optional = !x.known(step) || t.Optional && !x.facts.holds(presentKey(e))
	return e
}

// known says whether a step is sure to have bound an event.
func (x *env) known(step int) bool { return x.held || x.facts.holds(boundKey(step)) }

// boundList is the list of a field over all events of a step.
func (x *env) boundList(step, field int, at Span) *Expr {
	b := x.rule.binding(step)
	t := b.Schema.Fields[field].Type
	if t.Kind == cep.KindNone {
		return failed(at)
	}
	if t.Kind == cep.KindList {
		t = *t.Elem
	}
	return &Expr{Op: OpBoundList, Type: listOf(t), Step: step, Index: field,
		Name: b.Label + "." + b.Schema.Fields[field].Name, Span: at}
}

// labelPresence is "label is missing": the step has bound nothing.
func (x *env) labelPresence(op Op, step int, n *MissingNode) *Expr {
	if !x.visibleLabel(step, n.X.NodeSpan()) {
		return failed(n.Span)
	}
	if x.rule.on != nil || x.facts.holds(boundKey(step)) {
		always := map[Op]string{OpIsMissing: "false", OpIsPresent: "true"}[op]
		x.warn("W205", n.Span, "this condition is always %s", always).here("%s always stands for an event here", x.text(n.X.NodeSpan()))
	}
	count := &Expr{Op: OpBoundCount, Type: intType, Step: step, Name: x.rule.binding(step).Label + ".count", Span: n.X.NodeSpan()}
	zero := &Expr{Op: OpConst, Type: intType, Const: word(intType, 0), Span: n.Span}
	if op == OpIsMissing {
		return node(OpEq, boolType, n.Span, count, zero)
	}
	return node(OpGt, boolType, n.Span, count, zero)
}

// matchPart checks match.start, match.end and match.duration.
func (x *env) matchPart(n *Select) *Expr {
	if !x.names || n.Word.Name != "key" && x.rule.pattern != nil && x.cur != nil {
		x.report("E120", n.Span, "there is no match yet").here("the run is still going on").
			note("read a step's time, as a.at; the match is known in the pattern's own where and in the alert")
		return failed(n.Span)
	}
	start := &Expr{Op: OpMatchStart, Type: timestampType, Name: "match.start", Span: n.Span}
	end := &Expr{Op: OpMatchEnd, Type: timestampType, Name: "match.end", Span: n.Span}
	switch n.Word.Name {
	case "start":
		return start
	case "end":
		return end
	case "duration":
		return &Expr{Op: OpSub, Type: durationType, Args: []*Expr{end, start}, Span: n.Span}
	case "key":
		x.report("E103", n.Span, "match.key is the whole key").here("which part?").note("say one of: %s", x.rule.keyParts("match.key."))
		return failed(n.Span)
	}
	x.report("E122", n.Word.Span, "a match has no %q", n.Word.Name).didYouMean(n.Word.Name, []string{"start", "end", "duration", "key"})
	return failed(n.Span)
}

func (x *env) matchKey(n *Select) *Expr {
	p := x.rule.keyPart(n.Word.Name)
	if p < 0 {
		x.report("E122", n.Word.Span, "the key has no part %q", n.Word.Name).didYouMean(n.Word.Name, strings.Fields(x.rule.keyParts("")))
		return failed(n.Span)
	}
	return x.key(p, n.Span)
}

// indexed checks table[key].column and feature[key].item.
func (x *env) indexed(ix *IndexNode, n *Select) *Expr {
	s := x.fileRef(ix.X)
	switch {
	case s != nil && s.kind == symFeature:
		return x.featureValue(s, ix, n)
	case s != nil && s.kind == symTable:
		if s.table == nil {
			return failed(n.Span)
		}
		return x.cell(s.table, ix, n)
	}
	return x.index(ix)
}

func (x *env) cell(t *TableIR, ix *IndexNode, n *Select) *Expr {
	if len(ix.Keys) != 1 {
		x.report("E103", ix.Span, "%s has one key", t.Name).here("%d are given", len(ix.Keys))
		return failed(n.Span)
	}
	k := x.fits(x.expr(ix.Keys[0], t.Key.Type), t.Key.Type)
	col := -1
	for i := range t.Cols {
		if t.Cols[i].Name == n.Word.Name {
			col = i
		}
	}
	if col < 0 {
		x.report("E102", n.Word.Span, "%s has no column %q", t.Name, n.Word.Name).didYouMean(n.Word.Name, columnNames(t))
		return failed(n.Span)
	}
	if isFailed(k) {
		return failed(n.Span)
	}
	typ := t.Cols[col].Type
	declared := typ.Optional
	typ.Optional = declared || !x.facts.holds(rowKey(t, k))
	return x.narrowed(&Expr{Op: OpTableCell, Type: typ, Table: t, Index: col, Args: []*Expr{k}, Span: n.Span})
}
