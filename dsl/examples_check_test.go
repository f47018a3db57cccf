package dsl

import (
	"io/fs"
	"os"
	"testing"
)

// TestExamplesCheck compiles every example of the language's design.
func TestExamplesCheck(t *testing.T) {
	fsys := os.DirFS("testdata/examples")
	names, err := fs.Glob(fsys, "*.cep")
	if err != nil || len(names) < 17 {
		t.Fatalf("found %d examples, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			p, ds, err := Load(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ds {
				t.Errorf("%s %s %q: %s %q %v", d.Code, d.Source.Name, d.Source.Slice(d.Span), d.Message, d.Label, d.Notes)
			}
			for _, r := range p.Rules {
				t.Log(r.Dump())
			}
		})
	}
}
