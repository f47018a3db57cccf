package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/webhook"
	"github.com/weir-cep/weir/engine"
)

var healthRoutes = []route{
	{"GET", "/livez", RoleNone, "whether the process lives", (*Server).getLive},
	{"GET", "/readyz", RoleNone, "whether requests can be served; verbose: check by check", (*Server).getReady},
	{"GET", "/metrics", RoleViewer, "figures for Prometheus", (*Server).getMetrics},
}

// getLive says that the process answers.
func (s *Server) getLive(w http.ResponseWriter, _ *http.Request) error {
	plain(w, http.StatusOK, "ok\n")
	return nil
}

// getReady says whether events are taken in; with verbose check by check, and
// in a sentence.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request) error {
	q, err := onlyQuery(r, "verbose")
	if err != nil {
		return err
	}
	_, verbose := q["verbose"]
	tell := identity(r).Role.May(RoleViewer)
	if verbose && !tell {
		return s.allow(r, RoleViewer)
	}
	h := s.Health(r.Context())
	var b strings.Builder
	if tell && (verbose || !h.Ready) {
		for _, c := range h.Checks {
			mark := "[+]"
			if !c.OK {
				mark = "[-]"
			}
			fmt.Fprintf(&b, "%s%s: %s\n", mark, c.Name, c.Text)
		}
		b.WriteString(h.Sentence + "\n")
	}
	if !h.Ready {
		plain(w, http.StatusServiceUnavailable, b.String()+"not ready\n")
		return nil
	}
	plain(w, http.StatusOK, b.String()+"ready\n")
	return nil
}

// lowDisk is the room on the state's disk below which that is spoken of.
const lowDisk = 256 << 20

// health is the runtime's, with what the server and the program around it know
// beside, which is less grave.
func (s *Server) health(st *engine.RuntimeStats) engine.Health {
	h := st.Health()
	well := Worst(&h) == ""
	add := func(name, wrong, fine string) {
		c := engine.Check{Name: name, OK: wrong == "", Text: wrong}
		if c.OK {
			c.Text = fine
		} else if well {
			h.Sentence, well = wrong, false
		}
		h.Checks = append(h.Checks, c)
	}
	if s.alerts != nil {
		wrong := ""
		if since, why := s.alerts.Stalled(); why != "" {
			wrong = fmt.Sprintf("Alerts have waited for %s: their log cannot be written (%s); make room on its disk, and Weir goes on by itself.", st.At.Sub(since).Round(time.Second), why)
		}
		add("alerts", wrong, "the alert log is written")
	}
	wrong := ""
	for _, d := range s.sinks() {
		if text := d.Sentence(st.At); text != "" && wrong == "" {
			wrong = strings.ToUpper(text[:1]) + text[1:] + "."
		}
	}
	for _, e := range s.webhooks() {
		if text := e.Sentence(st.At); text != "" && wrong == "" {
			wrong = strings.ToUpper(text[:1]) + text[1:] + "."
		}
	}
	add("sinks", wrong, "every sink takes its alerts")
	if r := s.reload(); r.Error != "" {
		first, _, _ := strings.Cut(r.Error, "\n")
		add("config", "The rule files were changed and are not in force, those from before run on: "+first, "")
	} else if r.At != 0 {
		add("config", "", "the rule files are in force")
	}
	if s.tokens != nil {
		if err := s.tokens.Wrong(); err != nil {
			add("tokens", fmt.Sprintf("The file of tokens is not in force, those from before are: %v.", err), "")
		} else {
			add("tokens", "", "the file of tokens is in force")
		}
	}
	if s.cert != nil {
		if err := s.cert.Wrong(); err != nil {
			add("certificate", fmt.Sprintf("The certificate's files are not in use, those from before are: %v.", err), "")
		} else {
			add("certificate", "", "the certificate's files are in use")
		}
	}
	if free, ok := s.disk(); ok && free < lowDisk {
		add("disk", fmt.Sprintf("Only %d MiB are left on the disk of the state directory: make room, or soon nothing can be taken in.", free>>20), "")
	} else if ok {
		add("disk", "", fmt.Sprintf("%d MiB are free", free>>20))
	}
	if s.stopping.Load() {
		h.Ready, h.Sentence = false, "Weir is stopping: nothing is taken in any more, and what was taken is worked off."
		h.Checks = append(h.Checks, engine.Check{Name: "server", Text: h.Sentence})
	}
	return h
}

// sinks is how the delivery of alerts goes.
func (s *Server) sinks() []sink.Stats {
	if s.operator.Sinks == nil {
		return nil
	}
	return s.operator.Sinks()
}

// webhooks is how the webhooks do.
func (s *Server) webhooks() []webhook.Stats {
	if s.endpoints == nil {
		return nil
	}
	return s.endpoints.Stats()
}

// Worst names the gravest check that is not passed, "" if all are.
func Worst(h *engine.Health) string {
	for _, c := range h.Checks {
		if !c.OK {
			return c.Name
		}
	}
	return ""
}

// Health says how things stand.
func (s *Server) Health(ctx context.Context) engine.Health {
	st, _ := s.rt.Stats(ctx) // an error is part of the health
	return s.health(&st)
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
