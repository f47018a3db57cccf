package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/simulator"
)

// began is when the program began.
var began = time.Now()

// How the demo plays.
const (
	demoPast  = 30 * time.Minute       // that have been when it begins, so that there is something to see
	demoPace  = 100 * time.Millisecond // between two batches of events
	demoBatch = 2_000
	demoWait  = 20 * time.Second // for the first alert
)

// liveDemo is a server with what it is shown with.
type liveDemo struct {
	demo
	cmd   *demoCmd
	s     Streams
	state string
	hook  *demoHook
	sim   *simulator.Simulator
	log   *alerts.Log
	url   string
	note  string        // about the address
	begin uint64        // number of the last alert of a state that was there before
	past  chan struct{} // closed when the past was sent
	sent  int           // events
}

// live runs the demo until ctx ends, or its time is over.
func (c *demoCmd) live(ctx context.Context, s Streams) (err error) {
	dir, err := os.MkdirTemp("", "weir-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &liveDemo{cmd: c, s: s, state: c.State, past: make(chan struct{})}
	d.demo = demo{ctx: ctx, out: s.Out, dir: dir}
	if d.state == "" {
		d.state = filepath.Join(dir, "state")
	}
	if d.hook, err = startHook(filepath.Join(dir, "secret")); err != nil {
		return err
	}
	defer d.hook.srv.Close()
	if err := writeDemoRules(d.rules(), d.hook.url); err != nil {
		return err
	}
	if d.sim, err = simulator.New(simulator.Options{Seed: uint64(time.Now().UnixNano()), Start: time.Now().Add(-demoPast), Rate: c.Rate}); err != nil {
		return err
	}
	return d.serve(ctx)
}

func (d *liveDemo) rules() string { return filepath.Join(d.dir, "rules") }

// server is the serve command that the demo is.
func (d *liveDemo) server() *serveCmd {
	c := &serveCmd{State: d.state, CheckpointInterval: interval(5 * time.Second), CheckpointsKept: 3, JournalKeepBytes: 10 << 30,
		AlertsKept: 10_000_000, DrainTimeout: interval(10 * time.Second), Rules: []string{d.rules()}, Carry: "keep"}
	c.LogLevel, c.LogFormat = "info", "text"
	c.Listen = d.cmd.Listen
	if l, err := net.Listen("tcp", c.Listen); err == nil {
		l.Close()
	} else {
		c.Listen = "127.0.0.1:0"
		d.note = fmt.Sprintf("  (%s is taken)", d.cmd.Listen)
	}
	return c
}

// serve starts the server, plays, and ends it.
func (d *liveDemo) serve(ctx context.Context) error {
	logFile, err := os.Create(filepath.Join(d.dir, "weir.log"))
	if err != nil {
		return err
	}
	defer logFile.Close()
	c := d.server()
	if err := c.guarding.check(); err != nil {
		return err
	}
	stop := &signals{hangup: make(chan os.Signal, 1)}
	var cancel context.CancelFunc
	stop.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	if d.cmd.For > 0 {
		defer time.AfterFunc(time.Duration(d.cmd.For), cancel).Stop()
	}
	srv, err := c.open(stop.ctx, c.logger(logFile), d.s)
	if err != nil {
		return err
	}
	d.log = srv.alerts
	played := make(chan error, 1)
	srv.ready = func(url string, prog *dsl.Program) {
		d.url = url
		go func() {
			played <- d.play(stop.ctx)
			cancel()
		}()
	}
	err = srv.serve(stop)
	if d.url != "" {
		err = errors.Join(err, <-played)
	}
	return errors.Join(err, srv.close())
}

// play sends the past, shows what came of it, and goes on with the present.
func (d *liveDemo) play(ctx context.Context) error {
	file, err := os.Create(d.file())
	if err != nil {
		return err
	}
	defer file.Close()
	shown := make(chan error, 1)
	d.begin = d.log.Head()
	go func() { shown <- d.screen(ctx) }()
	if err := d.send(ctx, file, time.Now()); err != nil {
		return done(ctx, err)
	}
	for _, i := range d.sim.Incidents() {
		d.truth = append(d.truth, planted{Kind: i.Kind, Key: i.Key, NearMiss: i.NearMiss, Note: i.Note})
	}
	close(d.past)
	tick := time.NewTicker(demoPace)
	defer tick.Stop()
	for {
		select {
		case err := <-shown:
			if err != nil || ctx.Err() != nil {
				return done(ctx, err)
			}
			shown = nil
		case <-tick.C:
			if err := d.send(ctx, nil, time.Now()); err != nil {
				return done(ctx, err)
			}
		case <-ctx.Done():
			if shown != nil {
				<-shown
			}
			d.goodbye()
			return nil
		}
	}
}

// done is the error of something that has ended with the demo: none.
func done(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// send posts the events up to a time, and keeps them in a file.
func (d *liveDemo) send(ctx context.Context, file io.Writer, until time.Time) error {
	for d.sim.Peek() < until.UnixNano() {
		var batch bytes.Buffer
		n := 0
		for ; n < demoBatch && d.sim.Peek() < until.UnixNano(); n++ {
			line, _, err := d.sim.Next()
			if err != nil {
				return err
			}
			batch.Write(line)
		}
		if file != nil {
			if _, err := file.Write(batch.Bytes()); err != nil {
				return err
			}
		}
		if err := d.post(ctx, batch.Bytes()); err != nil {
			return err
		}
		d.sent += n
	}
	return nil
}

func (d *liveDemo) post(ctx context.Context, batch []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/api/v1/events", bytes.NewReader(batch))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusTooManyRequests {
		err = fmt.Errorf("events are refused: %s", text)
	}
	return err
}

// screen shows an alert, a near miss and what to do next, and then alerts as
// they come.
func (d *liveDemo) screen(ctx context.Context) error {
	e, err := d.await(ctx, d.begin)
	if err != nil {
		return done(ctx, err)
	}
	first := time.Since(began)
	if err := d.compile(); err != nil {
		return err
	}
	fmt.Fprintf(d.out, "Weir: %s over simulated cards, logins and sensors, %g events a second.\nThe first alert came %.2f s after the start.\n\n",
		plural(len(d.prog.Rules), "rule"), d.cmd.Rate, first.Seconds())
	select {
	case <-d.past:
	case <-ctx.Done():
		return nil
	}
	best, err := d.best(d.begin)
	if err != nil {
		return err
	}
	if best == nil {
		best = readShown(e.JSON)
	}
	d.show(best)
	if err := d.nearMiss(); err != nil {
		return done(ctx, err)
	}
	d.menu()
	return d.follow(ctx, d.log.Head())
}

// await waits for an alert behind a number.
func (d *liveDemo) await(ctx context.Context, seq uint64) (e alerts.Entry, err error) {
	ctx, cancel := context.WithTimeout(ctx, demoWait)
	defer cancel()
	for {
		news := d.log.Changed()
		p, err := d.log.After(seq, 1, alerts.Filter{})
		if err != nil || len(p.Entries) > 0 {
			return append(p.Entries, e)[0], err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return e, fmt.Errorf("no alert came within %v; the log is in %s", demoWait, d.dir)
		}
	}
}

// best is the alert of the gravest kind that a few events explain, as far as
// the past has brought some.
func (d *liveDemo) best(seq uint64) (best *cep.Alert, err error) {
	p, err := d.log.After(seq, 500, alerts.Filter{})
	for i := range p.Entries {
		a := readShown(p.Entries[i].JSON)
		if r := d.rule(a.Rule); r == nil || r.Pattern == nil || len(a.Events) < 3 || len(a.Events) > 8 {
			continue
		}
		if best == nil || a.Severity > best.Severity {
			best = a
		}
	}
	return best, err
}

// readShown reads what is shown of an alert's line.
func readShown(line []byte) *cep.Alert {
	var a struct {
		Rule, Severity, Message string
		At                      time.Time
		Events                  []struct {
			Step, Type, ID string
			At             time.Time
		}
	}
	_ = json.Unmarshal(line, &a) // the log wrote it
	out := &cep.Alert{Rule: a.Rule, Message: a.Message, At: a.At.UnixNano()}
	for i, word := range cep.SeverityWords {
		if word == a.Severity {
			out.Severity = cep.Severity(i)
		}
	}
	for _, e := range a.Events {
		out.Events = append(out.Events, cep.AlertEvent{Step: e.Step, Type: e.Type, ID: e.ID, At: e.At.UnixNano()})
	}
	return out
}

// invocation is how the user has called the program.
func invocation() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/weir"
	}
	return "weir"
}

// menu says what to open, and what to type.
func (d *liveDemo) menu() {
	weir, server := invocation(), ""
	if d.url != "http://127.0.0.1:8080" {
		server = " --server " + d.url
	}
	fmt.Fprintf(d.out, "WEBHOOKS  %s so far, each with its signature verified by a receiver in this program\n\n", plural(int(d.hook.verified.Load()), "message"))
	fmt.Fprintf(d.out, "OPEN  %s/%s\n      the alerts as they happen: j and k move, Enter opens, a acknowledges, ? shows the rest\n\nNEXT  in another terminal\n", d.url, d.note)
	rows := [][2]string{
		{weir + " alerts tail" + server, "the same, in the terminal"},
		{weir + " doctor" + server, "what keeps alerts away, if something does"},
		{"$EDITOR " + filepath.Join(d.rules(), "velocity.cep"), "change a rule: it is in force when you save it"},
		{weir + " try FILE", "your own events: a declaration to begin with"},
		{"docs/first-rule.md", "your own first rule in five minutes"},
	}
	wide := 0
	for _, r := range rows {
		wide = max(wide, len(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(d.out, "      %-*s   %s\n", wide, r[0], r[1])
	}
	fmt.Fprint(d.out, "\nALERTS  as they come; Ctrl-C ends\n")
}

// follow prints alerts behind a number as they come; on a terminal a line below
// says how things are.
func (d *liveDemo) follow(ctx context.Context, seq uint64) error {
	var status string
	line := isTerminal(d.s.Out)
	clear := func() {
		if status != "" {
			fmt.Fprint(d.out, "\r\x1b[K")
			status = ""
		}
	}
	defer clear()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for ctx.Err() == nil {
		news := d.log.Changed()
		p, err := d.log.After(seq, 100, alerts.Filter{})
		if err != nil {
			return done(ctx, err)
		}
		if len(p.Entries) > 0 {
			clear()
		}
		for i := range p.Entries {
			a := readShown(p.Entries[i].JSON)
			fmt.Fprintf(d.out, "  %s  %-8s  %-20s %s\n", time.Now().Format("15:04:05"), a.Severity, a.Rule, a.Message)
		}
		if seq = p.Next; seq < p.Head {
			continue
		}
		if line {
			clear()
			status = fmt.Sprintf("  %s alerts, %s messages verified", grouped(p.Head), grouped(d.hook.verified.Load()))
			fmt.Fprint(d.out, status)
		}
		select {
		case <-news:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// goodbye sums up.
func (d *liveDemo) goodbye() {
	kept := ""
	if d.cmd.State != "" {
		kept = "; all is kept in " + d.cmd.State
	}
	fmt.Fprintf(d.out, "\n%s events, %s alerts, %s webhook messages with a verified signature, %d refused%s.\n",
		grouped(uint64(d.sent)), grouped(d.log.Head()-d.begin), grouped(d.hook.verified.Load()), d.hook.refused.Load(), kept)
}
