package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var errLayout = errors.New("its state is laid out for another form of it, or by another build")

// identify gives a rule its sid: the one that the table before has for a rule
// of that name, which must be laid out the same, or a new one.
func (t *ids) identify(was *ids, r *rule) (err error) {
	rec := &ruleID{version: r.ir.Version, layout: r.layout}
	switch old := was.rules[r.ir.Name]; {
	case old == nil:
		if rec.sid, err = t.take(); err != nil {
			return err
		}
	case old.layout != r.layout:
		return errLayout
	default:
		rec.sid = old.sid
	}
	t.rules[r.ir.Name] = rec
	r.sid, r.lineage = rec.sid, t.lineage(r.ir.Name)
	return nil
}

// recorded is what the table says of group i of a rule.
func (t *ids) recorded(r *rule, i int) groupID {
	if rec := t.rules[r.ir.Name]; rec != nil && i < len(rec.groups) {
		return rec.groups[i]
	}
	return groupID{}
}

// identify gives the features, key spaces and pools of all worlds their sids,
// and notes how they are laid out.
func (p *plan) identify(was *ids) error {
	t := p.ids
	for _, w := range p.worlds {
		for i := range w.spaces {
			sp := &w.spaces[i]
			rec := was.spaces[spaceID{w.was, sp.id}]
			if rec == nil {
				sid, err := t.take()
				if err != nil {
					return err
				}
				rec = &spaceRecord{sid, roomFor(sp.entries)}
			}
			t.spaces[spaceID{w.name, sp.id}] = rec
			sp.sid, sp.room = rec.sid, rec.room
		}
		for _, q := range w.pools {
			if err := t.keepPool(q); err != nil {
				return err
			}
		}
		for _, r := range w.rules {
			t.keepGroups(r)
		}
	}
	return p.identifyFeatures(was)
}

// identifyFeatures gives the features of all worlds their sids. One that its
// world has not had goes on with what another world of its order has of it: the
// state itself if that needs it no more, else copies.
func (p *plan) identifyFeatures(was *ids) error {
	t := p.ids
	claimed := map[uint32]bool{}
	for _, w := range p.worlds {
		for _, f := range w.features {
			f.sid = was.features[f.id(w.was)]
			claimed[f.sid] = true
		}
	}
	for _, w := range p.worlds {
		for _, f := range w.features {
			if f.sid == 0 {
				if from, same := was.likest(f.id(w.name), claimed); same && !claimed[from] {
					f.sid, claimed[from] = from, true
				} else {
					f.from = from
				}
			}
			if f.sid == 0 {
				sid, err := t.take()
				if err != nil {
					return err
				}
				f.sid = sid
			}
			t.features[f.id(w.name)] = f.sid
		}
	}
	return nil
}

// allKnown says that the table had every feature of the plan, laid out as it is
// now.
func (p *plan) allKnown(was *ids) error {
	for _, w := range p.worlds {
		for _, f := range w.features {
			if was.features[f.id(w.name)] == 0 {
				return fmt.Errorf("feature %s: %w", f.ir.Name, errLayout)
			}
		}
	}
	return nil
}

// id names the feature in a world.
func (f *feature) id(world string) featureID {
	return featureID{world, f.ir.Name, f.layout, f.everywhere, f.shadow}
}

// likest is the feature of the table that has the most in common with one that
// is not in it: whose state is for the same definition, in a world of the same
// order. Between two steps all levels of an order have seen the same rows, so
// that a feature is the same in all of them. same says that the state is
// spread over the shards the same way; sid 0: there is none.
func (t *ids) likest(id featureID, claimed map[uint32]bool) (sid uint32, same bool) {
	var best featureID
	for c, s := range t.features {
		if c.name != id.name || c.layout != id.layout || c.world[0] != id.world[0] {
			continue
		}
		better := cmp.Or(
			cmp.Compare(bit(c.shadow == id.shadow), bit(best.shadow == id.shadow)),
			cmp.Compare(bit(c.everywhere == id.everywhere), bit(best.everywhere == id.everywhere)),
			cmp.Compare(bit(!claimed[s]), bit(!claimed[sid])),
			strings.Compare(best.world, c.world))
		if sid == 0 || better > 0 {
			sid, best = s, c
		}
	}
	return sid, sid != 0 && best.everywhere == id.everywhere
}

// keepPool gives a pool its sid and notes how it is laid out.
func (t *ids) keepPool(q *pool) (err error) {
	if q.sid == 0 {
		if q.sid, err = t.take(); err != nil {
			return err
		}
	}
	rec := &poolRecord{specs: q.specs}
	for _, in := range q.inputs {
		rec.symbols = append(rec.symbols, in.symbol)
	}
	t.pools[q.sid] = rec
	return nil
}

// keepGroups notes in which pools a rule has its windows.
func (t *ids) keepGroups(r *rule) {
	if r.on == nil {
		return
	}
	rec := t.rules[r.ir.Name]
	for i := range r.on.groups {
		g := &r.on.groups[i]
		if g.pool == nil {
			continue
		}
		for len(rec.groups) <= i {
			rec.groups = append(rec.groups, groupID{})
		}
		rec.groups[i] = groupID{g.pool.sid, g.places}
	}
}

// rejoin puts group i of a rule into the pool that has kept its windows so far.
// The first rule of the pool brings it into the world; inputs that only rules
// had asked for that are gone stay missing. A rule that has left the world of
// the others, or sees other events by now, takes a copy of the pool along.
func (w *world) rejoin(p *plan, was *ids, r *rule, g *aggGroup, i int) error {
	rec := was.recorded(r, i)
	n := slices.IndexFunc(w.pools, func(q *pool) bool { return q.continues(rec.pool) && q.alike(r) })
	if n < 0 {
		old := was.pools[rec.pool]
		if old == nil {
			return fmt.Errorf("rule %s: the windows that it shares are not there", r.ir.Name)
		}
		n = len(w.pools)
		w.pools = append(w.pools, oldPool(old, r, g))
		if p.hasPool(rec.pool) {
			w.pools[n].from = rec.pool
		} else {
			w.pools[n].sid = rec.pool
		}
	}
	q := w.pools[n]
	if err := q.adopt(g, rec.places); err != nil {
		return fmt.Errorf("rule %s: %w", r.ir.Name, err)
	}
	q.add(r)
	g.join(r, q, rec.places, i)
	return nil
}

// continues says that the pool goes on with the states of a sid.
func (q *pool) continues(sid uint32) bool { return q.old && (q.sid == sid || q.from == sid) }

// alike says that a rule whose windows are the pool's sees the same alerts of
// shadow rules as the pool's others.
func (q *pool) alike(r *rule) bool { return !q.schema.Derived || q.rules[0].shadow == r.shadow }

func (p *plan) hasPool(sid uint32) bool {
	return slices.ContainsFunc(p.worlds, func(w *world) bool {
		return slices.ContainsFunc(w.pools, func(q *pool) bool { return q.old && q.sid == sid })
	})
}

// oldPool makes the pool that a record tells of.
func oldPool(rec *poolRecord, r *rule, g *aggGroup) *pool {
	q := newPool(r, g)
	q.old, q.specs = true, slices.Clone(rec.specs)
	for _, symbol := range rec.symbols {
		q.inputs = append(q.inputs, input{word: nothing, symbol: symbol})
	}
	return q
}

// adopt gives the pool the inputs of a group whose windows it keeps.
func (q *pool) adopt(g *aggGroup, places []uint32) error {
	if len(places) != len(g.specs) {
		return errLayout
	}
	for k, sp := range g.specs {
		at := int(places[k])
		if at >= len(q.specs) {
			return errLayout
		}
		if in := q.specs[at].Input; in >= 0 && in < len(q.inputs) && sp.Input >= 0 {
			q.inputs[in], sp.Input = g.inputs[sp.Input], in
		}
		if sp != q.specs[at] {
			return errLayout
		}
	}
	return nil
}
