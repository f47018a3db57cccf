package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-cep/weir/alerts"
)

// verdict is what a try comes to.
type verdict uint8

const (
	accepted verdict = iota
	failed           // it is tried again
	slowDown         // it is tried again, and all else waits too
	gone             // the endpoint wants no more messages
	hopeless         // this message can't be sent at all
)

// result is a try that is over.
type result struct {
	d       *alerts.Delivery
	attempt alerts.Attempt
	verdict verdict
	after   time.Duration // asked for by the receiver, 0: nothing was
	why     string        // of what is hopeless
}

// callTime bounds a try, the answer included.
const callTime = 30 * time.Second

// try sends a message once.
func (e *endpoint) try(ctx context.Context, d *alerts.Delivery) (r result) {
	start := e.now()
	r = result{d: d, verdict: failed, attempt: alerts.Attempt{At: start.UnixNano()}}
	defer func() { r.attempt.Took = int64(e.now().Sub(start)) }()
	m, err := messageOf(e.log, d, e.link(d.Seq))
	if errors.Is(err, errGone) {
		r.verdict, r.why = hopeless, err.Error()
		return r
	}
	if err == nil {
		err = e.post(ctx, m, start, &r)
	}
	if err != nil {
		r.attempt.Error = reason(err)
	}
	return r
}

// post sends a message, and reads what the answer says.
func (e *endpoint) post(ctx context.Context, m *message, now time.Time, r *result) error {
	body, kind, err := e.set.shape.body(m)
	if err != nil {
		r.verdict, r.why = hopeless, err.Error()
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.set.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("User-Agent", "weir")
	req.Header.Set("webhook-id", m.ID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	if e.set.secret.Given() {
		keys, err := e.set.keys()
		if err != nil {
			return err
		}
		req.Header.Set("webhook-signature", sign(keys, m.ID, now.Unix(), body))
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, alerts.MaxResponse)) // the status counts, however the text ends
	_, _ = io.CopyN(io.Discard, resp.Body, drainBody)                    // so that the connection can be used again
	r.attempt.Status, r.attempt.Response = resp.StatusCode, printable(text)
	r.after = retryAfter(resp.Header.Get("Retry-After"), now)
	r.verdict = judge(resp.StatusCode)
	return nil
}

// drainBody is how much of an answer is read and thrown away.
const drainBody = 64 << 10

// judge says what a status means.
func judge(status int) verdict {
	switch {
	case status >= 200 && status < 300:
		return accepted
	case status == http.StatusGone:
		return gone
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return slowDown
	}
	return failed // redirects too: they are not followed
}

// reason is an error without the address that it repeats.
func reason(err error) string {
	text := err.Error()
	var call interface{ Unwrap() error }
	if strings.HasPrefix(text, "Post ") && errors.As(err, &call) && call.Unwrap() != nil {
		text = call.Unwrap().Error()
	}
	return printable([]byte(text))
}

// printable cuts a text to what is kept of it.
func printable(b []byte) string {
	if len(b) > alerts.MaxResponse {
		b = b[:alerts.MaxResponse]
	}
	for len(b) > 0 && !utf8.Valid(b) {
		if r, size := utf8.DecodeLastRune(b); r == utf8.RuneError && size == 1 {
			b = b[:len(b)-1]
			continue
		}
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(b)
}
