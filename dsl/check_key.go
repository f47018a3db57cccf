package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// keyUse is one place where a rule reads an event type: a step, an absence, a
// cancel or the "on".
type keyUse struct {
	schema *cep.Schema
	ref    TypeRef
	by     *Key
	node   *StepNode // nil for "on" and "cancel on"
	what   string    // "on", "cancel on"
	where  bool
	route  int // index into ir.Routes, -1 if the key is wrong
}

// use enters a place and returns its index into uses.
func (r *ruleCheck) use(u keyUse) int {
	u.schema, u.route = r.u.event(u.ref), -1
	if u.schema == nil { // reported; the rest is checked all the same
		r.lost = true
	}
	r.uses = append(r.uses, u)
	return len(r.uses) - 1
}

// collectSteps enters every event that the rule reads, and what it binds.
func (r *ruleCheck) collectSteps() {
	if r.on != nil {
		r.use(keyUse{ref: r.on.Type, what: "on", where: r.on.Where != nil})
		b := Binding{Schema: r.uses[0].schema}
		info := stepInfo{}
		if r.on.Label != nil {
			b.Label, info.label = r.on.Label.Name, r.on.Label.Span
			r.labels[b.Label] = 0
		}
		r.ir.Bindings, r.steps = []Binding{b}, []stepInfo{info}
		return
	}
	r.collectSeq(&r.pattern.Steps, false, false, false)
	for _, c := range r.cancels {
		r.use(keyUse{ref: c.Of, by: c.By, what: "cancel on", where: c.Where != nil})
	}
}

func (r *ruleCheck) collectSeq(seq *StepSeq, loop, optional, block bool) {
	for i := range seq.Steps {
		s := &seq.Steps[i]
		switch s.Kind {
		case StepEvent:
			u := r.use(keyUse{ref: s.Type, by: s.By, node: s, where: s.Where != nil})
			r.bind(s, r.uses[u].schema, loop, optional, block)
		case StepNo:
			r.use(keyUse{ref: s.Type, by: s.By, node: s, where: s.Where != nil})
		default:
			q := s.Quant
			for j := range s.Sub {
				r.collectSeq(&s.Sub[j], loop || s.Kind == StepGroup && q != nil && !single(q),
					optional || s.Kind == StepOneOf || q != nil && skippable(q), block || s.Kind != StepGroup)
			}
		}
	}
}

func single(q *Quant) bool    { return q.Kind == "optional" || q.Kind == "n" && q.Lo == 1 }
func skippable(q *Quant) bool { return q.Kind == "optional" || q.Kind == "most" }

// bind enters what a positive event step binds.
func (r *ruleCheck) bind(s *StepNode, schema *cep.Schema, loop, optional, block bool) {
	b := Binding{Schema: schema, Repeated: loop || s.Quant != nil && !single(s.Quant), Optional: optional || s.Quant != nil && skippable(s.Quant)}
	info := stepInfo{node: s, block: block}
	if s.Label != nil {
		b.Label, info.label = s.Label.Name, s.Label.Span
		if other, twice := r.labels[b.Label]; twice {
			r.report("E120", s.Label.Span, "%q is already taken", b.Label).here("a second step of that name").also(r.steps[other].label, "the first")
		} else {
			r.labels[b.Label] = len(r.ir.Bindings)
		}
	}
	r.ir.Bindings, r.steps = append(r.ir.Bindings, b), append(r.steps, info)
}

// stepOf is the binding of a step of the syntax tree.
func (r *ruleCheck) stepOf(s *StepNode) int {
	return slices.IndexFunc(r.steps, func(i stepInfo) bool { return i.node == s })
}

// useOf is the place of a step or absence.
func (r *ruleCheck) useOf(s *StepNode) *keyUse {
	i := slices.IndexFunc(r.uses, func(u keyUse) bool { return u.node == s })
	return &r.uses[i]
}

// resolveKey finds the fields that give the rule's key in every type it reads
// (E109), and the key's types.
func (r *ruleCheck) resolveKey() {
	if r.broken {
		return
	}
	r.ir.Global = r.by.Global
	seen := map[string]bool{}
	for _, p := range r.by.Key.Parts {
		if seen[p.Name] {
			r.report("E114", p.Span, "%q is given twice", p.Name).here("the second time")
		}
		seen[p.Name] = true
		r.ir.Key = append(r.ir.Key, KeyPart{Name: p.Name})
	}
	for i := range r.uses { // types first, so that a wrong place can be told which it should have
		for p := range r.ir.Key {
			if r.uses[i].schema == nil {
				continue
			}
			if f := r.keyField(&r.uses[i], p); f >= 0 && r.ir.Key[p].Type.Kind == cep.KindNone {
				if t := r.uses[i].schema.Fields[f].Type.Required(); isKeyKind(t.Kind) {
					r.ir.Key[p].Type = t
				}
			}
		}
	}
	for i := range r.uses {
		if r.uses[i].schema != nil {
			r.resolveRoute(&r.uses[i])
		}
	}
}

// keyField is the field that gives part p of the key in a place, -1 if none.
func (r *ruleCheck) keyField(u *keyUse, p int) int {
	if u.by == nil {
		return u.schema.Field(r.ir.Key[p].Name)
	}
	if p >= len(u.by.Parts) {
		return -1
	}
	return u.schema.Field(u.by.Parts[p].Name)
}

func (r *ruleCheck) resolveRoute(u *keyUse) {
	if u.by != nil && r.ir.Global {
		r.report("E117", u.by.Span, "\"by\" means nothing here").here("the rule is global: it has no key").also(r.by.Span, "global")
		return
	}
	if u.by != nil && len(u.by.Parts) != len(r.ir.Key) {
		r.report("E109", u.by.Span, "the key has %s", plural(len(r.ir.Key), "part")).here("%d here", len(u.by.Parts)).
			also(r.by.Key.Span, "the rule's key").note("parts correspond by position")
		return
	}
	route := Route{Schema: u.schema, Fields: make([]int, len(r.ir.Key))}
	ok := true
	for p := range r.ir.Key {
		route.Fields[p] = r.keyField(u, p)
		ok = r.fitsKey(u, p, route.Fields[p]) && ok
	}
	if !ok {
		return
	}
	u.route = slices.IndexFunc(r.ir.Routes, func(o Route) bool { return o.Schema == route.Schema && slices.Equal(o.Fields, route.Fields) })
	if u.route < 0 {
		u.route = len(r.ir.Routes)
		r.ir.Routes = append(r.ir.Routes, route)
	}
}

// fitsKey tests one part of the key in one place.
func (r *ruleCheck) fitsKey(u *keyUse, p, field int) bool {
	k := r.ir.Key[p]
	if field < 0 {
		r.noKey(u, p)
		return false
	}
	t := u.schema.Fields[field].Type.Required()
	if t.Kind == cep.KindNone {
		return false
	}
	at := r.by.Key.Parts[p].Span
	if u.by != nil {
		at = u.by.Parts[p].Span
	}
	name := u.schema.Name + "." + u.schema.Fields[field].Name
	if !isKeyKind(t.Kind) {
		r.report("E109", at, "%s can't be a key", name).here("it is %s; a key is a string, an int, an enum or an ip", withArticle(t.String())).
			also(u.ref.Span, "read here")
		return false
	}
	if !t.Equal(k.Type) {
		r.report("E109", at, "the key %q has two types", k.Name).here("%s is %s, elsewhere it is %s", name, withArticle(t.String()), withArticle(k.Type.String())).
			also(u.ref.Span, "read here")
		return false
	}
	return true
}

// noKey reports a type that has no field for a part of the key, with the
// fields that could be meant.
func (r *ruleCheck) noKey(u *keyUse, p int) {
	k := r.ir.Key[p]
	if u.by != nil {
		part := u.by.Parts[p]
		r.u.unknownField(u.schema, part.Name, part.Span, nil)
		return
	}
	at := r.by.Key.Parts[p].Span
	var same []string
	for i, f := range u.schema.Fields {
		if isKeyKind(f.Type.Kind) && (k.Type.Kind == cep.KindNone || f.Type.Required().Equal(k.Type)) && i != u.schema.ID {
			same = append(same, f.Name)
		}
	}
	if r.on != nil {
		f := r.report("E109", at, "%s has no %q to be the key", u.schema.Name, k.Name)
		if near := nearest(k.Name, same); near != "" {
			f.here("did you mean %q?", near)
		}
		f.also(u.ref.Span, "fields that can be a key: "+joinComma(same))
		return
	}
	f := r.report("E109", at, "events in this pattern don't share the key %q", k.Name).here("%s has no %q", u.schema.Name, k.Name)
	if len(same) == 0 {
		f.also(u.ref.Span, "no field holds the same type")
		return
	}
	f.also(u.ref.Span, "fields that hold the same type: "+joinComma(same)).fix("%s", r.withBy(u, same[0]))
}

// withBy is the text of a place with a "by" put in.
func (r *ruleCheck) withBy(u *keyUse, field string) string {
	text := u.what + " "
	if s := u.node; s != nil {
		text = map[string]string{"": "", "then": "then ", "immediately": "then immediately ", "any": "then any "}[s.Arrow]
		if s.Kind == StepNo {
			text += "no "
		}
		if s.Label != nil {
			text += s.Label.Name + ": "
		}
		if s.Quant != nil {
			text += r.u.src.Slice(s.Quant.Span) + " "
		}
	}
	text += r.u.src.Slice(u.ref.Span) + " by " + field
	if len(r.ir.Key) > 1 {
		text = text[:len(text)-len(field)] + "(…, " + field + ")"
	}
	if u.where {
		text += " where …"
	}
	return text
}

// hiddenNames rejects labels and lets that hide a name or would be hidden by
// one (E120).
func (r *ruleCheck) hiddenNames() {
	for label, step := range r.labels {
		r.hides("label", label, r.steps[step].label)
	}
	for name, l := range r.lets {
		if step, ok := r.labels[name]; ok {
			r.report("E120", l.at, "%q is already taken", name).here("a let").also(r.steps[step].label, "a label of that name")
			continue
		}
		r.hides("let", name, l.at)
	}
}

func (r *ruleCheck) hides(what, name string, at Span) {
	f := func(format string, args ...any) {
		r.report("E120", at, "the %s %q hides another name", what, name).here(format, args...)
	}
	if name == "match" || name == "true" || name == "false" {
		f("%q means something already", name)
		return
	}
	for _, u := range r.uses {
		if u.schema == nil {
			continue
		}
		if u.schema.Field(name) >= 0 {
			f("%s has a field of that name", u.schema.Name)
			return
		}
		for _, fd := range u.schema.Fields {
			if fd.Type.Kind == cep.KindEnum && fd.Type.Enum.Index(name) >= 0 {
				f("%q is a %s", name, fd.Type.Enum.Name)
				return
			}
		}
	}
	switch {
	case r.keyPart(name) >= 0:
		f("the key is called so")
	case r.u.visible("", name, namesOf) != nil:
		s := r.u.visible("", name, namesOf)
		if s.kind == symBroken {
			return
		}
		r.report("E120", at, "the %s %q hides another name", what, name).here("there is %s of that name", withArticle(s.kind.String())).
			alsoIn(s.unit.src, s.at, "declared here")
	case slices.Contains(cep.SeverityWords, name):
		f("%q is a severity", name)
	case r.u.isAlias(name):
		f("an import is called so")
	}
}
