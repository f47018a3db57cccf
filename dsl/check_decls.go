package dsl

import (
	"slices"
	"time"

	"github.com/weir-cep/weir/cep"
)

// symbolKind says what a name was declared as.
type symbolKind uint8

const (
	symEnum symbolKind = iota
	symEvent
	symAlertEvent
	symParam
	symConst
	symList
	symTable
	symFeature
	symPredicate
	symSink
	symSource
	symBroken // its declaration does not parse: reading it is silent
)

var symbolWords = [...]string{"enum", "event", "alert event", "param", "const", "list", "table", "feature", "predicate", "sink", "source", "declaration"}

func (k symbolKind) String() string { return symbolWords[k] }

// symbol is a declared name. It is checked when it is first read, so that
// declarations may stand in any order.
type symbol struct {
	kind  symbolKind
	name  string
	at    Span
	unit  *unit
	decl  Decl
	state symbolState

	// What checking gives, by kind; nil where the declaration is wrong.
	enum    *cep.Enum
	schema  *cep.Schema
	expr    *Expr // const: its value; predicate: its body, as checked on its own
	param   *ParamIR
	list    *ListIR
	table   *TableIR
	feature *FeatureIR
	sink    *SinkIR
	source  *SourceIR
	alert   *alertEvent
}

type symbolState uint8

const (
	unchecked symbolState = iota
	checking
	checked
)

// collect enters the names that a file declares, those of declarations that do
// not parse included.
func (u *unit) collect() {
	u.collectDecls()
	for _, name := range u.file.Broken {
		for _, m := range []map[string]*symbol{u.types, u.names, u.sinks} {
			if m[name.Name] == nil {
				m[name.Name] = &symbol{kind: symBroken, name: name.Name, at: name.Span, unit: u, state: checked}
			}
		}
	}
}

func (u *unit) collectDecls() {
	for _, d := range u.file.Decls {
		switch d := d.(type) {
		case *TimezoneDecl:
			u.timezone(d)
		case *EnumDecl:
			u.declare(u.types, symEnum, d.Name, d)
		case *EventDecl:
			u.declare(u.types, symEvent, d.Name, d)
		case *ParamDecl:
			u.declare(u.names, symParam, d.Name, d)
		case *ConstDecl:
			u.declare(u.names, symConst, d.Name, d)
		case *ListDecl:
			u.declare(u.names, symList, d.Name, d)
		case *TableDecl:
			u.declare(u.names, symTable, d.Name, d)
		case *FeatureDecl:
			u.declare(u.names, symFeature, d.Name, d)
		case *PredicateDecl:
			u.declare(u.names, symPredicate, d.Name, d)
		case *SinkDecl:
			u.declare(u.sinks, symSink, d.Name, d)
		case *SourceDecl:
			u.sources = append(u.sources, &symbol{kind: symSource, name: d.Name.Name, at: d.Name.Span, unit: u, decl: d})
			u.unique("source", d.Name)
		case *DecisionDecl:
			u.unique("decision", d.Name)
		case *RuleDecl:
			u.declareRule(d)
		}
	}
}

func (u *unit) declare(into map[string]*symbol, kind symbolKind, name Ident, d Decl) {
	if old := into[name.Name]; old != nil {
		u.report("E120", name.Span, "%q is already taken", name.Name).here("declared a second time").
			also(old.at, withArticle(old.kind.String())+" of that name")
		return
	}
	s := &symbol{kind: kind, name: name.Name, at: name.Span, unit: u, decl: d}
	into[name.Name] = s
	if name.Name == "Outcome" && kind <= symAlertEvent {
		u.report("E120", name.Span, "%q is already taken", name.Name).here("Outcome is a built-in event: analysts' verdicts and late labels")
	}
}

func (u *unit) unique(what string, name Ident) {
	key := what + " " + name.Name
	if old, ok := u.others[key]; ok {
		u.report("E120", name.Span, "%q is already taken", name.Name).here("declared a second time").also(old, withArticle(what)+" of that name")
		return
	}
	u.others[key] = name.Span
}

// declareRule enters a rule, and the alert events that it raises.
func (u *unit) declareRule(d *RuleDecl) {
	c := u.c
	for _, r := range c.rules {
		if r.decl.Name.Name == d.Name.Name {
			u.report("E120", d.Name.Span, "there is already a rule %q", d.Name.Name).here("rule names are unique in a deployment").
				alsoIn(r.u.src, r.decl.Name.Span, "the other one")
			break
		}
	}
	r := &ruleCheck{c: c, u: u, decl: d}
	c.rules = append(c.rules, r)
	for _, cl := range d.Clauses {
		a, ok := cl.(*AlertClause)
		if !ok || a.As == nil {
			continue
		}
		ev := c.alerts[a.As.Name]
		if ev == nil {
			ev = &alertEvent{name: a.As.Name}
			c.alerts[a.As.Name] = ev
		}
		ev.raisers = append(ev.raisers, raiser{r, a})
		if old := u.types[a.As.Name]; old == nil || old.kind != symAlertEvent {
			u.declare(u.types, symAlertEvent, *a.As, d)
			if s := u.types[a.As.Name]; s.kind == symAlertEvent {
				s.alert = ev
			}
		}
	}
}

// timezone sets the zone of the whole deployment, which has but one.
func (u *unit) timezone(d *TimezoneDecl) {
	zone, err := time.LoadLocation(d.Zone.Str)
	if err != nil || d.Zone.Str == "" || d.Zone.Str == "Local" {
		u.report("E122", d.Zone.Span, "there is no time zone %q", d.Zone.Str).here("they are called like \"Europe/Paris\"")
		return
	}
	if u.c.zoneAt != nil && u.c.zone.String() != zone.String() {
		u.report("E114", d.Span, "two time zones").here("%s", zone).note("%s says %s; all files of a deployment share one", u.c.zoneAt.src.Name, u.c.zone)
		return
	}
	u.c.zone, u.c.zoneAt = zone, u
}

// checkDecls checks every declaration of the file but rules and tests.
func (u *unit) checkDecls() {
	for _, m := range []map[string]*symbol{u.types, u.names, u.sinks} {
		for _, s := range inOrder(m) {
			s.check()
		}
	}
	for _, s := range u.sources {
		s.check()
	}
	u.uniqueTags()
	u.checkDefaults()
}

// inOrder lists symbols as they are written.
func inOrder(m map[string]*symbol) []*symbol {
	l := make([]*symbol, 0, len(m))
	for _, s := range m {
		l = append(l, s)
	}
	slices.SortFunc(l, func(a, b *symbol) int { return a.at.Start - b.at.Start })
	return l
}

// check checks a symbol once; a circle of consts is reported by its reader.
func (s *symbol) check() {
	if s.state != unchecked {
		return
	}
	s.state = checking
	u := s.unit
	switch d := s.decl.(type) {
	case *EnumDecl:
		u.checkEnum(s, d)
	case *EventDecl:
		u.checkEvent(s, d)
	case *ParamDecl:
		u.checkParam(s, d)
	case *ConstDecl:
		u.checkConst(s, d)
	case *ListDecl:
		u.checkList(s, d)
	case *TableDecl:
		u.checkTable(s, d)
	case *FeatureDecl:
		u.checkFeature(s, d)
	case *PredicateDecl:
		u.checkPredicate(s, d)
	case *SinkDecl:
		u.checkSink(s, d)
	case *SourceDecl:
		u.checkSource(s, d)
	}
	s.state = checked
}

func (u *unit) report(code string, at Span, format string, args ...any) *finding {
	return u.c.report(u.src, code, at, format, args...)
}

func (u *unit) warn(code string, at Span, format string, args ...any) *finding {
	return u.c.find(u.src, LevelWarning, code, at, format, args...)
}

func (u *unit) checkEnum(s *symbol, d *EnumDecl) {
	u.currencyName(d.Name)
	s.enum = &cep.Enum{Name: d.Name.Name}
	for _, w := range d.Words {
		if s.enum.Index(w.Name) >= 0 {
			u.report("E120", w.Span, "%q is already a %s", w.Name, d.Name.Name).here("written a second time")
			continue
		}
		s.enum.Words = append(s.enum.Words, w.Name)
	}
}

// currencyName rejects a type that is called like a currency (E126): its name
// after a number would read as money.
func (u *unit) currencyName(name Ident) bool {
	if _, known := cep.CurrencyDigits(name.Name); !known {
		return false
	}
	u.report("E126", name.Span, "%q is a currency", name.Name).here("a type can't be called like one").
		note("%q after a number would read as money", name.Name)
	return true
}

// checkParam checks a tuning knob: a constant within its bounds.
func (u *unit) checkParam(s *symbol, d *ParamDecl) {
	t, ok := u.typeOf(d.Type)
	if !ok {
		return
	}
	if t.Optional {
		u.report("E103", d.Type.Span, "a param always has a value").here("it can't be optional")
		return
	}
	p := &ParamIR{Name: d.Name.Name, Type: t, Index: -1}
	if d.Doc != nil {
		p.Doc = d.Doc.Str
	}
	def, ok := u.constant(d.Value, t)
	if !ok {
		return
	}
	p.Default = def
	for _, b := range []struct {
		n     Node
		into  **cep.Value
		wrong int
		say   string
	}{{d.Min, &p.Min, -1, "below its min"}, {d.Max, &p.Max, 1, "above its max"}} {
		if b.n == nil {
			continue
		}
		if !isOrdered(t.Kind) {
			u.report("E103", b.n.NodeSpan(), "%s has no order", t).here("a min or max means nothing here")
			continue
		}
		v, ok := u.constant(b.n, t)
		if !ok {
			continue
		}
		*b.into = &v
		if cmp, _ := compareConst(&Expr{Op: OpConst, Type: t, Const: def}, &Expr{Op: OpConst, Type: t, Const: v}); cmp == b.wrong {
			u.report("E103", d.Value.NodeSpan(), "%q is %s", d.Name.Name, b.say).here("this is the default").also(b.n.NodeSpan(), "the limit")
		}
	}
	s.param = p
}

func (u *unit) checkConst(s *symbol, d *ConstDecl) {
	want := cep.Type{}
	if d.Type != nil {
		t, ok := u.typeOf(*d.Type)
		if !ok {
			return
		}
		want = t.Required()
	}
	x := &env{c: u.c, u: u}
	e := x.expr(d.Value, want)
	if want.Kind != cep.KindNone {
		e = x.fits(e, want)
	} else {
		e = x.value(e)
	}
	if isFailed(e) {
		return
	}
	if has(e, func(e *Expr) bool {
		return e.Op == OpParam || e.Op == OpList || e.Op == OpTableHas || e.Op == OpTableCell
	}) {
		u.report("E103", d.Value.NodeSpan(), "a const is made of literals and other consts").here("this can change")
		return
	}
	s.expr = e
}

// checkPredicate checks a predicate on its own; where it is used it is checked
// again in place, for what is known there.
func (u *unit) checkPredicate(s *symbol, d *PredicateDecl) {
	schema := u.event(d.On)
	if schema == nil {
		return
	}
	s.schema = schema
	var reads []FeatureRead
	x := &env{c: u.c, u: u, cur: schema, reads: &reads, readsOK: true, loose: true, inlining: []*symbol{s}}
	if e := x.cond(x.expr(d.Body, boolType)); !isFailed(e) {
		s.expr = e
	}
}

func (u *unit) checkSink(s *symbol, d *SinkDecl) {
	s.sink = &SinkIR{Name: d.Name.Name, Kind: d.Kind.Name, File: u.src.Name,
		Options: u.options("sink", sinkKinds, d.Kind, d.Config)}
}

// listField is a field of a schema that holds a list, "" if none does.
func listField(s *cep.Schema) string {
	for i := range s.Fields {
		if s.Fields[i].Type.Kind == cep.KindList {
			return s.Fields[i].Name
		}
	}
	return ""
}

func (u *unit) checkSource(s *symbol, d *SourceDecl) {
	src := &SourceIR{Name: d.Name.Name, Kind: d.Kind.Name, File: u.src.Name,
		Options: u.options("source", sourceKinds, d.Kind, d.Config)}
	csv := optionNamed(src.Options, "format")
	for _, ref := range d.Of {
		schema := u.event(ref)
		switch {
		case schema == nil:
		case csv != nil && csv.Value.Text == "csv" && listField(schema) != "":
			u.report("E103", ref.Span, "CSV has no lists").here("%s.%s is one", schema.Name, listField(schema)).also(csv.Span, "read as CSV")
		case schema.Derived:
			u.report("E122", ref.Span, "%s is raised by rules, not read from a source", schema.Name).here("an alert event")
		case slices.Contains(src.Of, schema):
			u.report("E114", ref.Span, "%s is written twice", schema.Name).here("the second time")
		default:
			src.Of = append(src.Of, schema)
		}
	}
	s.source = src
}
