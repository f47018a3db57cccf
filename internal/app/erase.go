package app

import (
	"context"
	"errors"
	"strings"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/server"
)

type eraseCmd struct {
	stateFlag
	Field  string `required:"" placeholder:"NAME=VALUE" help:"Field of the events and the value it has there."`
	Type   string `placeholder:"NAME" help:"Type of the events; else all types."`
	Server string `placeholder:"URL" help:"Server to ask; else the one that works on the state directory."`
}

func (eraseCmd) Help() string {
	return `Takes the texts of the events in which a field has a value out of the journal's archive, the evidence of alerts, dead
letters and late events. What the rules remember goes by itself when their windows have run out; what alerts say in
their own words, savepoints and what was delivered stay.

Example:
  weir state erase --field card_id=c1 --type Auth`
}

// Run is the command.
func (c eraseCmd) Run(ctx context.Context, s Streams) error {
	var what engine.Erase
	what.Type = c.Type
	if what.Field, what.Value, _ = strings.Cut(c.Field, "="); what.Field == "" || what.Value == "" {
		return errors.New("--field is to be a field and its value, like --field card_id=c1")
	}
	got, err := c.erase(ctx, what)
	if err != nil {
		return err
	}
	return writeJSON(s.Out, got)
}

func (c eraseCmd) erase(ctx context.Context, what engine.Erase) (got server.Erased, err error) {
	ask := func(url string) (server.Erased, error) {
		err := askServer(ctx, url, "/api/v1/state/erase", map[string]string{"field": what.Field, "value": what.Value, "type": what.Type}, &got)
		return got, err
	}
	if c.Server != "" {
		return ask(c.Server)
	}
	if err := mustBeState(c.State); err != nil {
		return got, err
	}
	d, err := openStateDir(c.State, 0)
	if errors.As(err, new(*inUseError)) {
		if running, rerr := readServerFile(c.State); rerr == nil {
			return ask(running.URL)
		}
	}
	if err != nil {
		return got, err
	}
	err = d.recovered(ctx, func(rt *engine.Runtime, _ *alerts.Log) error {
		done, err := rt.Erase(ctx, what)
		got = server.NewErased(done)
		return err
	})
	return got, errors.Join(err, d.close())
}
