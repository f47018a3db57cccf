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
// rules came together and so share windows, how often a rule was reset, and how
// the tables and shared windows are laid out that exist.
//
// All of it is saved with a snapshot. A plan that is made for the same program
// with the same table is the same plan.
type ids struct {
	next       uint32   // sids from here on were never given out
	free       []uint32 // given back
	generation uint32   // of the latest deployment that brought a rule
	rules      map[string]*ruleID
	features   map[string]uint32 // sids, by feature.identity
	spaces     map[string]*spaceID
	pools      []*poolID         // ascending sids
	lineages   map[string]uint32 // resets of rules that had any, also of those that are gone
}

// ruleID is what is remembered of a rule.
type ruleID struct {
	sid        uint32
	generation uint32    // rules of different generations share no windows: a new one starts empty
	version    string    // of its IR
	layout     uint64    // see stateText
	groups     []groupID // of inline aggregates, if a pool keeps any
}

// groupID says which pool keeps a group of a rule's inline aggregates, 0: the
// rule itself, and as which of the pool's.
type groupID struct {
	pool   uint32
	places []uint32 // by the group's specs
}

// spaceID is what is remembered of a key space.
type spaceID struct {
	sid  uint32
	room int // entries beside a key
}

// poolID is what is remembered of a pool. It keeps its layout as long as one
// of its rules lives, also what only those that are gone had asked for.
type poolID struct {
	sid     uint32
	world   string
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
	return &ids{next: 1, rules: map[string]*ruleID{}, features: map[string]uint32{}, spaces: map[string]*spaceID{}, lineages: map[string]uint32{}}
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

// clone copies the table, so that a deployment that fails changes nothing.
func (t *ids) clone() *ids {
	c := *t
	c.free, c.pools = slices.Clone(t.free), slices.Clone(t.pools)
	c.rules, c.features, c.spaces, c.lineages = maps.Clone(t.rules), maps.Clone(t.features), maps.Clone(t.spaces), maps.Clone(t.lineages)
	return &c
}

func (t *ids) pool(sid uint32) *poolID {
	i, ok := slices.BinarySearchFunc(t.pools, sid, func(p *poolID, sid uint32) int { return int(p.sid) - int(sid) })
	if !ok {
		return nil
	}
	return t.pools[i]
}

// lineage is what of a rule's resets stands in the ids of its alerts.
func (t *ids) lineage(rule string) string {
	if n := t.lineages[rule]; n > 0 {
		return fmt.Sprint(n)
	}
	return ""
}
