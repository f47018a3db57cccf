package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/lookup"
)

// input are the flags that say where events come from.
type input struct {
	Events    []string `name:"events" sep:"none" required:"" placeholder:"[TYPE=]FILE" help:"Event file, NDJSON or CSV, plain, gzip or zstd; \"-\" is standard input. TYPE= says that all its events are of that type. Repeat for several files."`
	TypeField string   `default:"type" help:"Field that holds an event's type."`
	Format    string   `enum:"auto,json,csv" default:"auto" help:"What the files hold: json, csv, or auto: CSV if the name ends in .csv or .tsv, else JSON."`
	Delimiter string   `default:"," help:"Column delimiter of CSV files: one character, or \\t for a tab."`
}

type runCmd struct {
	input
	Out     string `short:"o" placeholder:"FILE" help:"Write the alerts to this file instead of standard output."`
	Dead    string `default:"weir-dead-letters.ndjson" help:"File for records that can't be read, made when there is one."`
	Late    string `default:"weir-late.ndjson" help:"File for events that come too late, made when there is one."`
	Shards  int    `default:"0" help:"Goroutines that share the keys; 0: one per processor. Never changes the alerts."`
	Workers int    `default:"0" help:"Goroutines that decode; 0: one per processor. Never changes the alerts."`
	Drain   bool   `help:"Also fire the deadlines that lie behind the last event."`
	Stats   bool   `help:"Print a JSON summary with the cost of each rule to standard error."`
	Watch   bool   `help:"Run again with each save of a rule file, and print what that changes of the alerts."`
	State   string `env:"-" given:"" placeholder:"DIR" help:"Folder that keeps how far the run is: after a crash, or an interrupt, the same command goes on there. It is made if need be, and is for this one run."`

	CheckpointInterval interval `default:"5s" placeholder:"TIME" help:"With --state, the time between checkpoints: what is worked off again after a crash."`

	Rules []string `arg:"" help:"Rule files, or folders of them."`
}

func (runCmd) Help() string {
	return `Reads the events to their end, prints an alert a line, and exits.

Examples:
  weir run rules/library/aws --events rules/library/data/aws_cloudtrail_stratus.ndjson.gz
  weir run my.cep --events Tx=transactions.csv.gz --stats
  weir gen | weir run rules/library --events - --out alerts.ndjson
  weir run my.cep --events big.ndjson.gz --out alerts.ndjson --state job
  weir run my.cep --events recorded.ndjson --watch`
}

// Run is the command.
func (c runCmd) Run(ctx context.Context, s Streams) error {
	if c.Watch {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		return c.watch(ctx, s, tick.C)
	}
	prog, set, err := c.compile(s)
	if err != nil {
		return err
	}
	files, err := c.files(prog)
	if err != nil {
		return err
	}
	lookups, warnings, err := lookup.Load(prog)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		fmt.Fprintln(s.Err, "weir: warning:", w)
	}
	unsent(s.Err, prog)
	w := c.outputs(s)
	cfg := engine.RunConfig{Files: files, Drain: engine.Drain(c.Drain), Workers: c.Workers}
	cfg.Lookups, cfg.Shards, cfg.Costs = lookups, c.Shards, c.Stats
	if cfg.Shards == 0 {
		cfg.Shards = min(runtime.NumCPU(), engine.MaxShards)
	}
	w.take(&cfg)
	if c.State == "" {
		err = w.out.open()
	} else {
		err = c.keep(&cfg, w, set, prog)
	}
	start := time.Now()
	var sum engine.Summary
	if err == nil {
		sum, err = engine.Run(ctx, prog, cfg)
	}
	w.bar.clear()
	err = c.done(ctx, w, err)
	if errors.Is(err, engine.ErrFinished) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range sum.Warnings {
		fmt.Fprintln(s.Err, "weir: warning:", w)
	}
	report := newReport(&sum, time.Since(start)+w.before)
	report.first, report.types = w.first, typeNames(prog)
	report.print(s.Err, c.Dead, c.Late)
	if c.Stats {
		return writeJSON(s.Err, report)
	}
	return nil
}

// compile compiles the rules. With a state their text is returned too, so that
// another run knows whether it is the same.
func (c *runCmd) compile(s Streams) (prog *dsl.Program, set engine.RuleSet, err error) {
	if c.State == "" {
		prog, err = load(s, c.Rules)
		return prog, set, err
	}
	if set, err = engine.ReadRules(dsl.Files, c.Rules...); err == nil {
		prog, err = compile(s, set)
	}
	return prog, set, err
}

// runOutput is what a run writes, and what it notes on the way.
type runOutput struct {
	streams         Streams
	out, dead, late *output
	bar             *progress
	shared          bool // alerts come where the bar is
	alerts          uint64
	first           string        // of the rejected records: where, why and what to do
	before          time.Duration // that the runs before this one took
	job             *jobDir       // nil: nothing is kept
}

func (c *runCmd) outputs(s Streams) *runOutput {
	return &runOutput{streams: s, out: newOutput("--out", c.Out, s.Out), dead: newOutput("--dead", c.Dead, nil), late: newOutput("--late", c.Late, nil),
		bar: newProgress(s.Err), shared: c.Out == "" && isTerminal(s.Out)}
}

func (w *runOutput) all() []*output { return []*output{w.out, w.dead, w.late} }

// take makes it take what a run brings.
func (w *runOutput) take(cfg *engine.RunConfig) {
	files := cfg.Files
	var line []byte
	cfg.Emit = func(batch []*cep.Alert) error {
		if w.shared {
			w.bar.clear()
		}
		for _, a := range batch {
			w.alerts++
			line = append(a.AppendJSON(line[:0]), '\n')
			if err := w.out.write(line); err != nil {
				return err
			}
		}
		return nil
	}
	cfg.Late = func(r engine.LateRow) {
		line = appendLate(line[:0], &r, files)
		w.late.write(line)
	}
	cfg.Dead = func(file int, base uint64, letters []decode.DeadLetter) {
		if w.first == "" && len(letters) > 0 {
			w.first = firstRejected(&files[file], base, &letters[0])
		}
		for i := range letters {
			line = append(letters[i].AppendJSON(line[:0], files[file].Path, base), '\n')
			w.dead.write(line)
		}
	}
	cfg.Progress = func(p engine.Progress) {
		// Alerts are flushed with the progress, so that a reader of a pipe
		// sees them as they come.
		w.out.flush()
		w.bar.update(p.Events, p.Read, max(p.Size, 0), w.alerts)
	}
}

// close closes the outputs.
func (w *runOutput) close() (err error) {
	for _, o := range w.all() {
		if cerr := o.close(); err == nil {
			err = cerr
		}
	}
	return err
}

// unsent says that alerts for sinks come out here: a run over files has the one
// output.
func unsent(w io.Writer, prog *dsl.Program) {
	var names []string
	for _, r := range prog.Rules {
		for _, a := range []*dsl.AlertIR{r.Alert, r.Timeout} {
			if a == nil {
				continue
			}
			for _, sink := range a.To {
				if !slices.Contains(names, sink.Name) {
					names = append(names, sink.Name)
				}
			}
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(w, "weir: warning: nothing is sent to %s: a run over files writes all alerts to --out or standard output\n", strings.Join(names, ", "))
	}
}

// files reads the --events flags.
func (c *input) files(prog *dsl.Program) ([]engine.File, error) {
	delimiter := c.Delimiter
	if delimiter == `\t` || delimiter == "tab" {
		delimiter = "\t"
	}
	if len(delimiter) != 1 {
		return nil, fmt.Errorf(`--delimiter is one character, or \t for a tab, not %q`, c.Delimiter)
	}
	var files []engine.File
	for _, spec := range c.Events {
		f := engine.File{Path: spec, TypeField: c.TypeField, Delimiter: delimiter[0]}
		if name, path, ok := strings.Cut(spec, "="); ok && isTypeName(name) {
			f.Path = path
			if f.Type = schemaOf(prog, name); f.Type == nil {
				return nil, unknownType(prog, name)
			}
		}
		if err := readable(prog, spec, f.Path); err != nil {
			return nil, err
		}
		switch c.Format {
		case "csv":
			f.Format = decode.CSV
		case "json":
			f.Format = decode.JSON
		default:
			f.Format = decode.FormatOf(f.Path)
		}
		if strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(f.Path, ".gz"), ".zst"), ".tsv") && delimiter == "," {
			f.Delimiter = '\t'
		}
		files = append(files, f)
	}
	return files, nil
}

// isTypeName tells the TYPE= of --events from a path with an "=" in it.
func isTypeName(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	return !strings.ContainsAny(s, "/\\. ")
}

func schemaOf(prog *dsl.Program, name string) *cep.Schema {
	for _, s := range prog.Schemas {
		if s.Name == name && !s.Derived {
			return s
		}
	}
	return nil
}

// typeNames are the event types that the rules declare.
func typeNames(prog *dsl.Program) (names []string) {
	for _, s := range prog.Schemas {
		if !s.Derived {
			names = append(names, s.Name)
		}
	}
	return names
}

// readable says at once that a file is not there, and whether TYPE= was meant.
func readable(prog *dsl.Program, spec, path string) error {
	if path == "-" {
		return nil
	}
	_, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong is said by who opens it
	}
	if name, _, ok := strings.Cut(path, "="); ok && path == spec {
		for _, t := range typeNames(prog) {
			if strings.EqualFold(t, name) {
				return fmt.Errorf("--events: there is no file %q; did you mean %s=%s?", path, t, path[len(name)+1:])
			}
		}
	}
	return fmt.Errorf("--events: there is no file %q", path)
}

func unknownType(prog *dsl.Program, name string) error {
	names := typeNames(prog)
	if near := nearest(name, names); near != "" {
		return fmt.Errorf("--events: the rules declare no event type %q; did you mean %q?", name, near)
	}
	return fmt.Errorf("--events: the rules declare no event type %q; they declare: %s", name, strings.Join(names, ", "))
}

// appendLate writes a late event as a line of the late file.
func appendLate(dst []byte, r *engine.LateRow, files []engine.File) []byte {
	row := &r.Batch.Rows[r.Index]
	behind := cep.Value{Type: cep.Type{Kind: cep.KindDuration}, Word: cep.Word(r.Greatest - row.At)}
	dst = cep.AppendJSONString(append(dst, `{"source":`...), files[row.Ref.Partition()].Path)
	dst = fmt.Appendf(dst, `,"position":%d,"reason":"late","behind":%q,"raw":`, row.Ref.Position(), behind.AppendText(nil))
	dst = cep.AppendJSONString(dst, string(r.Batch.RawText(r.Index)))
	return append(dst, "}\n"...)
}
