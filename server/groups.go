package server

import (
	"net/http"
	"strings"

	"github.com/weir-cep/weir/alerts"
)

// groupItem is alerts that have a rule, a key or both in common.
type groupItem struct {
	Rule     string `json:"rule,omitempty"`
	Key      string `json:"key,omitempty"`
	Alerts   uint64 `json:"alerts"`
	Open     uint64 `json:"open"` // those that are not closed
	First    stamp  `json:"first"`
	Last     stamp  `json:"last"`
	FirstSeq uint64 `json:"first_seq"`
	LastSeq  uint64 `json:"last_seq"`
	Severity string `json:"severity"` // the gravest
}

type groupsAnswer struct {
	Items []groupItem `json:"items"`
	Back  uint64      `json:"back"` // number of the oldest alert that was looked at
	Head  uint64      `json:"head"`
}

// getGroups answers with alerts by rule, by key or by both.
func (s *Server) getGroups(w http.ResponseWriter, r *http.Request) error {
	lists, err := queryLists(r, append([]string{"by", "limit", "before"}, filterWords...)...)
	if err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	f, q, err := alertFilter(lists)
	if err != nil {
		return err
	}
	by, e := groupBy(q["by"])
	if e != nil {
		return e
	}
	limit, err := number(q, "limit", uint64(s.limits.PageDefault), 1, uint64(s.limits.Page))
	if err != nil {
		return err
	}
	head := s.alerts.Head()
	list, back, err := s.alerts.Groups(by, f, int(limit))
	if err != nil {
		return err
	}
	out := groupsAnswer{[]groupItem{}, back, head}
	for i := range list {
		g := &list[i]
		out.Items = append(out.Items, groupItem{g.Rule, g.Key, g.Alerts, g.Open, stamp(g.FirstAt), stamp(g.LastAt), g.FirstSeq, g.LastSeq, g.Severity.String()})
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// groupBy reads what the alerts of a group are to have in common.
func groupBy(text string) (by alerts.GroupBy, e *Error) {
	if text == "" {
		text = "rule"
	}
	for _, word := range strings.Split(text, ",") {
		switch word {
		case "rule":
			by.Rule = true
		case "key":
			by.Key = true
		default:
			return by, fail(codeParameter, "by=%s is nothing to group by", clip(text)).hint("there are: rule, key, and both: by=rule,key")
		}
	}
	return by, nil
}
