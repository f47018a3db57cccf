package app

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/weir-cep/weir/internal/access"
)

type tokenCmd struct {
	New    tokenNewCmd    `cmd:"" help:"Make a token, print it once, and add its hash to the file."`
	List   tokenListCmd   `cmd:"" help:"List the tokens of a file."`
	Revoke tokenRevokeCmd `cmd:"" help:"Take tokens out of a file."`
}

func (tokenCmd) Help() string {
	return `Tokens say who uses a server that was started with --auth-file FILE. The file holds their hashes only; a server
reads it again within a second of a change.

Examples:
  weir token new --name jd --role analyst --auth-file tokens --expires 90d
  weir token list --auth-file tokens
  weir token revoke jd --auth-file tokens`
}

type tokenNewCmd struct {
	Name     string `required:"" placeholder:"NAME" help:"Whose it is; stands in audit trails. Several tokens may have one name."`
	Role     string `required:"" placeholder:"ROLE" help:"What it allows: viewer, analyst, author, approver, operator, admin; or sender, which sends events and nothing else."`
	AuthFile string `required:"" placeholder:"FILE" help:"File of tokens; it is made if there is none."`
	Expires  string `placeholder:"TIME" help:"Time until it expires, such as 90d or 12h; never, if not given."`
}

// Run is the command. The token alone goes to the standard output, so that a
// script can take it.
func (c tokenNewCmd) Run(s Streams) error {
	role, err := access.ParseRole(c.Role)
	if err != nil {
		return err
	}
	now := time.Now()
	var expires time.Time
	if c.Expires != "" {
		d, err := lifetime(c.Expires)
		if err != nil {
			return err
		}
		expires = now.Add(d)
	}
	secret, token, err := access.New(c.Name, role, now, expires)
	if err != nil {
		return err
	}
	if err := access.Add(c.AuthFile, token); err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "The token of %s, role %s, %s. It is shown this once; %s has its hash only.\n", token.Name, token.Role, expiry(token), c.AuthFile)
	fmt.Fprintln(s.Out, secret)
	return nil
}

// lifetime reads a time such as 90d or 12h.
func lifetime(text string) (time.Duration, error) {
	wrong := fmt.Errorf("--expires %s is no time up to ten years; write it like 90d or 12h", text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 12)
		if err != nil || n == 0 || n > 3660 {
			return 0, wrong
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second || d > 3660*24*time.Hour {
		return 0, wrong
	}
	return d, nil
}

func expiry(t access.Token) string {
	switch {
	case t.Expires.IsZero():
		return "never expires"
	case t.Expired(time.Now()):
		return "expired " + t.Expires.Format(time.RFC3339)
	}
	return "expires " + t.Expires.Format(time.RFC3339)
}

type tokenListCmd struct {
	AuthFile string `required:"" placeholder:"FILE" help:"File of tokens."`
}

// Run is the command.
func (c tokenListCmd) Run(s Streams) error {
	list, err := access.List(c.AuthFile)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tROLE\tCREATED\tEXPIRES")
	for _, t := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Hash.ID(), t.Name, t.Role, t.Created.Format(time.RFC3339), strings.TrimPrefix(expiry(t), "expires "))
	}
	return w.Flush()
}

type tokenRevokeCmd struct {
	Token    string `arg:"" placeholder:"NAME|ID" help:"Name of the tokens, or id of one, as weir token list shows it."`
	AuthFile string `required:"" placeholder:"FILE" help:"File of tokens."`
}

// Run is the command.
func (c tokenRevokeCmd) Run(s Streams) error {
	gone, err := access.Revoke(c.AuthFile, c.Token)
	if err != nil {
		return err
	}
	for _, t := range gone {
		fmt.Fprintf(s.Out, "revoked %s of %s, role %s\n", t.Hash.ID(), t.Name, t.Role)
	}
	return nil
}
