package cep

// Alert is what a rule tells the outside: the match it is about, in the
// rule's words. Its JSON form (AppendJSON) is the same in files, webhooks, the
// feed and the log.
type Alert struct {
	ID         [16]byte
	Seq        uint64 // position in the alert log, 0 if none
	Rule       string
	Version    string // hash of the compiled rule and all it reads, hex
	Status     string // live or shadow
	Severity   Severity
	Score      float64
	HasScore   bool
	At         int64 // ns; of the completing event, or the deadline
	FirstAt    int64
	Key        []NamedValue // in the order of the rule's "by"; empty for a global rule
	Message    string
	Labels     []Label
	Fields     []NamedValue // in the order of the alert block
	Revision   int
	Suppressed int
	Truncated  bool
	Kind       MatchKind
	Events     []AlertEvent // every bound event, in time order
	To         []string     // sinks named by the rule
	Event      Ref          // of the event that the alert is to rules of higher levels, 0 if none reads it
}

// AppendKey writes the alert's key as one text: its parts as messages print
// them, with ", " between.
func (a *Alert) AppendKey(dst []byte) []byte {
	for i := range a.Key {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = a.Key[i].Value.AppendText(dst)
	}
	return dst
}

// NamedValue is a value with its name.
type NamedValue struct {
	Name  string
	Value Value
}

// Label is one label of an alert.
type Label struct{ Name, Text string }

// AlertEvent is one bound event of an alert.
type AlertEvent struct {
	Step string // the label of the step that took it; the type's name where the step has none
	Type string
	ID   string // the id field's value, else source/partition/position
	At   int64
	Data []byte // raw evidence as JSON, nil where it is gone or left out
}
