package emit

import (
	"encoding/hex"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/nfa"
)

// The ids of alerts are a promise: receivers drop what they have seen by them.
// These were taken when the encoding was fixed and must never change.
func TestIDsNeverChange(t *testing.T) {
	events := []nfa.BoundEvent{{Binding: 0, ID: 7}, {Binding: 1, ID: 9}}
	first := &dsl.RuleIR{Name: "card_testing"}
	each := &dsl.RuleIR{Name: "card_testing", Policy: dsl.MatchEach}
	for _, tt := range []struct {
		rule    *dsl.RuleIR
		lineage string
		kind    cep.MatchKind
		key     string
		events  []nfa.BoundEvent
		want    string
	}{
		{first, "", cep.MatchComplete, "\x02c1", events, "b747b656d85add978aa8b5b3c50e0da4"},
		{first, "", cep.MatchComplete, "\x02c1", events[:1], "b747b656d85add978aa8b5b3c50e0da4"}, // only the first event counts
		{first, "", cep.MatchTimeout, "\x02c1", events, "3f60c5be58411a5e77a31cd924e1b070"},
		{first, "2", cep.MatchComplete, "\x02c1", events, "857510f4388197068031571b8ab3998d"},
		{first, "", cep.MatchComplete, "\x02c2", events, "334353ca8759b66040e322aa84e85058"},
		{each, "", cep.MatchComplete, "\x02c1", events, "2280270d8f40e4715d8ad668c6a77485"},
		{each, "", cep.MatchComplete, "\x02c1", events[:1], "356df01201236f397829173b1c79ab26"},
	} {
		id, _ := ID(tt.rule, tt.lineage, tt.kind, []byte(tt.key), tt.events, nil)
		if got := hex.EncodeToString(id[:]); got != tt.want {
			t.Errorf("policy %d, lineage %q, %s, key %q, %d events: %s, want %s", tt.rule.Policy, tt.lineage, tt.kind, tt.key, len(tt.events), got, tt.want)
		}
	}
}
