package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
)

var ruleAdminRoutes = []route{
	{"GET", "/api/v1/rules/{name}", RoleViewer, "a rule, its file's text, and its versions", (*Server).getRule},
	{"POST", "/api/v1/rules/check", RoleViewer, "compile a rule file as if it were applied", (*Server).postCheck},
	{"POST", "/api/v1/rules/apply", RoleAuthor, "put a rule file in force; rules that are to be live take an approver", (*Server).postApply},
	{"DELETE", "/api/v1/rules/files/{file}", RoleApprover, "take a rule file that was applied out of force", (*Server).deleteRuleFile},
	{"POST", "/api/v1/rules/{name}/status", RoleApprover, "put a rule live, into shadow, or off", (*Server).postStatus},
	{"POST", "/api/v1/rules/{name}/rollback", RoleApprover, "apply the file that a version of a rule stood in", (*Server).postRollback},
}

// RuleAdmin is what the server needs to change rules and lists. An error of
// type *engine.RuleError says what does not compile, *rulebook.ChangeError what
// makes no sense, *RoleError what takes another role.
type RuleAdmin interface {
	Check(file, text string) (dsl.Diagnostics, error)
	Apply(ctx context.Context, file, text string, reset, live bool, n rulebook.Note) (engine.Deployed, error)
	Remove(ctx context.Context, file string, n rulebook.Note) error
	SetStatus(ctx context.Context, rule string, s dsl.Status, n rulebook.Note) error
	Rollback(ctx context.Context, rule, version string, n rulebook.Note) (engine.Deployed, error)
	EditList(ctx context.Context, list string, add, remove []string, until int64, n rulebook.Note) error
	Book() *rulebook.Data
	Managed(file string) string
}

// RoleError says that something takes another role than the caller has.
type RoleError struct{ Why string }

func (e *RoleError) Error() string { return e.Why }

var errNoAdmin = errors.New("this server's rules can't be changed by its API")

type versionItem struct {
	Version string `json:"version"`
	Status  string `json:"status"`
	File    string `json:"file"`
	At      stamp  `json:"at"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
	Text    string `json:"text"` // of its file
}

type ruleAnswer struct {
	Rule     ruleItem      `json:"rule"`
	Text     string        `json:"text"`     // of its file
	Sentence string        `json:"sentence"` // what it does
	Versions []versionItem `json:"versions"` // the newest first
}

// getRule answers with one rule.
func (s *Server) getRule(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	name := r.PathValue("name")
	set, prog, ok := s.rt.Rules()
	at := -1
	if ok {
		at = slices.IndexFunc(prog.Rules, func(ir *dsl.RuleIR) bool { return ir.Name == name })
	}
	if at < 0 {
		return fail(codeNotFound, "no rule is called %q", clip(name)).hint("GET /api/v1/rules lists those that run")
	}
	ir := prog.Rules[at]
	st, _ := s.rt.Stats(r.Context())
	var counts *engine.RuleStats
	for i := range st.Rules {
		if st.Rules[i].Name == name {
			counts = &st.Rules[i]
		}
	}
	out := ruleAnswer{Rule: s.itemOf(ir, counts), Sentence: ir.Sentence(), Versions: []versionItem{}}
	if ir.File != nil {
		out.Text = set.Files[ir.File.Name]
	}
	if s.admin != nil {
		book := s.admin.Book()
		for _, v := range slices.Backward(book.Versions[name]) {
			out.Versions = append(out.Versions, versionItem{v.Version, v.Status, v.File, stamp(v.At), v.By, v.Reason, book.Texts[v.Text]})
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

type checkAsk struct {
	File string `json:"file"`
	Text string `json:"text"`
}

type checkAnswer struct {
	OK          bool            `json:"ok"`
	Diagnostics dsl.Diagnostics `json:"diagnostics"`
	Text        string          `json:"text"` // the same, as a terminal shows it
}

// postCheck compiles a file.
func (s *Server) postCheck(w http.ResponseWriter, r *http.Request) error {
	var in checkAsk
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	if s.admin == nil {
		return errNoAdmin
	}
	ds, err := s.admin.Check(in.File, in.Text)
	if err != nil {
		return err
	}
	if ds == nil {
		ds = dsl.Diagnostics{}
	}
	writeJSON(w, http.StatusOK, checkAnswer{!ds.HasErrors(), ds, ds.Text()})
	return nil
}

type applyAsk struct {
	File   string `json:"file"` // its name, such as card_testing.cep
	Text   string `json:"text"`
	Reason string `json:"reason"`
	Carry  string `json:"carry,omitempty"` // keep, reset
}

type applyAnswer struct {
	Rules    []ruleChange `json:"rules"`
	Warnings []string     `json:"warnings"`
}

// ruleChange is what became of a rule's state.
type ruleChange struct {
	Rule string `json:"rule"`
	What string `json:"what"`
}

func applied(d *engine.Deployed) applyAnswer {
	out := applyAnswer{[]ruleChange{}, []string{}}
	for _, c := range d.Rules {
		out.Rules = append(out.Rules, ruleChange{c.Rule, c.What.String()})
	}
	out.Warnings = append(out.Warnings, d.Warnings...)
	return out
}

// noteOf is who asks for a change, and why.
func noteOf(r *http.Request, reason string) rulebook.Note {
	return rulebook.Note{At: time.Now().UnixNano(), By: identity(r).Name, Reason: reason}
}

// postApply puts a rule file in force.
func (s *Server) postApply(w http.ResponseWriter, r *http.Request) error {
	var in applyAsk
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	if s.admin == nil {
		return errNoAdmin
	}
	if in.Carry != "" && in.Carry != "keep" && in.Carry != "reset" {
		return fail(codeBody, "carry is %q", clip(in.Carry)).hint("keep: state is kept where it fits; reset: changed rules begin anew")
	}
	got, err := s.admin.Apply(r.Context(), in.File, in.Text, in.Carry == "reset", identity(r).Role.May(RoleApprover), noteOf(r, in.Reason))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, applied(&got))
	return nil
}

// deleteRuleFile takes a file out.
func (s *Server) deleteRuleFile(w http.ResponseWriter, r *http.Request) error {
	var in reasonAsk
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	if s.admin == nil {
		return errNoAdmin
	}
	if err := s.admin.Remove(r.Context(), r.PathValue("file"), noteOf(r, in.Reason)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type statusAsk struct {
	Status string `json:"status"` // live, shadow, off
	Reason string `json:"reason"`
}

// postStatus gives a rule another status.
func (s *Server) postStatus(w http.ResponseWriter, r *http.Request) error {
	var in statusAsk
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	if s.admin == nil {
		return errNoAdmin
	}
	if err := s.admin.SetStatus(r.Context(), r.PathValue("name"), dsl.Status(in.Status), noteOf(r, in.Reason)); err != nil {
		return err
	}
	return s.getRule(w, r)
}

type rollbackAsk struct {
	Version string `json:"version"`
	Reason  string `json:"reason"`
}

// postRollback applies an earlier version.
func (s *Server) postRollback(w http.ResponseWriter, r *http.Request) error {
	var in rollbackAsk
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	if s.admin == nil {
		return errNoAdmin
	}
	got, err := s.admin.Rollback(r.Context(), r.PathValue("name"), in.Version, noteOf(r, in.Reason))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, applied(&got))
	return nil
}
