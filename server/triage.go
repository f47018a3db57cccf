package server

import (
	"net/http"

	"github.com/weir-cep/weir/alerts"
)

// triageAsk is what is to become of alerts. What is left out stays.
type triageAsk struct {
	Alerts   []uint64 `json:"alerts"`
	State    *string  `json:"state,omitempty"`
	Outcome  *string  `json:"outcome,omitempty"`
	Assignee *string  `json:"assignee,omitempty"`
	Comment  *string  `json:"comment,omitempty"`
}

// triageAnswer lists what was done: none for alerts that were so already.
type triageAnswer struct {
	Actions []actionItem `json:"actions"`
}

// postTriage changes alerts, all that are named or none.
func (s *Server) postTriage(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	var ask triageAsk
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	change := alerts.Change{Outcome: ask.Outcome, Assignee: ask.Assignee, Comment: ask.Comment}
	if ask.State != nil {
		state, err := alerts.ParseState(*ask.State)
		if err != nil {
			return err
		}
		change.State = &state
	}
	done, err := s.alerts.Act(ask.Alerts, change, identity(r).Name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, triageAnswer{actionItems(done)})
	return nil
}
