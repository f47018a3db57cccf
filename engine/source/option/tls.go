package option

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLS returns how connections are encrypted, nil if they are not: by the
// options tls, ca_file, cert_file and key_file. The server's certificate is
// always checked.
func (o *Options) TLS() *tls.Config {
	files := o.Has("ca_file") || o.Has("cert_file") || o.Has("key_file")
	if !o.Bool("tls", files) {
		if files {
			o.Bad("tls", "is false, but a certificate or its authorities are given")
		}
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if path := o.Path("ca_file"); path != "" {
		if pool, err := authorities(path); err != nil {
			o.Bad("ca_file", "%w", err)
		} else {
			c.RootCAs = pool
		}
	}
	if o.Has("cert_file") != o.Has("key_file") {
		o.Bad("cert_file", "cert_file and key_file go together")
	} else if o.Has("cert_file") {
		cert, err := tls.LoadX509KeyPair(o.Path("cert_file"), o.Path("key_file"))
		if err != nil {
			o.Bad("cert_file", "%w", err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c
}

func authorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return pool, nil
}
