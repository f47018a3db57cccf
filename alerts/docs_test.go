package alerts

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The page on alerts names every field of filters, and its filters can be read.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, ok := strings.Cut(string(text), "\n## Filters\n")
	if !ok {
		t.Fatal("there is no part on filters")
	}
	for name := range fields {
		if name == "label" {
			name = "label.NAME"
		}
		if !regexp.MustCompile("(?m)^\\|.*`" + regexp.QuoteMeta(name) + "`.*\\|.*\\|.*\\|$").MatchString(page) {
			t.Errorf("docs/alerts.md lacks the field %s", name)
		}
	}
	before, _, _ := strings.Cut(page, "\n| field |")
	n := 0
	for line := range strings.Lines(before) {
		filter, ok := strings.CutPrefix(line, "    ")
		if !ok {
			continue
		}
		n++
		if _, err := ParseFilter(strings.TrimSpace(filter)); err != nil {
			t.Errorf("%s: %v", filter, err)
		}
	}
	if n < 2 {
		t.Errorf("only %d filters", n)
	}
}
