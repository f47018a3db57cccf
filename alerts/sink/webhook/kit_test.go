package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/sinktest"
)

// call is a message as the receiver got it.
type call struct {
	at     time.Time
	id     string
	typ    string
	seq    uint64
	key    string
	header http.Header
	body   []byte
	status int
}

// receiver takes messages in place of a network.
type receiver struct {
	mu     sync.Mutex
	calls  []call
	answer func(c *call) (status int, header http.Header) // nil: 204
}

// RoundTrip implements http.RoundTripper.
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	c := call{at: time.Now(), id: req.Header.Get("webhook-id"), header: req.Header, body: body, status: http.StatusNoContent}
	var m struct {
		Type string
		Data struct {
			Seq uint64
			Key map[string]string
		}
	}
	_ = json.Unmarshal(body, &m) // a template may make anything
	c.typ, c.seq, c.key = m.Type, m.Data.Seq, m.Data.Key["card"]
	r.mu.Lock()
	defer r.mu.Unlock()
	var header http.Header
	if r.answer != nil {
		c.status, header = r.answer(&c)
	}
	r.calls = append(r.calls, c)
	if c.status == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: c.status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte("answer"))), Request: req}, nil
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call{}, r.calls...)
}

// taken are the numbers of the alerts whose opening was taken, as they came.
func (r *receiver) taken() (seqs []uint64) {
	for _, c := range r.got() {
		if c.typ == TypeOpened && c.status < 300 && c.status > 0 {
			seqs = append(seqs, c.seq)
		}
	}
	return seqs
}

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// spec is the sink "out" with options, and a secret.
func spec(t testing.TB, options string) sink.Spec {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(testSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return sinktest.Spec(t, filepath.Join(dir, "r.cep"), `webhook { url: "https://hooks.example/in", secret_file: "secret" `+options+` }`)
}

// begin lets the endpoint of a sink run until the test ends.
func begin(t testing.TB, l *alerts.Log, r http.RoundTripper, s ...sink.Spec) *Endpoints {
	t.Helper()
	e := New(Config{Log: l, Logger: slog.New(slog.DiscardHandler), Base: "https://weir.example", transport: r})
	if err := e.Set(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(e) })
	return e
}

// shut ends endpoints at once.
func shut(e *Endpoints) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e.Close(ctx)
}

func key(t testing.TB, secret string) []byte {
	t.Helper()
	k, err := base64.StdEncoding.DecodeString(secret[len(secretPrefix):])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
