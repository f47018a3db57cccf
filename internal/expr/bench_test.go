package expr

import (
	"fmt"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// BenchmarkCond measures one evaluation of a condition over rows whose values
// differ, so that branches are not all foretold.
func BenchmarkCond(b *testing.B) {
	var rows []string
	for i := range 1024 {
		rows = append(rows, fmt.Sprintf("n=%d req=%d x=%d.5 amount=%d.99 s=merchant%d name=u%d decision=%s ip=10.0.%d.7 geo=%d,13 when=2026-01-%02dT10:00:00Z tags=a|cnp dur=%ds",
			i*7%100, i*11%100, i*13%50, i*37%400, i*5%97, i%50, []string{"approved", "declined", "referred"}[i*31%3], i%256, i%80, i%28+1, i%3600))
	}
	f := frameOf(batchOf(rows...))
	r := capture(f, everyField...)
	r.records = r.records[:7]
	f.Bound = r
	f.Reads = fixedReads{{cep.Word(20 * cep.MoneyScale), true}}
	f.Lookups = &Lookups{Params: []*Param{NewParam(cep.Num(10))}}
	spike := &dsl.Expr{Op: dsl.OpParam, Param: &dsl.ParamIR{}, Type: numberT}
	avg := &dsl.Expr{Op: dsl.OpFeature, Type: usdT.OrMissing()}
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, fmt.Sprintf("pattern%d", i))
	}
	for _, bb := range []struct {
		name string
		e    *dsl.Expr
	}{
		{"int>const", cond(dsl.OpGt, fld("req"), num(50))},
		{"optional money<const", cond(dsl.OpLt, fld("amount"), usd("100"))},
		{"between", cond(dsl.OpAnd, cond(dsl.OpGe, fld("req"), num(20)), cond(dsl.OpLe, fld("req"), num(70)))},
		{"number<const", cond(dsl.OpLt, fld("x"), number("20"))},
		{"enum==const", cond(dsl.OpEq, fld("decision"), lit(decisionT, "declined"))},
		{"string==const", cond(dsl.OpEq, fld("name"), str("u7"))},
		{"string!=bound", cond(dsl.OpNe, fld("s"), boundField(dsl.Last, "s"))},
		{"enum in", cond(dsl.OpIn, fld("decision"), lit(listT(decisionT), "declined|referred"))},
		{"string in 3", cond(dsl.OpIn, fld("s"), constList("merchant1", "merchant2", "merchant3"))},
		{"string in 100", cond(dsl.OpIn, fld("s"), constList(hundred...))},
		{"ip in net", cond(dsl.OpInNet, fld("ip"), str("10.0.0.0/9"))},
		{"string in bound 7", cond(dsl.OpIn, fld("s"), boundList("s"))},
		{"contains", cond(dsl.OpContains, fld("s"), str("chant9"))},
		{"like", cond(dsl.OpLike, fld("s"), str("mer*9"))},
		{"ilike 100", cond(dsl.OpILike, fld("s"), constList(hundred...))},
		{"matches", cond(dsl.OpMatches, fld("s"), str(`t\d9$`))},
		{"probe", cond(dsl.OpAnd, cond(dsl.OpEq, fld("decision"), lit(decisionT, "declined")), cond(dsl.OpEq, fld("name"), str("u7")), cond(dsl.OpLt, fld("amount"), usd("100")))},
		{"spike", cond(dsl.OpGt, fld("amount"), op(dsl.OpMul, usdT, spike, op(dsl.OpElse, usdT, avg, usd("50"))))},
		{"sum(step)", cond(dsl.OpGe, boundAgg(dsl.AggSum, usdT, "amount"), usd("1000"))},
		{"distinct(step)", cond(dsl.OpGe, boundAgg(dsl.AggDistinct, intT, "s"), num(5))},
		{"distance", cond(dsl.OpGt, fnCall(b, "distance_km", boundField(dsl.Last, "geo"), fld("geo")), number("500"))},
		{"hour", cond(dsl.OpLt, fnCall(b, "hour", fld("when"), str("Europe/Paris")), num(6))},
	} {
		b.Run(bb.name, func(b *testing.B) {
			is, err := (&Compiler{Schema: schema, Layout: r.layout()}).Cond(bb.e)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			row, hits := 0, 0
			for b.Loop() {
				if is(f.at(row & 1023)) {
					hits++
				}
				row++
			}
			if f.Failures > 0 {
				b.Fatal("evaluations failed")
			}
		})
	}
}

func BenchmarkStore(b *testing.B) {
	f := frameOf(batchOf(full, full))
	r := capture(f, "amount", "s", "ip")
	b.ReportAllocs()
	for b.Loop() {
		r.capture.Release(r.records[0], f.Syms)
		r.capture.Store(r.records[0], f)
	}
}

func BenchmarkKey(b *testing.B) {
	f := frameOf(batchOf(full))
	k, err := FieldKeyer(schema, []int{schema.Field("s")})
	if err != nil {
		b.Fatal(err)
	}
	var key []byte
	b.ReportAllocs()
	for b.Loop() {
		key, _ = k.AppendKey(key[:0], f)
	}
}
