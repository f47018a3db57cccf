package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/server"
)

type serveCmd struct {
	logging
	State              string   `default:"weir-data" placeholder:"DIR" help:"Directory that everything is kept in; one process at a time works on it."`
	Listen             string   `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on."`
	Insecure           bool     `help:"Listen on an address that others reach, though nobody has to say who they are."`
	Host               []string `placeholder:"NAME" help:"Name that a proxy's requests call this server by. Repeat for several."`
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
(interrupt or SIGTERM; a second one stops at once). SIGHUP reads the rule files again.

Examples:
  weir serve my.cep
  curl --data-binary @events.ndjson http://127.0.0.1:8080/api/v1/events
  curl http://127.0.0.1:8080/api/v1/alerts
  weir serve rules/ --state /var/lib/weir --log-format json`
}

// Run is the command.
func (c serveCmd) Run(s Streams) error {
	if err := c.check(); err != nil {
		return err
	}
	set, err := engine.ReadRules(dsl.Files, c.Rules...)
	if err != nil {
		return err
	}
	prog, err := compile(s, set)
	if err != nil {
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
	err = d.serve(stop, set, prog)
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

// check refuses what the flags may not say.
func (c *serveCmd) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w; write it like 127.0.0.1:8080", c.Listen, err)
	}
	if c.Insecure || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("--listen %s is reached by others, and nobody would have to say who they are: listen on 127.0.0.1, or add --insecure if a proxy or a network that you trust stands before it", c.Listen)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// signals is how the process is asked to stop and to read its rules again.
type signals struct {
	ctx    context.Context // ends with the first request to stop
	hangup chan os.Signal
	end    func()
}

// listenToSignals makes the first request to stop end a context, and the second
// the process.
func listenToSignals() *signals {
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan os.Signal, 2)
	s := &signals{ctx: ctx, hangup: make(chan os.Signal, 1)}
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	signal.Notify(s.hangup, syscall.SIGHUP)
	over := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case sig := <-asked:
				if n > 0 {
					fmt.Fprintln(os.Stderr, "weir: stopped at once; the next start works off what is left")
					os.Exit(128 + number(sig))
				}
				cancel()
			case <-over:
				return
			}
		}
	}()
	s.end = func() {
		signal.Stop(asked)
		signal.Stop(s.hangup)
		close(over)
		cancel()
	}
	return s
}

func number(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return int(n)
	}
	return 0
}

// daemon is all that serve runs.
type daemon struct {
	cmd     *serveCmd
	log     *slog.Logger
	streams Streams
	dir     *stateDir
	alerts  *alerts.Log
	lanes   *sink.Lanes
	rt      *engine.Runtime
	figures *server.Figures
	files   *ruleFiles
	srv     *server.Server
	carry   engine.Carry
}

// open opens the state directory and recovers it.
func (c *serveCmd) open(ctx context.Context, log *slog.Logger, s Streams) (d *daemon, err error) {
	d = &daemon{cmd: c, log: log, streams: s, figures: server.NewFigures()}
	if c.Carry == "reset" {
		d.carry = engine.Reset
	}
	if d.dir, err = openStateDir(c.State, c.Shards); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	d.alerts, err = alerts.Open(alerts.Options{FS: vfs.Default, Dir: filepath.Join(c.State, alertsDir), Keep: c.AlertsKept, Logger: log})
	if err != nil {
		return d, err
	}
	d.lanes = sink.NewLanes(d.alerts, sinkKinds, log)
	d.rt, err = engine.Open(ctx, engine.RuntimeConfig{
		Dir: c.State, Shards: d.dir.shards, Sink: d.alerts, Open: sourceKinds, Lookups: lookupKinds,
		Interval: time.Duration(c.CheckpointInterval), Keep: c.CheckpointsKept,
		JournalBytes: int64(c.JournalKeepBytes), JournalAge: time.Duration(c.JournalKeepAge), StateLimit: int64(c.StateLimit),
		Logger: log, Synced: d.figures.Synced, Saved: d.figures.Saved, Found: d.figures.Found,
	})
	return d, err
}

// close closes what open has opened and serve has not closed.
func (d *daemon) close() error {
	var errs []error
	if d.rt != nil {
		errs = append(errs, d.rt.Close())
	}
	if d.alerts != nil {
		errs = append(errs, d.alerts.Close())
	}
	if d.dir != nil {
		errs = append(errs, d.dir.retract(), d.dir.close())
	}
	return errors.Join(errs...)
}

// serve runs until it is asked to stop, or cannot go on.
func (d *daemon) serve(stop *signals, set engine.RuleSet, prog *dsl.Program) error {
	if err := d.begin(stop.ctx, set, prog); err != nil {
		return err
	}
	l, err := net.Listen("tcp", d.cmd.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; is another server running there? --listen takes another address", d.cmd.Listen, cause(err))
	}
	url := urlOf(l.Addr())
	if err := d.dir.announce(url); err != nil {
		return errors.Join(err, l.Close())
	}
	d.srv = server.New(d.config())
	ctx, cancel := context.WithCancel(context.Background()) // of all that runs beside
	defer cancel()
	served, ran := make(chan error, 1), make(chan error, 1)
	running, stopRunning := context.WithCancel(ctx)
	defer stopRunning()
	go func() { served <- d.srv.Serve(l) }()
	go func() { ran <- d.rt.Run(running) }()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	go d.files.follow(running, tick.C, stop.hangup)
	go d.watchHealth(running)
	d.welcome(url, prog)
	select {
	case <-stop.ctx.Done():
		return d.drain(stopRunning, ran)
	case err := <-ran:
		return errors.Join(err, d.srv.Shutdown(stop.ctx))
	case err := <-served:
		stopRunning()
		return errors.Join(err, <-ran)
	}
}

// begin puts the rules of the files in force, unless they are already.
func (d *daemon) begin(ctx context.Context, set engine.RuleSet, prog *dsl.Program) error {
	d.files = &ruleFiles{paths: d.cmd.Rules, deploy: d.deploy, log: d.log}
	if old, _, ok := d.rt.Rules(); !ok || old.Hash() != set.Hash() {
		if err := d.deploy(ctx, set); err != nil {
			return err
		}
	} else if err := d.lanes.Set(sinkSpecs(prog, d)); err != nil {
		return err
	}
	d.files.began(set)
	return nil
}

// deploy puts a rule set in force.
func (d *daemon) deploy(ctx context.Context, set engine.RuleSet) error {
	prog, err := set.Compile()
	if err != nil {
		return err
	}
	specs := sinkSpecs(prog, d)
	if err := d.lanes.Check(specs); err != nil {
		return err
	}
	got, err := d.rt.Deploy(ctx, set, d.carry)
	if err != nil {
		return err
	}
	for _, w := range got.Warnings {
		d.log.Warn("rules deployed with a warning", "warning", w)
	}
	d.log.Info("rules deployed", "rules", len(prog.Rules), "changes", changes(got.Rules))
	return d.lanes.Set(specs)
}

// drain stops what comes in, works off what has come, and ends the server.
func (d *daemon) drain(stopRunning func(), ran <-chan error) error {
	d.log.Info("stopping")
	limit := time.Duration(d.cmd.DrainTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	err := d.srv.Shutdown(ctx)
	if err != nil {
		d.log.Warn("requests were cut off", "error", err)
	}
	stopRunning()
	select {
	case err := <-ran:
		if err != nil {
			return err
		}
	case <-ctx.Done():
		d.log.Warn("not everything was worked off in time; the next start does the rest", "timeout", limit)
		*d = daemon{} // all is still at work, and ends with the process
		return nil
	}
	d.lanes.Close(ctx)
	d.log.Info("stopped")
	return nil
}

// watchHealth logs the health sentence when the worst of what is wrong becomes
// another.
func (d *daemon) watchHealth(ctx context.Context) {
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		h := d.srv.Health(ctx)
		worst := server.Worst(&h)
		if worst == last || ctx.Err() != nil {
			continue
		}
		if worst == "" {
			d.log.Info("health", "sentence", h.Sentence)
		} else {
			d.log.Warn("health", "check", worst, "sentence", h.Sentence)
		}
		last = worst
	}
}

const healthEvery = 10 * time.Second

func urlOf(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "http://" + a.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// config wires the HTTP server.
func (d *daemon) config() server.Config {
	host, _, _ := net.SplitHostPort(d.cmd.Listen)
	return server.Config{Runtime: d.rt, Alerts: d.alerts, Figures: d.figures, Logger: d.log,
		Build: server.Build{Version: version, Commit: commit(), Go: runtime.Version()},
		Hosts: d.cmd.Host, AnyHost: !isLoopback(host),
		Operator: server.Operator{
			Reload: d.files.reload,
			Sinks:  d.lanes.Stats,
			Disk:   func() (int64, bool) { return diskFree(d.dir.path) },
			Savepoint: func(ctx context.Context, dir string) (server.Savepoint, error) {
				return writeSavepoint(ctx, d.rt, d.alerts, d.dir.format(), dir)
			},
			Erase: d.rt.Erase,
		}}
}

// welcome says what runs, and what to type next.
func (d *daemon) welcome(url string, prog *dsl.Program) {
	var sources []string
	for _, src := range prog.Sources {
		sources = append(sources, src.Name+" ("+src.Kind+")")
	}
	try := tryLine(url, prog)
	d.log.Info("serving", "url", url, "state", d.dir.path, "rules", len(prog.Rules), "sources", sources, "version", version)
	if d.cmd.LogFormat == "json" {
		return
	}
	fmt.Fprintf(d.streams.Err, "\n  listening on   %s\n  state in       %s\n  rules          %s\n", url, d.dir.path, plural(len(prog.Rules), "rule"))
	for _, s := range sources {
		fmt.Fprintf(d.streams.Err, "  source         %s\n", s)
	}
	if try != "" {
		fmt.Fprintf(d.streams.Err, "  send an event  %s\n", try)
	}
	fmt.Fprintf(d.streams.Err, "  see alerts     curl '%s/api/v1/alerts?wait=30s'\n  how it is      curl '%s/readyz?verbose'\n\n", url, url)
}

// tryLine is a command that sends an event, "" if none comes over HTTP.
func tryLine(url string, prog *dsl.Program) string {
	types := postedTypes(prog)
	if len(types) == 0 {
		return ""
	}
	query := ""
	for i := range types {
		if types[i].source != types[0].source {
			query = "?source=" + types[0].source
		}
	}
	return fmt.Sprintf("curl --data-binary '%s' '%s/api/v1/events%s'", types[0].example(time.Now()), url, query)
}
