package server

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
)

var alertRoutes = []route{
	{"GET", "/api/v1/alerts", RoleViewer, "alerts behind a sequence number, or the newest", (*Server).getAlerts},
	{"GET", "/api/v1/alerts/{seq}", RoleViewer, "an alert, what was done to it, and where it was sent", (*Server).getAlert},
	{"GET", "/api/v1/alerts/groups", RoleViewer, "alerts by rule, by key or by both", (*Server).getGroups},
	{"POST", "/api/v1/alerts/triage", RoleAnalyst, "acknowledge, close, open again, assign or comment alerts", (*Server).postTriage},
}

// filterWords are parameters that say which alerts are asked for.
var filterWords = []string{"rule", "min_severity", "key", "from", "filter"}

// getAlerts answers with the alerts behind a sequence number, and waits for
// some if it is asked to; or with the newest.
func (s *Server) getAlerts(w http.ResponseWriter, r *http.Request) error {
	lists, err := queryLists(r, append([]string{"after", "limit", "wait", "last", "before"}, filterWords...)...)
	if err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	if _, ok := lists["last"]; ok {
		return s.getLast(w, lists)
	}
	f, q, err := alertFilter(lists)
	if err != nil {
		return err
	}
	after, limit, err := s.cursor(q)
	if err != nil {
		return err
	}
	wait, err := duration(q, "wait", s.limits.Wait)
	if err != nil {
		return err
	}
	if wait > 0 {
		if !s.polls.take(1) {
			return busy("too many requests wait for alerts")
		}
		defer s.polls.give(1)
	}
	p, err := s.page(r.Context(), after, limit, f, wait)
	if err != nil {
		return err
	}
	writePage(w, &p)
	return nil
}

// getLast answers with the newest alerts, newest first, or those before a
// number.
func (s *Server) getLast(w http.ResponseWriter, lists map[string][]string) error {
	for _, name := range []string{"after", "limit", "wait"} {
		if _, ok := lists[name]; ok {
			return fail(codeParameter, "last and %s do not go together", name).hint("last=N is the newest N; after=SEQ&limit=N goes on behind a number")
		}
	}
	var below map[string]string
	if vs := lists["before"]; len(vs) == 1 && digits(vs[0]) {
		below = map[string]string{"before": vs[0]}
		delete(lists, "before")
	}
	before, err := number(below, "before", 0, 1, math.MaxInt64)
	if err != nil {
		return err
	}
	f, q, err := alertFilter(lists)
	if err != nil {
		return err
	}
	n, err := number(q, "last", 0, 1, uint64(s.limits.Page))
	if err != nil {
		return err
	}
	p, err := s.alerts.Last(int(n), before, f)
	if err != nil {
		return err
	}
	writePage(w, &p)
	return nil
}

func digits(text string) bool {
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return text != ""
}

// alertFilter takes which alerts are asked for from parameters.
func alertFilter(lists map[string][]string) (f alerts.Filter, q map[string]string, err error) {
	f.Rules = lists["rule"]
	delete(lists, "rule")
	if q, err = once(lists); err != nil {
		return f, nil, err
	}
	words, err := feedFilter(q["filter"])
	if err != nil {
		return f, nil, err
	}
	f.Terms = words.Terms
	return f, q, filter(q, &f)
}

// page reads a page, and waits for its first alert.
func (s *Server) page(ctx context.Context, after uint64, limit int, f alerts.Filter, wait time.Duration) (alerts.Page, error) {
	var end <-chan time.Time
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		end = timer.C
	}
	for {
		changed := s.alerts.Changed()
		p, err := s.alerts.After(after, limit, f)
		if err != nil || len(p.Entries) > 0 || wait == 0 {
			return p, err
		}
		if after = p.Next; after < p.Head {
			continue // it has not looked at all that there is
		}
		select {
		case <-changed:
		case <-end:
			return p, nil
		case <-s.stop:
			return p, nil
		case <-ctx.Done():
			return p, http.ErrAbortHandler
		}
	}
}

// writePage answers with alerts and what has been made of them.
func writePage(w http.ResponseWriter, p *alerts.Page) {
	size := 128
	for i := range p.Entries {
		size += len(p.Entries[i].JSON) + 128
	}
	out := append(make([]byte, 0, size), `{"items":[`...)
	for i := range p.Entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = p.Entries[i].AppendJSON(out)
	}
	out = strconv.AppendUint(append(out, `],"next":`...), p.Next, 10)
	out = strconv.AppendUint(append(out, `,"head":`...), p.Head, 10)
	out = strconv.AppendUint(append(out, `,"first":`...), p.First, 10)
	header(w, http.StatusOK)
	_, _ = w.Write(append(out, "}\n"...)) // an error is the client's connection
}

// cursor reads after and limit.
func (s *Server) cursor(q map[string]string) (after uint64, limit int, err error) {
	if after, err = number(q, "after", 0, 0, math.MaxInt64); err != nil {
		return 0, 0, err
	}
	n, err := number(q, "limit", uint64(s.limits.PageDefault), 1, uint64(s.limits.Page))
	return after, int(n), err
}

// filter reads which alerts are asked for.
func filter(q map[string]string, f *alerts.Filter) (err error) {
	f.Key = q["key"]
	if word, ok := q["min_severity"]; ok {
		i := slices.Index(cep.SeverityWords, word)
		if i < 0 {
			return fail(codeParameter, "min_severity=%s is no severity", word).hint("there are: %s", strings.Join(cep.SeverityWords, ", "))
		}
		f.Least = cep.Severity(i)
	}
	if f.From, err = instant(q, "from"); err != nil {
		return err
	}
	f.Before, err = instant(q, "before")
	return err
}
