package nfa

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// What the checker rejects, the compiler does not take either.
func TestCompileRefuses(t *testing.T) {
	one := func() *dsl.StepIR { return step(0, "a", 1, 1) }
	with := func(s *dsl.StepIR, f func(*dsl.StepIR)) *dsl.StepIR { f(s); return s }
	group := func(lo, hi int, steps ...*dsl.StepIR) *dsl.StepIR {
		return &dsl.StepIR{Kind: dsl.StepGroup, Lo: lo, Hi: hi, Sub: [][]*dsl.StepIR{steps}}
	}
	no := &dsl.StepIR{Kind: dsl.StepNo, No: &dsl.Absence{}, Lo: 1, Hi: 1}
	optional := with(one(), func(s *dsl.StepIR) { s.Optional = true })
	tests := []struct {
		name  string
		steps []*dsl.StepIR
		set   func(*dsl.RuleIR)
		want  string
	}{
		{"all optional", []*dsl.StepIR{optional}, nil, "every step is optional"},
		{"all optional, each", []*dsl.StepIR{optional}, func(r *dsl.RuleIR) { r.Policy = dsl.MatchEach }, "every step is optional"},
		{"begins with no", []*dsl.StepIR{no, one()}, nil, "can't begin with no"},
		{"open end", []*dsl.StepIR{one(), no}, nil, "an end that it does not have"},
		{"open end, each", []*dsl.StepIR{one(), no}, func(r *dsl.RuleIR) { r.Policy = dsl.MatchEach }, "without a limit"},
		{"open exactly", []*dsl.StepIR{with(step(0, "a", 2, 2), func(s *dsl.StepIR) { s.Exactly = true })}, nil, "an end that it does not have"},
		{"open exactly in a group", []*dsl.StepIR{group(2, 2, with(step(0, "a", 2, 2), func(s *dsl.StepIR) { s.Exactly = true }))}, nil, "an end that it does not have"},
		{"at end without within", []*dsl.StepIR{one()}, func(r *dsl.RuleIR) { r.AtEnd = true }, "the end of what"},
		{"empty group", []*dsl.StepIR{one(), group(2, 0, optional)}, nil, "must not be empty"},
		{"empty group, each", []*dsl.StepIR{one(), group(2, 0, optional)}, func(r *dsl.RuleIR) { r.Policy = dsl.MatchEach }, "must not be empty"},
		{"then any, first", []*dsl.StepIR{one(), with(one(), func(s *dsl.StepIR) { s.Arrow = dsl.Any })}, nil, "needs match each"},
		{"some any, latest", []*dsl.StepIR{with(step(0, "a", 1, 0), func(s *dsl.StepIR) { s.Inner = dsl.Any })}, func(r *dsl.RuleIR) { r.Policy = dsl.MatchLatest }, "needs match each"},
		{"exactly, each", []*dsl.StepIR{with(step(0, "a", 2, 2), func(s *dsl.StepIR) { s.Exactly = true })}, func(r *dsl.RuleIR) { r.Policy = dsl.MatchEach }, "match first or latest"},
		{"block of blocks", []*dsl.StepIR{{Kind: dsl.StepOneOf, Lo: 1, Hi: 1, Sub: [][]*dsl.StepIR{{no}}}}, nil, "a block holds"},
		{"too many states", []*dsl.StepIR{step(0, "a", 1, 70_000)}, func(r *dsl.RuleIR) { r.Policy = dsl.MatchEach }, "more than 65535"},
	}
	for _, c := range tests {
		r := rule(&dsl.PatternIR{Steps: c.steps}, "a")
		if c.set != nil {
			c.set(r)
		}
		if _, err := Compile(r, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// A rule may have more predicates than an event has bits.
func TestManyPredicates(t *testing.T) {
	for _, policy := range []string{"first", "latest", "each"} {
		var steps []string
		for i := range 80 {
			steps = append(steps, fmt.Sprintf("s%d: A where price == %d", i, i))
		}
		p := ruleOf(t, strings.Join(steps, "\n then "), "match "+policy)
		if len(p.Preds) != 80 || !p.spill {
			t.Fatalf("%d predicates", len(p.Preds))
		}
		k := newKey(t, p, Limits{})
		for i := range 80 {
			k.feed("A", 2*i, int64(2*i)*second, i, "")
			k.feed("A", 2*i+1, int64(2*i+1)*second, -1, "")
		}
		if len(k.out) != 1 || !strings.HasSuffix(k.out[0], "at 158") {
			t.Errorf("match %s: got %v", policy, k.out)
		}
		k.drop()
	}
}

// A step sees an event under its own route only.
func TestRoutes(t *testing.T) {
	for _, policy := range []string{"first", "each"} {
		p := ruleOf(t, "a: A by k then b: A by o", "match "+policy)
		k := newKey(t, p, Limits{})
		schema := p.Rule.Routes[0].Schema
		feed := func(i int, routes uint64) {
			b := oneEvent(schema, int64(i)*second, 0, "")
			k.advance(int64(i) * second)
			f := &k.frame
			f.Batch, f.Table, f.Row, f.At, f.Ref = b, &b.Tables[0], 0, int64(i)*second, cep.MakeRef(0, 0, uint64(i))
			k.names[f.Ref] = fmt.Sprintf("A%d", i)
			ev := Event{Frame: f, Bits: p.Bits(f, schema, routes), Routes: routes}
			k.state = k.m.Event(k.state, &ev, k.emit)
		}
		feed(0, 2) // by o only: can't be a
		feed(1, 1) // by k only
		feed(2, 1) // can't be b
		feed(3, 3) // by both
		want := "a=A1 b=A3 at 3"
		if policy == "each" {
			want += "\na=A2 b=A3 at 3"
		}
		if got := strings.Join(k.out, "\n"); got != want {
			t.Errorf("match %s: got\n%s\nwant\n%s", policy, got, want)
		}
		k.drop()
	}
}

// Equal conditions are one predicate, and terms that read bound events are
// asked of runs.
func TestPredicatesAreShared(t *testing.T) {
	p := ruleOf(t, "a: A where price > 5 then b: A where price > 5 and note == a.note then no A where price > 5 then c: B", "")
	if len(p.Preds) != 2 {
		t.Errorf("%d predicates, want 2:\n%s", len(p.Preds), p)
	}
	if len(p.Tests) != 3 {
		t.Errorf("%d tests, want 3:\n%s", len(p.Tests), p)
	}
	if p.Relevant(0, true) || p.Relevant(2, false) || !p.Relevant(1, false) || !p.Relevant(2, true) {
		t.Errorf("what is relevant is wrong:\n%s", p)
	}
	if q := ruleOf(t, "a: A then immediately b: B", ""); !q.Relevant(0, true) || q.Relevant(0, false) {
		t.Errorf("with strict arrows every event matters to open runs:\n%s", q)
	}
}

// Keys share a machine's arena and don't disturb each other.
func TestManyKeys(t *testing.T) {
	p := ruleOf(t, "a: A then some_b: some B until price > 4 then c: C where note == a.note", "within 1m")
	mem, syms := slab.NewArena(), slab.NewSymbols()
	m := p.New(mem, syms, Limits{})
	var frame expr.Frame
	frame.Syms = syms
	states := make([]slab.Handle, 100)
	matches := make([]int, len(states))
	current := 0
	emit := func(x *Match) { matches[current]++ }
	types := map[string]*cep.Schema{}
	for _, r := range p.Rule.Routes {
		types[r.Schema.Name] = r.Schema
	}
	feed := func(key, at int, name string, price int, note string) {
		current = key
		s := types[name]
		b := oneEvent(s, int64(at)*second, price, note)
		frame.Batch, frame.Table, frame.Row, frame.At, frame.Ref = b, &b.Tables[0], 0, int64(at)*second, cep.MakeRef(0, 0, uint64(at))
		routes := uint64(0)
		for i, r := range p.Rule.Routes {
			if r.Schema == s {
				routes |= 1 << i
			}
		}
		ev := Event{Frame: &frame, Bits: p.Bits(&frame, s, routes), Routes: routes}
		states[key] = m.Advance(states[key], frame.At, &frame, emit)
		states[key] = m.Event(states[key], &ev, emit)
	}
	for round := range 3 {
		for at, e := range []string{"A", "B", "B", "C"} {
			for key := range states {
				note := fmt.Sprint(key)
				if key%2 == 1 && e == "C" {
					note = "other"
				}
				feed(key, 100*round+at, e, 3*at, note)
			}
		}
	}
	for key, n := range matches {
		want := 3 * (1 - key%2)
		if n != want {
			t.Errorf("key %d: %d matches, want %d", key, n, want)
		}
		m.Drop(states[key])
	}
	if n, _ := mem.Live(); n != 0 || syms.Len() != 0 {
		t.Errorf("%d slots and %d symbols are left behind", n, syms.Len())
	}
}

// The identity of an event is (type, id, at) if its type declares an id, else
// its place in the input; an alert event's is its id alone.
func TestIdentity(t *testing.T) {
	identity := func(text string, at int64, ref cep.Ref, id string, change func(*cep.Schema)) uint64 {
		s := eventSchema(text)
		s.ID = 1
		if change != nil {
			change(s)
		}
		b := stream(s, []event{{at, id, 0}})
		f := &expr.Frame{Batch: b, Table: &b.Tables[0], At: at * second, Ref: ref}
		h, _ := Identity(f, nil)
		return h
	}
	base := identity("T", 1, 5, "x", nil)
	noID := func(s *cep.Schema) { s.ID = -1 }
	derived := func(s *cep.Schema) { s.Derived = true }
	if base != identity("T", 1, 6, "x", nil) {
		t.Error("the place must not matter where there is an id")
	}
	for what, h := range map[string]uint64{
		"id": identity("T", 1, 5, "y", nil), "time": identity("T", 2, 5, "x", nil), "type": identity("U", 1, 5, "x", nil),
	} {
		if h == base {
			t.Errorf("another %s is the same event", what)
		}
	}
	if identity("T", 1, 5, "x", noID) != identity("T", 2, 5, "y", noID) || identity("T", 1, 5, "x", noID) == identity("T", 1, 6, "x", noID) {
		t.Error("without an id only the place matters")
	}
	if identity("T", 1, 5, "x", derived) != identity("T", 2, 6, "x", derived) || identity("T", 1, 5, "x", derived) == identity("T", 1, 5, "y", derived) {
		t.Error("of an alert event only the id matters")
	}
}
