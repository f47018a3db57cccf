package dsl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestSyntaxErrors compares what Parse reports to the letter. Each archive of
// testdata/syntax holds rule files, each followed by what is said of it.
func TestSyntaxErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/syntax/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(ar.Files); i += 2 {
			in, want := &ar.Files[i], &ar.Files[i+1]
			t.Run(strings.TrimSuffix(in.Name, ".cep"), func(t *testing.T) {
				f, ds := Parse(in.Name, in.Data)
				ds = append(ds, templateErrors(f)...)
				got := ds.Text()
				if *rewrite {
					want.Data = []byte(got)
				}
				if got != string(want.Data) {
					t.Errorf("%s\ngot:\n%s", lineDiff(string(want.Data), got), got)
				}
				checkFormat(t, string(in.Data))
			})
		}
		if *rewrite {
			if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// templateErrors reads the templates of a file's messages and labels, as the
// checker does.
func templateErrors(f *File) (all Diagnostics) {
	for _, d := range f.Decls {
		r, ok := d.(*RuleDecl)
		if !ok {
			continue
		}
		for _, c := range r.Clauses {
			a, ok := c.(*AlertClause)
			if !ok {
				continue
			}
			for _, item := range a.Items {
				if item.Text != nil {
					_, ds := ParseTemplate(f.Source, item.Text)
					all = append(all, ds...)
				}
			}
		}
	}
	return all
}
