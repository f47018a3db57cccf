package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says which server, and who asks.
type Config struct {
	URL      string // such as http://127.0.0.1:8080
	Token    string // "": none
	CAFile   string // certificates (PEM) that the server's may be signed by; "": the system's
	Insecure bool   // a token may go over plain HTTP
}

// Client asks one server. It is safe for several goroutines.
type Client struct {
	base  *url.URL
	token string
	tls   *tls.Config
	http  *http.Client
}

// maxAnswer bounds an answer, bytes.
const maxAnswer = 256 << 20

// New makes a client; nothing is sent yet.
func New(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("--server %s is no address of a server; write it like http://127.0.0.1:8080", c.URL)
	}
	if c.Token != "" && base.Scheme == "http" && !c.Insecure && !loopback(base.Hostname()) {
		return nil, fmt.Errorf("the token is not sent to %s in plain text: use https://, or ask on the server's own machine", base.Host)
	}
	out := &Client{base: base, token: strings.TrimSpace(c.Token)}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca-file %s holds no certificate (PEM)", c.CAFile)
		}
		out.tls = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = out.tls
	out.http = &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		return fmt.Errorf("the server sends to %s; give that with --server if it is the right one", r.URL.Host)
	}}
	return out, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// URL is the server's address.
func (c *Client) URL() string { return c.base.String() }

// Error is what a server says instead of an answer.
type Error struct {
	Status  int // of HTTP
	Code    string
	Message string
	Hint    string
	Request string // its id, as the server's log has it
}

func (e *Error) Error() string {
	text := e.Message
	if e.Hint != "" {
		text += "\n  = " + e.Hint
	}
	switch {
	case e.Request != "":
		text += fmt.Sprintf("\n  (%s, request %s)", e.Code, e.Request)
	case e.Code != "":
		text += "\n  (" + e.Code + ")"
	}
	return text
}

// ErrUnreachable says that no server answers at the address.
var ErrUnreachable = errors.New("no server answers")

// Get reads what is at a path into out.
func (c *Client) Get(ctx context.Context, path string, q url.Values, out any) error {
	return c.do(ctx, http.MethodGet, path, q, nil, out)
}

// Post sends a JSON object and reads the answer into out, unless that is nil.
func (c *Client) Post(ctx context.Context, path string, ask, out any) error {
	return c.do(ctx, http.MethodPost, path, nil, ask, out)
}

// Delete removes what is at a path.
func (c *Client) Delete(ctx context.Context, path string, ask, out any) error {
	return c.do(ctx, http.MethodDelete, path, nil, ask, out)
}

func (c *Client) do(ctx context.Context, method, path string, q url.Values, ask, out any) error {
	status, text, _, err := c.ask(ctx, method, path, q, ask)
	if err != nil {
		return err
	}
	if status >= 300 {
		return refusal(status, text)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("the answer of %s to %s is not what a server of this version says: %w", c.base.Host, path, err)
	}
	return nil
}

// ask sends a request and reads the answer whole.
func (c *Client) ask(ctx context.Context, method, path string, q url.Values, ask any) (status int, text []byte, head http.Header, err error) {
	var body io.Reader
	if ask != nil {
		b, err := json.Marshal(ask)
		if err != nil {
			return 0, nil, nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.at(path, q), body)
	if err != nil {
		return 0, nil, nil, err
	}
	if ask != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.sign(r.Header)
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, nil, nil, c.unreachable(err)
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read the answer of %s: %w", c.base.Host, err)
	}
	if len(text) > maxAnswer {
		return 0, nil, nil, fmt.Errorf("the answer of %s is longer than %d bytes; ask for less at once", c.base.Host, maxAnswer)
	}
	return answer.StatusCode, text, answer.Header, nil
}

func (c *Client) at(path string, q url.Values) string {
	text := c.base.String() + path
	if len(q) > 0 {
		text += "?" + q.Encode()
	}
	return text
}

func (c *Client) sign(h http.Header) {
	h.Set("Accept", "application/json")
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
}

func (c *Client) unreachable(err error) error {
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("%w at %s (%w); is it running? --server or WEIR_SERVER names another", ErrUnreachable, c.base, op.Err)
	}
	return fmt.Errorf("ask %s: %w", c.base, err)
}

// refusal reads why a server does not do what it was asked.
func refusal(status int, text []byte) error {
	var body struct {
		Error struct {
			Code, Message, Hint string
			Request             string `json:"request_id"`
		}
	}
	if err := json.Unmarshal(text, &body); err != nil || body.Error.Message == "" {
		return &Error{Status: status, Message: fmt.Sprintf("the server answered %d %s", status, http.StatusText(status))}
	}
	e := &body.Error
	return &Error{status, e.Code, e.Message, e.Hint, e.Request}
}

// Ready says whether events are taken in, and how far the server's clock is
// ahead of this machine's, to a second.
func (c *Client) Ready(ctx context.Context) (ready bool, ahead time.Duration, err error) {
	before := time.Now()
	status, text, head, err := c.ask(ctx, http.MethodGet, "/readyz", nil, nil)
	if err != nil {
		return false, 0, err
	}
	if status != http.StatusOK && status != http.StatusServiceUnavailable {
		return false, 0, refusal(status, text)
	}
	if at, err := http.ParseTime(head.Get("Date")); err == nil {
		ahead = at.Sub(before.Add(time.Since(before) / 2).Truncate(time.Second))
	}
	return status == http.StatusOK, ahead, nil
}
