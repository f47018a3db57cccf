package server

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// Certificate is a certificate and its key, in files that are read again when
// they change: whoever renews it need not restart anything.
type Certificate struct {
	cert, key string
	now       func() time.Time

	mu    sync.Mutex
	held  *tls.Certificate
	as    [2]os.FileInfo
	look  time.Time // when to look at the files next
	wrong error
}

// certEvery bounds how long a certificate that was renewed is not used.
const certEvery = 10 * time.Second

// OpenCertificate reads a certificate with its chain, and its key, both in PEM.
func OpenCertificate(cert, key string) (*Certificate, error) {
	c := &Certificate{cert: cert, key: key, now: time.Now}
	return c, c.Reload()
}

// Reload reads the files again. With an error, the certificate from before is
// used on.
func (c *Certificate) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reload()
}

func (c *Certificate) reload() error {
	c.look = c.now().Add(certEvery)
	as, err := c.stat()
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.held, c.as = &pair, as
		}
	}
	if err != nil {
		err = fmt.Errorf("read the certificate %s with the key %s: %w", c.cert, c.key, err)
	}
	c.wrong = err
	return err
}

func (c *Certificate) stat() (as [2]os.FileInfo, err error) {
	for i, name := range []string{c.cert, c.key} {
		if as[i], err = os.Stat(name); err != nil {
			return as, err
		}
	}
	return as, nil
}

// changed says whether one of the files is another than the one that was read.
func (c *Certificate) changed() bool {
	as, err := c.stat()
	if err != nil || c.wrong != nil {
		return true
	}
	for i := range as {
		if !os.SameFile(as[i], c.as[i]) || !as[i].ModTime().Equal(c.as[i].ModTime()) || as[i].Size() != c.as[i].Size() {
			return true
		}
	}
	return false
}

// get is the certificate for a handshake.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); !now.Before(c.look) {
		c.look = now.Add(certEvery)
		if c.changed() {
			_ = c.reload() // Wrong tells
		}
	}
	return c.held, nil
}

// Wrong says why the files as they stand are not in use; nil: they are.
func (c *Certificate) Wrong() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrong
}

// Config is what a server speaks TLS by: version 1.2 or later.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}
