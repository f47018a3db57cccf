package dsl

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
)

// How a condition can be said of an event.
const (
	qualityIs   = iota // "that is …"
	qualityWith        // "with …"
	qualityElse        // "where …"
)

// quality says a condition of the current event.
func (s *speaker) quality(e *Expr) (int, string) {
	not := ""
	if e.Op == OpNot {
		not, e = "not ", e.Args[0]
	}
	switch e.Op {
	case OpField:
		return qualityIs, not + s.value(e)
	case OpEq, OpNe:
		if e.Args[0].Op != OpField {
			break
		}
		if e.Op == OpNe {
			not = flipped(not)
		}
		return s.equality(e.Args[0], e.Args[1], not)
	case OpLt, OpLe, OpGt, OpGe:
		if e.Args[0].Op == OpField && not == "" {
			return s.size(e)
		}
	case OpIsPresent, OpIsMissing:
		if e.Args[0].Op == OpField {
			if (e.Op == OpIsPresent) == (not == "") {
				return qualityWith, withArticle(s.value(e.Args[0]))
			}
			return qualityWith, "no " + s.value(e.Args[0])
		}
	case OpIn, OpInNet:
		if e.Args[0].Op == OpField {
			return qualityWith, s.value(e.Args[0]) + " " + not + s.among(e.Args[1])
		}
	case OpTableHas:
		if e.Args[0].Op == OpField {
			return qualityWith, s.value(e.Args[0]) + " " + not + "in " + e.Table.Name
		}
	case OpContains, OpStarts, OpEnds, OpLike, OpILike, OpMatches:
		if e.Args[0].Op == OpField {
			return qualityWith, s.value(e.Args[0]) + " " + not + textWords[e.Op] + " " + s.among1(e.Args[1])
		}
	}
	if not != "" {
		return qualityElse, "not: " + s.clause(e)
	}
	return qualityElse, s.clause(e)
}

var textWords = map[Op]string{OpContains: "containing", OpStarts: "starting with", OpEnds: "ending with",
	OpLike: "like", OpILike: "like", OpMatches: "matching"}

func flipped(not string) string {
	if not == "" {
		return "not "
	}
	return ""
}

// places are fields that an event is "from".
var places = map[string]bool{"country": true, "city": true, "region": true, "state": true, "branch": true}

// equality is "declined", "from another country than the last small one",
// `with method "cash"`.
func (s *speaker) equality(f, v *Expr, not string) (int, string) {
	name := s.value(f)
	switch {
	case v.Op == OpConst && (v.Type.Kind == cep.KindEnum || v.Type.Kind == cep.KindSeverity):
		return qualityIs, not + string(AppendValue(nil, v.Const))
	case v.Op == OpBound && s.r.Bindings[v.Step].Schema.Fields[v.Index].Name == name:
		same := "the same " + name + " as "
		if not != "" {
			same = "another " + name + " than "
		}
		if places[name] {
			return qualityIs, "from " + same + s.one(v)
		}
		return qualityWith, same + s.one(v)
	case s.soleMoney(f):
		return qualityIs, not + "exactly " + s.value(v)
	case not != "":
		return qualityWith, name + " other than " + s.value(v)
	}
	return qualityWith, name + " " + s.value(v)
}

// one is the event that a bound value comes from: "the last small one".
func (s *speaker) one(v *Expr) string {
	label := s.r.Bindings[v.Step].Label + " "
	if s.own == v.Step+1 {
		label = ""
	}
	switch v.Which {
	case First:
		return "the first " + label + "one"
	case Last:
		return "the last " + label + "one"
	}
	return strings.TrimSpace(label)
}

// soleMoney says whether a field is the only money of its event, which then
// goes without saying.
func (s *speaker) soleMoney(f *Expr) bool {
	if f.Type.Kind != cep.KindMoney || s.cur == nil || f.Op != OpField {
		return false
	}
	n := 0
	for i := range s.cur.Fields {
		if s.cur.Fields[i].Type.Kind == cep.KindMoney {
			n++
		}
	}
	return n == 1
}

// eventTime says whether a field is the time of its event.
func (s *speaker) eventTime(f *Expr) bool {
	return f.Op == OpField && s.cur != nil && s.cur.Time == f.Index && !s.cur.Derived
}

var sizeWords = map[Op]string{OpLt: "under", OpLe: "at most", OpGt: "above", OpGe: "at least"}

// size is "under 5.00 USD", "with temperature above 80".
func (s *speaker) size(e *Expr) (int, string) {
	f := e.Args[0]
	word := sizeWords[e.Op]
	if f.Type.Kind == cep.KindTimestamp {
		word = map[Op]string{OpLt: "before", OpLe: "no later than", OpGt: "after", OpGe: "no earlier than"}[e.Op]
	}
	if s.soleMoney(f) {
		return qualityIs, word + " " + s.value(e.Args[1])
	}
	if s.eventTime(f) && e.Args[1].Op == OpBound && e.Op == OpGt {
		return qualityIs, "later than " + s.one(e.Args[1])
	}
	return qualityWith, s.value(f) + " " + word + " " + s.value(e.Args[1])
}

// among is the right side of "in".
func (s *speaker) among(e *Expr) string {
	if e.Op == OpBoundList {
		return "among those of " + s.r.Bindings[e.Step].Label
	}
	return "in " + s.value(e)
}

func (s *speaker) among1(e *Expr) string {
	if e.Type.Kind == cep.KindList {
		return "one of " + s.value(e)
	}
	return s.value(e)
}

// clause says a condition as a clause of its own.
func (s *speaker) clause(e *Expr) string {
	switch e.Op {
	case OpAnd:
		return s.joined(e.Args, " and ", OpOr)
	case OpOr:
		return s.joined(e.Args, " or ", OpAnd)
	case OpNot:
		return "not (" + s.clause(e.Args[0]) + ")"
	case OpEq, OpNe, OpLt, OpLe, OpGt, OpGe:
		return s.comparison(e)
	case OpIsMissing:
		return s.value(e.Args[0]) + " is missing"
	case OpIsPresent:
		return s.value(e.Args[0]) + " is present"
	case OpIn, OpInNet:
		return s.value(e.Args[0]) + " is " + s.among(e.Args[1])
	case OpTableHas:
		return s.value(e.Args[0]) + " is in " + e.Table.Name
	case OpContains, OpStarts, OpEnds, OpLike, OpILike, OpMatches:
		return s.value(e.Args[0]) + " is " + textWords[e.Op] + " " + s.among1(e.Args[1])
	case OpField, OpBound:
		if e.Type.Kind == cep.KindBool {
			return s.value(e) + " is true"
		}
	}
	return s.value(e)
}

func (s *speaker) joined(args []*Expr, word string, other Op) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = s.clause(a)
		if a.Op == other {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return joinLast(parts, word)
}

// comparison is a comparison as a clause. Counts of events are said as such.
func (s *speaker) comparison(e *Expr) string {
	l, r := e.Args[0], e.Args[1]
	if l.Op == OpBoundCount && s.own == l.Step+1 && e.Op == OpEq && r.Op == OpConst && r.Const.Word == 0 {
		return "it is the first"
	}
	if what, ok := s.counted(l); ok {
		return "there are " + s.number(e.Op, r) + " " + what
	}
	verb := map[Op]string{OpEq: "is", OpNe: "is not", OpLt: "is under", OpLe: "is at most", OpGt: "is above", OpGe: "is at least"}[e.Op]
	if l.Type.Kind == cep.KindTimestamp {
		verb = map[Op]string{OpEq: "is", OpNe: "is not", OpLt: "is before", OpLe: "is no later than", OpGt: "is after", OpGe: "is no earlier than"}[e.Op]
	}
	return s.value(l) + " " + verb + " " + s.value(r)
}

// number is "more than 10", "6 or more", "no".
func (s *speaker) number(op Op, n *Expr) string {
	v := s.value(n)
	switch op {
	case OpGt:
		return "more than " + v
	case OpGe:
		return v + " or more"
	case OpLt:
		return "fewer than " + v
	case OpLe:
		return "at most " + v
	case OpNe:
		return "not " + v
	}
	if v == "0" {
		return "no"
	}
	return "exactly " + v
}

// counted is what a count counts: "Auth in the last 5 minutes".
func (s *speaker) counted(e *Expr) (string, bool) {
	if e.Op == OpToNumber {
		e = e.Args[0]
	}
	switch e.Op {
	case OpAgg:
		a := s.r.Aggs[e.Index]
		per := ""
		if a.Per != nil {
			per = " of the same " + andList(ownNames(s.cur, a.Per))
		}
		return s.countedAgg(a, s.r.Routes[s.r.When.Route].Schema, per)
	case OpFeature:
		read := s.r.Reads[e.Index]
		if it := read.Feature.Items[read.Item].Expr; it.Op == OpAgg {
			return s.countedAgg(read.Feature.Aggs[it.Index], read.Feature.On, s.filter(read.Feature)+s.whose(&read))
		}
	case OpBoundCount:
		return "events in " + s.r.Bindings[e.Step].Label, true
	case OpBoundAgg:
		if e.Agg == AggDistinct {
			b := s.r.Bindings[e.Step]
			return "different " + b.Schema.Fields[e.Index].Name + " in " + b.Label, true
		}
	}
	return "", false
}

func (s *speaker) countedAgg(a *Aggregate, on *cep.Schema, per string) (string, bool) {
	when := " " + in(a.Window)
	if a.UnlessFired {
		when += " on which it did not fire"
	}
	switch {
	case a.Fn == AggDistinct:
		return "different " + a.Arg.String() + per + when, true
	case a.Fn == AggCount && a.Cond != nil:
		return on.Name + per + " where " + a.Cond.String() + when, true
	case a.Fn == AggCount:
		return on.Name + per + when, true
	}
	return "", false
}

// filter is what a feature's events satisfy.
func (s *speaker) filter(f *FeatureIR) string {
	t := *s
	return t.that(f.On, f.Where, true)
}

// whose is the key of a feature that is not the rule's own.
func (s *speaker) whose(r *FeatureRead) string {
	if r.OwnKey {
		return ""
	}
	keys := make([]string, len(r.Keys))
	for i, k := range r.Keys {
		keys[i] = s.value(k)
	}
	return " of " + andList(keys)
}

// value says a value.
func (s *speaker) value(e *Expr) string {
	switch e.Op {
	case OpConst:
		return string(AppendValue(nil, e.Const))
	case OpField:
		if s.cur != nil && e.Index < len(s.cur.Fields) {
			return s.cur.Fields[e.Index].Name
		}
	case OpParam:
		return string(AppendValue(nil, e.Param.Default))
	case OpToNumber:
		return s.value(e.Args[0])
	case OpElse:
		return s.value(e.Args[0]) + " (" + s.value(e.Args[1]) + " if unknown)"
	case OpMul:
		a, b := s.value(e.Args[0]), s.value(e.Args[1])
		if o := e.Args[1].Op; o == OpConst || o == OpParam || o == OpToNumber {
			a, b = b, a
		}
		return a + " × " + b
	case OpAdd, OpSub, OpDiv, OpMod:
		return s.operand(e.Args[0]) + " " + map[Op]string{OpAdd: "+", OpSub: "−", OpDiv: "÷", OpMod: "modulo"}[e.Op] + " " + s.operand(e.Args[1])
	case OpAgg:
		return s.aggregate(s.r.Aggs[e.Index], s.r.Routes[s.r.When.Route].Schema, "", "the")
	case OpFeature:
		read := s.r.Reads[e.Index]
		if it := read.Feature.Items[read.Item].Expr; it.Op == OpAgg {
			owner := "its"
			if !read.OwnKey {
				owner = "the"
			}
			return s.aggregate(read.Feature.Aggs[it.Index], read.Feature.On, s.whose(&read), owner)
		}
	case OpBound:
		f := s.r.Bindings[e.Step].Schema.Fields[e.Index].Name
		if e.Which == Only {
			return s.one(e) + "'s " + f
		}
		return "the " + f + " of " + s.one(e)
	case OpBoundCount:
		return "the number of " + s.r.Bindings[e.Step].Label
	case OpBoundAgg:
		b := s.r.Bindings[e.Step]
		return "the " + aggWord(e.Agg) + " of " + b.Schema.Fields[e.Index].Name + " in " + b.Label
	case OpMatchStart:
		return "the start"
	case OpMatchEnd:
		return "the end"
	case OpCall:
		args := make([]string, len(e.Args))
		for i, a := range e.Args {
			args[i] = s.value(a)
		}
		return e.Func.Name + "(" + strings.Join(args, ", ") + ")"
	case OpTableCell:
		return "the " + e.Table.Cols[e.Index].Name + " of " + s.value(e.Args[0]) + " in " + e.Table.Name
	}
	return e.String()
}

func (s *speaker) operand(e *Expr) string {
	if p := opPrec[e.Op]; p == precSum || p == precProd {
		return "(" + s.value(e) + ")"
	}
	return s.value(e)
}

// aggWord names an aggregate.
func aggWord(fn AggFn) string {
	switch fn {
	case AggCount:
		return "number"
	case AggSum:
		return "sum"
	case AggDistinct:
		return "number of different values"
	}
	return aggNouns[fn]
}

// aggregate says a windowed aggregate: "its 30-day average", "the sum of
// amount in the last hour".
func (s *speaker) aggregate(a *Aggregate, on *cep.Schema, whose, owner string) string {
	if what, ok := s.countedAgg(a, on, whose); ok {
		return "the number of " + what
	}
	t := *s
	t.cur = on
	of := ""
	switch {
	case s.cur != nil && on != s.cur && len(s.r.Routes) == 1:
		of = " of " + on.Name + "." + a.Arg.String()
	case !t.soleMoney(a.Arg):
		of = " of " + a.Arg.String()
	}
	name := aggWord(a.Fn)
	if a.Fn == AggPercentile {
		name = strconv.FormatFloat(a.P, 'g', -1, 64) + "th " + name
	}
	if a.Window.Kind == WindowPrevious && a.Window.Dur > 0 && a.Window.Ending == 0 && windowWords(a.Window) != "" && !a.UnlessFired {
		return owner + " " + windowWords(a.Window) + name + of + whose
	}
	out := owner + " " + name + of + whose + " " + in(a.Window)
	if a.UnlessFired {
		out += " on which it did not fire"
	}
	return out
}

// in is "in the last 5 minutes".
func in(w Window) string {
	switch {
	case w.Kind == WindowCalendar:
		return "this " + w.Unit.String()
	case w.Kind == WindowAllTime:
		return "ever"
	case w.N > 0:
		if w.Kind == WindowPrevious {
			return "among the " + strconv.Itoa(w.N) + " events before"
		}
		return "among the last " + strconv.Itoa(w.N) + " events"
	case w.Ending > 0:
		return "in the " + spoken(w.Dur) + " that ended " + spoken(w.Ending) + " ago"
	case w.Kind == WindowPrevious:
		return "in the " + bare(w.Dur) + " before"
	}
	return "in the last " + bare(w.Dur)
}

var spokenUnits = []struct {
	ns   int64
	name string
}{
	{86_400_000_000_000, "day"}, {3_600_000_000_000, "hour"}, {60_000_000_000, "minute"},
	{1_000_000_000, "second"}, {1_000_000, "millisecond"},
}

// spoken is "10 minutes", "1 hour 30 minutes".
func spoken(ns int64) string {
	var parts []string
	for _, u := range spokenUnits {
		if n := ns / u.ns; n > 0 {
			parts = append(parts, plural(int(n), u.name))
			ns %= u.ns
		}
	}
	if len(parts) == 0 {
		return "no time"
	}
	return strings.Join(parts, " ")
}

// bare is spoken without the one: "the last hour".
func bare(ns int64) string { return strings.TrimPrefix(onlyOne(spoken(ns)), "1 ") }

// onlyOne keeps "1 " where something follows the one unit.
func onlyOne(s string) string {
	if strings.Count(s, " ") > 1 {
		return " " + s
	}
	return s
}

// every is "per hour", "in 30 minutes".
func every(ns int64) string {
	s := spoken(ns)
	if strings.HasPrefix(s, "1 ") && strings.Count(s, " ") == 1 {
		return "per " + s[2:]
	}
	return "in " + s
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(r)) + s[n:]
}
