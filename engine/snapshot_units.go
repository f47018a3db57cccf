package engine

import (
	"fmt"

	"github.com/weir-cep/weir/internal/slab"
)

// All that matching remembers lies in arenas; a unit is one of them. Its number
// is shard<<48 | sid<<8 | part, where the sid says what it belongs to and the
// part which of its arenas it is. So a deployment that moves the arenas of what
// stays moves no saved page.
type unit struct {
	id   uint64
	mem  *slab.Arena
	keys reindexer // whose records lie in mem; nil: none
	of   string    // for errors
}

// reindexer makes an index anew that is not saved.
type reindexer interface{ Reindex() error }

const (
	unitShardShift = 48
	unitSIDShift   = 8
)

// Parts of a sid. Symbols are the only part of sid 0.
const (
	partState  = 0 // states of a rule, feature or pool; records of a key space
	partLists  = 1 // of a key space: longer lists of entries, clocks
	partKeys   = 1 // of a pool with a key of its own
	partSupp   = 1 // what a rule's suppression remembers
	partPer    = 2 // its keys, if they are not the rule's
	partGroups = 3 // and on: keys of a rule's window groups
)

// The parts of the state that lie outside of the arenas are saved as pages too.
// No shard has such numbers.
const (
	unitIDs = uint64(0xffff) << unitShardShift // | source: ids that dropping duplicates remembers
)

func unitID(shard int, sid uint32, part int) uint64 {
	return uint64(shard)<<unitShardShift | uint64(sid)<<unitSIDShift | uint64(part)
}

// units calls f for every arena of the shard, always in the same order.
func (sh *shard) units(f func(unit)) {
	f(unit{unitID(sh.id, 0, 0), sh.syms.Arena(), sh.syms, "strings"})
	for _, st := range sh.stages {
		for i, sp := range st.spaces {
			plan := &st.w.spaces[i]
			of := "keys (" + plan.id + ")"
			f(unit{unitID(sh.id, plan.sid, partState), sp.keys.Arena(), sp.keys, of})
			f(unit{unitID(sh.id, plan.sid, partLists), sp.mem, nil, of})
		}
		for i := range st.features {
			fs := &st.features[i]
			f(unit{unitID(sh.id, fs.f.sid, partState), fs.mem, nil, "feature " + fs.f.ir.Name})
		}
		for _, ps := range st.pools {
			of := "windows of rule " + ps.p.rules[0].ir.Name
			f(unit{unitID(sh.id, ps.p.sid, partState), ps.mem, nil, of})
			if ps.keys != nil {
				f(unit{unitID(sh.id, ps.p.sid, partKeys), ps.keys.Arena(), ps.keys, of})
			}
		}
		for i := range st.rules {
			st.rules[i].units(sh.id, f)
		}
	}
}

func (rs *ruleState) units(shard int, f func(unit)) {
	sid, of := rs.r.sid, "rule "+rs.r.ir.Name
	f(unit{unitID(shard, sid, partState), rs.mem, nil, of})
	if rs.supp.mem != nil {
		f(unit{unitID(shard, sid, partSupp), rs.supp.mem, nil, of})
	}
	if rs.supp.keys != nil {
		f(unit{unitID(shard, sid, partPer), rs.supp.keys.Arena(), rs.supp.keys, of})
	}
	for i := range rs.groups {
		if gs := &rs.groups[i]; gs.pool == nil && gs.keys != nil {
			f(unit{unitID(shard, sid, partGroups+i), gs.keys.Arena(), gs.keys, of})
		}
	}
}

// UnitName says in words what a unit of a snapshot holds, as far as its number
// tells.
func UnitName(id uint64) string {
	if id >= unitIDs {
		return fmt.Sprintf("ids of source %d", id>>unitSIDShift&0xffffffff)
	}
	sid := uint32(id >> unitSIDShift)
	if sid == 0 {
		return fmt.Sprintf("strings of shard %d", id>>unitShardShift)
	}
	return fmt.Sprintf("state %d.%d of shard %d", sid, id&0xff, id>>unitShardShift)
}
