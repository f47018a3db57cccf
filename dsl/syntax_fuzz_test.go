package dsl

import (
	"os"
	"path/filepath"
	"testing"
)

// seeds gives a fuzzer the examples, the formatter's cases and the mistakes.
func seeds(f *testing.F) {
	files, _ := filepath.Glob("testdata/examples/*.cep")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, c := range formatCases {
		f.Add([]byte(c.in))
	}
}

// Whatever the bytes: no panic, a file, and places that lie within the text.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		file, ds := Parse("f.cep", text)
		if file == nil {
			t.Fatal("no file")
		}
		for i := range ds {
			d := &ds[i]
			if d.Code == "" || d.Message == "" || d.Source != file.Source {
				t.Fatalf("incomplete: %+v", d)
			}
			for _, s := range append([]Span{d.Span}, markSpans(d)...) {
				if s.Start < 0 || s.End < s.Start || s.End > len(text) {
					t.Fatalf("%s points outside of the file: %v of %d", d.Code, s, len(text))
				}
			}
			if d.Text() == "" {
				t.Fatal("no text")
			}
		}
		end := 0
		for _, d := range file.Decls {
			s := d.DeclSpan()
			if s.Start < end || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("declaration at %v, the one before ends at %d", s, end)
			}
			end = s.End
		}
	})
}

func markSpans(d *Diagnostic) (spans []Span) {
	for _, m := range d.Marks {
		spans = append(spans, m.Span)
	}
	return spans
}

// Formatting loses nothing and is done after one time.
func FuzzFormat(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) { checkFormat(t, string(text)) })
}
