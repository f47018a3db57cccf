package alerts

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// Filter says which alerts a reader wants. The zero Filter wants all.
type Filter struct {
	Rules  []string     // of one of these rules; none: of any
	Least  cep.Severity // as severe as this, or more
	Key    string       // whose key is this text, see cep.Alert.AppendKey; "": any
	From   int64        // ns; whose time is this or later; 0: any
	Before int64        // ns; whose time is earlier; 0: any
	Sink   string       // whose rule names this sink, and which are neither shadows nor silenced; "": any

	States []State // in one of these states; none: in any
}

func (f *Filter) passes(r *row) bool {
	switch {
	case r.severity < f.Least,
		f.From != 0 && r.at < f.From,
		f.Before != 0 && r.at >= f.Before,
		f.Key != "" && string(r.key) != f.Key,
		f.Sink != "" && (r.flags&(rowShadow|rowSilenced) != 0 || !r.goes(f.Sink)):
		return false
	}
	return f.named(r)
}

// made says whether what people have made of an alert passes.
func (f *Filter) made(t *Triage) bool {
	return len(f.States) == 0 || slices.Contains(f.States, t.State)
}

func (f *Filter) named(r *row) bool {
	if len(f.Rules) == 0 {
		return true
	}
	for _, rule := range f.Rules {
		if rule == string(r.rule) {
			return true
		}
	}
	return false
}
