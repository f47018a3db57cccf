package expr

import (
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

func TestTrace(t *testing.T) {
	f := frameOf(batchOf(full, "s=RO n=0", "s=US n=3"))
	r := capture(f, "s", "n", "amount")
	f.Bound = r
	f.Lookups = &Lookups{Params: []*Param{NewParam(cep.Int(10))}}
	f.Reads = fixedReads{{usd("20.00").Const.Word, true}, {0, false}, {3, true}}
	c := &Compiler{Schema: schema, Layout: r.layout()}
	factor := &dsl.Expr{Op: dsl.OpParam, Type: intT, Param: &dsl.ParamIR{}, Name: "spike_factor"}
	avg := &dsl.Expr{Op: dsl.OpFeature, Type: usdT.OrMissing(), Index: 0, Name: "spend.avg_30d"}
	none := &dsl.Expr{Op: dsl.OpFeature, Type: usdT.OrMissing(), Index: 1, Name: "spend.max_90d"}
	count := &dsl.Expr{Op: dsl.OpFeature, Type: intT, Index: 2, Name: "spend.n_30d"}
	spike := cond(dsl.OpGt, fld("amount"), op(dsl.OpMul, usdT, op(dsl.OpToNumber, numberT, factor), op(dsl.OpElse, usdT, avg, usd("50.00"))))
	for _, tt := range []struct {
		e    *dsl.Expr
		want string
	}{
		{nil, ""},
		{cond(dsl.OpGt, fld("amount"), usd("10")), ""},
		{spike, "amount > 10 * 20.00 USD: amount = 15.00 USD"},
		{cond(dsl.OpAnd, cond(dsl.OpEq, fld("req"), num(7)), spike, cond(dsl.OpEq, fld("s"), boundField(dsl.Last, "s"))),
			`amount > 10 * 20.00 USD: amount = 15.00 USD; s == a.last.s: s = "abc", a.last.s = "US"`},
		{cond(dsl.OpGt, fld("amount"), none), "amount > missing: amount = 15.00 USD"},
		{cond(dsl.OpGe, count, num(5)), "spend.n_30d >= 5: spend.n_30d = 3"},
		{cond(dsl.OpOr, cond(dsl.OpLt, fld("amount"), usd("5")), cond(dsl.OpEq, fld("decision"), lit(decisionT, "approved"))),
			"amount < 5.00 USD or decision == approved: amount = 15.00 USD, decision = declined"},
		{cond(dsl.OpNot, cond(dsl.OpIn, fld("s"), boundList("s"))), `not s in a.s: s = "abc", a.s = ["abc", "RO", "US"]`},
		{cond(dsl.OpLt, boundAgg(dsl.AggDistinct, intT, "s"), num(2)), "agg(a.s) < 2: agg(a.s) = 3"},
		{cond(dsl.OpGt, op(dsl.OpMod, intT, fld("req"), boundAgg(dsl.AggMin, intT, "n")), num(1)),
			"req % agg(a.n) > 1: req = 7, agg(a.n) = 0 (it can't be computed: a division by zero, an overflow or a failed conversion)"},
	} {
		if got := c.Trace(tt.e, f); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	if f.Failures != 0 {
		t.Errorf("%d failures counted", f.Failures)
	}
}

// fixedReads are features with fixed values.
type fixedReads []struct {
	w  cep.Word
	ok bool
}

func (r fixedReads) Feature(f *Frame, i int) (cep.Word, bool) { return r[i].w, r[i].ok }
func (r fixedReads) Agg(i int) (cep.Word, bool)               { return r[i].w, r[i].ok }
