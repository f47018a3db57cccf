package nfa

import "github.com/weir-cep/weir/dsl"

// refPlace is where a run stands: one frame per level of the pattern, from the
// whole sequence down to the event step or block.
type refPlace []refFrame

// refFrame is a position in a sequence. round counts the rounds of the group
// that the sequence is, from 1.
type refFrame struct {
	seq   []*dsl.StepIR
	i     int
	round int
}

func (p refPlace) step() *dsl.StepIR { f := p[len(p)-1]; return f.seq[f.i] }

// parent is the group or block whose sequence the place is in, nil for none.
func (p refPlace) parent() *dsl.StepIR {
	if len(p) == 1 {
		return nil
	}
	return p[:len(p)-1].step()
}

// block is the "one of" that the place's step ended, nil for none.
func (p refPlace) block() *dsl.StepIR {
	if g := p.parent(); g != nil && g.Kind == dsl.StepOneOf {
		return g
	}
	return nil
}

func (p refPlace) moved(i int) refPlace {
	q := append(refPlace{}, p...)
	q[len(q)-1].i = i
	return q
}

func (p refPlace) into(seq []*dsl.StepIR) refPlace {
	return append(append(refPlace{}, p...), refFrame{seq, 0, 1})
}

// refWay is an arrow to an event step or block that may come next.
type refWay struct {
	to     refPlace
	arrow  dsl.Contiguity
	greedy bool
	more   bool // another round of a group that has its minimum
}

// refNext is all that may follow a place whose step is ready.
type refNext struct {
	ways    []refWay       // nearest first, up to and including the first mandatory step
	nos     []*dsl.Absence // on the way there: all armed
	end     bool           // only optional steps follow
	closing []*dsl.Absence // directly before the end
	exactly bool           // an "exactly n" ends the pattern
	over    []refWay       // ways that begin a round too many of an "exactly n" group
}

// refStart is what may come first.
func refStart(steps []*dsl.StepIR) refNext {
	var n refNext
	n.enter(refPlace{{steps, 0, 1}}, nil, false)
	return n
}

// next walks on from a place. A repeated group is read as its rounds written
// one behind the other: another round is nearer than what follows the group.
func (p refPlace) next() refNext {
	n := refNext{exactly: p.step().Kind == dsl.StepEvent && p.step().Exactly}
	n.enter(p.moved(p[len(p)-1].i+1), nil, false)
	return n
}

// enter walks from p, which may be at the end of its sequence. head, if given,
// is the arrow before the step at p, greedy says that the way is one of a
// greedy group.
func (n *refNext) enter(p refPlace, head *dsl.Contiguity, greedy bool) {
	f := p[len(p)-1]
	if f.i == len(f.seq) {
		n.leave(p, greedy)
		return
	}
	s := p.step()
	arrow := s.Arrow
	if head != nil {
		arrow = *head
	}
	onward := p.moved(f.i + 1)
	switch s.Kind {
	case dsl.StepNo:
		n.nos = append(n.nos, s.No)
		n.closing = append(n.closing, s.No)
		n.enter(onward, nil, greedy)
		return
	case dsl.StepGroup:
		// Decision: the arrow before a group is the arrow before its first step.
		n.enter(p.into(s.Sub[0]), &arrow, greedy || s.Greedy)
		if s.Optional && !refEmpty(s.Sub[0]) {
			n.closing = nil
			n.enter(onward, nil, greedy)
		}
		return
	}
	n.ways = append(n.ways, refWay{to: p, arrow: arrow, greedy: greedy || s.Greedy})
	n.closing = nil
	if s.Optional {
		n.enter(onward, nil, greedy)
	}
}

// leave walks from the end of a sequence. A way that has entered a greedy group
// and passed a plain one inside it is still one of the greedy group.
func (n *refNext) leave(p refPlace, greedy bool) {
	if len(p) == 1 {
		n.end = true
		return
	}
	up, round := p[:len(p)-1], p[len(p)-1].round
	onward := up.moved(up[len(up)-1].i + 1)
	g := up.step()
	if g.Kind != dsl.StepGroup {
		n.enter(onward, nil, false)
		return
	}
	again := up.into(g.Sub[0])
	again[len(again)-1].round = round + 1
	closing, first := n.closing, len(n.ways)
	if g.Hi != 1 && (g.Hi == 0 || round < g.Hi) {
		n.enter(again, &g.Inner, g.Greedy)
	} else if g.Exactly {
		var over refNext
		over.enter(again, &g.Inner, false)
		n.over = append(n.over, over.ways...)
	}
	n.closing = closing
	if round >= g.Lo {
		for i := first; i < len(n.ways); i++ {
			n.ways[i].more = true
		}
		n.enter(onward, nil, greedy && !g.Greedy)
		n.exactly = n.exactly || g.Exactly && n.end
	}
}

// refEmpty says that a sequence can be passed without an event.
func refEmpty(seq []*dsl.StepIR) bool {
	for _, s := range seq {
		if s.Kind != dsl.StepNo && !s.Optional && (s.Kind != dsl.StepGroup || !refEmpty(s.Sub[0])) {
			return false
		}
	}
	return true
}
