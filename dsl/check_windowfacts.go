package dsl

// windowOf is the aggregate that an expression reads and the group of events
// that its window is cut from; nil if it reads none.
func (x *env) windowOf(e *Expr) (*Aggregate, string) {
	switch {
	case e.Op == OpAgg && x.aggs != nil:
		a := (*x.aggs)[e.Index]
		group := "own"
		for _, p := range a.Per {
			group += "," + x.cur.Fields[p].Name
		}
		return a, group
	case e.Op == OpFeature && x.reads != nil:
		r := (*x.reads)[e.Index]
		it := r.Feature.Items[r.Item].Expr
		if it.Op != OpAgg {
			return nil, ""
		}
		group := "feature " + r.Feature.Name
		for _, k := range r.Keys {
			group += "," + structure(k)
		}
		return r.Feature.Aggs[it.Index], group
	}
	return nil, ""
}

// windowFact is what a count of at least n events proves; ok is false if e is
// no count.
func (x *env) windowFact(e *Expr) (fact, bool) {
	a, group := x.windowOf(e)
	if a == nil || a.Fn != AggCount {
		return fact{}, false
	}
	if a.UnlessFired {
		group += " unless fired"
	}
	return fact{key: "window " + group + " " + a.Window.String(), group: group, win: a.Window}, true
}

// windowHolds says whether the window of an aggregate is known to hold events
// enough for it to have a value.
func (x *env) windowHolds(e *Expr) bool {
	a, group := x.windowOf(e)
	if a == nil || a.Arg == nil || a.Arg.Type.Optional {
		return false
	}
	if a.UnlessFired {
		group += " unless fired"
	}
	need := 1
	if a.Fn == AggStddev || a.Fn == AggZscore {
		need = 2
	}
	for _, f := range x.facts {
		if f.group == group && f.n >= need && f.win.within(a.Window) {
			return true
		}
	}
	return false
}

// within says whether every event of w is one of v, whenever both are read.
func (w Window) within(v Window) bool {
	if w == v {
		return true
	}
	return w.N == 0 && v.N == 0 && w.Ending == 0 && v.Ending == 0 && w.Dur > 0 && v.Dur >= w.Dur &&
		(v.Kind == WindowLast || v.Kind == w.Kind)
}
