package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are the files of an authority and of what it has signed: a
// server on the loopback and a client.
type Certificates struct {
	CA                    string
	ServerCert, ServerKey string
	ServerBoth            string // key and certificate in one file
	ClientCert, ClientKey string
	authority             *x509.Certificate
	authorityKey          *ecdsa.PrivateKey
	dir                   string
	serial                int64
	t                     testing.TB
}

// NewCertificates makes them.
func NewCertificates(t testing.TB) *Certificates {
	t.Helper()
	c := &Certificates{dir: t.TempDir(), t: t}
	c.authorityKey = c.newKey()
	c.authority = c.template("authority")
	c.authority.IsCA, c.authority.KeyUsage, c.authority.BasicConstraintsValid = true, x509.KeyUsageCertSign, true
	c.CA = c.write("ca.pem", c.sign(c.authority, c.authorityKey))
	key := c.newKey()
	cert, keyPEM := c.sign(c.template("server"), key), c.encodeKey(key)
	c.ServerCert, c.ServerKey = c.write("server.pem", cert), c.write("server.key", keyPEM)
	c.ServerBoth = c.write("both.pem", append(keyPEM[:len(keyPEM):len(keyPEM)], cert...))
	key = c.newKey()
	c.ClientCert, c.ClientKey = c.write("client.pem", c.sign(c.template("client"), key)), c.write("client.key", c.encodeKey(key))
	return c
}

func (c *Certificates) newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		c.t.Fatal(err)
	}
	return key
}

func (c *Certificates) template(name string) *x509.Certificate {
	c.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(c.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
}

func (c *Certificates) sign(cert *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, cert, c.authority, &key.PublicKey, c.authorityKey)
	if err != nil {
		c.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (c *Certificates) encodeKey(key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		c.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (c *Certificates) write(name string, text []byte) string {
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}
