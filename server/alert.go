package server

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/weir-cep/weir/alerts"
)

// alertAnswer is an alert with all that is known of it.
type alertAnswer struct {
	Alert      json.RawMessage `json:"alert"`
	History    []actionItem    `json:"history"`
	Deliveries []deliveryItem  `json:"deliveries"`
}

// getAlert answers with an alert, what was done to it, and where it was sent.
func (s *Server) getAlert(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	if s.alerts == nil {
		return errNoLog
	}
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 63)
	if err != nil || seq == 0 {
		return fail(codeParameter, "%q is no number of an alert", clip(r.PathValue("seq"))).hint("its number is what stands as seq in it")
	}
	e, err := s.alerts.Get(seq)
	if err != nil {
		return err
	}
	history, err := s.alerts.History(seq)
	if err != nil {
		return err
	}
	sent, err := s.alerts.Deliveries(alerts.DeliveryQuery{Seq: seq, Limit: s.limits.PageDefault})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, alertAnswer{e.AppendJSON(nil), actionItems(history), deliveryItems(sent)})
	return nil
}

// actionItem is an entry of the audit trail as it is shown.
type actionItem struct {
	Action   uint64 `json:"action"`
	Seq      uint64 `json:"seq,omitempty"`
	Kind     string `json:"kind"`
	At       stamp  `json:"at"`
	By       string `json:"by"`
	State    string `json:"state,omitempty"` // of the alert, behind it
	Outcome  string `json:"outcome,omitempty"`
	Assignee string `json:"assignee,omitempty"`
	Comment  string `json:"comment,omitempty"`
	Detail   string `json:"detail,omitempty"` // of what is not about an alert
}

func actionItems(list []alerts.Action) []actionItem {
	items := make([]actionItem, 0, len(list))
	for i := range list {
		a := &list[i]
		item := actionItem{a.N, a.Seq, a.Kind, stamp(a.At), a.By, "", a.Outcome, a.Assignee, a.Comment, a.Detail}
		if a.Seq != 0 {
			item.State = a.State.String()
		}
		items = append(items, item)
	}
	return items
}
