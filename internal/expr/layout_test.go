package expr

import (
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

var everyField = []string{"at", "flag", "n", "x", "amount", "s", "t", "decision", "when", "dur", "ip", "geo", "tags", "counts", "weights", "ips", "places", "req", "name"}

// What is read of a bound event is what was read of it when it was current.
func TestCaptureKeepsValues(t *testing.T) {
	f := frameOf(batchOf(full, "n=-1 places=1,2|3,4", "s="))
	r := capture(f, everyField...)
	f.Bound = r
	c := &Compiler{Layout: r.layout()}
	which := []dsl.Which{dsl.First, dsl.Last, dsl.Only}
	for _, name := range everyField {
		for row := range r.records {
			want := text(t, c, f.at(row), fld(name))
			if got := r.capture.Value(r.records[row], schema.Field(name), f.Syms); got.String() != want {
				t.Errorf("row %d, %s: captured %s, was %s", row, name, got, want)
			}
			if row != 1 { // the first or the last
				if got := text(t, c, f, boundField(which[row/2], name)); got != want {
					t.Errorf("row %d, a.%s is %s, was %s", row, name, got, want)
				}
			}
		}
		if want := text(t, c, f.at(2), fld(name)); text(t, c, f, boundField(dsl.Only, name)) != want {
			t.Errorf("only %s is not %s", name, want)
		}
	}
}

// A record holds one reference to each of its symbols: after as many releases
// as stores and retains nothing is left.
func TestCaptureReferences(t *testing.T) {
	f := frameOf(batchOf(full, full, ""))
	r := capture(f, everyField...)
	if !r.capture.Symbols() || f.Syms.Len() == 0 {
		t.Fatal("nothing is interned")
	}
	for _, rec := range r.records {
		r.capture.Retain(rec, f.Syms)
	}
	for range 2 {
		for _, rec := range r.records {
			if got := r.capture.Value(rec, schema.Field("name"), f.Syms).Text; got != "joe" && got != "" {
				t.Errorf("name is %q", got)
			}
			r.capture.Release(rec, f.Syms)
		}
	}
	if n := f.Syms.Len(); n != 0 {
		t.Errorf("%d symbols are left", n)
	}
	if NewCapture(schema, []int{schema.Field("n")}).Symbols() {
		t.Error("an int is no symbol")
	}
	if n := NewCapture(schema, nil).Words(); n != 0 {
		t.Errorf("nothing takes %d words", n)
	}
}

// More than 64 fields have more than one word of presence.
func TestWideCapture(t *testing.T) {
	s := &cep.Schema{Name: "Wide", ID: -1}
	for range 130 {
		s.Fields = append(s.Fields, cep.Field{Type: intT.OrMissing()})
	}
	b := &cep.Batch{Tables: []cep.Table{{Schema: s, Rows: 1}}}
	var all []int
	for i := range s.Fields {
		b.Tables[0].Cols = append(b.Tables[0].Cols, cep.Column{Words: []cep.Word{cep.Word(i)}, Present: []uint64{uint64(i % 2)}})
		all = append(all, i)
	}
	f := frameOf(b)
	c := NewCapture(s, all)
	rec := make([]uint64, c.Words())
	for i := range rec {
		rec[i] = ^uint64(0) // Store owes nothing to what was there
	}
	c.Store(rec, f)
	for i := range s.Fields {
		v := c.Value(rec, i, f.Syms)
		if v.Missing != (i%2 == 0) || !v.Missing && v.Word != cep.Word(i) {
			t.Errorf("field %d: %v", i, v)
		}
	}
}

// Without a run, or before a step has bound anything, its fields are missing.
func TestNothingBound(t *testing.T) {
	f := frameOf(batchOf(full))
	empty := capture(f, everyField...)
	empty.records = nil
	c := &Compiler{Layout: empty.layout()}
	count := &dsl.Expr{Op: dsl.OpBoundCount, Type: intT, Name: "a.count"}
	for _, b := range []Bound{nil, empty} {
		f.Bound = b
		for _, name := range everyField {
			if got := text(t, c, f, boundField(dsl.Last, name)); got != cep.MissingText {
				t.Errorf("a.%s is %s", name, got)
			}
		}
		for e, want := range map[*dsl.Expr]string{
			count: "0", boundAgg(dsl.AggCount, intT, "n"): "0", boundAgg(dsl.AggSum, usdT, "amount"): "0.00 USD", boundAgg(dsl.AggSum, numberT, "x"): "0",
			boundAgg(dsl.AggDistinct, intT, "s"): "0", boundAgg(dsl.AggAvg, numberT, "n"): "–", boundAgg(dsl.AggMax, intT, "n"): "–",
			boundAgg(dsl.AggStddev, numberT, "x"): "–", boundAgg(dsl.AggFirst, stringT, "s"): "–", boundAgg(dsl.AggLast, ipT, "ip"): "–", boundAgg(dsl.AggMin, stringT, "s"): "–",
			boundAgg(dsl.AggAvg, usdT, "amount"): "–", boundAgg(dsl.AggStddev, usdT, "amount"): "–", boundAgg(dsl.AggFirst, numberT, "x"): "–", boundAgg(dsl.AggAvg, numberT, "x"): "–",
			boundList("n"): "",
		} {
			if got := text(t, c, f, e); got != want {
				t.Errorf("%s is %s, want %s", e, got, want)
			}
		}
	}
}
