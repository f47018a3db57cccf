package app

import (
	"bufio"
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
	Out     string   `short:"o" placeholder:"FILE" help:"Write the alerts to this file instead of standard output."`
	Dead    string   `default:"weir-dead-letters.ndjson" help:"File for records that can't be read, made when there is one."`
	Late    string   `default:"weir-late.ndjson" help:"File for events that come too late, made when there is one."`
	Shards  int      `default:"0" help:"Goroutines that share the keys; 0: one per processor. Never changes the alerts."`
	Workers int      `default:"0" help:"Goroutines that decode; 0: one per processor. Never changes the alerts."`
	Drain   bool     `help:"Also fire the deadlines that lie behind the last event."`
	Stats   bool     `help:"Print a JSON summary with the cost of each rule to standard error."`
	Rules   []string `arg:"" help:"Rule files, or folders of them."`
}

func (runCmd) Help() string {
	return `Reads the events to their end, prints an alert a line, and exits.

Examples:
  weir run rules/library/aws --events rules/library/data/aws_cloudtrail_stratus.ndjson.gz
  weir run my.cep --events Tx=transactions.csv.gz --stats
  weir gen | weir run rules/library --events - --out alerts.ndjson`
}

// Run is the command.
func (c runCmd) Run(ctx context.Context, s Streams) error {
	prog, err := load(s, c.Rules)
	if err != nil {
		return err
	}
	files, err := c.files(prog)
	if err != nil {
		return err
	}
	out, err := openOutput(c.Out, s.Out)
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
	dead, late := &lazyFile{path: c.Dead}, &lazyFile{path: c.Late}
	bar := newProgress(s.Err)
	shared := c.Out == "" && isTerminal(s.Out) // alerts come where the bar is
	alerts := uint64(0)
	var line []byte
	cfg := engine.RunConfig{Files: files, Drain: engine.Drain(c.Drain), Workers: c.Workers}
	cfg.Lookups, cfg.Shards, cfg.Costs = lookups, c.Shards, c.Stats
	if cfg.Shards == 0 {
		cfg.Shards = runtime.NumCPU()
	}
	cfg.Emit = func(batch []*cep.Alert) error {
		if shared {
			bar.clear()
		}
		for _, a := range batch {
			alerts++
			line = append(a.AppendJSON(line[:0]), '\n')
			if _, err := out.Write(line); err != nil {
				return fmt.Errorf("write alerts: %w", err)
			}
		}
		return nil
	}
	cfg.Late = func(r engine.LateRow) { late.write(appendLate(nil, &r, files)) }
	first := ""
	cfg.Dead = func(file int, base uint64, letters []decode.DeadLetter) {
		if first == "" && len(letters) > 0 {
			first = firstRejected(&files[file], base, &letters[0])
		}
		for i := range letters {
			dead.write(letters[i].AppendJSON(nil, files[file].Path, base))
		}
	}
	cfg.Progress = func(p engine.Progress) {
		// Alerts are flushed with the progress, so that a reader of a pipe
		// sees them as they come.
		out.Flush()
		bar.update(p.Events, p.Read, max(p.Size, 0), alerts)
	}
	start := time.Now()
	sum, err := engine.Run(ctx, prog, cfg)
	bar.clear()
	for _, close := range []func() error{out.close, dead.close, late.close} {
		if cerr := close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return err
	}
	for _, w := range sum.Warnings {
		fmt.Fprintln(s.Err, "weir: warning:", w)
	}
	report := newReport(&sum, time.Since(start))
	report.first, report.types = first, typeNames(prog)
	report.print(s.Err, c.Dead, c.Late)
	if c.Stats {
		return writeJSON(s.Err, report)
	}
	return nil
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

// output is where alerts go.
type output struct {
	*bufio.Writer
	file *os.File
}

func openOutput(path string, stdout io.Writer) (*output, error) {
	if path == "" {
		return &output{Writer: bufio.NewWriterSize(stdout, 1<<16)}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	return &output{Writer: bufio.NewWriterSize(f, 1<<16), file: f}, nil
}

func (o *output) close() error {
	if err := o.Flush(); err != nil {
		return fmt.Errorf("write alerts: %w", err)
	}
	if o.file == nil {
		return nil
	}
	return o.file.Close()
}

// lazyFile is made when the first line is written to it. The first error
// stays and is returned by close, so that nothing is lost in silence.
type lazyFile struct {
	path string
	f    *os.File
	w    *bufio.Writer
	err  error
}

func (l *lazyFile) write(line []byte) {
	if l.f == nil && l.err == nil {
		l.f, l.err = os.Create(l.path)
		if l.err == nil {
			l.w = bufio.NewWriter(l.f)
		}
	}
	if l.err == nil {
		_, l.err = l.w.Write(append(line, '\n'))
	}
}

func (l *lazyFile) close() error {
	if l.f == nil {
		return l.err
	}
	if err := l.w.Flush(); l.err == nil {
		l.err = err
	}
	if err := l.f.Close(); l.err == nil {
		l.err = err
	}
	return l.err
}

// appendLate writes a late event as a line of the late file.
func appendLate(dst []byte, r *engine.LateRow, files []engine.File) []byte {
	row := &r.Batch.Rows[r.Index]
	behind := cep.Value{Type: cep.Type{Kind: cep.KindDuration}, Word: cep.Word(r.Greatest - row.At)}
	dst = cep.AppendJSONString(append(dst, `{"source":`...), files[row.Ref.Partition()].Path)
	dst = fmt.Appendf(dst, `,"position":%d,"reason":"late","behind":%q,"raw":`, row.Ref.Position(), behind.AppendText(nil))
	dst = cep.AppendJSONString(dst, string(r.Batch.RawText(r.Index)))
	return append(dst, '}')
}
