package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-cep/weir/internal/client"
)

type doctorCmd struct {
	target
	format
	State string `placeholder:"DIR" help:"Look at this state directory, too; without a server that answers, at it alone."`
}

func (doctorCmd) Help() string {
	return `Asks a running server what keeps events from matching or alerts from arriving, and prints each reason with what to
do. Exits with 1 if there is one.

Example:
  weir doctor
  weir doctor --state /var/lib/weir`
}

// Finding is a reason why something does not go as one may expect.
type Finding struct {
	Grave bool   `json:"grave"` // it keeps Weir from its work; else it may be meant
	Topic string `json:"topic"`
	What  string `json:"what"`
	Do    string `json:"do"`
}

// Local looks at a state directory that no server works on, or whose server
// does not answer.
type Local func(dir string) ([]Finding, error)

// Run is the command.
func (c doctorCmd) Run(ctx context.Context, s IO, local Local) error {
	cl, err := c.open()
	if err != nil {
		return err
	}
	var list []Finding
	e, err := examine(ctx, cl)
	switch {
	case err == nil:
		list = e.findings()
	case errors.Is(err, client.ErrUnreachable):
		list = []Finding{{true, "server", err.Error(), "start it: weir serve RULES…, or name the right one with --server"}}
		err = nil
	default:
		return err
	}
	if c.State != "" {
		more, err := local(c.State)
		if err != nil {
			return err
		}
		list = append(list, more...)
	}
	if c.json() {
		if list == nil {
			list = []Finding{}
		}
		err = writeJSON(s.Out, list)
	} else {
		report(s, cl.URL(), e, list)
	}
	if err == nil && len(list) > 0 {
		return Findings(len(list))
	}
	return err
}

func report(s IO, url string, e *examination, list []Finding) {
	for _, grave := range []bool{true, false} {
		for i := range list {
			f := &list[i]
			if f.Grave != grave {
				continue
			}
			mark := "[!]"
			if !grave {
				mark = "[?]"
			}
			fmt.Fprintf(s.Out, "%s %s: %s\n", mark, clean(f.Topic), clean(f.What))
			if f.Do != "" {
				fmt.Fprintf(s.Out, "    = %s\n", clean(f.Do))
			}
		}
	}
	if len(list) == 0 {
		fmt.Fprintf(s.Out, "nothing is wrong at %s\n  %s\n", url, clean(e.pipe.Health.Sentence))
	}
}

// examination is what a server said of itself.
type examination struct {
	url       string
	pipe      client.Pipeline
	state     client.State
	rules     client.Rules
	silences  []client.Silence
	endpoints []client.Endpoint
	dead      int
	ahead     float64 // seconds that its clock is ahead of ours
}

// examine asks a server. What it does not have, such as an alert log, is left
// out.
func examine(ctx context.Context, cl *client.Client) (*examination, error) {
	e := &examination{url: cl.URL()}
	_, ahead, err := cl.Ready(ctx)
	if err != nil {
		return nil, err
	}
	e.ahead = ahead.Seconds()
	if e.pipe, err = cl.Pipeline(ctx); err != nil {
		return nil, err
	}
	if e.state, err = cl.State(ctx); optional(&err) {
		return nil, err
	}
	if e.rules, err = cl.Rules(ctx); optional(&err) {
		return nil, err
	}
	if e.silences, err = cl.Silences(ctx, false); optional(&err) {
		return nil, err
	}
	if e.endpoints, err = cl.Endpoints(ctx); optional(&err) {
		return nil, err
	}
	dead, _, err := cl.Deliveries(ctx, client.DeliveryQuery{States: []string{"dead"}, Limit: 1000})
	if optional(&err) {
		return nil, err
	}
	e.dead = len(dead)
	return e, nil
}

// optional says whether an error ends the examination: that a server has no
// such thing, or can't say now, does not.
func optional(err *error) bool {
	var refused *client.Error
	if errors.As(*err, &refused) && refused.Status != 401 && refused.Status != 403 {
		*err = nil
	}
	return *err != nil
}
