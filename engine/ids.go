package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/weir-cep/weir/internal/window"
)

// ids gives what a state belongs to a number that stays: a sid. The dense
// owner numbers of a plan change with every deployment; entries of key spaces,
// timers and the units of a snapshot carry sids, so that a deployment need not
// touch them. It also remembers what a rule set alone does not tell: which
// rules share windows (those that came together), how often a rule was reset,
// and how the key spaces and shared windows are laid out that exist.
//
// All of it is saved with a snapshot, see encode. A plan that newPlan makes for
// the same program, shards and partitions with the same table is the same plan,
// down to the layout of every state; nothing else has to be kept of it.
//
// A table does not change but for free: every plan has its own.
type ids struct {
	next     uint32             // sids from here on were never given out
	free     []uint32           // given back
	rules    map[string]*ruleID // by name
	features map[featureID]uint32
	spaces   map[spaceID]*spaceRecord
	pools    map[uint32]*poolRecord // by sid
	lineages map[string]uint32      // resets of rules that had any, also of those that are gone
}

// ruleID is what is remembered of a rule.
type ruleID struct {
	sid     uint32
	version string    // of its IR
	layout  uint64    // StateHash
	groups  []groupID // of inline aggregates, if a pool keeps any
}

// groupID says which pool keeps a group of a rule's inline aggregates, 0: the
// rule itself, and as which of the pool's.
type groupID struct {
	pool   uint32
	places []uint32 // by the group's specs
}

// featureID names a feature as a world keeps it.
type featureID struct {
	world      string
	name       string
	layout     uint64 // of its state
	everywhere bool
	shadow     bool
}

// spaceID names a key space of a world.
type spaceID struct{ world, key string }

// spaceRecord is what is remembered of a key space.
type spaceRecord struct {
	sid  uint32
	room int // entries beside a key
}

// poolRecord is what is remembered of a pool. It keeps its layout as long as
// one of its rules lives, also what only those that are gone had asked for.
type poolRecord struct {
	specs   []window.Spec
	symbols []bool // by input: its words are symbols
}

// A sid has up to four entries under a key.
const (
	ofState    = iota
	ofTimer    // of the state's deadline
	ofSuppress // what suppression remembers
	ofClock    // in arrival order: the greatest time seen
	kindBits   = 2

	maxSID = 1<<(ownerBits-kindBits) - 1
)

// entryOwnerOf is the owner of one of a sid's entries.
func entryOwnerOf(sid, kind uint32) uint32 { return sid<<kindBits | kind }

func newIDs() *ids {
	return &ids{next: 1, rules: map[string]*ruleID{}, features: map[featureID]uint32{}, spaces: map[spaceID]*spaceRecord{},
		pools: map[uint32]*poolRecord{}, lineages: map[string]uint32{}}
}

var errSIDs = errors.New("engine: too many rules and features have come and gone")

// take gives out a sid that nothing has.
func (t *ids) take() (uint32, error) {
	if n := len(t.free); n > 0 {
		sid := t.free[n-1]
		t.free = t.free[:n-1]
		return sid, nil
	}
	if t.next > maxSID {
		return 0, errSIDs
	}
	t.next++
	return t.next - 1, nil
}

// successor is a table for the next plan: it gives out other sids, and knows
// nothing of what has them yet.
func (t *ids) successor() *ids {
	n := newIDs()
	n.next, n.free, n.lineages = t.next, slices.Clone(t.free), maps.Clone(t.lineages)
	return n
}

// version is the record of a rule if that is of the same version, else nil.
func (t *ids) version(rule, version string) *ruleID {
	if t == nil {
		return nil
	}
	if rec := t.rules[rule]; rec != nil && rec.version == version {
		return rec
	}
	return nil
}

// lineage is what of a rule's resets stands in the ids of its alerts.
func (t *ids) lineage(rule string) string {
	if n := t.lineages[rule]; n > 0 {
		return fmt.Sprint(n)
	}
	return ""
}
