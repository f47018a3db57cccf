package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// Deployment says how a program takes the place of the running one.
type Deployment struct {
	// Carry is for rules that have changed.
	Carry Carry
	// Reset are the names of rules that start empty whether they have changed
	// or not.
	Reset []string
	// Lookups are as in Config, for the new program.
	Lookups *expr.Lookups
	// Inputs are all partitions that there are to be, with types of the new
	// program. Those not among them end. nil: they stay as they are.
	Inputs []Input
	// Redecode reads a batch of which rows wait again, for the new program,
	// where that looks at fields that the batch does not have or types have
	// changed. Rows keep their references; rows of it that did not wait are
	// ignored, and those that are gone wait no more. nil: there is nobody who
	// could, and Deploy refuses a program that would need it.
	Redecode func(*cep.Batch) (*cep.Batch, error)
}

// Carry says what becomes of the state of a rule that has changed.
type Carry uint8

// The ways to carry.
const (
	// Keep lets it go on with its state if that is laid out the same, see
	// StateHash; otherwise the rule starts empty.
	Keep Carry = iota
	// Reset lets it start empty.
	Reset
)

// Carried tells what became of a rule.
type Carried struct {
	Rule string     `json:"rule"`
	What CarriedHow `json:"what"`
	Why  string     `json:"why,omitempty"` // in words, "" where there is nothing to say
}

// CarriedHow is what became of a rule.
type CarriedHow uint8

// What can become of a rule.
const (
	CarriedUnchanged CarriedHow = iota
	CarriedNew                  // it starts empty
	CarriedKept                 // it has changed and goes on with its state
	CarriedReset                // it starts empty again
	CarriedRemoved
)

var (
	carryWords   = []string{"keep", "reset"}
	carriedWords = []string{"unchanged", "new", "kept", "reset", "removed"}
)

func (c Carry) String() string      { return carryWords[c] }
func (h CarriedHow) String() string { return carriedWords[h] }

// MarshalText implements encoding.TextMarshaler.
func (c Carry) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalText implements encoding.TextMarshaler.
func (h CarriedHow) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Carry) UnmarshalText(text []byte) error {
	i := slices.Index(carryWords, string(text))
	if i < 0 {
		return fmt.Errorf("%q is not a way to carry a rule's state; it is keep or reset", text)
	}
	*c = Carry(i)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *CarriedHow) UnmarshalText(text []byte) error {
	i := slices.Index(carriedWords, string(text))
	if i < 0 {
		return fmt.Errorf("%q does not say what became of a rule", text)
	}
	*h = CarriedHow(i)
	return nil
}

var errEnded = errors.New("engine: it has ended")

// Deploy puts a program in the place of the running one, between two feeds. It
// takes effect for every row that is not released yet: also for those that
// wait for the watermark, if Config.Deploys has let them all wait. Rules that
// are the same keep their state, whatever happens to others, as features do; a
// program that cannot run is refused whole and nothing has changed.
//
// The result tells of every rule of both programs, by name. How long it takes
// does not depend on the number of keys, unless rules or features come to
// another level, order or watermark group: those are moved key by key.
func (e *Engine) Deploy(prog *dsl.Program, d Deployment) ([]Carried, error) {
	switch {
	case e.err != nil:
		return nil, e.err
	case e.ended:
		return nil, errEnded
	}
	dep, err := e.planDeploy(prog, &d)
	if err != nil {
		return nil, err
	}
	e.snap.mu.Lock()
	defer e.snap.mu.Unlock()
	e.snap.finish() // of the arenas as they are
	dep.commit()
	return dep.carried, nil
}

// deploying is a deployment on its way. Until commit nothing has changed.
type deploying struct {
	e       *Engine
	plan    *plan
	lookups *expr.Lookups
	parts   *regrouping
	rows    *rebinding
	carried []Carried
	remains []*remains // by shard
	stages  [][]*stage // by shard
}

// planDeploy does all of a deployment that can fail.
func (e *Engine) planDeploy(prog *dsl.Program, d *Deployment) (*deploying, error) {
	cfg := e.cfg
	cfg.Lookups, cfg.Inputs = d.Lookups, d.Inputs
	if d.Inputs == nil {
		cfg.Inputs = sameInputs(e.cfg.Inputs, prog)
	}
	p, err := compilePlan(prog, &cfg, e.plan.ids)
	if err != nil {
		return nil, err
	}
	dep := &deploying{e: e, plan: p, lookups: d.Lookups}
	was := dep.decide(d)
	if err := p.lay(&cfg, was, e.plan); err != nil {
		return nil, err
	}
	dep.explain()
	if dep.parts, err = e.planRegroup(p, d.Inputs); err != nil {
		return nil, err
	}
	for _, sh := range e.steps.shards {
		rem := sh.remains()
		stages, err := sh.newStages(p, rem)
		if err != nil {
			return nil, err
		}
		dep.remains, dep.stages = append(dep.remains, rem), append(dep.stages, stages)
	}
	dep.rows, err = e.planRebind(p, d.Redecode)
	return dep, err
}

// decide finds out which rules go on with their state, and returns the table of
// what may be gone on with.
func (d *deploying) decide(how *Deployment) *ids {
	old, now := d.e.plan.byName(), d.plan.byName()
	table := d.e.plan.ids
	was := *table
	was.rules, was.lineages = map[string]*ruleID{}, maps.Clone(table.lineages)
	was.features = maps.Clone(table.features)
	names := maps.Clone(old)
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c := Carried{Rule: name}
		switch c.What, c.Why = d.carry(old[name], now[name], how); c.What {
		case CarriedUnchanged, CarriedKept:
			was.rules[name] = table.rules[name]
		case CarriedReset, CarriedRemoved:
			was.lineages[name]++
		}
		d.carried = append(d.carried, c)
	}
	// A feature whose enums have lost words has other words in its state.
	for id := range was.features {
		if !sameEnums(featureEnums(d.e.plan.prog, id.name), featureEnums(d.plan.prog, id.name)) {
			delete(was.features, id)
		}
	}
	return &was
}

// carry finds out what becomes of a rule.
func (d *deploying) carry(old, now *rule, how *Deployment) (CarriedHow, string) {
	switch {
	case old == nil:
		return CarriedNew, ""
	case now == nil:
		return CarriedRemoved, ""
	case slices.Contains(how.Reset, now.ir.Name):
		return CarriedReset, "as asked"
	case old.world.arrival != (d.e.cfg.Arrival && now.ir.Arrival):
		return CarriedReset, "it sees its events in another order"
	case old.layout != now.layout:
		return CarriedReset, "what it keeps of a key is laid out otherwise"
	case !sameEnums(ruleEnums(old.ir), ruleEnums(now.ir)):
		return CarriedReset, "an enum that it keeps has lost words or has them in another order"
	case old.ir.Version == now.ir.Version:
		return CarriedUnchanged, ""
	case how.Carry == Reset:
		return CarriedReset, "it has changed"
	}
	return CarriedKept, "it has changed, and what it keeps of a key is laid out the same"
}

// explain says which features of rules that go on begin empty.
func (d *deploying) explain() {
	known := map[uint32]bool{}
	for _, sid := range d.e.plan.ids.features {
		known[sid] = true
	}
	now := d.plan.byName()
	for i := range d.carried {
		c := &d.carried[i]
		if c.What != CarriedKept && c.What != CarriedReset {
			continue
		}
		var empty []string
		for _, rd := range now[c.Rule].reads {
			if f := rd.feature; !known[f.sid] && f.from == 0 {
				empty = append(empty, f.ir.Name)
			}
		}
		slices.Sort(empty)
		if empty = slices.Compact(empty); len(empty) > 0 {
			c.Why += "; what it reads of " + strings.Join(empty, " and ") + " begins empty"
		}
	}
}

func (p *plan) byName() map[string]*rule {
	m := map[string]*rule{}
	for _, r := range p.rules {
		m[r.ir.Name] = r
	}
	return m
}

// commit puts the new plan in place.
func (d *deploying) commit() {
	e := d.e
	d.moveStates()
	e.regroup(d.parts)
	e.cfg.Lookups = d.lookups
	e.moveStats(d.plan)
	for i, sh := range e.steps.shards {
		sh.stages = d.stages[i]
	}
	e.use(d.plan)
	d.rows.apply(e)
}

// use makes a plan the engine's, for which its stages are.
func (e *Engine) use(p *plan) {
	e.plan, e.prep, e.steps.plan = p, p.newPreparer(), p
	e.steps.derived.adopt(p)
	for _, sh := range e.steps.shards {
		sh.plan, sh.frame.Lookups = p, p.lookups
		sh.stage, sh.rule, sh.decoded.rule = nil, nil, nil
	}
}

// SetLookups puts other values of params, lists and tables in place, between
// two feeds. They hold for every row that is not released yet.
func (e *Engine) SetLookups(l *expr.Lookups) {
	p := *e.plan
	p.lookups, e.cfg.Lookups = l, l
	e.use(&p)
	for i := range e.held.list {
		e.outdate(e.held.list[i].batch)
	}
}

// moveStats gives the totals their places in another plan.
func (e *Engine) moveStats(p *plan) {
	tallies := make([]RuleStats, len(p.rules))
	old := e.plan.byName()
	for i, r := range p.rules {
		if o := old[r.ir.Name]; o != nil {
			tallies[i] = e.tallies[o.rank]
		}
	}
	e.tallies = tallies
	lags := e.stats.Lags
	e.stats.Lags = nil
	for i := range lags {
		if s := schemaNamed(p.prog, lags[i].Type.Name); s != nil {
			*e.stats.lag(p, p.number[s]) = lags[i].Lag
		}
	}
}
