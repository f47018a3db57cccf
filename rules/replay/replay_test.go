package replay

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/weir-cep/weir/dsl"
)

const events = `
event A { time at late 10s  at: timestamp  k: string  n: int }
defaults A { k: "k" }
param limit: int = 3
list odd of int = [1]
table names from file { path: "names.csv" } { key n: int  word: string }

rule big {
  by k
  on A
  when n > limit and n not in odd
  alert { severity if(n > 10, high, low)  score n  message "{n} {names[n].word}" }
}

rule pair {
  by k
  pattern { a: A where n == 1 then b: A where n == 2 } within 10s
  alert { x = b.n }
}
`

func results(t *testing.T, tests string) (all []*Result, prog *dsl.Program) {
	t.Helper()
	prog, ds, err := dsl.Load(fstest.MapFS{"t.cep": &fstest.MapFile{Data: []byte(events + tests)}}, "t.cep")
	if err != nil {
		t.Fatal(err)
	}
	if ds.HasErrors() {
		t.Fatal(ds.Text())
	}
	for _, test := range prog.Tests {
		r, err := Run(prog, test)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all, prog
}

func TestPassing(t *testing.T) {
	all, _ := results(t, `
test "an alert that fits two lines goes where it is needed" for big {
  given
    at 1s A { n: 5 }
    at 2s A { n: 6 }
  expect 1 alert { severity: low }
  expect 1 alert { score: 5 }
}
test "fixed values" for big {
  with limit = 100
  with odd = [101]
  with names[102].word = "hundred and two"
  given
    at 1s A { n: 99 }
    at 2s A { n: 101 }
    at 3s A { n: 102 }
  expect 1 alert { message: "102 hundred and two", severity: high } at 3s
}
test "arrival apart from time" for pair {
  given
    at 2s A { n: 2 }
    at 1s arriving 3s A { n: 1 }
  expect 1 alert { x: 2 } at 2s
}
test "nothing" for pair {
  given
    at 1s A { n: 2 }
    at 2s A { n: 1 }
  expect no alerts
}
`)
	for _, r := range all {
		if !r.Passed() {
			t.Errorf("%s: %q", r.Test.Name, r.Problems)
		}
	}
}

func TestFailing(t *testing.T) {
	for _, c := range []struct {
		test     string
		problems []string // one piece of each, in order
		why      []string
	}{
		{`test "another value" for big { given at 1s A { n: 5 } expect 1 alert { score: 6 } at 1s }`,
			[]string{"expected alert { score: 6 } at 1s, got none; nearest: its score is 5, not 6", "not expected: alert at 1s (low, score 5)"},
			[]string{"why it fired at 1s:"}},
		{`test "another time" for big { given at 1s A { n: 5 } expect 1 alert at 2s }`,
			[]string{"nearest: it came at 1s, not at 2s", "not expected"}, nil},
		{`test "too many" for big { given at 2 x 1s every 1s A { n: 5 } expect 1 alert }`,
			[]string{"not expected: alert at 2s"}, nil},
		{`test "none at all" for big { given at 1s A { n: 5 } expect no alerts }`,
			[]string{"expected no alerts, got 1 at 1s (score 5)"}, nil},
		{`test "none at all, pattern" for pair { given at 1s A { n: 1 } at 3s A { n: 2 } expect no alerts }`,
			[]string{"expected no alerts, got 1 at 3s"}, []string{"a = 1s   b = 3s   span 2s ≤ within 10s"}},
		{`test "one too few" for big { given at 1s A { n: 3 } expect 1 alert }`,
			[]string{"expected alert, got none"}, []string{"at 1s it did not hold:  n > 3: n = 3"}},
		{`test "half way" for pair { given at 1s A { n: 1 } at 5s A { n: 7 } expect 1 alert }`,
			[]string{"expected alert, got none"}, []string{"how far it got:  a at 1s; the event at 5s did not fit: n == 2: n = 7"}},
	} {
		all, prog := results(t, c.test)
		r := all[0]
		if len(r.Problems) != len(c.problems) {
			t.Errorf("%s: problems %q", r.Test.Name, r.Problems)
			continue
		}
		for i, want := range c.problems {
			if !strings.Contains(r.Problems[i], want) {
				t.Errorf("%s: %q lacks %q", r.Test.Name, r.Problems[i], want)
			}
		}
		why, err := Why(prog, r)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.why {
			if !strings.Contains(strings.Join(why, "\n"), want) {
				t.Errorf("%s: why %q lacks %q", r.Test.Name, why, want)
			}
		}
	}
}
