package app

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/lookup"
	"github.com/weir-cep/weir/rules/library"
	"github.com/weir-cep/weir/rules/replay"
)

// What the demo runs on: a day of cards, logins and sensors with planted
// incidents, made by "weir gen".
const (
	demoEvents = "data/generated.ndjson.gz"
	demoTruth  = "data/generated.truth.ndjson"
)

type demoCmd struct {
	Listen  string   `default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on; a free one if it is taken."`
	State   string   `given:"" placeholder:"DIR" help:"Directory that everything is kept in; default one that is removed at the end."`
	Rate    float64  `default:"20" placeholder:"N" help:"Events a second, about."`
	For     interval `default:"0s" placeholder:"TIME" help:"End by itself after so long; 0s: when it is interrupted."`
	Offline bool     `help:"Run the rules over bundled events instead, and exit."`
}

func (demoCmd) Help() string {
	return `Starts a server with the rules of the library, simulated cards, logins and sensors, and a receiver of
webhooks: an alert with its reason, a near miss with its reason, what to open, and what to type next.
Needs nothing else.

Examples:
  weir demo
  weir demo --rate 200 --for 1m
  weir demo --offline`
}

// Run is the command.
func (c demoCmd) Run(ctx context.Context, s Streams) error {
	if !c.Offline {
		return c.live(ctx, s)
	}
	d := &demo{ctx: ctx, out: s.Out}
	if err := d.load(); err != nil {
		return err
	}
	defer os.RemoveAll(d.dir)
	if err := d.run(nil); err != nil {
		return err
	}
	d.heading()
	d.alert()
	if err := d.nearMiss(); err != nil {
		return err
	}
	d.summary()
	d.next()
	return nil
}

// planted is a line of the truth file.
type planted struct {
	Kind     string    `json:"kind"`
	Key      string    `json:"key"`
	NearMiss bool      `json:"near_miss"`
	Note     string    `json:"note"`
	Rules    []string  `json:"rules"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// demo is one showing.
type demo struct {
	ctx     context.Context
	out     io.Writer
	dir     string
	prog    *dsl.Program
	lookups *expr.Lookups
	truth   []planted
	alerts  []*cep.Alert
	sum     engine.Summary
	took    time.Duration
}

func (d *demo) load() (err error) {
	if err := d.compile(); err != nil {
		return err
	}
	if d.truth, err = readTruth(); err != nil {
		return err
	}
	events, err := library.Files.ReadFile(demoEvents)
	if err != nil {
		return err
	}
	if d.dir, err = os.MkdirTemp("", "weir-demo-"); err != nil {
		return err
	}
	return os.WriteFile(d.file(), events, 0o600)
}

// compile compiles the rules of the library.
func (d *demo) compile() error {
	names, err := fs.Glob(library.Files, "*.cep")
	if err != nil {
		return err
	}
	prog, ds, err := dsl.Load(library.Files, names...)
	if err != nil {
		return err
	}
	if ds.HasErrors() {
		return fmt.Errorf("the bundled rules do not compile:\n%s", ds.Text())
	}
	d.prog = prog
	d.lookups, _, err = lookup.Load(prog)
	return err
}

func (d *demo) file() string { return filepath.Join(d.dir, filepath.Base(demoEvents)) }

func readTruth() (all []planted, err error) {
	f, err := library.Files.Open(demoTruth)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p planted
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("%s: %w", demoTruth, err)
		}
		all = append(all, p)
	}
	return all, lines.Err()
}

// run runs the rules once, with or without a tracer.
func (d *demo) run(trace *engine.Trace) error {
	cfg := engine.RunConfig{Files: []engine.File{{Path: d.file()}}}
	cfg.Lookups, cfg.Shards, cfg.Trace = d.lookups, runtime.NumCPU(), trace
	var alerts []*cep.Alert
	cfg.Emit = func(batch []*cep.Alert) error {
		alerts = append(alerts, batch...)
		return nil
	}
	start := time.Now()
	sum, err := engine.Run(d.ctx, d.prog, cfg)
	if err != nil {
		return err
	}
	if trace == nil {
		d.alerts, d.sum, d.took = alerts, sum, time.Since(start)
	}
	return nil
}

func (d *demo) heading() {
	fmt.Fprintf(d.out, "Weir: %s over %s bundled events of cards, logins and sensors, a day in %.2fs.\n\n",
		plural(len(d.prog.Rules), "rule"), grouped(d.sum.Events), d.took.Seconds())
}

// alert shows an alert of the gravest kind that the incident of a truth line
// explains.
func (d *demo) alert() {
	a := d.pick()
	if a == nil {
		return
	}
	d.show(a)
}

// show prints an alert with its reason.
func (d *demo) show(a *cep.Alert) {
	fmt.Fprintf(d.out, "ALERT  %s  %s  %s\n  %s\n", a.Severity, a.Rule, clock(a.At), a.Message)
	if r := d.rule(a.Rule); r != nil {
		fmt.Fprintln(d.out, hang("  why: "+r.Sentence(), 7))
	}
	for _, e := range a.Events {
		fmt.Fprintf(d.out, "    %s  %-8s %s %s\n", clock(e.At), e.Step, e.Type, e.ID)
	}
	fmt.Fprintln(d.out)
}

func (d *demo) pick() (best *cep.Alert) {
	for _, a := range d.alerts {
		r := d.rule(a.Rule)
		if r.Pattern == nil || len(a.Events) < 3 || len(a.Events) > 8 {
			continue
		}
		if best == nil || a.Severity > best.Severity || a.Severity == best.Severity && len(a.Events) > len(best.Events) {
			best = a
		}
	}
	return best
}

func (d *demo) rule(name string) *dsl.RuleIR {
	for _, r := range d.prog.Rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// nearMiss replays planted near misses that a pattern rule watched, and shows
// what stopped one that has come far.
func (d *demo) nearMiss() error {
	var best *replay.Life
	var of planted
	for _, p := range d.truth {
		miss, err := d.missOf(&p)
		if err != nil {
			return err
		}
		if miss != nil && (best == nil || events(miss) > events(best)) {
			best, of = miss, p
		}
		if best != nil && events(best) > 1 { // of one that has gone all its way
			break
		}
	}
	if best == nil {
		return nil
	}
	fmt.Fprintf(d.out, "NEAR MISS  %s  %s\n", of.Kind, of.Key)
	fmt.Fprintf(d.out, "  planted: %s\n", of.Note)
	for _, line := range strings.Split(best.Text(clock), "\n") {
		fmt.Fprintln(d.out, hang("  "+line, 6))
	}
	fmt.Fprintln(d.out)
	return nil
}

// missOf is the run of a planted near miss that came furthest and has ended,
// nil if there is none.
func (d *demo) missOf(p *planted) (*replay.Life, error) {
	r := d.rule(p.Kind)
	if !p.NearMiss || r == nil || r.Pattern == nil {
		return nil, nil
	}
	key, err := engine.ParseKey(r, p.Key)
	if err != nil {
		return nil, err
	}
	story, err := replay.NewStory(r, d.prog.Zone)
	if err != nil {
		return nil, err
	}
	if err := d.run(&engine.Trace{Rule: r.Name, Key: key, Tracer: story}); err != nil {
		return nil, err
	}
	misses := story.Misses(1)
	if len(misses) == 0 || misses[0].End == "" { // it may still become an incident
		return nil, nil
	}
	return misses[0], nil
}

// events is how many a run had.
func events(l *replay.Life) (n int) {
	for _, t := range l.Steps {
		n += len(t.At)
	}
	return n
}

// summary counts alerts by rule and compares them with what was planted.
func (d *demo) summary() {
	counts := map[string]int{}
	keys := map[string]bool{}
	for _, a := range d.alerts {
		counts[a.Rule]++
		for _, k := range a.Key {
			keys[a.Rule+" "+string(k.Value.AppendText(nil))] = true
		}
	}
	found, incidents, quiet, misses := 0, 0, 0, 0
	for _, p := range d.truth {
		hit := keys[p.Kind+" "+p.Key]
		switch {
		case p.NearMiss:
			misses++
			if !hit {
				quiet++
			}
		default:
			incidents++
			if hit {
				found++
			}
		}
	}
	fmt.Fprintf(d.out, "SUMMARY  %s; %d of %d planted incidents found, %d of %d near misses left alone\n",
		plural(len(d.alerts), "alert"), found, incidents, quiet, misses)
	var names []string
	for n := range counts {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		if counts[names[i]] != counts[names[j]] {
			return counts[names[i]] > counts[names[j]]
		}
		return names[i] < names[j]
	})
	for row := range slices.Chunk(names, 4) {
		line := ""
		for _, n := range row {
			line += fmt.Sprintf("  %2d %-20s", counts[n], n)
		}
		fmt.Fprintln(d.out, strings.TrimRight(line, " "))
	}
}

func (d *demo) next() {
	fmt.Fprint(d.out, `
NEXT
  go run ./cmd/weir explain card_testing     what a rule does, and what it costs
  go run ./cmd/weir explain card_testing rules/library --key c00506 \
    --events rules/library/data/generated.ndjson.gz                 what it saw of one card
  go run ./cmd/weir test rules/library       the tests inside the rule files
  go run ./cmd/weir run rules/library/aws \
    --events rules/library/data/aws_cloudtrail_stratus.ndjson.gz    recorded attacks on AWS
  docs/first-rule.md                         your own first rule in five minutes
`)
}

// clock writes a time as "2026-03-02 01:12:04.008".
func clock(ns int64) string {
	return time.Unix(0, ns).UTC().Format("2006-01-02 15:04:05.999")
}
