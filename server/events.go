package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// ingested is the answer to POST /api/v1/events.
type ingested struct {
	Accepted   uint64   `json:"accepted"`
	Rejected   uint64   `json:"rejected"`
	Skipped    uint64   `json:"skipped"`
	Duplicates uint64   `json:"duplicates"`
	Errors     []reject `json:"errors"`
	More       uint64   `json:"errors_left_out,omitempty"`
	Unknown    []string `json:"unknown_types,omitempty"`
	Hint       string   `json:"hint,omitempty"`
}

type reject struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"`
}

// postEvents takes events in. It answers when they are durable, with 200 also
// where every record was rejected: they are counted, kept as dead letters, and
// the same request would not fare better a second time. A status of 400 and
// above says that nothing was taken.
func (s *Server) postEvents(w http.ResponseWriter, r *http.Request) error {
	source, err := onlyQuery(r, "source")
	if err != nil {
		return err
	}
	if s.stopping.Load() {
		return ErrStopping
	}
	f, e := formOf(r)
	if e != nil {
		return e
	}
	body, give, err := s.read(w, r)
	defer give()
	if err != nil {
		return err
	}
	lines, at, e := records(body, f)
	if e != nil {
		return e
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Write/2)
	defer cancel()
	got, err := s.rt.Ingest(ctx, source["source"], lines)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return &BusyError{After: pause}
		}
		return err
	}
	writeJSON(w, http.StatusOK, s.ingested(&got, at))
	return nil
}

func (s *Server) ingested(got *Receipt, at func(int) int) *ingested {
	out := &ingested{Accepted: got.Accepted, Rejected: got.Rejected, Skipped: got.Skipped, Duplicates: got.Duplicates, Errors: []reject{}, Unknown: got.Unknown}
	for _, x := range got.Rejects[:min(len(got.Rejects), s.limits.Rejects)] {
		out.Errors = append(out.Errors, reject{at(x.Record), x.Reason, x.Detail, x.Field})
	}
	out.More = got.Rejected - uint64(len(out.Errors))
	switch {
	case got.Accepted > 0:
	case got.Skipped > 0:
		out.Hint = "no record is of a type that a rule names; the field \"type\" (or the one that the source names) says an event's type"
		if len(got.Unknown) > 0 {
			out.Hint += ", and these were found: " + strings.Join(got.Unknown, ", ")
		}
	case got.Rejected > 0:
		out.Hint = "no record could be read; errors says why, and all are kept at /api/v1/dead-letters"
	}
	return out
}
