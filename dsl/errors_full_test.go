package dsl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestErrorsInFull compares the messages of testdata/errors to the letter: each
// archive holds a rule file and all that is to be said about it.
func TestErrorsInFull(t *testing.T) {
	common, err := os.ReadFile("testdata/examples/common.cep")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/errors/*.txt")
	if err != nil || len(files) < 11 {
		t.Fatalf("%d archives, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("%d files, %v", len(ar.Files), err)
			}
			f, ds := Parse(ar.Files[0].Name, ar.Files[0].Data)
			_, more := Check(fstest.MapFS{"common.cep": {Data: common}}, f)
			var got Diagnostics
			for _, d := range append(ds, more...) {
				if d.Code != "W209" {
					got = append(got, d)
				}
			}
			if text := got.Text(); text != string(ar.Files[1].Data) {
				t.Errorf("%s\ngot:\n%s", lineDiff(string(ar.Files[1].Data), text), text)
			}
		})
	}
}
