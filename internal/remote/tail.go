package remote

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weir-cep/weir/internal/client"
)

type tailCmd struct {
	target
	format
	filtered
	Last   int     `default:"10" placeholder:"N" help:"Begin with so many of the newest."`
	After  *uint64 `placeholder:"SEQ" help:"Instead, begin behind this number: nothing behind it is left out."`
	Triage bool    `help:"Also print what people make of alerts."`
}

func (tailCmd) Help() string {
	return `Prints alerts until it is interrupted. When the connection breaks or the server restarts it goes on where it was,
without loss or repeat. With --output json each line is an alert as the API has it.

Examples:
  weir alerts tail --filter 'severity>=high'
  weir alerts tail --after 88213 --output json`
}

// Run is the command.
func (c tailCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	f := client.Feed{Filter: c.Filter, Snapshot: c.Last, Say: func(text string) { fmt.Fprintln(s.Err, "weir:", clean(text)) }}
	if c.After != nil {
		f.After, f.Resume = *c.After, true
	}
	f.Alert = func(a *client.Alert) error {
		if c.json() {
			_, err := fmt.Fprintf(s.Out, "%s\n", a.JSON)
			return err
		}
		_, err := fmt.Fprintf(s.Out, "%d  %s  %-8s  %s  %s  %s%s\n", a.Seq, at(a.At), clean(a.Severity), clean(a.Rule), clean(keyText(a)), clean(a.Message), tailMark(a))
		return err
	}
	if c.Triage {
		f.Made = func(m *client.Made) error { return c.made(s, m) }
	}
	return cl.Follow(ctx, f)
}

// tailMark says what has become of an alert already.
func tailMark(a *client.Alert) string {
	if s := state(a); s != "" && s != "open" {
		return "  (" + clean(s) + ")"
	}
	return ""
}

// made prints what somebody made of an alert.
func (c tailCmd) made(s IO, m *client.Made) error {
	if c.json() {
		text, err := json.Marshal(m)
		if err == nil {
			_, err = fmt.Fprintf(s.Out, "%s\n", text)
		}
		return err
	}
	_, err := fmt.Fprintf(s.Out, "%d  %s  %s by %s: %s%s%s%s\n", m.Seq, at(m.Updated), clean(m.Kind), clean(m.By), m.State,
		clean(suffix(" as ", m.Outcome)), clean(suffix(", with ", m.Assignee)), clean(suffix(", ", m.Comment)))
	return err
}
