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
type suppressor struct {
	ir   *dsl.Suppress // nil: nothing is suppressed
	keys *slab.Keys
	mem  *slab.Arena
	buf  []byte
	at   uint32 // where the next sweep continues

	fields bool // KEY has alert fields, or there is an unless
}

// The words of a suppression key's state.
const (
	lastAlert = iota
	lastDrop
	dropped
	suppressWords
)

func (s *suppressor) init(ir *dsl.Suppress) {
	if s.ir = ir; ir != nil {
		s.fields = ir.Unless != nil || slices.ContainsFunc(ir.Per, func(p dsl.SuppressKey) bool { return p.Field >= 0 })
		s.keys, s.mem = slab.NewKeys(), slab.NewArena()
	}
}

// readsAlert says that dropping a match takes more than its key's bytes: alert
// fields or a condition.
func (s *suppressor) readsAlert() bool { return s.fields }

// drop says whether a match is to be dropped; if not, how many were dropped
// since the last alert of its key.
func (s *suppressor) drop(rs *ruleState, block *emit.Block, m *nfa.Match) (drop bool, n int) {
	if s.ir == nil {
		return false, 0
	}
	s.key(rs, block)
	hash := slab.Hash(s.buf)
	slot, ok := s.keys.Find(hash, s.buf)
	if !ok {
		slot = s.keys.Add(hash, s.buf)
		h := s.mem.Alloc(suppressWords)
		*s.keys.Value(slot) = uint64(h)
		s.mem.Words(h)[lastAlert] = uint64(m.At)
		return false, 0
	}
	h := slab.Handle(*s.keys.Value(slot))
	w := s.mem.Words(h)
	s.mem.Touch(h)
	if m.At <= after(int64(w[lastAlert]), s.ir.For) && (rs.r.unless == nil || !rs.r.unless(&rs.sh.frame)) {
		if s.forgotten(w, m.At) {
			w[dropped] = 0
		}
		w[dropped]++
		w[lastDrop] = uint64(m.At)
		return true, 0
	}
	if !s.forgotten(w, m.At) {
		n = int(w[dropped])
	}
	w[lastAlert], w[lastDrop], w[dropped] = uint64(m.At), 0, 0
	return false, n
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

// sweep forgets keys whose state cannot matter any more from w on.
func (s *suppressor) sweep(w int64, n int) {
	if s.ir == nil {
		return
	}
	s.at = s.keys.Sweep(s.at, n, func(slot uint32) {
		h := slab.Handle(*s.keys.Value(slot))
		words := s.mem.Words(h)
		if after(int64(words[lastAlert]), s.ir.For) < w && s.forgotten(words, w) {
			s.mem.Free(h)
			s.keys.Remove(slot)
		}
	})
}

func (s *suppressor) bytes() int64 {
	if s.ir == nil {
		return 0
	}
	return s.keys.Bytes() + s.mem.Bytes()
}
