package engine

import (
	"context"
	"fmt"
	"maps"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// Deployed is what became of a deployment.
type Deployed struct {
	Rules    []Carried `json:"rules"`
	Warnings []string  `json:"warnings,omitempty"`
}

// Deploy puts a rule set in place of the running one. It takes effect at one
// place of the journal, for all rules at once; rules that have not changed keep
// their state. A set that cannot run is refused whole and the old one goes on:
// the error is then a *RuleError or says what the set lacks.
func (r *Runtime) Deploy(ctx context.Context, rules RuleSet, carry Carry) (Deployed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.current()
	if err != nil {
		return Deployed{}, err
	}
	prog, err := rules.Compile()
	if err != nil {
		return Deployed{}, err
	}
	c := &compiled{prog, lookup.NewParser(prog)}
	record, warnings, err := r.prepareDeploy(ctx, n, c, rules)
	if err != nil {
		return Deployed{}, err
	}
	record.Carry = carry
	r.watch.pause() // what it would bring is of the rules before
	got, err := n.submit(ctx, &inbound{ready: c, rec: journal.Record{Kind: recDeploy, Stream: journal.NoStream, Data: encodeJSON(record)}})
	if err != nil {
		r.watch.refused(n)
		return Deployed{}, err
	}
	n.mu.Lock()
	n.adopt()
	n.mu.Unlock()
	r.sources.change(n)
	r.watch.change(n)
	return Deployed{Rules: got, Warnings: warnings}, nil
}

// prepareDeploy finds out all that can keep a rule set from running, and loads
// what it needs from outside.
func (r *Runtime) prepareDeploy(ctx context.Context, n *node, c *compiled, rules RuleSet) (*deployRecord, []string, error) {
	prog := c.prog
	list, err := feeds(prog)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range list {
		if f.kind == "http" {
			continue
		}
		open := r.cfg.Open[f.kind]
		if open == nil {
			return nil, nil, fmt.Errorf("source %s: this program has no sources of kind %q", f.name, f.kind)
		}
		if _, err := open(SourceConfig{Name: f.name, IR: f.ir, Zone: prog.Zone, Logger: r.cfg.Logger}); err != nil {
			return nil, nil, fmt.Errorf("source %s: %w", f.name, err)
		}
	}
	cfg := Config{Shards: r.cfg.Shards, Arrival: true, Apart: true, Limits: r.cfg.Limits}
	if err := cfg.fill(); err != nil {
		return nil, nil, err
	}
	if _, err := newPlan(prog, &cfg); err != nil {
		return nil, nil, err
	}
	texts, warnings, err := r.watch.load(ctx, n, c.parser)
	if err != nil {
		return nil, nil, err
	}
	record := &deployRecord{Roots: rules.Roots, Files: rules.Files, Status: rules.Status, Texts: texts}
	err = n.ask(ctx, func() {
		if edits := lookup.OnlyEdits(n.texts); len(edits) > 0 { // they outlast a change of rules
			record.Texts = maps.Clone(record.Texts)
			if record.Texts == nil {
				record.Texts = map[string]lookup.Text{}
			}
			maps.Copy(record.Texts, edits)
		}
		reg := &registry{sources: maps.Clone(n.reg.sources)}
		var names []string
		for _, f := range list {
			names = append(names, f.name)
		}
		if err = reg.addSources(names); err == nil {
			record.Sources = reg.sources
		}
	})
	return record, warnings, err
}

// submit appends a record and waits for what comes of it.
func (n *node) submit(ctx context.Context, en *inbound) ([]Carried, error) {
	en.reply = make(chan applied, 1)
	reply := en.reply
	n.mu.Lock()
	err := n.append(en)
	n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case got := <-reply:
		return got.carried, got.err
	case <-n.failed:
		return nil, fmt.Errorf("%w: %w", ErrStalled, n.failure)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Rules returns the rule set that runs, false before the first deployment.
func (r *Runtime) Rules() (RuleSet, *dsl.Program, bool) {
	w := r.node.Load().wire.Load()
	if w == nil {
		return RuleSet{}, nil, false
	}
	return w.rules, w.prog, true
}
