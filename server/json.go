package server

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-cep/weir/cep"
)

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	header(w, status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	// An error is the client's connection: there is nobody left to tell.
	_ = enc.Encode(v)
}

// header begins an answer in JSON.
func header(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
}

// stamp is a time in ns that stands in JSON as RFC 3339, and as null where it
// is 0 or the least int64: never.
type stamp int64

// stampOf is a clock's time as a stamp.
func stampOf(t time.Time) stamp {
	if t.IsZero() {
		return 0
	}
	return stamp(t.UnixNano())
}

// MarshalJSON writes the time.
func (s stamp) MarshalJSON() ([]byte, error) {
	if s == 0 || s == math.MinInt64 {
		return []byte("null"), nil
	}
	return append(cep.AppendTime([]byte{'"'}, int64(s)), '"'), nil
}

// seconds is a duration that stands in JSON as a number of seconds.
type seconds time.Duration

// MarshalJSON writes the duration.
func (s seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s)/1e9, 'f', -1, 64), nil
}
