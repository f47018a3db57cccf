package nfa

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
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

// tick is the type of rules that tests put together by hand.
var tick = eventSchema("Tick")

// named is the condition name == x.
func named(x string) *dsl.Expr {
	b := cep.Type{Kind: cep.KindBool}
	s := cep.Type{Kind: cep.KindString}
	return &dsl.Expr{Op: dsl.OpEq, Type: b, Args: []*dsl.Expr{
		{Op: dsl.OpField, Type: s, Index: 1, Name: "name"},
		{Op: dsl.OpConst, Type: s, Const: cep.Value{Type: s, Text: x}},
	}}
}

// step takes lo to hi events of a name.
func step(binding int, name string, lo, hi int) *dsl.StepIR {
	return &dsl.StepIR{Kind: dsl.StepEvent, Binding: binding, Lo: lo, Hi: hi, Where: named(name)}
}

// rule puts a pattern over tick events together.
func rule(p *dsl.PatternIR, labels ...string) *dsl.RuleIR {
	r := &dsl.RuleIR{Name: "r", Routes: []dsl.Route{{Schema: tick}}, Pattern: p}
	for _, l := range labels {
		r.Bindings = append(r.Bindings, dsl.Binding{Label: l, Schema: tick, Captures: []int{1, 2}})
	}
	return r
}
