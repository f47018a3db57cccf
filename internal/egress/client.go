package egress

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Times of a call, each with what it bounds.
const (
	dialTime   = 10 * time.Second // until a connection stands, TLS included
	headerTime = 20 * time.Second // from the request's end to the answer's beginning
	idleTime   = 90 * time.Second // of a connection that waits for the next call
)

// Client makes calls through a guard, over connections that are kept: at most
// conns of them to one receiver. It follows no redirects, so an answer of 3xx is
// what the caller gets, and uses no proxy. total bounds a call, the reading of
// its answer included.
func (g *Guard) Client(conns int, total time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: dialTime, Control: g.Control}
	return &http.Client{
		Timeout: total,
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTime,
			ResponseHeaderTimeout:  headerTime,
			MaxIdleConnsPerHost:    conns,
			MaxConnsPerHost:        conns,
			IdleConnTimeout:        idleTime,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // an answer is not worth a bomb
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
