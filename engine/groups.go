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
	var carried [][]*cep.Schema
	if cfg.Sources != nil {
		carried = cfg.Sources(p.prog)
	} else {
		_, carried = sourcesOf(p.prog)
	}
	for i := range cfg.Inputs {
		types := cfg.Inputs[i].Types
		if types == nil {
			types = p.prog.Schemas
		}
		carried = append(carried, types)
	}
	var n int
	p.types, n = groupTypes(p.prog, irs, carried)
	p.groups = make([]groupPlan, n+1)
}

// restSource is the name of the source of the types that no other carries.
const restSource = "http"

// sourcesOf are the names of the sources of a program, and what each carries:
// those of the rule files, and restSource.
func sourcesOf(prog *dsl.Program) (names []string, carried [][]*cep.Schema) {
	known := map[*cep.Schema]bool{}
	for _, ir := range prog.Sources {
		names, carried = append(names, ir.Name), append(carried, ir.Of)
		for _, s := range ir.Of {
			known[s] = true
		}
	}
	var rest []*cep.Schema
	for _, s := range Reads(prog) {
		if !known[s] {
			rest = append(rest, s)
		}
	}
	if rest != nil {
		names, carried = append(names, restSource), append(carried, rest)
	}
	return names, carried
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
			return 0, fmt.Errorf("engine: a source of %s and other types joins rules that did not wait for each other; it has to be among Config.Sources", s.Name)
		}
		group = p.types[n]
	}
	if group < 0 {
		return len(p.groups) - 1, nil
	}
	return group, nil
}

// groupTypes returns the group of every type, -1 for types that no rule reads,
// and how many groups there are. carried are the types that each source has.
func groupTypes(prog *dsl.Program, rules []*dsl.RuleIR, carried [][]*cep.Schema) (groups []int, n int) {
	number := numbers(prog)
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
	for _, types := range carried {
		join(slices.DeleteFunc(slices.Clone(types), func(s *cep.Schema) bool { return s.Derived }))
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

// numbers are the places of a program's types.
func numbers(prog *dsl.Program) map[*cep.Schema]int {
	number := map[*cep.Schema]int{}
	for i, s := range prog.Schemas {
		number[s] = i
	}
	return number
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

// Groups are the watermark groups of a program that is served: which of its
// sources wait for each other, and because of which rules.
func Groups(prog *dsl.Program) []GroupInfo {
	var rules []*dsl.RuleIR
	for _, r := range prog.Rules {
		if r.Status != dsl.Off {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b *dsl.RuleIR) int { return strings.Compare(a.Name, b.Name) })
	names, carried := sourcesOf(prog)
	types, n := groupTypes(prog, rules, carried)
	number := numbers(prog)
	list := make([]GroupInfo, n)
	for i, of := range carried {
		for _, s := range of {
			if k, ok := number[s]; ok && types[k] >= 0 {
				g := &list[types[k]]
				g.Sources = append(g.Sources, names[i])
				break
			}
		}
	}
	for _, r := range rules {
		g := &list[types[number[r.Routes[0].Schema]]]
		g.Rules = append(g.Rules, r.Name)
	}
	for i := range list {
		slices.Sort(list[i].Sources)
	}
	return list
}
