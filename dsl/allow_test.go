package dsl

import (
	"strings"
	"testing"
)

func TestAllows(t *testing.T) {
	text := `# allow W216

# a rule
# allow W201, W203: the feed never pauses
# of note
rule a { # allow W204
  by k
  on A
  when x
  alert { message "# allow W205" }
} # allow W207
rule b { by k  on A  when x  alert {} }
const c = 3 # allow W2081
`
	f, ds := Parse("a.cep", []byte(text))
	if len(ds) > 0 {
		t.Fatal(ds.Text())
	}
	for _, c := range []struct {
		code, at string
		want     bool
	}{
		{"W201", "on A", true}, {"W203", "rule a", true}, {"W204", "when x", true}, {"W207", "on A", true},
		{"W205", "on A", false}, {"W216", "on A", false}, {"W209", "on A", false},
		{"W207", "rule b", false}, {"W201", "rule b", false}, {"W208", "const c", false},
	} {
		at := strings.Index(text, c.at)
		if got := f.Allows(c.code, Span{at, at + 1}); got != c.want {
			t.Errorf("%s at %q: %v", c.code, c.at, got)
		}
	}
	if n := len(f.Comments); n != 7 {
		t.Errorf("%d comments", n)
	}
}
