package server

import (
	"net/http"
)

var actionRoutes = []route{
	{"GET", "/api/v1/actions", RoleViewer, "the audit trail: who did what", (*Server).getActions},
}

type actionsAnswer struct {
	Items []actionItem `json:"items"`
	Next  uint64       `json:"next"`
	Head  uint64       `json:"head"`
}

// getActions answers with the audit trail behind a number.
func (s *Server) getActions(w http.ResponseWriter, r *http.Request) error {
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
	head := s.alerts.LastAction()
	list, next, err := s.alerts.ActionsAfter(after, limit)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, actionsAnswer{actionItems(list), next, max(head, next)})
	return nil
}
