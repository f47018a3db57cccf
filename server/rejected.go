package server

import (
	"net/http"
)

// deadItem is a record that did not become an event.
type deadItem struct {
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

// getDead answers with the records that did not become events.
func (s *Server) getDead(w http.ResponseWriter, r *http.Request) error {
	return s.list(w, r, func(after uint64, limit int) (any, uint64, error) {
		list, next, err := s.alerts.DeadAfter(after, limit)
		items := []deadItem{}
		for i := range list {
			d := &list[i]
			items = append(items, deadItem{d.N, d.Source, d.Partition, d.Position, d.Place, stamp(d.Arrived), d.Reason, d.Detail, d.Field, string(d.Raw)})
		}
		return items, next, err
	})
}

// lateItem is an event that came too late.
type lateItem struct {
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

// getLate answers with the events that came too late.
func (s *Server) getLate(w http.ResponseWriter, r *http.Request) error {
	return s.list(w, r, func(after uint64, limit int) (any, uint64, error) {
		list, next, err := s.alerts.LateAfter(after, limit)
		items := []lateItem{}
		for i := range list {
			l := &list[i]
			items = append(items, lateItem{l.N, l.Source, l.Partition, l.Position, stamp(l.Arrived), l.Type, stamp(l.At), stamp(l.Watermark), string(l.Raw)})
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
