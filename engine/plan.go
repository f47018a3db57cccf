package engine

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// plan is a program made ready to run. It never changes; shards and preparers
// share it.
type plan struct {
	prog    *dsl.Program
	number  map[*cep.Schema]uint32 // of types: their place in prog.Schemas
	lookups *expr.Lookups
	fixed   []FixedFeature
	shards  int
	rules   []*rule  // that are not off, by name
	worlds  []*world // by group, arrival order before time order, then by level
	groups  []groupPlan
	types   []int    // by type number: its group, -1 if no rule reads it
	kinds   []uint64 // by type number: hash of its name
	ids     *ids     // of all that has a state
}

// noType is the number of types that the program does not have: nobody looks
// at their rows.
func (p *plan) noType() uint32 { return uint32(len(p.prog.Schemas)) }

// numberOf is the number of a type.
func (p *plan) numberOf(s *cep.Schema) uint32 {
	if n, ok := p.number[s]; ok {
		return n
	}
	return p.noType()
}

// world is the rules of one group, order and level with everything that they read.
// Worlds share no state: a feature that rules of two levels read is kept
// twice, because each level sees it as of its own place in the stream.
type world struct {
	index    int
	name     string
	was      string // name of the world whose states it goes on with
	group    int
	arrival  bool
	level    int
	features []*feature // owners 0 …
	rules    []*rule    // owners len(features) …
	pools    []*pool    // owners len(features)+len(rules) …
	spaces   []spacePlan
	accesses [][]*access // by number of the type, and none for noType
}

// worldName identifies a world across deployments: its order, level and group,
// by the first of the types that the group reads.
func (p *plan) worldName(w *world) string {
	order := "t"
	if w.arrival {
		order = "a"
	}
	name := order + strconv.Itoa(w.level)
	if len(p.groups) > 1 {
		name += " " + p.groupName(w.group)
	}
	return name
}

// groupName is the first name among the types that a group reads.
func (p *plan) groupName(group int) string {
	for i, s := range p.prog.Schemas { // by name
		if p.types[i] == group {
			return s.Name
		}
	}
	return ""
}

// spacePlan is a key space: the rules and features whose key has these parts.
type spacePlan struct {
	id         string
	sid        uint32
	everywhere bool // every shard keeps all keys of it
	entries    int  // that a key can have: states, timers, clocks
	room       int  // entries beside a key; fixed when the space comes into being
}

// access is one way to take a key from a type's rows, for one space.
type access struct {
	index  int // among the type's accesses
	fields []int
	keyer  *expr.Keyer
	space  int
	// global is the hash that chooses the shard of a rule without a key.
	global uint64
	takers []taker // by owner
}

// taker is a feature or rule that reads rows by an access.
type taker struct {
	owner   uint32
	feature *feature // or
	rule    *rule
	routes  uint64    // of the rule, that give this key
	others  []*access // further accesses by which the rule reads the type
	filter  expr.Cond // the rule's from, the feature's where; nil: all
	where   expr.Cond // of on … when; nil: all
	shadow  bool      // sees alerts that shadow rules raise
}

// newPlan makes a plan of the rules that are not off, for states that are where
// cfg.ids says.
func newPlan(prog *dsl.Program, cfg *Config) (*plan, error) {
	p, err := compilePlan(prog, cfg, nil)
	if err != nil {
		return nil, err
	}
	was := cfg.ids
	if was == nil {
		was = newIDs()
	}
	return p, p.lay(cfg, was, nil)
}

// compilePlan compiles the rules. Those that a table of ids has in the same
// version are laid out as it says.
func compilePlan(prog *dsl.Program, cfg *Config, known *ids) (*plan, error) {
	p := &plan{prog: prog, number: map[*cep.Schema]uint32{}, lookups: cfg.Lookups, fixed: cfg.Fixed, shards: cfg.Shards}
	if p.lookups == nil {
		l, err := ProgramLookups(prog)
		if err != nil {
			return nil, err
		}
		p.lookups = l
	}
	for i, s := range prog.Schemas {
		p.number[s] = uint32(i)
		p.kinds = append(p.kinds, xxh3.HashString(s.Name))
	}
	p.kinds = append(p.kinds, 0)
	var irs []*dsl.RuleIR
	for _, ir := range prog.Rules {
		if ir.Status != dsl.Off {
			irs = append(irs, ir)
		}
	}
	slices.SortFunc(irs, func(a, b *dsl.RuleIR) int { return strings.Compare(a.Name, b.Name) })
	p.rules = make([]*rule, len(irs))
	return p, sideBySide(len(irs), func(i int) error {
		r, err := newRule(prog, irs[i])
		if err != nil {
			return fmt.Errorf("rule %s: %w", irs[i].Name, err)
		}
		// A value that is fixed for a key is found by the key's values.
		r.needsKey = r.needsKey || len(p.fixed) > 0
		r.traced = cfg.Trace != nil && cfg.Trace.Rule == r.ir.Name
		if rec := known.version(r.ir.Name, r.ir.Version); rec != nil {
			r.layout = rec.layout
		} else {
			r.layout = hashText(r.stateText(prog.Zone))
		}
		r.rank, p.rules[i] = i, r
		return nil
	})
}

// sideBySide calls f for 0 … n-1 on several goroutines if there is enough to
// do, and returns the error of the first that failed.
func sideBySide(n int, f func(int) error) error {
	const share = 32
	workers := min(runtime.GOMAXPROCS(0), n/share)
	errs := make([]error, n)
	if workers < 2 {
		for i := range n {
			if err := f(i); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := int(next.Add(share)) - share; i < n; i = int(next.Add(share)) - share {
				for j := i; j < min(i+share, n); j++ {
					errs[j] = f(j)
				}
			}
		})
	}
	wait.Wait()
	return cmp.Or(errs...)
}

// lay lays the rules out in worlds, and finds out which states they go on with:
// those that a table of ids names, which are where they are in the plan before.
// Without one, old nil, all are in worlds of the same names.
func (p *plan) lay(cfg *Config, was *ids, old *plan) error {
	t := was.successor()
	p.ids = t
	for _, r := range p.rules {
		if err := t.identify(was, r); err != nil {
			return fmt.Errorf("rule %s: %w", r.ir.Name, err)
		}
	}
	p.group(cfg)
	for _, r := range p.rules {
		w := p.world(p.groupOfRule(r.ir), cfg.Arrival && r.ir.Arrival, p.level(r.ir))
		w.rules = append(w.rules, r)
	}
	slices.SortFunc(p.worlds, compareWorlds)
	for i, w := range p.worlds {
		w.index, w.name = i, p.worldName(w)
		w.was = w.name
	}
	if old != nil {
		p.succeed(old)
	}
	for _, w := range p.worlds {
		if err := w.build(p, was); err != nil {
			return err
		}
	}
	p.dealWorlds()
	if err := p.identify(was); err != nil || old != nil || len(was.rules) == 0 {
		return err
	}
	return p.allKnown(was) // the same program: all states are there
}

func compareWorlds(a, b *world) int {
	if a.group != b.group {
		return a.group - b.group
	}
	if a.arrival != b.arrival {
		if a.arrival {
			return -1
		}
		return 1
	}
	return a.level - b.level
}

func (p *plan) world(group int, arrival bool, level int) *world {
	for _, w := range p.worlds {
		if w.group == group && w.arrival == arrival && w.level == level {
			return w
		}
	}
	w := &world{group: group, arrival: arrival, level: level}
	p.worlds = append(p.worlds, w)
	return w
}

// level is the rule's level, at least that of the features it reads.
func (p *plan) level(ir *dsl.RuleIR) int {
	l := ir.Level
	for i := range ir.Reads {
		if on := ir.Reads[i].Feature.On; on.Derived {
			for _, other := range p.prog.Rules {
				if raises(other, on) {
					l = max(l, other.Level+1)
				}
			}
		}
	}
	return l
}

// raises says that a rule's alerts are events of the type.
func raises(ir *dsl.RuleIR, s *cep.Schema) bool {
	return ir.Alert != nil && ir.Alert.As == s || ir.Timeout != nil && ir.Timeout.As == s
}

// build lays out the world: its features, its key spaces, and how it reads
// each type.
func (w *world) build(p *plan, was *ids) error {
	if err := w.addFeatures(p); err != nil {
		return err
	}
	w.accesses = make([][]*access, len(p.prog.Schemas)+1)
	for i, f := range w.features {
		f.owner = uint32(i)
		f.space = w.space(f.spaceID(), f.everywhere)
		w.spaces[f.space].entries++
		a, err := w.access(p, f.ir.On, f.ir.Key, f.space, 0)
		if err != nil {
			return err
		}
		a.takers = append(a.takers, taker{owner: f.owner, feature: f, filter: f.where, shadow: f.shadow})
	}
	for i, r := range w.rules {
		r.owner = uint32(len(w.features) + i)
		r.world = w
		r.space = w.space(r.spaceID(), false)
		if err := w.addRule(p, r); err != nil {
			return err
		}
	}
	if err := w.addPools(p, was); err != nil {
		return err
	}
	for _, r := range w.rules {
		r.keeps = r.prog != nil || r.on.stateful || r.on.private()
		w.spaces[r.space].entries += r.entries(w.arrival)
	}
	return nil
}

func (w *world) space(id string, everywhere bool) int {
	for i := range w.spaces {
		if w.spaces[i].id == id {
			return i
		}
	}
	w.spaces = append(w.spaces, spacePlan{id: id, everywhere: everywhere})
	return len(w.spaces) - 1
}

func (w *world) access(p *plan, schema *cep.Schema, fields []int, space int, global uint64) (*access, error) {
	n := p.number[schema]
	for _, a := range w.accesses[n] {
		if a.space == space && slices.Equal(a.fields, fields) {
			return a, nil
		}
	}
	k, err := expr.FieldKeyer(schema, fields)
	if err != nil {
		return nil, err
	}
	a := &access{index: len(w.accesses[n]), fields: fields, keyer: k, space: space, global: global}
	w.accesses[n] = append(w.accesses[n], a)
	return a, nil
}

// addRule enters a rule into the accesses of its routes. Routes with the same
// fields are one; a type that is read under several keys knows them all, so
// that an event whose keys turn out equal is delivered once.
func (w *world) addRule(p *plan, r *rule) error {
	for i, route := range r.ir.Routes {
		a, err := w.access(p, route.Schema, route.Fields, r.space, r.global)
		if err != nil {
			return err
		}
		if n := len(a.takers); n > 0 && a.takers[n-1].rule == r {
			a.takers[n-1].routes |= 1 << i
			continue
		}
		a.takers = append(a.takers, taker{owner: r.owner, rule: r, routes: 1 << i,
			filter: r.from[route.Schema], where: r.where, shadow: r.shadow})
	}
	for _, route := range r.ir.Routes {
		list := w.accesses[p.number[route.Schema]]
		for _, a := range list {
			t := a.taker(r)
			if t == nil || t.others != nil {
				continue
			}
			for _, b := range list {
				if b != a && b.taker(r) != nil {
					t.others = append(t.others, b)
				}
			}
		}
	}
	return nil
}

func (a *access) taker(r *rule) *taker {
	if n := len(a.takers); n > 0 && a.takers[n-1].rule == r {
		return &a.takers[n-1]
	}
	return nil
}

// lateness is the largest of the types that an input can carry and some rule
// or feature reads.
func (p *plan) lateness(types []*cep.Schema) int64 {
	if types == nil {
		types = p.prog.Schemas
	}
	var late int64
	for _, s := range types {
		if p.reads(s) {
			late = max(late, s.Late)
		}
	}
	return late
}

// reads says that some rule or feature looks at events of the type.
func (p *plan) reads(s *cep.Schema) bool {
	n, ok := p.number[s]
	if !ok || s.Derived {
		return false
	}
	return slices.ContainsFunc(p.worlds, func(w *world) bool { return len(w.accesses[n]) > 0 })
}

// inTime says that some rule or feature in time order looks at events of the
// type, so that they can be late.
func (p *plan) inTime(schema uint32) bool {
	return slices.ContainsFunc(p.worlds, func(w *world) bool { return !w.arrival && len(w.accesses[schema]) > 0 })
}

// shadowRaised says that a shadow rule raises events of the type.
func (p *plan) shadowRaised(s *cep.Schema) bool {
	return slices.ContainsFunc(p.rules, func(r *rule) bool { return r.shadow && raises(r.ir, s) })
}
