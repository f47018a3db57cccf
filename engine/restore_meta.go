package engine

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/checkpoint"
)

// savedMeta is a snapshot's Meta, read.
type savedMeta struct {
	shards   int
	ended    bool
	ids      *ids
	groups   []savedGroup
	sources  map[uint32]savedSource
	parts    []savedPartition
	dedupes  map[uint32]savedDedupe
	next     []uint64
	stats    Stats
	lagTypes []string
	lags     []Lag
	tallies  map[string]RuleStats
	counts   []map[uint32][]uint64 // by shard, by sid
	waiting  map[uint64]stretches  // by input
	rest     metaReader            // waiting batches of alerts, which take the program to read
	derived  []savedBatch
}

type savedGroup struct {
	name    string
	w, last int64
	early   uint64
	waiting int
}

type savedSource struct {
	group int
	floor int64
}

type savedPartition struct {
	source, id              uint32
	name                    string
	max, floor, late, ahead int64
	idle, ended             bool
	rows, lateRows          uint64
}

type savedDedupe struct{ limit, greatest, floor int64 }

type savedBatch struct {
	p    *prepared
	kept stretches
}

// stretches are positions, ascending and apart.
type stretches []stretch

type stretch struct{ from, to uint64 }

func (s stretches) has(position uint64) bool {
	_, ok := slices.BinarySearchFunc(s, position, func(x stretch, p uint64) int {
		switch {
		case x.to <= p:
			return -1
		case x.from > p:
			return 1
		}
		return 0
	})
	return ok
}

// normal sorts stretches and joins those that touch.
func (s stretches) normal() stretches {
	slices.SortFunc(s, func(a, b stretch) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	out := s[:0]
	for _, x := range s {
		if n := len(out); n > 0 && x.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, x.to)
			continue
		}
		out = append(out, x)
	}
	return out
}

// appendKept reads what appendKept of a snapshot wrote, perhaps several times.
func (s stretches) appendKept(kept []byte) (stretches, bool) {
	r := metaReader{idsReader{b: kept}}
	for len(r.b) > 0 && !r.bad {
		end := uint64(0)
		for !r.bad {
			from := end + uint64(r.signed())
			n := r.number()
			if n == 0 {
				break
			}
			end = from + n
			s = append(s, stretch{from, end})
		}
	}
	return s, !r.bad
}

// decodeMeta reads a Meta up to what takes the program.
func decodeMeta(meta []byte) (*savedMeta, error) {
	r := &metaReader{idsReader{b: meta}}
	if v := r.number(); v > metaVersion {
		return nil, &checkpoint.VersionError{File: "the engine's snapshot", Found: int(v), Known: metaVersion}
	}
	if layout := r.text(); !r.bad && layout != Layout() {
		return nil, fmt.Errorf("the state is laid out for another version of Weir (%s), this one reads %s: use the version that wrote it, or begin anew", layout, Layout())
	}
	m := &savedMeta{shards: int(r.number()), ended: r.flag()}
	if r.bad || m.shards < 1 || m.shards > MaxShards {
		return nil, damaged("the engine's snapshot cannot be read")
	}
	var err error
	if m.ids, r.b, err = decodeIDs(r.b); err != nil {
		return nil, damaged("%v", err)
	}
	m.readGroups(r)
	m.readInputs(r)
	m.next = make([]uint64, r.count(1))
	for i := range m.next {
		m.next[i] = r.number()
	}
	m.readStats(r)
	m.waiting = map[uint64]stretches{}
	for n := r.count(2); n > 0 && !r.bad; n-- {
		key := r.number()
		list, ok := m.waiting[key].appendKept(r.bytes())
		m.waiting[key], r.bad = list, r.bad || !ok
	}
	for key, list := range m.waiting {
		m.waiting[key] = list.normal()
	}
	if m.rest = *r; r.bad {
		return nil, damaged("the engine's snapshot cannot be read")
	}
	return m, nil
}

// readDerived reads the waiting batches of alerts.
func (m *savedMeta) readDerived(prog *dsl.Program) error {
	r := &m.rest
	for n := r.count(2); n > 0 && !r.bad; n-- {
		kept, ok := stretches(nil).appendKept(r.bytes())
		p := r.prepared(prog)
		if !ok || p == nil {
			return damaged("the events that wait in the engine's snapshot cannot be read")
		}
		m.derived = append(m.derived, savedBatch{p, kept.normal()})
	}
	if r.bad || len(r.b) > 0 {
		return damaged("the engine's snapshot cannot be read")
	}
	return nil
}

func (m *savedMeta) readGroups(r *metaReader) {
	for n := r.count(5); n > 0 && !r.bad; n-- {
		m.groups = append(m.groups, savedGroup{name: r.text(), w: r.signed(), last: r.signed(), early: r.number(), waiting: int(r.number())})
	}
}

func (m *savedMeta) readInputs(r *metaReader) {
	m.sources, m.dedupes = map[uint32]savedSource{}, map[uint32]savedDedupe{}
	for n := r.count(3); n > 0 && !r.bad; n-- {
		id := uint32(r.number())
		m.sources[id] = savedSource{group: int(r.number()), floor: r.signed()}
	}
	for n := r.count(11); n > 0 && !r.bad; n-- {
		p := savedPartition{source: uint32(r.number()), id: uint32(r.number()), name: r.text(), max: r.signed(), floor: r.signed(), late: r.signed(), ahead: r.signed(),
			idle: r.flag(), ended: r.flag(), rows: r.number(), lateRows: r.number()}
		if _, ok := m.sources[p.source]; !ok {
			r.bad = true
		}
		m.parts = append(m.parts, p)
	}
	for n := r.count(4); n > 0 && !r.bad; n-- {
		source := uint32(r.number())
		m.dedupes[source] = savedDedupe{limit: r.signed(), greatest: r.signed(), floor: r.signed()}
	}
}

func (m *savedMeta) readStats(r *metaReader) {
	s := &m.stats
	s.Events, s.Duplicates, s.Late, s.Ahead, s.Early, s.Alerts, s.Waiting = r.number(), r.number(), r.number(), r.number(), r.number(), r.number(), int(r.number())
	for n := r.count(66); n > 0 && !r.bad; n-- {
		m.lagTypes = append(m.lagTypes, r.text())
		l := Lag{Late: r.number(), Longest: r.signed()}
		for i := range l.Counts {
			l.Counts[i] = r.number()
		}
		m.lags = append(m.lags, l)
	}
	m.tallies = map[string]RuleStats{}
	for n := r.count(3); n > 0 && !r.bad; n-- {
		name := r.text()
		m.tallies[name] = RuleStats{EvalErrors: r.number(), KeyMissing: r.number()}
	}
	for range m.shards {
		counts := map[uint32][]uint64{}
		for n := r.count(2); n > 0 && !r.bad; n-- {
			sid := uint32(r.number())
			counts[sid] = make([]uint64, r.count(1))
			for i := range counts[sid] {
				counts[sid][i] = r.number()
			}
		}
		m.counts = append(m.counts, counts)
	}
}
