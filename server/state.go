package server

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"time"
)

type stateAnswer struct {
	Dir        string           `json:"dir"`
	Bytes      int64            `json:"bytes"`
	Limit      int64            `json:"limit_bytes"` // 0: none
	Keys       int              `json:"keys"`
	Parts      map[string]int64 `json:"parts"`
	DiskFree   *int64           `json:"disk_free_bytes"` // null: unknown
	Checkpoint checkpointAnswer `json:"checkpoint"`
}

type checkpointAnswer struct {
	At       stamp   `json:"at"`
	Position uint64  `json:"position"`
	Pages    int     `json:"pages"`
	Bytes    int64   `json:"bytes"`
	Count    uint64  `json:"count"`
	Failed   uint64  `json:"failed"`
	Error    string  `json:"error,omitempty"`
	Every    seconds `json:"interval_seconds"`
}

// getState says what the rules remember.
func (s *Server) getState(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	st := &s.rt.Stats().State
	c := &st.Checkpoint
	out := stateAnswer{st.Dir, st.Bytes, st.Limit, st.Keys, map[string]int64{}, nil,
		checkpointAnswer{stamp(c.Last), c.Position, c.Pages, c.Bytes, c.Count, c.Failed, c.Error, seconds(c.Every)}}
	for _, p := range st.Parts {
		out.Parts[p.Part] = p.Bytes
	}
	if st.DiskFree >= 0 {
		out.DiskFree = &st.DiskFree
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// maxSmallBody bounds bodies that are no events.
const maxSmallBody = 64 << 10

// postSavepoint writes a copy of the state to a folder of the server's machine.
func (s *Server) postSavepoint(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	var ask struct {
		Dir string `json:"dir"`
	}
	if err := readJSON(w, r, &ask); err != nil {
		return err
	}
	if !filepath.IsAbs(ask.Dir) {
		return fail(codeParameter, "dir is %q, and must be an absolute path of the server's machine", ask.Dir).hint(`like {"dir":"/var/backups/weir-1"}`)
	}
	// A savepoint takes as long as it takes; the client may go away.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	got, err := s.rt.Savepoint(r.Context(), filepath.Clean(ask.Dir))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Dir      string  `json:"dir"`
		Position uint64  `json:"position"`
		Bytes    int64   `json:"bytes"`
		Took     seconds `json:"seconds"`
	}{got.Dir, got.Position, got.Bytes, seconds(got.Took)})
	return nil
}

// readJSON reads a small body into v, whose fields are all that it may have.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSmallBody))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		}
		err = errors.New("something stands behind the object")
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fail(codeLarge, "the body is larger than %d bytes", maxSmallBody).hint("it is to be a small JSON object")
	case err == io.EOF:
		return fail(codeEmpty, "there is no body").hint("it is to be a small JSON object")
	}
	return fail(codeBody, "the body is not the JSON object that is asked for: %v", err).hint("see the API's description")
}

// getLimits publishes the limits.
func (s *Server) getLimits(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string][]Limit{"limits": s.limits.Table()})
	return nil
}
