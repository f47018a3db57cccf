package expr

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

func TestKeys(t *testing.T) {
	fields := []string{"s", "n", "decision", "ip"}
	var at []int
	var parts []dsl.KeyPart
	for _, name := range fields {
		at = append(at, schema.Field(name))
		parts = append(parts, dsl.KeyPart{Name: name, Type: fld(name).Type.Required()})
	}
	k, err := FieldKeyer(schema, at)
	if err != nil {
		t.Fatal(err)
	}
	f := frameOf(batchOf(full, "s= n=-5 decision=approved ip=::1", "s=x n=1 ip=::1"))
	for row, want := range []string{"abc 5 declined 10.1.2.3", " -5 approved ::1"} {
		key, ok := k.AppendKey([]byte("#"), f.at(row))
		if !ok || key[0] != '#' {
			t.Fatalf("row %d has no key", row)
		}
		got, again := "", []byte{}
		for i, v := range DecodeKey(key[1:], parts) {
			if i > 0 {
				got += " "
			}
			got += v.String()
			again = AppendKeyValue(again, v)
		}
		if got != want || !bytes.Equal(again, key[1:]) {
			t.Errorf("row %d: key %q, want %q; bytes %x, again %x", row, got, want, key[1:], again)
		}
	}
	if key, ok := k.AppendKey([]byte("#"), f.at(2)); ok || string(key) != "#" {
		t.Errorf("a key without a decision is %q", key)
	}
	none, err := (&Compiler{}).Keyer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := none.AppendKey(nil, f); !ok || len(key) != 0 {
		t.Error("a global key is not empty")
	}
}

// An int's bytes sort as ints do, and no two different keys share their bytes.
func TestKeyBytes(t *testing.T) {
	var last []byte
	for i, n := range []int64{math.MinInt64, -256, -1, 0, 1, 255, math.MaxInt64} {
		b := AppendKeyValue(nil, cep.Int(n))
		if i > 0 && bytes.Compare(last, b) >= 0 {
			t.Errorf("%d does not sort behind the one before", n)
		}
		last = b
	}
	ab := AppendKeyValue(AppendKeyValue(nil, cep.Str("a")), cep.Str("bc"))
	if bytes.Equal(ab, AppendKeyValue(AppendKeyValue(nil, cep.Str("ab")), cep.Str("c"))) {
		t.Error("(a, bc) and (ab, c) are one key")
	}
	if got := AppendKeyValue(nil, val(decisionT, "declined")); !bytes.Equal(got, AppendKeyValue(nil, cep.Str("declined"))) {
		t.Errorf("an enum is kept as %x", got)
	}
}

// The key of a feature that is read for another key is an expression; one
// that cannot be computed has no key.
func TestKeyOfExpressions(t *testing.T) {
	f := frameOf(batchOf("s=AbC n=0 req=7"))
	c := &Compiler{Schema: schema}
	k, err := c.Keyer([]*dsl.Expr{fnCall(t, "lower", fld("s")), op(dsl.OpAdd, intT, fld("req"), num(1))})
	if err != nil {
		t.Fatal(err)
	}
	want := AppendKeyValue(AppendKeyValue(nil, cep.Str("abc")), cep.Int(8))
	if key, ok := k.AppendKey(nil, f); !ok || !bytes.Equal(key, want) || len(f.scratch.text) != 0 {
		t.Errorf("key %x, want %x", key, want)
	}
	k, err = c.Keyer([]*dsl.Expr{op(dsl.OpMod, intT, fld("req"), fld("n"))})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := k.AppendKey(nil, f); ok || f.Failures != 1 || f.Failed {
		t.Error("a key that cannot be computed is there")
	}
}

// Words: equal values have equal words, and the caller owns a reference.
func TestWords(t *testing.T) {
	f := frameOf(batchOf("flag=true n=-1 x=-0 s=abc ip=10.0.0.1 geo=-0,5 tags=a|b amount=1.50", "s=ABC geo=0,5 x=0"))
	read := func(e *dsl.Expr) (cep.Word, bool) {
		t.Helper()
		w, err := (&Compiler{}).Word(e)
		if err != nil {
			t.Fatal(err)
		}
		return w(f)
	}
	minus := int64(-1)
	for e, want := range map[*dsl.Expr]cep.Word{fld("n"): cep.Word(minus), fld("flag"): 1, fld("amount"): 1_500_000, fld("x"): 0} {
		if got, ok := read(e); !ok || got != want {
			t.Errorf("%s is %d", e, got)
		}
	}
	negative := &dsl.Expr{Op: dsl.OpConst, Type: numberT, Const: cep.Num(math.Copysign(0, -1))}
	if w, _ := read(negative); w != 0 {
		t.Errorf("-0 has the word %x", w)
	}
	f.at(0)
	a, _ := read(fld("s"))
	g, _ := read(fld("geo"))
	f.at(1)
	b, _ := read(fnCall(t, "lower", fld("s")))
	h, _ := read(fld("geo"))
	if a != b || g != h {
		t.Error("equal values have different words")
	}
	if f.Syms.Str(uint32(a)) != "abc" || WideFromBytes(f.Syms.Str(uint32(g))) != val(pointT, "0,5").Wide {
		t.Error("words are not the values' symbols")
	}
	if f.Syms.Len() != 2 {
		t.Errorf("%d symbols", f.Syms.Len())
	}
	for _, s := range []cep.Word{a, b, g, h} {
		f.Syms.Release(uint32(s))
	}
	if f.Syms.Len() != 0 {
		t.Error("more references were taken than given")
	}
	if _, ok := read(fld("tags")); ok { // row 1 has none
		t.Error("a missing list has a word")
	}
	f.at(0)
	l, _ := read(fld("tags"))
	if got := decodeList(f.Syms.Str(uint32(l)), stringT); len(got) != 2 || got[1].Text != "b" {
		t.Errorf("tags are %v", got)
	}
	for _, k := range []cep.Kind{cep.KindString, cep.KindIP, cep.KindPoint, cep.KindList} {
		if !Interned(cep.Type{Kind: k}) {
			t.Errorf("%s is not interned", k)
		}
	}
	if Interned(intT) {
		t.Error("an int is interned")
	}
	if _, ok := read(op(dsl.OpMod, intT, num(1), num(0))); ok || f.Failures != 1 {
		t.Error("a failed value has a word")
	}
}

// Leaves that others compute: windows, features, the key, the match's times.
func TestOutsideLeaves(t *testing.T) {
	f := frameOf(batchOf(full))
	sym := f.Syms.Intern("RO")
	ip := WideBytes(val(ipT, "10.0.0.1").Wide, cep.KindIP)
	f.Reads = fixedReads{{7, true}, {cep.NumberWord(2.5), true}, {cep.Word(sym), true}, {cep.Word(f.Syms.Intern(string(ip[:]))), true}, {0, false}}
	f.Aggs = f.Reads.(fixedReads)
	f.Key = []cep.Value{cep.Int(4), cep.Str("c1"), val(decisionT, "declined"), val(ipT, "10.9.9.9")}
	f.MatchStart, f.MatchEnd = 1_000_000_000, 3_000_000_000
	f.Lookups = &Lookups{Params: []*Param{NewParam(val(usdT, "5.00 USD")), NewParam(val(stringT, "x")), NewParam(cep.Num(1.5)), NewParam(val(ipT, "10.0.0.7"))}}
	types := []cep.Type{intT, numberT, stringT, ipT, intT}
	want := []string{"7", "2.5", "RO", "10.0.0.1", "–"}
	for i, typ := range types {
		for _, o := range []dsl.Op{dsl.OpFeature, dsl.OpAgg} {
			if got := text(t, &Compiler{}, f, &dsl.Expr{Op: o, Index: i, Type: typ.OrMissing()}); got != want[i] {
				t.Errorf("leaf %d is %s, want %s", i, got, want[i])
			}
		}
	}
	for i, w := range []string{"4", "c1", "declined", "10.9.9.9"} {
		if got := text(t, &Compiler{}, f, &dsl.Expr{Op: dsl.OpKey, Index: i, Type: f.Key[i].Type}); got != w {
			t.Errorf("key part %d is %s, want %s", i, got, w)
		}
	}
	for i, w := range []string{"5.00 USD", "x", "1.5", "10.0.0.7"} {
		if got := text(t, &Compiler{}, f, &dsl.Expr{Op: dsl.OpParam, Param: &dsl.ParamIR{Index: i}, Type: f.Lookups.Params[i].Value.Type}); got != w {
			t.Errorf("param %d is %s, want %s", i, got, w)
		}
	}
	span := op(dsl.OpSub, durationT, &dsl.Expr{Op: dsl.OpMatchEnd, Type: timeT}, &dsl.Expr{Op: dsl.OpMatchStart, Type: timeT})
	if got := text(t, &Compiler{}, f, span); got != "2s" {
		t.Errorf("match.duration is %s", got)
	}
}

func TestTemplates(t *testing.T) {
	f := frameOf(batchOf(full))
	tmpl := dsl.Template{{Text: "Card "}, {Expr: fld("s"), Format: "mask"}, {Text: ": "}, {Expr: fld("x"), Format: ".1"}, {Text: " of "}, {Expr: fld("amount")}, {Text: ", "}, {Expr: fld("when"), Format: "date"},
		{Text: " "}, {Expr: op(dsl.OpMod, intT, fld("n"), num(0))}, {Text: "."}}
	write, err := (&Compiler{}).Template(tmpl)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(write(f, []byte("> "))), "> Card **c: 2.5 of 15.00 USD, 2026-01-31 –."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if f.Failures != 1 {
		t.Errorf("%d failures", f.Failures)
	}
	if _, err := (&Compiler{}).Template(dsl.Template{{Expr: fld("x"), Format: "money"}}); err == nil {
		t.Error("an unknown format compiles")
	}
}

func TestWalkers(t *testing.T) {
	a, b := cond(dsl.OpGt, fld("n"), num(1)), cond(dsl.OpEq, fld("s"), boundField(dsl.Last, "s"))
	d := cond(dsl.OpLt, &dsl.Expr{Op: dsl.OpFeature, Type: intT}, &dsl.Expr{Op: dsl.OpKey, Type: intT})
	all := cond(dsl.OpAnd, a, cond(dsl.OpAnd, b, d), cond(dsl.OpOr, a, b))
	if got := Terms(all); len(got) != 4 || got[0] != a || got[1] != b || got[2] != d {
		t.Errorf("terms %v", got)
	}
	if Terms(nil) != nil || len(Terms(a)) != 1 {
		t.Error("terms of a single condition")
	}
	if ReadsBound(a) || !ReadsBound(b) || !ReadsBound(all) || !ReadsField(a) || ReadsField(d) || !ReadsFeature(d) || ReadsFeature(a) || !ReadsKey(d) || ReadsKey(a) || !ReadsStep(b, 0) || ReadsStep(b, 1) {
		t.Error("what conditions read")
	}
	if got := Fields(all); !slices.Equal(got, []int{schema.Field("n"), schema.Field("s")}) {
		t.Errorf("fields %v", got)
	}
}
