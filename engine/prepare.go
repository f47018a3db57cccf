package engine

import (
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
)

// prepared is a batch together with who wants to look at its rows: everything
// that depends on a row alone has been computed, so that shards only do what
// needs state. It is a pure function of the batch, so several goroutines may
// prepare batches side by side.
type prepared struct {
	batch  *cep.Batch
	number []uint32       // by table: the type's number
	worlds []visits       // by world
	shadow []bool         // rows raised by shadow rules; nil: none
	cause  []cep.Ref      // of derived rows; nil: they are their own
	fails  []tally        // conditions that could not be computed
	keys   []tally        // events left out of a rule because a key part is missing
	page   *page          // its evidence
	ids    []xxh3.Uint128 // by row: its id for dropping duplicates
	lent   bool           // batch and visits go back to the runner that lent them
	stale  bool           // prepared for a plan that is not the engine's any more
}

// visits are the keys that a batch's rows go to in one world, row by row.
type visits struct {
	first []uint32 // visits of row i are list[first[i]:first[i+1]]
	list  []visit
	hits  []hit
	keys  []byte
}

// visit takes a row to one key of one space.
type visit struct {
	hash   uint64
	key    uint32 // offset in keys
	len    uint32
	access *access
	hits   uint32 // its hits are hits[hits:to], by owner
	to     uint32
}

// hit is a rule or feature that looks at the row under the visit's key.
type hit struct {
	bits   uint64 // unary predicates that hold; of features and on … when nothing
	routes uint32 // of the rule
	owner  uint32
}

// tally counts something of a rule, by its rank.
type tally struct {
	rank int
	n    uint64
}

// wanted says that somebody in the worlds looks at row i.
func (p *prepared) wanted(i int, worlds []*world) bool {
	for _, w := range worlds {
		if v := &p.worlds[w.index]; len(v.first) > 0 && v.first[i] != v.first[i+1] {
			return true
		}
	}
	return false
}

// causeOf is the row of the input that brought a row about.
func (p *prepared) causeOf(it *item) cep.Ref {
	if p.cause != nil {
		return p.cause[it.row]
	}
	return it.ref
}

// preparer prepares batches. It owns a frame and scratch memory and serves one
// goroutine.
type preparer struct {
	plan  *plan
	frame expr.Frame
	fails []uint64 // by rank
	keys  []uint64
	buf   []byte
}

func (p *plan) newPreparer() *preparer {
	return &preparer{plan: p, frame: expr.Frame{Lookups: p.lookups, Syms: slab.NewSymbols()},
		fails: make([]uint64, len(p.rules)), keys: make([]uint64, len(p.rules))}
}

// prepare finds out who looks at which row of a batch.
func (q *preparer) prepare(b *cep.Batch) *prepared {
	p := &prepared{batch: b}
	q.fill(p)
	return p
}

// fill prepares p's batch, reusing the memory of a batch before it.
func (q *preparer) fill(p *prepared) {
	p.number = p.number[:0]
	for i := range p.batch.Tables {
		p.number = append(p.number, q.plan.numberOf(p.batch.Tables[i].Schema))
	}
	for len(p.worlds) < len(q.plan.worlds) {
		p.worlds = append(p.worlds, visits{})
	}
	for i, w := range q.plan.worlds {
		q.world(p, w, &p.worlds[i])
	}
	p.ids = p.ids[:0]
	for i := range p.batch.Rows {
		r := &p.batch.Rows[i]
		var id xxh3.Uint128
		id, q.buf = eventID(p.batch, &p.batch.Tables[r.Table], q.plan.kinds[p.number[r.Table]], r.Index, q.buf)
		p.ids = append(p.ids, id)
	}
	p.fails, p.keys = take(p.fails[:0], q.fails), take(p.keys[:0], q.keys)
}

// take moves counts into tallies.
func take(list []tally, counts []uint64) []tally {
	for rank, n := range counts {
		if n > 0 {
			list = append(list, tally{rank, n})
			counts[rank] = 0
		}
	}
	return list
}

func (q *preparer) world(p *prepared, w *world, v *visits) {
	any := false
	for _, n := range p.number {
		any = any || len(w.accesses[n]) > 0
	}
	v.first, v.list, v.hits, v.keys = v.first[:0], v.list[:0], v.hits[:0], v.keys[:0]
	if !any {
		return
	}
	rows := p.batch.Rows
	v.first = slices.Grow(v.first, len(rows)+1)[:len(rows)+1]
	f := &q.frame
	f.Batch = p.batch
	for i := range rows {
		r := &rows[i]
		f.Table, f.Row, f.At, f.Ref = &p.batch.Tables[r.Table], int(r.Index), r.At, r.Ref
		for _, a := range w.accesses[p.number[r.Table]] {
			q.visit(v, a, p.shadow != nil && p.shadow[i])
		}
		v.first[i+1] = uint32(len(v.list))
	}
}

// visit adds the row's visit by one access, if anybody wants to look.
func (q *preparer) visit(v *visits, a *access, shadow bool) {
	from, keyAt := len(v.hits), len(v.keys)
	hasKey := false
	for i := range a.takers {
		t := &a.takers[i]
		if shadow && !t.shadow {
			continue
		}
		h := hit{routes: uint32(t.routes), owner: t.owner}
		alone := t.others == nil
		if alone {
			var ok bool
			if h.bits, ok = q.bits(t, t.routes); !ok {
				continue
			}
		}
		if !hasKey {
			if hasKey = q.key(v, a); !hasKey {
				q.missing(a, shadow)
				return
			}
		}
		if !alone {
			routes, first := q.equals(v, t, a, keyAt)
			if !first {
				continue
			}
			var ok bool
			if h.bits, ok = q.bits(t, routes); !ok {
				continue
			}
			h.routes = uint32(routes)
		}
		v.hits = append(v.hits, h)
	}
	if len(v.hits) == from {
		v.keys = v.keys[:keyAt]
		return
	}
	v.list = append(v.list, visit{hash: slab.Hash(v.keys[keyAt:]), key: uint32(keyAt), len: uint32(len(v.keys) - keyAt), access: a,
		hits: uint32(from), to: uint32(len(v.hits))})
}

// bits evaluates what a taker asks of the row alone; ok false: it does not
// look at it.
func (q *preparer) bits(t *taker, routes uint64) (bits uint64, ok bool) {
	f := &q.frame
	before := f.Failures
	ok = t.filter == nil || t.filter(f)
	switch {
	case !ok || t.rule == nil:
	case t.rule.prog != nil:
		bits = t.rule.prog.EarlyBits(f, f.Table.Schema, routes)
		ok = t.rule.traced || t.rule.prog.Relevant(bits, true)
	default:
		ok = t.where == nil || t.where(f)
	}
	if f.Failures != before && t.rule != nil {
		q.fails[t.rule.rank] += f.Failures - before
	}
	return bits, ok
}

// key appends the row's key; ok false: it has none.
func (q *preparer) key(v *visits, a *access) (ok bool) {
	v.keys, ok = a.keyer.AppendKey(v.keys, &q.frame)
	return ok
}

// missing counts a row without a key for every rule that would look at it.
func (q *preparer) missing(a *access, shadow bool) {
	for i := range a.takers {
		if t := &a.takers[i]; t.rule != nil && (t.shadow || !shadow) {
			if _, ok := q.bits(t, t.routes); ok {
				q.keys[t.rule.rank]++
			}
		}
	}
}

// equals finds the other accesses of the rule that give the row the same key.
// An event is delivered once per key, with all routes that give it, by the
// first of them.
func (q *preparer) equals(v *visits, t *taker, a *access, keyAt int) (routes uint64, first bool) {
	routes, first = t.routes, true
	end := len(v.keys)
	for _, b := range t.others {
		if q.key(v, b) && string(v.keys[end:]) == string(v.keys[keyAt:end]) {
			routes |= b.taker(t.rule).routes
			first = first && a.index < b.index
		}
		v.keys = v.keys[:end]
	}
	return routes, first
}
