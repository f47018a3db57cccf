package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/lookup"
	"github.com/weir-cep/weir/rules/library"
	"github.com/weir-cep/weir/rules/replay"
)

type explainCmd struct {
	Key       string   `placeholder:"K" help:"With --events: how far each run of this key got and what stopped it. The parts of a composite key are separated by commas."`
	Events    []string `name:"events" sep:"none" placeholder:"[TYPE=]FILE" help:"Event files, as for run."`
	At        string   `placeholder:"T" help:"Only runs that were open at this time (RFC 3339)."`
	TypeField string   `default:"type" help:"Field that holds an event's type."`
	Format    string   `enum:"auto,json,csv" default:"auto" help:"What the files hold, as for run."`
	Delimiter string   `default:"," help:"Column delimiter of CSV files: one character, or \\t for a tab."`
	Graph     string   `enum:",dot,mermaid" default:"" help:"Print only the automaton, as dot or mermaid."`
	Rule      string   `arg:"" help:"A rule's name, or an error code such as E105."`
	Rules     []string `arg:"" optional:"" help:"Rule files, or folders of them; default: the bundled library."`
}

func (explainCmd) Help() string {
	return `Examples:
  weir explain card_testing                      what it does, machine, cost, state bound
  weir explain card_testing --graph mermaid
  weir explain card_testing rules/library --key c00506 --events events.ndjson
  weir explain E105`
}

var codeName = regexp.MustCompile(`^[EW]\d{3}$`)

func (c explainCmd) Run(ctx context.Context, s Streams) error {
	if code := strings.ToUpper(c.Rule); codeName.MatchString(code) {
		return explainCode(s, code)
	}
	if strings.HasSuffix(c.Rule, ".cep") {
		return fmt.Errorf("the rule's name comes first: weir explain RULE %s", c.Rule)
	}
	prog, err := c.load(s)
	if err != nil {
		return err
	}
	rule, err := findRule(prog, c.Rule)
	if err != nil && len(c.Rules) == 0 {
		err = fmt.Errorf("%w\n  = these are the bundled rules; for one of your own: weir explain %s FILE.cep", err, c.Rule)
	}
	if err != nil {
		return err
	}
	if c.Key == "" && len(c.Events) == 0 && c.At == "" {
		return describeRule(s.Out, prog, rule, c.Graph)
	}
	if len(c.Events) == 0 || c.Key == "" && !rule.Global {
		return errors.New("to explain a key, both --key and --events are needed")
	}
	return c.tell(ctx, s, prog, rule)
}

func (c *explainCmd) load(s Streams) (*dsl.Program, error) {
	if len(c.Rules) > 0 {
		return load(s, c.Rules)
	}
	var names []string
	err := fs.WalkDir(library.Files, ".", func(p string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".cep") {
			names = append(names, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	prog, ds, err := dsl.Load(library.Files, names...)
	if err == nil && ds.HasErrors() {
		err = fmt.Errorf("the bundled rules do not compile:\n%s", ds.Text())
	}
	return prog, err
}

func explainCode(s Streams, code string) error {
	page, ok := dsl.ExplainCode(code)
	if !ok {
		return fmt.Errorf("there is no code %s", code)
	}
	_, err := s.Out.Write([]byte(page))
	return err
}

func findRule(prog *dsl.Program, name string) (*dsl.RuleIR, error) {
	var names []string
	for _, r := range prog.Rules {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	if near := nearest(name, names); near != "" {
		return nil, fmt.Errorf("no rule is called %q; did you mean %q?", name, near)
	}
	return nil, fmt.Errorf("no rule is called %q; there are:\n%s", name, wrap(strings.Join(names, ", "), width))
}

// tell runs the rule over the events and tells the story of one key.
func (c *explainCmd) tell(ctx context.Context, s Streams, prog *dsl.Program, rule *dsl.RuleIR) error {
	key, err := engine.ParseKey(rule, c.Key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	at := int64(0)
	if c.At != "" {
		t, err := time.Parse(time.RFC3339Nano, c.At)
		if err != nil {
			return fmt.Errorf("--at: %q is no time as 2026-01-31T10:00:00Z", c.At)
		}
		at = t.UnixNano()
	}
	in := input{Events: c.Events, TypeField: c.TypeField, Format: c.Format, Delimiter: c.Delimiter}
	files, err := in.files(prog)
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
	story, err := replay.NewStory(rule, prog.Zone)
	if err != nil {
		return err
	}
	cfg := engine.RunConfig{Files: files}
	cfg.Lookups, cfg.Shards = lookups, runtime.NumCPU()
	cfg.Trace = &engine.Trace{Rule: rule.Name, Key: key, Tracer: story, Judged: story.Judged}
	cfg.Emit = func([]*cep.Alert) error { return nil }
	first := ""
	cfg.Dead = func(file int, base uint64, letters []decode.DeadLetter) {
		if first == "" && len(letters) > 0 {
			first = firstRejected(&files[file], base, &letters[0])
		}
	}
	sum, err := engine.Run(ctx, prog, cfg)
	if err != nil {
		return err
	}
	report := newReport(&sum, 0)
	report.first, report.types = first, typeNames(prog)
	report.missing(s.Err)
	name := c.Key
	if rule.Global {
		name = "the whole stream"
	}
	if rule.Pattern == nil {
		tellJudgements(s, rule, name, story)
		return nil
	}
	tellStory(s, rule, name, story, at)
	return nil
}

const (
	nearestMisses = 3  // shown first
	shownRuns     = 50 // of all
)

func tellStory(s Streams, rule *dsl.RuleIR, key string, story *replay.Story, at int64) {
	lives := story.Lives()
	if at != 0 {
		var open []*replay.Life
		for _, l := range lives {
			if l.FirstAt <= at && (l.EndAt >= at || l.End == "") {
				open = append(open, l)
			}
		}
		lives = open
	}
	matched := 0
	for _, l := range lives {
		if l.Matched {
			matched++
		}
	}
	fmt.Fprintf(s.Out, "%s for %s: %s, %d matched\n", rule.Name, key, plural(len(lives), "run"), matched)
	if len(lives) == 0 {
		what := "no event of this key fits the first step, or no event has this key"
		if at != 0 {
			what = "no run was open at that time"
		}
		fmt.Fprintf(s.Out, "%s:\n%s\n", what, wrap(rule.Sentence(), width))
		return
	}
	misses := story.Misses(nearestMisses)
	for len(misses) > 0 && misses[len(misses)-1].Used {
		misses = misses[:len(misses)-1]
	}
	if at == 0 && len(lives) > nearestMisses && len(misses) > 0 {
		fmt.Fprintln(s.Out, "\nnearest misses")
		for _, l := range misses {
			indent(s, l)
		}
	}
	fmt.Fprintln(s.Out, "\nall runs, in order")
	for _, l := range lives[:min(shownRuns, len(lives))] {
		indent(s, l)
	}
	if more := len(lives) - shownRuns; more > 0 {
		fmt.Fprintf(s.Out, "  and %d more; --at T shows those that were open at a time\n", more)
	}
}

// tellJudgements tells how often a condition held, and why not the last times.
func tellJudgements(s Streams, rule *dsl.RuleIR, key string, story *replay.Story) {
	fmt.Fprintf(s.Out, "%s for %s: judged at %s, held at %d\n", rule.Name, key, plural(story.Judgements, "event"), story.Held)
	if story.Judgements == 0 {
		fmt.Fprintf(s.Out, "no event of this key is one that this rule judges, or no event has this key:\n%s\n", wrap(rule.Sentence(), width))
		return
	}
	fmt.Fprintln(s.Out, "\nthe last judgements")
	for _, j := range story.Last {
		verdict := "held"
		if !j.Holds {
			verdict = "did not hold: " + j.Why
		}
		fmt.Fprintln(s.Out, hang(fmt.Sprintf("  %s  %s", clock(j.At), verdict), 4))
	}
}

func indent(s Streams, l *replay.Life) {
	for line := range strings.Lines(l.Text(clock)) {
		fmt.Fprintln(s.Out, hang("  "+strings.TrimRight(line, "\n"), 6))
	}
}
