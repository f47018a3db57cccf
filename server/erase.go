package server

import (
	"net/http"
	"time"

	"github.com/weir-cep/weir/engine"
)

// Erased says what became of a request to erase.
type Erased struct {
	engine.Erased
	Again float64 `json:"again_seconds"` // when to erase what is left; 0: nothing is
	Text  string  `json:"text"`          // what stays, in words
}

// NewErased puts what was done into words.
func NewErased(e engine.Erased) Erased {
	out := Erased{e, e.Again.Seconds(), "What the rules remember is not touched: it goes when their windows have run out. Nor is what alerts say in their own words, or what was delivered."}
	if e.Left > 0 {
		out.Text = "Events that a restart would read again stay for now: erase again after again_seconds, or once the watermark has passed them. " + out.Text
	}
	return out
}

// postErase takes the texts of somebody's events out of what is kept.
func (s *Server) postErase(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	var ask struct {
		Field string `json:"field"`
		Value string `json:"value"`
		Type  string `json:"type"`
	}
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	if ask.Field == "" || ask.Value == "" {
		return fail(codeParameter, "field or value is missing").hint(`like {"field":"card_id","value":"c1"}`)
	}
	if s.operator.Erase == nil {
		return fail(codeUnavailable, "this server keeps no state").hint("start it with --state DIR")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it reads all that is kept
	got, err := s.operator.Erase(r.Context(), engine.Erase{Field: ask.Field, Value: ask.Value, Type: ask.Type})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, NewErased(got))
	return nil
}
