package app

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// demoHook receives the demo's webhooks, as a receiver of one's own would: it
// takes what is signed with the secret and not older than five minutes.
type demoHook struct {
	key      []byte
	url      string
	srv      *http.Server
	verified atomic.Uint64
	refused  atomic.Uint64
}

const (
	hookAge  = 5 * time.Minute
	hookBody = 1 << 20
)

// startHook listens, and writes the secret to a file.
func startHook(secretFile string) (*demoHook, error) {
	h := &demoHook{key: make([]byte, 32)}
	rand.Read(h.key) // never fails
	if err := os.WriteFile(secretFile, []byte("whsec_"+base64.StdEncoding.EncodeToString(h.key)+"\n"), 0o600); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h.url = fmt.Sprintf("http://%s/alerts", l.Addr())
	h.srv = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = h.srv.Serve(l) }() // until it is closed
	return h, nil
}

// ServeHTTP takes a message.
func (h *demoHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, hookBody))
	if err != nil || !h.signed(r.Header, body) {
		h.refused.Add(1)
		http.Error(w, "the signature is not right", http.StatusUnauthorized)
		return
	}
	h.verified.Add(1)
	w.WriteHeader(http.StatusNoContent)
}

// signed verifies a message as the Standard Webhooks specification says.
func (h *demoHook) signed(header http.Header, body []byte) bool {
	id, at := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)); err != nil || age > hookAge || age < -hookAge {
		return false
	}
	mac := hmac.New(sha256.New, h.key)
	fmt.Fprintf(mac, "%s.%s.", id, at)
	mac.Write(body)
	for _, s := range strings.Fields(header.Get("webhook-signature")) {
		code, ok := strings.CutPrefix(s, "v1,")
		if got, err := base64.StdEncoding.DecodeString(code); ok && err == nil && hmac.Equal(got, mac.Sum(nil)) {
			return true
		}
	}
	return false
}
