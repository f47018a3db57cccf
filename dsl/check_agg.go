package dsl

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// aggregateNamed finds an aggregate function.
func aggregateNamed(name string) (AggFn, bool) {
	for fn := AggCount; fn <= AggMedian; fn++ {
		if fn.String() == name {
			return fn, true
		}
	}
	return 0, false
}

// windowed checks "f(x) per key over window".
func (x *env) windowed(n *AggNode) *Expr {
	call, ok := n.X.(*CallNode)
	fn, isAgg := AggFn(0), false
	if ok {
		fn, isAgg = aggregateNamed(call.Func.Name)
	}
	if !isAgg {
		if ok && later[call.Func.Name] != "" {
			return x.call(call, cep.Type{})
		}
		x.report("E118", n.Span, "only an aggregate has a window").here("%s is none", x.text(n.X.NodeSpan())).
			note("the aggregates: %s", joinComma(aggregateNames()))
		return failed(n.Span)
	}
	if n.Window == nil {
		x.report("E118", n.Span, "%s over which events?", fn).here("a window is missing").
			fix("%s over last 1h", x.text(n.Span))
		return failed(n.Span)
	}
	w, ok := x.window(n)
	if x.aggs == nil {
		x.report("E118", n.Span, "a windowed aggregate can't stand here").here("%s", x.aggsWhy).
			note("read it through a feature:  feature NAME on EVENT by KEY { item = %s }", x.text(n.Span))
		return failed(n.Span)
	}
	if !ok {
		return failed(n.Span)
	}
	agg, ok := x.aggregate(fn, call, w)
	if !ok {
		return failed(n.Span)
	}
	per, ok := x.aggregateKey(agg, n)
	if !ok {
		return failed(n.Span)
	}
	if n.UnlessFired {
		if x.rule == nil || x.rule.on == nil {
			x.report("E117", n.UnlessSpan, "\"unless fired\" means nothing here").here("only an on … when rule knows when it fired")
			return failed(n.Span)
		}
		agg.UnlessFired = true
	}
	agg.Text = agg.canonical(per)
	return x.aggregateRead(agg, n.Span)
}

func aggregateNames() []string {
	var names []string
	for fn := AggCount; fn <= AggMedian; fn++ {
		names = append(names, fn.String())
	}
	return names
}

// aggregateRead enters an aggregate of the rule or feature, once if it is
// there already, and reads it.
func (x *env) aggregateRead(agg *Aggregate, at Span) *Expr {
	i := slices.IndexFunc(*x.aggs, func(a *Aggregate) bool { return sameAggregate(a, agg) })
	if i < 0 {
		i = len(*x.aggs)
		*x.aggs = append(*x.aggs, agg)
	}
	t := agg.Type
	if t.Optional && x.ownFull && x.neverEmpty(agg) {
		t.Optional = false
	}
	return x.narrowed(&Expr{Op: OpAgg, Type: t, Index: i, Name: agg.Text, Span: at})
}

// neverEmpty says whether a window holds at least the current event, so that
// one value is always there.
func (x *env) neverEmpty(a *Aggregate) bool {
	return a.Window.Kind != WindowPrevious && !a.UnlessFired && a.Arg != nil && !a.Arg.Type.Optional &&
		a.Fn != AggStddev && a.Fn != AggZscore
}

func sameAggregate(a, b *Aggregate) bool {
	same := func(p, q *Expr) bool {
		return p == nil && q == nil || p != nil && q != nil && structure(p) == structure(q)
	}
	return a.Fn == b.Fn && a.Window == b.Window && a.P == b.P && a.UnlessFired == b.UnlessFired &&
		slices.Equal(a.Per, b.Per) && same(a.Arg, b.Arg) && same(a.Cond, b.Cond)
}

// window checks what follows "over".
func (x *env) window(n *AggNode) (Window, bool) {
	w := n.Window
	if w.Every != nil {
		x.report("E113", w.Every.Span, "windows that step (\"every\") are not in this version yet").here("planned").
			note("windows here slide with every event")
		return Window{}, false
	}
	var win Window
	switch w.Kind {
	case "": // a bare duration, which the parser has reported (E108)
		return win, false
	case "last", "previous":
		win.Kind = WindowLast
		if w.Kind == "previous" {
			win.Kind = WindowPrevious
		}
		if w.N != nil {
			win.N = int(w.N.Int)
		} else {
			win.Dur = w.Dur.Int
		}
		if win.N <= 0 && win.Dur <= 0 {
			x.report("E117", w.Span, "a window of nothing").here("it can hold no event")
			return win, false
		}
	case "this":
		win.Kind = WindowCalendar
		switch w.Unit {
		case "session":
			x.report("E113", w.Span, "session windows are not in this version yet").here("planned").
				note("over last D slides with every event")
			return win, false
		case "hour":
			win.Unit = Hour
		case "day":
			win.Unit = Day
		case "week":
			win.Unit = Week
		case "month":
			win.Unit = Month
		}
	case "all":
		win.Kind = WindowAllTime
	}
	if n.Ending != nil {
		if win.Kind != WindowPrevious || win.N > 0 {
			x.report("E117", n.Ending.Span, "\"ending … ago\" means nothing here").here("only a window \"previous D\" can end before now").
				fix("over previous %s ending %s ago", durationOr(w.Dur, "30d"), n.Ending.Text)
			return win, false
		}
		win.Ending = n.Ending.Int
	}
	return win, true
}

func durationOr(l *Lit, otherwise string) string {
	if l == nil {
		return otherwise
	}
	return l.Text
}

// aggregate types f(args) over a window of events.
func (x *env) aggregate(fn AggFn, call *CallNode, w Window) (*Aggregate, bool) {
	agg := &Aggregate{Fn: fn, Window: w}
	if !x.aggregateArity(fn, call) {
		return nil, false
	}
	y := *x
	y.aggs, y.aggsWhy = nil, "aggregates don't nest"
	y.held, y.facts = false, x.facts
	if x.rule != nil {
		y.facts = x.rule.entering
	}
	if len(call.Args) > 0 {
		a := y.scalar(y.expr(call.Args[0], cep.Type{}))
		if isFailed(a) {
			return nil, false
		}
		if fn == AggCount {
			if a.Type.Kind != cep.KindBool {
				x.report("E103", a.Span, "count takes a condition, or nothing").here("this is %s", typePhrase(a.Type)).
					note("to count different values:  distinct(%s)", x.text(a.Span))
				return nil, false
			}
			if agg.Cond = y.cond(a); isFailed(agg.Cond) {
				return nil, false
			}
		} else {
			agg.Arg = a
		}
	}
	if fn == AggPercentile {
		p, ok := x.percent(call.Args[1])
		if !ok {
			return nil, false
		}
		agg.P = p
	}
	if (fn == AggPercentile || fn == AggMedian) && w.N == 0 {
		x.report("E113", call.Span, "%s over a duration is not in this version yet", fn).here("over N events it is").
			fix("%s over last 100 events", x.text(call.Span))
		return nil, false
	}
	t, ok := x.aggregateType(fn, agg.Arg, call)
	agg.Type = t
	return agg, ok
}

// aggregateArity tests how many arguments there are.
func (x *env) aggregateArity(fn AggFn, call *CallNode) bool {
	lo, hi := 1, 1
	switch fn {
	case AggCount:
		lo = 0
	case AggPercentile:
		lo, hi = 2, 2
	}
	n := len(call.Args)
	if n >= lo && n <= hi {
		return true
	}
	switch {
	case n == 0:
		x.report("E103", call.Span, "%s of what?", fn).here("an argument is missing").fix("%s(field)", fn)
	case fn == AggMin || fn == AggMax:
		f := "least"
		if fn == AggMax {
			f = "greatest"
		}
		x.report("E103", call.Span, "%s is over events; of several values it is %s", fn, f).here("%d values", n).
			fix("%s%s", f, x.u.src.Slice(Span{call.Func.Span.End, call.Span.End}))
	case fn == AggPercentile:
		x.report("E103", call.Span, "percentile takes a value and a percentage").here("like percentile(%s, 95)", x.text(call.Args[0].NodeSpan()))
	default:
		x.report("E103", call.Span, "%s takes %s", fn, plural(hi, "argument")).here("%d are given", n)
	}
	return false
}

func (x *env) percent(n Node) (float64, bool) {
	l, ok := n.(*Lit)
	p := 0.0
	if ok {
		switch l.Kind {
		case LitInt:
			p = float64(l.Int)
		case LitNumber:
			p = l.Float
		case LitPercent:
			p = l.Float * 100
		default:
			ok = false
		}
	}
	if !ok || p <= 0 || p > 100 {
		x.report("E103", n.NodeSpan(), "a percentage that is written out is wanted here").here("above 0, at most 100")
		return 0, false
	}
	return p, true
}

// aggregateType is the type of fn over values like arg.
func (x *env) aggregateType(fn AggFn, arg *Expr, call *CallNode) (cep.Type, bool) {
	if fn == AggCount {
		return intType, true
	}
	t := arg.Type.Required()
	wrong := func(want string) (cep.Type, bool) {
		x.report("E103", arg.Span, "%s is for %s", fn, want).here("this is %s", typePhrase(t))
		return cep.Type{}, false
	}
	amount := t.Kind == cep.KindInt || t.Kind == cep.KindNumber || t.Kind == cep.KindMoney || t.Kind == cep.KindDuration
	switch fn {
	case AggSum:
		if !amount {
			return wrong("numbers, money and durations")
		}
		return t, true
	case AggAvg, AggStddev, AggMedian, AggPercentile:
		if !amount {
			return wrong("numbers, money and durations")
		}
		if t.Kind == cep.KindInt && fn != AggPercentile {
			t = numberType
		}
		return t.OrMissing(), true
	case AggZscore:
		if !amount {
			return wrong("numbers, money and durations")
		}
		return numberType.OrMissing(), true
	case AggMin, AggMax:
		if !isOrdered(t.Kind) {
			return wrong("values with an order")
		}
		return t.OrMissing(), true
	case AggDistinct:
		if t.Kind == cep.KindPoint || t.Kind == cep.KindList {
			return wrong("single values that can be told apart")
		}
		return intType, true
	}
	if t.Kind == cep.KindList {
		return wrong("single values")
	}
	return t.OrMissing(), true // first, last
}

// aggregateKey resolves "per KEY", which must contain the owner's key.
func (x *env) aggregateKey(agg *Aggregate, n *AggNode) ([]string, bool) {
	if n.Per == nil {
		return nil, true
	}
	if x.rule == nil {
		x.report("E119", n.Per.Span, "a feature has one key").here("this is another").
			note("declare a feature by %s", x.text(n.Per.Span))
		return nil, false
	}
	var names []string
	for _, p := range n.Per.Parts {
		i := x.cur.Field(p.Name)
		if i < 0 {
			x.u.unknownField(x.cur, p.Name, p.Span, nil)
			return nil, false
		}
		t := x.cur.Fields[i].Type
		if t.Kind == cep.KindNone {
			return nil, false
		}
		if !isKeyKind(t.Kind) {
			x.report("E109", p.Span, "%s can't be part of a key", t).here("a key is a string, an int, an enum or an ip")
			return nil, false
		}
		if slices.Contains(agg.Per, i) {
			x.report("E114", p.Span, "%q is given twice", p.Name).here("the second time")
			return nil, false
		}
		agg.Per = append(agg.Per, i)
		names = append(names, p.Name)
	}
	if x.rule.uses[0].route < 0 { // the rule's key is wrong, which has been reported
		return names, true
	}
	own := x.rule.ir.Routes[x.rule.ir.When.Route].Fields
	for k, f := range own {
		if !slices.Contains(agg.Per, f) {
			x.report("E119", n.Per.Span, "a \"per\" must contain the rule's key").here("%q is not in it", x.rule.ir.Key[k].Name).
				fix("per (%s)", joinComma(append(ownNames(x.cur, own), names...))).
				note("another key goes through a feature:  feature NAME on %s by %s { … }", x.cur.Name, x.text(n.Per.Span))
			return nil, false
		}
	}
	if sameSet(agg.Per, own) {
		agg.Per, names = nil, nil
	}
	return names, true
}

func ownNames(s *cep.Schema, fields []int) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = s.Fields[f].Name
	}
	return names
}

func sameSet(a, b []int) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}
