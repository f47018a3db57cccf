package alerts

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// Term is a condition of a filter: a field of alerts, and what it has to be.
type Term struct {
	Field  string   // as in ParseFilter
	Label  string   // of the field label: its name
	Op     string   // = != >= <= ~
	Values []string // one; with = and != one of several
	level  int64    // of the value, where it is compared by size
}

// subject is an alert that terms are about.
type subject struct {
	rule, key string
	severity  cep.Severity
	at        int64
	shadow    bool
	silence   string
	line      []byte
	triage    *Triage
	texts     *lineTexts
}

// lineTexts is what only an alert's line says.
type lineTexts struct {
	Message string
	Labels  map[string]string
}

// said reads the line, once.
func (s *subject) said() *lineTexts {
	if s.texts == nil {
		s.texts = &lineTexts{}
		_ = json.Unmarshal(s.line, s.texts) // the line was written by cep
	}
	return s.texts
}

// field is something that terms ask for.
type field struct {
	ops  string // with spaces between
	made bool   // what people have made of an alert
	text func(s *subject, t *Term) string
	size func(s *subject) int64  // where it is compared by size
	word func(text string) error // what is wrong with a value
	read func(text string) (int64, error)
}

// fields are what terms can ask for.
var fields map[string]field

func init() {
	fields = map[string]field{
		"rule":     {ops: "= !=", text: func(s *subject, _ *Term) string { return s.rule }},
		"key":      {ops: "= !=", text: func(s *subject, _ *Term) string { return s.key }},
		"severity": {ops: "= != >= <=", text: func(s *subject, _ *Term) string { return s.severity.String() }, size: func(s *subject) int64 { return int64(s.severity) }, read: severityOf, word: oneOf("severity", cep.SeverityWords...)},
		"at":       {ops: ">= <=", size: func(s *subject) int64 { return s.at }, read: timeOf},
		"status":   {ops: "= !=", text: statusOf, word: oneOf("status", "live", "shadow")},
		"silenced": {ops: "= !=", text: func(s *subject, _ *Term) string { return fmt.Sprint(s.silence != "") }, word: oneOf("value of silenced", "true", "false")},
		"label":    {ops: "= !=", text: func(s *subject, t *Term) string { return s.said().Labels[t.Label] }},
		"text":     {ops: "~", text: func(s *subject, _ *Term) string { return s.said().Message + "\n" + s.key + "\n" + s.rule }},
		"state":    {ops: "= !=", made: true, text: func(s *subject, _ *Term) string { return s.triage.State.String() }, word: oneOf("state", stateNames[:]...)},
		"outcome":  {ops: "= !=", made: true, text: func(s *subject, _ *Term) string { return s.triage.Outcome }},
		"assignee": {ops: "= !=", made: true, text: func(s *subject, _ *Term) string { return s.triage.Assignee }},
	}
}

func statusOf(s *subject, _ *Term) string {
	if s.shadow {
		return "shadow"
	}
	return "live"
}

func oneOf(what string, words ...string) func(string) error {
	return func(text string) error {
		if !slices.Contains(words, text) {
			return fmt.Errorf("there is no %s %q: %s", what, text, strings.Join(words, ", "))
		}
		return nil
	}
}

func severityOf(text string) (int64, error) {
	return int64(slices.Index(cep.SeverityWords, text)), nil
}

// holds says whether a term holds.
func (t *Term) holds(s *subject) bool {
	f := fields[t.Field]
	switch t.Op {
	case ">=":
		return f.size(s) >= t.level
	case "<=":
		return f.size(s) <= t.level
	case "~":
		return strings.Contains(strings.ToLower(f.text(s, t)), strings.ToLower(t.Values[0]))
	}
	text := f.text(s, t)
	is := slices.ContainsFunc(t.Values, func(v string) bool { return matchGlob(v, text) })
	return is == (t.Op == "=")
}
