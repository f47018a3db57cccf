package nfa

import (
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

// operatorCases turns a test of FlinkCEP's operator into a case per key: the
// events by time (of equal ones the cheaper first, as the one test with a
// comparator has it), which is what the engine would feed. was maps the
// positions back to arrivals.
func operatorCases(c *flinkCase) (cases []*flinkCase, was [][]int) {
	of := map[int]int{}
	order := make([]int, len(c.Arrivals))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := c.Arrivals[i], c.Arrivals[j]
		if a.TS != b.TS {
			return int(a.TS - b.TS)
		}
		if a.TS != 0 && a.Price != b.Price {
			return int(a.Price - b.Price)
		}
		return i - j
	})
	for _, i := range order {
		e := c.Arrivals[i]
		key := 0
		if c.KeyBy != "" {
			key = e.ID
		}
		n, ok := of[key]
		if !ok {
			n = len(cases)
			of[key] = n
			k := *c
			cases, was = append(cases, &k), append(was, nil)
		}
		cases[n].Events, was[n] = append(cases[n].Events, e), append(was[n], i)
	}
	return cases, was
}

// positions reads the events of a match written as "a[0] b[1 2]".
func positions(match string, was []int) string {
	var at []int
	for _, x := range strings.FieldsFunc(match, func(r rune) bool { return strings.ContainsRune("[] ", r) }) {
		var n int
		if _, err := fmt.Sscanf(x, "%d", &n); err == nil {
			at = append(at, was[n])
		}
	}
	sort.Ints(at)
	return fmt.Sprint(at)
}

// TestFlinkOperator: the tests of FlinkCEP's operator, whose events arrive out
// of order and for several keys.
func TestFlinkOperator(t *testing.T) {
	listed := readDifferences(t)
	text, err := readCases(filepath.Join(casesDir, "flink-operator.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := readFlink(text)
	if err != nil {
		t.Fatal(err)
	}
	b := newWorkbench()
	matches := 0
	for _, c := range cases {
		var want, got []string
		for _, m := range c.Expected {
			slices.Sort(m)
			want = append(want, fmt.Sprint(m))
		}
		parts, was := operatorCases(c)
		for i, k := range parts {
			r, why := spelled(k, tickSchema("Tick"))
			if r == nil {
				t.Fatalf("%s: %s", c.ID, why)
			}
			v, err := flinkVerdict(b, k, r)
			if err != nil {
				t.Errorf("%s: %v\n%v", c.ID, err, v)
			}
			for _, m := range v.got {
				got = append(got, positions(m, was[i]))
			}
		}
		sort.Strings(want)
		sort.Strings(got)
		if equal := slices.Equal(want, got); equal == (listed[c.ID] != "") {
			t.Errorf("%s: equal %v, listed %q\n  recorded %v\n  weir     %v", c.ID, equal, listed[c.ID], want, got)
		}
		matches += len(got)
	}
	t.Logf("%d cases, %d matches", len(cases), matches)
}
