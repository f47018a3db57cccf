package nfa

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// eventSchema is the type of test events: name, price, note (a string, so that
// records hold symbols).
func eventSchema(name string) *cep.Schema {
	s := &cep.Schema{Name: name, Tag: name, ID: -1, Fields: []cep.Field{
		{Name: "at", Type: cep.Type{Kind: cep.KindTimestamp}},
		{Name: "name", Type: cep.Type{Kind: cep.KindString}},
		{Name: "price", Type: cep.Type{Kind: cep.KindInt}},
	}}
	s.Seal()
	return s
}

// event is one test event; at is in seconds.
type event struct {
	at    int64
	name  string
	price int
}

const second = int64(1e9)

// stream makes one batch of events of one type.
func stream(s *cep.Schema, events []event) *cep.Batch {
	b := &cep.Batch{Tables: []cep.Table{{Schema: s, Cols: make([]cep.Column, len(s.Fields)), Rows: len(events)}}}
	cols := b.Tables[0].Cols
	for i := range cols {
		cols[i].Words = make([]cep.Word, len(events))
		cols[i].Present = make([]uint64, len(events)/64+1)
		for j := range cols[i].Present {
			cols[i].Present[j] = ^uint64(0)
		}
	}
	for i, e := range events {
		cols[0].Words[i] = cep.Word(e.at * second)
		cols[1].Words[i] = cep.StringWord(len(b.Bytes), len(e.name))
		cols[2].Words[i] = cep.Word(e.price)
		b.Bytes = append(b.Bytes, e.name...)
		b.Rows = append(b.Rows, cep.Row{At: e.at * second, Ref: cep.MakeRef(0, 0, uint64(i)), Index: uint32(i)})
	}
	return b
}

// driver feeds a machine as the engine does and writes down its matches.
type driver struct {
	t     testing.TB
	prog  *Prog
	mem   *slab.Arena
	syms  *slab.Symbols
	m     Machine
	state slab.Handle
	frame expr.Frame
	out   []string
}

func newDriver(t testing.TB, p *Prog, lim Limits) *driver {
	d := &driver{t: t, prog: p, mem: slab.NewArena(), syms: slab.NewSymbols()}
	d.m = p.NewGeneral(d.mem, d.syms, lim)
	d.frame.Syms = d.syms
	return d
}

func (d *driver) advance(now int64) {
	d.frame.Table = nil
	d.state = d.m.Advance(d.state, now, &d.frame, d.emit)
	if at, ok := d.m.Deadline(d.state); ok && at < now {
		d.t.Errorf("deadline %d is still there after %d", at, now)
	}
}

func (d *driver) feed(b *cep.Batch, i int) {
	r := b.Rows[i]
	d.advance(r.At)
	f := &d.frame
	f.Batch, f.Table, f.Row, f.At, f.Ref = b, &b.Tables[r.Table], int(r.Index), r.At, r.Ref
	routes := uint64(0)
	for k, route := range d.prog.Rule.Routes {
		if route.Schema == f.Table.Schema {
			routes |= 1 << k
		}
	}
	ev := Event{Frame: f, Bits: d.prog.Bits(f, f.Table.Schema, routes), Routes: routes}
	d.state = d.m.Event(d.state, &ev, d.emit)
}

// emit writes a match as "label=positions … @at".
func (d *driver) emit(m *Match) {
	by := map[string][]string{}
	for _, e := range m.Events {
		l := d.prog.Rule.Bindings[e.Binding].Label
		by[l] = append(by[l], fmt.Sprint(e.Ref.Position()))
	}
	var parts []string
	for l, es := range by {
		parts = append(parts, l+"="+strings.Join(es, ","))
	}
	sort.Strings(parts)
	s := strings.Join(parts, " ") + fmt.Sprintf(" @%d", m.At/second)
	if m.Kind == cep.MatchTimeout {
		s += " timeout"
	}
	if m.Truncated {
		s += " truncated"
	}
	if m.FirstAt != m.Events[0].At {
		d.t.Errorf("match first at %d, but its first event is at %d", m.FirstAt, m.Events[0].At)
	}
	d.out = append(d.out, s)
}

// drop forgets the state and checks that nothing is left behind.
func (d *driver) drop() {
	d.m.Drop(d.state)
	d.state = 0
	if n, b := d.mem.Live(); n != 0 || b != 0 {
		d.t.Errorf("%d slots of %d bytes are left behind", n, b)
	}
	if n := d.syms.Len(); n != 0 {
		d.t.Errorf("%d symbols are left behind", n)
	}
}

var tick = eventSchema("Tick")

// where is name == "x".
func named(x string) *dsl.Expr {
	b := cep.Type{Kind: cep.KindBool}
	s := cep.Type{Kind: cep.KindString}
	return &dsl.Expr{Op: dsl.OpEq, Type: b, Args: []*dsl.Expr{
		{Op: dsl.OpField, Type: s, Index: 1, Name: "name"},
		{Op: dsl.OpConst, Type: s, Const: cep.Value{Type: s, Text: x}},
	}}
}

func step(binding int, name string, lo, hi int) *dsl.StepIR {
	return &dsl.StepIR{Kind: dsl.StepEvent, Binding: binding, Lo: lo, Hi: hi, Where: named(name)}
}

func rule(p *dsl.PatternIR, labels ...string) *dsl.RuleIR {
	r := &dsl.RuleIR{Name: "r", Routes: []dsl.Route{{Schema: tick}}, Pattern: p}
	for _, l := range labels {
		r.Bindings = append(r.Bindings, dsl.Binding{Label: l, Schema: tick, Captures: []int{1, 2}})
	}
	return r
}

func TestThin(t *testing.T) {
	p, err := Compile(rule(&dsl.PatternIR{Steps: []*dsl.StepIR{step(0, "a", 3, 0), step(1, "b", 1, 1)}, Within: 10 * second}, "a", "b"), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := newDriver(t, p, Limits{})
	b := stream(tick, []event{{0, "a", 1}, {1, "a", 1}, {2, "x", 1}, {3, "a", 1}, {4, "a", 2}, {5, "b", 1}, {6, "a", 2}, {7, "b", 2}})
	for i := range b.Rows {
		d.feed(b, i)
	}
	if got := strings.Join(d.out, "\n"); got != "a=0,1,3,4 b=5 @5" {
		t.Errorf("got %s", got)
	}
	d.drop()
}
