package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/weir-cep/weir/engine/source/option"
	"github.com/weir-cep/weir/internal/lookup"
)

// headerTimeout is how long a server may take before it begins to answer. All
// of a fetch is bounded by its context.
const headerTimeout = 20 * time.Second

// Open makes a fetcher. It is a lookup.FetcherOpener.
func Open(cfg lookup.FetcherConfig) (lookup.Fetcher, error) {
	o := cfg.Read()
	address, secret := o.Required("url"), o.Secret("secret_file")
	u, err := url.Parse(address)
	switch {
	case err != nil:
		o.Bad("url", "is not an address like https://host/list.csv")
	case address != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == ""):
		o.Bad("url", "an address begins with http:// or https:// and a host")
	}
	if err := o.Err(); err != nil {
		return nil, err
	}
	f := &fetcher{url: u, secret: secret, text: cfg.Text()}
	// The query may hold a token, and so may the user's part.
	f.text.Origin = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
	f.client = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: headerTimeout, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: f.redirect,
	}
	return f, nil
}

type fetcher struct {
	text   lookup.Text
	url    *url.URL
	secret option.Secret
	client *http.Client

	etag, modified string // of the content that was fetched last
}

func (f *fetcher) Origin() string { return f.text.Origin }

// Forget makes the next fetch bring the content, changed or not.
func (f *fetcher) Forget() { f.etag, f.modified = "", "" }

func (f *fetcher) Close() error {
	f.client.CloseIdleConnections()
	return nil
}

// redirect follows a few redirects, but carries no secret out of TLS.
func (f *fetcher) redirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("it redirects more than five times")
	}
	if f.secret.Given() && via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("it redirects from https to http, which would show the secret")
	}
	return nil
}

// Fetch gets the content, if it is another one than before.
func (f *fetcher) Fetch(ctx context.Context) (lookup.Text, error) {
	req, err := f.request(ctx)
	if err != nil {
		return lookup.Text{}, err
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return lookup.Text{}, plain(err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return lookup.Text{}, lookup.ErrUnchanged
	default:
		return lookup.Text{}, f.status(resp)
	}
	if kind := contentType(resp); kind == "text/html" {
		return lookup.Text{}, errors.New("the server answers with a page (text/html), not with values")
	}
	data, err := lookup.ReadText(resp.Body)
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the answer ends early")
		}
		return lookup.Text{}, plain(err)
	}
	t := f.text
	t.Format, t.Data = f.format(resp), data
	if t.Format == "csv" {
		t.Delimiter = ','
	}
	f.etag, f.modified = resp.Header.Get("Etag"), resp.Header.Get("Last-Modified")
	return t.Seal(), nil
}

func (f *fetcher) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url.String(), nil)
	if err != nil {
		return nil, plain(err)
	}
	req.Header.Set("User-Agent", "weir")
	req.Header.Set("Accept", "application/json, application/x-ndjson, text/csv, text/plain;q=0.9, */*;q=0.5")
	if f.etag != "" {
		req.Header.Set("If-None-Match", f.etag)
	}
	if f.modified != "" {
		req.Header.Set("If-Modified-Since", f.modified)
	}
	token, err := f.secret.Read()
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// status explains an answer that is not the content.
func (f *fetcher) status(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		if !f.secret.Given() {
			return fmt.Errorf("the server answers %s; if it wants a bearer token, name the file that holds it: secret_file: \"…\"", resp.Status)
		}
		return fmt.Errorf("the server answers %s to the token of secret_file", resp.Status)
	}
	return fmt.Errorf("the server answers %s", resp.Status)
}

func contentType(resp *http.Response) string {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

func (f *fetcher) format(resp *http.Response) string {
	switch kind := contentType(resp); {
	case kind == "text/csv":
		return "csv"
	case kind == "application/json", kind == "application/x-ndjson", strings.HasSuffix(kind, "+json"):
		return "json"
	}
	// text/plain is what many servers say of everything.
	switch format := lookup.FormatOf(path.Base(f.url.Path)); {
	case format != "" && !(f.text.Table && format == "text"):
		return format
	case f.text.Table:
		return "json"
	}
	return "text"
}

// plain takes the URL off an error: the origin stands beside it, and the query
// may hold a token.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
