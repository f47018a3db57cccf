package dsl

import (
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	f.Fuzz(checkParse)
}

// checkParse tests what holds for any bytes.
func checkParse(t *testing.T, text []byte) {
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

// Tokens of the examples deleted, doubled, swapped and put elsewhere.
func TestSyntaxMutations(t *testing.T) {
	files, _ := filepath.Glob("testdata/examples/*.cep")
	random := rand.New(rand.NewSource(2))
	var all []piece
	var texts [][]piece
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, cut(string(text)))
		all = append(all, texts[len(texts)-1]...)
	}
	for _, original := range texts {
		for range mutationRounds {
			pieces := slices.Clone(original)
			for range 1 + random.Intn(4) {
				i, j := random.Intn(len(pieces)), random.Intn(len(pieces))
				switch random.Intn(4) {
				case 0:
					pieces = slices.Delete(pieces, i, i+1)
				case 1:
					pieces = slices.Insert(pieces, i, pieces[j])
				case 2:
					pieces[i], pieces[j] = pieces[j], pieces[i]
				case 3:
					pieces[i] = all[random.Intn(len(all))]
				}
			}
			var b strings.Builder
			for _, p := range pieces {
				b.WriteString([]string{" ", "\n", "\n\n"}[p.breaks])
				b.WriteString(p.text)
				if p.comment() {
					b.WriteByte('\n')
				}
			}
			checkParse(t, []byte(b.String()))
			checkFormat(t, b.String())
		}
	}
}

const mutationRounds = 25
