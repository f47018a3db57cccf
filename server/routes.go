package server

import (
	"net/http"
	"slices"
	"strings"
)

// route is one thing that the server does.
type route struct {
	method, path string
	role         Role // that a caller needs
	summary      string
	handle       func(*Server, http.ResponseWriter, *http.Request) error
}

// api is all that the server does, each part beside its handlers. What describes
// the API is made from it.
var api = slices.Concat(
	eventRoutes,
	alertRoutes,
	pipelineRoutes,
	ruleRoutes,
	ruleAdminRoutes,
	listRoutes,
	keyRoutes,
	stateRoutes,
	streamRoutes,
	healthRoutes,
	sessionRoutes,
	actionRoutes,
	silenceRoutes,
	deliveryRoutes,
	endpointRoutes,
	openapiRoutes,
)

// handle serves a route to those who may.
func (s *Server) handle(r route) {
	s.mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, req *http.Request) {
		if e := s.allow(req, r.role); e != nil {
			writeError(w, req, e)
			return
		}
		if err := r.handle(s, w, req); err != nil {
			s.refuse(w, req, err)
		}
	})
}

func (s *Server) routes() {
	for _, r := range api {
		s.handle(r)
	}
	s.mux.HandleFunc("GET /{$}", s.front)
	s.mux.Handle("GET /assets/", s.console)
	s.mux.Handle("GET /favicon.ico", s.console)
}

// front is the page for people, and what there is for programs.
func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	if wantsPage(r) {
		s.console.ServeHTTP(w, r)
		return
	}
	type entry struct {
		Method  string `json:"method"`
		Path    string `json:"path"`
		Role    Role   `json:"role"`
		Summary string `json:"summary"`
	}
	var list []entry
	for _, r := range api {
		list = append(list, entry{r.method, r.path, r.role, r.summary})
	}
	w.Header().Set("Vary", "Accept")
	writeJSON(w, http.StatusOK, map[string]any{"name": "weir", "version": s.build.Version, "routes": list})
}

// wantsPage says whether a browser asks for something to look at.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// refuse answers with an error; what is nobody's fault but ours is logged.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	if e.Code == codeInternal {
		s.log.Error("request failed", "request_id", requestID(r), "method", r.Method, "path", r.URL.Path, "error", err)
	}
	writeError(w, r, e)
}

// route serves a request, or says in JSON that there is nothing at its path,
// or nothing by its method.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	h, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	if wantsPage(r) && !strings.HasPrefix(r.URL.Path, "/api/") {
		s.console.ServeHTTP(w, r) // it tells from its address what to show
		return
	}
	var probe probe
	h.ServeHTTP(&probe, r)
	if allow := probe.Header().Get("Allow"); probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allow)
		writeError(w, r, fail(codeMethod, "%s is not answered here", r.Method).hint("allowed: %s", allow))
		return
	}
	e := fail(codeNotFound, "there is nothing at %s", r.URL.Path)
	if near := nearestRoute(r.URL.Path); near != "" {
		e.hint("did you mean %s?", near)
	} else {
		e.hint("GET / lists what there is")
	}
	writeError(w, r, e)
}

// nearestRoute finds a route by its last word: /events for /api/v1/events.
func nearestRoute(path string) string {
	last := path[strings.LastIndexByte(path, '/')+1:]
	for _, r := range api {
		if last != "" && strings.HasSuffix(r.path, "/"+last) {
			return r.path
		}
	}
	return ""
}

// probe takes an answer that is to be given in another form.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header {
	if p.header == nil {
		p.header = http.Header{}
	}
	return p.header
}

func (p *probe) WriteHeader(status int)      { p.status = status }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
