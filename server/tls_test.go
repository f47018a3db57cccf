package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCheckListen(t *testing.T) {
	for _, c := range []struct {
		addr                  string
		tokens, tls, insecure bool
		want                  string // "": it may
	}{
		{"127.0.0.1:8080", false, false, false, ""}, {"[::1]:8080", false, false, false, ""}, {"localhost:0", false, false, false, ""}, {"127.9.9.9:1", false, false, false, ""},
		{":8080", false, false, false, "--auth-file FILE and --tls-cert"}, {"0.0.0.0:8080", false, false, false, "nobody would have to say"}, {"[::]:8080", false, false, false, "nobody would have to say"},
		{"10.0.0.1:80", true, false, false, "plain text"}, {"10.0.0.1:80", false, true, false, "add --auth-file FILE; or"}, {"10.0.0.1:80", true, true, false, ""}, {"weir.example:80", false, false, false, "nobody"},
		{"localhost.evil.example:80", false, false, false, "nobody"}, {"0.0.0.0:80", false, false, true, ""}, {"0.0.0.0:80", true, false, true, ""}, {"8080", true, true, true, "127.0.0.1:8080"},
	} {
		err := CheckListen(Listening{c.addr, c.tokens, c.tls, c.insecure})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// writeCert writes a certificate for localhost with a serial number.
func writeCert(t *testing.T, dir string, serial int64) (cert, key string, der []byte) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	what := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	if der, err = x509.CreateCertificate(rand.Reader, what, what, &secret.PublicKey, secret); err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: b}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, der
}

// A certificate that is renewed is used without a restart; one that is broken
// is not, and the one from before is.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key, first := writeCert(t, dir, 1)
	c, err := OpenCertificate(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Now()
	c.now = func() time.Time { return clock }
	later := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		clock = clock.Add(certEvery + time.Second)
	}
	told, addr := start(t, Config{Runtime: &fakeRuntime{stats: full(1)}, TLS: c.Config(), Certificate: c})
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatal(got)
	}
	_, _, _ = writeCert(t, dir, 2)
	if got := serial(); got != 1 {
		t.Errorf("%d before it is looked for", got)
	}
	later()
	if got := serial(); got != 2 {
		t.Errorf("%d after it was renewed", got)
	}
	if err := os.WriteFile(key, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	later()
	if got := serial(); got != 2 || c.Wrong() == nil || c.Reload() == nil {
		t.Errorf("%d, %v", got, c.Wrong())
	}
	if h := told.Health(t.Context()); Worst(&h) != "certificate" || !strings.Contains(h.Sentence, "key.pem") {
		t.Errorf("the health says %q", h.Sentence)
	}
	_, _, der := writeCert(t, dir, 3)
	if err := told.Reload(); err != nil {
		t.Error(err)
	}
	if h := told.Health(t.Context()); Worst(&h) != "" {
		t.Errorf("the health says %q", h.Sentence)
	}
	if got := serial(); got != 3 || c.Wrong() != nil {
		t.Errorf("%d, %v", got, c.Wrong())
	}
	if _, err := OpenCertificate(cert, filepath.Join(dir, "none")); err == nil {
		t.Error("a key that is not there is read")
	}
	if string(der) == string(first) {
		t.Error("one certificate")
	}

	// The protocol's old versions are refused, and so is plain HTTP.
	if conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if r, err := http.Get("http://" + addr + "/livez"); err == nil {
		if r.StatusCode == 200 {
			t.Error("plain HTTP is answered")
		}
		r.Body.Close()
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	r, err := (&http.Client{Transport: tr}).Get("https://" + addr + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if r.StatusCode != 200 || string(b) != "ok\n" || r.Header.Get("Strict-Transport-Security") != "" {
		t.Error(r.StatusCode, string(b), r.Header)
	}
}
