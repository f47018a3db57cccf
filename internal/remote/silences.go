package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-cep/weir/internal/client"
)

type silencesCmd struct {
	List silencesListCmd `cmd:"" help:"List silences."`
	Add  silencesAddCmd  `cmd:"" help:"Keep alerts from the sinks for a time; they are in the log and on the feed all the same."`
	End  silencesEndCmd  `cmd:"" help:"End silences now."`
}

type silencesListCmd struct {
	target
	format
	Past bool `help:"Those that have ended, too."`
}

// Run is the command.
func (c silencesListCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	list, err := cl.Silences(ctx, c.Past)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, list)
	}
	var rows [][]string
	for i := range list {
		l := &list[i]
		rows = append(rows, []string{l.ID, what(l), at(l.Starts), at(l.Ends), strconv.FormatUint(l.Alerts, 10), l.By, clip(l.Reason, 80)})
	}
	if len(rows) == 0 {
		fmt.Fprintln(s.Err, "no silences")
	}
	return table(s.Out, "ID WHAT STARTS ENDS ALERTS BY REASON", rows)
}

// what says what is silenced.
func what(l *client.Silence) string {
	var parts []string
	if l.Rule != "" {
		parts = append(parts, "rule="+l.Rule)
	}
	if l.Key != "" {
		parts = append(parts, "key="+l.Key)
	}
	var labels []string
	for name, text := range l.Labels {
		labels = append(labels, "label."+name+"="+text)
	}
	slices.Sort(labels)
	return strings.Join(append(parts, labels...), " ")
}

type silencesAddCmd struct {
	target
	format
	Rule   string            `placeholder:"NAME" help:"Alerts of this rule; * stands for any run of characters."`
	Key    string            `placeholder:"KEY" help:"Alerts of this key."`
	Label  map[string]string `placeholder:"NAME=TEXT" help:"Alerts with this label. Repeat for several."`
	Reason string            `required:"" placeholder:"TEXT" help:"For whoever wonders why no alert came."`
	For    string            `placeholder:"TIME" help:"How long, such as 30m, 24h or 7d."`
	Until  string            `placeholder:"TIME" help:"Until when, such as 2026-01-31T10:00:00Z."`
}

func (silencesAddCmd) Help() string {
	return "Example:\n  weir silences add --rule 'card_*' --key c1 --for 24h --reason 'the bank tests its cards'"
}

// Run is the command.
func (c silencesAddCmd) Run(ctx context.Context, s IO) error {
	if (c.For == "") == (c.Until == "") {
		return errors.New("a silence needs an end: --for or --until, one of them")
	}
	cl, err := c.open()
	if err != nil {
		return err
	}
	got, err := cl.Silence(ctx, client.NewSilence{Rule: c.Rule, Key: c.Key, Labels: c.Label, Reason: c.Reason, For: c.For, Ends: c.Until})
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, got)
	}
	fmt.Fprintf(s.Out, "%s  %s until %s\n", clean(got.ID), clean(what(&got)), at(got.Ends))
	return nil
}

type silencesEndCmd struct {
	target
	IDs []string `arg:"" name:"id" help:"Silences, as weir silences list names them."`
}

// Run is the command.
func (c silencesEndCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	for _, id := range c.IDs {
		if err := cl.Unsilence(ctx, id); err != nil {
			return err
		}
		fmt.Fprintf(s.Out, "%s ended\n", clean(id))
	}
	return nil
}
