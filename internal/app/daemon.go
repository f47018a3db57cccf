package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/rulebook"
	"github.com/weir-cep/weir/server"
)

// daemon is all that serve runs.
type daemon struct {
	cmd     *serveCmd
	log     *slog.Logger
	streams Streams
	dir     *stateDir
	alerts  *alerts.Log
	outlets outlets
	feed    *feed.Hub
	rt      *engine.Runtime
	figures *server.Figures
	files   *ruleFiles
	admin   *ruleAdmin
	srv     *server.Server
	carry   engine.Carry
	ready   func(url string, prog *dsl.Program) // told when it listens
}

// open opens the state directory and recovers it.
func (c *serveCmd) open(ctx context.Context, log *slog.Logger, s Streams) (d *daemon, err error) {
	d = &daemon{cmd: c, log: log, streams: s, figures: server.NewFigures()}
	d.ready = d.welcome
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
	book, err := rulebook.Open(c.State)
	if err != nil {
		return d, err
	}
	d.admin = &ruleAdmin{d: d, book: book}
	d.feed = feed.New(d.alerts, feed.Limits{}, log)
	d.outlets = newOutlets(d.alerts, c.ExternalURL, log)
	d.rt, err = engine.Open(ctx, engine.RuntimeConfig{
		Dir: c.State, Shards: d.dir.shards, Sink: d.alerts, Open: sourcesWith(d.alerts), Lookups: lookupKinds,
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
	if d.feed != nil {
		d.feed.Close()
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
func (d *daemon) serve(stop *signals) error {
	prog, err := d.begin(stop.ctx)
	if err != nil {
		return err
	}
	config, err := d.config()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", d.cmd.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; is another server running there? --listen takes another address", d.cmd.Listen, cause(err))
	}
	url := urlOf(l.Addr(), config.TLS != nil)
	if err := d.dir.announce(url); err != nil {
		return errors.Join(err, l.Close())
	}
	d.srv = server.New(config)
	d.files.hangup = d.reloadGuards
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
	go d.admin.expire(running)
	d.ready(url, prog)
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

// reloadGuards reads tokens and certificate again.
func (d *daemon) reloadGuards() {
	if err := d.srv.Reload(); err != nil {
		d.log.Error("tokens or certificate refused; those from before are in use", "error", err)
	}
}

// begin puts the rules of the files, and what the API has said of them, in
// force, unless they are already.
func (d *daemon) begin(ctx context.Context) (*dsl.Program, error) {
	set, err := d.admin.load()
	if err != nil {
		return nil, err
	}
	prog, err := compile(d.streams, set)
	if err != nil {
		return nil, err
	}
	d.files = &ruleFiles{paths: d.cmd.Rules, load: d.admin.load, deploy: d.admin.deployFiles, log: d.log}
	if old, _, ok := d.rt.Rules(); !ok || old.Hash() != set.Hash() {
		if err := d.admin.deployFiles(ctx, set); err != nil {
			return nil, err
		}
	} else if err := d.outlets.set(sinkSpecs(prog, d)); err != nil {
		return nil, err
	}
	d.files.began(set)
	return prog, d.admin.begin(ctx)
}

// deploy puts a rule set in force.
func (d *daemon) deploy(ctx context.Context, set engine.RuleSet, carry engine.Carry) (*dsl.Program, engine.Deployed, error) {
	prog, err := set.Compile()
	if err != nil {
		return nil, engine.Deployed{}, err
	}
	specs := sinkSpecs(prog, d)
	if err := d.outlets.check(specs); err != nil {
		return nil, engine.Deployed{}, err
	}
	got, err := d.rt.Deploy(ctx, set, carry)
	if err != nil {
		return nil, got, err
	}
	for _, w := range got.Warnings {
		d.log.Warn("rules deployed with a warning", "warning", w)
	}
	d.log.Info("rules deployed", "rules", len(prog.Rules), "changes", changes(got.Rules))
	return prog, got, d.outlets.set(specs)
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
	d.outlets.close(ctx)
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

func urlOf(a net.Addr, secure bool) string {
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return scheme + a.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// config wires the HTTP server.
func (d *daemon) config() (server.Config, error) {
	host, _, _ := net.SplitHostPort(d.cmd.Listen)
	c := server.Config{Runtime: d.rt, Alerts: d.alerts, Webhooks: d.outlets.hooks, Feed: d.feed, Rules: d.admin, Figures: d.figures, Logger: d.log,
		Build:   server.Build{Version: version, Commit: commit(), Go: runtime.Version()},
		AnyHost: !server.Loopback(host),
		Operator: server.Operator{
			Reload: d.files.reload,
			Sinks:  d.outlets.lanes.Stats,
			Disk:   func() (int64, bool) { return diskFree(d.dir.path) },
			Savepoint: func(ctx context.Context, dir string) (server.Savepoint, error) {
				return writeSavepoint(ctx, d.rt, d.alerts, d.dir.path, d.dir.format(), dir)
			},
			Erase: d.rt.Erase,
		}}
	return c, d.cmd.apply(&c)
}
