package dsl

import (
	goflag "flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var rewrite = goflag.Bool("rewrite", false, "write golden files anew, for review")

// TestSentences compares what is said of every example, and of a file with the
// other forms, with testdata/sentences/golden.txt.
func TestSentences(t *testing.T) {
	p, ds, err := Load(os.DirFS("testdata"), "examples", "sentences/forms.cep")
	if err != nil || ds.HasErrors() {
		t.Fatalf("%v\n%s", err, ds.Text())
	}
	var lines []string
	for _, r := range p.Rules {
		lines = append(lines, r.Name+": "+r.Sentence()+"\n")
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n")
	const golden = "testdata/sentences/golden.txt"
	if *rewrite {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\nrun with -rewrite and read the difference", lineDiff(string(want), got))
	}
}

// TestSentenceOfTheDesign holds one sentence to the letter: the language
// reference prints it.
func TestSentenceOfTheDesign(t *testing.T) {
	const want = "For each card_id: 3 or more Auth that are declined, cnp and under 5.00 USD, then — within 10 minutes of the first — " +
		"one Auth that is approved, above 10 × its 30-day average (50.00 USD if unknown) and from another country than the last small one. " +
		"Other events in between are ignored. Fires once per incident; an incident's events are not used again. At most one alert per card_id per hour."
	p, _, err := Load(os.DirFS("testdata/examples"), "01_card_testing.cep")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Rules[0].Sentence(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
