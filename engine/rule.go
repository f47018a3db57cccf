package engine

import (
	"fmt"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine/emit"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/nfa"
)

// rule is a rule made ready to run.
type rule struct {
	ir      *dsl.RuleIR
	rank    int // by name
	world   *world
	owner   uint32
	sid     uint32
	space   int
	global  uint64 // hash that chooses the shard of a rule without a key
	shadow  bool
	lineage string // what of its resets stands in the ids of its alerts
	layout  uint64 // see StateHash
	traced  bool   // its machine wants every event of its types
	keeps   bool   // it has a state of its own under a key

	from  map[*cep.Schema]expr.Cond
	prog  *nfa.Prog // of a pattern
	on    *onRule   // of on … when
	where expr.Cond // of on … when: selects events; nil: all
	reads []read    // by RuleIR.Reads index

	alert   *emit.Block
	timeout *emit.Block // nil: none
	unless  expr.Cond   // nil: none

	// needsKey says that something judged per event reads the key's values, so
	// that they have to be decoded before it.
	needsKey bool
}

// newRule compiles a rule.
func newRule(prog *dsl.Program, ir *dsl.RuleIR) (*rule, error) {
	if len(ir.Routes) > 32 {
		return nil, fmt.Errorf("%d routes, a rule can have 32", len(ir.Routes))
	}
	r := &rule{ir: ir, shadow: ir.Status == dsl.Shadow, from: map[*cep.Schema]expr.Cond{}}
	if ir.Global {
		r.global = xxh3.HashString(ir.Name)
	}
	c := &expr.Compiler{Zone: prog.Zone}
	for _, f := range ir.From {
		cond, err := c.On(f.Schema).Cond(f.Where)
		if err != nil {
			return nil, fmt.Errorf("from %s: %w", f.Schema.Name, err)
		}
		r.from[f.Schema] = cond
	}
	var err error
	if ir.Pattern != nil {
		err = r.compilePattern(prog)
	} else {
		err = r.compileOn(prog)
	}
	if err != nil {
		return nil, err
	}
	r.needsKey = r.readsKey()
	return r, nil
}

func (r *rule) compilePattern(prog *dsl.Program) (err error) {
	if r.prog, err = nfa.Compile(r.ir, prog.Zone); err != nil {
		return err
	}
	return r.compileAlerts(&expr.Compiler{Layout: r.prog.Layout, Zone: prog.Zone}, r.ir)
}

// compileAlerts compiles what is evaluated for a match.
func (r *rule) compileAlerts(c *expr.Compiler, ir *dsl.RuleIR) (err error) {
	if r.alert, err = emit.Compile(c, r.ir, ir.Alert); err != nil {
		return fmt.Errorf("alert: %w", err)
	}
	if ir.Timeout != nil {
		if r.timeout, err = emit.Compile(c, r.ir, ir.Timeout); err != nil {
			return fmt.Errorf("on timeout: %w", err)
		}
	}
	if ir.Suppress != nil && ir.Suppress.Unless != nil {
		if r.unless, err = c.Cond(ir.Suppress.Unless); err != nil {
			return fmt.Errorf("suppress: %w", err)
		}
	}
	return nil
}

// block is the alert block of a kind of match.
func (r *rule) block(kind cep.MatchKind) *emit.Block {
	if kind == cep.MatchTimeout {
		return r.timeout
	}
	return r.alert
}

// spaceID names the key space that a rule shares with others of its key.
func (r *rule) spaceID() string {
	if r.ir.Global {
		return "global " + r.ir.Name
	}
	id := ""
	for _, p := range r.ir.Key {
		id += p.Name + " " + p.Type.Required().String() + ","
	}
	return id
}

func (r *rule) keyTypes() (types string) {
	for _, p := range r.ir.Key {
		types += p.Type.Required().String() + ","
	}
	return types
}

// readsKey says whether a condition of the rule reads the key's values.
func (r *rule) readsKey() bool {
	for _, e := range conditions(r.ir) {
		if expr.ReadsKey(e) {
			return true
		}
	}
	return false
}

// conditions are the expressions of a rule that are judged while it matches.
func conditions(ir *dsl.RuleIR) (all []*dsl.Expr) {
	add := func(e *dsl.Expr) {
		if e != nil {
			all = append(all, e)
		}
	}
	if w := ir.When; w != nil {
		add(w.Where)
		add(w.Cond)
		for _, a := range ir.Aggs {
			add(a.Arg)
			add(a.Cond)
		}
	}
	if p := ir.Pattern; p != nil {
		add(p.Where)
		walkSteps(p.Steps, func(s *dsl.StepIR) {
			add(s.Where)
			add(s.Until)
			if s.No != nil {
				add(s.No.Where)
			}
		})
	}
	for i := range ir.Cancel {
		add(ir.Cancel[i].Where)
	}
	return all
}

func walkSteps(steps []*dsl.StepIR, f func(*dsl.StepIR)) {
	for _, s := range steps {
		f(s)
		for _, sub := range s.Sub {
			walkSteps(sub, f)
		}
	}
}

// finals are the expressions of a rule that are evaluated for a match.
func finals(ir *dsl.RuleIR) (all []*dsl.Expr) {
	add := func(e *dsl.Expr) {
		if e != nil {
			all = append(all, e)
		}
	}
	template := func(t dsl.Template) {
		for _, p := range t {
			add(p.Expr)
		}
	}
	if ir.Suppress != nil {
		add(ir.Suppress.Unless)
	}
	for _, a := range []*dsl.AlertIR{ir.Alert, ir.Timeout} {
		if a == nil {
			continue
		}
		add(a.Severity)
		add(a.Score)
		template(a.Message)
		for _, l := range a.Labels {
			template(l.Text)
		}
		for _, f := range a.Fields {
			add(f.Expr)
		}
	}
	return all
}
