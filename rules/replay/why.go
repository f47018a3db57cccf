package replay

import (
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Why explains a failed test: for every alert of the rule what it bound and
// when.
func Why(prog *dsl.Program, res *Result) (lines []string, err error) {
	for _, a := range res.Alerts {
		lines = append(lines, "why it fired at "+offset(a.At-Start)+":  "+evidence(a))
	}
	return lines, nil
}

// evidence lists an alert's events by step: "small = 3 events (0s, 10s, 20s)".
func evidence(a *cep.Alert) string {
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
	return strings.Join(append(parts, "span "+offset(a.At-a.FirstAt)), "   ")
}
