package engine

import (
	"fmt"

	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
	"github.com/weir-cep/weir/nfa"
)

// stage is a shard's state of one world.
type stage struct {
	sh       *shard
	w        *world
	spaces   []*space
	timers   *timers
	features []featureState
	rules    []ruleState
	pools    []*poolState
	current  []*window.Set // sets that hold the row as their current event
	ahead    []visited     // visits of the rows that were looked up
	added    []uint64      // by space: its added when that was
	owners   []uint32      // by sid: 1 + the owner in the plan, 0: the world has none of it
	mems     []*slab.Arena // by sid: where its states lie, nil: the world has none of it
	sets     []*window.Set // by sid: whose windows its states are; nil: they are none
	paces    []pace        // by space
}

type featureState struct {
	f    *feature
	set  *window.Set
	mem  *slab.Arena
	args []window.Arg
}

// ruleState is a shard's state of one rule.
type ruleState struct {
	r       *rule
	mem     *slab.Arena
	machine nfa.Machine // of a pattern
	groups  []groupState
	emit    nfa.Emit
	supp    suppressor
	counts  RuleStats
	one     oneEvent
	match   nfa.Match
	events  [1]nfa.BoundEvent
	sh      *shard
	tracer  *keyTracer // nil: nobody watches
}

// groupState is one group of inline aggregates.
type groupState struct {
	set  *window.Set
	pool *poolState // whose windows they are; nil: the rule's
	keys *slab.Keys // of a group with a key of its own: its states
	cur  slab.Handle
	args []window.Arg
	pace pace
}

// newStages makes the stages of a plan, which go on with what remains of the
// stages before. It changes nothing of that.
func (sh *shard) newStages(p *plan, rem *remains) (list []*stage, err error) {
	for _, w := range p.worlds {
		st := &stage{sh: sh, w: w, timers: rem.timers[w.was]}
		if st.timers == nil {
			st.timers = newTimers()
		}
		st.paces, st.added = make([]pace, len(w.spaces)), make([]uint64, len(w.spaces))
		for i := range w.spaces {
			sp := &w.spaces[i]
			old, ok := rem.spaces[sp.sid]
			if !ok {
				old.space = newSpace(sp.room)
			}
			st.spaces, st.paces[i] = append(st.spaces, old.space), old.pace
		}
		if err := st.build(p, rem); err != nil {
			return nil, err
		}
		list = append(list, st)
	}
	return list, nil
}

// build makes the states of the stage's features, pools and rules.
func (st *stage) build(p *plan, rem *remains) error {
	w := st.w
	for _, f := range w.features {
		fs, err := st.newFeature(p, f, rem.features[f.sid])
		if err != nil {
			return fmt.Errorf("feature %s: %w", f.ir.Name, err)
		}
		st.features = append(st.features, fs)
		st.own(f.sid, f.owner, fs.mem, fs.set)
	}
	for _, q := range w.pools {
		ps, err := newPoolState(st.sh, p, q, rem.pools[q.sid])
		if err != nil {
			return fmt.Errorf("rule %s: %w", q.rules[0].ir.Name, err)
		}
		st.pools = append(st.pools, ps)
	}
	st.rules = make([]ruleState, len(w.rules))
	for i, r := range w.rules {
		rs := &st.rules[i]
		if err := rs.init(st, p, r, rem.rules[r.sid]); err != nil {
			return fmt.Errorf("rule %s: %w", r.ir.Name, err)
		}
		rs.counts = rem.counts[r.ir.Name]
		st.own(r.sid, r.owner, rs.mem, rs.ownSet())
	}
	for _, ps := range st.pools {
		st.own(ps.p.sid, ps.p.owner, ps.mem, ps.set)
	}
	return nil
}

func (st *stage) newFeature(p *plan, f *feature, old *featureState) (fs featureState, err error) {
	fs = featureState{f: f, args: make([]window.Arg, len(f.inputs))}
	if old != nil {
		fs.mem = old.mem
	} else {
		fs.mem = slab.NewArena()
	}
	if fs.set, err = window.New(f.specs, p.prog.Zone, fs.mem, st.sh.syms); err == nil && old != nil {
		fs.set.Capped = old.set.Capped
	}
	return fs, err
}

// own notes that the stage has the states of a sid.
func (st *stage) own(sid, owner uint32, mem *slab.Arena, set *window.Set) {
	for n := len(st.owners); n <= int(sid); n++ {
		st.owners, st.mems, st.sets = append(st.owners, 0), append(st.mems, nil), append(st.sets, nil)
	}
	st.owners[sid], st.mems[sid], st.sets[sid] = owner+1, mem, set
}

// has says that the stage has the states of a sid.
func (st *stage) has(sid uint32) bool { return int(sid) < len(st.owners) && st.owners[sid] != 0 }

// ruleOf is the rule with a sid, nil if the stage has none.
func (st *stage) ruleOf(sid uint32) *ruleState {
	if !st.has(sid) {
		return nil
	}
	i := int(st.owners[sid]) - 1 - len(st.features)
	if i < 0 || i >= len(st.rules) {
		return nil
	}
	return &st.rules[i]
}

// init makes the state of a rule, which goes on with an older one if there is
// one.
func (rs *ruleState) init(st *stage, p *plan, r *rule, old *ruleState) error {
	sh := st.sh
	rs.r, rs.sh = r, sh
	if old != nil {
		rs.mem, rs.supp = old.mem, old.supp
		rs.supp.ir = r.ir.Suppress
	} else {
		rs.mem = slab.NewArena()
		rs.supp.init(r.ir.Suppress)
	}
	rs.emit = func(m *nfa.Match) { sh.matched(rs, m, m.Events) }
	if t := sh.cfg.Trace; t != nil && t.Rule == r.ir.Name {
		t.follow(rs)
	}
	if r.prog != nil {
		if rs.machine == nil {
			rs.machine = r.prog.New(rs.mem, sh.syms, sh.cfg.Limits.Match)
		}
		return nil
	}
	rs.one.rs = rs
	for i := range r.on.groups {
		g := &r.on.groups[i]
		if g.pool != nil {
			ps := st.pools[int(g.pool.owner)-len(st.w.features)-len(st.w.rules)]
			rs.groups = append(rs.groups, groupState{set: ps.set, pool: ps})
			continue
		}
		gs := groupState{args: make([]window.Arg, len(g.inputs))}
		set, err := window.New(g.specs, p.prog.Zone, rs.mem, sh.syms)
		if err != nil {
			return err
		}
		gs.set = set
		switch {
		case old != nil:
			gs.keys, gs.pace, set.Capped = old.groups[i].keys, old.groups[i].pace, old.groups[i].set.Capped
		case !g.own:
			gs.keys = slab.NewKeys()
		}
		rs.groups = append(rs.groups, gs)
	}
	return nil
}

// ownSet is the set whose states are the rule's, nil if it has none.
func (rs *ruleState) ownSet() *window.Set {
	if on := rs.r.on; on != nil && !on.stateful && on.private() {
		return rs.groups[0].set
	}
	return nil
}
