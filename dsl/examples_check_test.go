package dsl

import (
	"io/fs"
	"os"
	"strings"
	"testing"
)

// TestExamplesCheck compiles the examples of the language, each alone and all
// together: no error, and no warning but that a file alone may lack the rules
// that raise the alert events it reads.
func TestExamplesCheck(t *testing.T) {
	fsys := os.DirFS("testdata/examples")
	names, err := fs.Glob(fsys, "*.cep")
	if err != nil || len(names) < 17 {
		t.Fatalf("found %d examples, %v", len(names), err)
	}
	for _, name := range names {
		p, ds, err := Load(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			if d.Code != "W209" && d.Code != "W211" && (d.Code != "W215" || !strings.HasPrefix(name, "14")) {
				t.Errorf("%s\n%s", name, d.Text())
			}
		}
		if len(p.Rules) == 0 && name != "common.cep" {
			t.Errorf("%s: no rules", name)
		}
	}
	p, ds, err := Load(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range ds {
		if d.Code != "W209" && d.Code != "W211" {
			t.Errorf("all together:\n%s", d.Text())
		}
	}
	if len(p.Rules) != 21 || len(p.Tests) != 6 {
		t.Errorf("all together: %d rules, %d tests", len(p.Rules), len(p.Tests))
	}
}
