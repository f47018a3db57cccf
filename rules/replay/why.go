package replay

import (
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

// shownMisses is how many near misses of a failed test are told.
const shownMisses = 3

// Why explains a failed test: for every alert of the rule what it bound and
// when, and, where an expected alert did not come, how far the runs got.
func Why(prog *dsl.Program, res *Result) (lines []string, err error) {
	for _, a := range res.Alerts {
		lines = append(lines, "why it fired at "+offset(a.At-Start)+":  "+evidence(a, res.Test.Rule))
	}
	expected := 0
	for _, e := range res.Test.Expect {
		expected += e.Count
	}
	if len(res.Alerts) >= expected {
		return lines, nil
	}
	story, err := NewStory(res.Test.Rule, prog.Zone)
	if err != nil {
		return nil, err
	}
	if _, err = run(prog, res.Test, &engine.Trace{Rule: res.Test.Rule.Name, Tracer: story, Judged: story.Judged}); err != nil {
		return nil, err
	}
	clock := func(at int64) string { return offset(at - Start) }
	for _, l := range story.Misses(shownMisses) {
		lines = append(lines, "how far it got:  "+strings.ReplaceAll(l.Text(clock), "\n  ", "; "))
	}
	for i := max(0, len(story.Last)-shownMisses); i < len(story.Last); i++ {
		if j := story.Last[i]; !j.Holds {
			lines = append(lines, "at "+clock(j.At)+" it did not hold:  "+j.Why)
		}
	}
	if w := res.Test.Rule.When; w != nil && w.For > 0 && story.Held > 0 {
		lines = append(lines, fmt.Sprintf("it held at %d of %d events, and must hold for %s; \"wait %s\" as the last line of given lets that time pass",
			story.Held, story.Judgements, offset(w.For), offset(w.For)))
	}
	return lines, nil
}

// evidence lists an alert's events by step, "small = 3 events (0s, 10s, 20s)",
// and their span beside the pattern's limit.
func evidence(a *cep.Alert, rule *dsl.RuleIR) string {
	var parts []string
	for i := 0; i < len(a.Events); {
		j := i
		var at []string
		for ; j < len(a.Events) && a.Events[j].Step == a.Events[i].Step; j++ {
			at = append(at, offset(a.Events[j].At-Start))
		}
		if len(at) == 1 {
			parts = append(parts, a.Events[i].Step+" = "+at[0])
		} else {
			if len(at) > 6 {
				at = append(append(at[:3:3], "…"), at[len(at)-1])
			}
			parts = append(parts, fmt.Sprintf("%s = %d events (%s)", a.Events[i].Step, j-i, strings.Join(at, ", ")))
		}
		i = j
	}
	span := "span " + offset(a.At-a.FirstAt)
	// A final absence may end after the limit, which is one of events.
	if p := rule.Pattern; p != nil && p.Within > 0 && a.At-a.FirstAt <= p.Within {
		span += " ≤ within " + offset(p.Within)
	}
	return strings.Join(append(parts, span), "   ")
}
