package expr

import (
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Evaluation allocates nothing, once the frame's scratch has grown and the
// patterns of lists from outside are compiled: not for any function of the
// catalogue, nor for any other operation.
func TestEvaluationAllocatesNothing(t *testing.T) {
	f := frameOf(batchOf(full, "s=xyz ip=10.0.0.9 geo=1,2 n=3 x=0.5 amount=2.00 tags=x|y"))
	r := capture(f, everyField...)
	f.Bound = r
	f.Lookups = &Lookups{Lists: []*List{NewList(stringT, constList("q", "abc", "a*", "z", "?", "y").Const.List)}, Params: []*Param{NewParam(cep.Str("a"))}}
	f.Reads = fixedReads{{1, true}}
	c := &Compiler{Schema: schema, Layout: r.layout()}
	list := &dsl.Expr{Op: dsl.OpList, List: &dsl.ListIR{}, Type: listT(stringT)}
	param := &dsl.Expr{Op: dsl.OpParam, Param: &dsl.ParamIR{}, Type: stringT}

	var es []*dsl.Expr
	for _, fn := range dsl.Functions() {
		for _, x := range fn.Examples {
			e := fromSource(t, "", x.Expr).Alert.Fields[0].Expr
			if !fixedArgs(e) {
				e = hide(e)
			}
			es = append(es, e)
		}
	}
	es = append(es,
		fnCall(t, "round", fld("x"), num(2)), fnCall(t, "round", fld("amount"), num(1)), fnCall(t, "hour", fld("when"), str("Europe/Paris")), fnCall(t, "weekday", fld("when"), str("UTC")),
		fnCall(t, "lower", hide(str("MIXED"))), fnCall(t, "upper", fld("s")), fnCall(t, "similar", fld("s"), hide(str("abd"))), fnCall(t, "replace", fld("s"), hide(str("b")), hide(str("ccc"))),
		op(dsl.OpMul, usdT, fld("amount"), fld("x")), op(dsl.OpDiv, numberT, fld("amount"), fld("amount")), op(dsl.OpMod, intT, fld("n"), fld("req")),
		cond(dsl.OpIn, fld("s"), boundList("s")), cond(dsl.OpIn, fld("ip"), boundList("ip")), cond(dsl.OpIn, fld("s"), fld("tags")), cond(dsl.OpIn, fld("s"), constList("a", "abc")),
		cond(dsl.OpIn, fld("decision"), lit(listT(decisionT), "approved|referred")), cond(dsl.OpIn, fld("s"), list), cond(dsl.OpInNet, fld("ip"), str("10.0.0.0/8")), cond(dsl.OpInNet, fld("ip"), hide(str("10.0.0.0/8"))),
		cond(dsl.OpEq, fld("ip"), boundField(dsl.Last, "ip")), cond(dsl.OpNe, fld("s"), boundField(dsl.First, "s")), cond(dsl.OpEq, fld("tags"), boundField(dsl.First, "tags")),
		cond(dsl.OpGt, fld("amount"), boundField(dsl.Last, "amount")), cond(dsl.OpIsPresent, fld("geo")), cond(dsl.OpAnd, fld("flag"), cond(dsl.OpNot, fld("flag"))),
		boundField(dsl.Last, "s"), boundField(dsl.Last, "tags"), boundList("s"),
	)
	for _, o := range []dsl.Op{dsl.OpContains, dsl.OpStarts, dsl.OpEnds, dsl.OpLike, dsl.OpILike, dsl.OpMatches} {
		if o != dsl.OpMatches { // "?" alone is no regular expression
			es = append(es, cond(o, fld("s"), list), cond(o, fld("tags"), list))
		}
		if o != dsl.OpMatches || !underRace {
			es = append(es, cond(o, fld("s"), str("b.*c")), cond(o, fld("tags"), constList("a", "b", "c", "d", "[a-z]x")), cond(o, fld("s"), param))
		}
	}
	for _, name := range []string{"n", "x", "amount", "s", "ip", "geo"} {
		typ := fld(name).Type.Required()
		es = append(es, boundAgg(dsl.AggCount, intT, name), boundAgg(dsl.AggDistinct, intT, name), boundAgg(dsl.AggFirst, typ, name), boundAgg(dsl.AggLast, typ, name))
		if familyOf(typ.Kind) <= numbers {
			es = append(es, boundAgg(dsl.AggSum, typ, name), boundAgg(dsl.AggMin, typ, name), boundAgg(dsl.AggMax, typ, name))
			if typ.Kind == cep.KindInt {
				typ = numberT
			}
			es = append(es, boundAgg(dsl.AggAvg, typ, name), boundAgg(dsl.AggStddev, typ, name))
		}
	}
	for _, e := range es {
		word, err := c.Word(e)
		if err != nil {
			t.Fatal(err)
		}
		free := Interned(e.Type)
		run := func() {
			if w, ok := word(f); ok && free {
				f.Syms.Release(uint32(w))
			}
		}
		if n := testing.AllocsPerRun(50, run); n != 0 {
			t.Errorf("%s: %v allocations", e, n)
		}
		if e.Type.Kind != cep.KindBool {
			continue
		}
		is, err := c.Cond(e)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(50, func() { is(f) }); n != 0 {
			t.Errorf("condition %s: %v allocations", e, n)
		}
	}
	if f.Failures != 0 {
		t.Errorf("%d evaluations failed", f.Failures)
	}
	if len(f.scratch.text) != 0 || len(f.scratch.words) != 0 {
		t.Error("the scratch is not given back")
	}
}

func TestStoringAllocatesNothing(t *testing.T) {
	f := frameOf(batchOf(full, full))
	r := capture(f, everyField...) // keeps the symbols alive
	k, err := FieldKeyer(schema, []int{schema.Field("s"), schema.Field("n"), schema.Field("decision"), schema.Field("ip")})
	if err != nil {
		t.Fatal(err)
	}
	key, values := make([]byte, 0, 64), make([]cep.Value, 0, 4)
	parts := []dsl.KeyPart{{Type: stringT}, {Type: intT}, {Type: decisionT}, {Type: ipT}}
	if n := testing.AllocsPerRun(50, func() {
		r.capture.Release(r.records[0], f.Syms)
		r.capture.Store(r.records[0], f)
		key, _ = k.AppendKey(key[:0], f)
		values = ViewKey(values[:0], key, parts)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
