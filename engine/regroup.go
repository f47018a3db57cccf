package engine

import (
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// regrouping is how the partitions of a running engine are dealt to the groups
// of another plan.
type regrouping struct {
	plan   *plan
	inputs []Input
	groups []int // by input
}

// planRegroup finds out how partitions come to the groups of a plan that is to
// take the place of the engine's. inputs are all partitions that there are to
// be, with types of the plan's program: those not among them end with the
// rows of them that wait, those not known yet become known. nil: the
// partitions stay as they are, with the types of the same names. It changes
// nothing; an error says that the plan was made without knowing the sources.
func (e *Engine) planRegroup(p *plan, inputs []Input) (*regrouping, error) {
	if inputs == nil {
		inputs = sameInputs(e.cfg.Inputs, p.prog)
	}
	r := &regrouping{plan: p, inputs: slices.Clone(inputs)}
	for i := range r.inputs {
		in := &r.inputs[i]
		if in.Name == "" {
			in.Name = DefaultSource
		}
		if err := in.check(); err != nil {
			return nil, err
		}
		g, err := p.groupOf(in.Types)
		if err != nil {
			return nil, err
		}
		r.groups = append(r.groups, g)
	}
	return r, nil
}

// sameInputs are inputs with their types in another program.
func sameInputs(inputs []Input, prog *dsl.Program) []Input {
	inputs = slices.Clone(inputs)
	for i := range inputs {
		if inputs[i].Types == nil {
			continue
		}
		types := []*cep.Schema{}
		for _, s := range inputs[i].Types {
			if t := schemaNamed(prog, s.Name); t != nil {
				types = append(types, t)
			}
		}
		inputs[i].Types = types
	}
	return inputs
}

func schemaNamed(prog *dsl.Program, name string) *cep.Schema {
	for _, s := range prog.Schemas {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// regroup deals partitions and waiting rows to the groups of a plan, which it
// makes the groups' plan; that of the engine, its shards and its preparers is
// the caller's to change. It is called between feeds, before the rows that wait
// are prepared again for the plan (rebind).
//
//   - A group that comes of several has the least of their watermarks; one of
//     several that come of one has its watermark.
//   - Rows that wait go to the group of their source, alerts as events to that
//     of their type. What nobody reads any more is dropped.
//   - What a group had passed is not asked of its partitions again: it becomes
//     their floor and their source's. Rules and features of the plan do not see
//     what is below the floors of the sources that they depend on, so nobody
//     who was ahead sees time go back, and a new rule sees the rows of all its
//     sources from the same time on.
//
// Which rows the partitions still have to bring is not changed by it: whoever
// is idle stays so.
func (e *Engine) regroup(r *regrouping) {
	old := e.groups
	groups := make([]*group, len(r.plan.groups))
	for i := range groups {
		groups[i] = &group{index: i, w: minTime, last: minTime, plan: &r.plan.groups[i], order: order{held: &e.held}}
	}
	inherits := e.inherit(groups, r)
	for i, g := range groups {
		for j, from := range inherits[i] {
			if g.last = max(g.last, old[from].last); j == 0 || old[from].w < g.w {
				g.w = old[from].w
			}
		}
	}
	e.groups = groups
	was := map[*partition]int{} // their old groups
	for _, p := range e.parts {
		was[p] = p.group.index
	}
	e.deal(r)
	if to := e.wholly(len(old), was); to != nil {
		for i, g := range to {
			if g != nil {
				g.order = old[i].order
			}
		}
	} else {
		e.moveRows(old, r.plan)
	}
	e.hideReleased(r.plan)
}

// inherit lists the old groups that each new one comes of: those of its
// sources that have begun; without any, those of its rules.
func (e *Engine) inherit(groups []*group, r *regrouping) [][]int {
	inherits := make([][]int, len(groups))
	add := func(to, from int) {
		if g := e.groups[from]; (g.w != minTime || g.last != minTime) && !slices.Contains(inherits[to], from) {
			inherits[to] = append(inherits[to], from)
		}
	}
	for i := range r.inputs {
		if part := e.inputs[inputKey(r.inputs[i].Source, r.inputs[i].Partition)]; part != nil {
			add(r.groups[i], part.group.index)
		}
	}
	for i := range groups {
		if len(inherits[i]) > 0 {
			continue
		}
		for _, rule := range groups[i].plan.rules {
			for _, other := range e.plan.rules {
				if other.ir.Name == rule.ir.Name {
					add(i, other.world.group)
				}
			}
		}
		slices.Sort(inherits[i])
	}
	return inherits
}

// deal gives the partitions to e.groups.
func (e *Engine) deal(r *regrouping) {
	keep := map[uint64]bool{}
	for i := range r.inputs {
		keep[inputKey(r.inputs[i].Source, r.inputs[i].Partition)] = true
	}
	for _, src := range e.sources {
		src.floor = max(src.floor, src.group.w)
	}
	gone := map[uint32]bool{}
	e.parts = slices.DeleteFunc(e.parts, func(p *partition) bool {
		key := inputKey(p.source, p.id)
		if keep[key] {
			p.floor = max(p.floor, p.group.w)
			return false
		}
		gone[p.source] = true
		p.group = nil // its rows that wait are nobody's
		delete(e.inputs, key)
		return true
	})
	for source := range gone {
		if !slices.ContainsFunc(r.inputs, func(in Input) bool { return in.Source == source }) {
			delete(e.sources, source)
			delete(e.dedupes, source)
		}
	}
	e.cfg.Inputs = nil
	for i := range r.inputs {
		in, g := r.inputs[i], e.groups[r.groups[i]]
		src := e.sources[in.Source]
		if src == nil {
			src = &sourceState{floor: minTime}
			e.sources[in.Source] = src
		}
		src.group = g
		// A partition of a group that had not begun comes to one that has.
		part := e.place(in, src, r.plan)
		part.floor = max(part.floor, g.w)
	}
}

// wholly finds for every old group the new one that takes all its rows and no
// others, nil for one without rows; nil if rows have to be sorted out. It looks
// at batches, not at rows.
func (e *Engine) wholly(groups int, was map[*partition]int) []*group {
	to := make([]*group, groups)
	for i := range e.held.list {
		h := &e.held.list[i]
		switch {
		case h.batch == nil:
			continue
		case h.part == nil || h.part.group == nil:
			return nil
		}
		from := was[h.part]
		if to[from] != nil && to[from] != h.part.group {
			return nil
		}
		to[from] = h.part.group
	}
	for i, g := range to {
		if g != nil && slices.Contains(to[:i], g) {
			return nil
		}
	}
	return to
}

// moveRows gives the rows that wait to e.groups.
func (e *Engine) moveRows(old []*group, p *plan) {
	for _, g := range old {
		for _, it := range g.order.empty() {
			to := e.rowGroup(it, p)
			if to == nil {
				e.held.forget(it)
				continue
			}
			to.order.put(it)
		}
	}
}

// rowGroup is the group of a row that waits; nil: nobody reads it any more.
func (e *Engine) rowGroup(it item, p *plan) *group {
	h := &e.held.list[it.batch]
	if h.part != nil {
		return h.part.group
	}
	b := h.batch.batch
	s := schemaNamed(p.prog, b.Tables[b.Rows[it.row].Table].Schema.Name)
	if s == nil || !s.Derived || p.types[p.number[s]] < 0 {
		return nil
	}
	return e.groups[p.types[p.number[s]]]
}

// hideReleased keeps the rules and features of a plan in time order from
// seeing what is below the floors of the sources that they depend on. Floors
// that the groups have passed since hide nothing.
func (e *Engine) hideReleased(p *plan) {
	floors := make([]int64, len(p.prog.Schemas)) // by type
	for i := range floors {
		floors[i] = minTime
	}
	raise := func(s *cep.Schema, floor int64) (raised bool) {
		n, ok := p.number[s]
		if raised = ok && floor > floors[n]; raised {
			floors[n] = floor
		}
		return raised
	}
	any := false
	for i := range e.cfg.Inputs {
		in := &e.cfg.Inputs[i]
		src := e.sources[in.Source]
		if src.floor <= src.group.w {
			continue
		}
		any = true
		types := in.Types
		if types == nil {
			types = p.prog.Schemas
		}
		for _, s := range types {
			if !s.Derived {
				raise(s, src.floor)
			}
		}
	}
	if !any {
		return
	}
	floorOf := func(r *rule) int64 {
		floor := int64(minTime)
		for _, s := range typesOf(r.ir) {
			floor = max(floor, floors[p.number[s]])
		}
		return floor
	}
	for changed := true; changed; { // as many rounds as there are levels
		changed = false
		for _, r := range p.rules {
			for _, a := range []*dsl.AlertIR{r.ir.Alert, r.ir.Timeout} {
				if a != nil && a.As != nil && raise(a.As, floorOf(r)) {
					changed = true
				}
			}
		}
	}
	for _, w := range p.worlds {
		if w.arrival {
			continue
		}
		for _, list := range w.accesses {
			for _, a := range list {
				for i := range a.takers {
					t := &a.takers[i]
					floor := int64(minTime)
					if t.rule != nil {
						floor = floorOf(t.rule)
					} else {
						floor = floors[p.number[t.feature.ir.On]]
					}
					t.hide(floor, e.groups[w.group].w)
				}
			}
		}
	}
}

// hide keeps rows below a floor from the taker, if any are still to come.
func (t *taker) hide(floor, w int64) {
	if floor <= w {
		return
	}
	filter := t.filter
	t.filter = func(f *expr.Frame) bool { return f.At >= floor && (filter == nil || filter(f)) }
}

// rebind puts other batches, of another program or prepared anew, in the place
// of those of which rows wait. next returns the batch for one: its rows are
// found again by their references, and those that are gone wait no more.
func (e *Engine) rebind(next func(*prepared) *prepared) {
	rows := make([][]uint32, len(e.held.list)) // by batch: new row by old, noRow: gone; nil: the same
	moved := false
	for i := range e.held.list {
		h := &e.held.list[i]
		if h.batch == nil {
			continue
		}
		was := h.batch
		if h.batch = next(was); h.batch != was {
			h.batch.page, was.page = was.page, nil
			rows[i] = mapRows(was.batch.Rows, h.batch.batch.Rows)
			moved = moved || rows[i] != nil
			e.held.bytes += h.batch.size() - h.size
			h.size = h.batch.size()
		}
	}
	if !moved {
		return
	}
	for _, g := range e.groups {
		for _, it := range g.order.empty() {
			b := e.held.list[it.batch].batch
			if to := rows[it.batch]; to != nil {
				if to[it.row] == noRow {
					e.held.forget(it)
					continue
				}
				it.row = to[it.row]
				if it.at = b.batch.Rows[it.row].At; it.at < g.w {
					e.tooLate(b, int(it.row), g.w, g.w)
					e.held.forget(it)
					continue
				}
			}
			g.order.put(it)
		}
	}
}

// noRow stands for a row that is gone.
const noRow = ^uint32(0)

// mapRows finds the rows of one batch in another; nil: they are the same.
func mapRows(from, to []cep.Row) []uint32 {
	if slices.EqualFunc(from, to, func(a, b cep.Row) bool { return a.Ref == b.Ref && a.At == b.At }) {
		return nil
	}
	list := make([]uint32, len(from))
	for i := range from {
		n, ok := slices.BinarySearchFunc(to, from[i].Ref, func(r cep.Row, ref cep.Ref) int { return compareRefs(r.Ref, ref) })
		if list[i] = uint32(n); !ok {
			list[i] = noRow
		}
	}
	return list
}
