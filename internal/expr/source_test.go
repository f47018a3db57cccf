package expr

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// fromSource checks a rule whose alert has a field for each expression, and
// returns the rule. The expressions are over an event like schema.
func fromSource(t testing.TB, decls string, exprs ...string) *dsl.RuleIR {
	t.Helper()
	var b strings.Builder
	b.WriteString("enum Decision { approved, declined, referred }\nevent E { time at\n")
	for _, f := range schema.Fields {
		fmt.Fprintf(&b, "  %s: %s\n", f.Name, f.Type)
	}
	b.WriteString("}\n" + decls + "\nrule r \"r\" {\n  global\n  on e: E when newly true\n  alert {\n")
	for i, e := range exprs {
		fmt.Fprintf(&b, "    f%d = %s\n", i, e)
	}
	b.WriteString("  }\n}\n")
	prog, ds, err := dsl.Load(fstest.MapFS{"t.cep": {Data: []byte(b.String())}}, "t.cep")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if strings.HasPrefix(d.Code, "E") {
			t.Fatalf("%s: %s\nin %s", d.Code, d.Message, strings.Join(exprs, "\n   "))
		}
	}
	return prog.Rules[0]
}

// Every example of the catalogue gives the value that it promises.
func TestCatalogueExamples(t *testing.T) {
	var sources, want []string
	for _, fn := range dsl.Functions() {
		if len(fn.Examples) == 0 {
			t.Errorf("%s has no example", fn.Name)
		}
		for _, x := range fn.Examples {
			sources = append(sources, x.Expr)
			want = append(want, x.Value)
		}
	}
	f := frameOf(batchOf(""))
	for i, field := range fromSource(t, "", sources...).Alert.Fields {
		if got := text(t, &Compiler{}, f, field.Expr); got != want[i] {
			t.Errorf("%s = %s, want %s", sources[i], got, want[i])
		}
		if got := text(t, &Compiler{}, f, hide(field.Expr)); !fixedArgs(field.Expr) && got != want[i] {
			t.Errorf("of values known late: %s = %s, want %s", sources[i], got, want[i])
		}
	}
}

// fixedArgs says that an expression calls a function with an argument that
// the language wants constant.
func fixedArgs(e *dsl.Expr) bool {
	return Any(e, func(e *dsl.Expr) bool {
		if e.Op != dsl.OpCall {
			return false
		}
		switch e.Func.Name {
		case "round", "year", "month", "day", "weekday", "hour", "minute", "time":
			return true
		}
		return false
	})
}

// Expressions as analysts write them, over a full event.
func TestExpressionsFromSource(t *testing.T) {
	tests := []struct{ source, want string }{
		{`e.req * 2 + 1`, "15"},
		{`e.req / 2`, "3.5"},
		{`(e.amount else 0.00 USD) * 10`, "150.00 USD"},
		{`(e.amount else 0.00 USD) > spike * (e.amount else 50.00 USD)`, "false"},
		{`50% * (e.amount else 0.00 USD)`, "7.50 USD"},
		{`(e.n else 0) between 1 and 5`, "true"},
		{`e.decision in [declined, referred]`, "true"},
		{`e.decision == approved`, "false"},
		{`e.name in ["joe", "ann"]`, "true"},
		{`e.name in people`, "true"},
		{`e.ip in "10.0.0.0/8"`, "true"},
		{`e.ip in ["192.168.0.0/16", "10.1.0.0/16"]`, "true"},
		{`"cnp" in e.tags`, "true"},
		{`e.tags ilike ["*NP", "x*"]`, "true"},
		{`e.name matches "^j.e$"`, "true"},
		{`e.name starts with ["x", "jo"]`, "true"},
		{`e.name not like "*x*"`, "true"},
		{`e.s is missing or e.s contains "b"`, "true"},
		{`if(e.name == "joe", 1, 2.5)`, "1"},
		{`e.at - 1h`, "1969-12-31T23:00:00Z"},
		{`hour(e.at, "Asia/Tokyo")`, "9"},
		{`least(e.req, 4) * 10`, "40"},
		{`not (e.n else 0) > 3 and e.name == "joe"`, "false"},
	}
	var sources []string
	for _, tt := range tests {
		sources = append(sources, tt.source)
	}
	r := fromSource(t, "param spike: number = 10 min 2\nlist people of string = [\"joe\", \"ann\"]", sources...)
	f := frameOf(batchOf(full))
	// The alert reads the event through its binding.
	on := r.Bindings[0]
	run := &runOf{capture: NewCapture(schema, on.Captures)}
	rec := make([]uint64, run.capture.Words())
	run.capture.Store(rec, f)
	run.records = [][]uint64{rec}
	f.Bound = run
	f.Lookups = &Lookups{Params: []*Param{NewParam(cep.Num(10))}, Lists: []*List{NewList(stringT, []cep.Value{cep.Str("joe"), cep.Str("ann")})}}
	for i, field := range r.Alert.Fields {
		if got := text(t, &Compiler{Layout: run.layout()}, f, field.Expr); got != tests[i].want {
			t.Errorf("%s = %s, want %s", tests[i].source, got, tests[i].want)
		}
	}
}
