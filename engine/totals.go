package engine

// totals are Stats without counting the keys of every rule one by one, so that
// they can be asked for often.
func (e *Engine) totals() Stats { return e.collect(false) }

// keyCount is the number of keys in all key spaces.
func (e *Engine) keyCount() (n int) {
	for _, sh := range e.steps.shards {
		for _, st := range sh.stages {
			for _, sp := range st.spaces {
				n += sp.keys.Len()
			}
		}
	}
	return n
}

// stateBytes is the memory of all that matching has to remember.
func (s *Stats) stateBytes(rules []RuleStats) int64 {
	m := &s.Memory
	n := m.Keys + m.Symbols + m.Windows + m.Timers
	for i := range rules {
		n += rules[i].Bytes
	}
	return n
}

// sweepMore looks for states that cannot matter any more, as after so many rows.
func (e *Engine) sweepMore(rows int) {
	e.snap.mu.Lock()
	defer e.snap.mu.Unlock()
	for _, g := range e.groups {
		for _, sh := range e.steps.shards {
			sh.rows = rows
			sh.sweep(g.index, g.w)
		}
	}
}

// keysOf is the number of keys in the space of a rule.
func (e *Engine) keysOf(rule string) (n int) {
	for _, sh := range e.steps.shards {
		for _, st := range sh.stages {
			for i := range st.rules {
				if r := st.rules[i].r; r.ir.Name == rule {
					n += st.spaces[r.space].keys.Len()
				}
			}
		}
	}
	return n
}
