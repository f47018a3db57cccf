package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/lookup"
)

// keep lets the run be taken up again: a job.
func (c *runCmd) keep(cfg *engine.RunConfig, w *runOutput, set engine.RuleSet, prog *dsl.Program) error {
	for i := range cfg.Files {
		if err := repeatable(cfg.Files[i].Path); err != nil {
			return err
		}
	}
	terms, err := c.terms(set, prog)
	if err != nil {
		return err
	}
	if w.job, err = openJobDir(c.State); err != nil {
		return err
	}
	k := &jobKeeper{cmd: c, w: w, start: time.Now()}
	cfg.State = &engine.RunState{Dir: c.State, Interval: time.Duration(c.CheckpointInterval), Job: terms, Begin: k.begin, Mark: k.mark, Warn: k.warn}
	return nil
}

// repeatable refuses an event file that cannot be read again.
func repeatable(path string) error {
	if path == decode.StandardInput {
		return errors.New("--events -: standard input cannot be read again after a crash: write it to a file and give that, or leave out --state")
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--events %s: it is not a regular file, and cannot be read again after a crash: write it to a file and give that, or leave out --state", path)
	}
	return nil
}

// terms are all that decides what comes out, beside the event files.
func (c *runCmd) terms(set engine.RuleSet, prog *dsl.Program) (list []engine.Term, err error) {
	for _, name := range slices.Sorted(maps.Keys(set.Files)) {
		list = append(list, engine.Term{What: "the rule file " + name, Value: fmt.Sprintf("%016x", xxh3.HashString(set.Files[name])), Hash: true})
	}
	for _, path := range lookup.Paths(prog) {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read a list or table: %w", err)
		}
		list = append(list, engine.Term{What: "the list or table " + path, Value: fmt.Sprintf("%016x", xxh3.Hash(text)), Hash: true})
	}
	for _, o := range []*output{newOutput("--out", c.Out, nil), newOutput("--dead", c.Dead, nil), newOutput("--late", c.Late, nil)} {
		list = append(list, engine.Term{What: o.flag, Value: o.name()})
	}
	return list, nil
}

// jobKeeper is the command's part of a job's state.
type jobKeeper struct {
	cmd   *runCmd
	w     *runOutput
	start time.Time
}

// jobNote is what it keeps with a checkpoint.
type jobNote struct {
	Out     outputMark `json:"out"`
	Dead    outputMark `json:"dead"`
	Late    outputMark `json:"late"`
	First   string     `json:"first"` // rejected record
	Seconds float64    `json:"seconds"`
}

// mark implements RunState.Mark.
func (k *jobKeeper) mark() (note []byte, sync func() error, err error) {
	w := k.w
	n := jobNote{First: w.first, Seconds: (w.before + time.Since(k.start)).Seconds()}
	marks := []*outputMark{&n.Out, &n.Dead, &n.Late}
	var syncs []func() error
	for i, o := range w.all() {
		if *marks[i], err = o.mark(); err != nil {
			return nil, nil, err
		}
		m, fresh := *marks[i], o.fresh
		syncs = append(syncs, func() error { return o.sync(m, fresh) })
		o.fresh = false
	}
	note, err = json.Marshal(&n)
	return note, func() error {
		for _, sync := range syncs {
			if err := sync(); err != nil {
				return err
			}
		}
		return nil
	}, err
}

// begin implements RunState.Begin.
func (k *jobKeeper) begin(r *engine.Resumed) error {
	w := k.w
	if r == nil {
		return w.out.open()
	}
	var n jobNote
	if err := json.Unmarshal(r.Note, &n); err != nil {
		return fmt.Errorf("the state in %s is damaged: %w", k.cmd.State, err)
	}
	marks := []outputMark{n.Out, n.Dead, n.Late}
	if r.Finished {
		k.tellFinished(r, marks)
		return nil
	}
	for i, m := range marks {
		if err := w.all()[i].reopen(m); err != nil {
			return k.anew(err)
		}
	}
	for _, o := range w.all() {
		if err := o.cut(); err != nil {
			return err
		}
	}
	if err := w.out.open(); err != nil {
		return err
	}
	w.first, w.alerts, w.before = n.First, r.Alerts, time.Duration(n.Seconds*float64(time.Second))
	w.bar.resumed(r.Events)
	k.tell(r, n.Out.Made)
	return nil
}

// tellFinished says that there is nothing to do, and which outputs are not what
// they were.
func (k *jobKeeper) tellFinished(r *engine.Resumed, marks []outputMark) {
	changed := ""
	for i, o := range k.w.all() {
		if o.changed(marks[i]) {
			changed += fmt.Sprintf(" %s is not what the job has written any more.", o.name())
		}
	}
	fmt.Fprintf(k.w.streams.Err, "weir: this job is finished: %s, %s in %s. Nothing was done.%s To run it again, remove %s or give another with --state\n",
		plural(int(r.Events), "event"), plural(int(r.Alerts), "alert"), k.w.out.name(), changed, k.cmd.State)
}

// tell says where the job goes on.
func (k *jobKeeper) tell(r *engine.Resumed, cut bool) {
	text := fmt.Sprintf("weir: going on behind the checkpoint of %s: %s, %s", r.At.Local().Format("2006-01-02 15:04:05"), plural(int(r.Events), "event"), plural(int(r.Alerts), "alert"))
	if !cut {
		text += fmt.Sprintf(". Alerts that were written to %s since then come again", k.w.out.name())
	}
	if k.cmd.Shards != 0 && k.cmd.Shards != r.Shards {
		text += fmt.Sprintf(". The state stays spread over %s", plural(r.Shards, "shard"))
	}
	fmt.Fprintln(k.w.streams.Err, text)
}

func (k *jobKeeper) warn(err error) {
	k.w.bar.clear()
	fmt.Fprintln(k.w.streams.Err, "weir: warning:", err)
}

// anew adds to an error how to begin anew.
func (k *jobKeeper) anew(err error) error { return fmt.Errorf("%w. %s", err, k.cmd.howAnew()) }

func (c *runCmd) howAnew() string {
	return fmt.Sprintf("To begin anew, remove %s or give another with --state", c.State)
}

// done closes what a run has written; err is how it has ended.
func (c *runCmd) done(ctx context.Context, w *runOutput, err error) error {
	if cerr := w.close(); err == nil {
		err = cerr
	}
	if w.job == nil {
		return err
	}
	if cerr := w.job.close(); err == nil {
		err = cerr
	}
	var other *engine.OtherRunError
	var damage *checkpoint.CorruptError
	switch {
	case errors.As(err, &other) && other.Finished:
		return fmt.Errorf("the job in %s is another, and finished: %s. %s", c.State, other.What(), c.howAnew())
	case errors.As(err, &other):
		return fmt.Errorf("the job in %s is another: %s. %s", c.State, other.What(), c.howAnew())
	case errors.As(err, &damage):
		return fmt.Errorf("%w. %s", err, c.howAnew())
	case err != nil && err == ctx.Err():
		return errors.New("stopped; the same command goes on from here")
	}
	return err
}
