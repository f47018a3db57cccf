package nfa

import (
	"strings"
	"testing"
	"time"
)

const classTypes = "event A { time at  at: timestamp  k: string  v: int  s: string  ok: bool }\n" +
	"event B { time at  at: timestamp  k: string  v: int  s: string  ok: bool }\n" +
	"event C { time at  at: timestamp  k: string  v: int  s: string  ok: bool }\n"

// TestFastClass: the fast machine takes over where it gives the same answer,
// and nowhere else.
func TestFastClass(t *testing.T) {
	const taken = "starts in one queue, cut by step"
	for _, c := range []struct{ rule, want string }{
		{"pattern { a: A then b: B then c: C } within 1h", taken},
		{"pattern { a: A then b: B then c: C }", taken},
		{"pattern { a: at least 3 A then b: B where s != a.last.s } within 1h", taken},
		{"pattern { a: at least 5 A within 10m then no C then b: B where ok and s in a.s } within 10m", taken + "; the last step asks the earliest run"},
		{"pattern { a: at least 5 A within 10m then b: B where ok and s in a.s } within 1h", taken + "; the last step asks each run, earliest first"},
		{"pattern { a: A then b: B where v > a.v } within 1h", taken + "; the last step asks each run, earliest first"},
		{"pattern { a: at least 2 A then b: B where a.count >= 4 } within 1h", taken + "; the last step asks the earliest run"},
		{"pattern { a: at least 2 A then b: B where sum(a.v) > 10 } within 1h", taken + "; the last step asks each run, earliest first"},
		{"pattern { a: A then immediately b: B then no C within 5m } within 1h cancel on C where ok", taken},
		{"pattern { a: exactly 2 A then b: 2 to 3 consecutive B gap 5m then optional C then c: C } where a.last.v > 3", taken},

		{"pattern { a: A then b: B } within 1h match latest", "one run per place"},
		{"pattern { a: A then b: B } within 1h match each", "forks runs"},
		{"pattern { a: A then b: B } within 1h emit at end", "keeps complete runs"},
		{"pattern { a: A then b: B } within 1h on timeout alert { message \"t\" }", "one by one"},
		{"pattern { a: A then 2 ( b: B then c: C ) } within 1h", "a group"},
		{"pattern { a: A then one of { b: B, c: C } } within 1h", "a block"},
		{"pattern { optional A then b: B } within 1h", "the first step may be left out"},
		{"pattern { a: A then b: some B until b.count >= 3 then c: C } within 1h", "has until"},
		{"pattern { a: A then b: some B until before v > 3 then c: C } within 1h", "has until"},
		{"pattern { a: A then immediately b: optional B then c: C } within 1h", "beside a step that may be left out"},
		{"pattern { a: A then b: optional B then immediately c: C } within 1h", "beside a step that may be left out"},
		{"pattern { a: A then b: optional B within 5m then c: C } within 1h", "beside a step that may be left out"},
		{"pattern { a: A then b: B where v > a.v then c: C } within 1h", "the condition of step b differs between runs"},
		{"pattern { a: at least 2 A then b: B where v > a.first.v then c: C } within 1h", "the condition of step b differs between runs"},
		{"pattern { a: at least 2 A within 5m then b: B where v > a.last.v then c: C } within 1h", "the condition of step b differs between runs"},
		{"pattern { a: 2 to 3 A then b: B where v > a.last.v then c: C } within 1h", "the condition of step b differs between runs"},
		{"pattern { a: at least 2 A then b: exactly 1 B where v > a.last.v then c: C } within 1h", "the condition of step b differs between runs"},
		{"pattern { a: at least 2 A then b: 2 B where v > a.last.v then c: C } within 1h", "the condition of step b differs between runs"},
		{"pattern { a: 2 consecutive A where a is missing or v > a.last.v then b: B } within 1h", "the condition of step a differs between runs"},
		{"pattern { a: A then no C where v > a.v then b: B } within 1h", "reads the run"},
		{"pattern { a: A then b: optional B then no C within 2h } within 1h", "waits beyond the pattern's within"},
	} {
		text := "rule r { by k " + c.rule + " alert { message \"m\" } }"
		if i := strings.Index(c.rule, " on timeout"); i >= 0 {
			text = "rule r { by k " + c.rule[:i] + " alert { message \"m\" }" + c.rule[i:] + " }"
		}
		r, err := checkedRule(classTypes + text)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		p, err := Compile(r, time.UTC)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		make, why := fast(p)
		if ok := strings.HasPrefix(c.want, taken); (make != nil) != ok || ok && why != c.want || !strings.Contains(why, c.want) {
			t.Errorf("%s\n  taken %v: %s\n  want %s", c.rule, make != nil, why, c.want)
		}
	}
}
