package expr

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// asNumber puts an int where a number is needed, as the checker does.
func asNumber(e *dsl.Expr) *dsl.Expr { return op(dsl.OpToNumber, numberT, e) }

func number(s string) *dsl.Expr { return lit(numberT, s) }

func dur(s string) *dsl.Expr { return lit(durationT, s) }

func ts(s string) *dsl.Expr { return lit(timeT, s) }

func TestArithmetic(t *testing.T) {
	most, least := num(math.MaxInt64), num(math.MinInt64)
	add, sub, mul, div, mod, neg := dsl.OpAdd, dsl.OpSub, dsl.OpMul, dsl.OpDiv, dsl.OpMod, dsl.OpNeg
	for _, tt := range []struct {
		e    *dsl.Expr
		want string
	}{
		{op(add, intT, num(2), num(3)), "5"}, {op(add, intT, most, num(1)), "failed"}, {op(add, intT, least, num(-1)), "failed"},
		{op(sub, intT, num(2), num(3)), "-1"}, {op(sub, intT, least, num(1)), "failed"}, {op(sub, intT, num(0), least), "failed"},
		{op(sub, intT, num(-1), least), "9223372036854775807"},
		{op(mul, intT, num(-4), num(3)), "-12"}, {op(mul, intT, most, num(2)), "failed"}, {op(mul, intT, least, num(-1)), "failed"},
		{op(mul, intT, num(math.MinInt64/2), num(2)), "-9223372036854775808"},
		{op(neg, intT, num(3)), "-3"}, {op(neg, intT, least), "failed"},
		{op(mod, intT, num(7), num(3)), "1"}, {op(mod, intT, num(-7), num(3)), "-1"}, {op(mod, intT, num(7), num(-3)), "1"},
		{op(mod, intT, num(7), num(0)), "failed"}, {op(mod, intT, least, num(-1)), "0"},

		{op(div, numberT, asNumber(num(1)), asNumber(num(4))), "0.25"}, // int / int is a number
		{op(div, numberT, asNumber(num(1)), asNumber(num(0))), "failed"}, {op(div, numberT, asNumber(num(0)), asNumber(num(0))), "failed"},
		{op(add, numberT, number("1.5"), number("2")), "3.5"}, {op(mul, numberT, number("1e200"), number("1e200")), "failed"},
		{op(sub, numberT, number("1e308"), number("-1e308")), "failed"}, {op(mul, numberT, number("-1"), number("0")), "0"},
		{op(mod, numberT, number("-7.5"), number("2")), "-1.5"}, {op(mod, numberT, number("7.5"), number("0")), "failed"},
		{op(neg, numberT, number("0")), "0"}, {op(neg, numberT, number("2.5")), "-2.5"},

		{op(add, usdT, usd("1.10"), usd("2.20")), "3.30 USD"}, {op(sub, usdT, usd("1"), usd("2.50")), "-1.50 USD"},
		{op(mul, usdT, usd("10000"), number("0.85")), "8500.00 USD"}, {op(mul, usdT, number("0.85"), usd("10000")), "8500.00 USD"},
		{op(mul, usdT, usd("0.000001"), number("0.5")), "0.00 USD"}, {op(mul, usdT, usd("0.000003"), number("0.5")), "0.000002 USD"}, // half to even
		{op(mul, usdT, usd("9000000000000"), number("2")), "failed"},
		{op(mul, usdT, asNumber(num(3)), usd("1.10")), "3.30 USD"},
		{op(mul, usdT, usd("0.000001"), asNumber(fld("req"))), "9007199254.740993 USD"}, // more than a float can say
		{op(div, usdT, usd("10"), number("3")), "3.333333 USD"}, {op(div, usdT, usd("10"), asNumber(num(3))), "3.333333 USD"},
		{op(div, usdT, usd("10"), number("0")), "failed"}, {op(div, usdT, usd("10"), asNumber(num(0))), "failed"},
		{op(div, usdT, usd("-0.000005"), asNumber(num(2))), "-0.000002 USD"},
		{op(div, numberT, usd("1"), usd("8")), "0.125"}, {op(div, numberT, usd("1"), usd("0")), "failed"},
		{op(neg, usdT, usd("1")), "-1.00 USD"},

		{op(sub, durationT, ts("2026-01-31T10:00:00Z"), ts("2026-01-31T08:30:00Z")), "1h30m"},
		{op(add, timeT, ts("2026-01-31T10:00:00Z"), dur("36h")), "2026-02-01T22:00:00Z"},
		{op(sub, timeT, ts("2026-01-31T10:00:00Z"), dur("1d")), "2026-01-30T10:00:00Z"},
		{op(add, timeT, ts("2261-01-31T10:00:00Z"), dur("9000w")), "failed"},
		{op(mul, durationT, dur("10m"), number("1.5")), "15m"}, {op(mul, durationT, asNumber(num(2)), dur("10m")), "20m"},
		{op(div, durationT, dur("1h"), asNumber(num(7))), "8m34s285ms714us286ns"},
		{op(div, numberT, dur("90m"), dur("1h")), "1.5"}, {op(mod, durationT, dur("100m"), dur("1h")), "40m"},
		{op(add, durationT, dur("1h"), dur("30m")), "1h30m"},

		{op(dsl.OpElse, intT, fld("n"), num(3)), "3"}, {op(dsl.OpElse, numberT, fld("x"), number("2.5")), "2.5"},
		{op(dsl.OpElse, usdT, fld("amount"), fld("amount")), "–"}, {op(add, intT, fld("n"), num(1)), "–"}, // missing stays missing
		{op(dsl.OpElse, stringT, fld("s"), str("x")), "x"}, {op(dsl.OpElse, ipT, fld("ip"), lit(ipT, "10.0.0.1")), "10.0.0.1"},
		{op(dsl.OpElse, listT(stringT), fld("tags"), lit(listT(stringT), "a|b")), "a, b"},
		{op(dsl.OpElse, numberT, op(div, numberT, asNumber(num(1)), asNumber(num(0))), number("1")), "failed"}, // a failure is not a missing value
	} {
		f := frameOf(batchOf("req=9007199254740993"))
		if got := text(t, &Compiler{}, f, tt.e); got != tt.want {
			t.Errorf("%s = %s, want %s", tt.e, got, tt.want)
		}
		// The same over values that the compiler does not know.
		if got := text(t, &Compiler{}, f, hide(tt.e)); got != tt.want {
			t.Errorf("of values known late: %s = %s, want %s", tt.e, got, tt.want)
		}
	}
}

// hide puts every constant where the compiler can't see that it is one.
func hide(e *dsl.Expr) *dsl.Expr {
	if e.Op == dsl.OpConst {
		return &dsl.Expr{Op: dsl.OpCall, Func: dsl.Function("if"), Type: e.Type, Args: []*dsl.Expr{cond(dsl.OpIsPresent, fld("at")), e, e}}
	}
	out := *e
	out.Args = nil
	for _, a := range e.Args {
		out.Args = append(out.Args, hide(a))
	}
	return &out
}

// Integer operations against long integers.
func TestIntArithmeticIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	draw := func() int64 { return r.Int64()>>r.IntN(63) - r.Int64()>>r.IntN(63) }
	long := func(v int64) *big.Int { return big.NewInt(v) }
	for range 5_000 {
		a, b := draw(), draw()
		f := frameOf(batchOf(fmt.Sprintf("n=%d req=%d", a, b)))
		for o, exact := range map[dsl.Op]*big.Int{
			dsl.OpAdd: new(big.Int).Add(long(a), long(b)), dsl.OpSub: new(big.Int).Sub(long(a), long(b)), dsl.OpMul: new(big.Int).Mul(long(a), long(b)),
		} {
			want := "failed"
			if exact.IsInt64() {
				want = exact.String()
			}
			if got := text(t, &Compiler{}, f, op(o, intT, fld("n"), fld("req"))); got != want {
				t.Fatalf("%d %v %d = %s, want %s", a, o, b, got, want)
			}
		}
	}
}

func TestFunctions(t *testing.T) {
	f := frameOf(batchOf(full))
	point := func(s string) *dsl.Expr { return lit(pointT, s) }
	for _, tt := range []struct {
		name string
		args []*dsl.Expr
		want string
	}{
		{"abs", []*dsl.Expr{num(math.MinInt64)}, "failed"}, {"abs", []*dsl.Expr{number("-2.5")}, "2.5"}, {"abs", []*dsl.Expr{dur("-5m")}, "5m"},
		{"round", []*dsl.Expr{number("0.5")}, "0"}, {"round", []*dsl.Expr{number("1.5")}, "2"}, {"round", []*dsl.Expr{number("2.675"), num(2)}, "2.67"}, // the float is below the tie
		{"round", []*dsl.Expr{number("-0.4")}, "0"}, {"round", []*dsl.Expr{number("1e300"), num(3)}, "1e+300"}, {"round", []*dsl.Expr{num(7)}, "7"},
		{"round", []*dsl.Expr{usd("2.345"), num(2)}, "2.34 USD"}, {"round", []*dsl.Expr{usd("2.355"), num(2)}, "2.36 USD"}, {"round", []*dsl.Expr{usd("-2.5")}, "-2.00 USD"},
		{"floor", []*dsl.Expr{usd("-0.01")}, "-1.00 USD"}, {"ceil", []*dsl.Expr{usd("-0.01")}, "0.00 USD"}, {"ceil", []*dsl.Expr{usd("3")}, "3.00 USD"},
		{"ceil", []*dsl.Expr{lit(usdT, "9223372036854.775807 USD")}, "failed"}, {"floor", []*dsl.Expr{lit(usdT, "-9223372036854.775808 USD")}, "failed"},
		{"floor", []*dsl.Expr{num(-3)}, "-3"}, {"ceil", []*dsl.Expr{number("-0.5")}, "0"},
		{"sqrt", []*dsl.Expr{number("-1")}, "failed"}, {"log", []*dsl.Expr{number("0")}, "failed"}, {"exp", []*dsl.Expr{number("1000")}, "failed"},
		{"pow", []*dsl.Expr{number("-8"), number("0.5")}, "failed"}, {"pow", []*dsl.Expr{number("0"), number("-1")}, "failed"}, {"pow", []*dsl.Expr{num(3), num(4)}, "81"},
		{"least", []*dsl.Expr{num(3), fld("req"), num(-1)}, "-1"}, {"greatest", []*dsl.Expr{number("2"), number("9.5")}, "9.5"},
		{"number", []*dsl.Expr{str("abc")}, "failed"}, {"number", []*dsl.Expr{str("")}, "failed"}, {"number", []*dsl.Expr{str("1e400")}, "failed"}, {"number", []*dsl.Expr{num(7)}, "7"},
		{"int", []*dsl.Expr{number("-2.9")}, "-2"}, {"int", []*dsl.Expr{number("1e19")}, "failed"}, {"int", []*dsl.Expr{str("12.9")}, "12"}, {"int", []*dsl.Expr{str("x")}, "failed"},
		{"int", []*dsl.Expr{number("-9223372036854775808")}, "-9223372036854775808"}, {"int", []*dsl.Expr{str("1e30")}, "failed"},
		{"days", []*dsl.Expr{dur("12h")}, "0.5"}, {"seconds", []*dsl.Expr{dur("-1ms")}, "-0.001"},
		{"weekday", []*dsl.Expr{ts("2026-02-02T00:00:00Z")}, "1"}, {"hour", []*dsl.Expr{ts("2026-03-29T01:30:00Z"), str("Europe/Paris")}, "3"}, {"year", []*dsl.Expr{ts("1969-12-31T23:59:59Z")}, "1969"},
		{"lower", []*dsl.Expr{str("already")}, "already"}, {"lower", []*dsl.Expr{str("MiXed É\xffX")}, "mixed é\xffx"}, {"upper", []*dsl.Expr{str("straße")}, "STRAßE"},
		{"trim", []*dsl.Expr{str(" \t a b\n")}, "a b"}, {"length", []*dsl.Expr{fld("tags")}, "3"}, {"length", []*dsl.Expr{str("")}, "0"},
		{"replace", []*dsl.Expr{str("aaa"), str("aa"), str("b")}, "ba"}, {"replace", []*dsl.Expr{str("abc"), str(""), str("x")}, "abc"}, {"replace", []*dsl.Expr{str("a.b.c"), str("."), str("")}, "abc"},
		{"split", []*dsl.Expr{str("a,,b"), str(",")}, "a, , b"}, {"split", []*dsl.Expr{str("x"), str("")}, "failed"}, {"split", []*dsl.Expr{str(""), str(",")}, ""},
		{"part", []*dsl.Expr{str("a.b"), str("."), num(3)}, "–"}, {"part", []*dsl.Expr{str("a.b"), str("."), num(-3)}, "–"}, {"part", []*dsl.Expr{str("a.b"), str("."), num(0)}, "–"},
		{"part", []*dsl.Expr{str("a.b"), str("."), num(-2)}, "a"}, {"part", []*dsl.Expr{str("ab"), str(""), num(1)}, "failed"},
		{"left", []*dsl.Expr{str("äöü"), num(2)}, "äö"}, {"left", []*dsl.Expr{str("ab"), num(-1)}, ""}, {"right", []*dsl.Expr{str("äöü"), num(2)}, "öü"}, {"right", []*dsl.Expr{str("ab"), num(9)}, "ab"},
		{"similar", []*dsl.Expr{str("kitten"), str("sitting")}, "0.5714285714285714"}, {"similar", []*dsl.Expr{str(""), str("ab")}, "0"}, {"similar", []*dsl.Expr{str("äb"), str("ab")}, "0.5"},
		{"distance_km", []*dsl.Expr{point("0,0"), point("0,180")}, "20015.114442035923"}, {"distance_km", []*dsl.Expr{point("90,0"), point("-90,77")}, "20015.114442035923"},
		{"point", []*dsl.Expr{number("91"), number("0")}, "failed"}, {"point", []*dsl.Expr{number("52.5"), num(13)}, "52.5,13"},
		{"is_private", []*dsl.Expr{lit(ipT, "172.32.0.1")}, "false"}, {"is_private", []*dsl.Expr{lit(ipT, "172.31.255.255")}, "true"}, {"is_private", []*dsl.Expr{lit(ipT, "fd00::1")}, "true"}, {"is_private", []*dsl.Expr{lit(ipT, "::1")}, "true"}, {"is_private", []*dsl.Expr{lit(ipT, "2001:db8::1")}, "false"},
		{"if", []*dsl.Expr{cond(dsl.OpEq, fld("n"), num(5)), str("a"), fld("s")}, "a"}, {"if", []*dsl.Expr{cond(dsl.OpEq, fld("n"), num(6)), str("a"), fld("s")}, "abc"},
		{"if", []*dsl.Expr{cond(dsl.OpEq, fld("n"), num(5)), num(1), op(dsl.OpMod, intT, num(1), num(0))}, "1"}, // the other value is not looked at
		{"if", []*dsl.Expr{fld("flag"), fld("geo"), point("1,2")}, "52.5,13.4"}, {"if", []*dsl.Expr{fld("flag"), fld("counts"), fld("counts")}, "1, 2, 3"}, {"if", []*dsl.Expr{fld("flag"), lit(boolT, "false"), lit(boolT, "true")}, "false"},
	} {
		e := fnCall(t, tt.name, tt.args...)
		if got := text(t, &Compiler{}, f, e); got != tt.want {
			t.Errorf("%s = %s, want %s", e, got, tt.want)
		}
		if tt.name == "round" || tt.name == "hour" { // their last argument is constant by the language
			continue
		}
		if got := text(t, &Compiler{}, f, hide(e)); got != tt.want {
			t.Errorf("of values known late: %s = %s, want %s", e, got, tt.want)
		}
	}
}

// Missing arguments: the checker rejects them, and where a field is missing
// nevertheless, the result is missing too and nothing fails.
func TestFunctionsOfMissing(t *testing.T) {
	missing := frameOf(batchOf(""))
	samples := map[cep.Kind]*dsl.Expr{cep.KindInt: fld("n"), cep.KindNumber: fld("x"), cep.KindMoney: fld("amount"), cep.KindString: fld("s"),
		cep.KindDuration: fld("dur"), cep.KindTimestamp: fld("when"), cep.KindPoint: fld("geo"), cep.KindIP: fld("ip"), cep.KindBool: fld("flag")}
	tried := 0
	for _, fn := range dsl.Functions() {
		for n := 1; n <= 3; n++ {
			for kind := range samples {
				args := make([]*dsl.Expr, n)
				for i := range args {
					args[i] = samples[kind]
				}
				typ, err := fn.Check(args)
				if err != nil || fn.Name == "time" {
					continue
				}
				tried++
				got := text(t, &Compiler{}, missing, &dsl.Expr{Op: dsl.OpCall, Func: fn, Args: args, Type: typ})
				if want := cep.MissingText; got != want && !(typ.Kind == cep.KindBool && got == "false") {
					t.Errorf("%s of missing is %s", fn.Name, got)
				}
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d calls tried", tried)
	}
}

// Both sides are total: every function of the catalogue is carried out, and
// nothing else is.
func TestCatalogueIsTotal(t *testing.T) {
	have := map[string]bool{"if": true}
	for name := range intFuncs {
		have[name] = true
	}
	for name := range numFuncs {
		have[name] = true
	}
	for name := range strFuncs {
		have[name] = true
	}
	for name := range wideFuncs {
		have[name] = true
	}
	for name := range boolFuncs {
		have[name] = true
	}
	for name := range listFuncs {
		have[name] = true
	}
	for _, fn := range dsl.Functions() {
		if !have[fn.Name] {
			t.Errorf("%s is not carried out", fn.Name)
		}
		delete(have, fn.Name)
	}
	for name := range have {
		t.Errorf("%s is not in the catalogue", name)
	}
}
