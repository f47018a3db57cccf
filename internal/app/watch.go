package app

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/lookup"
)

// watchEvery is how often rule files are looked at. A change is taken up when
// they have been the same twice.
const watchEvery = 200 * time.Millisecond

// maxDiff bounds the alerts that a difference lists of each kind.
const maxDiff = 20

// watcher runs rules again with each save of their files, and prints what that
// changes.
type watcher struct {
	c     *runCmd
	out   io.Writer
	err   io.Writer
	files *ruleFiles
	last  map[string]*cep.Alert // by id; nil: nothing has run yet
}

// watch runs until ctx ends.
func (c *runCmd) watch(ctx context.Context, s Streams, tick <-chan time.Time) error {
	switch {
	case c.State != "" || c.Out != "":
		return errors.New("--watch prints what changes: leave out --state and --out")
	case slices.ContainsFunc(c.Events, func(e string) bool { return e == "-" || strings.HasSuffix(e, "=-") }):
		return errors.New("--watch reads the events again and again: write standard input to a file first")
	}
	w := &watcher{c: c, out: s.Out, err: s.Err, files: &ruleFiles{paths: c.Rules}}
	if err := w.again(ctx, s); err != nil {
		return err
	}
	fmt.Fprintf(w.err, "watching %s; Ctrl-C ends\n", strings.Join(c.Rules, ", "))
	seen, changing := w.files.look(), false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
		now := w.files.look()
		switch {
		case now != seen:
			seen, changing = now, true
		case changing:
			changing = false
			if err := w.again(ctx, s); err != nil {
				return err
			}
			seen = w.files.look()
		}
	}
}

// again runs the rules as they are now. What is wrong with them is printed, and
// the result from before stands.
func (w *watcher) again(ctx context.Context, s Streams) error {
	set, err := engine.ReadRules(dsl.Files, w.c.Rules...)
	if err != nil {
		fmt.Fprintln(w.err, "weir:", err)
		return nil
	}
	w.files.read = set
	prog, err := compile(s, set)
	if err != nil {
		return w.stands(err)
	}
	start := time.Now()
	alerts, events, err := w.run(ctx, prog)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		fmt.Fprintln(w.err, "weir:", err)
		return w.stands(nil)
	}
	took := time.Since(start)
	if w.last == nil {
		w.first(alerts)
	} else {
		w.differ(alerts)
	}
	fmt.Fprintf(w.out, "%s  %s over %s events in %.2fs\n", time.Now().Format("15:04:05"), plural(len(alerts), "alert"), grouped(events), took.Seconds())
	w.last = alerts
	return nil
}

// stands says that the last result does.
func (w *watcher) stands(err error) error {
	if errors.As(err, new(exitError)) || err == nil {
		if w.last != nil {
			fmt.Fprintf(w.err, "the last result stands: %s\n", plural(len(w.last), "alert"))
		}
		return nil
	}
	fmt.Fprintln(w.err, "weir:", err)
	return nil
}

// run runs a program over the events.
func (w *watcher) run(ctx context.Context, prog *dsl.Program) (map[string]*cep.Alert, uint64, error) {
	files, err := w.c.input.files(prog)
	if err != nil {
		return nil, 0, err
	}
	lookups, _, err := lookup.Load(prog)
	if err != nil {
		return nil, 0, err
	}
	cfg := engine.RunConfig{Files: files, Drain: engine.Drain(w.c.Drain), Workers: w.c.Workers}
	cfg.Lookups, cfg.Shards = lookups, w.c.Shards
	if cfg.Shards == 0 {
		cfg.Shards = min(runtime.NumCPU(), engine.MaxShards)
	}
	alerts := map[string]*cep.Alert{}
	cfg.Emit = func(batch []*cep.Alert) error {
		for _, a := range batch {
			alerts[hex.EncodeToString(a.ID[:])] = a
		}
		return nil
	}
	sum, err := engine.Run(ctx, prog, cfg)
	return alerts, sum.Events, err
}

// first shows what the first run found.
func (w *watcher) first(alerts map[string]*cep.Alert) {
	n := perRule(alerts)
	for _, rule := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(w.out, "  %-24s %6d\n", rule, n[rule])
	}
}

// differ shows how a run differs from the one before.
func (w *watcher) differ(alerts map[string]*cep.Alert) {
	var plus, minus, other []*cep.Alert
	for id, a := range alerts {
		was := w.last[id]
		switch {
		case was == nil:
			plus = append(plus, a)
		case was.Message != a.Message || was.Severity != a.Severity:
			other = append(other, a)
		}
	}
	for id, a := range w.last {
		if alerts[id] == nil {
			minus = append(minus, a)
		}
	}
	if len(plus)+len(minus)+len(other) == 0 {
		fmt.Fprintln(w.out, "no alert has changed")
		return
	}
	w.list("+", plus)
	w.list("-", minus)
	w.list("~", other)
	was, is := perRule(w.last), perRule(alerts)
	rules := slices.Sorted(maps.Keys(is))
	for rule := range was {
		if is[rule] == 0 {
			rules = append(rules, rule)
		}
	}
	slices.Sort(rules)
	for _, rule := range rules {
		if was[rule] != is[rule] {
			fmt.Fprintf(w.out, "  %-24s %6d → %d\n", rule, was[rule], is[rule])
		}
	}
}

// list shows alerts of one kind, the earliest first.
func (w *watcher) list(mark string, list []*cep.Alert) {
	slices.SortFunc(list, func(a, b *cep.Alert) int {
		if a.At != b.At {
			return cmp.Compare(a.At, b.At)
		}
		return strings.Compare(a.Rule+a.Message, b.Rule+b.Message)
	})
	for i, a := range list {
		if i == maxDiff {
			fmt.Fprintf(w.out, "%s and %d more\n", mark, len(list)-i)
			return
		}
		fmt.Fprintf(w.out, "%s %s  %-8s  %s  %s  %s\n", mark, clock(a.At), a.Severity, a.Rule, a.AppendKey(nil), a.Message)
	}
}

// perRule counts alerts by rule.
func perRule(alerts map[string]*cep.Alert) map[string]int {
	n := map[string]int{}
	for _, a := range alerts {
		n[a.Rule]++
	}
	return n
}
