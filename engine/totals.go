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

// indexBytes is what a key costs in the index of its table, about.
const indexBytes = 16

// liveBytes is the memory of all that matching has to remember: slots that are
// in use, not what was reserved for more. What a sweep frees is used again, so
// the reserved memory does not grow beyond what was in use at the most.
func (e *Engine) liveBytes() (n int64) {
	for _, sh := range e.steps.shards {
		sh.units(func(u unit) {
			slots, live := u.mem.Live()
			n += live
			if u.keys != nil { // a slot is a key
				n += int64(slots) * indexBytes
			}
		})
		for _, st := range sh.stages {
			n += st.timers.bytes()
		}
	}
	return n + e.dyingBytes()
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
	if len(e.dying) > 0 {
		e.purge(rows)
	}
}

// keysOf is the number of keys in the space of a rule, and what the space takes
// for them, which rules of the same key share.
func (e *Engine) keysOf(rule string) (keys int, bytes int64) {
	for _, sh := range e.steps.shards {
		for _, st := range sh.stages {
			for i := range st.rules {
				if r := st.rules[i].r; r.ir.Name == rule {
					space := st.spaces[r.space].keys
					_, live := space.Arena().Live()
					keys += space.Len()
					bytes += live + int64(space.Len())*indexBytes
				}
			}
		}
	}
	return keys, bytes
}
