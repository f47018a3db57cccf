package engine

import (
	"encoding/binary"
	"slices"

	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/engine/emit"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/nfa"
)

// suppressor keeps what "suppress for D per KEY unless …" needs to remember:
// per suppression key, when the last alert was emitted, how many matches were
// dropped since, and when the last of them was. A suppression key contains the
// rule's, so it lives on the rule's shard.
//
// Where it is just the rule's key, the state lies among the key's entries, so
// that a rule whose condition goes on holding costs no look-up of its own.
// Otherwise, with alert fields in KEY, it has a table.
type suppressor struct {
	ir   *dsl.Suppress // nil: nothing is suppressed
	keys *slab.Keys    // nil: the state is an entry of the rule's key
	mem  *slab.Arena
	buf  []byte
	pace pace
}

// The words of a suppression key's state.
const (
	lastAlert = iota
	lastDrop
	dropped
	suppressWords
)

func (s *suppressor) init(ir *dsl.Suppress) {
	if s.ir = ir; ir == nil {
		return
	}
	s.mem = slab.NewArena()
	if slices.ContainsFunc(ir.Per, func(p dsl.SuppressKey) bool { return p.Field >= 0 }) {
		s.keys = slab.NewKeys()
	}
}

// readsAlert says that dropping a match takes more than its key's bytes: alert
// fields or a condition.
func (s *suppressor) readsAlert() bool { return s.ir != nil && (s.keys != nil || s.ir.Unless != nil) }

// drop says whether a match is to be dropped; if not, how many were dropped
// since the last alert of its key.
func (s *suppressor) drop(rs *ruleState, block *emit.Block, m *nfa.Match) (drop bool, n int) {
	if s.ir == nil {
		return false, 0
	}
	w, fresh := s.state(rs, block)
	switch {
	case fresh:
	case m.At <= after(int64(w[lastAlert]), s.ir.For) && (rs.r.unless == nil || !rs.r.unless(&rs.sh.frame)):
		if s.forgotten(w, m.At) {
			w[dropped] = 0
		}
		w[dropped]++
		w[lastDrop] = uint64(m.At)
		return true, 0
	case !s.forgotten(w, m.At):
		n = int(w[dropped])
	}
	w[lastAlert], w[lastDrop], w[dropped] = uint64(m.At), 0, 0
	return false, n
}

// state returns the suppression key's state; fresh: it had none.
func (s *suppressor) state(rs *ruleState, block *emit.Block) (w []uint64, fresh bool) {
	sh := rs.sh
	if s.keys == nil {
		space, owner := sh.stage.spaces[rs.r.space], entryOwnerOf(rs.r.sid, ofSuppress)
		if sh.key == 0 {
			sh.key = space.add(slab.Hash(sh.bytes), sh.bytes)
		}
		h := slab.Handle(space.get(sh.key, owner))
		if fresh = h == 0; fresh {
			h = s.mem.Alloc(suppressWords)
			space.put(sh.key, owner, uint32(h))
		}
		s.mem.Touch(h)
		return s.mem.Words(h), fresh
	}
	s.key(rs, block)
	hash := slab.Hash(s.buf)
	slot, ok := s.keys.Find(hash, s.buf)
	if !ok {
		slot = s.keys.Add(hash, s.buf)
		*s.keys.Value(slot) = uint64(s.mem.Alloc(suppressWords))
	}
	h := slab.Handle(*s.keys.Value(slot))
	s.mem.Touch(h)
	return s.mem.Words(h), !ok
}

// forgotten says that the last dropped match is longer ago than the limit.
func (s *suppressor) forgotten(w []uint64, at int64) bool {
	return w[dropped] == 0 || at > after(int64(w[lastDrop]), s.ir.For)
}

// key builds the suppression key: the rule's, then the alert fields. A field
// that the alert does not have is like one that is missing.
func (s *suppressor) key(rs *ruleState, block *emit.Block) {
	s.buf = append(s.buf[:0], rs.sh.bytes...)
	for _, p := range s.ir.Per {
		if p.Field < 0 {
			continue
		}
		start := len(s.buf)
		s.buf = append(s.buf, 0, 0, 0, 0)
		if i := fieldNamed(block.IR(), p.Name); i >= 0 {
			v := block.Field(&rs.sh.frame, i)
			s.buf = v.AppendJSON(s.buf)
		}
		binary.LittleEndian.PutUint32(s.buf[start:], uint32(len(s.buf)-start))
	}
}

func fieldNamed(ir *dsl.AlertIR, name string) int {
	for i := range ir.Fields {
		if ir.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// idle says that a state cannot matter any more from w on.
func (s *suppressor) idle(h slab.Handle, w int64) bool {
	words := s.mem.Words(h)
	return after(int64(words[lastAlert]), s.ir.For) < w && s.forgotten(words, w)
}

// sweep forgets keys of the table whose state cannot matter any more.
func (s *suppressor) sweep(w int64, rows int) {
	if s.keys == nil {
		return
	}
	s.pace.sweep(s.keys, rows, func(slot uint32) (gone bool) {
		h := slab.Handle(*s.keys.Value(slot))
		if gone = s.idle(h, w); gone {
			s.mem.Free(h)
			s.keys.Remove(slot)
		}
		return gone
	})
}

func (s *suppressor) bytes() int64 {
	if s.ir == nil {
		return 0
	}
	if s.keys == nil {
		return s.mem.Bytes()
	}
	return s.keys.Bytes() + s.mem.Bytes()
}
