package alerts

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// State is where an alert is in its life.
type State uint8

// The states. An alert is open until somebody says otherwise.
const (
	StateOpen State = iota
	StateAcknowledged
	StateClosed
)

var stateNames = [...]string{"open", "acknowledged", "closed"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", s)
}

// ParseState reads a state by its name.
func ParseState(text string) (State, error) {
	i := slices.Index(stateNames[:], text)
	if i < 0 {
		return 0, &ChangeError{fmt.Sprintf("there is no state %q: an alert is %s", text, strings.Join(stateNames[:], ", "))}
	}
	return State(i), nil
}

// MarshalText writes a state by its name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state by its name.
func (s *State) UnmarshalText(text []byte) (err error) {
	*s, err = ParseState(string(text))
	return err
}

// Triage is what people have made of an alert. The zero Triage is that of an
// alert that nobody has looked at: open, nobody's.
type Triage struct {
	State    State  `json:"state"`
	Outcome  string `json:"outcome,omitempty"`  // what a closed alert turned out to be, such as fraud or legit
	Assignee string `json:"assignee,omitempty"` // whose it is
	Silence  string `json:"-"`                  // id of the silence that kept it from the sinks, "": none did
	Comments int    `json:"comments,omitempty"` // written so far
	Updated  int64  `json:"updated,omitempty"`  // ns; of the last action, 0: there was none
	Action   uint64 `json:"action,omitempty"`   // number of the last action
}

// Change is what is to become of alerts. What is nil stays.
type Change struct {
	State    *State
	Outcome  *string // of closed alerts only
	Assignee *string // "" takes it from whoever has it
	Comment  *string
}

// What a change may hold.
const (
	MaxComment = 4 << 10 // bytes
	MaxName    = 64      // bytes of an outcome, an assignee or an author
	MaxActed   = 1_000   // alerts in one call of Act
)

// ChangeError says that a change makes no sense, and what would.
type ChangeError struct{ Why string }

func (e *ChangeError) Error() string { return e.Why }

func badChange(format string, args ...any) error { return &ChangeError{fmt.Sprintf(format, args...)} }

// check refuses what a change may not hold.
func (c *Change) check() error {
	switch {
	case c.State == nil && c.Outcome == nil && c.Assignee == nil && c.Comment == nil:
		return badChange("nothing is to change: give a state, an outcome, an assignee or a comment")
	case c.State != nil && int(*c.State) >= len(stateNames):
		return badChange("there is no %v", *c.State)
	case c.Outcome != nil && c.State != nil && *c.State != StateClosed:
		return badChange("an outcome says how an alert was closed: close it, or leave the outcome out")
	case c.Comment != nil && len(*c.Comment) > MaxComment:
		return badChange("the comment is %d bytes long, it can be %d", len(*c.Comment), MaxComment)
	case c.Comment != nil && strings.TrimSpace(*c.Comment) == "":
		return badChange("the comment is empty")
	}
	if c.Outcome != nil {
		if err := checkWord("outcome", *c.Outcome); err != nil {
			return err
		}
	}
	if c.Assignee != nil && *c.Assignee != "" {
		return checkName("assignee", *c.Assignee)
	}
	return nil
}

// checkWord wants a word that rules can compare with: fraud, false_alarm.
func checkWord(what, text string) error {
	ok := len(text) > 0 && len(text) <= MaxName
	for _, c := range []byte(text) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-')
	}
	if !ok {
		return badChange("%q is no %s: a word of letters, digits, _ and -, at most %d long, such as fraud, legit, duplicate", text, what, MaxName)
	}
	return nil
}

// checkName wants a name that can be printed on one line.
func checkName(what, text string) error {
	ok := len(text) > 0 && len(text) <= MaxName
	for _, c := range text {
		ok = ok && c >= ' ' && c != 0x7f && c != '\uFFFD'
	}
	if !ok {
		return badChange("%q is no %s: a name on one line, at most %d bytes long", text, what, MaxName)
	}
	return nil
}

// apply is the triage after a change, and what kind of action that is; "" if
// nothing changes.
func (c *Change) apply(t Triage) (Triage, string, error) {
	was, kind := t, ""
	if c.State != nil {
		t.State = *c.State
	}
	if c.Outcome != nil {
		t.Outcome = *c.Outcome
	}
	if t.State != StateClosed {
		if c.Outcome != nil {
			return was, "", badChange("an outcome says how an alert was closed, and this one is %s: close it, or leave the outcome out", t.State)
		}
		t.Outcome = ""
	}
	if t.State == StateClosed && t.Outcome == "" {
		return was, "", badChange("a closed alert needs an outcome: what did it turn out to be, such as fraud or legit?")
	}
	if c.Assignee != nil {
		t.Assignee = *c.Assignee
	}
	if c.Comment != nil {
		t.Comments++
		kind = "comment"
	}
	if t.Assignee != was.Assignee {
		kind = "assign"
	}
	switch {
	case t.State != was.State:
		kind = [...]string{"reopen", "acknowledge", "close"}[t.State]
	case t.Outcome != was.Outcome:
		kind = "close"
	}
	return t, kind, nil
}

// triage reads what has been made of an alert.
func (l *Log) triage(seq uint64) (t Triage, err error) {
	v, done, err := l.db.Get(triageKey(nil, seq))
	switch {
	case errors.Is(err, pebble.ErrNotFound):
		return t, nil
	case err != nil:
		return t, l.readError(err)
	}
	defer done.Close()
	if err := json.Unmarshal(v, &t); err != nil {
		return t, l.damaged("the triage of alert %d: %v", seq, err)
	}
	return t, nil
}

// triages reads what has been made of alerts that are asked for in the order of
// their numbers. Where nothing has been made of any, it costs one look.
type triages struct {
	l    *Log
	it   *pebble.Iterator
	done bool   // no alert further on has a row
	at   uint64 // of the row that it stands at
}

// triagesOf reads ahead from the first number to the last.
func (l *Log) triagesOf(first, last uint64) (*triages, error) {
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: triageKey(nil, first), UpperBound: triageKey(nil, last+1)})
	if err != nil {
		return nil, l.readError(err)
	}
	t := &triages{l: l, it: it}
	return t, t.stand(it.First())
}

func (t *triages) stand(ok bool) error {
	if t.done = !ok; ok {
		t.at = number(t.it.Key())
	}
	return t.l.readError(t.it.Error())
}

// of is the triage of an alert, none below one that was asked for before.
func (t *triages) of(seq uint64) (tr Triage, err error) {
	if !t.done && t.at < seq {
		if err := t.stand(t.it.SeekGE(triageKey(nil, seq))); err != nil {
			return tr, err
		}
	}
	if t.done || t.at != seq {
		return tr, nil
	}
	v, err := t.it.ValueAndErr()
	if err != nil {
		return tr, t.l.readError(err)
	}
	if err := json.Unmarshal(v, &tr); err != nil {
		return tr, t.l.damaged("the triage of alert %d: %v", seq, err)
	}
	return tr, nil
}

func (t *triages) close() error { return t.it.Close() }
