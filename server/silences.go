package server

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
)

var silenceRoutes = []route{
	{"GET", "/api/v1/silences", RoleViewer, "what is silenced, why and until when", (*Server).getSilences},
	{"POST", "/api/v1/silences", RoleAnalyst, "keep alerts from the sinks for a time", (*Server).postSilence},
	{"DELETE", "/api/v1/silences/{id}", RoleAnalyst, "end a silence", (*Server).deleteSilence},
}

// silenceItem is a silence as it is shown.
type silenceItem struct {
	ID      string            `json:"id"`
	Rule    string            `json:"rule,omitempty"`
	Key     string            `json:"key,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Reason  string            `json:"reason"`
	By      string            `json:"by"`
	Created stamp             `json:"created"`
	Starts  stamp             `json:"starts"`
	Ends    stamp             `json:"ends"`
	Ended   string            `json:"ended_by,omitempty"`
	Alerts  uint64            `json:"alerts"` // that it has kept from the sinks
}

func silenceOf(s *alerts.Silence) silenceItem {
	item := silenceItem{s.ID, s.Rule, s.Key, nil, s.Reason, s.By, stamp(s.Created), stamp(s.Starts), stamp(s.Ends), s.Ended, s.Alerts}
	for _, l := range s.Labels {
		if item.Labels == nil {
			item.Labels = map[string]string{}
		}
		item.Labels[l.Name] = l.Text
	}
	return item
}

type silencesAnswer struct {
	Items []silenceItem `json:"items"`
}

// getSilences lists the silences that are in force or to come; with past also
// those that have ended.
func (s *Server) getSilences(w http.ResponseWriter, r *http.Request) error {
	q, err := onlyQuery(r, "past")
	if err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	past, ok := q["past"]
	if ok && past != "" && past != "true" && past != "false" {
		return fail(codeParameter, "past=%s is neither true nor false", clip(past)).hint("past=true lists those that have ended, too")
	}
	list, err := s.alerts.Silences(ok && past != "false")
	if err != nil {
		return err
	}
	out := silencesAnswer{[]silenceItem{}}
	for i := range list {
		out.Items = append(out.Items, silenceOf(&list[i]))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// silenceAsk is a silence that is to be.
type silenceAsk struct {
	Rule   string            `json:"rule,omitempty"`
	Key    string            `json:"key,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Reason string            `json:"reason"`
	Starts string            `json:"starts,omitempty"`
	Ends   string            `json:"ends,omitempty"`
	For    string            `json:"for,omitempty"`
}

// postSilence keeps alerts from the sinks for a time.
func (s *Server) postSilence(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	var ask silenceAsk
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	want := alerts.Silence{Rule: ask.Rule, Key: ask.Key, Reason: ask.Reason, By: identity(r).Name}
	for name, text := range ask.Labels {
		want.Labels = append(want.Labels, cep.Label{Name: name, Text: text})
	}
	slices.SortFunc(want.Labels, func(a, b cep.Label) int { return strings.Compare(a.Name, b.Name) })
	if e := ask.times(&want, s.now()); e != nil {
		return e
	}
	got, err := s.alerts.Silence(want)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, silenceOf(&got))
	return nil
}

// times reads from when until when a silence is to be.
func (a *silenceAsk) times(s *alerts.Silence, now time.Time) *Error {
	var e *Error
	if s.Starts, e = timeIn("starts", a.Starts); e != nil {
		return e
	}
	if s.Ends, e = timeIn("ends", a.Ends); e != nil {
		return e
	}
	if a.For == "" {
		return nil // the log asks for an end
	}
	if a.Ends != "" {
		return fail(codeBody, "for and ends do not go together").hint("say how long, or until when")
	}
	d, e := span("for", a.For)
	if e != nil {
		return e
	}
	from := s.Starts
	if from == 0 {
		from = now.UnixNano()
	}
	s.Ends = from + int64(d)
	return nil
}

// timeIn reads a time of a body; "" is 0.
func timeIn(name, text string) (int64, *Error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1970 || t.Year() > 2200 {
		return 0, fail(codeBody, "%s is %q, and no time", name, clip(text)).hint("write it like 2026-01-31T10:00:00Z")
	}
	return t.UnixNano(), nil
}

// maxSpan bounds a span: ten years.
const maxSpan = 3660 * 24 * time.Hour

// span reads a time such as 30m, 24h or 7d.
func span(name, text string) (time.Duration, *Error) {
	wrong := func() (time.Duration, *Error) {
		return 0, fail(codeBody, "%s is %q, and no time up to ten years", name, clip(text)).hint("write it like 30m, 24h or 7d")
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 12)
		if err != nil || n == 0 || n > uint64(maxSpan/(24*time.Hour)) {
			return wrong()
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > maxSpan {
		return wrong()
	}
	return d, nil
}

// deleteSilence ends a silence now.
func (s *Server) deleteSilence(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	if err := s.alerts.Unsilence(r.PathValue("id"), identity(r).Name); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
