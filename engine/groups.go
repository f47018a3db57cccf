package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Sources wait for each other where some rule looks at both: what it sees must
// be in one order of time. Sources of rules that have nothing in common need
// not, and with Config.Apart they do not: they form groups, each with a
// watermark of its own. Types connect: a rule connects those that it reads,
// the features that it reads included, with those that it raises for others; a
// source connects those that it carries and some rule reads.

// groupPlan is a group's part of a plan.
type groupPlan struct {
	worlds  []*world // of the group, arrival order first
	arrival int      // worlds of arrival order
	rules   []*rule  // by name
}

func (g *groupPlan) arrivalWorlds() []*world { return g.worlds[:g.arrival] }
func (g *groupPlan) timeWorlds() []*world    { return g.worlds[g.arrival:] }

// SourceTypes says what a source can carry.
type SourceTypes struct {
	Source uint32
	Types  []*cep.Schema // nil: all of the program's
}

// group finds the groups of the plan's rules. Groups are numbered by their
// first rule; with Config.Apart a last one, without rules, is for sources that
// no rule looks at.
func (p *plan) group(cfg *Config) {
	p.types = make([]int, len(p.prog.Schemas))
	if !cfg.Apart {
		p.groups = make([]groupPlan, 1)
		return
	}
	irs := make([]*dsl.RuleIR, len(p.rules))
	for i, r := range p.rules {
		irs[i] = r.ir
	}
	var n int
	p.types, n = groupTypes(p.prog, irs, sourceTypes(cfg))
	p.groups = make([]groupPlan, n+1)
}

// sourceTypes lists what every source carries.
func sourceTypes(cfg *Config) []SourceTypes {
	list := slices.Clone(cfg.Sources)
	for i := range cfg.Inputs {
		list = append(list, SourceTypes{cfg.Inputs[i].Source, cfg.Inputs[i].Types})
	}
	return list
}

// dealWorlds gives the groups their worlds and rules.
func (p *plan) dealWorlds() {
	for _, w := range p.worlds {
		g := &p.groups[w.group]
		g.worlds = append(g.worlds, w)
		if w.arrival {
			g.arrival++
		}
	}
	for _, r := range p.rules {
		g := &p.groups[r.world.group]
		g.rules = append(g.rules, r)
	}
}

// groupOfRule is the group of a rule.
func (p *plan) groupOfRule(ir *dsl.RuleIR) int { return max(p.types[p.number[ir.Routes[0].Schema]], 0) }

// groupOf is the group of a source that carries the types. It is an error if
// they are of several: then the plan was made without knowing of the source.
func (p *plan) groupOf(types []*cep.Schema) (int, error) {
	if types == nil {
		types = p.prog.Schemas
	}
	if len(p.groups) == 1 {
		return 0, nil
	}
	group := -1
	for _, s := range types {
		n, ok := p.number[s]
		if !ok || s.Derived || p.types[n] < 0 {
			continue
		}
		if group >= 0 && group != p.types[n] {
			return 0, fmt.Errorf("engine: a source of %s and other types joins rules that did not wait for each other; it has to be in Config.Sources", s.Name)
		}
		group = p.types[n]
	}
	if group < 0 {
		return len(p.groups) - 1, nil
	}
	return group, nil
}

// groupTypes returns the group of every type, -1 for types that no rule reads,
// and how many groups there are.
func groupTypes(prog *dsl.Program, rules []*dsl.RuleIR, sources []SourceTypes) (groups []int, n int) {
	number := map[*cep.Schema]int{}
	for i, s := range prog.Schemas {
		number[s] = i
	}
	read := make([]bool, len(prog.Schemas))
	for _, r := range rules {
		for _, s := range typesOf(r) {
			read[number[s]] = true
		}
	}
	u := make(union, len(prog.Schemas))
	for i := range u {
		u[i] = i
	}
	join := func(types []*cep.Schema) {
		first := -1
		for _, s := range types {
			i, ok := number[s]
			if !ok || !read[i] {
				continue
			}
			if first < 0 {
				first = i
			}
			u.join(first, i)
		}
	}
	for _, r := range rules {
		types := typesOf(r)
		for _, a := range []*dsl.AlertIR{r.Alert, r.Timeout} {
			if a != nil && a.As != nil {
				types = append(types, a.As)
			}
		}
		join(types)
	}
	for _, s := range sources {
		types := s.Types
		if types == nil {
			types = plainTypes(prog)
		}
		join(types)
	}
	groups = make([]int, len(prog.Schemas))
	of := map[int]int{} // by root
	for i := range groups {
		groups[i] = -1
	}
	for _, r := range rules {
		for _, s := range typesOf(r) {
			root := u.find(number[s])
			if _, ok := of[root]; !ok {
				of[root] = len(of)
			}
		}
	}
	for i := range groups {
		if g, ok := of[u.find(i)]; ok && read[i] {
			groups[i] = g
		}
	}
	return groups, len(of)
}

// plainTypes are the program's types that sources carry.
func plainTypes(prog *dsl.Program) (types []*cep.Schema) {
	for _, s := range prog.Schemas {
		if !s.Derived {
			types = append(types, s)
		}
	}
	return types
}

// typesOf are the types that a rule looks at, its features' included.
func typesOf(r *dsl.RuleIR) (types []*cep.Schema) {
	for i := range r.Routes {
		types = append(types, r.Routes[i].Schema)
	}
	for i := range r.Reads {
		types = append(types, r.Reads[i].Feature.On)
	}
	return types
}

// union is a forest of sets: an element's parent, itself if it is a root.
type union []int

func (u union) find(i int) int {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

func (u union) join(i, j int) { u[u.find(j)] = u.find(i) }

// GroupInfo is a watermark group: sources that wait for each other.
type GroupInfo struct {
	Sources []string // by name
	Rules   []string // by name
}

// Groups are the watermark groups of a program whose sources are those that its
// rule files name, and for the other types one called rest.
func Groups(prog *dsl.Program, rest string) []GroupInfo {
	var rules []*dsl.RuleIR
	for _, r := range prog.Rules {
		if r.Status != dsl.Off {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b *dsl.RuleIR) int { return strings.Compare(a.Name, b.Name) })
	var names []string
	var sources []SourceTypes
	carried := map[*cep.Schema]bool{}
	for _, ir := range prog.Sources {
		names, sources = append(names, ir.Name), append(sources, SourceTypes{Types: ir.Of})
		for _, s := range ir.Of {
			carried[s] = true
		}
	}
	others := []*cep.Schema{}
	for _, s := range Reads(prog) {
		if !carried[s] {
			others = append(others, s)
		}
	}
	if len(others) > 0 {
		names, sources = append(names, rest), append(sources, SourceTypes{Types: others})
	}
	types, n := groupTypes(prog, rules, sources)
	number := map[*cep.Schema]int{}
	for i, s := range prog.Schemas {
		number[s] = i
	}
	list := make([]GroupInfo, n)
	for i, s := range sources {
		for _, t := range s.Types {
			if g := types[number[t]]; g >= 0 {
				list[g].Sources = append(list[g].Sources, names[i])
				break
			}
		}
	}
	for _, r := range rules {
		g := types[number[r.Routes[0].Schema]]
		list[g].Rules = append(list[g].Rules, r.Name)
	}
	for i := range list {
		slices.Sort(list[i].Sources)
	}
	return list
}
