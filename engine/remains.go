package engine

// remains is what a shard has before a deployment, by sid, for the stages that
// go on with it. It is all that there was; what no stage takes is forgotten,
// see purge.
type remains struct {
	spaces   map[uint32]oldSpace
	features map[uint32]*featureState
	pools    map[uint32]*poolState
	rules    map[uint32]*ruleState
	timers   map[string]*timers   // by world
	counts   map[string]RuleStats // by rule
	stage    map[uint32]*stage    // of a sid, but of a space's
}

type oldSpace struct {
	*space
	pace pace
}

// remains lists what the shard has.
func (sh *shard) remains() *remains {
	rem := &remains{spaces: map[uint32]oldSpace{}, features: map[uint32]*featureState{}, pools: map[uint32]*poolState{},
		rules: map[uint32]*ruleState{}, timers: map[string]*timers{}, counts: map[string]RuleStats{}, stage: map[uint32]*stage{}}
	for _, st := range sh.stages {
		rem.timers[st.w.name] = st.timers
		for i, sp := range st.spaces {
			rem.spaces[st.w.spaces[i].sid] = oldSpace{sp, st.paces[i]}
		}
		for i := range st.features {
			fs := &st.features[i]
			rem.features[fs.f.sid], rem.stage[fs.f.sid] = fs, st
		}
		for _, ps := range st.pools {
			rem.pools[ps.p.sid], rem.stage[ps.p.sid] = ps, st
		}
		for i := range st.rules {
			rs := &st.rules[i]
			rem.rules[rs.r.sid], rem.stage[rs.r.sid] = rs, st
			rem.counts[rs.r.ir.Name] = rs.total()
		}
	}
	return rem
}
