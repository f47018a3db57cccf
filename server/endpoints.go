package server

import (
	"net/http"

	"github.com/weir-cep/weir/alerts/sink/webhook"
)

var endpointRoutes = []route{
	{"GET", "/api/v1/endpoints", RoleViewer, "webhooks, and how they are doing", (*Server).getEndpoints},
	{"POST", "/api/v1/endpoints/{sink}/test", RoleOperator, "send a test message to a webhook", (*Server).postTest},
	{"POST", "/api/v1/endpoints/{sink}/enable", RoleOperator, "switch a webhook on", (*Server).postEnable},
	{"POST", "/api/v1/endpoints/{sink}/disable", RoleOperator, "switch a webhook off; what it has to deliver waits", (*Server).postDisable},
}

// endpointItem is a webhook, and how it is doing.
type endpointItem struct {
	webhook.Stats
	Oldest  stamp `json:"oldest"`        // when the message was begun that waits longest; null: none waits
	Failing stamp `json:"failing_since"` // null: it works
}

type endpointsAnswer struct {
	Items []endpointItem `json:"items"`
}

// getEndpoints lists the webhooks.
func (s *Server) getEndpoints(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	out := endpointsAnswer{[]endpointItem{}}
	for _, st := range s.webhooks() {
		out.Items = append(out.Items, endpointItem{st, stampOf(st.Oldest), stampOf(st.Failing)})
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// postTest sends a test message the way an alert goes, and answers with what
// became of it.
func (s *Server) postTest(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.endpoints == nil {
		return errNoEndpoints
	}
	d, err := s.endpoints.Test(r.Context(), r.PathValue("sink"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, deliveryOf(&d))
	return nil
}

// postEnable switches a webhook on.
func (s *Server) postEnable(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.endpoints == nil {
		return errNoEndpoints
	}
	if err := s.endpoints.Enable(r.Context(), r.PathValue("sink"), identity(r).Name); err != nil {
		return err
	}
	return s.getEndpoints(w, r)
}

// reasonAsk says why.
type reasonAsk struct {
	Reason string `json:"reason"`
}

// postDisable switches a webhook off.
func (s *Server) postDisable(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.endpoints == nil {
		return errNoEndpoints
	}
	var ask reasonAsk
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	if ask.Reason == "" || len(ask.Reason) > maxReason {
		return fail(codeBody, "a reason of at most %d bytes is needed", maxReason).hint(`like {"reason":"the receiver moves house"}`)
	}
	if err := s.endpoints.Disable(r.Context(), r.PathValue("sink"), identity(r).Name, ask.Reason); err != nil {
		return err
	}
	return s.getEndpoints(w, r)
}

// maxReason bounds the reason of a change, bytes.
const maxReason = 1000
