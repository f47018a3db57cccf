package engine

import (
	"time"

	"github.com/weir-cep/weir/cep"
)

// Stats are an engine's totals.
type Stats struct {
	Events     uint64 // rows fed
	Duplicates uint64 // rows dropped because their id came before
	Late       uint64 // rows dropped because they came too late
	Ahead      uint64 // rows dropped because they were too far ahead of their arrival
	Early      uint64 // rows released before their time because too many waited
	Alerts     uint64 // alerts emitted, shadow ones included
	Waiting    int    // the most rows that waited for the watermark at once
	Lags       []TypeLag
	Rules      []RuleStats // by name
	Memory     Memory
}

// TypeLag is how far rows of a type came behind the newest of their partition.
type TypeLag struct {
	Type *cep.Schema
	Lag
}

// RuleStats are a rule's totals.
type RuleStats struct {
	Name       string
	Matches    uint64 // alerts and suppressed matches
	Alerts     uint64
	Suppressed uint64
	KeyMissing uint64 // events left out because a part of the key is missing (rule_key_missing_total)
	EvalErrors uint64 // conditions and values that could not be computed (weir_rule_eval_errors_total)
	Capped     uint64 // starts, runs or window events dropped by a limit (weir_rule_runs_capped_total)
	Budget     uint64 // run tests left out because an event's budget was spent
	Keys       int    // keys with state
	Bytes      int64  // reserved for its state, key tables excluded
	Nanos      int64  // time taken, with Config.Costs
}

// Memory is what is reserved, in bytes.
type Memory struct {
	Keys     int64 // key tables, shared by the rules
	Symbols  int64 // strings that states refer to
	Windows  int64 // of features
	Dedupe   int64
	Evidence int64
	Timers   int64
	Copies   int64 // of pages, for the snapshot in progress and the next one
}

// lag returns the counts of a type.
func (s *Stats) lag(p *plan, schema uint32) *Lag {
	if s.Lags == nil {
		s.Lags = make([]TypeLag, len(p.prog.Schemas))
		for i, sc := range p.prog.Schemas {
			s.Lags[i].Type = sc
		}
	}
	return &s.Lags[schema].Lag
}

// Stats returns the totals so far. It must not be called while Feed runs.
func (e *Engine) Stats() Stats { return e.collect(true) }

func (e *Engine) collect(keys bool) Stats {
	out := e.stats
	out.Lags = nil
	for _, l := range e.stats.Lags {
		if l.Longest > 0 || l.Late > 0 {
			out.Lags = append(out.Lags, l)
		}
	}
	out.Rules = make([]RuleStats, len(e.plan.rules))
	for i, r := range e.plan.rules {
		out.Rules[i] = e.tallies[i]
		out.Rules[i].Name = r.ir.Name
	}
	for _, sh := range e.steps.shards {
		sh.stats(&out, keys)
	}
	for _, d := range e.dedupes {
		out.Memory.Dedupe += d.bytes()
	}
	out.Memory.Evidence = e.steps.book.bytes
	out.Memory.Copies = e.snap.pool.bytes()
	return out
}

// stats adds a shard's totals.
func (sh *shard) stats(out *Stats, keys bool) {
	out.Memory.Symbols += sh.syms.Bytes()
	for _, st := range sh.stages {
		out.Memory.Timers += st.timers.bytes()
		if keys {
			st.countKeys()
		}
		for _, sp := range st.spaces {
			out.Memory.Keys += sp.bytes()
		}
		for i := range st.features {
			out.Memory.Windows += st.features[i].mem.Bytes()
		}
		for i := range st.rules {
			st.rules[i].stats(&out.Rules[st.rules[i].r.rank])
		}
	}
}

// countKeys counts the keys with state of every rule: those in the key spaces,
// and those of window groups with a key of their own where they are more.
func (st *stage) countKeys() {
	for i := range st.rules {
		st.rules[i].counts.Keys = 0
	}
	for _, ps := range st.pools {
		ps.counted = 0
	}
	for _, sp := range st.spaces {
		sp.keys.Sweep(0, sp.keys.Len(), func(key uint32) {
			sp.each(key, func(owner, _ uint32) {
				sid := owner >> kindBits
				if owner&(1<<kindBits-1) != ofState || !st.has(sid) {
					return
				}
				switch i := int(st.owners[sid]) - 1 - len(st.features); {
				case i < 0:
				case i < len(st.rules):
					st.rules[i].counts.Keys++
				default:
					st.pools[i-len(st.rules)].counted++
				}
			})
		})
	}
	for i := range st.rules {
		rs := &st.rules[i]
		for j := range rs.groups {
			rs.counts.Keys = max(rs.counts.Keys, rs.groups[j].states())
		}
	}
}

// states is how many keys have windows, where that is not seen from the rule's
// state.
func (gs *groupState) states() int {
	switch {
	case gs.pool != nil:
		return max(gs.pool.counted, gs.pool.groupState.states())
	case gs.keys != nil:
		return gs.keys.Len()
	}
	return 0
}

func (rs *ruleState) stats(out *RuleStats) {
	c := &rs.counts
	out.Matches += c.Matches
	out.Alerts += c.Alerts
	out.Suppressed += c.Suppressed
	out.KeyMissing += c.KeyMissing
	out.EvalErrors += c.EvalErrors
	out.Capped += c.Capped
	out.Budget += c.Budget
	out.Nanos += c.Nanos
	out.Keys += c.Keys
	out.Bytes += rs.mem.Bytes() + rs.supp.bytes()
	if rs.machine != nil {
		m := rs.machine.Counters()
		out.Capped += m.Capped
		out.EvalErrors += m.EvalErrors
		out.Budget += m.Budget
	}
	for i := range rs.groups {
		out.Capped += rs.groups[i].set.Capped
		if ps := rs.groups[i].pool; ps != nil {
			out.Bytes += ps.bytes(rs.r)
		} else if keys := rs.groups[i].keys; keys != nil {
			out.Bytes += keys.Bytes()
		}
	}
}

// now reads a clock for Config.Costs; nothing else depends on it.
func now() int64 { return int64(time.Since(epoch)) }

var epoch = time.Now()
