package dsl

import (
	"slices"
)

// lint looks for rules that compile and yet hardly mean what they say. What it
// finds are warnings: a comment "# allow W203" in the rule silences one.
func (c *checker) lint(p *Program) {
	for _, u := range c.order {
		if u.named {
			u.hiddenByFields()
		}
	}
	for _, r := range c.rules {
		if r.broken || !r.u.named || c.wrong(r) {
			continue
		}
		r.lintKey()
		r.lintAlertEvents()
		r.lintConditions()
		if r.on != nil {
			r.lintEveryEvent()
			continue
		}
		r.lintUnlimited()
		r.lintBlindSpots()
		if r.ir.Policy != MatchEach { // which also tries to go on
			r.lintLoops(r.ir.Pattern.Steps)
		}
		r.lintCancels()
	}
	if !c.diagnostics().HasErrors() {
		c.advise(p)
	}
}

// wrong says whether a rule has an error: what it means is unclear then.
func (c *checker) wrong(r *ruleCheck) bool {
	return slices.ContainsFunc(c.found, func(f *finding) bool {
		return f.d.Level == LevelError && f.src == r.u.src && r.decl.Span.Start <= f.d.Span.Start && f.d.Span.Start < r.decl.Span.End
	})
}

// allowed says whether a warning is silenced, or is about a file that only
// gives names.
func (c *checker) allowed(d *Diagnostic) bool {
	for _, u := range c.order {
		if u.src == d.Source {
			return !u.named || u.silences && u.file.Allows(d.Code, d.Span)
		}
	}
	return false
}

// hiddenByFields: in the scope of an event, its fields hide file-level names
// (W216).
func (u *unit) hiddenByFields() {
	visible := []*unit{u}
	for _, im := range u.imports {
		if im.alias == "" {
			visible = append(visible, im.unit)
		}
	}
	for _, v := range visible {
		for _, s := range inOrder(v.types) {
			d, ok := s.decl.(*EventDecl)
			if !ok || s.kind != symEvent {
				continue
			}
			for _, f := range d.Fields {
				hid := u.visible("", f.Name.Name, namesOf)
				switch {
				case hid == nil || hid.kind == symBroken:
				case v == u:
					u.warn("W216", f.Name.Span, "the field %q hides a name", f.Name.Name).here("on %s, %q is always the field", s.name, f.Name.Name).
						alsoIn(hid.unit.src, hid.at, "the "+hid.kind.String())
				case hid.unit == u:
					u.warn("W216", hid.at, "a field hides %q", hid.name).here("on %s, %q is always the field", s.name, hid.name).
						alsoIn(v.src, f.Name.Span, "the field")
				}
			}
		}
	}
}

// lintKey: a rule whose key is its event's id sees but one event per key; the
// others are dropped as duplicates (W213).
func (r *ruleCheck) lintKey() {
	for _, u := range r.uses {
		if u.route < 0 || u.schema.ID < 0 || u.schema.Derived {
			continue
		}
		if p := slices.Index(r.ir.Routes[u.route].Fields, u.schema.ID); p >= 0 {
			at := r.by.Key.Parts[p].Span
			if u.by != nil {
				at = u.by.Parts[p].Span
			}
			id := u.schema.Fields[u.schema.ID].Name
			r.warn("W213", at, "%s is the id of %s, so each key has one event", id, u.schema.Name).
				here("a second one with this value is dropped as a duplicate").also(u.ref.Span, "read here")
			return
		}
	}
}

// lintAlertEvents: an alert event that no named rule raises never comes (W215).
func (r *ruleCheck) lintAlertEvents() {
	for _, u := range r.uses {
		raisers := r.c.raisersOf(u.schema)
		if raisers == nil || slices.ContainsFunc(raisers, func(x raiser) bool { return x.rule.u.named && !x.rule.broken }) {
			continue
		}
		from := raisers[0].rule
		r.warn("W215", u.ref.Span, "no rule that runs raises %s", u.schema.Name).here("so this never comes").
			note("rule %s of %s raises it; name that file on the command line too", from.ir.Name, from.u.src.Name)
	}
}

// lintEveryEvent: a condition of running totals holds again at every event
// until they fall (W212).
func (r *ruleCheck) lintEveryEvent() {
	w := r.ir.When
	if w.Newly || w.For > 0 || r.suppress != nil || isFailed(w.Cond) {
		return
	}
	totals, other := false, false
	running := func(a *Aggregate) bool { return a.Window.Kind != WindowPrevious }
	walk(w.Cond, func(e *Expr) {
		switch e.Op {
		case OpAgg:
			totals = totals || running(r.ir.Aggs[e.Index])
			other = other || !running(r.ir.Aggs[e.Index])
		case OpFeature:
			read := r.ir.Reads[e.Index]
			walk(read.Feature.Items[read.Item].Expr, func(e *Expr) {
				if e.Op == OpAgg {
					totals = totals || running(read.Feature.Aggs[e.Index])
					other = other || !running(read.Feature.Aggs[e.Index])
				}
			})
		case OpField, OpTableHas, OpTableCell:
			other = true
		}
	})
	if !totals || other {
		return
	}
	r.warn("W212", r.keyword(r.when.Span), "this fires on every event while the condition holds").here("it counts what came before, and goes on holding").
		fix("when newly %s", r.u.src.Slice(r.when.Cond.NodeSpan())).fix("suppress for 1h")
}

// lintUnlimited: runs of a pattern without any limit stay open for ever (W201).
func (r *ruleCheck) lintUnlimited() {
	p := r.ir.Pattern
	if p.Within > 0 || len(p.Steps) == 0 {
		return
	}
	open := false
	for i, s := range p.Steps {
		switch {
		case s.Kind == StepNo:
		case s.Kind == StepEvent && s.Lo == 1 && s.Hi == 1:
			open = open || i > 0 && s.Within == 0
		case s.Kind == StepEvent:
			open = open || s.Within == 0 && s.Gap == 0 || i > 0
		default:
			open = open || s.Within == 0
		}
	}
	if !open {
		return
	}
	at := Span{r.pattern.Span.Start, r.pattern.Span.Start + len("pattern")}
	r.warn("W201", at, "this pattern has no time limit").here("a run that began years ago may still complete").
		fix("pattern { … } within 1h").note("its state is never given up either")
}

// lintBlindSpots: under first and latest a middle step is fixed to the first
// event that fits, and a later test on that choice can miss (W203).
func (r *ruleCheck) lintBlindSpots() {
	if r.ir.Policy == MatchEach {
		return
	}
	steps := r.ir.Pattern.Steps
	for i, b := range steps {
		if i == 0 || b.Kind != StepEvent || b.Arrow == Strict || b.Lo != 1 || b.Hi != 1 || !positiveBefore(steps[:i]) {
			continue
		}
		for _, c := range steps[i+1:] {
			if c.Kind != StepEvent || c.Where == nil || !has(c.Where, func(e *Expr) bool { return e.Op == OpBound && e.Step == b.Binding }) {
				continue
			}
			r.blindSpot(b, c)
			break
		}
	}
}

func positiveBefore(steps []*StepIR) bool {
	return slices.ContainsFunc(steps, func(s *StepIR) bool { return s.Kind != StepNo })
}

func (r *ruleCheck) blindSpot(b, c *StepIR) {
	nb, nc := r.steps[b.Binding].node, r.steps[c.Binding].node
	var at Span
	for _, o := range operands(nc.Where, "and", nil) {
		if r.names(o, nb.Label.Name) {
			at = o.NodeSpan()
			break
		}
	}
	if at == (Span{}) {
		at = nc.Where.NodeSpan()
	}
	lb, _ := r.u.src.Position(nb.Label.Span.Start)
	lc, _ := r.u.src.Position(at.Start)
	r.warn("W203", at, "this rule can miss matches").here("later test on that choice").
		also(nb.Label.Span, "fixed to the first "+r.binding(b.Binding).Schema.Name+" that fits").
		note("if another %s at line %d would have satisfied line %d, it is not tried", r.binding(b.Binding).Schema.Name, lb, lc).
		note("to try every combination:  \"match each limit 50\" and \"then any %s: …\"       to silence: # allow W203", nb.Label.Name)
}

// names says whether an expression names a label, or a let that may.
func (r *ruleCheck) names(n Node, label string) bool {
	found := false
	eachNode(n, func(n Node) {
		if name, ok := n.(*Name); ok && (name.Name == label || r.lets[name.Name] != nil && r.names(r.lets[name.Name].value, label)) {
			found = true
		}
	})
	return found
}

// lintLoops: a loop without an upper limit before a step that takes any event
// of the same type ends at the very next one (W204).
func (r *ruleCheck) lintLoops(steps []*StepIR) {
	for i, s := range steps {
		for _, sub := range s.Sub {
			r.lintLoops(sub)
		}
		if i+1 == len(steps) || s.Kind != StepEvent || s.Hi != 0 || s.Greedy || s.Until != nil {
			continue
		}
		next := steps[i+1]
		if next.Kind != StepEvent || next.Where != nil || next.Route != s.Route || next.Arrow == Any {
			continue
		}
		n, name := r.steps[s.Binding].node, r.binding(s.Binding).Schema.Name
		r.warn("W204", n.Quant.Span, "this step ends at the very next %s", name).here("it takes only as many as it must").
			also(r.steps[next.Binding].node.Type.Span, "takes any "+name).
			note("give the next step a \"where\", or write %q", r.u.src.Slice(n.Quant.Span)+" greedy")
	}
}

// lintCancels: a cancel that every first event satisfies ends each run as it
// starts (W205).
func (r *ruleCheck) lintCancels() {
	steps := r.ir.Pattern.Steps
	if len(steps) == 0 || steps[0].Kind != StepEvent || steps[0].Optional || len(steps) == 1 && steps[0].Lo == 1 {
		return
	}
	s := steps[0]
	for i, c := range r.ir.Cancel {
		if c.Route != s.Route || !impliedBy(c.Where, s.Where) {
			continue
		}
		f := r.warn("W205", r.cancels[i].Of.Span, "this cancel ends every run as it starts").here("it holds for every event that begins one")
		if l, ok := r.labelSpan(s.Binding); ok {
			f.also(l, "the first step")
		}
		f.note("cancel is looked at after the steps, also for the event that has just begun a run")
	}
}
