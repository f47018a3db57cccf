package remote

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"

	"github.com/weir-cep/weir/internal/client"
)

type alertsCmd struct {
	Tail    tailCmd    `cmd:"" help:"Print alerts as they happen."`
	List    listCmd    `cmd:"" help:"List the newest alerts."`
	Show    showCmd    `cmd:"" help:"Show one alert, what was done to it and where it was sent."`
	Ack     ackCmd     `cmd:"" help:"Acknowledge alerts: somebody looks at them."`
	Close   closeCmd   `cmd:"" help:"Close alerts, with what they turned out to be."`
	Reopen  reopenCmd  `cmd:"" help:"Open closed or acknowledged alerts again."`
	Assign  assignCmd  `cmd:"" help:"Give alerts to somebody, or to nobody."`
	Comment commentCmd `cmd:"" help:"Note something at alerts."`
}

// filtered is the flag that says which alerts.
type filtered struct {
	Filter string `placeholder:"EXPR" help:"Which alerts: severity>=high and rule=card_* and state=open and key=\"c1\" and label.team=fraud and text~\"wire\"."`
}

type listCmd struct {
	target
	format
	filtered
	Last  int     `default:"20" placeholder:"N" help:"How many of the newest, up to 1000."`
	After *uint64 `placeholder:"SEQ" help:"Instead, those behind this number, oldest first."`
}

func (listCmd) Help() string {
	return "With --output json each line is an alert.\n\nExample:\n  weir alerts list --filter 'severity>=high and state=open'"
}

// Run is the command.
func (c listCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	var p client.Page
	if c.After != nil {
		p, err = cl.After(ctx, *c.After, c.Last, c.Filter)
	} else {
		p, err = cl.Last(ctx, c.Last, 0, c.Filter)
	}
	if err != nil {
		return err
	}
	if c.json() {
		for i := range p.Items {
			if _, err := fmt.Fprintf(s.Out, "%s\n", p.Items[i].JSON); err != nil {
				return err
			}
		}
		return nil
	}
	var rows [][]string
	for i := range p.Items {
		a := &p.Items[i]
		rows = append(rows, []string{strconv.FormatUint(a.Seq, 10), at(a.At), a.Severity, state(a), a.Rule, keyText(a), clip(a.Message, 100)})
	}
	if len(rows) == 0 {
		fmt.Fprintln(s.Err, "no alerts")
	}
	return table(s.Out, "SEQ AT SEVERITY STATE RULE KEY MESSAGE", rows)
}

// state is what has become of an alert, in a word or two.
func state(a *client.Alert) string {
	switch {
	case a.Status == "shadow":
		return "shadow"
	case a.Silence != "" && a.State == "open":
		return "silenced"
	case a.Outcome != "":
		return a.State + "/" + a.Outcome
	case a.Assignee != "":
		return a.State + "/" + a.Assignee
	}
	return a.State
}

// keyText is the key of an alert: its one value, or name=value of each.
func keyText(a *client.Alert) string {
	var parts []string
	for name, v := range a.Key {
		text := fmt.Sprint(v)
		if len(a.Key) > 1 {
			text = name + "=" + text
		}
		parts = append(parts, text)
	}
	sort.Strings(parts)
	return clip(strings.Join(parts, " "), 60)
}

type showCmd struct {
	target
	format
	Seq uint64 `arg:"" help:"Number of the alert."`
}

// Run is the command.
func (c showCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	story, raw, err := cl.Alert(ctx, c.Seq)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, raw)
	}
	show(s.Out, &story)
	return nil
}

func show(w io.Writer, story *client.Story) {
	a := &story.Alert
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "%-11s%s\n", name, clean(text))
		}
	}
	fmt.Fprintf(w, "alert %d  %s\n", a.Seq, clean(a.Message))
	line("rule", a.Rule+" ("+a.Status+")")
	line("severity", a.Severity)
	line("at", at(a.At))
	line("key", keyText(a))
	line("state", state(a))
	line("assignee", a.Assignee)
	line("silence", a.Silence)
	for i := range story.History {
		h := &story.History[i]
		line("", "")
		fmt.Fprintf(w, "  %s  %s by %s%s\n", at(h.At), clean(h.Kind), clean(h.By), clean(suffix(": ", h.Comment)))
	}
	for i := range story.Deliveries {
		d := &story.Deliveries[i]
		fmt.Fprintf(w, "  %s to %s: %s after %s%s\n", clean(d.Type), clean(d.Sink), d.State, count(d.Tries, "try"), clean(suffix(", ", d.Reason)))
	}
}

func suffix(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
