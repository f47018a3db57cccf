package dsl

import (
	"fmt"
	"strings"
	"testing"
)

// Every aggregate of the grammar is described, and nothing else.
func TestAggregatesAreDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Aggregates() {
		if _, ok := aggregateNamed(a.Name); !ok || seen[a.Name] || Function(a.Name) != nil {
			t.Errorf("%s is not an aggregate, is there twice, or is a function as well", a.Name)
		}
		seen[a.Name] = true
		if !strings.HasPrefix(a.Signature, a.Name+"(") || a.Doc == "" || a.Missing == "" {
			t.Errorf("%s: %q %q", a.Name, a.Signature, a.Doc)
		}
	}
	if len(seen) != int(AggMedian)+1 {
		t.Errorf("%d of %d are described", len(seen), AggMedian+1)
	}
}

// The catalogue is in order and complete in its texts.
func TestCatalogue(t *testing.T) {
	last := ""
	for _, f := range Functions() {
		if f.Name <= last || Function(f.Name) != f {
			t.Errorf("%s is out of order", f.Name)
		}
		last = f.Name
		if !strings.HasPrefix(f.Signature, f.Name+"(") || f.Doc == "" || f.Missing == "" || len(f.Examples) == 0 || f.Check == nil {
			t.Errorf("%s is not described", f.Name)
		}
		for _, x := range f.Examples {
			if e, ds := CheckExpr(x.Expr); len(ds) > 0 || e == nil {
				t.Errorf("%s: %s\n%s", f.Name, x.Expr, ds.Text())
			}
		}
	}
	if e, ds := CheckExpr("1 + "); e != nil || len(ds) == 0 {
		t.Error("half an expression compiles")
	}
	if e, ds := CheckExpr("nothing"); e != nil || len(ds) == 0 {
		t.Error("an unknown name compiles")
	}
}

func BenchmarkCheck(b *testing.B) {
	var text strings.Builder
	text.WriteString(irEvents)
	const rules = 2000
	for i := range rules {
		fmt.Fprintf(&text, "rule r%d { by card_id pattern { a: at least 3 Auth where small then b: Auth where amount > 10 * (spend.avg_30d else %d.00 USD) and country != a.last.country } within 10m alert { severity low message \"{card_id} {a.count}\" } }\n", i, i+1)
	}
	f, ds := Parse("r.cep", []byte(text.String()))
	if ds.HasErrors() {
		b.Fatal(ds.Text())
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ds := Check(nil, f); ds.HasErrors() {
			b.Fatal(ds.Text())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rules, "ns/rule")
}
