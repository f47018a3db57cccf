package decode

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/weir-cep/weir/cep"
)

// The layout of what is read: every distinct path of any schema is a slot. The
// paths form a tree whose inner nodes are the objects to step into; the slots
// are numbered in tree order, so those below a node are a range.

// node is an object of the input of which some members are read.
type node struct {
	keys     *names // the members' keys → children
	children []child
	// predictions remember which key stood at which place, for each variant: 0
	// while the record's type is not known, else 1 + its schema. Streams repeat
	// the order of their keys, so most keys are compared with one candidate.
	predictions [][predicted]prediction
}

// child is a member that is read itself (slot >= 0), stepped into (node), or both.
type child struct {
	slot   int
	node   *node
	lo, hi int // the slots below node
}

// predicted is how many places of an object are remembered.
const predicted = 32

// prediction is a key as it stands in the input, its closing quote and colon
// included, and its child, -1 for one that nobody reads. It is compared as two
// words under masks. The zero prediction must not be used: see newPredictions.
type prediction struct {
	low, high         uint64
	lowMask, highMask uint64
	size              uint8 // of the text in bytes, at most 16
	child             int16
}

// set remembers a key; one too long for that leaves the place as it is.
func (p *prediction) set(key []byte, child int) {
	var text [16]byte
	if len(key)+2 > len(text) {
		return
	}
	n := copy(text[:], key)
	text[n], text[n+1] = '"', ':'
	p.size = uint8(n + 2)
	p.low, p.high = binary.LittleEndian.Uint64(text[:]), binary.LittleEndian.Uint64(text[8:])
	p.lowMask, p.highMask = ^uint64(0), 0
	if p.size < 8 {
		p.lowMask = 1<<(8*p.size) - 1
	} else {
		p.highMask = 1<<(8*(p.size-8)) - 1
	}
	p.child = int16(child)
}

// newPredictions predicts the empty key everywhere, which no path contains.
func newPredictions(variants int) [][predicted]prediction {
	p := make([][predicted]prediction, variants)
	for v := range p {
		for i := range p[v] {
			p[v][i].set(nil, -1)
		}
	}
	return p
}

// tree is a path tree under construction.
type tree struct {
	order []string // keys in the order of their first use
	sub   map[string]*tree
	leaf  bool
	slot  int
}

func (t *tree) add(path string) error {
	for part := range strings.SplitSeq(path, ".") {
		if part == "" {
			return fmt.Errorf("decode: the path %q has an empty part", path)
		}
		if t.sub == nil {
			t.sub = map[string]*tree{}
		}
		if t.sub[part] == nil {
			t.sub[part] = &tree{slot: -1}
			t.order = append(t.order, part)
		}
		t = t.sub[part]
	}
	t.leaf = true
	return nil
}

// build numbers the slots and makes the node; slots collects path → slot.
func (t *tree) build(prefix string, slots map[string]int, variants int) *node {
	n := &node{keys: newNames(t.order), predictions: newPredictions(variants)}
	for _, key := range t.order {
		sub := t.sub[key]
		c := child{slot: -1}
		if sub.leaf {
			c.slot = len(slots)
			slots[prefix+key] = c.slot
		}
		c.lo = len(slots)
		if sub.sub != nil {
			c.node = sub.build(prefix+key+".", slots, variants)
		}
		c.hi = len(slots)
		n.children = append(n.children, c)
	}
	return n
}

// layoutJSON builds the tree over all paths.
func layoutJSON(paths []string, variants int) (*node, map[string]int, error) {
	var t tree
	for _, p := range paths {
		if err := t.add(p); err != nil {
			return nil, nil, err
		}
	}
	slots := map[string]int{}
	n := t.build("", slots, variants)
	if len(slots) > 1<<14 {
		return nil, nil, fmt.Errorf("decode: %d different fields are too many", len(slots))
	}
	return n, slots, nil
}

// layoutCSV maps the columns to slots; columns[i] is the slot of column i, -1
// for one that nobody reads. A path without a column is a slot that is never
// filled.
func layoutCSV(paths, header []string) (columns []int, slots map[string]int, err error) {
	slots = map[string]int{}
	for _, p := range paths {
		if _, ok := slots[p]; !ok {
			slots[p] = len(slots)
		}
	}
	seen := make(map[string]bool, len(header))
	for i, name := range header {
		slot, ok := slots[name]
		if !ok {
			columns = append(columns, -1)
			continue
		}
		if seen[name] {
			return nil, nil, fmt.Errorf("the header has the column %q twice, the second is number %d", name, i+1)
		}
		seen[name] = true
		columns = append(columns, slot)
	}
	return columns, slots, nil
}

// conv is a field made ready for conversion.
type conv struct {
	slot     int
	kind     cep.Kind
	optional bool
	stored   bool
	unix     bool   // a timestamp in UnixSeconds or UnixMillis
	format   string // of a timestamp
	currency string
	words    *names // of an enum, a severity
	elem     *conv  // of a list
	name     string
}

func newConv(name string, t cep.Type, format string) *conv {
	c := &conv{name: name, kind: t.Kind, optional: t.Optional, currency: t.Currency, format: format}
	c.unix = format == cep.UnixSeconds || format == cep.UnixMillis
	switch t.Kind {
	case cep.KindEnum:
		c.words = newNames(t.Enum.Words)
	case cep.KindSeverity:
		c.words = newNames(cep.SeverityWords)
	case cep.KindList:
		c.elem = newConv(name, *t.Elem, format)
	}
	return c
}
