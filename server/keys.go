package server

import (
	"errors"
	"net/http"

	"github.com/weir-cep/weir/engine"
)

var keyRoutes = []route{
	{"GET", "/api/v1/keys/{key}/runs", RoleViewer, "attempts at rules' patterns that a key has under way", (*Server).getRuns},
}

type runItem struct {
	Rule    string      `json:"rule"`
	Key     string      `json:"key"`
	Step    string      `json:"step"`  // that its last event was taken by
	Steps   []string    `json:"steps"` // of the pattern
	Started stamp       `json:"started"`
	Last    stamp       `json:"last"`
	Expires stamp       `json:"expires"` // null: never
	Bound   []boundItem `json:"bound"`
	More    int         `json:"more"` // events that it has bound beside those
	Waits   string      `json:"waiting_for"`
}

type boundItem struct {
	Step string `json:"step"`
	Type string `json:"type"`
	ID   string `json:"id"`
	At   stamp  `json:"at"`
}

type runsAnswer struct {
	Items []runItem `json:"items"`
	More  int       `json:"more"` // runs beside those
}

// getRuns answers with what is under way for a key.
func (s *Server) getRuns(w http.ResponseWriter, r *http.Request) error {
	q, err := onlyQuery(r, "rule")
	if err != nil {
		return err
	}
	list, more, err := s.rt.OpenRuns(r.Context(), r.PathValue("key"), q["rule"])
	switch {
	case errors.Is(err, engine.ErrNoRule):
		return fail(codeNotFound, "%s", err).hint("GET /api/v1/rules lists those that run")
	case err != nil:
		return err
	}
	out := runsAnswer{Items: []runItem{}, More: more}
	for i := range list {
		out.Items = append(out.Items, runOf(&list[i]))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func runOf(o *engine.OpenRun) runItem {
	item := runItem{o.Rule, o.Key, o.Step, o.Steps, stamp(o.FirstAt), stamp(o.LastAt), stamp(o.Expires), []boundItem{}, o.More, o.Waits}
	for _, e := range o.Events {
		item.Bound = append(item.Bound, boundItem{e.Step, e.Type, e.ID, stamp(e.At)})
	}
	return item
}
