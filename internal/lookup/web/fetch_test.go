package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/lookup"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func config(t *testing.T, table bool, options ...string) lookup.FetcherConfig {
	t.Helper()
	c := lookup.FetcherConfig{Name: "names", Table: table, From: "http", Rules: filepath.Join(t.TempDir(), "rules.cep")}
	for i := 0; i < len(options); i += 2 {
		c.Options = append(c.Options, dsl.Option{Name: options[i], Value: cep.Str(options[i+1])})
	}
	return c
}

func open(t *testing.T, c lookup.FetcherConfig) lookup.Fetcher {
	t.Helper()
	f, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		path, kind string
		table      bool
		want       string
	}{
		{"/a", "text/csv; charset=utf-8", false, "csv"},
		{"/a.csv", "application/json", false, "json"},
		{"/a", "application/x-ndjson", true, "json"},
		{"/a", "application/problem+json", true, "json"},
		{"/a.csv", "text/plain", false, "csv"},
		{"/a.JSON", "application/octet-stream", false, "json"},
		{"/a.txt", "text/plain", false, "text"},
		{"/a", "text/plain", false, "text"},
		{"/a.txt", "text/plain", true, "json"},
		{"/a", "text/plain; charset", true, "json"},
	} {
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", tt.kind)
			fmt.Fprint(w, "x")
		})
		got, err := open(t, config(t, tt.table, "url", url+tt.path+"?format=x.csv")).Fetch(t.Context())
		if err != nil || got.Format != tt.want || string(got.Data) != "x" || got.Origin != url+tt.path {
			t.Errorf("%s %s: %q %q from %s, %v, want %s", tt.path, tt.kind, got.Format, got.Data, got.Origin, err, tt.want)
		}
	}
}

// A content that has not changed is not sent again, unless it was not taken.
func TestUnchanged(t *testing.T) {
	content, sent := "a\n", 0
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		etag := fmt.Sprintf(`"%s"`, strings.TrimSpace(content))
		w.Header().Set("Etag", etag)
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, content)
	})
	f := open(t, config(t, false, "url", url))
	fetch := func(want string) {
		t.Helper()
		got, err := f.Fetch(t.Context())
		if want == "" {
			if !errors.Is(err, lookup.ErrUnchanged) {
				t.Errorf("%q, %v, want unchanged", got.Data, err)
			}
		} else if err != nil || string(got.Data) != want {
			t.Errorf("%q, %v, want %q", got.Data, err, want)
		}
	}
	fetch("a\n")
	fetch("")
	f.(lookup.Rememberer).Forget()
	fetch("a\n")
	content = "b\n"
	fetch("b\n")
	fetch("")
	if sent != 3 {
		t.Errorf("the content was sent %d times", sent)
	}
}

func TestSecret(t *testing.T) {
	token := ""
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "a")
	})
	token = "Bearer one"
	if _, err := open(t, config(t, false, "url", url)).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "secret_file") {
		t.Error(err)
	}
	c := config(t, false, "url", url, "secret_file", "token")
	if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "secret_file") {
		t.Errorf("a secret that is missing: %v", err)
	}
	path := filepath.Join(filepath.Dir(c.Rules), "token")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	f := open(t, c)
	if got, err := f.Fetch(t.Context()); err != nil || string(got.Data) != "a" {
		t.Errorf("%q, %v", got.Data, err)
	}
	token = "Bearer two"
	if _, err := f.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "token of secret_file") {
		t.Error(err)
	}
	write("two")
	if _, err := f.Fetch(t.Context()); err != nil {
		t.Errorf("a new secret is not taken up: %v", err)
	}
}

func TestBadAnswers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"not there", http.NotFound, "the server answers 404 Not Found"},
		{"page", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<p>log in")
		}, "text/html"},
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "a\nb\n")
		}, "the answer ends early"},
		{"too large", func(w http.ResponseWriter, r *http.Request) {
			chunk := []byte(strings.Repeat("x", 1<<20))
			for range 65 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "larger than 64 MB"},
		{"in circles", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again?token=hush", http.StatusFound)
		}, "redirects more than five times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(t, config(t, false, "url", serve(t, tt.handler)+"/?token=hush")).Fetch(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// A fetch ends with its context, however slow the server is.
func TestSlowServer(t *testing.T) {
	began, end := make(chan struct{}), make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a\n")
		w.(http.Flusher).Flush()
		close(began)
		<-end
	})
	defer close(end)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if _, err := open(t, config(t, false, "url", url)).Fetch(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSecretStaysInTLS(t *testing.T) {
	plain := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Error("it was followed") })
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain, http.StatusFound)
	}))
	defer s.Close()
	c := config(t, false, "url", s.URL, "secret_file", "token")
	if err := os.WriteFile(filepath.Join(filepath.Dir(c.Rules), "token"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, c)
	f.(*fetcher).client.Transport = s.Client().Transport
	if _, err := f.Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "https to http") {
		t.Error(err)
	}
}

func TestOptions(t *testing.T) {
	for url, want := range map[string]string{"": "is empty", "ftp://x/y": "begins with http", "lists.csv": "begins with http", "http://[::1": "an address like"} {
		if _, err := Open(config(t, false, "url", url)); err == nil || !strings.Contains(err.Error(), "list names, option url") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", url, err, want)
		}
	}
	f := open(t, config(t, true, "url", "https://ann:hush@host/a.csv?token=hush"))
	if f.Origin() != "https://host/a.csv" {
		t.Errorf("origin %s", f.Origin())
	}
}
