package dsl

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// TestCheckSurvives damages rule files in many ways and compiles them: whatever
// is found, nothing panics, every place lies in its file, and a file with one
// damaged word is not buried under messages.
func TestCheckSurvives(t *testing.T) {
	fsys := os.DirFS("testdata")
	names, _ := fs.Glob(fsys, "examples/*.cep")
	scripts, _ := fs.Glob(fsys, "check/*.cep")
	rng := rand.New(rand.NewPCG(8, 7))
	words := strings.Fields(`Auth amount card_id and or not ( ) { } 5 5.00 USD "x" 1h == + * small.last.country spend.n_30d no then where count() over last 1h else in [1,2] is missing match first global within`)
	for _, name := range append(names, scripts...) {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.SplitAfter(string(text), " ")
		for n := 0; n < 12; n++ {
			i := rng.IntN(len(parts))
			damaged := append([]string(nil), parts...)
			switch n % 3 {
			case 0:
				damaged[i] = ""
			case 1:
				damaged[i] = words[rng.IntN(len(words))] + " "
			case 2:
				damaged[i] = parts[rng.IntN(len(parts))]
			}
			f, ds := Parse(name, []byte(strings.Join(damaged, "")))
			p, more := Check(fsys, f)
			for _, d := range append(ds, more...) {
				if d.Source != nil && (d.Span.Start < 0 || d.Span.End > len(d.Source.Text) || d.Span.Start > d.Span.End) {
					t.Fatalf("%s: %s is at %v", name, d.Message, d.Span)
				}
				_ = d.Text()
			}
			if more.HasErrors() || ds.HasErrors() {
				continue
			}
			for _, r := range p.Rules {
				_, _ = r.Dump(), r.Sentence()
			}
		}
	}
}
