package server

import (
	"errors"
	"net/http"
	"time"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
)

var listRoutes = []route{
	{"GET", "/api/v1/lists", RoleViewer, "the lists that rules read", (*Server).getLists},
	{"GET", "/api/v1/lists/{name}", RoleViewer, "a list's values, and who edited it", (*Server).getList},
	{"POST", "/api/v1/lists/{name}/entries", RoleAuthor, "put values into a list, and take values out, for a time or for good", (*Server).postEntries},
}

type listItem struct {
	Name  string `json:"name"`
	File  string `json:"file"` // that declares it
	From  string `json:"from"` // inline, file, redis, http
	Type  string `json:"type"` // of its values
	Count int    `json:"count"`
	Edits int    `json:"edits"`
}

type listsAnswer struct {
	Items []listItem `json:"items"`
}

// getLists lists the lists.
func (s *Server) getLists(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	_, prog, ok := s.rt.Rules()
	out := listsAnswer{[]listItem{}}
	if !ok {
		writeJSON(w, http.StatusOK, out)
		return nil
	}
	for _, ir := range prog.Lists {
		item := listItem{Name: ir.Name, File: ir.File, From: ir.From, Type: ir.Elem.String()}
		if item.From == "" {
			item.From = "inline"
		}
		_, n, err := s.rt.ListValues(r.Context(), ir.File, ir.Name, 0)
		if err != nil {
			return err
		}
		item.Count = n
		if s.admin != nil {
			item.Edits = len(s.admin.Book().Lists[ir.Name])
		}
		out.Items = append(out.Items, item)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

type editItem struct {
	Value  string `json:"value"`
	Remove bool   `json:"remove"` // the list has it not, though it would by itself
	Until  stamp  `json:"until"`  // null: for good
	At     stamp  `json:"at"`
	By     string `json:"by"`
	Reason string `json:"reason"`
}

type listAnswer struct {
	Name   string     `json:"name"`
	Count  int        `json:"count"`
	Values []string   `json:"values"` // the first of them
	Edits  []editItem `json:"edits"`
}

// getList answers with a list.
func (s *Server) getList(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	return s.writeList(w, r, r.PathValue("name"))
}

func (s *Server) writeList(w http.ResponseWriter, r *http.Request, name string) error {
	values, n, err := s.rt.ListValues(r.Context(), "", name, s.limits.Page)
	if err != nil {
		return listError(err)
	}
	out := listAnswer{Name: name, Count: n, Values: []string{}, Edits: []editItem{}}
	out.Values = append(out.Values, values...)
	if s.admin != nil {
		for _, e := range s.admin.Book().Lists[name] {
			out.Edits = append(out.Edits, editItem{e.Value, e.Remove, stamp(e.Until), stamp(e.At), e.By, e.Reason})
		}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

type entriesAsk struct {
	Add     []string `json:"add,omitempty"`
	Remove  []string `json:"remove,omitempty"`
	Reason  string   `json:"reason"`
	Expires string   `json:"expires,omitempty"` // RFC 3339; "" with no for: for good
	For     string   `json:"for,omitempty"`     // 24h, 7d
}

// postEntries edits a list.
func (s *Server) postEntries(w http.ResponseWriter, r *http.Request) error {
	var in entriesAsk
	if err := s.readJSON(w, r, &in); err != nil {
		return err
	}
	if s.admin == nil {
		return errNoAdmin
	}
	if len(in.Add)+len(in.Remove) == 0 {
		return fail(codeBody, "nothing is to change").hint(`give values to add or to remove: {"add":["c1"],"reason":"…","for":"24h"}`)
	}
	note := noteOf(r, in.Reason)
	until, e := timeIn("expires", in.Expires)
	if e != nil {
		return e
	}
	if in.For != "" {
		if in.Expires != "" {
			return fail(codeBody, "expires and for both say when it ends").hint("give one of them")
		}
		d, e := span("for", in.For)
		if e != nil {
			return e
		}
		until = time.Unix(0, note.At).Add(d).UnixNano()
	}
	name := r.PathValue("name")
	if err := s.admin.EditList(r.Context(), name, in.Add, in.Remove, until, note); err != nil {
		return listError(err)
	}
	return s.writeList(w, r, name)
}

// listError says what is wrong with what was asked of a list.
func listError(err error) error {
	var change *rulebook.ChangeError
	switch {
	case errors.Is(err, engine.ErrNoList):
		return fail(codeNotFound, "%s", err).hint("GET /api/v1/lists has the lists")
	case errors.As(err, &change), errors.Is(err, engine.ErrClosed), errors.Is(err, engine.ErrStalled), errors.Is(err, engine.ErrNoRules):
		return err
	}
	return fail(codeChange, "%s", err)
}
