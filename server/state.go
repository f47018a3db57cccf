package server

import (
	"net/http"
	"path/filepath"
	"time"

	"github.com/weir-cep/weir/engine"
)

var stateRoutes = []route{
	{"GET", "/api/v1/state", RoleViewer, "what the rules remember, and the last checkpoint", (*Server).getState},
	{"POST", "/api/v1/state/savepoint", RoleOperator, "write a copy of the state to a new folder", (*Server).postSavepoint},
	{"POST", "/api/v1/state/erase", RoleOperator, "erase the texts of somebody's events", (*Server).postErase},
}

type stateAnswer struct {
	Bytes      int64            `json:"bytes"`
	Limit      int64            `json:"limit_bytes"` // 0: none
	Keys       int              `json:"keys"`
	Parts      map[string]int64 `json:"parts"`
	Disk       int64            `json:"checkpoint_disk_bytes"`
	DiskFree   *int64           `json:"disk_free_bytes"` // null: unknown
	Restarts   uint64           `json:"restarts"`
	Checkpoint checkpointAnswer `json:"checkpoint"`
}

type checkpointAnswer struct {
	At       stamp   `json:"at"`
	Position uint64  `json:"position"`
	Pages    int     `json:"pages"`
	Bytes    int64   `json:"bytes"`
	Took     seconds `json:"seconds"`
	Pause    seconds `json:"pause_seconds"`
	Every    seconds `json:"interval_seconds"`
	Skipped  uint64  `json:"skipped"`
}

// getState says what the rules remember.
func (s *Server) getState(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	st, err := s.rt.Stats(r.Context())
	if err != nil {
		return err
	}
	c := &st.Checkpoint
	out := stateAnswer{st.StateBytes, st.StateLimit, st.KeyCount, map[string]int64{}, st.DiskBytes, nil, st.Restarts,
		checkpointAnswer{stamp(c.At), c.Position, c.Pages, c.Bytes, seconds(c.Took), seconds(c.Pause), seconds(st.Interval), st.Skipped}}
	for _, p := range parts(&st.Engine.Memory) {
		out.Parts[p.name] = p.bytes
	}
	if free, ok := s.disk(); ok {
		out.DiskFree = &free
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

type memoryPart struct {
	name  string
	bytes int64
}

// parts are what the memory beside the rules' own is taken for.
func parts(m *engine.Memory) []memoryPart {
	return []memoryPart{{"keys", m.Keys}, {"symbols", m.Symbols}, {"windows", m.Windows}, {"dedupe", m.Dedupe}, {"evidence", m.Evidence}, {"timers", m.Timers}}
}

// disk is the room on the disk of the state directory.
func (s *Server) disk() (free int64, ok bool) {
	if s.operator.Disk == nil {
		return 0, false
	}
	return s.operator.Disk()
}

// postSavepoint writes a copy of the state to a folder of the server's machine.
func (s *Server) postSavepoint(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	var ask struct {
		Dir string `json:"dir"`
	}
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	if !filepath.IsAbs(ask.Dir) {
		return fail(codeParameter, "dir is %q, and must be an absolute path of the server's machine", ask.Dir).hint(`like {"dir":"/var/backups/weir-1"}`)
	}
	if s.operator.Savepoint == nil {
		return fail(codeUnavailable, "this server keeps no state").hint("start it with --state DIR")
	}
	// A savepoint takes as long as it takes.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	got, err := s.operator.Savepoint(r.Context(), filepath.Clean(ask.Dir))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, got)
	return nil
}

// getLimits publishes the limits.
func (s *Server) getLimits(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string][]Limit{"limits": s.limitsTable()})
	return nil
}
