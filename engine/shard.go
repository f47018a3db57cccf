package engine

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/expr"
	"github.com/weir-cep/weir/internal/slab"
	"github.com/weir-cep/weir/internal/window"
	"github.com/weir-cep/weir/nfa"
)

// shard owns the keys of some key groups: their windows, runs and timers. It
// is driven by one goroutine at a time and shares nothing that changes.
type shard struct {
	id     int
	plan   *plan
	cfg    *Config
	syms   *slab.Symbols
	frame  expr.Frame
	stages []*stage // by world
	purges []*purge // what is still to be forgotten of rules that are gone
	found  []*found // alerts of the step in progress

	// What is being evaluated: a rule, for a key, because of a row or a timer.
	stage  *stage
	rule   *ruleState
	key    uint32  // slot in the rule's space, 0: the key has no state
	bytes  []byte  // the key
	cause  cep.Ref // of the row; noCause for a timer
	visit  uint64  // numbers the row's visits to keys
	number uint32  // alerts found in the step so far
	rows   int     // rows of the step so far

	event    nfa.Event
	read     featureReader
	keyBuf   []byte
	timerKey []byte
	readKey  []byte
	idBuf    []byte
	loans    []slab.Symbol // references to give back behind the row
	decoded  struct {
		rule *rule
		key  []byte
		vals []cep.Value
	}
}

// noCause stands for the row that a timer fired behind: it orders after every
// row of the timer's time.
const noCause = cep.Ref(1<<64 - 1)

func newShard(p *plan, cfg *Config, id int) (*shard, error) {
	sh := &shard{id: id, plan: p, cfg: cfg, syms: slab.NewSymbols()}
	sh.frame = expr.Frame{Lookups: p.lookups, Syms: sh.syms, Reads: sh}
	var err error
	sh.stages, err = sh.newStages(p, &remains{})
	return sh, err
}

// owns says whether a visit's key is the shard's: 256 key groups are dealt to
// the shards. A rule without a key goes by its name.
func (sh *shard) owns(vs *visit) bool {
	if sh.plan.shards == 1 {
		return true
	}
	hash := vs.hash
	if vs.access.global != 0 {
		hash = vs.access.global
	}
	return shardOf(hash, sh.plan.shards) == sh.id
}

func shardOf(hash uint64, shards int) int { return int(hash>>56) * shards >> 8 }

// run works through rows in order, and through the deadlines before until.
func (st *stage) run(rows []item, batch func(uint32) *prepared, until int64) {
	st.sh.stage = st
	st.sh.rows += len(rows)
	for len(rows) > 0 {
		group := rows[:min(ahead, len(rows))]
		rows = rows[len(group):]
		st.lookUp(group, batch)
		visits := st.ahead
		for i := range group {
			it := &group[i]
			if st.timers.due(it.at) {
				st.fire(it.at)
			}
			if list, v := st.visits(it, batch); len(list) > 0 {
				st.row(batch(it.batch), v, it, visits[:len(list)])
				visits = visits[len(list):]
			}
		}
	}
	if st.timers.due(until) {
		st.fire(until)
	}
}

// row takes one row to the keys that are the shard's: first into features,
// then to the rules, which read them as of the row.
func (st *stage) row(p *prepared, v *visits, it *item, list []visited) {
	sh, f := st.sh, &st.sh.frame
	r := &p.batch.Rows[it.row]
	f.Batch, f.Table, f.Row, f.Ref = p.batch, &p.batch.Tables[r.Table], int(r.Index), r.Ref
	f.At, f.Bound = r.At, nil
	sh.cause = p.causeOf(it)
	if len(st.features) > 0 {
		for i := range list {
			if list[i].slot != notMine {
				st.enter(v, &list[i])
			}
		}
	}
	for i := range list {
		if a := &list[i]; a.slot != notMine && int(v.hits[a.to-1].owner) >= len(st.features) {
			st.again(a)
			st.rulesOf(v, a.visit, a.slot)
		}
	}
	for _, set := range st.current {
		set.Settle(false)
	}
	st.current = st.current[:0]
	sh.settleLoans()
}

// settleLoans gives back the symbols that were lent to whoever read a feature.
func (sh *shard) settleLoans() {
	for _, sym := range sh.loans {
		sh.syms.Release(sym)
	}
	sh.loans = sh.loans[:0]
}

// enter adds the row to the features of a visit.
func (st *stage) enter(v *visits, a *visited) {
	h := a.hits
	if int(v.hits[h].owner) >= len(st.features) {
		return
	}
	space := st.spaces[a.access.space]
	if st.again(a); a.slot == 0 {
		a.slot = space.add(a.hash, a.keyBytes())
	}
	for ; h < a.to && int(v.hits[h].owner) < len(st.features); h++ {
		st.addTo(&st.features[v.hits[h].owner], space, a.slot)
	}
}

// again looks a key up that was not there, if its space has got keys since.
func (st *stage) again(a *visited) {
	if sp := a.access.space; a.slot == 0 && st.spaces[sp].added != st.added[sp] {
		a.slot = st.spaces[sp].find(a.hash, a.keyBytes())
	}
}

// addTo makes the row the current event of a feature's windows for a key.
func (st *stage) addTo(fs *featureState, space *space, slot uint32) {
	f := &st.sh.frame
	evaluate(f, fs.f.inputs, fs.args)
	h := slab.Handle(space.get(slot, entryOwnerOf(fs.f.sid, ofState)))
	g := fs.set.Add(h, f.At, fs.args)
	giveBack(st.sh.syms, fs.f.inputs, fs.args)
	if g != h {
		space.put(slot, entryOwnerOf(fs.f.sid, ofState), uint32(g))
	}
	st.current = append(st.current, fs.set)
}

// evaluate computes the arguments of a window set for the current event.
func evaluate(f *expr.Frame, inputs []input, args []window.Arg) {
	for i := range inputs {
		args[i].Word, args[i].Ok = inputs[i].word(f)
	}
}

// giveBack releases the symbols among the arguments.
func giveBack(syms *slab.Symbols, inputs []input, args []window.Arg) {
	for i := range inputs {
		if inputs[i].symbol && args[i].Ok {
			syms.Release(slab.Symbol(args[i].Word))
		}
	}
}

// rulesOf takes the row to the rules of a visit.
func (st *stage) rulesOf(v *visits, vs *visit, slot uint32) {
	sh := st.sh
	sh.key, sh.bytes = slot, v.keys[vs.key:vs.key+vs.len]
	sh.visit++
	for h := vs.hits; h < vs.to; h++ {
		hit := &v.hits[h]
		if int(hit.owner) < len(st.features) {
			continue
		}
		rs := &st.rules[int(hit.owner)-len(st.features)]
		if sh.cfg.Costs {
			start := now()
			st.deliver(rs, hit, vs.hash)
			rs.counts.Nanos += now() - start
			continue
		}
		st.deliver(rs, hit, vs.hash)
	}
}

// deliver takes the row to one rule. In arrival order it stands at the clock
// of the rule's key.
func (st *stage) deliver(rs *ruleState, h *hit, hash uint64) {
	sh := st.sh
	sh.rule = rs
	space := st.spaces[rs.r.space]
	at := sh.frame.At
	if st.w.arrival {
		sh.frame.At = st.clock(rs, space, hash, at)
	}
	var state slab.Handle
	if sh.key != 0 && rs.r.keeps {
		state = slab.Handle(space.get(sh.key, entryOwnerOf(rs.r.sid, ofState)))
	}
	if rs.r.on != nil {
		st.onEvent(rs, space, hash, state)
	} else {
		st.feedMachine(rs, h, space, hash, state)
	}
	sh.frame.At = at
}

// feedMachine gives the row to the rule's machine if it can matter to the key.
func (st *stage) feedMachine(rs *ruleState, h *hit, space *space, hash uint64, state slab.Handle) {
	live := state != 0
	if !rs.r.prog.Relevant(h.bits, live) && !rs.r.traced {
		return
	}
	sh := st.sh
	if rs.r.needsKey {
		sh.decodeKey()
	}
	f := &sh.frame
	f.Bound = nil
	before := f.Failures
	bits := rs.r.prog.LateBits(f, h.bits)
	rs.counts.EvalErrors += f.Failures - before
	if !rs.r.prog.Relevant(bits, live) && !rs.r.traced {
		return
	}
	s := state
	if live {
		s = rs.machine.Advance(s, f.At, f, rs.emit)
	}
	sh.event = nfa.Event{Frame: f, Bits: bits, Routes: uint64(h.routes)}
	s = rs.machine.Event(s, &sh.event, rs.emit)
	st.store(rs, space, hash, state, s)
}

// store keeps the state of the rule in progress for the key, and its timer.
func (st *stage) store(rs *ruleState, space *space, hash uint64, old, s slab.Handle) {
	sh := st.sh
	if s != old {
		if sh.key == 0 {
			sh.key = space.add(hash, sh.bytes)
		}
		space.put(sh.key, entryOwnerOf(rs.r.sid, ofState), uint32(s))
	}
	if rs.r.ir.Deadline && sh.key != 0 {
		st.schedule(rs, space, sh.key, s)
	}
}

// decodeKey puts the key's values into the frame.
func (sh *shard) decodeKey() {
	d := &sh.decoded
	if d.rule != sh.rule.r || string(d.key) != string(sh.bytes) {
		d.rule, d.key = sh.rule.r, append(d.key[:0], sh.bytes...)
		d.vals = expr.DecodeKey(d.key, d.rule.ir.Key)
	}
	sh.frame.Key = d.vals
}
