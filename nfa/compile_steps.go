package nfa

import (
	"slices"

	"github.com/weir-cep/weir/dsl"
)

// The deterministic program is the position automaton of the pattern: one step
// per event step, and from each step the ways to all steps that may come next
// once it has what it needs. Counts are not unrolled.

// node is a step of the pattern with its place in the tree.
type node struct {
	ir     *dsl.StepIR
	step   int // of an event step or a block
	no     int // of an absence
	group  int
	seq    []*node // of a group
	parent *node   // the group it is in, nil at top level
	row    []*node // the sequence it is in
	pos    int
}

// determined fills the deterministic tables.
func (c *compiler) determined() {
	top := c.place(c.Rule.Pattern.Steps, nil)
	if c.err != nil {
		return
	}
	p := path{c: c, ways: &c.Starts, again: -1}
	p.begin()
	if p.enterAll(top, nil) {
		c.fail("every step is optional")
	}
	c.Starts.to = len(c.Ways)
	c.eachNode(top, func(n *node) {
		if n.ir.Kind != dsl.StepNo && n.ir.Kind != dsl.StepGroup {
			c.leave(n)
		}
	})
	c.bounded()
	c.inherit()
	for _, s := range c.span(c.Starts) {
		c.startBits |= c.entryBits(s.To)
	}
	for i := range c.Steps {
		c.touches(&c.Steps[i])
	}
	c.layoutRun()
}

// span is the ways of a segment.
func (p *Prog) span(s seg) []Way { return p.Ways[s.from:s.to] }

// place numbers the steps of a sequence.
func (c *compiler) place(steps []*dsl.StepIR, parent *node) []*node {
	row := make([]*node, len(steps))
	for i, ir := range steps {
		n := &node{ir: ir, parent: parent, pos: i}
		row[i] = n
		switch ir.Kind {
		case dsl.StepEvent:
			n.step = c.addStep(ir, -1)
		case dsl.StepNo:
			c.Nos = append(c.Nos, No{Label: c.noLabel(ir.No), Test: c.absence(ir.No), Strict: ir.No.Strict, Within: ir.No.Within})
			n.no = len(c.Nos) - 1
			c.strict = c.strict || ir.No.Strict
		case dsl.StepGroup:
			n.group = len(c.Groups)
			c.Groups = append(c.Groups, Group{Lo: ir.Lo, Hi: ir.Hi, Exactly: ir.Exactly, Greedy: ir.Greedy})
			n.seq = c.place(ir.Sub[0], n)
			if ir.Hi != 1 && mayBeEmpty(ir.Sub[0]) {
				c.fail("a repeated group must not be empty")
			}
		default:
			n.step = c.addBlock(ir)
		}
	}
	for _, n := range row {
		n.row = row
	}
	return row
}

// mayBeEmpty says that a sequence can be passed without an event.
func mayBeEmpty(steps []*dsl.StepIR) bool {
	for _, s := range steps {
		switch {
		case s.Kind == dsl.StepNo || s.Optional:
		case s.Kind == dsl.StepGroup && mayBeEmpty(s.Sub[0]):
		default:
			return false
		}
	}
	return true
}

func (c *compiler) addStep(ir *dsl.StepIR, block int) int {
	s := Step{
		Kind: TakeStep, Label: c.name(ir.Binding), Binding: ir.Binding, Test: c.test(ir.Route, ir.Where),
		Lo: ir.Lo, Hi: ir.Hi, Exactly: ir.Exactly, Greedy: ir.Greedy, Consecutive: ir.Inner == dsl.Strict && ir.Hi != 1,
		Gap: ir.Gap, Before: -1, Block: block,
	}
	if ir.Inner == dsl.Any || ir.Arrow == dsl.Any {
		c.fail("%q forks: it needs match each", s.Label)
	}
	if s.repeated() {
		s.Within = ir.Within
	} else if block >= 0 {
		s.Arrive = ir.Within
	}
	if ir.Until != nil && ir.Before {
		s.Before = c.test(ir.Route, ir.Until)
	} else if ir.Until != nil {
		s.Until = c.cond(c.schema(ir.Route), ir.Until)
	}
	c.strict = c.strict || s.Consecutive
	c.Steps = append(c.Steps, s)
	return len(c.Steps) - 1
}

// addBlock numbers a block and, behind it, the steps of its tracks.
func (c *compiler) addBlock(ir *dsl.StepIR) int {
	kind := OneStep
	if ir.Kind == dsl.StepAllOf {
		kind = AllStep
	}
	b := len(c.Steps)
	c.Steps = append(c.Steps, Step{Kind: kind, Label: blockLabel(kind), Binding: -1, Test: -1, Lo: 1, Hi: 1, Before: -1, Within: ir.Within, Block: -1})
	from := len(c.Tracks)
	for _, sub := range ir.Sub {
		t := Track{seg{from: len(c.Steps)}}
		for i, s := range sub {
			if s.Kind != dsl.StepEvent || s.Exactly || s.Optional || s.Until != nil || s.Greedy || s.Inner != dsl.Relaxed || i > 0 && s.Arrow != dsl.Relaxed {
				c.fail("a block holds single and counted steps and \"then\" only")
				return b
			}
			c.addStep(s, b)
		}
		t.Steps.to = len(c.Steps)
		c.Tracks = append(c.Tracks, t)
	}
	c.Steps[b].Tracks = seg{from, len(c.Tracks)}
	return b
}

func blockLabel(k StepKind) string {
	if k == OneStep {
		return "one of"
	}
	return "all of"
}

func (c *compiler) eachNode(row []*node, f func(*node)) {
	for _, n := range row {
		f(n)
		c.eachNode(n.seq, f)
	}
}

// path collects, from one step, the ways, the armed absences and the end.
type path struct {
	c     *compiler
	ways  *seg
	arms  *seg
	end   *End
	ops   []Op
	final []int // the absences passed since the last positive step
	again int
	heads []Way // rounds too many
}

func (p *path) begin() { p.ways.from = len(p.c.Ways) }

// leave walks from a step that is ready to all that may come next.
func (c *compiler) leave(n *node) {
	s := &c.Steps[n.step]
	p := path{c: c, ways: &s.Ways, arms: &s.Arms, end: &s.End, again: -1}
	p.begin()
	s.Arms.from = len(c.Arms)
	p.after(n)
	s.Ways.to, s.Arms.to = len(c.Ways), len(c.Arms)
	s.Heads = seg{len(c.Ways), len(c.Ways) + len(p.heads)}
	c.Ways = append(c.Ways, p.heads...)
	s.End.Exactly = s.End.Exactly || s.Exactly
}

// after walks on behind a node: over the rest of its sequence up to the first
// mandatory step, then out of its group.
func (p *path) after(n *node) {
	if !p.enterAll(n.row[n.pos+1:], nil) {
		return
	}
	g := n.parent
	if g == nil {
		p.end.OK, p.end.Nos, p.end.Ops = true, slices.Clone(p.final), p.addOps()
		return
	}
	p.round(g)
	if p.c.Groups[g.group].Exactly {
		p.end.Exactly = true
	}
	p.ops = append(p.ops, Op{Leave, g.group})
	p.after(g)
	p.ops = p.ops[:len(p.ops)-1]
}

// round begins another round of the group that is just complete.
func (p *path) round(g *node) {
	ir := g.ir
	if ir.Hi == 1 && !ir.Exactly {
		return
	}
	was, final := p.again, slices.Clone(p.final)
	p.again = g.group
	p.ops = append(p.ops, Op{Round, g.group})
	from := len(p.c.Ways)
	p.enterAll(g.seq, &ir.Inner)
	if ir.Exactly {
		p.heads = append(p.heads, p.c.Ways[from:]...)
	}
	p.ops = p.ops[:len(p.ops)-1]
	p.again, p.final = was, final
}

// enterAll goes into the nodes of a sequence up to the first mandatory one and
// says whether there is none. head, if given, is the arrow before the first.
func (p *path) enterAll(row []*node, head *dsl.Contiguity) (through bool) {
	for i, n := range row {
		arrow := n.ir.Arrow
		if i == 0 && head != nil {
			arrow = *head
		}
		switch n.ir.Kind {
		case dsl.StepNo:
			p.arm(n)
			continue
		case dsl.StepGroup:
			p.ops = append(p.ops, Op{Enter, n.group})
			if p.enterAll(n.seq, &arrow) || n.ir.Optional {
				p.ops = p.ops[:len(p.ops)-1]
				p.final = nil
				continue
			}
			p.ops = p.ops[:len(p.ops)-1]
			return false
		default:
			p.way(n, arrow)
			if !n.ir.Optional {
				return false
			}
			p.final = nil
		}
	}
	return true
}

func (p *path) arm(n *node) {
	p.final = append(p.final, n.no)
	if p.arms == nil {
		return // before the first event nothing is armed
	}
	p.c.Arms = append(p.c.Arms, Arm{n.no, p.addOps()})
}

func (p *path) way(n *node, arrow dsl.Contiguity) {
	if arrow == dsl.Any {
		p.c.fail("\"then any\" forks: it needs match each")
	}
	w := Way{To: n.step, Strict: arrow == dsl.Strict, Greedy: n.ir.Greedy, Ops: p.addOps(), Again: p.again}
	if n.ir.Kind == dsl.StepEvent && n.ir.Hi == 1 {
		w.Within = n.ir.Within
	}
	for _, o := range p.ops {
		if o.Kind != Leave && p.c.Groups[o.Group].Greedy {
			w.Greedy = true
		}
	}
	p.c.strict = p.c.strict || w.Strict && p.arms != nil
	p.c.Ways = append(p.c.Ways, w)
}

func (p *path) addOps() seg {
	from := len(p.c.Ops)
	p.c.Ops = append(p.c.Ops, p.ops...)
	return seg{from, len(p.c.Ops)}
}

// bounded checks that whatever waits for time to pass has a limit.
func (c *compiler) bounded() {
	if c.Rule.Pattern.Within > 0 {
		return
	}
	if c.Rule.AtEnd || c.Rule.Timeout != nil {
		c.fail("the end of what? the pattern has no within")
	}
	for _, s := range c.Steps {
		if !s.End.OK {
			continue
		}
		open := s.End.Exactly
		for _, n := range s.End.Nos {
			open = open || c.Nos[n].Within == 0
		}
		if open {
			c.fail("the pattern ends in %q, which waits for an end that it does not have", s.Label)
		}
	}
}

// inherit gives the last step of an alternative its block's ways: a run goes on
// from there as if the block were that alternative.
func (c *compiler) inherit() {
	for i := range c.Steps {
		b := &c.Steps[i]
		if b.Kind != OneStep {
			continue
		}
		for _, t := range c.Tracks[b.Tracks.from:b.Tracks.to] {
			s := &c.Steps[t.Steps.to-1]
			s.Ways, s.Arms, s.Heads, s.End = b.Ways, b.Arms, b.Heads, b.End
		}
	}
}

// entryBits are the bits of events that can begin a step.
func (c *compiler) entryBits(step int) (set uint64) {
	s := &c.Steps[step]
	if s.Kind == TakeStep {
		return c.bitOf(s.Test)
	}
	for _, t := range c.Tracks[s.Tracks.from:s.Tracks.to] {
		set |= c.bitOf(c.Steps[t.Steps.from].Test)
	}
	return set
}

// touches fills in which events a step looks at.
func (c *compiler) touches(s *Step) {
	add := func(test int) {
		s.touch |= c.bitOf(test)
		s.alert = s.alert || c.Tests[test].Pred >= 64
	}
	if s.Kind == TakeStep {
		add(s.Test)
		if s.Before >= 0 {
			add(s.Before)
		}
	} else {
		for _, t := range c.Tracks[s.Tracks.from:s.Tracks.to] {
			for i := t.Steps.from; i < t.Steps.to; i++ {
				add(c.Steps[i].Test)
			}
		}
	}
	for _, ws := range [][]Way{c.span(s.Ways), c.span(s.Heads)} {
		for _, w := range ws {
			s.strict = s.strict || w.Strict
			if to := &c.Steps[w.To]; to.Kind == TakeStep {
				add(to.Test)
			} else {
				for _, t := range c.Tracks[to.Tracks.from:to.Tracks.to] {
					add(c.Steps[t.Steps.from].Test)
				}
			}
		}
	}
	for _, a := range c.Arms[s.Arms.from:s.Arms.to] {
		add(c.Nos[a.No].Test)
	}
	s.strict = s.strict || s.Consecutive
	s.alert = s.alert || s.strict
}

// layoutRun decides how many words a run takes: the fixed ones, a counter per
// group, and room for the tracks of the widest block.
func (c *compiler) layoutRun() {
	c.words = runWords + len(c.Groups)
	c.blockAt = c.words
	wide := 0
	for i := range c.Steps {
		wide = max(wide, c.Steps[i].Tracks.len())
	}
	c.words += wide * trackWords
}
