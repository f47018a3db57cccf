package app

import (
	"errors"
	"fmt"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
)

type serveCmd struct {
	logging
	guarding
	State              string   `default:"weir-data" placeholder:"DIR" help:"Directory that everything is kept in; one process at a time works on it."`
	Shards             int      `default:"0" help:"Goroutines that share the keys; 0: one per processor. Never changes the alerts. A state directory keeps the number that it began with."`
	CheckpointInterval interval `default:"5s" placeholder:"TIME" help:"Time between checkpoints: what a restart works off again."`
	CheckpointsKept    int      `default:"3" placeholder:"N" help:"Older checkpoints that are kept."`
	JournalKeepBytes   byteSize `default:"10GiB" placeholder:"SIZE" help:"Journal that is kept for evidence and replays; 0: all of it."`
	JournalKeepAge     interval `default:"0s" placeholder:"TIME" help:"Age up to which the journal is kept; 0s: any."`
	AlertsKept         int64    `default:"10000000" placeholder:"N" help:"Alerts that the log keeps."`
	StateLimit         byteSize `default:"0" placeholder:"SIZE" help:"Memory that what the rules remember may take; 0: no limit. At the limit events are taken in slowly, then refused."`
	Carry              string   `enum:"keep,reset" default:"keep" help:"What happens to the state of a rule that was changed: keep it where it fits, or reset it."`
	DrainTimeout       interval `default:"30s" placeholder:"TIME" help:"Time to work off what was taken in when the server is asked to stop. What is left is worked off at the next start."`
	Rules              []string `arg:"" help:"Rule files, or folders of them. They are read again when they change."`
}

func (serveCmd) Help() string {
	return `Runs rules over what the sources of their files bring and over what is posted to it, until it is stopped
(interrupt or SIGTERM; a second one stops at once). SIGHUP reads the rule files, the tokens and the
certificate again.

Examples:
  weir serve my.cep
  curl --data-binary @events.ndjson http://127.0.0.1:8080/api/v1/events
  curl http://127.0.0.1:8080/api/v1/alerts
  weir serve rules/ --state /var/lib/weir --log-format json`
}

// Run is the command.
func (c serveCmd) Run(s Streams) error {
	if err := c.guarding.check(); err != nil {
		return err
	}
	// Rules that do not compile keep the server from being touched.
	set, err := engine.ReadRules(dsl.Files, c.Rules...)
	if err != nil {
		return err
	}
	if _, err := compile(s, set); err != nil {
		return err
	}
	stop := listenToSignals()
	defer stop.end()
	log := c.logger(s.Err)
	log.Info("starting", "version", version, "commit", commit(), "state", c.State)
	d, err := c.open(stop.ctx, log, s)
	if err != nil {
		return err
	}
	err = d.serve(stop)
	return errors.Join(err, d.close())
}

// compile compiles a rule set as load does: its errors are printed.
func compile(s Streams, set engine.RuleSet) (*dsl.Program, error) {
	prog, err := set.Compile()
	var wrong *engine.RuleError
	if errors.As(err, &wrong) {
		ds := only(wrong.Diagnostics, dsl.LevelError)
		fmt.Fprintf(s.Err, "%s\n%s\n", ds.Text(), summary(ds))
		return nil, exitError(exitRules)
	}
	return prog, err
}
