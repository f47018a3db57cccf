package dsl

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// manyRules is the rules of an example, n times, under different names.
func manyRules(b *testing.B, n int) []byte {
	text, err := os.ReadFile("testdata/examples/01_card_testing.cep")
	if err != nil {
		b.Fatal(err)
	}
	from, to := bytes.Index(text, []byte("rule card_testing")), bytes.Index(text, []byte("\ntest "))
	var out bytes.Buffer
	for i := range n {
		out.Write(bytes.Replace(text[from:to], []byte("card_testing"), fmt.Appendf(nil, "card_testing_%d", i), 1))
	}
	return out.Bytes()
}

func BenchmarkLex(b *testing.B) {
	text := string(manyRules(b, 1000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		for s := (scanner{text: text}); s.pos < len(text); {
			s.scan()
		}
	}
}

func BenchmarkParse(b *testing.B) {
	text := manyRules(b, 1000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if f, ds := Parse("bench.cep", text); len(ds) > 0 || len(f.Decls) != 1000 {
			b.Fatal(ds.Text())
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rules/s")
}

func BenchmarkFormat(b *testing.B) {
	text := manyRules(b, 1000)
	f, _ := Parse("bench.cep", text)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Format(f)
	}
}
