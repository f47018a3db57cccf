package dsl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// checkFeature checks aggregates per key over one event type.
func (u *unit) checkFeature(s *symbol, d *FeatureDecl) {
	on := u.event(d.On)
	if on == nil {
		return
	}
	f := &FeatureIR{Name: d.Name.Name, On: on, Index: -1}
	x := &env{c: u.c, u: u, cur: on, aggsWhy: "a feature's where is about one event", readsWhy: "a feature can't read another"}
	if d.Where != nil {
		w := x.cond(x.expr(d.Where, boolType))
		if isFailed(w) {
			return
		}
		f.Where = w
		x = x.know(w, true)
	}
	for _, p := range d.By.Parts {
		i := on.Field(p.Name)
		if i < 0 {
			u.unknownField(on, p.Name, p.Span, nil)
			return
		}
		if t := on.Fields[i].Type; !isKeyKind(t.Kind) {
			if t.Kind != cep.KindNone {
				u.report("E109", p.Span, "%s can't be a key", t).here("a key is a string, an int, an enum or an ip")
			}
			return
		}
		f.Key = append(f.Key, i)
	}
	x.aggs, x.feature = &f.Aggs, f
	for _, it := range d.Items {
		e := x.scalar(x.expr(it.Value, cep.Type{}))
		if slices.ContainsFunc(f.Items, func(o FeatureItem) bool { return o.Name == it.Name.Name }) {
			u.report("E120", it.Name.Span, "%s already has a value %q", f.Name, it.Name.Name).here("written a second time")
			continue
		}
		if !isFailed(e) && !has(e, func(e *Expr) bool { return e.Op == OpAgg }) {
			u.report("E118", it.Value.NodeSpan(), "a feature keeps aggregates").here("this is none").
				fix("%s = last(%s) over last 30d", it.Name.Name, u.src.Slice(it.Value.NodeSpan()))
			e = failed(e.Span)
		}
		f.Items = append(f.Items, FeatureItem{Name: it.Name.Name, Expr: e})
	}
	if len(f.Items) == 0 {
		u.report("E118", d.Name.Span, "%q keeps nothing", f.Name).here("a feature needs at least one value").fix("n_7d = count() over last 7d")
	}
	s.feature = f
}

// featureValue checks f.item, and f[keys].item if ix is not nil.
func (x *env) featureValue(s *symbol, ix *IndexNode, n *Select) *Expr {
	if s.state == checking || s.unit == nil {
		x.report("E118", n.Span, "a feature can't read another").here("nor itself")
		return failed(n.Span)
	}
	f := s.feature
	if f == nil {
		return failed(n.Span)
	}
	if !x.readsOK {
		why := x.readsWhy
		if why == "" {
			why = "no rule reads it here"
		}
		x.report("E118", n.Span, "a feature can't be read here").here("%s", why)
		return failed(n.Span)
	}
	item := slices.IndexFunc(f.Items, func(it FeatureItem) bool { return it.Name == n.Word.Name })
	if item < 0 {
		x.report("E102", n.Word.Span, "%s has no value %q", f.Name, n.Word.Name).didYouMean(n.Word.Name, itemNames(f))
		return failed(n.Span)
	}
	keys, ok := x.featureKeys(f, ix, n)
	if !ok || isFailed(f.Items[item].Expr) {
		return failed(n.Span)
	}
	return x.featureRead(FeatureRead{Feature: f, Item: item, Keys: keys}, n.Span)
}

// featureRead enters a read of the rule, once if it is there already.
func (x *env) featureRead(r FeatureRead, at Span) *Expr {
	if x.rule != nil {
		r.OwnKey = len(r.Keys) == len(x.rule.ir.Key)
		for i, k := range r.Keys {
			r.OwnKey = r.OwnKey && k.Op == OpKey && k.Index == i
		}
	}
	i := slices.IndexFunc(*x.reads, func(o FeatureRead) bool {
		return o.Feature == r.Feature && o.Item == r.Item && slices.EqualFunc(o.Keys, r.Keys, func(a, b *Expr) bool { return structure(a) == structure(b) })
	})
	if i < 0 {
		i = len(*x.reads)
		*x.reads = append(*x.reads, r)
	}
	e := &Expr{Op: OpFeature, Type: r.Feature.Items[r.Item].Expr.Type, Index: i, Span: at}
	e.Name = r.Feature.Name + "." + r.Feature.Items[r.Item].Name
	if !r.OwnKey {
		names := make([]string, len(r.Keys))
		for i, k := range r.Keys {
			names[i] = k.String()
		}
		e.Name = r.Feature.Name + "[" + strings.Join(names, ", ") + "]." + r.Feature.Items[r.Item].Name
	}
	return x.narrowed(e)
}

// featureKeys finds the key that a feature is read for: as written; else the
// current event's fields of those names, failing that the rule's key parts.
func (x *env) featureKeys(f *FeatureIR, ix *IndexNode, n *Select) ([]*Expr, bool) {
	keys := make([]*Expr, len(f.Key))
	if ix != nil {
		if len(ix.Keys) != len(keys) {
			x.report("E119", ix.Span, "%s has a key of %s", f.Name, plural(len(keys), "part")).here("%d given", len(ix.Keys))
			return nil, false
		}
		for i, k := range ix.Keys {
			t := f.On.Fields[f.Key[i]].Type
			keys[i] = x.asKey(x.fits(x.expr(k, t), t))
			if isFailed(keys[i]) {
				return nil, false
			}
		}
		return keys, true
	}
	for i, fk := range f.Key {
		k, ok := x.featureKey(f, fk, n)
		if !ok {
			return nil, false
		}
		keys[i] = x.asKey(k)
	}
	return keys, true
}

func (x *env) featureKey(f *FeatureIR, fk int, n *Select) (*Expr, bool) {
	name, t := f.On.Fields[fk].Name, f.On.Fields[fk].Type.Required()
	var e *Expr
	if x.cur != nil {
		if i := x.cur.Field(name); i >= 0 {
			e = x.field(i, n.Span)
		}
	}
	if e == nil && x.rule != nil {
		if p := x.rule.keyPart(name); p >= 0 {
			e = x.key(p, n.Span)
		}
	}
	switch {
	case e == nil && x.loose:
		return failed(n.Span), false
	case e == nil:
		d := x.report("E119", n.Span, "whose %s?", f.Name).here("it is kept by %s, and nothing here is called so", name)
		if x.cur != nil {
			if same := sameTyped(x.cur, t); len(same) > 0 {
				d.fix("%s[%s].%s", f.Name, same[0], n.Word.Name)
			}
		} else {
			d.note("name the key:  %s[key].%s", f.Name, n.Word.Name)
		}
		return nil, false
	case isFailed(e):
		return nil, false
	case !e.Type.Required().Equal(t):
		x.report("E119", n.Span, "whose %s?", f.Name).here("it is kept by %s, %s, but here %s is %s", name, withArticle(t.String()), name, withArticle(e.Type.Required().String()))
		return nil, false
	}
	return e, true
}

// asKey reads a field that gives the rule's key as the key part itself: it is
// the same value, and needs no event.
func (x *env) asKey(e *Expr) *Expr {
	if x.rule == nil || x.route == 0 && !x.held || e.Op != OpField && !(e.Op == OpBound && x.held) {
		return e
	}
	route := x.route
	if x.held {
		route = x.rule.uses[0].route + 1
	}
	if route == 0 {
		return e
	}
	for p, f := range x.rule.ir.Routes[route-1].Fields {
		if f == e.Index {
			return x.key(p, e.Span)
		}
	}
	return e
}

var aggNouns = map[AggFn]string{
	AggAvg: "average", AggMin: "minimum", AggMax: "maximum", AggStddev: "standard deviation", AggFirst: "first value",
	AggLast: "last value", AggZscore: "z-score", AggPercentile: "percentile", AggMedian: "median",
}

// mayBeMissing reports a value that may be missing where one is needed (E107),
// with the reason and a default of its type.
func (x *env) mayBeMissing(e *Expr) {
	d := x.report("E107", e.Span, "this value may be missing").here("%s", x.missingWhy(e))
	text := x.text(e.Span)
	guard := text + " is present and …"
	if a, group := x.windowOf(e); a != nil {
		if n := x.countBeside(e, a, group); n != "" {
			guard = n + " >= 5 and …"
		}
	}
	if def := someValue(e.Type); def != "" {
		d.fix("(%s else %s)      or guard it:  %s", text, def, guard)
	} else {
		d.fix("%s", guard)
	}
}

// countBeside is the text of a count over the same events as an aggregate.
func (x *env) countBeside(e *Expr, a *Aggregate, group string) string {
	if e.Op == OpAgg {
		c := Aggregate{Fn: AggCount, Per: a.Per, Window: a.Window, UnlessFired: a.UnlessFired}
		return c.canonical(ownNames(x.cur, a.Per))
	}
	f := (*x.reads)[e.Index].Feature
	for _, it := range f.Items {
		if it.Expr.Op == OpAgg {
			if c := f.Aggs[it.Expr.Index]; c.Fn == AggCount && c.Cond == nil && c.Window == a.Window {
				head, _, _ := strings.Cut(x.text(e.Span), ".")
				return head + "." + it.Name
			}
		}
	}
	return ""
}

// someValue is a literal of a type, to propose; "" if it has none.
func someValue(t cep.Type) string {
	switch t.Kind {
	case cep.KindMoney:
		return string(cep.AppendMoney(nil, 50*cep.MoneyScale, t.Currency))
	case cep.KindInt, cep.KindNumber:
		return "0"
	case cep.KindString:
		return `""`
	case cep.KindBool:
		return "false"
	case cep.KindDuration:
		return "0s"
	case cep.KindEnum:
		return t.Enum.Words[0]
	case cep.KindSeverity:
		return "medium"
	}
	return ""
}

// missingWhy says why a value may be missing.
func (x *env) missingWhy(e *Expr) string {
	if a, _ := x.windowOf(e); a != nil {
		return x.emptyWindow(e, a)
	}
	switch e.Op {
	case OpField, OpBound:
		var s *cep.Schema
		if e.Op == OpField {
			s = x.cur
		} else {
			s = x.rule.binding(e.Step).Schema
		}
		if f := s.Fields[e.Index]; f.Type.Optional {
			return s.Name + "." + f.Name + " is declared as " + f.Type.String()
		}
		return x.unboundWhy(e.Step)
	case OpBoundAgg:
		return "there may be no value of it"
	case OpTableCell:
		if e.Table.Cols[e.Index].Type.Optional {
			return e.Table.Name + "." + e.Table.Cols[e.Index].Name + " is declared as " + e.Table.Cols[e.Index].Type.String()
		}
		return e.Table.Name + " may have no such row: test it with \"in\" first"
	case OpCall:
		return e.Func.Name + ": " + e.Func.Missing
	}
	return "nothing here says that it is there"
}

// emptyWindow is "average of no events: a card's first approval has no 30-day
// average".
func (x *env) emptyWindow(e *Expr, a *Aggregate) string {
	noun := aggNouns[a.Fn]
	if a.Arg != nil && a.Arg.Type.Optional {
		return noun + " of no values: " + a.Arg.String() + " may be missing in all of them"
	}
	none := "no events"
	if a.Fn == AggStddev || a.Fn == AggZscore {
		none = "fewer than two events"
	}
	var on *cep.Schema
	var where *Expr
	key := ""
	f := x.feature
	if e.Op == OpFeature {
		f = (*x.reads)[e.Index].Feature
	}
	if f != nil {
		on, where, key = f.On, f.Where, f.On.Fields[f.Key[0]].Name
	} else {
		on, where = x.cur, x.rule.ir.When.Where
		if len(x.rule.ir.Key) > 0 {
			key = x.rule.ir.Key[0].Name
		}
	}
	who := "the"
	if key != "" {
		who = withArticle(strings.TrimSuffix(key, "_id")) + "'s"
	}
	return noun + " of " + none + ": " + who + " first " + eventNoun(on, where) + " has no " + windowWords(a.Window) + noun
}

// eventNoun names an event that a condition selects: an Auth that is approved
// is an approval.
func eventNoun(on *cep.Schema, where *Expr) string {
	if where != nil && where.Op == OpEq && where.Args[1].Op == OpConst && where.Args[1].Type.Kind == cep.KindEnum {
		if w := where.Args[1].Type.Enum.Words[where.Args[1].Const.Word]; strings.HasSuffix(w, "oved") {
			return strings.TrimSuffix(w, "ed") + "al"
		}
	}
	return on.Name
}

// windowWords is "30-day " for a window of 30d.
func windowWords(w Window) string {
	const second = 1_000_000_000
	for _, u := range []struct {
		ns   int64
		name string
	}{{86_400 * second, "day"}, {3_600 * second, "hour"}, {60 * second, "minute"}, {second, "second"}} {
		if w.Dur > 0 && w.Dur%u.ns == 0 {
			return strconv.FormatInt(w.Dur/u.ns, 10) + "-" + u.name + " "
		}
	}
	return ""
}
