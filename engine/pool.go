package engine

import (
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
)

// pool is inline aggregates that several rules of a world have in common: the
// same events under the same key, whatever the functions and windows. An event
// then enters once, however many rules look at it: a hundred rules that count
// a card's payments keep one ring of them, not a hundred.
//
// What a rule reads is the same as if it had the windows for itself. Those that
// leave out the events on which the rule fired, and those of a held condition,
// which are shown an earlier event, are the rule's own.
type pool struct {
	owner  uint32
	sid    uint32
	old    bool   // it was there before its plan; no other rule joins it
	from   uint32 // the pool whose states it begins with copies of, 0: none
	space  int    // of its rules
	schema *cep.Schema
	key    []int       // fields of the event
	keyer  *expr.Keyer // nil: the rules' key
	specs  []window.Spec
	exprs  []*dsl.Expr // of inputs; nil of a pool that was there before
	inputs []input
	rules  []*rule
}

// maxPoolInputs is the most distinct arguments of a pool; a rule that would
// bring more founds another.
const maxPoolInputs = 32

// addPools pools what the world's rules have in common.
func (w *world) addPools(p *plan, was *ids) error {
	if w.arrival { // the rules have clocks of their own
		return nil
	}
	for _, r := range w.rules {
		if r.on == nil || r.on.held != nil {
			continue
		}
		for i := range r.on.groups {
			g := &r.on.groups[i]
			switch {
			case slices.ContainsFunc(g.specs, func(s window.Spec) bool { return s.UnlessFired }):
			case was.recorded(r, i).pool != 0:
				if err := w.rejoin(p, was, r, g, i); err != nil {
					return err
				}
			default:
				w.pool(r, g, i)
			}
		}
	}
	for i, q := range w.pools {
		q.owner = uint32(len(w.features) + len(w.rules) + i)
		if q.keyer == nil {
			w.spaces[q.space].entries++
		}
	}
	return nil
}

// pool puts group i of a rule into the pool of its events and key.
func (w *world) pool(r *rule, g *aggGroup, i int) {
	_, exprs := window.Specs(g.aggs)
	n := slices.IndexFunc(w.pools, func(q *pool) bool { return q.fits(r, g) && q.missing(exprs) <= maxPoolInputs-len(q.exprs) })
	if n < 0 {
		n = len(w.pools)
		w.pools = append(w.pools, newPool(r, g))
	}
	q := w.pools[n]
	q.add(r)
	places := make([]uint32, len(g.specs))
	for k, sp := range g.specs {
		if sp.Input >= 0 {
			sp.Input = q.input(exprs[sp.Input], g.inputs[sp.Input])
		}
		at := slices.Index(q.specs, sp)
		if at < 0 {
			at = len(q.specs)
			q.specs = append(q.specs, sp)
		}
		places[k] = uint32(at)
	}
	g.join(r, q, places, i)
}

func newPool(r *rule, g *aggGroup) *pool {
	return &pool{space: r.space, schema: r.ir.Routes[r.ir.When.Route].Schema, key: g.key, keyer: g.keyer}
}

// add makes a rule one of the pool's.
func (q *pool) add(r *rule) {
	if len(q.rules) == 0 || q.rules[len(q.rules)-1] != r {
		q.rules = append(q.rules, r)
	}
}

// join makes a group, the i-th of its rule, read a pool's windows.
func (g *aggGroup) join(r *rule, q *pool, places []uint32, i int) {
	g.pool, g.places = q, places
	for k := range r.on.place {
		if p := &r.on.place[k]; p.group == i {
			p.index = int(places[p.index])
		}
	}
}

// nothing is an input that no rule asks for any more.
func nothing(*expr.Frame) (cep.Word, bool) { return 0, false }

// fits says that a group of a rule is about the pool's events and key.
func (q *pool) fits(r *rule, g *aggGroup) bool {
	first := q.rules[0]
	a, b := first.ir, r.ir
	return !q.old && q.space == r.space && first.shadow == r.shadow && slices.Equal(q.key, g.key) && (q.keyer == nil) == (g.keyer == nil) &&
		slices.EqualFunc(a.Routes, b.Routes, sameRoute) && a.When.Route == b.When.Route &&
		sameCond(fromOf(a, q.schema), fromOf(b, q.schema)) && sameCond(a.When.Where, b.When.Where)
}

func sameRoute(a, b dsl.Route) bool { return a.Schema == b.Schema && slices.Equal(a.Fields, b.Fields) }

func sameCond(a, b *dsl.Expr) bool {
	if a == nil || b == nil {
		return a == b
	}
	return window.SameExpr(a, b)
}

// fromOf is what a rule's "from" asks of a type, nil if it asks nothing.
func fromOf(ir *dsl.RuleIR, s *cep.Schema) *dsl.Expr {
	for i := range ir.From {
		if ir.From[i].Schema == s {
			return ir.From[i].Where
		}
	}
	return nil
}

// missing is how many of the expressions the pool does not have.
func (q *pool) missing(exprs []*dsl.Expr) (n int) {
	for _, e := range exprs {
		if q.find(e) < 0 {
			n++
		}
	}
	return n
}

func (q *pool) find(e *dsl.Expr) int {
	return slices.IndexFunc(q.exprs, func(x *dsl.Expr) bool { return window.SameExpr(x, e) })
}

// input finds or makes an input.
func (q *pool) input(e *dsl.Expr, in input) int {
	i := q.find(e)
	if i < 0 {
		i = len(q.exprs)
		q.exprs, q.inputs = append(q.exprs, e), append(q.inputs, in)
	}
	return i
}

// poolState is a shard's state of a pool.
type poolState struct {
	p *pool
	groupState
	mem     *slab.Arena
	visit   uint64 // the last one that entered
	noKey   bool   // its event lacks a part of the key
	counted int    // keys with state, when they were last counted
}

// newPoolState makes the state of a pool, which goes on with an older one if
// there is one.
func newPoolState(sh *shard, p *plan, q *pool, old *poolState) (*poolState, error) {
	ps := &poolState{p: q}
	if old != nil {
		ps.mem = old.mem
	} else {
		ps.mem = slab.NewArena()
	}
	set, err := window.New(q.specs, p.prog.Zone, ps.mem, sh.syms)
	if err != nil {
		return nil, err
	}
	ps.set, ps.args = set, make([]window.Arg, len(q.inputs))
	switch {
	case old != nil:
		ps.keys, ps.pace, ps.visit, set.Capped = old.keys, old.pace, old.visit, old.set.Capped
	case q.keyer != nil:
		ps.keys = slab.NewKeys()
	}
	return ps, nil
}

// enterPool adds the event of the visit in progress to a pool's windows, for
// the first of the rules that look at it. It stays current until the row is
// done.
func (st *stage) enterPool(ps *poolState, space *space, hash uint64) {
	sh, q := st.sh, ps.p
	if ps.visit == sh.visit {
		return
	}
	ps.visit = sh.visit
	evaluate(&sh.frame, q.inputs, ps.args)
	if q.keyer != nil {
		ps.cur, ps.noKey = ps.enter(sh, q.keyer)
	} else {
		var h slab.Handle
		if sh.key != 0 {
			h = slab.Handle(space.get(sh.key, entryOwnerOf(q.sid, ofState)))
		}
		if ps.cur = ps.set.Add(h, sh.frame.At, ps.args); ps.cur != h {
			if sh.key == 0 {
				sh.key = space.add(hash, sh.bytes)
			}
			space.put(sh.key, entryOwnerOf(q.sid, ofState), uint32(ps.cur))
		}
	}
	giveBack(sh.syms, q.inputs, ps.args)
	st.current = append(st.current, ps.set)
}

// bytes is the memory of the pool that a rule of it answers for.
func (ps *poolState) bytes(r *rule) int64 {
	b := ps.mem.Bytes()
	if ps.keys != nil {
		b += ps.keys.Bytes()
	}
	n := int64(len(ps.p.rules))
	if r == ps.p.rules[0] {
		return b - b/n*(n-1)
	}
	return b / n
}
