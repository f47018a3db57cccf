package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// getLive says that the process answers.
func (s *Server) getLive(w http.ResponseWriter, _ *http.Request) error {
	plain(w, http.StatusOK, "ok\n")
	return nil
}

// getReady says whether requests can be served; with verbose check by check,
// and the health sentence.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request) error {
	q, err := onlyQuery(r, "verbose")
	if err != nil {
		return err
	}
	st := s.rt.Stats()
	checks := s.checks(st)
	status := http.StatusOK
	var b strings.Builder
	_, verbose := q["verbose"]
	for _, c := range checks {
		mark := "[+]"
		switch {
		case !c.OK && !c.Serving:
			mark, status = "[-]", http.StatusServiceUnavailable
		case !c.OK:
			mark = "[!]"
		}
		if verbose || mark == "[-]" {
			fmt.Fprintf(&b, "%s%s: %s\n", mark, c.Name, c.Text)
		}
	}
	if verbose {
		b.WriteString(s.sentence(st) + "\n")
	}
	if status == http.StatusOK {
		b.WriteString("ready\n")
	} else {
		b.WriteString("not ready\n")
	}
	plain(w, status, b.String())
	return nil
}

// checks are the runtime's and the server's own.
func (s *Server) checks(st *Stats) []Check {
	checks := append([]Check(nil), st.Health.Checks...)
	if s.stopping.Load() {
		checks = append(checks, Check{Name: "server", Text: "it is stopping"})
	}
	return checks
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
