package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// ErrOtherRules says that a snapshot was taken of other rules than those it is
// to be restored for.
var ErrOtherRules = errors.New("the snapshot is of other rules")

// Restore makes the engine anew of which a snapshot was taken. prog must hold
// the rules that it had, and cfg its inputs and whatever else decides how they
// run; the number of shards is the snapshot's. pages calls its argument for every page that was saved, by unit
// and number, as Store.Pages does.
//
// Rows that waited for their watermark are not in a snapshot. Before anything
// is fed, the batches that had come behind the oldest of them (Snapshot.Oldest)
// are handed to rewind, each partition's in its order.
//
// Damage is a *checkpoint.CorruptError, a snapshot of a newer build a
// *checkpoint.VersionError; other rules are ErrOtherRules.
func Restore(prog *dsl.Program, cfg Config, meta []byte, pages func(func(unit uint64, page uint32, data []byte) error) error) (*Engine, error) {
	m, err := decodeMeta(meta)
	if err != nil {
		return nil, err
	}
	if err := m.describes(prog); err != nil {
		return nil, err
	}
	if err := m.readDerived(prog); err != nil {
		return nil, err
	}
	cfg.Shards, cfg.ids = m.shards, m.ids
	e, err := New(prog, cfg)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if err = e.loadPages(m, pages); err == nil {
		err = e.apply(m)
	}
	if err != nil {
		e.Close()
		return nil, fmt.Errorf("restore: %w", err)
	}
	return e, nil
}

// describes says whether the snapshot is of the program's rules. Their versions
// are not compared: another build may write a rule in another way. How their
// states are laid out is what counts, and New compares that.
func (m *savedMeta) describes(prog *dsl.Program) error {
	n := 0
	for _, ir := range prog.Rules {
		if ir.Status == dsl.Off {
			continue
		}
		n++
		if m.ids.rules[ir.Name] == nil {
			return fmt.Errorf("%w: it knows no rule %s", ErrOtherRules, ir.Name)
		}
	}
	if n == len(m.ids.rules) {
		return nil
	}
	for name := range m.ids.rules {
		if !slices.ContainsFunc(prog.Rules, func(ir *dsl.RuleIR) bool { return ir.Name == name && ir.Status != dsl.Off }) {
			return fmt.Errorf("%w: it knows a rule %s", ErrOtherRules, name)
		}
	}
	return nil
}

// loadPages fills the arenas and makes anew what is not saved of them: indexes
// and timers. A shard is finished while the pages of the next are read.
func (e *Engine) loadPages(m *savedMeta, pages func(func(unit uint64, page uint32, data []byte) error) error) error {
	l := &loading{e: e, ids: m.dedupes, errs: make([]error, len(e.steps.shards))}
	for source, saved := range m.dedupes {
		d := newDedupe(saved.limit)
		d.greatest, d.floor, d.log = saved.greatest, saved.floor, newIDLog()
		e.dedupes[source] = d
	}
	err := pages(l.page)
	if err == nil {
		l.finish(len(e.steps.shards))
	}
	l.wait.Wait()
	if err = errors.Join(append([]error{err}, l.errs...)...); err != nil {
		return err
	}
	e.snap.units, e.snap.ids = map[uint64]*slab.Arena{}, map[uint32]*dedupe{}
	for _, sh := range e.steps.shards {
		sh.units(func(u unit) { e.snap.units[u.id] = u.mem })
	}
	for source, d := range e.dedupes {
		if d.log != nil {
			e.snap.ids[source] = d
		}
	}
	return nil
}

// loading is a restore on its way.
type loading struct {
	e     *Engine
	ids   map[uint32]savedDedupe
	shard int // whose pages are coming; those before are complete
	units map[uint64]unit
	wait  sync.WaitGroup
	errs  []error // by shard
}

// page takes one page in.
func (l *loading) page(id uint64, n uint32, data []byte) error {
	if id >= unitIDs {
		source := uint32(id >> unitSIDShift)
		if _, ok := l.ids[source]; !ok || id != idsUnit(source) {
			return damaged("a page of unit %x, which nothing has", id)
		}
		if err := l.e.dedupes[source].load(n, data); err != nil {
			return damaged("%s: %v", UnitName(id), err)
		}
		return nil
	}
	shard := int(id >> unitShardShift)
	if shard >= len(l.e.steps.shards) || shard < l.shard {
		return damaged("a page of unit %x, which comes in the wrong place", id)
	}
	if l.finish(shard); l.units == nil {
		l.units = map[uint64]unit{}
		l.e.steps.shards[shard].units(func(u unit) { l.units[u.id] = u })
	}
	u, ok := l.units[id]
	if !ok {
		return damaged("a page of unit %x, which nothing has", id)
	}
	if err := u.mem.Load(n, data); err != nil {
		return damaged("%s: %v", u.of, err)
	}
	return nil
}

// finish completes the shards before one.
func (l *loading) finish(until int) {
	for ; l.shard < until; l.shard++ {
		sh, err := l.e.steps.shards[l.shard], &l.errs[l.shard]
		l.wait.Go(func() { *err = sh.complete() })
		l.units = nil
	}
}

// complete makes the indexes and timers of a shard whose pages are there.
func (sh *shard) complete() (err error) {
	sh.units(func(u unit) {
		u.mem.Loaded()
		if u.keys == nil || err != nil {
			return
		}
		if e := u.keys.Reindex(); e != nil {
			err = damaged("%s: %v", u.of, e)
		}
	})
	for _, st := range sh.stages {
		if err == nil {
			err = st.setTimers()
		}
	}
	return err
}

// setTimers sets the timers of all states that have a deadline. They keep
// their numbers, which stand among the keys' entries, so that no page changes.
func (st *stage) setTimers() (err error) {
	for i, sp := range st.spaces {
		if !slices.ContainsFunc(st.rules, func(rs ruleState) bool { return rs.r.space == i && rs.r.ir.Deadline }) {
			continue
		}
		sp.keys.Sweep(0, sp.keys.Len(), func(key uint32) {
			sp.each(key, func(owner, id uint32) {
				if owner&(1<<kindBits-1) != ofTimer {
					return
				}
				rs := st.ruleOf(owner >> kindBits)
				if rs == nil {
					err = damaged("a deadline of nothing among the keys (%s)", st.w.spaces[i].id)
					return
				}
				state := slab.Handle(sp.get(key, entryOwnerOf(rs.r.sid, ofState)))
				at, ok := st.deadline(rs, state)
				if !ok || !st.timers.load(id, at, rs.r.sid, key) {
					err = damaged("rule %s: a deadline that no state has", rs.r.ir.Name)
				}
			})
		})
	}
	st.timers.loaded()
	return err
}

// apply takes over what Meta says.
func (e *Engine) apply(m *savedMeta) error {
	if len(m.groups) != len(e.groups) {
		return damaged("%d watermark groups, and the rules make %d", len(m.groups), len(e.groups))
	}
	for i, s := range m.groups {
		if s.name != e.plan.groupName(i) {
			return damaged("watermark group %q, and the rules make %q", s.name, e.plan.groupName(i))
		}
		g := e.groups[i]
		g.w, g.last, g.early = s.w, s.last, s.early
	}
	for id, s := range m.sources {
		if s.group >= len(e.groups) {
			return damaged("source %d is of group %d", id, s.group)
		}
		e.sources[id] = &sourceState{group: e.groups[s.group], floor: s.floor}
	}
	e.applyPartitions(m)
	// Rules that are gone may have had more levels, and their numbers count on.
	if len(m.next) < len(e.steps.derived.next) {
		return damaged("%d levels, and the rules have %d", len(m.next), len(e.steps.derived.next))
	}
	e.steps.derived.next = m.next
	e.ended = m.ended
	e.applyStats(m)
	e.hideReleased(e.plan)
	return e.awaitRows(m)
}

// applyPartitions gives partitions their place and past. New has made those of
// the configuration; of others only what is saved is known.
func (e *Engine) applyPartitions(m *savedMeta) {
	old := e.parts
	e.parts, e.inputs = nil, map[uint64]*partition{}
	for _, g := range e.groups {
		g.parts = nil
	}
	place := func(p *partition) {
		p.group = e.sources[p.source].group
		p.group.parts = append(p.group.parts, p)
		e.parts = append(e.parts, p)
		e.inputs[inputKey(p.source, p.id)] = p
	}
	for i := range m.parts {
		s := &m.parts[i]
		p := &partition{source: s.source, id: s.id, name: s.name, late: s.late, ahead: s.ahead}
		if j := slices.IndexFunc(old, func(p *partition) bool { return p.source == s.source && p.id == s.id }); j >= 0 {
			p, old = old[j], slices.Delete(slices.Clone(old), j, j+1)
		}
		p.max, p.floor, p.idle, p.ended, p.rows, p.lateRows = s.max, s.floor, s.idle, s.ended, s.rows, s.lateRows
		place(p)
	}
	for _, p := range old { // not known when the snapshot was taken
		place(p)
		p.floor = max(p.group.w, e.sources[p.source].floor)
	}
}

func (e *Engine) applyStats(m *savedMeta) {
	s := m.stats
	for i, name := range m.lagTypes {
		if n, ok := e.plan.number[schemaNamed(e.plan.prog, name)]; ok {
			*e.stats.lag(e.plan, n) = m.lags[i]
		}
	}
	s.Lags = e.stats.Lags
	e.stats = s
	for i, r := range e.plan.rules {
		e.tallies[i] = m.tallies[r.ir.Name]
	}
	for i, sh := range e.steps.shards {
		sh.applyCounts(m.counts[i])
	}
}

// applyCounts takes over what the shard had counted.
func (sh *shard) applyCounts(counts map[uint32][]uint64) {
	for _, st := range sh.stages {
		for i := range st.features {
			if c := counts[st.features[i].f.sid]; len(c) == 1 {
				st.features[i].set.Capped = c[0]
			}
		}
		for _, ps := range st.pools {
			if c := counts[ps.p.sid]; len(c) == 1 {
				ps.set.Capped = c[0]
			}
		}
		for i := range st.rules {
			rs := &st.rules[i]
			c := counts[rs.r.sid]
			if len(c) != ruleCounts+len(rs.groups) {
				continue
			}
			rs.counts = RuleStats{Matches: c[0], Alerts: c[1], Suppressed: c[2], KeyMissing: c[3], EvalErrors: c[4], Capped: c[5], Budget: c[6], Nanos: int64(c[7])}
			for j := range rs.groups {
				if rs.groups[j].pool == nil {
					rs.groups[j].set.Capped = c[ruleCounts+j]
				}
			}
		}
	}
}

// awaitRows notes which rows are to come back, and brings back those that
// alerts were made into.
func (e *Engine) awaitRows(m *savedMeta) error {
	back := &rewinding{rows: m.waiting}
	for _, g := range m.groups {
		back.want = append(back.want, g.waiting)
	}
	e.back = back
	for i := range m.derived {
		if err := e.bringBack(&m.derived[i]); err != nil {
			return err
		}
	}
	return nil
}

// bringBack takes in a saved batch of alerts as events.
func (e *Engine) bringBack(s *savedBatch) error {
	p := s.p
	e.prep.fill(p)
	id := e.held.hold(p, nil)
	for i := range p.batch.Rows {
		r := &p.batch.Rows[i]
		if !s.kept.has(r.Ref.Position()) {
			continue
		}
		n := e.plan.types[p.number[r.Table]]
		if n < 0 {
			return damaged("a waiting event of type %s, which no rule reads", p.batch.Tables[r.Table].Schema.Name)
		}
		if g := e.groups[n]; r.At >= g.w {
			g.order.add(item{at: r.At, ref: r.Ref, batch: id, row: uint32(i)})
		}
	}
	e.held.settle(id)
	return nil
}
