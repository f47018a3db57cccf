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
	{"GET", "/api/v1/alerts", RoleViewer, "alerts behind a sequence number", (*Server).getAlerts},
}

// getAlerts answers with the alerts behind a sequence number, and waits for
// some if it is asked to.
func (s *Server) getAlerts(w http.ResponseWriter, r *http.Request) error {
	lists, err := queryLists(r, "after", "limit", "wait", "rule", "min_severity", "key", "from", "before")
	if err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	f := alerts.Filter{Rules: lists["rule"]}
	delete(lists, "rule")
	q, err := once(lists)
	if err != nil {
		return err
	}
	if err := filter(q, &f); err != nil {
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

// writePage answers with alerts as they stand in the log.
func writePage(w http.ResponseWriter, p *alerts.Page) {
	size := 128
	for i := range p.Entries {
		size += len(p.Entries[i].JSON) + 1
	}
	out := append(make([]byte, 0, size), `{"items":[`...)
	for i := range p.Entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, p.Entries[i].JSON...)
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

// getDead answers with the records that did not become events.
func (s *Server) getDead(w http.ResponseWriter, r *http.Request) error {
	type item struct {
		Number    uint64 `json:"number"`
		Source    string `json:"source"`
		Partition uint32 `json:"partition"`
		Position  uint64 `json:"position"`
		Place     string `json:"place,omitempty"`
		Arrived   stamp  `json:"arrived"`
		Reason    string `json:"reason"`
		Detail    string `json:"detail,omitempty"`
		Field     string `json:"field,omitempty"`
		Raw       string `json:"raw"`
	}
	return s.list(w, r, func(after uint64, limit int) (any, uint64, error) {
		list, next, err := s.alerts.DeadAfter(after, limit)
		items := []item{}
		for i := range list {
			d := &list[i]
			items = append(items, item{d.N, d.Source, d.Partition, d.Position, d.Place, stamp(d.Arrived), d.Reason, d.Detail, d.Field, string(d.Raw)})
		}
		return items, next, err
	})
}

// getLate answers with the events that came too late.
func (s *Server) getLate(w http.ResponseWriter, r *http.Request) error {
	type item struct {
		Number    uint64 `json:"number"`
		Source    string `json:"source"`
		Partition uint32 `json:"partition"`
		Position  uint64 `json:"position"`
		Arrived   stamp  `json:"arrived"`
		Type      string `json:"type"`
		At        stamp  `json:"at"`
		Watermark stamp  `json:"watermark"`
		Raw       string `json:"raw"`
	}
	return s.list(w, r, func(after uint64, limit int) (any, uint64, error) {
		list, next, err := s.alerts.LateAfter(after, limit)
		items := []item{}
		for i := range list {
			l := &list[i]
			items = append(items, item{l.N, l.Source, l.Partition, l.Position, stamp(l.Arrived), l.Type, stamp(l.At), stamp(l.Watermark), string(l.Raw)})
		}
		return items, next, err
	})
}

// list answers with a page of what ascends by number.
func (s *Server) list(w http.ResponseWriter, r *http.Request, read func(after uint64, limit int) (items any, next uint64, err error)) error {
	q, err := onlyQuery(r, "after", "limit")
	if err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	after, limit, err := s.cursor(q)
	if err != nil {
		return err
	}
	items, next, err := read(after, limit)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Items any    `json:"items"`
		Next  uint64 `json:"next"`
	}{items, next})
	return nil
}
