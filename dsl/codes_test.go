package dsl

import (
	"strings"
	"testing"
)

// The wrong example of each code raises that code and no other; the right one
// raises nothing.
func TestCodeExamples(t *testing.T) {
	for i := range Codes {
		c := &Codes[i]
		t.Run(c.ID, func(t *testing.T) {
			ds := c.Found(c.Wrong)
			if len(ds) == 0 {
				t.Error("the wrong example compiles")
			}
			for _, d := range ds {
				if d.Code != c.ID {
					t.Errorf("another code:\n%s", d.Text())
				}
			}
			if ds := c.Found(c.Right); len(ds) > 0 {
				t.Errorf("the right example:\n%s", ds.Text())
			}
			for _, text := range []string{c.Wrong, c.Right} {
				f, ds := Parse("example.cep", []byte(text))
				if got := string(Format(f)); !ds.HasErrors() && got != text {
					t.Errorf("not in canonical form: %s", lineDiff(text, got))
				}
			}
			if c.Title == "" || c.Text == "" || !strings.Contains(c.Page(), "["+c.ID+"]") {
				t.Errorf("page:\n%s", c.Page())
			}
		})
	}
}
