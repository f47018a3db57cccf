package server

import "net/http"

type ruleItem struct {
	Name       string   `json:"name"`
	Title      string   `json:"title,omitempty"`
	Version    string   `json:"version"`
	Status     string   `json:"status"`
	Severity   string   `json:"severity,omitempty"`
	File       string   `json:"file"`
	Matches    uint64   `json:"matches"`
	Alerts     uint64   `json:"alerts"`
	Suppressed uint64   `json:"suppressed"`
	KeyMissing uint64   `json:"key_missing"`
	EvalErrors uint64   `json:"eval_errors"`
	Capped     uint64   `json:"runs_capped"`
	Budget     uint64   `json:"tests_skipped"`
	Keys       int      `json:"keys"`
	Bytes      int64    `json:"state_bytes"`
	Waits      []string `json:"waits_for"`
}

// getRules lists the rules that run.
func (s *Server) getRules(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	st := s.rt.Stats()
	items := []ruleItem{}
	for i := range st.Rules {
		x := &st.Rules[i]
		waits := x.Waits
		if waits == nil {
			waits = []string{}
		}
		items = append(items, ruleItem{x.Name, x.Title, x.Version, x.Status, x.Severity, x.File, x.Matches, x.Alerts, x.Suppressed,
			x.KeyMissing, x.EvalErrors, x.Capped, x.Budget, x.Keys, x.Bytes, waits})
	}
	d := &st.Deploy
	writeJSON(w, http.StatusOK, struct {
		Items      []ruleItem `json:"items"`
		Hash       string     `json:"hash"`
		Since      stamp      `json:"since"`
		Generation uint64     `json:"generation"`
		ReloadOK   bool       `json:"last_reload_successful"`
		ReloadAt   stamp      `json:"last_reload"`
		ReloadText string     `json:"last_reload_error,omitempty"`
	}{items, d.Hash, stamp(d.At), d.Generation, d.ReloadOK, stamp(d.ReloadAt), d.ReloadText})
	return nil
}
