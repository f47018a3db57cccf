package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/weir-cep/weir/internal/client"
)

type deliveriesCmd struct {
	List  deliveriesListCmd  `cmd:"" help:"List messages to webhooks."`
	Show  deliveriesShowCmd  `cmd:"" help:"Show a message's tries."`
	Retry deliveriesRetryCmd `cmd:"" help:"Send messages again."`
	Purge deliveriesPurgeCmd `cmd:"" help:"Give messages up."`
	Test  deliveriesTestCmd  `cmd:"" help:"Send a test message the way an alert goes."`
}

type deliveriesListCmd struct {
	target
	format
	Sink  string   `placeholder:"NAME" help:"To this webhook."`
	Where []string `name:"in" enum:"pending,delivered,dead" placeholder:"STATE" help:"In one of these states: pending, delivered, dead."`
	Alert uint64   `placeholder:"SEQ" help:"About this alert."`
	Limit int      `default:"50" placeholder:"N" help:"How many."`
}

func (deliveriesListCmd) Help() string { return "Example:\n  weir deliveries list --in dead" }

// Run is the command.
func (c deliveriesListCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	list, _, err := cl.Deliveries(ctx, client.DeliveryQuery{Sink: c.Sink, States: c.Where, Alert: c.Alert, Limit: c.Limit})
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, list)
	}
	var rows [][]string
	for i := range list {
		d := &list[i]
		alert := ""
		if d.Alert > 0 {
			alert = strconv.FormatUint(d.Alert, 10)
		}
		rows = append(rows, []string{d.ID, d.Type, alert, d.State, strconv.Itoa(d.Tries), at(d.Created), at(d.Next), clip(why(d), 80)})
	}
	if len(rows) == 0 {
		fmt.Fprintln(s.Err, "no messages")
	}
	return table(s.Out, "ID TYPE ALERT STATE TRIES CREATED NEXT WHY", rows)
}

// why is what came of the last try of a message that was not delivered.
func why(d *client.Delivery) string {
	if d.State == "delivered" {
		return ""
	}
	if d.Reason != "" {
		return d.Reason
	}
	if n := len(d.Attempts); n > 0 {
		return came(&d.Attempts[n-1])
	}
	return ""
}

// came is what came of a try.
func came(a *client.Attempt) string {
	if a.Error != "" {
		return a.Error
	}
	return "HTTP " + strconv.Itoa(a.Status)
}

type deliveriesShowCmd struct {
	target
	format
	ID string `arg:"" help:"The message, as weir deliveries list names it: SINK/NUMBER."`
}

// Run is the command.
func (c deliveriesShowCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	sink, number, _ := strings.Cut(c.ID, "/")
	n, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return fmt.Errorf("%q is no message; weir deliveries list names them, like cases/17", c.ID)
	}
	list, _, err := cl.Deliveries(ctx, client.DeliveryQuery{Sink: sink, After: strconv.FormatUint(n+1, 10), Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 || list[0].ID != c.ID {
		return fmt.Errorf("there is no message %s; weir deliveries list --sink %s names those there are", c.ID, sink)
	}
	if c.json() {
		return writeJSON(s.Out, list[0])
	}
	showDelivery(s, &list[0])
	return nil
}

func showDelivery(s IO, d *client.Delivery) {
	fmt.Fprintf(s.Out, "%s  %s %s after %d tries\n  webhook-id %s, created %s\n", clean(d.ID), clean(d.Type), d.State, d.Tries, clean(d.Message), at(d.Created))
	if d.Alert > 0 {
		fmt.Fprintf(s.Out, "  about alert %d of %s, key %s\n", d.Alert, clean(d.Rule), clean(d.Key))
	}
	for i := range d.Attempts {
		a := &d.Attempts[i]
		fmt.Fprintf(s.Out, "  %s  %s in %s%s\n", at(a.At), clean(came(a)), time.Duration(a.Seconds*1e9).Round(time.Millisecond), clean(suffix(": ", clip(a.Response, 200))))
	}
	if !d.Next.IsZero() {
		fmt.Fprintf(s.Out, "  next try %s\n", at(d.Next))
	}
	if d.Reason != "" {
		fmt.Fprintf(s.Out, "  %s\n", clean(d.Reason))
	}
}

// picked says which messages are meant.
type picked struct {
	target
	IDs   []string `arg:"" optional:"" name:"id" help:"Messages, as weir deliveries list names them: SINK/NUMBER."`
	Sink  string   `placeholder:"NAME" help:"All to this webhook."`
	Where []string `name:"in" enum:"pending,delivered,dead" placeholder:"STATE" help:"All in one of these states: pending, delivered, dead. Without it and ids, dead ones are meant."`
	Since string   `placeholder:"TIME" help:"All since then, such as 2026-01-31T10:00:00Z, or since so long ago, such as 2h."`
}

func (p picked) selection(now time.Time) (client.Selection, error) {
	sel := client.Selection{Sink: p.Sink, States: p.Where, IDs: p.IDs}
	if p.Sink == "" && len(p.Where) == 0 && p.Since == "" && len(p.IDs) == 0 {
		return sel, errors.New("no message is named: give ids, --sink, --in or --since")
	}
	if p.Since == "" {
		return sel, nil
	}
	if d, err := time.ParseDuration(p.Since); err == nil && d > 0 {
		sel.Since = now.Add(-d).UTC().Format(time.RFC3339Nano)
		return sel, nil
	}
	if _, err := time.Parse(time.RFC3339Nano, p.Since); err != nil {
		return sel, fmt.Errorf("--since %s is neither a time such as 2026-01-31T10:00:00Z nor a span such as 2h", p.Since)
	}
	sel.Since = p.Since
	return sel, nil
}

func (p picked) do(s IO, said string, f func(*client.Client, client.Selection) (int, error)) error {
	sel, err := p.selection(time.Now())
	if err != nil {
		return err
	}
	cl, err := p.open()
	if err != nil {
		return err
	}
	n, err := f(cl, sel)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%s %s\n", count(n, "message"), said)
	return nil
}

type deliveriesRetryCmd struct{ picked }

func (deliveriesRetryCmd) Help() string {
	return "A message keeps its webhook-id, so a receiver that had it knows it again.\n\nExample:\n  weir deliveries retry --sink cases --in dead --since 2h"
}

// Run is the command.
func (c deliveriesRetryCmd) Run(ctx context.Context, s IO) error {
	return c.do(s, "to be sent again", func(cl *client.Client, sel client.Selection) (int, error) { return cl.Retry(ctx, sel) })
}

type deliveriesPurgeCmd struct{ picked }

// Run is the command.
func (c deliveriesPurgeCmd) Run(ctx context.Context, s IO) error {
	return c.do(s, "given up", func(cl *client.Client, sel client.Selection) (int, error) { return cl.Purge(ctx, sel) })
}

type deliveriesTestCmd struct {
	target
	format
	Sink string `arg:"" help:"The webhook."`
}

func (deliveriesTestCmd) Help() string {
	return "Exits with 1 if the receiver did not take it.\n\nExample:\n  weir deliveries test cases"
}

// Run is the command.
func (c deliveriesTestCmd) Run(ctx context.Context, s IO) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	d, err := cl.Test(ctx, c.Sink)
	if err != nil {
		return err
	}
	if c.json() {
		err = writeJSON(s.Out, d)
	} else {
		showDelivery(s, &d)
	}
	if err == nil && d.State != "delivered" {
		return Findings(1)
	}
	return err
}
