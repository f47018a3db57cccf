package dsl

import (
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// implicitFields are the fields that every alert event has before its own.
var implicitFields = []cep.Field{
	{Name: "rule", Type: stringType}, {Name: "version", Type: stringType}, {Name: "severity", Type: severityType},
	{Name: "score", Type: numberType.OrMissing()}, {Name: "at", Type: timestampType}, {Name: "first_at", Type: timestampType},
	{Name: "key", Type: stringType}, {Name: "alert_id", Type: stringType}, {Name: "revision", Type: intType},
}

// alertAttributes are the names that an alert has by itself.
var alertAttributes = []string{"alert_id", "seq", "rule", "version", "status", "severity", "score", "at", "first_at", "key",
	"message", "labels", "fields", "revision", "suppressed", "truncated", "kind", "events"}

// alertEvent is the event type that "alert as X" declares.
type alertEvent struct {
	name    string
	raisers []raiser
	schema  *cep.Schema
	state   symbolState
}

type raiser struct {
	rule   *ruleCheck
	clause *AlertClause
}

// alertSchema is the schema of an alert event: the rules that raise it are
// checked first, so rules that read each other's alerts in a circle are found
// here (E127).
func (c *checker) alertSchema(ev *alertEvent, u *unit, at Span) *cep.Schema {
	if ev.state == checked {
		return ev.schema
	}
	for _, r := range ev.raisers {
		if r.rule.state == checking {
			c.report(u.src, "E127", at, "the alert events go in a circle").here("%s comes from rules that read it", ev.name).
				alsoIn(r.rule.u.src, r.clause.As.Span, "raised here")
			return nil
		}
	}
	ev.state = checking
	for _, r := range ev.raisers {
		r.rule.check()
	}
	for _, r := range ev.raisers {
		s := r.rule.alertFields(ev.name, r.clause)
		switch {
		case s == nil:
		case ev.schema == nil:
			ev.schema = s
		default:
			c.sameAlert(ev, r, s)
		}
	}
	ev.state = checked
	return ev.schema
}

// sameAlert tests that two rules raise one event with the same fields.
func (c *checker) sameAlert(ev *alertEvent, r raiser, s *cep.Schema) {
	first := ev.raisers[0]
	for _, f := range s.Fields {
		i := ev.schema.Field(f.Name)
		var diff string
		switch {
		case i < 0:
			diff = f.Name + " is only here"
		case f.Type.Kind == cep.KindNone || ev.schema.Fields[i].Type.Kind == cep.KindNone || f.Type.Equal(ev.schema.Fields[i].Type):
			continue
		default:
			diff = f.Name + " is " + withArticle(f.Type.String()) + " here, " + withArticle(ev.schema.Fields[i].Type.String()) + " there"
		}
		r.rule.report("E121", r.clause.As.Span, "two rules raise %s with different fields", ev.name).here("%s", diff).
			alsoIn(first.rule.u.src, first.clause.As.Span, "the other rule")
		return
	}
	for _, f := range ev.schema.Fields {
		if s.Field(f.Name) < 0 {
			r.rule.report("E121", r.clause.As.Span, "two rules raise %s with different fields", ev.name).here("%s is missing here", f.Name).
				alsoIn(first.rule.u.src, first.clause.As.Span, "the other rule")
			return
		}
	}
}

// alertFields is the schema that one alert block gives its event; nil if the
// rule is too broken to say.
func (r *ruleCheck) alertFields(name string, cl *AlertClause) *cep.Schema {
	a := r.ir.Alert
	if cl == r.timeout {
		a = r.ir.Timeout
	}
	if a == nil {
		return nil
	}
	s := &cep.Schema{Name: name, Tag: name, Derived: true, Fields: slices.Clone(implicitFields)}
	for _, f := range a.Fields {
		s.Fields = append(s.Fields, cep.Field{Name: f.Name, Type: f.Expr.Type})
	}
	for _, k := range r.ir.Key {
		s.Fields = append(s.Fields, cep.Field{Name: k.Name, Type: k.Type})
	}
	for i := range s.Fields {
		s.Fields[i].Path = s.Fields[i].Name
	}
	s.Seal()
	s.Time, s.ID = s.Field("at"), s.Field("alert_id")
	return s
}

// checkAlerts checks the alert blocks and "suppress": x is their place, late
// that of the alert of "on timeout".
func (r *ruleCheck) checkAlerts(x, late *env) {
	r.ir.Alert = r.alertBlock(r.alert, x)
	if r.timeout != nil && late != nil {
		r.ir.Timeout = r.alertBlock(r.timeout, late)
	}
	if r.suppress != nil {
		r.checkSuppress(x)
	}
}

func (r *ruleCheck) alertBlock(cl *AlertClause, x *env) *AlertIR {
	a := &AlertIR{Message: Template{{Text: r.ir.Title}}}
	first := map[string]Span{}
	for i := range cl.Items {
		it := &cl.Items[i]
		if it.Kind != "field" {
			if old, twice := first[it.Kind]; twice {
				r.report("E114", r.keyword(it.Span), "%q is given twice", it.Kind).here("the second time").also(r.keyword(old), "the first")
				continue
			}
			first[it.Kind] = it.Span
		}
		switch it.Kind {
		case "severity":
			if e := x.fits(x.expr(it.Value, severityType), severityType); !isFailed(e) {
				a.Severity = e
			}
		case "score":
			r.score(a, it, x)
		case "message":
			if t, ok := x.template(it.Text); ok {
				a.Message = t
			}
		case "labels":
			r.alertLabels(a, it, x)
		case "to":
			r.alertSinks(a, it)
		case "field":
			r.alertField(a, cl, it, x)
		}
	}
	if cl.As != nil {
		r.u.currencyName(*cl.As)
		for i, k := range r.ir.Key {
			if slices.Contains(alertAttributes, k.Name) {
				r.report("E121", r.by.Key.Parts[i].Span, "the key part %q is called like an attribute of every alert", k.Name).
					here("%s would have two fields of that name", cl.As.Name).also(cl.As.Span, "the alert event").
					note("name the key otherwise and write \"by %s\" on the steps", k.Name)
			}
		}
	}
	return a
}

func (r *ruleCheck) score(a *AlertIR, it *AlertItem, x *env) {
	e := x.value(x.expr(it.Value, numberType))
	if isFailed(e) {
		return
	}
	if !isNumeric(e.Type) {
		r.report("E103", it.Value.NodeSpan(), "a score is a plain number").here("this is %s", typePhrase(e.Type))
		return
	}
	a.Score = e
}

func (r *ruleCheck) alertLabels(a *AlertIR, it *AlertItem, x *env) {
	for _, l := range it.Config.Items {
		lit, ok := l.Value.(*Lit)
		if !ok || lit.Kind != LitString {
			r.report("E103", l.Value.NodeSpan(), "a label is a text").here("which may hold values:  \"{…}\"").
				fix("%s: \"{%s}\"", l.Name.Name, r.u.src.Slice(l.Value.NodeSpan()))
			continue
		}
		if slices.ContainsFunc(a.Labels, func(o LabelIR) bool { return o.Name == l.Name.Name }) {
			r.report("E114", l.Name.Span, "%q is given twice", l.Name.Name).here("the second time")
			continue
		}
		if t, ok := x.template(lit); ok {
			a.Labels = append(a.Labels, LabelIR{l.Name.Name, t})
		}
	}
}

func (r *ruleCheck) alertSinks(a *AlertIR, it *AlertItem) {
	for _, name := range it.To {
		s := r.u.visible("", name.Name, sinksOf)
		if s == nil {
			r.report("E122", name.Span, "there is no sink %q", name.Name).didYouMean(name.Name, r.u.visibleNames("", sinksOf, nil))
			continue
		}
		s.check()
		if s.sink == nil {
			continue
		}
		if slices.Contains(a.To, s.sink) {
			r.report("E114", name.Span, "%q is given twice", name.Name).here("the second time")
			continue
		}
		a.To = append(a.To, s.sink)
	}
}

func (r *ruleCheck) alertField(a *AlertIR, cl *AlertClause, it *AlertItem, x *env) {
	name := it.Field.Name
	e := x.scalar(x.expr(it.Field.Value, cep.Type{}))
	if e.Type.Kind == cep.KindList && !isFailed(e) && cl.As != nil && e.Op == OpBoundList {
		e = failed(e.Span)
	}
	switch {
	case slices.Contains(alertAttributes, name.Name):
		r.report("E121", name.Span, "%q is an attribute of every alert", name.Name).here("a field needs another name").
			fix("%s_ = …", name.Name)
		return
	case r.keyPart(name.Name) >= 0:
		r.report("E121", name.Span, "%q is a part of the key", name.Name).here("every alert of the rule has it anyway")
		return
	case slices.ContainsFunc(a.Fields, func(o AlertField) bool { return o.Name == name.Name }):
		r.report("E114", name.Span, "%q is given twice", name.Name).here("the second time")
		return
	}
	a.Fields = append(a.Fields, AlertField{name.Name, e})
}

// checkSuppress checks "suppress for D per KEY unless COND".
func (r *ruleCheck) checkSuppress(x *env) {
	s := &Suppress{For: r.suppress.For.Int}
	r.ir.Suppress = s
	if r.suppress.Unless != nil {
		if e := x.cond(x.expr(r.suppress.Unless, boolType)); !isFailed(e) {
			s.Unless = e
		}
	}
	if r.suppress.Per == nil {
		return
	}
	for _, p := range r.suppress.Per.Parts {
		k := SuppressKey{Name: p.Name, Part: r.keyPart(p.Name), Field: -1}
		if k.Part < 0 {
			k.Field = slices.IndexFunc(r.ir.Alert.Fields, func(f AlertField) bool { return f.Name == p.Name })
		}
		if k.Part < 0 && k.Field < 0 {
			var known []string
			for _, k := range r.ir.Key {
				known = append(known, k.Name)
			}
			for _, f := range r.ir.Alert.Fields {
				known = append(known, f.Name)
			}
			r.report("E122", p.Span, "%q is neither a part of the key nor a field of the alert", p.Name).didYouMean(p.Name, known)
			return
		}
		s.Per = append(s.Per, k)
	}
	for i, k := range r.ir.Key {
		if !slices.ContainsFunc(s.Per, func(p SuppressKey) bool { return p.Part == i }) {
			r.report("E119", r.suppress.Per.Span, "a \"per\" must contain the rule's key").here("%q is not in it", k.Name).
				fix("per (%s)", strings.Join(append(keyNames(r.ir.Key), r.perFields(s)...), ", "))
			return
		}
	}
}

func keyNames(key []KeyPart) []string {
	names := make([]string, len(key))
	for i, k := range key {
		names[i] = k.Name
	}
	return names
}

func (r *ruleCheck) perFields(s *Suppress) []string {
	var names []string
	for _, p := range s.Per {
		if p.Part < 0 {
			names = append(names, p.Name)
		}
	}
	return names
}

// template checks a message or a label's value.
func (x *env) template(lit *Lit) (Template, bool) {
	pieces, ds := ParseTemplate(x.u.src, lit)
	for _, d := range ds {
		f := x.report(d.Code, d.Span, "%s", d.Message)
		f.d.Label, f.d.Notes, f.d.Fixes, f.d.Marks = d.Label, d.Notes, d.Fixes, d.Marks
	}
	ok := len(ds) == 0
	t := Template{}
	for _, p := range pieces {
		if p.Expr == nil {
			t = append(t, Part{Text: p.Text})
			continue
		}
		e := x.scalar(x.expr(p.Expr, cep.Type{}))
		if isFailed(e) {
			ok = false
			continue
		}
		x.format(p, e)
		t = append(t, Part{Expr: e, Format: p.Format})
	}
	return t, ok
}

// format tests that a format fits what it is put to (E124).
func (x *env) format(p Piece, e *Expr) {
	k := e.Type.Kind
	ok, what := true, ""
	switch {
	case strings.HasPrefix(p.Format, "."):
		ok = k == cep.KindInt || k == cep.KindNumber || k == cep.KindMoney
		what = "numbers and money"
	case p.Format == "date" || p.Format == "time":
		ok, what = k == cep.KindTimestamp, "timestamps"
	case p.Format == "mask":
		ok, what = k == cep.KindString, "texts"
	}
	if !ok {
		x.report("E124", p.Span, "the format %q is for %s", p.Format, what).here("this is %s", typePhrase(e.Type.Required()))
	}
}
