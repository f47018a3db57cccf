package alerts

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// Filter says which alerts a reader wants: those that pass all that it names.
// The zero Filter wants all.
type Filter struct {
	Rules  []string     // of one of these rules; none: of any
	Least  cep.Severity // as severe as this, or more
	Key    string       // whose key is this text, see cep.Alert.AppendKey; "": any
	From   int64        // ns; whose time is this or later; 0: any
	Before int64        // ns; whose time is earlier; 0: any
	Sink   string       // whose rule names this sink, and which are neither shadows nor silenced; "": any
	States []State      // in one of these states; none: in any
	Terms  []Term       // that hold, see ParseFilter
}

// passes says whether a row passes, but for what people have made of it.
func (f *Filter) passes(r *row) bool {
	switch {
	case r.severity < f.Least,
		f.From != 0 && r.at < f.From,
		f.Before != 0 && r.at >= f.Before,
		f.Key != "" && string(r.key) != f.Key,
		f.Sink != "" && (r.flags&(rowShadow|rowSilenced) != 0 || !r.goes(f.Sink)),
		len(f.Rules) > 0 && !slices.Contains(f.Rules, string(r.rule)):
		return false
	}
	if len(f.Terms) == 0 {
		return true
	}
	s := subject{rule: string(r.rule), key: string(r.key), severity: r.severity, at: r.at,
		shadow: r.flags&rowShadow != 0, silence: string(r.silence), line: r.line}
	return f.holds(&s, false)
}

// made says whether what people have made of an alert passes.
func (f *Filter) made(t *Triage) bool {
	if len(f.States) > 0 && !slices.Contains(f.States, t.State) {
		return false
	}
	return len(f.Terms) == 0 || f.holds(&subject{triage: t}, true)
}

// Matches says whether an alert in hand passes, as it would in the log.
func (f *Filter) Matches(e *Entry) bool {
	switch {
	case e.Severity < f.Least,
		f.From != 0 && e.At < f.From,
		f.Before != 0 && e.At >= f.Before,
		f.Key != "" && e.Key != f.Key,
		f.Sink != "" && (e.Shadow || e.Triage.Silence != "" || !slices.Contains(e.To, f.Sink)),
		len(f.Rules) > 0 && !slices.Contains(f.Rules, e.Rule):
		return false
	}
	if len(f.Terms) == 0 {
		return f.made(&e.Triage)
	}
	s := subject{rule: e.Rule, key: e.Key, severity: e.Severity, at: e.At, shadow: e.Shadow, silence: e.Triage.Silence, line: e.JSON}
	return f.holds(&s, false) && f.made(&e.Triage)
}

// holds says whether the terms hold: those about what people have made of an
// alert, or the others.
func (f *Filter) holds(s *subject, made bool) bool {
	for i := range f.Terms {
		if t := &f.Terms[i]; fields[t.Field].made == made && !t.holds(s) {
			return false
		}
	}
	return true
}
