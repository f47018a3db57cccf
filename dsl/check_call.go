package dsl

import (
	"errors"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// later are words of the language that this version does not have yet.
var later = map[string]string{
	"increasing": "compare with the step so far: up is missing or price > up.last.price",
	"decreasing": "compare with the step so far: up is missing or price < up.last.price",
	"collect":    "distinct(step.field) counts, step.first and step.last show",
	"convert":    "declare the amounts in one currency",
	"novelty":    "zscore(x) over previous 30d is there",
	"anomaly":    "zscore(x) over previous 30d is there",
	"rarity":     "count() per (key, value) over previous 30d == 0 is there",
	"alarming":   "zscore(x) over previous 30d is there",
}

// habits maps functions of other languages to what is said here.
var habits = map[string]string{
	"coalesce": "x else y", "ifnull": "x else y", "nvl": "x else y", "isnull": "x is missing", "iff": "if(condition, a, b)",
	"case": "if(condition, a, b)", "len": "length(x)", "date_diff": "b - a", "datediff": "b - a", "concat": "a template: \"{a}{b}\"",
	"stdev": "stddev(x) over …", "mean": "avg(x) over …", "average": "avg(x) over …", "dcount": "distinct(x) over …",
	"count_distinct": "distinct(x) over …", "lag": "last(x) over previous 1 events", "prev": "last(x) over previous 1 events",
	"pow10": "pow(10, x)", "substr": "left(s, n) or right(s, n)", "substring": "left(s, n) or right(s, n)", "ln": "log(x)",
}

// call checks f(args): a function of the catalogue, or an aggregate over the
// events of a step.
func (x *env) call(n *CallNode, hint cep.Type) *Expr {
	name := n.Func.Name
	if fn, ok := aggregateNamed(name); ok {
		return x.stepAggregate(fn, n)
	}
	if name == "now" {
		x.noClock(n)
		return failed(n.Span)
	}
	if instead, ok := later[name]; ok {
		x.looseArgs(n)
		x.report("E113", n.Func.Span, "%q is not in this version yet", name).here("planned").note("until then: %s", instead)
		return failed(n.Span)
	}
	f := Function(name)
	if f == nil {
		x.looseArgs(n)
		d := x.report("E122", n.Func.Span, "there is no function %q", name)
		if here, ok := habits[strings.ToLower(name)]; ok {
			d.here("here this is said:  %s", here)
		} else {
			d.didYouMean(name, functionNames())
		}
		return failed(n.Span)
	}
	var args []*Expr
	if name == "if" {
		args = x.ifArgs(n, hint)
	} else {
		args = x.checkArgs(n)
	}
	if isFailed(args...) {
		return failed(n.Span)
	}
	t, err := f.Check(args)
	if err != nil {
		x.wrongCall(n, err)
		return failed(n.Span)
	}
	return x.finished(f, args, t, n.Span)
}

// finished is a checked call; time("…") is computed now, and a part of a date
// gets the file's time zone.
func (x *env) finished(f *Func, args []*Expr, t cep.Type, at Span) *Expr {
	switch {
	case f.Name == "time":
		return x.timeConst(args[0], at)
	case calendarFuncs[f.Name] && len(args) == 1:
		zone := x.c.zone.String()
		args = append(args, &Expr{Op: OpConst, Type: stringType, Const: cep.Value{Type: stringType, Text: zone}, Span: at})
	}
	return &Expr{Op: OpCall, Type: t, Func: f, Args: args, Span: at}
}

var calendarFuncs = map[string]bool{"year": true, "month": true, "day": true, "weekday": true, "hour": true, "minute": true}

func (x *env) timeConst(a *Expr, at Span) *Expr {
	if a.Op != OpConst {
		x.report("E103", a.Span, "time takes a text that is written out").here("this changes from event to event")
		return failed(at)
	}
	ns, err := cep.ParseTime(a.Const.Text, "", x.c.zone)
	if err != nil {
		x.report("E103", a.Span, "%q is not a point in time", a.Const.Text).here("write it like 2026-01-31T10:00:00Z")
		return failed(at)
	}
	return &Expr{Op: OpConst, Type: timestampType, Const: word(timestampType, cep.Word(ns)), Span: at}
}

// checkArgs checks arguments that must all be there.
func (x *env) checkArgs(n *CallNode) []*Expr {
	args := make([]*Expr, len(n.Args))
	hint := cep.Type{}
	for i, a := range n.Args {
		args[i] = x.value(x.expr(a, hint))
		if i == 0 {
			hint = args[0].Type
		}
	}
	return args
}

// looseArgs checks arguments of a function that isn't there, for their own
// mistakes only.
func (x *env) looseArgs(n *CallNode) {
	for _, a := range n.Args {
		x.expr(a, cep.Type{})
	}
}

// ifArgs checks if(c, a, b): a knows that c holds, b that it does not; either
// may be missing.
func (x *env) ifArgs(n *CallNode, hint cep.Type) []*Expr {
	if len(n.Args) != 3 {
		return x.checkArgs(n)
	}
	c := x.cond(x.expr(n.Args[0], boolType))
	yes, no := x.know(c, true), x.know(c, false)
	var a, b *Expr
	if x.isWord(n.Args[1]) && !x.isWord(n.Args[2]) {
		b = no.scalar(no.expr(n.Args[2], hint))
		a = yes.scalar(yes.expr(n.Args[1], hintOf(b, hint)))
	} else {
		a = yes.scalar(yes.expr(n.Args[1], hint))
		b = no.scalar(no.expr(n.Args[2], hintOf(a, hint)))
	}
	return []*Expr{c, a, b}
}

// wrongCall reports what a function's Check said, at the argument that it is
// about.
func (x *env) wrongCall(n *CallNode, err error) {
	f := Function(n.Func.Name)
	var bad *argError
	if errors.As(err, &bad) && bad.Arg < len(n.Args) {
		x.report("E103", n.Args[bad.Arg].NodeSpan(), "%s wants %s here", n.Func.Name, withArticle(bad.Want)).
			here("this is %s", typePhrase(bad.Got.Required())).note("%s", f.Signature)
		return
	}
	x.report("E103", n.Span, "%s: %v", n.Func.Name, err).note("%s", f.Signature)
}

// noClock reports now() (E112).
func (x *env) noClock(n *CallNode) {
	event := "Event"
	if x.cur != nil {
		event = x.cur.Name
	} else if x.rule != nil && len(x.rule.ir.Bindings) > 0 && x.rule.ir.Bindings[0].Schema != nil {
		event = x.rule.ir.Bindings[0].Schema.Name
	}
	x.report("E112", n.Span, "\"now()\" isn't available in rules").
		here("rules run on event time, so that replaying yesterday gives yesterday's alerts").
		note("to react to silence, use:  then no %s within 5m", event)
}

func functionNames() []string {
	var names []string
	for _, f := range Functions() {
		names = append(names, f.Name)
	}
	for fn := AggCount; fn <= AggMedian; fn++ {
		names = append(names, fn.String())
	}
	slices.Sort(names)
	return names
}
