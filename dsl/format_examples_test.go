package dsl

import (
	"os"
	"path/filepath"
	"testing"
)

// The example files are in canonical form.
func TestFormatExamples(t *testing.T) {
	files, err := filepath.Glob("testdata/examples/*.cep")
	if err != nil || len(files) != 17 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, ds := Parse(filepath.Base(name), text)
		if len(ds) > 0 {
			t.Errorf("%s", ds.Text())
		}
		if got := string(Format(f)); got != string(text) {
			t.Errorf("%s: formatting changes it:\n%s", name, lineDiff(string(text), got))
		}
	}
}
