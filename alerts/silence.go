package alerts

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/weir-cep/weir/cep"
)

// Silence keeps alerts from the sinks for a time. They are in the log, on the
// feed and in the API all the same, and say which silence it was.
type Silence struct {
	ID      string      // given by the log
	Rule    string      // name of the rule, with * for any run of characters; "": any
	Key     string      // the alert's key as one text; "": any
	Labels  []cep.Label // that the alert must have
	Reason  string
	By      string // who made it
	Created int64  // ns
	Starts  int64  // ns; 0: now
	Ends    int64  // ns
	Ended   string // who ended it early; "": nobody did
	Alerts  uint64 // that it has kept from the sinks
}

// MaxSilences is how many silences there are at most, past ones included: the
// oldest past one makes room for a new one.
const MaxSilences = 10_000

const maxSilenceLabels = 16

// silences are all that the log has, oldest first.
type silences struct {
	mu   sync.RWMutex
	list []*Silence
	open []*Silence // those that have not ended, as of the last look
}

// Silence adds a silence and notes it in the audit trail. Its ID, Created and,
// if it has none, Starts are filled in. It is durable when it returns, and
// holds for alerts that are logged from then on.
func (l *Log) Silence(s Silence) (Silence, error) {
	now := l.opt.Now().UnixNano()
	if s.Starts == 0 {
		s.Starts = now
	}
	if err := s.check(now); err != nil {
		return s, err
	}
	s.Created, s.Ended, s.Alerts = now, "", 0
	gone, err := l.roomForSilence(now)
	if err != nil {
		return s, err
	}
	_, err = l.note(func(b *pebble.Batch, n uint64) error {
		s.ID = fmt.Sprintf("sil-%d", n)
		if gone != "" {
			if err := b.Delete(silenceKey(gone), nil); err != nil {
				return err
			}
		}
		return setJSON(b, silenceKey(s.ID), &s)
	}, "silence", s.describe, s.By)
	if err != nil {
		return s, err
	}
	l.silences.mu.Lock()
	l.silences.list = slices.DeleteFunc(l.silences.list, func(o *Silence) bool { return o.ID == gone })
	mine := s
	l.silences.list = append(l.silences.list, &mine)
	l.silences.look(now)
	l.silences.mu.Unlock()
	return s, l.Sync()
}

// check refuses what a silence may not say.
func (s *Silence) check(now int64) error {
	if err := checkName("author", s.By); err != nil {
		return err
	}
	switch {
	case s.Rule == "" && s.Key == "" && len(s.Labels) == 0:
		return badChange("a silence of everything is not meant: name a rule (rule=card_*), a key or a label")
	case strings.TrimSpace(s.Reason) == "":
		return badChange("a silence needs a reason, for whoever wonders why no alert came")
	case len(s.Reason) > MaxComment, len(s.Rule) > MaxComment, len(s.Key) > MaxComment:
		return badChange("reason, rule and key can be %d bytes long", MaxComment)
	case len(s.Labels) > maxSilenceLabels:
		return badChange("%d labels, it can be %d", len(s.Labels), maxSilenceLabels)
	case s.Ends == 0:
		return badChange("a silence needs an end, such as for=24h")
	case s.Ends <= s.Starts:
		return badChange("the silence ends before it begins")
	case s.Ends <= now:
		return badChange("the silence has ended already")
	}
	return nil
}

// describe says in words what is silenced.
func (s *Silence) describe() string {
	var parts []string
	if s.Rule != "" {
		parts = append(parts, "rule "+s.Rule)
	}
	if s.Key != "" {
		parts = append(parts, "key "+s.Key)
	}
	for _, lb := range s.Labels {
		parts = append(parts, lb.Name+"="+lb.Text)
	}
	return fmt.Sprintf("%s: %s until %s: %s", s.ID, strings.Join(parts, ", "), cep.AppendTime(nil, s.Ends), s.Reason)
}

// roomForSilence is the past silence that has to go for a new one, "" if none
// has to.
func (l *Log) roomForSilence(now int64) (gone string, err error) {
	l.silences.mu.RLock()
	defer l.silences.mu.RUnlock()
	if len(l.silences.list) < MaxSilences {
		return "", nil
	}
	for _, s := range l.silences.list {
		if s.Ends <= now {
			return s.ID, nil
		}
	}
	return "", badChange("there are %d silences in force, it can be no more: end some, or write wider ones", MaxSilences)
}

// Unsilence ends a silence now. ErrNoSilence: there is none of that id in force.
func (l *Log) Unsilence(id, by string) error {
	if err := checkName("author", by); err != nil {
		return err
	}
	now := l.opt.Now().UnixNano()
	_, err := l.note(func(b *pebble.Batch, _ uint64) error {
		s := l.silences.find(id)
		if s == nil || s.Ends <= now {
			return fmt.Errorf("%w: %s", ErrNoSilence, id)
		}
		ended := *s // no alert is counted meanwhile: the caller writes
		ended.Ended, ended.Ends = by, now
		return setJSON(b, silenceKey(id), &ended)
	}, "unsilence", func() string { return id }, by)
	if err != nil {
		return err
	}
	if s := l.silences.find(id); s != nil {
		l.silences.mu.Lock()
		s.Ended, s.Ends = by, now
		l.silences.look(now)
		l.silences.mu.Unlock()
	}
	return l.Sync()
}

func (s *silences) find(id string) *Silence {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i := slices.IndexFunc(s.list, func(o *Silence) bool { return o.ID == id }); i >= 0 {
		return s.list[i]
	}
	return nil
}

// Silences returns the silences that are in force or to come, oldest first;
// with past also those that have ended.
func (l *Log) Silences(past bool) ([]Silence, error) {
	now := l.opt.Now().UnixNano()
	l.silences.mu.RLock()
	defer l.silences.mu.RUnlock()
	list := make([]Silence, 0, len(l.silences.list))
	for _, s := range l.silences.list {
		if past || s.Ends > now {
			list = append(list, *s)
		}
	}
	return list, nil
}

// inForce counts the silences that hold now.
func (s *silences) inForce(now int64) (n int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, o := range s.open {
		if o.Starts <= now && now < o.Ends {
			n++
		}
	}
	return n
}

// look keeps those at hand that have not ended. Called with mu held.
func (s *silences) look(now int64) {
	s.open = s.open[:0:0]
	for _, o := range s.list {
		if o.Ends > now {
			s.open = append(s.open, o)
		}
	}
}

// silence finds the first silence that keeps an alert from the sinks; nil: none
// does. Called with writing held.
func (l *Log) silence(a *cep.Alert, now int64) *Silence {
	l.silences.mu.RLock()
	none := len(l.silences.open) == 0
	l.silences.mu.RUnlock()
	if none {
		return nil
	}
	l.silences.mu.Lock()
	defer l.silences.mu.Unlock()
	key := string(a.AppendKey(nil))
	past := false
	for _, s := range l.silences.open {
		if past = past || s.Ends <= now; s.Ends <= now || s.Starts > now || !s.covers(a, key) {
			continue
		}
		return s
	}
	if past {
		l.silences.look(now)
	}
	return nil
}

// countSilenced counts alerts at their silences, in the batch that logs them.
func (l *Log) countSilenced(b *pebble.Batch, quiet []*Silence) error {
	if len(quiet) == 0 {
		return nil
	}
	l.silences.mu.Lock()
	defer l.silences.mu.Unlock()
	for _, s := range quiet {
		s.Alerts++
	}
	for i, s := range quiet {
		if slices.Index(quiet, s) != i {
			continue
		}
		if err := setJSON(b, silenceKey(s.ID), s); err != nil {
			return err
		}
	}
	l.silenced.Add(uint64(len(quiet)))
	return nil
}

func (s *Silence) covers(a *cep.Alert, key string) bool {
	if s.Rule != "" && !matchGlob(s.Rule, a.Rule) || s.Key != "" && s.Key != key {
		return false
	}
	for _, lb := range s.Labels {
		if !slices.Contains(a.Labels, lb) {
			return false
		}
	}
	return true
}

// matchGlob says whether a text is what a pattern says, in which * stands for
// any run of characters.
func matchGlob(pattern, text string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	parts := strings.Split(rest, "*")
	last := parts[len(parts)-1]
	for _, p := range parts[:len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, last)
}

// loadSilences reads the silences.
func (l *Log) loadSilences() error {
	var list []*Silence
	err := l.each([]byte{keySilence}, func(key, v []byte) error {
		var s Silence
		if err := json.Unmarshal(v, &s); err != nil || s.ID != string(key) {
			return l.damaged("silence %s is not as it was written", key)
		}
		list = append(list, &s)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b *Silence) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
	})
	l.silences.mu.Lock()
	defer l.silences.mu.Unlock()
	l.silences.list = list
	if l.opt.Now != nil {
		l.silences.look(l.opt.Now().UnixNano())
	}
	return nil
}
