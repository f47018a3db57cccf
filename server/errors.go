package server

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink/webhook"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
)

// Error is what a request that can't be served is answered with.
type Error struct {
	Status  int    // of HTTP
	Code    string // stable: scripts are written against it
	Message string // what is wrong
	Hint    string // what to do
	Retry   time.Duration
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes of errors, each with its one status.
const (
	codeParameter    = "bad_parameter"
	codeBody         = "bad_body"
	codeEmpty        = "empty_body"
	codeSource       = "unknown_source"
	codeForbidden    = "cross_origin"
	codeHost         = "unknown_host"
	codeNotFound     = "not_found"
	codeMethod       = "method_not_allowed"
	codeSlow         = "body_too_slow"
	codeExists       = "exists"
	codeLarge        = "body_too_large"
	codeType         = "unsupported_media_type"
	codeEncoding     = "unsupported_encoding"
	codeBusy         = "busy"
	codeChange       = "bad_change"
	codeInURL        = "token_in_url"
	codeUnauthorized = "unauthorized"
	codeRole         = "forbidden"
	codeTries        = "too_many_tries"
	codeInternal     = "internal"
	codeStalled      = "stalled"
	codeStopping     = "stopping"
	codeRules        = "rules_do_not_compile"
	codeUpgrade      = "upgrade_required"
	codeUnavailable  = "unavailable"
)

var statusOf = map[string]int{
	codeParameter:    http.StatusBadRequest,
	codeBody:         http.StatusBadRequest,
	codeEmpty:        http.StatusBadRequest,
	codeSource:       http.StatusNotFound,
	codeForbidden:    http.StatusForbidden,
	codeHost:         http.StatusForbidden,
	codeNotFound:     http.StatusNotFound,
	codeMethod:       http.StatusMethodNotAllowed,
	codeSlow:         http.StatusRequestTimeout,
	codeExists:       http.StatusConflict,
	codeLarge:        http.StatusRequestEntityTooLarge,
	codeType:         http.StatusUnsupportedMediaType,
	codeEncoding:     http.StatusUnsupportedMediaType,
	codeBusy:         http.StatusTooManyRequests,
	codeChange:       http.StatusBadRequest,
	codeInURL:        http.StatusBadRequest,
	codeUnauthorized: http.StatusUnauthorized,
	codeRole:         http.StatusForbidden,
	codeTries:        http.StatusTooManyRequests,
	codeInternal:     http.StatusInternalServerError,
	codeStalled:      http.StatusServiceUnavailable,
	codeStopping:     http.StatusServiceUnavailable,
	codeRules:        http.StatusUnprocessableEntity,
	codeUpgrade:      http.StatusUpgradeRequired,
	codeUnavailable:  http.StatusServiceUnavailable,
}

// fail makes an error of a code.
func fail(code, format string, args ...any) *Error {
	return &Error{Status: statusOf[code], Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

func (e *Error) after(d time.Duration) *Error {
	e.Retry = d
	return e
}

// asError gives every error its answer. What is none of ours is internal: its
// text goes to the log and not to the client.
func asError(err error) *Error {
	var e *Error
	var busy *engine.ErrBusy
	var change *alerts.ChangeError
	var rules *rulebook.ChangeError
	var wrong *engine.RuleError
	var role *RoleError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &busy):
		return fail(codeBusy, "%s", busy.Error()).hint("send again after the time in Retry-After; nothing of this request was taken").after(busy.RetryAfter)
	case errors.Is(err, engine.ErrNoSource):
		return fail(codeSource, "%s", err).hint("name one with ?source=NAME; a rule file declares one with: source NAME of EVENT from http { }")
	case errors.Is(err, engine.ErrNoRules):
		return fail(codeUnavailable, "%s", err).hint("the server's log says why").after(pause)
	case errors.Is(err, engine.ErrStalled):
		return fail(codeStalled, "%s", err).hint("make room on the disk of the state directory; Weir goes on by itself then. Nothing of this request was acknowledged: send it again").after(5 * time.Second)
	case errors.Is(err, engine.ErrClosed), errors.Is(err, errStopping):
		return fail(codeStopping, "the server is stopping").hint("send again when it is back; nothing of this request was acknowledged").after(5 * time.Second)
	case errors.Is(err, errNoLog):
		return fail(codeUnavailable, "%s", err)
	case errors.As(err, &change):
		return fail(codeChange, "%s", change.Why)
	case errors.As(err, &rules):
		return fail(codeChange, "%s", rules.Why)
	case errors.As(err, &wrong):
		return fail(codeRules, "%s", wrong.Error()).hint("POST /api/v1/rules/check has the places; nothing is changed")
	case errors.As(err, &role):
		return fail(codeRole, "%s", role.Why)
	case errors.Is(err, engine.ErrNoRule):
		return fail(codeNotFound, "%s", err).hint("GET /api/v1/rules lists those that run")
	case errors.Is(err, errNoAdmin):
		return fail(codeUnavailable, "%s", err)
	case errors.Is(err, alerts.ErrNoDelivery), errors.Is(err, webhook.ErrNoEndpoint):
		return fail(codeNotFound, "%s", err)
	case errors.Is(err, alerts.ErrNoSilence):
		return fail(codeNotFound, "%s", err).hint("weir silences list shows those that are")
	case errors.Is(err, alerts.ErrNone):
		return fail(codeNotFound, "%s", err).hint("retention may have removed it")
	case errors.Is(err, alerts.ErrStalled):
		return fail(codeStalled, "%s", err).hint("make room on the disk of the state directory; nothing of this request was done: send it again").after(5 * time.Second)
	case errors.Is(err, alerts.ErrClosed):
		return fail(codeStopping, "the server is stopping").hint("send again when it is back").after(5 * time.Second)
	case errors.Is(err, fs.ErrExist):
		return fail(codeExists, "%s", err).hint("name a folder that does not exist yet")
	}
	return fail(codeInternal, "something went wrong inside the server").hint("the server's log says more under this request's id")
}

var (
	errStopping    = errors.New("the server is stopping")
	errNoEndpoints = fail(codeUnavailable, "this server has no webhooks").hint("a rule file declares one: sink NAME to webhook { url \"https://…\" }")
	errNoLog       = errors.New("this server keeps no alert log")
)

// busy says that what is full is full for a moment.
func busy(why string) error { return &engine.ErrBusy{Why: why, RetryAfter: pause} }

// writeError answers with e.
func writeError(w http.ResponseWriter, r *http.Request, e *Error) {
	if e.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Retry.Seconds()))))
	}
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
	}
	type body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Hint    string `json:"hint,omitempty"`
		Request string `json:"request_id,omitempty"`
	}
	writeJSON(w, e.Status, map[string]body{"error": {e.Code, e.Message, e.Hint, requestID(r)}})
}
