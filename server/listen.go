package server

import (
	"fmt"
	"net"
)

// Listening is what decides whether an address may be listened on.
type Listening struct {
	Addr     string // host:port
	Tokens   bool   // people have to say who they are
	TLS      bool
	Insecure bool // it was said that it is meant so
}

// CheckListen refuses to be reached by others without tokens and TLS, unless it
// is said that it is meant so.
func CheckListen(l Listening) error {
	host, _, err := net.SplitHostPort(l.Addr)
	if err != nil {
		return fmt.Errorf("--listen %s: %w; write it like 127.0.0.1:8080", l.Addr, err)
	}
	if l.Insecure || Loopback(host) || l.Tokens && l.TLS {
		return nil
	}
	const way = "listen on 127.0.0.1, or add --insecure if a proxy or a network that you trust stands before it"
	switch {
	case !l.Tokens && !l.TLS:
		return fmt.Errorf("--listen %s is reached by others, and nobody would have to say who they are: add --auth-file FILE and --tls-cert FILE --tls-key FILE; or %s", l.Addr, way)
	case !l.Tokens:
		return fmt.Errorf("--listen %s is reached by others, and nobody would have to say who they are: add --auth-file FILE; or %s", l.Addr, way)
	}
	return fmt.Errorf("--listen %s is reached by others, and tokens would go over the network in plain text: add --tls-cert FILE --tls-key FILE; or %s", l.Addr, way)
}

// Loopback says whether a host is this machine to itself alone. A name other
// than localhost is not: what it stands for may change.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
