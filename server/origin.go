package server

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// external is how others call a server from without.
type external struct {
	url    string
	secure bool // over TLS
}

// CheckOrigin says what is wrong with an origin whose pages may use the server.
func CheckOrigin(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no origin; write it like https://weir.example.com or http://localhost:3000", text)
	}
	return nil
}

// CheckExternal says what is wrong with the address that a server is reached at
// from without.
func CheckExternal(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%q is no address of a server; write it like https://weir.example.com", text)
	}
	return nil
}

// originsOf is what lets requests of pages of this server through, and of those
// origins that are named.
func originsOf(c *Config) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	for _, o := range c.Origins {
		if err := CheckOrigin(o); err != nil {
			return nil, err
		}
		if err := p.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	if c.External == "" {
		return p, nil
	}
	if err := CheckExternal(c.External); err != nil {
		return nil, err
	}
	u, err := url.Parse(c.External)
	if err != nil {
		return nil, err
	}
	return p, p.AddTrustedOrigin(u.Scheme + "://" + u.Host)
}

// checkOrigin refuses what a page of somebody else's sends, if it would change
// something or opens a WebSocket.
func (s *Server) checkOrigin(r *http.Request) *Error {
	check := r
	if isUpgrade(r) {
		asked := *r
		asked.Method = http.MethodPost // it is as much as one
		check = &asked
	}
	if s.origins.Check(check) == nil {
		return nil
	}
	from := r.Header.Get("Origin")
	if from == "" {
		from = "another origin (Sec-Fetch-Site: " + r.Header.Get("Sec-Fetch-Site") + ")"
	}
	if len(from) > 200 {
		from = from[:200] + "…"
	}
	s.metrics.denied.WithLabelValues("origin").Inc()
	return fail(codeForbidden, "a page of %s may not send this", strings.ToValidUTF8(from, "?")).
		hint("send it from a program, from a page that this server serves, or start the server with --origin %s if that page is yours", strings.ToValidUTF8(from, "?"))
}
