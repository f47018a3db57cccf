package engine

import (
	"errors"
	"fmt"
	"slices"
)

var errLayout = errors.New("its state is laid out for another form of the rule")

// identify gives a rule its sid: the one that the table has for a rule of that
// name, which must be laid out the same, or a new one.
func (t *ids) identify(p *plan, r *rule) (err error) {
	layout := hashText(r.stateText(p.prog.Zone))
	rec := t.rules[r.ir.Name]
	switch {
	case rec == nil:
		rec = &ruleID{generation: t.generation, layout: layout}
		if rec.sid, err = t.take(); err != nil {
			return err
		}
	case rec.layout != layout:
		return errLayout
	}
	now := *rec // tables share their records
	now.version = r.ir.Version
	t.rules[r.ir.Name] = &now
	r.sid, r.generation, r.lineage = now.sid, now.generation, t.lineage(r.ir.Name)
	return nil
}

// identify gives the world's features, key spaces and pools their sids, and
// notes how they are laid out.
func (w *world) identify(p *plan) (err error) {
	t := p.ids
	for _, f := range w.features {
		id := w.name + " " + f.identity(p.prog.Zone)
		if f.sid = t.features[id]; f.sid != 0 {
			continue
		}
		if f.sid, err = t.take(); err != nil {
			return err
		}
		t.features[id] = f.sid
	}
	for i := range w.spaces {
		sp := &w.spaces[i]
		id := w.name + " " + sp.id
		rec := t.spaces[id]
		if rec == nil {
			rec = &spaceID{room: roomFor(sp.entries)}
			if rec.sid, err = t.take(); err != nil {
				return err
			}
			t.spaces[id] = rec
		}
		sp.sid, sp.room = rec.sid, rec.room
	}
	for _, q := range w.pools {
		if q.sid == 0 {
			if q.sid, err = t.take(); err != nil {
				return err
			}
		}
		rec := &poolID{sid: q.sid, world: w.name, specs: q.specs}
		for _, in := range q.inputs {
			rec.symbols = append(rec.symbols, in.symbol)
		}
		t.keepPool(rec)
	}
	for _, r := range w.rules {
		t.keepGroups(r)
	}
	return nil
}

func (t *ids) keepPool(rec *poolID) {
	i, ok := t.findPool(rec.sid)
	if ok {
		t.pools[i] = rec
		return
	}
	t.pools = slices.Insert(t.pools, i, rec)
}

func (t *ids) findPool(sid uint32) (int, bool) {
	return slices.BinarySearchFunc(t.pools, sid, func(p *poolID, sid uint32) int { return int(p.sid) - int(sid) })
}

// keepGroups notes in which pools a rule has its windows.
func (t *ids) keepGroups(r *rule) {
	if r.on == nil {
		return
	}
	now := *t.rules[r.ir.Name]
	now.groups = nil
	for i := range r.on.groups {
		g := &r.on.groups[i]
		if g.pool == nil {
			continue
		}
		for len(now.groups) <= i {
			now.groups = append(now.groups, groupID{})
		}
		now.groups[i] = groupID{g.pool.sid, g.places}
	}
	t.rules[r.ir.Name] = &now
}

// recorded is what the table says of group i of a rule.
func (t *ids) recorded(r *rule, i int) groupID {
	if list := t.rules[r.ir.Name].groups; i < len(list) {
		return list[i]
	}
	return groupID{}
}

// rejoin puts group i of a rule into the pool that has kept its windows so
// far. The first rule of the pool brings it into the world; inputs that only
// rules had asked for that are gone stay missing.
func (w *world) rejoin(t *ids, r *rule, g *aggGroup, i int) error {
	rec := t.recorded(r, i)
	n := slices.IndexFunc(w.pools, func(q *pool) bool { return q.sid == rec.pool })
	if n < 0 {
		at, ok := t.findPool(rec.pool)
		if !ok || t.pools[at].world != w.name {
			return fmt.Errorf("rule %s: the windows that it shares are not there", r.ir.Name)
		}
		n = len(w.pools)
		w.pools = append(w.pools, w.oldPool(t.pools[at], r, g))
	}
	q := w.pools[n]
	q.add(r)
	if len(rec.places) != len(g.specs) {
		return fmt.Errorf("rule %s: %w", r.ir.Name, errLayout)
	}
	for k, sp := range g.specs {
		at := int(rec.places[k])
		if at >= len(q.specs) {
			return fmt.Errorf("rule %s: %w", r.ir.Name, errLayout)
		}
		in := q.specs[at].Input
		if in >= 0 && sp.Input >= 0 {
			q.inputs[in] = g.inputs[sp.Input]
			sp.Input = in
		}
		if sp != q.specs[at] {
			return fmt.Errorf("rule %s: %w", r.ir.Name, errLayout)
		}
	}
	g.join(r, q, rec.places, i)
	return nil
}

func (w *world) oldPool(rec *poolID, r *rule, g *aggGroup) *pool {
	q := newPool(r, g)
	q.sid, q.specs = rec.sid, slices.Clone(rec.specs)
	for _, symbol := range rec.symbols {
		q.inputs = append(q.inputs, input{word: nothing, symbol: symbol})
	}
	return q
}
