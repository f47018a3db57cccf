package expr

import (
	"math"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

const full = "flag=true n=5 x=2.5 amount=15.00 s=abc t=zeta decision=declined when=2026-01-31T10:00:00Z dur=90s ip=10.1.2.3 geo=52.5,13.4 tags=a|b|cnp counts=1|2|3 weights=0.5|1.5 ips=10.0.0.1|10.0.0.2 req=7 name=joe"

func TestComparisons(t *testing.T) {
	present, missing := frameOf(batchOf(full)), frameOf(batchOf(""))
	ops := []dsl.Op{dsl.OpEq, dsl.OpNe, dsl.OpLt, dsl.OpLe, dsl.OpGt, dsl.OpGe}
	tests := []struct {
		field        string
		below, equal string // constants below and equal to the field's value
		above        string
		ordered      bool
	}{
		{"n", "4", "5", "6", true},
		{"x", "2.4", "2.5", "2.6", true},
		{"amount", "14.99 USD", "15.00 USD", "15.000001 USD", true},
		{"s", "abb", "abc", "abcd", true},
		{"when", "2026-01-31T09:59:59Z", "2026-01-31T11:00:00+01:00", "2026-02-01T00:00:00Z", true},
		{"dur", "1m29s", "1m30s", "2m", true},
		{"decision", "approved", "declined", "referred", true},
		{"flag", "false", "true", "", false},
		{"ip", "10.1.2.2", "10.1.2.3", "10.1.2.4", false},
		{"geo", "52,13", "52.5,13.4", "53,14", false},
		{"tags", "a|b", "a|b|cnp", "a|b|x", false},
		{"counts", "1|2", "1|2|3", "1|2|4", false},
		{"weights", "", "0.5|1.5", "0.5|2", false},
		{"ips", "10.0.0.1", "10.0.0.1|10.0.0.2", "10.0.0.1|10.0.0.3", false},
	}
	// what each operator says of a field that is above, equal to or below a constant
	want := map[dsl.Op][3]bool{
		dsl.OpEq: {false, true, false}, dsl.OpNe: {true, false, true},
		dsl.OpLt: {false, false, true}, dsl.OpLe: {false, true, true},
		dsl.OpGt: {true, false, false}, dsl.OpGe: {true, true, false},
	}
	c := &Compiler{}
	for _, tt := range tests {
		for _, o := range ops {
			if !tt.ordered && o != dsl.OpEq && o != dsl.OpNe {
				continue
			}
			for i, text := range []string{tt.below, tt.equal, tt.above} {
				if text == "" && tt.field == "flag" {
					continue
				}
				k := lit(fld(tt.field).Type.Required(), text)
				same := op(dsl.OpElse, k.Type, fld(tt.field), k) // not a leaf, so that no shape is fused
				for name, e := range map[string]*dsl.Expr{
					"field op const": cond(o, fld(tt.field), k),
					"const op field": cond(mirror(o), k, fld(tt.field)),
					"value op value": cond(o, same, op(dsl.OpElse, k.Type, k, fld(tt.field))),
					"not":            cond(dsl.OpNot, cond(dsl.OpNot, cond(o, fld(tt.field), k))),
				} {
					if got := holds(t, c, present, e); got != want[o][i] {
						t.Errorf("%s: %s is %v", name, e, got)
					}
				}
				if got := holds(t, c, missing, cond(o, fld(tt.field), k)); got != (o == dsl.OpNe) {
					t.Errorf("missing: %s %v is %v", tt.field, o, got)
				}
				if got := holds(t, c, missing, cond(o, k, fld(tt.field))); got != (o == dsl.OpNe) {
					t.Errorf("missing on the right: %s is %v", tt.field, got)
				}
			}
		}
	}
}

// Comparisons with the ends of the range become empty or full ranges.
func TestRangeEnds(t *testing.T) {
	c := &Compiler{}
	least, most := math.MinInt64, math.MaxInt64
	for _, tt := range []struct {
		e    *dsl.Expr
		want bool
	}{
		{cond(dsl.OpLt, fld("n"), num(least)), false},
		{cond(dsl.OpGt, fld("n"), num(most)), false},
		{cond(dsl.OpLe, fld("n"), num(most)), true},
		{cond(dsl.OpGe, fld("n"), num(least)), true},
		{cond(dsl.OpAnd, cond(dsl.OpGe, fld("n"), num(6)), cond(dsl.OpLe, fld("n"), num(4))), false},
		{cond(dsl.OpAnd, cond(dsl.OpGe, fld("n"), num(5)), cond(dsl.OpLe, fld("n"), num(5))), true},
		{cond(dsl.OpAnd, cond(dsl.OpGe, fld("req"), num(7)), cond(dsl.OpLe, fld("n"), num(5))), true},
		{cond(dsl.OpAnd, cond(dsl.OpGe, fld("n"), num(5)), cond(dsl.OpNe, fld("n"), num(5))), false},
		{cond(dsl.OpOr, cond(dsl.OpGe, fld("n"), num(6)), cond(dsl.OpLe, fld("n"), num(4))), false},
	} {
		if got := holds(t, c, frameOf(batchOf(full)), tt.e); got != tt.want {
			t.Errorf("%s is %v", tt.e, got)
		}
	}
	for _, n := range []string{"n=-9223372036854775808", "n=9223372036854775807"} {
		f := frameOf(batchOf(n))
		if holds(t, c, f, cond(dsl.OpLt, fld("n"), num(least))) || holds(t, c, f, cond(dsl.OpGt, fld("n"), num(most))) {
			t.Errorf("%s lies outside of all ints", n)
		}
	}
}

func TestLogic(t *testing.T) {
	c := &Compiler{}
	yes, no := cond(dsl.OpEq, fld("n"), num(5)), cond(dsl.OpEq, fld("n"), num(6))
	gone := fld("flag")
	f, g := frameOf(batchOf("n=5")), frameOf(batchOf("flag=true"))
	for _, tt := range []struct {
		e    *dsl.Expr
		want bool
	}{
		{cond(dsl.OpAnd, yes, yes), true}, {cond(dsl.OpAnd, yes, no), false},
		{cond(dsl.OpAnd, yes, yes, no), false}, {cond(dsl.OpAnd, yes, yes, yes, yes, yes), true}, {cond(dsl.OpAnd, yes, yes, yes, yes, no), false},
		{cond(dsl.OpAnd, yes, yes, yes, no), false},
		{cond(dsl.OpOr, no, yes), true}, {cond(dsl.OpOr, no, no, no), false}, {cond(dsl.OpOr, no, no, no, yes), true}, {cond(dsl.OpOr, no, no, no, no), false},
		{cond(dsl.OpNot, yes), false},
		{gone, false}, {cond(dsl.OpNot, gone), true}, // a missing bool is false, "not" flips
		{cond(dsl.OpEq, gone, lit(boolT, "false")), false}, {cond(dsl.OpNe, gone, lit(boolT, "false")), true},
		{cond(dsl.OpElse, gone, lit(boolT, "true")), true},
		{cond(dsl.OpIsMissing, gone), true}, {cond(dsl.OpIsPresent, gone), false},
		{cond(dsl.OpIsMissing, fld("s")), true}, {cond(dsl.OpIsPresent, fld("n")), true},
		{cond(dsl.OpIsMissing, op(dsl.OpElse, intT, fld("n"), fld("req"))), false},
		{cond(dsl.OpIsMissing, fld("tags")), true}, {cond(dsl.OpIsMissing, fld("ip")), true}, {cond(dsl.OpIsMissing, fld("x")), true},
	} {
		if got := holds(t, c, f, tt.e); got != tt.want {
			t.Errorf("%s is %v", tt.e, got)
		}
	}
	if !holds(t, c, g, gone) || holds(t, c, g, cond(dsl.OpElse, cond(dsl.OpNot, gone), lit(boolT, "true"))) {
		t.Error("a present bool is itself")
	}
	is, err := c.Cond(nil)
	if err != nil || !is(f) {
		t.Error("no condition always holds")
	}
}

// A condition that cannot be computed is false, whatever stands around it, and
// counts once; one that is not reached does no harm.
func TestFailedConditions(t *testing.T) {
	c := &Compiler{}
	f := frameOf(batchOf("n=0 req=1"))
	zero := cond(dsl.OpGt, op(dsl.OpMod, intT, fld("req"), fld("n")), num(1))
	for _, tt := range []struct {
		e      *dsl.Expr
		want   bool
		failed uint64
	}{
		{zero, false, 1},
		{cond(dsl.OpNot, zero), false, 1},
		{cond(dsl.OpOr, zero, lit(boolT, "true")), false, 1},
		{cond(dsl.OpOr, cond(dsl.OpEq, fld("req"), num(1)), zero), true, 0},
		{cond(dsl.OpAnd, cond(dsl.OpEq, fld("req"), num(2)), zero), false, 0},
		{cond(dsl.OpIsMissing, op(dsl.OpMod, intT, fld("req"), fld("n"))), false, 1},
		{cond(dsl.OpNe, op(dsl.OpMod, intT, fld("req"), fld("n")), num(1)), false, 1},
		{cond(dsl.OpEq, op(dsl.OpElse, intT, op(dsl.OpMod, intT, fld("req"), fld("n")), num(1)), num(1)), false, 1},
		{cond(dsl.OpGt, op(dsl.OpMod, intT, num(1), num(0)), num(1)), false, 1}, // constant, and fails where it stands
	} {
		is, err := c.Cond(tt.e)
		if err != nil {
			t.Fatal(err)
		}
		before := f.Failures
		if got := is(f); got != tt.want || f.Failures-before != tt.failed || f.Failed {
			t.Errorf("%s is %v, %d failures, failed %v", tt.e, got, f.Failures-before, f.Failed)
		}
		f.Failed = true // an outer expression's failure
		if got := is(f); got != tt.want || !f.Failed {
			t.Errorf("%s is %v inside a failed expression, failed %v", tt.e, got, f.Failed)
		}
		f.Failed = false
	}
}

// Where no event is current its fields are missing.
func TestNoCurrentEvent(t *testing.T) {
	f := &Frame{}
	c := &Compiler{}
	for _, e := range []*dsl.Expr{
		cond(dsl.OpEq, fld("req"), num(7)), cond(dsl.OpGt, fld("req"), num(-1)), cond(dsl.OpEq, fld("name"), str("")),
		cond(dsl.OpIsPresent, fld("req")), cond(dsl.OpIn, fld("req"), lit(listT(intT), "0")),
	} {
		if holds(t, c, f, e) {
			t.Errorf("%s holds without an event", e)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	c := &Compiler{Schema: schema}
	for name, e := range map[string]*dsl.Expr{
		"no condition":     fld("n"),
		"types apart":      cond(dsl.OpEq, fld("n"), fld("s")),
		"order of ips":     cond(dsl.OpLt, fld("ip"), fld("ip")),
		"order of lists":   cond(dsl.OpLt, fld("tags"), fld("tags")),
		"not captured":     cond(dsl.OpIsPresent, boundField(dsl.Last, "n")),
		"free pattern":     cond(dsl.OpLike, fld("s"), fld("t")),
		"bad expression":   cond(dsl.OpMatches, fld("s"), str("(")),
		"bad network":      cond(dsl.OpInNet, fld("ip"), str("10.0.0.0/99")),
		"type of a field":  {Op: dsl.OpField, Index: schema.Field("n"), Type: stringT},
		"lists of lists":   cond(dsl.OpIn, fld("s"), &dsl.Expr{Op: dsl.OpBoundList, Type: listT(listT(stringT))}),
		"key of the wrong": {Op: dsl.OpField, Type: cep.Type{}},
	} {
		if _, err := c.Cond(e); err == nil {
			t.Errorf("%s compiles", name)
		}
	}
	if _, err := c.Keyer([]*dsl.Expr{fld("x")}); err == nil {
		t.Error("a number is a key")
	}
}
