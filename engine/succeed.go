package engine

// succeed finds for every world of the plan the one of the plan before whose
// states it goes on with: that which has most of its rules, else the one of its
// name. What the other worlds had of its rules is moved key by key.
func (p *plan) succeed(old *plan) {
	from := map[uint32]*world{} // by the rules' sids
	byName := map[string]*world{}
	for _, w := range old.worlds {
		byName[w.name] = w
		for _, r := range w.rules {
			from[r.sid] = w
		}
	}
	taken := map[*world]bool{}
	for _, w := range p.worlds {
		w.was = ""
		count := map[*world]int{}
		var best *world
		for _, r := range w.rules {
			o := from[r.sid]
			if o == nil || taken[o] || o.arrival != w.arrival {
				continue
			}
			if count[o]++; best == nil || count[o] > count[best] {
				best = o
			}
		}
		if best != nil {
			w.was, taken[best] = best.name, true
		}
	}
	for _, w := range p.worlds {
		if o := byName[w.name]; w.was == "" && o != nil && !taken[o] {
			w.was, taken[o] = o.name, true
		}
	}
}
