package engine

import (
	"maps"
	"slices"

	"github.com/weir-cep/weir/cep"
)

// encodeMeta writes everything that is not in pages, and says what waits.
func (e *Engine) encodeMeta() (meta []byte, oldest map[uint64]uint64) {
	w := &metaWriter{}
	w.number(metaVersion)
	w.text(Layout())
	w.number(uint64(e.plan.shards))
	w.flag(e.ended)
	w.b = e.plan.ids.encode(w.b)
	e.encodeGroups(w)
	e.encodeInputs(w)
	w.number(uint64(len(e.steps.derived.next)))
	w.number(e.steps.derived.next...)
	e.encodeStats(w)
	e.noteWaiting()
	oldest = e.encodeWaiting(w)
	return w.b, oldest
}

func (e *Engine) encodeGroups(w *metaWriter) {
	w.number(uint64(len(e.groups)))
	for _, g := range e.groups {
		w.text(e.plan.groupName(g.index))
		w.signed(g.w, g.last)
		w.number(g.early, uint64(g.order.waiting))
	}
}

// encodeInputs writes sources, partitions and how far their ids are known.
func (e *Engine) encodeInputs(w *metaWriter) {
	w.number(uint64(len(e.sources)))
	for _, source := range slices.Sorted(maps.Keys(e.sources)) {
		s := e.sources[source]
		w.number(uint64(source), uint64(s.group.index))
		w.signed(s.floor)
	}
	w.number(uint64(len(e.parts)))
	for _, p := range e.parts {
		w.number(uint64(p.source), uint64(p.id))
		w.text(p.name)
		w.signed(p.max, p.floor, p.late, p.ahead)
		w.flag(p.idle)
		w.flag(p.ended)
		w.number(p.rows, p.lateRows)
	}
	w.number(uint64(len(e.dedupes)))
	for _, source := range slices.Sorted(maps.Keys(e.dedupes)) {
		d := e.dedupes[source]
		w.number(uint64(source))
		w.signed(d.limit, d.greatest, d.floor)
	}
}

func (e *Engine) encodeStats(w *metaWriter) {
	s := &e.stats
	w.number(s.Events, s.Duplicates, s.Late, s.Ahead, s.Early, s.Alerts, uint64(s.Waiting), uint64(len(s.Lags)))
	for i := range s.Lags {
		l := &s.Lags[i]
		w.text(l.Type.Name)
		w.number(l.Late)
		w.signed(l.Longest)
		w.number(l.Counts[:]...)
	}
	w.number(uint64(len(e.tallies)))
	for i := range e.tallies {
		w.text(e.plan.rules[i].ir.Name)
		w.number(e.tallies[i].EvalErrors, e.tallies[i].KeyMissing)
	}
	for _, sh := range e.steps.shards {
		sh.encodeCounts(w)
	}
}

// encodeCounts writes what the shard has counted, by sid.
func (sh *shard) encodeCounts(w *metaWriter) {
	n := 0
	for _, st := range sh.stages {
		n += len(st.features) + len(st.pools) + len(st.rules)
	}
	w.number(uint64(n))
	for _, st := range sh.stages {
		for i := range st.features {
			w.number(uint64(st.features[i].f.sid), 1, st.features[i].set.Capped)
		}
		for _, ps := range st.pools {
			w.number(uint64(ps.p.sid), 1, ps.set.Capped)
		}
		for i := range st.rules {
			rs := &st.rules[i]
			c := rs.total()
			w.number(uint64(rs.r.sid), uint64(ruleCounts+len(rs.groups)))
			w.number(c.Matches, c.Alerts, c.Suppressed, c.KeyMissing, c.EvalErrors, c.Capped, c.Budget, uint64(c.Nanos))
			for j := range rs.groups {
				n := uint64(0)
				if rs.groups[j].pool == nil {
					n = rs.groups[j].set.Capped
				}
				w.number(n)
			}
		}
	}
}

// ruleCounts is how many numbers of a rule precede those of its groups.
const ruleCounts = 8

// total is what the rule has counted, its machine's counts among it.
func (rs *ruleState) total() RuleStats {
	c := rs.counts
	if rs.machine != nil {
		m := rs.machine.Counters()
		c.Capped += m.Capped
		c.EvalErrors += m.EvalErrors
		c.Budget += m.Budget
	}
	return c
}

// noteWaiting notes by batch which of its rows wait for the watermark. Every
// row is noted once: what a batch has noted stays right, because rows leave
// their order by time alone and the watermark is known. Only a new plan may
// drop rows for other reasons, so then everything is noted anew.
func (e *Engine) noteWaiting() {
	if e.snap.plan != e.plan {
		e.snap.plan = e.plan
		for i := range e.held.list {
			e.held.list[i].kept = nil
		}
		for _, g := range e.groups {
			for i := range g.order.runs {
				g.order.runs[i].noted = false
			}
		}
	}
	rows := map[uint32][]uint64{} // by batch: a bit for each row that waits
	for _, g := range e.groups {
		g.order.seal()
		for i := range g.order.runs {
			r := &g.order.runs[i]
			if r.noted {
				continue
			}
			r.noted = true
			r.mark(&e.held, rows)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		h := &e.held.list[id]
		h.kept = appendKept(h.kept, h.batch.batch.Rows, rows[id])
	}
}

// mark sets the bits of a run's rows.
func (r *run) mark(o *holdings, rows map[uint32][]uint64) {
	var bits []uint64
	last := noBatch
	for i := r.next; i < len(r.items); i++ {
		it := &r.items[i]
		if it.batch != last {
			last = it.batch
			if bits = rows[last]; bits == nil {
				bits = make([]uint64, (len(o.list[last].batch.batch.Rows)+63)/64)
				rows[last] = bits
			}
		}
		bits[it.row/64] |= 1 << (it.row % 64)
	}
}

const noBatch = ^uint32(0)

// appendKept appends the positions of the marked rows: stretches of one behind
// the other, each as the distance from the end of the one before and its
// length.
func appendKept(dst []byte, rows []cep.Row, bits []uint64) []byte {
	w := metaWriter{idsWriter{dst}}
	end, from := uint64(0), uint64(0) // of the stretch before, of this one
	open := false
	next := uint64(0)
	flush := func() {
		if open {
			w.signed(int64(from - end))
			w.number(next - from)
			end = next
		}
	}
	for i := range rows {
		if bits[i/64]>>(i%64)&1 == 0 {
			continue
		}
		if at := rows[i].Ref.Position(); !open || at != next {
			flush()
			open, from = true, at
		}
		next = rows[i].Ref.Position() + 1
	}
	flush()
	return append(w.b, 0, 0) // a stretch of no length ends them
}

// encodeWaiting writes the rows that wait: where those of the input stand, and
// those that alerts were made into as they are. It returns the oldest position
// by input.
func (e *Engine) encodeWaiting(w *metaWriter) map[uint64]uint64 {
	oldest := map[uint64]uint64{}
	inputs, derived := 0, 0
	for i := range e.held.list {
		switch h := &e.held.list[i]; {
		case len(h.kept) == 0:
		case h.part != nil:
			inputs++
		default:
			derived++
		}
	}
	w.number(uint64(inputs))
	for i := range e.held.list {
		if h := &e.held.list[i]; len(h.kept) > 0 && h.part != nil {
			key := inputKey(h.part.source, h.part.id)
			w.number(key)
			w.bytes(h.kept)
			first := h.batch.batch.Rows[0].Ref.Position()
			if old, ok := oldest[key]; !ok || first < old {
				oldest[key] = first
			}
		}
	}
	w.number(uint64(derived))
	for i := range e.held.list {
		if h := &e.held.list[i]; len(h.kept) > 0 && h.part == nil {
			w.bytes(h.kept)
			w.prepared(h.batch)
		}
	}
	return oldest
}
