package server

import (
	"context"
	"errors"
	"net/http"

	"github.com/weir-cep/weir/engine"
)

var eventRoutes = []route{
	{"POST", "/api/v1/events", RoleSender, "take events in", (*Server).postEvents},
	{"GET", "/api/v1/dead-letters", RoleViewer, "records that did not become events", (*Server).getDead},
	{"GET", "/api/v1/late", RoleViewer, "events that came too late", (*Server).getLate},
}

// ingested is the answer to POST /api/v1/events.
type ingested struct {
	Accepted int      `json:"accepted"`
	Rejected int      `json:"rejected"`
	Skipped  int      `json:"skipped"`
	Errors   []reject `json:"errors"`
	More     int      `json:"errors_left_out,omitempty"`
	Unknown  []string `json:"unknown_types,omitempty"`
	Hint     string   `json:"hint,omitempty"`
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
		return errStopping
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
	lines, e := records(body, f)
	if e != nil {
		return e
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Write/2)
	defer cancel()
	got, err := s.rt.Ingest(ctx, source["source"], lines)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fail(codeUnavailable, "the journal did not answer in time; the events may be in it all the same").
			hint("send again: of types with an id, what comes twice is dropped").after(pause)
	case errors.Is(err, context.Canceled):
		return http.ErrAbortHandler
	case err != nil:
		return err
	}
	writeJSON(w, http.StatusOK, s.ingested(&got))
	return nil
}

func (s *Server) ingested(got *engine.Receipt) *ingested {
	out := &ingested{Accepted: got.Accepted, Rejected: got.Rejected, Skipped: got.Skipped, Errors: []reject{}}
	for _, x := range got.Rejects[:min(len(got.Rejects), s.limits.Rejects)] {
		out.Errors = append(out.Errors, reject{x.Line, x.Reason, x.Detail, x.Field})
	}
	out.More = got.Rejected - len(out.Errors)
	for _, t := range got.Unknown {
		out.Unknown = append(out.Unknown, t.Type)
	}
	switch {
	case got.Accepted > 0:
	case got.Skipped > 0:
		out.Hint = "no record is of a type that a rule names; the field \"type\" (or the one that the source names) says an event's type"
	case got.Rejected > 0:
		out.Hint = "no record could be read; errors says why, and all are kept at /api/v1/dead-letters"
	}
	return out
}
