package nfa

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// profile says which rules and streams are drawn.
type profile struct {
	name    string
	policy  dsl.Policy
	groups  bool // groups, one of, all of
	reads   int  // of 10 steps so many read other steps
	flags   int  // one in so many times a step has a further clause
	events  int  // the longest stream
	overlap int  // bits of an event that hold beside its own, at most
	share   int  // of 10 pairs of the policy
	fast    bool // only rules that the fast machine takes
}

// drawSchema is an event type of the drawn rules: p0 to p3 are what steps ask
// for, overlapping at will; v, w and s are for conditions across steps.
func drawSchema(name string, id int) *cep.Schema {
	flag, num, text := typeOf(cep.KindBool), typeOf(cep.KindInt), typeOf(cep.KindString)
	s := &cep.Schema{Name: name, Tag: name, ID: id, Fields: []cep.Field{
		{Name: "ts", Type: typeOf(cep.KindTimestamp), Format: "unix_ms"},
		{Name: "key", Type: text}, {Name: "peer", Type: text},
		{Name: "p0", Type: flag}, {Name: "p1", Type: flag}, {Name: "p2", Type: flag}, {Name: "p3", Type: flag},
		{Name: "v", Type: num}, {Name: "w", Type: num.OrMissing()}, {Name: "s", Type: text}, {Name: "n", Type: num},
	}}
	s.Seal()
	return s
}

func drawSchemaText(name, id string) string {
	return "event " + name + " { time ts " + id + " ts: timestamp(unix_ms)  key: string  peer: string  p0: bool  p1: bool  p2: bool  p3: bool  v: int  w: int?  s: string  n: int }\n"
}

// F declares an id, E has none.
var drawn = [2]*cep.Schema{drawSchema("E", -1), drawSchema("F", 10)}

// drawer draws one rule.
type drawer struct {
	*rand.Rand
	p     profile
	r     *dsl.RuleIR
	preds int
	seen  []int  // bindings that conditions may read
	limit bool   // a pattern's within
	text  string // of the rule, with the parentheses that mean nothing
}

func newDrawer(p profile, seed uint64) *drawer {
	return &drawer{Rand: rand.New(rand.NewPCG(seed, uint64(p.policy)+1)), p: p}
}

// once is true once in n times.
func (d *drawer) once(n int) bool { return d.IntN(n) == 0 }

// flag is true as often as the profile has further clauses, n times rarer.
func (d *drawer) flag(n int) bool { return d.once(d.p.flags * n) }

// rule draws rules until one is legal.
func (d *drawer) rule() *dsl.RuleIR {
	for {
		d.draw()
		if legal(d.r) == "" && (!d.p.fast || d.coalesces()) {
			d.text = ruleText(d.r)
			d.r.Pattern.Steps = flatten(d.r.Pattern.Steps)
			finishRule(d.r)
			return d.r
		}
	}
}

// coalesces says that the fast machine takes the rule.
func (d *drawer) coalesces() bool {
	r := *d.r
	p := *r.Pattern
	p.Steps = flatten(p.Steps)
	r.Pattern = &p
	finishRule(&r)
	prog, err := Compile(&r, time.UTC)
	if err != nil {
		return false
	}
	c, _ := classify(prog)
	return c != nil
}

// flatten takes away the groups that only group, as the checker does: the
// arrow before one is the arrow before its first step.
func flatten(seq []*dsl.StepIR) (out []*dsl.StepIR) {
	for _, s := range seq {
		if s.Kind != dsl.StepGroup {
			out = append(out, s)
			continue
		}
		c := *s
		c.Sub = [][]*dsl.StepIR{flatten(s.Sub[0])}
		if s.Lo != 1 || s.Hi != 1 || s.Optional || s.Exactly {
			out = append(out, &c)
			continue
		}
		first := *c.Sub[0][0]
		first.Arrow = s.Arrow
		out = append(append(out, &first), c.Sub[0][1:]...)
	}
	return out
}

func (d *drawer) draw() {
	r := &dsl.RuleIR{Name: "r", Key: []dsl.KeyPart{{Name: "key", Type: typeOf(cep.KindString)}}, Policy: d.p.policy, Pattern: &dsl.PatternIR{}}
	d.r, d.seen, d.preds = r, nil, 2+d.IntN(3)
	if d.IntN(4) > 0 {
		r.Pattern.Within = int64(1+d.IntN(14)) * ms
	}
	d.limit = r.Pattern.Within > 0
	r.Pattern.Steps = d.sequence(1+d.IntN(4), 0, false, false)
	if d.p.fast && d.once(3) {
		d.aside(r.Pattern.Steps)
	}
	if d.once(6) && (d.limit || d.once(2)) {
		no := d.absence()
		if !d.limit || d.once(2) {
			no.No.Within = int64(1+d.IntN(5)) * ms
		}
		r.Pattern.Steps = append(r.Pattern.Steps, no)
	}
	if d.once(6) {
		route := d.route()
		r.Cancel = []dsl.Absence{{Route: route, Where: d.predicate(route)}}
	}
	if d.once(6) {
		r.Pattern.Where = d.closing()
	}
	if d.limit && d.once(6) {
		r.Timeout = &dsl.AlertIR{}
	}
	if r.Policy != dsl.MatchEach {
		r.AtEnd = d.limit && d.once(6)
		return
	}
	if d.once(5) {
		r.Limit = 1 + d.IntN(3)
	}
	if d.once(3) {
		r.Skip = dsl.SkipNext + dsl.SkipKind(d.IntN(4))
		r.SkipStep = d.IntN(len(r.Bindings))
	}
}

// aside lets a single step read the loop before it, in one of the ways in which
// all runs there get one answer, or the earliest run's answer decides.
func (d *drawer) aside(steps []*dsl.StepIR) {
	i := d.IntN(len(steps))
	if i == 0 || steps[i].Kind != dsl.StepEvent || steps[i].Hi != 1 || steps[i].Optional || steps[i-1].Kind != dsl.StepEvent {
		return
	}
	s, x := steps[i], steps[i-1]
	*x = dsl.StepIR{Arrow: x.Arrow, Binding: x.Binding, Lo: 1 + d.IntN(3), Greedy: d.once(4), Route: x.Route, Where: d.predicate(x.Route)}
	d.r.Bindings[x.Binding].Repeated, d.r.Bindings[x.Binding].Optional = true, false
	schema := d.r.Routes[s.Route].Schema
	v, n := fieldOf(schema, "v"), constInt(int64(1+d.IntN(3)))
	s.Where = allOf(d.predicate(s.Route), []*dsl.Expr{
		opOf(dsl.OpIn, v, boundListOf(d.r, x.Binding, "v")),
		opOf(dsl.OpGe, boundCountOf(d.r, x.Binding), n),
		opOf(dsl.OpGt, boundAggOf(d.r, dsl.AggDistinct, x.Binding, "s"), n),
		opOf(d.compare(), v, boundOf(d.r, x.Binding, dsl.Last, "v")),
		opOf(dsl.OpNot, opOf(dsl.OpEq, fieldOf(schema, "s"), boundOf(d.r, x.Binding, dsl.Last, "s"))),
	}[d.IntN(5)])
}

// sequence draws n steps and absences between them.
func (d *drawer) sequence(n, depth int, repeated, optional bool) (out []*dsl.StepIR) {
	for i := range n {
		if i > 0 && d.once(4) {
			out = append(out, d.absence())
		}
		s := d.step(depth, repeated, optional)
		if i > 0 || depth > 0 {
			s.Arrow = d.arrow()
		}
		out = append(out, s)
	}
	return out
}

func (d *drawer) arrow() dsl.Contiguity {
	switch {
	case d.once(7):
		return dsl.Strict
	case d.p.policy == dsl.MatchEach && d.once(4):
		return dsl.Any
	}
	return dsl.Relaxed
}

func (d *drawer) absence() *dsl.StepIR {
	route := d.route()
	a := &dsl.Absence{Route: route, Where: d.predicate(route), Strict: d.once(4)}
	if d.once(3) {
		a.Within = int64(1+d.IntN(4)) * ms
	}
	if d.IntN(20) < d.p.reads {
		a.Where = allOf(a.Where, d.reading(route, -1))
	}
	return &dsl.StepIR{Kind: dsl.StepNo, No: a}
}

func (d *drawer) step(depth int, repeated, optional bool) *dsl.StepIR {
	if d.p.groups && depth < 2 {
		switch d.IntN(9) {
		case 0, 1:
			s := &dsl.StepIR{Kind: dsl.StepGroup}
			d.quantity(s)
			s.Sub = [][]*dsl.StepIR{d.sequence(1+d.IntN(3), depth+1, repeated || s.Hi != 1 || s.Exactly, optional || s.Optional)}
			return s
		case 2:
			return d.block(repeated, optional)
		}
	}
	s := &dsl.StepIR{}
	d.quantity(s)
	d.event(s, repeated, optional)
	if s.Hi != 1 {
		d.loop(s)
	} else if d.flag(2) {
		s.Within = int64(1+d.IntN(5)) * ms
	}
	return s
}

// quantity draws how many.
func (d *drawer) quantity(s *dsl.StepIR) {
	s.Lo, s.Hi = 1, 1
	switch d.IntN(11) {
	case 0:
		s.Lo, s.Hi = 2+d.IntN(2), 0
	case 1:
		s.Lo, s.Hi = 1, 0
	case 2:
		s.Lo = 2 + d.IntN(2)
		s.Hi = s.Lo
	case 3:
		s.Lo = 1 + d.IntN(2)
		s.Hi = s.Lo + 1 + d.IntN(2)
	case 4:
		if d.p.policy != dsl.MatchEach {
			s.Lo = 1 + d.IntN(3)
			s.Hi, s.Exactly = s.Lo, true
		}
	case 5:
		s.Optional = true
		s.Hi = 1 + d.IntN(3)
	}
	if s.Hi != 1 && d.once(4) {
		s.Inner = dsl.Strict
	} else if s.Hi != 1 && d.p.policy == dsl.MatchEach && d.once(3) {
		s.Inner = dsl.Any
	}
	if (s.Hi != 1 || s.Optional) && !s.Exactly && d.once(5) {
		s.Greedy = true
	}
}

// event draws what an event step asks for.
func (d *drawer) event(s *dsl.StepIR, repeated, optional bool) {
	s.Route = d.route()
	s.Binding = len(d.r.Bindings)
	d.r.Bindings = append(d.r.Bindings, dsl.Binding{
		Label: fmt.Sprintf("s%d", s.Binding), Schema: d.r.Routes[s.Route].Schema,
		Repeated: repeated || s.Hi != 1 || s.Exactly, Optional: optional || s.Optional,
	})
	s.Where = d.predicate(s.Route)
	if d.IntN(10) < d.p.reads {
		s.Where = allOf(s.Where, d.reading(s.Route, s.Binding))
	}
	d.seen = append(d.seen, s.Binding)
}

// loop draws the further clauses of a repeated step.
func (d *drawer) loop(s *dsl.StepIR) {
	if d.flag(1) {
		s.Within = int64(1+d.IntN(6)) * ms
	}
	if d.flag(2) {
		s.Gap = int64(1+d.IntN(4)) * ms
	}
	if s.Exactly || !d.flag(1) {
		return
	}
	s.Before = d.p.policy == dsl.MatchEach || d.once(2)
	s.Until = d.predicate(s.Route)
	if d.once(2) {
		s.Until = d.reading(s.Route, s.Binding)
	}
	if s.Until == nil {
		s.Before = false
	}
}

// block draws one of or all of.
func (d *drawer) block(repeated, optional bool) *dsl.StepIR {
	s := &dsl.StepIR{Kind: dsl.StepOneOf, Lo: 1, Hi: 1}
	if d.p.policy != dsl.MatchEach && d.once(2) {
		s.Kind = dsl.StepAllOf
	}
	seen := slices.Clip(d.seen)
	after := seen
	for range 2 + d.IntN(2) {
		d.seen = seen
		var track []*dsl.StepIR
		for range 1 + d.IntN(2) {
			t := &dsl.StepIR{Lo: 1, Hi: 1}
			switch d.IntN(6) {
			case 0:
				t.Lo, t.Hi = 1+d.IntN(3), 0
			case 1:
				t.Lo = 2 + d.IntN(2)
				t.Hi = t.Lo
			case 2:
				t.Lo = 1 + d.IntN(2)
				t.Hi = t.Lo + 1
			}
			d.event(t, repeated, false)
			track = append(track, t)
		}
		after = append(after, d.seen[len(seen):]...)
		for _, b := range d.seen[len(seen):] {
			d.r.Bindings[b].Optional = optional || s.Kind == dsl.StepOneOf
		}
		s.Sub = append(s.Sub, track)
	}
	d.seen = after
	if d.once(3) {
		s.Within = int64(1+d.IntN(6)) * ms
	}
	return s
}

func (d *drawer) route() int {
	switch d.IntN(8) {
	case 0:
		return routeOf(d.r, drawn[1], "key")
	case 1:
		return routeOf(d.r, drawn[1], "peer")
	}
	return routeOf(d.r, drawn[0], "key")
}

// predicate draws a condition on the event alone, nil for none.
func (d *drawer) predicate(route int) *dsl.Expr {
	s := d.r.Routes[route].Schema
	p := fieldOf(s, fmt.Sprintf("p%d", d.IntN(d.preds)))
	switch d.IntN(12) {
	case 0:
		return opOf(dsl.OpNot, p)
	case 1:
		return opOf(dsl.OpOr, p, fieldOf(s, fmt.Sprintf("p%d", d.IntN(d.preds))))
	case 2:
		return allOf(p, opOf(dsl.OpGe, fieldOf(s, "v"), constInt(int64(1+d.IntN(2)))))
	case 3:
		return allOf(p, opOf(dsl.OpNe, fieldOf(s, "w"), constInt(int64(d.IntN(3)))))
	case 4:
		if d.once(3) {
			return nil
		}
	}
	return p
}

// reading draws a condition that reads bound events, of the step itself too if
// it repeats; nil if there is none to read.
func (d *drawer) reading(route, self int) *dsl.Expr {
	from := d.seen
	if self >= 0 && d.r.Bindings[self].Repeated && (len(from) == 0 || d.once(3)) {
		from = []int{self}
	}
	if len(from) == 0 {
		return nil
	}
	b := from[d.IntN(len(from))]
	s := d.r.Routes[route].Schema
	v, n := fieldOf(s, "v"), constInt(int64(1+d.IntN(4)))
	bind := d.r.Bindings[b]
	if !bind.Repeated {
		if d.once(4) && !bind.Optional {
			return opOf(dsl.OpEq, fieldOf(s, "s"), boundOf(d.r, b, dsl.Only, "s"))
		}
		return opOf(d.compare(), v, d.present(boundOf(d.r, b, dsl.Only, "v"), bind.Optional))
	}
	switch d.IntN(8) {
	case 0:
		return opOf(dsl.OpGe, boundCountOf(d.r, b), n)
	case 1:
		return opOf(dsl.OpLe, calcOf(dsl.OpAdd, boundAggOf(d.r, dsl.AggSum, b, "v"), v), calcOf(dsl.OpAdd, n, constInt(2)))
	case 2:
		return opOf(dsl.OpIn, v, boundListOf(d.r, b, "v"))
	case 3:
		return opOf(dsl.OpGe, boundAggOf(d.r, dsl.AggDistinct, b, "s"), n)
	case 4:
		return opOf(dsl.OpNot, opOf(dsl.OpIn, fieldOf(s, "s"), boundListOf(d.r, b, "s")))
	case 5:
		return opOf(d.compare(), v, d.present(boundOf(d.r, b, dsl.First, "v"), bind.Optional || b == self))
	}
	return opOf(d.compare(), v, d.present(boundOf(d.r, b, dsl.Last, "v"), bind.Optional || b == self))
}

// present gives a default to what may be missing.
func (d *drawer) present(e *dsl.Expr, optional bool) *dsl.Expr {
	if !optional {
		return e
	}
	return elseOf(e, constInt(int64(d.IntN(3))))
}

func (d *drawer) compare() dsl.Op {
	return []dsl.Op{dsl.OpLt, dsl.OpLe, dsl.OpGt, dsl.OpGe, dsl.OpEq, dsl.OpNe}[d.IntN(6)]
}

// closing draws a pattern's own where.
func (d *drawer) closing() *dsl.Expr {
	b := d.IntN(len(d.r.Bindings))
	switch {
	case d.once(3):
		span := &dsl.Expr{Op: dsl.OpSub, Type: typeOf(cep.KindDuration), Args: []*dsl.Expr{
			{Op: dsl.OpMatchEnd, Type: typeOf(cep.KindTimestamp), Name: "match.end"},
			{Op: dsl.OpMatchStart, Type: typeOf(cep.KindTimestamp), Name: "match.start"},
		}}
		return opOf(dsl.OpGe, span, constDuration(int64(1+d.IntN(6))*ms))
	case d.r.Bindings[b].Repeated:
		return opOf(dsl.OpGe, boundAggOf(d.r, dsl.AggSum, b, "v"), constInt(int64(1+d.IntN(4))))
	}
	return opOf(d.compare(), d.present(boundOf(d.r, b, dsl.Only, "v"), d.r.Bindings[b].Optional), constInt(int64(d.IntN(4))))
}

// allOf joins conditions, any of which may be nil.
func allOf(es ...*dsl.Expr) *dsl.Expr {
	var some []*dsl.Expr
	for _, e := range es {
		if e != nil {
			some = append(some, e)
		}
	}
	switch len(some) {
	case 0:
		return nil
	case 1:
		return some[0]
	}
	return opOf(dsl.OpAnd, some...)
}

// stream draws events of the rule's types: few and close in time, with ties.
func (d *drawer) stream() (es []*refEvent) {
	at := 10 * ms
	dense := d.IntN(d.p.overlap + 1)
	for i := range 4 + d.IntN(d.p.events-3) {
		route := d.r.Routes[d.IntN(len(d.r.Routes))]
		at += int64(d.IntN(4)) * ms
		var p [4]bool
		if d.IntN(4) > 0 {
			p[d.IntN(d.preds)] = true
		}
		for range dense {
			p[d.IntN(d.preds)] = true
		}
		v := map[string]refVal{"ts": {kind: cep.KindTimestamp, i: at}, "key": refText("k"), "peer": refText("k"),
			"v": refInt(int64(d.IntN(4))), "n": refInt(int64(i)), "s": refText(string(rune('x' + d.IntN(3))))}
		for k := range p {
			v[fmt.Sprintf("p%d", k)] = refBool(p[k])
		}
		if d.IntN(4) > 0 {
			v["w"] = refInt(int64(d.IntN(3)))
		}
		e := newRefEvent(route.Schema, i, at, v)
		e.routes = 0
		for e.routes == 0 {
			for k, t := range d.r.Routes {
				if t.Schema == e.schema && d.IntN(3) > 0 {
					e.routes |= 1 << k
				}
			}
		}
		es = append(es, e)
	}
	return es
}
