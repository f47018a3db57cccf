package remote

import (
	"context"
	"fmt"

	"github.com/weir-cep/weir/internal/client"
)

// chosen are the alerts that are meant.
type chosen struct {
	target
	format
	Seqs []uint64 `arg:"" name:"seq" help:"Numbers of the alerts."`
}

// change changes the alerts and says what was done.
func (c chosen) change(ctx context.Context, s IO, t client.Triage) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	t.Alerts = c.Seqs
	done, err := cl.Triage(ctx, t)
	if err != nil {
		return err
	}
	if c.json() {
		return writeJSON(s.Out, done)
	}
	for i := range done {
		a := &done[i]
		fmt.Fprintf(s.Out, "%d  %s%s%s\n", a.Seq, a.State, clean(suffix(" as ", a.Outcome)), clean(suffix(", with ", a.Assignee)))
	}
	if n := len(c.Seqs) - len(done); n > 0 {
		fmt.Fprintf(s.Err, "%s so already\n", count(n, "alert"))
	}
	return nil
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func in(state string) *string { return &state }

type remark struct {
	Comment string `placeholder:"TEXT" help:"What to note with it."`
}

type ackCmd struct {
	chosen
	remark
}

// Run is the command.
func (c ackCmd) Run(ctx context.Context, s IO) error {
	return c.change(ctx, s, client.Triage{State: in("acknowledged"), Comment: given(c.Comment)})
}

type closeCmd struct {
	chosen
	remark
	Outcome string `placeholder:"WORD" help:"What it turned out to be, such as fraud or false_positive."`
}

func (closeCmd) Help() string {
	return "Example:\n  weir alerts close 88301 88302 --outcome fraud --comment 'card blocked'"
}

// Run is the command.
func (c closeCmd) Run(ctx context.Context, s IO) error {
	return c.change(ctx, s, client.Triage{State: in("closed"), Outcome: given(c.Outcome), Comment: given(c.Comment)})
}

type reopenCmd struct {
	chosen
	remark
}

// Run is the command.
func (c reopenCmd) Run(ctx context.Context, s IO) error {
	return c.change(ctx, s, client.Triage{State: in("open"), Comment: given(c.Comment)})
}

type assignCmd struct {
	chosen
	remark
	To string `required:"" placeholder:"NAME" help:"Whose they are from now on; \"\": nobody's."`
}

// Run is the command.
func (c assignCmd) Run(ctx context.Context, s IO) error {
	return c.change(ctx, s, client.Triage{Assignee: &c.To, Comment: given(c.Comment)})
}

type commentCmd struct {
	target
	format
	Text string   `arg:"" help:"What to note."`
	Seqs []uint64 `arg:"" name:"seq" help:"Numbers of the alerts."`
}

// Run is the command.
func (c commentCmd) Run(ctx context.Context, s IO) error {
	return chosen{c.target, c.format, c.Seqs}.change(ctx, s, client.Triage{Comment: &c.Text})
}
