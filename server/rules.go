package server

import (
	"fmt"
	"net/http"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

var ruleRoutes = []route{
	{"GET", "/api/v1/rules", RoleViewer, "the rules that run, with their counters", (*Server).getRules},
}

type ruleItem struct {
	Name       string `json:"name"`
	Title      string `json:"title,omitempty"`
	Version    string `json:"version"`
	Status     string `json:"status"`
	File       string `json:"file"`
	Line       int    `json:"line"`
	Managed    string `json:"managed_by"` // file, or api
	Level      int    `json:"level"`
	Matches    uint64 `json:"matches"`
	Alerts     uint64 `json:"alerts"`
	Suppressed uint64 `json:"suppressed"`
	KeyMissing uint64 `json:"key_missing"`
	EvalErrors uint64 `json:"eval_errors"`
	Capped     uint64 `json:"runs_capped"`
	Budget     uint64 `json:"tests_skipped"`
	Bytes      int64  `json:"state_bytes"`
}

// getRules lists the rules that run, and says how the last change of their
// files went.
func (s *Server) getRules(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	st, _ := s.rt.Stats(r.Context()) // without counters the rules are the same
	counts := map[string]*engine.RuleStats{}
	for i := range st.Rules {
		counts[st.Rules[i].Name] = &st.Rules[i]
	}
	set, prog, ok := s.rt.Rules()
	items, hash := []ruleItem{}, ""
	if ok {
		hash = hashText(set)
		for _, ir := range prog.Rules {
			items = append(items, s.itemOf(ir, counts[ir.Name]))
		}
	}
	reload := s.reload()
	writeJSON(w, http.StatusOK, struct {
		Items      []ruleItem `json:"items"`
		Hash       string     `json:"hash"`
		ReloadAt   stamp      `json:"last_reload"`
		ReloadGood bool       `json:"last_reload_successful"`
		ReloadText string     `json:"last_reload_error,omitempty"`
	}{items, hash, stamp(reload.At), reload.Error == "", reload.Error})
	return nil
}

func (s *Server) itemOf(ir *dsl.RuleIR, c *engine.RuleStats) ruleItem {
	item := ruleItem{Name: ir.Name, Title: ir.Title, Version: ir.Version, Status: string(ir.Status), Level: ir.Level}
	if ir.File != nil {
		item.File = ir.File.Name
		item.Line, _ = ir.File.Position(ir.Span.Start)
		item.Managed = "file"
		if s.admin != nil {
			item.Managed = s.admin.Managed(ir.File.Name)
		}
	}
	if c != nil {
		item.Matches, item.Alerts, item.Suppressed, item.KeyMissing = c.Matches, c.Alerts, c.Suppressed, c.KeyMissing
		item.EvalErrors, item.Capped, item.Budget, item.Bytes = c.EvalErrors, c.Capped, c.Budget, c.Bytes
	}
	return item
}

// hashText is the hash of a rule set as it is shown.
func hashText(set engine.RuleSet) string { return fmt.Sprintf("%016x", set.Hash()) }

// reload is how the last change of the rule files went.
func (s *Server) reload() Reload {
	if s.operator.Reload == nil {
		return Reload{}
	}
	return s.operator.Reload()
}
