package window

import (
	"fmt"
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// read says how an aggregate is read: from which structure of which
// population.
type read struct {
	from  source
	pop   int
	i     int    // of the structure
	acc   int    // of a span or bucket, -1: the number of events
	width uint64 // of the window: a duration, or events less one
	win   int    // of a distinct: the window's place among its spans, -1 in a bucket
}

// source is a kind of structure.
type source uint8

const (
	fromCount    source = iota // the number of events so far
	fromSpan                   // sums over a stretch of the ring
	fromExtreme                // a monotone deque
	fromRecent                 // the latest value
	fromDistinct               // values by when they were last seen
	fromBucket                 // sums that events only enter
)

// plan lays out the state: which structures the specs need, and where their
// fixed parts stand in the root.
func (s *Set) plan() error {
	for i := range s.specs {
		sp := &s.specs[i]
		if err := sp.check(); err != nil {
			return fmt.Errorf("aggregate %d: %w", i, err)
		}
		if err := s.input(sp); err != nil {
			return fmt.Errorf("aggregate %d: %w", i, err)
		}
	}
	for i := range s.specs {
		s.reads = append(s.reads, s.place(&s.specs[i]))
	}
	for i := range s.pops {
		if err := s.layout(&s.pops[i]); err != nil {
			return err
		}
	}
	for i, in := range s.inputs {
		if isSymbol(in.kind) {
			s.symbols = append(s.symbols, i)
		}
	}
	s.args = make([]Arg, len(s.inputs))
	s.late = make([]Arg, len(s.inputs))
	return nil
}

// input registers the argument of a spec and what the spec says about the life
// of a state.
func (s *Set) input(sp *Spec) error {
	switch w := sp.Window; {
	case w.Kind == dsl.WindowCalendar:
		s.units |= 1 << w.Unit
	case w.Kind == dsl.WindowAllTime || w.N > 0:
		s.always = true
	default:
		s.idle = max(s.idle, uint64(w.Dur)+uint64(w.Ending))
	}
	if sp.Input < 0 {
		return nil
	}
	if sp.Input >= maxInputs {
		return fmt.Errorf("more than %d arguments", maxInputs)
	}
	for len(s.inputs) <= sp.Input {
		s.inputs = append(s.inputs, input{})
	}
	in := &s.inputs[sp.Input]
	if in.kind != cep.KindNone && in.kind != sp.In {
		return fmt.Errorf("argument %d is a %s and a %s", sp.Input, in.kind, sp.In)
	}
	in.kind = sp.In
	in.optional = in.optional || sp.Optional
	return nil
}

// alloc returns the place of words in the root.
func (s *Set) alloc(words int) int {
	off := s.root
	s.root += words
	return off
}

// place finds or makes the structure that answers a spec.
func (s *Set) place(sp *Spec) read {
	n := s.population(sp.UnlessFired)
	p := &s.pops[n]
	w := sp.Window
	rd := read{pop: n, acc: -1, win: -1, width: uint64(w.Dur)}
	if w.N > 0 {
		rd.width = uint64(w.N - 1)
	}
	ln := s.lane(p, sp)
	if w.Kind == dsl.WindowCalendar || w.Kind == dsl.WindowAllTime {
		return s.placeBucket(p, ln, sp, rd)
	}
	ordinal := w.N > 0
	switch {
	case sp.Fn == dsl.AggCount && sp.Input < 0 && ordinal:
		rd.from = fromCount
	case sp.Fn == dsl.AggLast || sp.Fn == dsl.AggCount && sp.Seen:
		rd.from, rd.i = fromRecent, s.recent(p, ln, sp, ordinal)
	case sp.Fn == dsl.AggMin || sp.Fn == dsl.AggMax || sp.Fn == dsl.AggFirst:
		rd.from, rd.i = fromExtreme, s.extreme(p, ln, sp, ordinal, rd.width)
	case sp.Fn == dsl.AggDistinct:
		rd.from = fromDistinct
		rd.i, rd.win = s.distinct(p, ln, sp, ordinal, rd.width)
	default:
		rd.from, rd.i = fromSpan, s.span(p, ln, w)
		if sp.Input >= 0 {
			rd.acc = s.acc(&p.spans[rd.i].accs, sp, false)
		}
	}
	if ordinal && rd.from != fromSpan && p.count < 0 { // a span counts for itself
		p.count = s.alloc(1)
	}
	return rd
}

func (s *Set) placeBucket(p *population, ln int, sp *Spec, rd read) read {
	w := sp.Window
	rd.from = fromBucket
	rd.i = slices.IndexFunc(p.buckets, func(b bucket) bool {
		return b.calendar == (w.Kind == dsl.WindowCalendar) && (!b.calendar || b.unit == w.Unit)
	})
	if rd.i < 0 {
		b := bucket{lane: ln, calendar: w.Kind == dsl.WindowCalendar, unit: w.Unit, off: s.alloc(1)}
		if b.calendar {
			b.start = s.alloc(1)
		}
		rd.i = len(p.buckets)
		p.buckets = append(p.buckets, b)
	}
	b := &p.buckets[rd.i]
	switch {
	case sp.Fn == dsl.AggDistinct:
		for _, i := range b.distinct {
			if p.distinct[i].input == sp.Input {
				rd.from, rd.i = fromDistinct, i
				return rd
			}
		}
		b.distinct = append(b.distinct, len(p.distinct))
		rd.from, rd.i = fromDistinct, len(p.distinct)
		p.distinct = append(p.distinct, distinct{lane: ln, input: sp.Input, kind: sp.In, off: s.alloc(1)})
	case sp.Input >= 0:
		rd.acc = s.acc(&b.accs, sp, true)
	}
	return rd
}

func (s *Set) population(unless bool) int {
	for i := range s.pops {
		if s.pops[i].unless == unless {
			return i
		}
	}
	p := population{unless: unless, count: -1, flags: -1, lanes: make([]lane, laneSettle+1)}
	for i := range p.there {
		p.there[i], p.truth[i] = -1, -1
	}
	s.pops = append(s.pops, p)
	return len(s.pops) - 1
}

// lane finds or makes the lane of a spec's window.
func (s *Set) lane(p *population, sp *Spec) int {
	n := laneAdd
	switch w := sp.Window; {
	case w.Ending > 0:
		n = slices.IndexFunc(p.lanes, func(l lane) bool { return l.delay == uint64(w.Ending) })
		if n < 0 {
			n = len(p.lanes)
			p.lanes = append(p.lanes, lane{delay: uint64(w.Ending), lag: s.alloc(1)})
		}
	case sp.UnlessFired || w.Kind == dsl.WindowPrevious:
		n = laneSettle
	}
	p.lanes[n].used = true
	return n
}

func (s *Set) recent(p *population, ln int, sp *Spec, ordinal bool) int {
	truth := sp.Fn == dsl.AggCount && sp.Input >= 0
	i := slices.IndexFunc(p.recents, func(l recent) bool {
		return l.lane == ln && l.input == sp.Input && l.truth == truth
	})
	if i < 0 {
		i = len(p.recents)
		p.recents = append(p.recents, recent{lane: ln, input: sp.Input, kind: sp.In, truth: truth, at: -1, ord: -1, val: -1})
	}
	l := &p.recents[i]
	if ordinal && l.ord < 0 {
		l.ord = s.alloc(1)
	}
	if !ordinal && l.at < 0 {
		l.at = s.alloc(1)
	}
	if sp.Fn == dsl.AggLast && l.val < 0 {
		l.val = s.alloc(1)
	}
	return i
}

func (s *Set) extreme(p *population, ln int, sp *Spec, ordinal bool, width uint64) int {
	i := slices.IndexFunc(p.extremes, func(e extreme) bool {
		return e.lane == ln && e.fn == sp.Fn && e.input == sp.Input && e.ordinal == ordinal
	})
	if i < 0 {
		i = len(p.extremes)
		p.extremes = append(p.extremes, extreme{lane: ln, fn: sp.Fn, input: sp.Input, kind: sp.In, ordinal: ordinal, q: newQueue(s.alloc(headerWords), 2, 0)})
	}
	p.extremes[i].keep = max(p.extremes[i].keep, width)
	return i
}

func (s *Set) distinct(p *population, ln int, sp *Spec, ordinal bool, width uint64) (i, win int) {
	i = slices.IndexFunc(p.distinct, func(d distinct) bool {
		return d.lane == ln && d.input == sp.Input && d.ordinal == ordinal && len(d.spans) > 0
	})
	if i < 0 {
		i = len(p.distinct)
		p.distinct = append(p.distinct, distinct{lane: ln, input: sp.Input, kind: sp.In, ordinal: ordinal, off: s.alloc(1)})
	}
	d := &p.distinct[i]
	if win = slices.Index(d.spans, width); win < 0 {
		win = len(d.spans)
		d.spans = append(d.spans, width)
		d.keep = max(d.keep, width)
	}
	return i, win
}

func (s *Set) span(p *population, ln int, w dsl.Window) int {
	i := slices.IndexFunc(p.spans, func(x span) bool {
		return x.lane == ln && x.dur == uint64(w.Dur) && x.n == w.N
	})
	if i < 0 {
		i = len(p.spans)
		p.spans = append(p.spans, span{lane: ln, dur: uint64(w.Dur), n: w.N, off: s.alloc(1)})
	}
	return i
}

// acc finds or makes the running sums of a spec's input, with what its
// function reads.
func (s *Set) acc(accs *[]acc, sp *Spec, inBucket bool) int {
	truth := sp.Fn == dsl.AggCount
	i := slices.IndexFunc(*accs, func(a acc) bool { return a.input == sp.Input && a.truth == truth })
	if i < 0 {
		i = len(*accs)
		*accs = append(*accs, newAcc(sp.Input, sp.In))
	}
	a := &(*accs)[i]
	a.truth = truth
	place := func(off *int, words int) {
		if *off < 0 {
			*off = s.alloc(words)
		}
	}
	sum, sq := 2, 3
	if sp.In == cep.KindNumber {
		sum, sq = 1, 1
	}
	switch sp.Fn {
	case dsl.AggSum, dsl.AggAvg:
		place(&a.sum, sum)
	case dsl.AggStddev, dsl.AggZscore:
		place(&a.sum, sum)
		place(&a.sq, sq)
	case dsl.AggPercentile, dsl.AggMedian:
		place(&a.rank, 1)
	case dsl.AggMin:
		place(&a.low, 1)
	case dsl.AggMax:
		place(&a.high, 1)
	case dsl.AggFirst:
		place(&a.first, 1)
	case dsl.AggLast:
		place(&a.last, 1)
	}
	if truth || s.inputs[sp.Input].optional || a.records() {
		place(&a.cnt, 1)
	}
	return i
}

// layout lays out the records of a population's ring: only what some window
// needs when an event leaves it, or enters it late.
func (s *Set) layout(p *population) error {
	delayed := false
	for i := range p.lanes {
		delayed = delayed || p.lanes[i].delay > 0
	}
	if len(p.spans) == 0 && !delayed {
		return nil
	}
	bits := int8(0)
	p.timed = delayed
	for i := range p.spans {
		w := &p.spans[i]
		p.timed = p.timed || w.dur > 0
		p.early = p.early || w.lane == laneAdd
		for _, a := range w.accs {
			s.keep(p, &bits, a.input, a.truth)
		}
	}
	late := func(ln, input int, truth bool) {
		if p.lanes[ln].delay > 0 && input >= 0 {
			s.keep(p, &bits, input, truth)
		}
	}
	for _, e := range p.extremes {
		late(e.lane, e.input, false)
	}
	for _, l := range p.recents {
		late(l.lane, l.input, l.truth)
	}
	for _, d := range p.distinct {
		late(d.lane, d.input, false)
	}
	stride := 0
	if p.timed {
		stride++
	}
	if bits > 0 {
		p.flags = stride
		stride++
	}
	for i := range p.cols {
		p.cols[i].off = stride
		stride++
	}
	off := s.alloc(headerWords)
	p.ring = newQueue(off, stride, s.spare(stride))
	return nil
}

// spare fills up the root with place for at least two records of so many
// words, and returns how many it holds.
func (s *Set) spare(stride int) int {
	const round = 4 // most slots of the arena are of a multiple of it
	end := s.root
	s.root = (end + 2*stride + round - 1) / round * round
	return (s.root - end) / stride
}

// keep makes the ring's records hold an input, or whether a condition held.
func (s *Set) keep(p *population, bits *int8, input int, truth bool) {
	bit := func(b *int8) {
		if *b < 0 {
			*b = *bits
			*bits++
		}
	}
	if truth {
		bit(&p.truth[input])
		return
	}
	if s.inputs[input].optional {
		bit(&p.there[input])
	}
	if !slices.ContainsFunc(p.cols, func(c column) bool { return c.input == input }) {
		p.cols = append(p.cols, column{input: input, kind: s.inputs[input].kind})
	}
}
