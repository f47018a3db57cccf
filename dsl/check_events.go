package dsl

import (
	"slices"
	"time"

	"github.com/weir-cep/weir/cep"
)

// plainTypes are the types that a bare name stands for.
var plainTypes = map[string]cep.Kind{
	"string": cep.KindString, "int": cep.KindInt, "number": cep.KindNumber, "bool": cep.KindBool,
	"money": cep.KindMoney, "timestamp": cep.KindTimestamp, "duration": cep.KindDuration,
	"ip": cep.KindIP, "point": cep.KindPoint,
}

var plainTypeNames = []string{"string", "int", "number", "bool", "money", "timestamp", "duration", "ip", "point"}

// typeOf resolves a written type.
func (u *unit) typeOf(t TypeExpr) (cep.Type, bool) {
	typ, ok := u.elemType(t)
	if !ok {
		return typ, false
	}
	if t.List {
		typ = listOf(typ)
	}
	typ.Optional = t.Optional
	return typ, true
}

func (u *unit) elemType(t TypeExpr) (cep.Type, bool) {
	kind, plain := plainTypes[t.Name.Name]
	if plain && t.Alias == nil {
		if kind == cep.KindMoney {
			return u.moneyType(t)
		}
		if len(t.Args) > 0 && kind != cep.KindTimestamp {
			u.report("E103", t.Args[0].Span, "%s takes nothing in parentheses", t.Name.Name).here("only money and timestamp do")
			return cep.Type{}, false
		}
		return cep.Type{Kind: kind}, true
	}
	alias := ""
	if t.Alias != nil {
		alias = t.Alias.Name
	}
	s := u.visible(alias, t.Name.Name, typesOf)
	if s != nil && s.kind == symBroken {
		return cep.Type{}, false
	}
	if s == nil || s.kind != symEnum {
		f := u.report("E122", t.Name.Span, "there is no type %q", t.Name.Name)
		if s != nil {
			f.here("this is %s, not a type of a field", withArticle(s.kind.String()))
		} else {
			known := u.visibleNames(alias, typesOf, func(s *symbol) bool { return s.kind == symEnum })
			f.didYouMean(t.Name.Name, append(known, plainTypeNames...))
		}
		return cep.Type{}, false
	}
	s.check()
	if s.enum == nil {
		return cep.Type{}, false
	}
	return cep.Type{Kind: cep.KindEnum, Enum: s.enum}, true
}

func (u *unit) moneyType(t TypeExpr) (cep.Type, bool) {
	if len(t.Args) == 0 {
		u.report("E113", t.Span, "money without a currency is not in this version yet").here("in which currency?").
			fix("money(USD)")
		return cep.Type{}, false
	}
	code := t.Args[0].Text
	if _, known := cep.CurrencyDigits(code); !known || len(t.Args) > 1 {
		u.report("E122", t.Args[0].Span, "%q is not a currency", code).here("an ISO 4217 code such as USD is wanted")
		return cep.Type{}, false
	}
	return cep.Type{Kind: cep.KindMoney, Currency: code}, true
}

// field resolves the declaration of a field or column.
func (u *unit) field(d FieldDecl) (cep.Field, bool) {
	t, ok := u.typeOf(d.Type)
	if !ok {
		return cep.Field{Name: d.Name.Name, Path: d.Name.Name}, false
	}
	f := cep.Field{Name: d.Name.Name, Path: d.Name.Name, Type: t}
	if d.From != nil {
		f.Path = d.From.Str
	}
	if d.Doc != nil {
		f.Doc = d.Doc.Str
	}
	if t.Kind == cep.KindTimestamp && len(d.Type.Args) > 0 {
		a := d.Type.Args[0]
		f.Format = a.Text
		if !a.String && a.Text != "unix_ms" && a.Text != "unix_s" || a.String && !isLayout(a.Text) {
			u.report("E122", a.Span, "%q is not a time format", a.Text).here("unix_ms, unix_s, or an example as \"2006-01-02 15:04:05\"").
				note("the example spells the instant 2006-01-02 15:04:05 in the wanted form")
			return f, false
		}
	}
	return f, true
}

// isLayout says whether a text is a Go time layout that tells times apart.
func isLayout(s string) bool {
	a := time.Date(2026, 1, 31, 10, 20, 30, 0, time.UTC)
	return a.Format(s) != s && a.Format(s) != a.AddDate(1, 1, 3).Format(s)
}

// checkEvent builds an event's schema. A schema with wrong fields keeps them
// without a type, so that reading them is silent.
func (u *unit) checkEvent(s *symbol, d *EventDecl) {
	u.currencyName(d.Name)
	schema := &cep.Schema{Name: d.Name.Name, Tag: d.Name.Name, Time: -1, ID: -1}
	if d.As != nil {
		schema.Tag = d.As.Str
	}
	for _, fd := range d.Fields {
		f, _ := u.field(fd)
		if schema.Field(f.Name) >= 0 {
			u.report("E120", fd.Name.Span, "%s already has a field %q", schema.Name, f.Name).here("declared a second time")
			continue
		}
		schema.Fields = append(schema.Fields, f)
	}
	u.checkTime(schema, d)
	u.checkID(schema, d)
	schema.Seal()
	if schema.Time >= 0 {
		s.schema = schema
	}
}

func (u *unit) checkTime(schema *cep.Schema, d *EventDecl) {
	if len(d.Times) == 0 {
		f := u.report("E114", d.Name.Span, "%s doesn't say which field is its time", schema.Name).here("event time is what rules run on")
		name := "at"
		for _, fd := range schema.Fields {
			if fd.Type.Kind == cep.KindTimestamp {
				name = fd.Name
				break
			}
		}
		f.fix("time %s", name)
		return
	}
	if len(d.Times) > 1 {
		u.report("E114", d.Times[1].Span, "\"time\" is given twice").here("the second time").also(d.Times[0].Span, "the first")
	}
	t := d.Times[0]
	i := u.eventField(schema, t.Field, "time")
	if i < 0 {
		return
	}
	if ft := schema.Fields[i].Type; ft.Kind != cep.KindTimestamp || ft.Optional {
		if ft.Kind != cep.KindNone {
			u.report("E103", t.Field.Span, "an event's time must be a timestamp").here("%s is %s", t.Field.Name, withArticle(ft.String()))
		}
		return
	}
	schema.Time = i
	if t.Late != nil {
		schema.Late = t.Late.Int
	}
}

func (u *unit) checkID(schema *cep.Schema, d *EventDecl) {
	if len(d.IDs) == 0 {
		return
	}
	if len(d.IDs) > 1 {
		u.report("E114", d.IDs[1].Span, "\"id\" is given twice").here("the second time").also(d.IDs[0].Span, "the first")
	}
	i := u.eventField(schema, d.IDs[0], "id")
	if i < 0 {
		return
	}
	if ft := schema.Fields[i].Type; !isKeyKind(ft.Kind) || ft.Optional {
		if ft.Kind != cep.KindNone {
			u.report("E103", d.IDs[0].Span, "an event's id must be a string, an int, an enum or an ip, and always there").
				here("%s is %s", d.IDs[0].Name, withArticle(ft.String()))
		}
		return
	}
	schema.ID = i
}

// eventField finds the field that a clause of the event itself names.
func (u *unit) eventField(schema *cep.Schema, name Ident, clause string) int {
	i := schema.Field(name.Name)
	if i < 0 {
		names := fieldNames(schema)
		u.report("E102", name.Span, "%s has no field %q", schema.Name, name.Name).didYouMean(name.Name, names)
	}
	return i
}

func fieldNames(s *cep.Schema) []string {
	names := make([]string, len(s.Fields))
	for i := range s.Fields {
		names[i] = s.Fields[i].Name
	}
	return names
}

// event resolves an event type, nil if there is none of that name. An alert
// event is resolved by checking the rules that raise it.
func (u *unit) event(ref TypeRef) *cep.Schema {
	alias := ""
	if ref.Alias != nil {
		alias = ref.Alias.Name
	}
	s := u.visible(alias, ref.Name.Name, typesOf)
	switch {
	case s == nil && alias == "" && ref.Name.Name == "Outcome":
		return u.c.outcome
	case s == nil:
		known := u.visibleNames(alias, typesOf, func(s *symbol) bool { return s.kind != symEnum })
		f := u.report("E122", ref.Name.Span, "there is no event %q", ref.Name.Name).didYouMean(ref.Name.Name, known)
		if len(u.imports) == 0 && f.d.Label == "" {
			f.note("events of another file need an import:  import \"common.cep\"")
		}
		return nil
	case s.kind == symEnum:
		u.report("E122", ref.Name.Span, "%s is an enum, not an event", s.name).here("an event is wanted here")
		return nil
	case s.kind == symAlertEvent:
		return u.c.alertSchema(s.alert, u, ref.Span)
	}
	s.check()
	return s.schema
}

// uniqueTags rejects two event types that one value of the type field selects.
func (u *unit) uniqueTags() {
	c := u.c
	for _, s := range inOrder(u.types) {
		if s.kind != symEvent || s.schema == nil {
			continue
		}
		at := s.at
		if d := s.decl.(*EventDecl); d.As != nil {
			at = d.As.Span
		}
		if other := c.tags[s.schema.Tag]; other != nil && other != s {
			u.report("E121", at, "two events are selected by %q", s.schema.Tag).here("a value of the type field belongs to one event").
				alsoIn(other.unit.src, other.at, "the other event")
			continue
		}
		c.tags[s.schema.Tag] = s
	}
}

// unknownField reports E102, with the nearest field and where the type is from.
func (u *unit) unknownField(schema *cep.Schema, name string, at Span, others []string) {
	f := u.report("E102", at, "%s has no field %q", schema.Name, name)
	if near := nearest(name, append(fieldNames(schema), others...)); near != "" {
		if i := schema.Field(near); i >= 0 {
			f.here("did you mean %q (%s)?", near, schema.Fields[i].Type)
		} else {
			f.here("did you mean %q?", near)
		}
	}
	f.note("%s. Its fields: %s", u.c.whence(schema), joinComma(fieldNames(schema)))
}

// whence says where an event type comes from.
func (c *checker) whence(schema *cep.Schema) string {
	if schema == c.outcome {
		return "Outcome is built in"
	}
	for _, u := range c.order {
		for _, s := range u.types {
			switch {
			case s.schema == schema:
				line, _ := u.src.Position(s.decl.DeclSpan().Start)
				return schema.Name + " is defined at " + place(u.src, line)
			case s.alert != nil && s.alert.schema == schema:
				r := s.alert.raisers[0].rule
				line, _ := r.u.src.Position(r.decl.Name.Span.Start)
				return schema.Name + " is raised by rule " + r.decl.Name.Name + " at " + place(r.u.src, line)
			}
		}
	}
	return schema.Name + " is an event"
}

// sameTyped lists the fields of a schema that have a type.
func sameTyped(s *cep.Schema, t cep.Type) []string {
	var names []string
	for i := range s.Fields {
		if s.Fields[i].Type.Required().Equal(t.Required()) && i != s.Time {
			names = append(names, s.Fields[i].Name)
		}
	}
	return slices.Clip(names)
}
