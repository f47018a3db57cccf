package webhook

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/weir-cep/weir/alerts"
)

// storm gathers alerts that would otherwise be too many messages: those of one
// rule beyond the limit in a minute, and those of one rule and key for a time
// behind the first. What is gathered goes out as one summary. It is part of
// what an endpoint keeps with its cursor, so a crash loses none of it.
type storm struct {
	Rules  map[string]*window `json:"rules,omitempty"`  // by rule, of the minute
	Groups map[string]*window `json:"groups,omitempty"` // by rule and key

	ends int64 // when the first window ends, 0: there is none
}

// window is a stretch of time in which alerts are counted.
type window struct {
	Until int64    `json:"until"` // ns, by when alerts were logged
	Sent  int      `json:"sent"`  // on their own
	More  uint64   `json:"more,omitempty"`
	From  uint64   `json:"from,omitempty"` // number of the first that is gathered
	To    uint64   `json:"to,omitempty"`   // and of the last
	Rule  string   `json:"rule,omitempty"`
	Keys  []string `json:"keys,omitempty"` // some of theirs
}

const (
	stormMinute = time.Minute
	maxWindows  = 1_000 // groups at once; further alerts are sent on their own
	maxKeys     = 10    // named in a summary
)

// takes says whether an alert is gathered.
func (s *storm) takes(e *alerts.Entry, limit int, group time.Duration) bool {
	if group > 0 {
		name := e.Rule + "\x00" + e.Key
		if w := s.Groups[name]; w != nil {
			w.gather(e)
			return true
		}
		if len(s.Groups) < maxWindows {
			s.put(&s.Groups, name, &window{Until: e.Logged + int64(group), Rule: e.Rule, Sent: 1})
		}
	}
	if limit == 0 {
		return false
	}
	w := s.Rules[e.Rule]
	if w == nil {
		if len(s.Rules) == maxWindows {
			return false
		}
		w = &window{Until: e.Logged + int64(stormMinute), Rule: e.Rule}
		s.put(&s.Rules, e.Rule, w)
	}
	if w.Sent < limit {
		w.Sent++
		return false
	}
	w.gather(e)
	return true
}

func (s *storm) put(m *map[string]*window, name string, w *window) {
	if *m == nil {
		*m = map[string]*window{}
	}
	(*m)[name] = w
	if s.ends == 0 || w.Until < s.ends {
		s.ends = w.Until
	}
}

func (w *window) gather(e *alerts.Entry) {
	if w.More++; w.From == 0 {
		w.From = e.Seq
	}
	w.To = e.Seq
	if len(w.Keys) < maxKeys && !slices.Contains(w.Keys, e.Key) {
		w.Keys = append(w.Keys, e.Key)
	}
}

// over takes the windows out that have ended at now, and returns their
// summaries, in the order of what is in them.
func (s *storm) over(now int64, sink, link string) (list []alerts.Delivery) {
	for _, m := range []map[string]*window{s.Groups, s.Rules} {
		for name, w := range m {
			if w.Until > now {
				continue
			}
			delete(m, name)
			if w.More > 0 {
				list = append(list, w.summary(now, sink, link))
			}
		}
	}
	slices.SortFunc(list, func(a, b alerts.Delivery) int { return int(int64(a.Seq) - int64(b.Seq)) })
	for i := range list {
		list[i].Seq = 0 // it is about several
	}
	s.look()
	return list
}

// next is when the first window ends, 0 if there is none.
func (s *storm) next() int64 { return s.ends }

// look finds out when the first window ends.
func (s *storm) look() {
	s.ends = 0
	for _, m := range []map[string]*window{s.Groups, s.Rules} {
		for _, w := range m {
			if s.ends == 0 || w.Until < s.ends {
				s.ends = w.Until
			}
		}
	}
}

// summary is the delivery that tells of what was gathered.
func (w *window) summary(now int64, sink, link string) alerts.Delivery {
	text := fmt.Sprintf("and %d more of rule %s, numbers %d to %d", w.More, w.Rule, w.From, w.To)
	if n := len(w.Keys); n > 0 && w.Keys[0] != "" {
		text += fmt.Sprintf("; keys: %s", join(w.Keys, w.More))
	}
	data, _ := json.Marshal(struct { // of texts and numbers: it can't fail
		Text  string   `json:"text"`
		Rule  string   `json:"rule"`
		Count uint64   `json:"count"`
		From  uint64   `json:"from_seq"`
		To    uint64   `json:"to_seq"`
		Keys  []string `json:"keys"`
		URL   string   `json:"url,omitempty"`
	}{text, w.Rule, w.More, w.From, w.To, w.Keys, link})
	return alerts.Delivery{ID: fmt.Sprintf("summary-%s-%d-%d", sink, w.From, w.To), Type: TypeSummary, Seq: w.From, Rule: w.Rule, Message: data, Created: now, Next: now}
}

func join(keys []string, more uint64) string {
	text := ""
	for i, k := range keys {
		if i > 0 {
			text += ", "
		}
		text += k
	}
	if uint64(len(keys)) < more && len(keys) == maxKeys {
		text += " …"
	}
	return text
}
