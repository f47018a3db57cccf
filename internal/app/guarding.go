package app

import (
	"errors"
	"strings"

	"github.com/weir-cep/weir/internal/access"
	"github.com/weir-cep/weir/server"
)

// guarding are the flags that say who may do what, and how the server is
// reached.
type guarding struct {
	Listen      string   `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on."`
	AuthFile    string   `placeholder:"FILE" help:"File of the tokens that callers say with who they are; \"weir token new\" makes them. Without it nobody has to."`
	TLSCert     string   `name:"tls-cert" placeholder:"FILE" help:"Certificate with its chain (PEM), to speak TLS. It is read again when it changes."`
	TLSKey      string   `name:"tls-key" placeholder:"FILE" help:"Its key (PEM)."`
	ExternalURL string   `name:"external-url" placeholder:"URL" help:"Address that people reach this server at, if it is another one: a proxy's. Links in messages begin with it."`
	Origin      []string `placeholder:"URL" help:"Another origin whose pages may use this server. Repeat for several."`
	Host        []string `placeholder:"NAME" help:"Name that a proxy's requests call this server by. Repeat for several."`
	Insecure    bool     `help:"Listen on an address that others reach, though nobody has to say who they are, or in plain text."`
}

// check refuses what the flags may not say.
func (g *guarding) check() error {
	tls := g.TLSCert != "" || g.TLSKey != ""
	if tls && (g.TLSCert == "" || g.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together")
	}
	g.ExternalURL = strings.TrimRight(g.ExternalURL, "/")
	var errs []error
	if g.ExternalURL != "" {
		errs = append(errs, server.CheckExternal(g.ExternalURL))
	}
	for _, o := range g.Origin {
		errs = append(errs, server.CheckOrigin(o))
	}
	errs = append(errs, server.CheckListen(server.Listening{Addr: g.Listen, Tokens: g.AuthFile != "", TLS: tls, Insecure: g.Insecure}))
	return errors.Join(errs...)
}

// apply puts the flags into the server's configuration.
func (g *guarding) apply(c *server.Config) error {
	c.Hosts, c.Origins, c.External = g.Host, g.Origin, g.ExternalURL
	if g.AuthFile != "" {
		tokens, err := access.Open(g.AuthFile)
		if err != nil {
			return err
		}
		c.Tokens = tokens
	}
	if g.TLSCert != "" {
		cert, err := server.OpenCertificate(g.TLSCert, g.TLSKey)
		if err != nil {
			return err
		}
		c.TLS, c.Certificate = cert.Config(), cert
	}
	return nil
}
