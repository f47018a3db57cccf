package nfa

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// flinkCase is one recorded run of FlinkCEP; testdata/conformance/README.md
// describes the format.
type flinkCase struct {
	ID         string
	Events     []flinkEvent
	Pattern    struct{ Stages []flinkStage }
	WithinMs   *int64 `json:"within_ms"`
	AfterMatch struct{ Strategy, Stage string }
	Matches    []struct {
		Stages map[string][]int
	}
	Timeouts []struct {
		TimeoutTs int64
		Stages    map[string][]int
	} `json:"expectedTimeouts"`
	EmitTimeouts  bool
	Observed      []map[string][]int `json:"observedByFlinkNFA"` // of the SQL documentation
	Arrivals      []flinkEvent       // of the operator's tests, as they came
	Expected      [][]int
	KeyBy         string
	Ops           []map[string]int64
	TieSensitive  bool
	ExpectedError any
	CompileError  any
	Error         any
	ObservedError any
	Note          string
}

type flinkEvent struct {
	ID     int
	Name   string
	Price  float64
	Volume *float64
	Type   *string
	TS     int64
}

type flinkStage struct {
	Name       *string
	Contiguity string
	Quantifier struct {
		Min              int
		Max              *int
		Optional, Greedy bool
		InnerContiguity  string
		Gap              *int64 `json:"windowBetweenTimes_ms"`
	}
	Condition, Until *string
	Within           *int64 `json:"withinPrevious_ms"`
	Group            []flinkStage
}

// tickSchema is the event type of the recorded cases.
func tickSchema(name string) *cep.Schema {
	text, num := typeOf(cep.KindString), typeOf(cep.KindNumber)
	s := &cep.Schema{Name: name, Tag: name, ID: -1, Fields: []cep.Field{
		{Name: "ts", Type: typeOf(cep.KindTimestamp), Format: "unix_ms"},
		{Name: "key", Type: text}, {Name: "name", Type: text}, {Name: "price", Type: num},
		{Name: "volume", Type: num.OrMissing()}, {Name: "type", Type: text.OrMissing()}, {Name: "peer", Type: text.OrMissing()},
	}}
	s.Seal()
	return s
}

// tickText declares tickSchema in the rule language.
func tickText(name string) string {
	return "event " + name + " { time ts  ts: timestamp(unix_ms)  key: string  name: string  price: number  volume: number?  type: string?  peer: string? }\n"
}

// flinkRule writes the case's pattern as a rule; it panics with errNoSpelling
// if there is none.
func flinkRule(c *flinkCase, s *cep.Schema) *dsl.RuleIR {
	r := &dsl.RuleIR{Name: "r", Key: []dsl.KeyPart{{Name: "key", Type: typeOf(cep.KindString)}}, Policy: dsl.MatchEach, Pattern: &dsl.PatternIR{}}
	routeOf(r, s, "key")
	f := &flinkReader{condParser: condParser{rule: r, schema: s, stages: map[string]int{}}, first: true}
	f.bind(c.Pattern.Stages, false, false)
	if c.WithinMs != nil {
		r.Pattern.Within = (*c.WithinMs - 1) * ms
	}
	r.Pattern.Steps = f.steps(c.Pattern.Stages, nil)
	if a := c.AfterMatch; a.Strategy != "noSkip" {
		r.Skip = map[string]dsl.SkipKind{"skipToNext": dsl.SkipNext, "skipPastLastEvent": dsl.SkipPast, "skipToFirst": dsl.SkipToFirst, "skipToLast": dsl.SkipToLast}[a.Strategy]
		r.SkipStep = f.stages[a.Stage]
	}
	if c.EmitTimeouts && r.Pattern.Within > 0 {
		r.Timeout = &dsl.AlertIR{}
	} else {
		c.Timeouts = nil // those of an arrow's limit: no spelling
	}
	last := c.Pattern.Stages[len(c.Pattern.Stages)-1]
	if last.Contiguity == "notFollowedBy" && r.Pattern.Within == 0 && last.Within == nil {
		noSpelling("ends in \"no\" without a limit")
	}
	if refEmpty(r.Pattern.Steps) {
		noSpelling("only optional steps")
	}
	finishRule(r)
	return r
}

type flinkReader struct {
	condParser
	first bool // no step was read yet
}

// bind numbers the stages.
func (f *flinkReader) bind(stages []flinkStage, repeated, optional bool) {
	for _, g := range stages {
		q := g.Quantifier
		many := repeated || q.Max == nil || *q.Max != 1
		opt := optional || q.Optional
		switch {
		case g.Group != nil:
			f.bind(g.Group, many, opt)
		case !strings.HasPrefix(g.Contiguity, "not"):
			f.stages[*g.Name] = len(f.rule.Bindings)
			f.rule.Bindings = append(f.rule.Bindings, dsl.Binding{Label: fmt.Sprintf("s%d", len(f.rule.Bindings)), Schema: f.schema, Repeated: many, Optional: opt})
		}
	}
}

// steps reads a sequence of stages, those of a group or all.
func (f *flinkReader) steps(stages []flinkStage, group *flinkStage) (out []*dsl.StepIR) {
	for i := range stages {
		g := &stages[i]
		s := &dsl.StepIR{Lo: g.Quantifier.Min, Hi: 1, Optional: g.Quantifier.Optional, Greedy: g.Quantifier.Greedy}
		if g.Quantifier.Max == nil {
			s.Hi = 0
		} else {
			s.Hi = *g.Quantifier.Max
		}
		switch g.Contiguity {
		case "next":
			s.Arrow = dsl.Strict
		case "followedByAny":
			s.Arrow = dsl.Any
		case "notNext", "notFollowedBy":
			out = append(out, f.absence(g))
			continue
		}
		inner := g.Quantifier.InnerContiguity
		if i == 0 && group != nil && g.Group == nil {
			inner = group.Quantifier.InnerContiguity // FlinkCEP gives a loop that begins a group the group's
		}
		switch inner {
		case "consecutive":
			s.Inner = dsl.Strict
		case "combinations":
			s.Inner = dsl.Any
		}
		if s.Hi == 1 {
			s.Inner = dsl.Relaxed
		}
		out = append(out, f.whole(g, s))
	}
	return out
}

func (f *flinkReader) absence(g *flinkStage) *dsl.StepIR {
	a := &dsl.Absence{Where: f.condition(g), Strict: g.Contiguity == "notNext"}
	if g.Within != nil {
		a.Within = (*g.Within - 1) * ms
	}
	return &dsl.StepIR{Kind: dsl.StepNo, No: a}
}

func (f *flinkReader) condition(g *flinkStage) *dsl.Expr {
	if g.Condition == nil || *g.Condition == "true" {
		return nil
	}
	return f.parse(*g.Condition)
}

// whole completes a positive step: its condition or group, its limits, and an
// optional group around it if it is an optional loop, for which the language
// has no quantifier.
func (f *flinkReader) whole(g *flinkStage, s *dsl.StepIR) *dsl.StepIR {
	if g.Quantifier.Gap != nil {
		if g.Group != nil {
			noSpelling("a gap on a group")
		}
		s.Gap = (*g.Quantifier.Gap - 1) * ms
	}
	if g.Within != nil {
		if g.Group != nil || s.Hi != 1 {
			noSpelling("an arrow's time limit before a loop or a group")
		}
		if !f.first {
			s.Within = (*g.Within - 1) * ms
		} // before the first event of all it limits nothing
	}
	f.first = false
	if g.Group != nil {
		if g.Until != nil {
			noSpelling("until on a group")
		}
		s.Kind, s.Sub = dsl.StepGroup, [][]*dsl.StepIR{f.steps(g.Group, g)}
		if why := groupEnds(s); why != "" {
			noSpelling("%s", why)
		}
	} else {
		s.Binding = f.stages[*g.Name]
		f.current = s.Binding
		s.Where = f.condition(g)
		if g.Until != nil {
			s.Until, s.Before = f.parse(*g.Until), true
		}
	}
	if s.Optional && s.Hi != 1 && s.Lo != 1 || s.Optional && s.Hi == 0 {
		in := *s
		in.Optional = false
		in.Arrow = dsl.Relaxed
		return &dsl.StepIR{Kind: dsl.StepGroup, Lo: 1, Hi: 1, Optional: true, Arrow: s.Arrow, Sub: [][]*dsl.StepIR{{&in}}}
	}
	return s
}

// flinkStream is the case's events as the reference reads them.
func flinkStream(c *flinkCase, s *cep.Schema) (es []*refEvent) {
	for i, e := range c.Events {
		v := map[string]refVal{"ts": {kind: cep.KindTimestamp, i: e.TS * ms}, "key": refText("k"), "name": refText(e.Name), "price": refNumber(e.Price)}
		if e.Volume != nil {
			v["volume"] = refNumber(*e.Volume)
		}
		if e.Type != nil {
			v["type"] = refText(*e.Type)
		}
		es = append(es, newRefEvent(s, i, e.TS*ms, v))
	}
	return es
}

// newRefEvent makes an event of the route 0; fields not given are missing.
func newRefEvent(s *cep.Schema, seq int, at int64, v map[string]refVal) *refEvent {
	e := &refEvent{seq: seq, at: at, schema: s, routes: 1}
	for _, f := range s.Fields {
		x, ok := v[f.Name]
		if !ok {
			x = refMissing
		}
		e.vals = append(e.vals, x)
	}
	return e
}

// drive is one step of a case: an event, or the clock.
type drive struct {
	e  *refEvent
	at int64
}

// drives is how the case was fed: by default the clock is moved to an event's
// time before it.
func (c *flinkCase) drives(es []*refEvent) (out []drive) {
	if c.Ops == nil {
		for _, e := range es {
			out = append(out, drive{at: e.at}, drive{e: e})
		}
	}
	for _, o := range c.Ops {
		if t, ok := o["advance"]; ok {
			out = append(out, drive{at: t * ms})
		} else {
			out = append(out, drive{e: es[o["event"]]})
		}
	}
	return out
}

// flinkAnswer is a multiset of matches and timeouts as text. FlinkCEP reports a
// run that times out once for each state it sits in, and a loop at the end also
// after it has matched; here a run is reported once.
func flinkAnswer(c *flinkCase) []string {
	var out []string
	matched := map[string]bool{}
	for _, m := range c.Matches {
		out = append(out, stagesText(m.Stages))
		matched[stagesText(m.Stages)] = true
	}
	for _, t := range c.Timeouts {
		text := stagesText(t.Stages)
		if !matched[text] {
			out = append(out, fmt.Sprintf("timeout at %d %s", t.TimeoutTs-1, text))
		}
		matched[text] = true
	}
	sort.Strings(out)
	return out
}

func stagesText(m map[string][]int) string {
	var k []string
	for s, v := range m {
		if len(v) > 0 {
			k = append(k, fmt.Sprint(s, v))
		}
	}
	sort.Strings(k)
	return strings.Join(k, " ")
}

// stagesOf writes a match as the cases do.
func stagesOf(c *flinkCase, r *dsl.RuleIR, m refMatch) string {
	names := make([]string, len(r.Bindings))
	var number func(stages []flinkStage)
	n := 0
	number = func(stages []flinkStage) {
		for _, g := range stages {
			if g.Group != nil {
				number(g.Group)
			} else if !strings.HasPrefix(g.Contiguity, "not") {
				names[n] = *g.Name
				n++
			}
		}
	}
	number(c.Pattern.Stages)
	stages := map[string][]int{}
	for _, b := range strings.Fields(m.binds) {
		var seq, binding int
		fmt.Sscanf(b, "%d:%d", &seq, &binding)
		stages[names[binding]] = append(stages[names[binding]], seq)
	}
	if m.kind == cep.MatchTimeout {
		return fmt.Sprintf("timeout at %d %s", m.at/ms, stagesText(stages))
	}
	return stagesText(stages)
}

// asked says that the case has an answer that a rule must give.
func (c *flinkCase) asked() bool {
	return c.ExpectedError == nil && c.CompileError == nil && c.Error == nil && c.ObservedError == nil
}

func readFlink(text []byte) (cases []*flinkCase, err error) {
	for line := range strings.Lines(string(text)) {
		c := &flinkCase{}
		if err := json.Unmarshal([]byte(line), c); err != nil {
			return nil, err
		}
		cases = append(cases, c)
		for _, m := range c.Observed {
			c.Matches = append(c.Matches, struct{ Stages map[string][]int }{m})
		}
	}
	return cases, nil
}

// spelled returns the case's rule, or the reason why there is none.
func spelled(c *flinkCase, s *cep.Schema) (r *dsl.RuleIR, why string) {
	defer func() {
		if x := recover(); x != nil {
			e, ok := x.(errNoSpelling)
			if !ok {
				panic(x)
			}
			r, why = nil, string(e)
		}
	}()
	return flinkRule(c, s), ""
}

func sameAnswers(a, b []string) bool { return slices.Equal(a, b) }
