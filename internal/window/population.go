package window

import (
	"github.com/weir-cep/weir/cep"
)

// A population is the events that a group of windows is about: all of the
// stream, or those on which the rule did not fire. It has at most one ring of
// events, of which every window that needs single events again holds a
// stretch; extremes, distinct values and latest values need no ring.
type population struct {
	unless bool
	early  bool  // the ring takes an event at Add, not at Settle
	count  int   // root place of the number of events so far, -1 if nobody asks
	ring   queue // stride 0: none
	timed  bool  // records begin with the time
	flags  int   // place of the flags in a record, -1
	cols   []column
	there  [maxInputs]int8 // flag bit that says that an input is present, -1
	truth  [maxInputs]int8 // flag bit that says that a condition holds, -1

	lanes    []lane // laneAdd, laneSettle, then one for every delay
	spans    []span
	extremes []extreme
	recents  []recent
	distinct []distinct
	buckets  []bucket
}

// A lane says when an event enters the windows that it feeds.
type lane struct {
	used  bool
	delay uint64 // of "ending D ago": an event enters when it is that old
	lag   int    // root place of how many of the ring's events have not entered; only with a delay
}

const (
	laneAdd    = 0 // when the event becomes current
	laneSettle = 1 // when it is past, or settled as not fired
)

// column is an input that the ring keeps.
type column struct {
	input, off int
	kind       cep.Kind
}

// span is a stretch of the ring: one window whose accumulators an event
// enters and leaves.
type span struct {
	lane int
	dur  uint64 // of a window of time
	n    int    // of a window of events
	off  int    // root place of the number of its events
	accs []acc
}

// push appends the current event to the ring. A full ring loses its oldest.
func (s *Set) push(p *population, r []uint64, now uint64) {
	if p.ring.len(r) >= s.Limit {
		s.crowd(p, r)
	}
	rec := p.ring.push(s.mem, r)
	if p.timed {
		rec[0] = now
	}
	if p.flags >= 0 {
		var f uint64
		for i, a := range s.args {
			if b := p.there[i]; b >= 0 && a.Ok {
				f |= 1 << b
			}
			if b := p.truth[i]; b >= 0 && a.Ok && a.Word == 1 {
				f |= 1 << b
			}
		}
		rec[p.flags] = f
	}
	for _, c := range p.cols {
		a := s.args[c.input]
		if !a.Ok {
			a.Word = 0
		}
		rec[c.off] = a.Word
		s.retain(c.kind, a.Word)
	}
	for i := range p.lanes {
		if l := &p.lanes[i]; l.delay > 0 {
			r[l.lag]++
		}
	}
}

// value returns an input of a record. A condition that is only counted is
// present when it holds.
func (p *population) value(rec []uint64, input int) Arg {
	a := Arg{Ok: true}
	if b := p.there[input]; b >= 0 {
		a.Ok = rec[p.flags]>>b&1 == 1
	}
	if b := p.truth[input]; b >= 0 {
		a.Word = rec[p.flags] >> b & 1
	}
	for _, c := range p.cols {
		if c.input == input {
			a.Word = rec[c.off]
		}
	}
	return a
}

// admit lets an event into everything that a lane feeds.
func (s *Set) admit(p *population, lane int, r []uint64, at uint64, args []Arg) {
	for i := range p.spans {
		w := &p.spans[i]
		if w.lane != lane {
			continue
		}
		r[w.off]++
		for j := range w.accs {
			a := &w.accs[j]
			s.enter(r, a, args[a.input])
		}
		if w.n > 0 && int(r[w.off]) > w.n {
			s.leave(p, w, r)
		}
	}
	ord := uint64(0)
	if p.count >= 0 {
		ord = r[p.count]
	}
	for i := range p.extremes {
		if e := &p.extremes[i]; e.lane == lane {
			e.see(s, r, at, ord, args[e.input])
		}
	}
	for i := range p.recents {
		if l := &p.recents[i]; l.lane == lane {
			l.see(s, r, at, ord, args)
		}
	}
	for i := range p.distinct {
		if d := &p.distinct[i]; d.lane == lane {
			d.enter(s, r, at, ord, args[d.input])
		}
	}
	for i := range p.buckets {
		if b := &p.buckets[i]; b.lane == lane {
			b.see(s, r, args)
		}
	}
}

// lag returns how many of the ring's newest events have not entered a lane. A
// current event that only laneAdd has taken in is not among them: nothing
// moves between Add and Settle.
func (p *population) lag(lane int, r []uint64) int {
	if l := &p.lanes[lane]; l.delay > 0 {
		return int(r[l.lag])
	}
	return 0
}

// oldest returns the record of the oldest event of a span.
func (s *Set) oldest(p *population, w *span, r []uint64) []uint64 {
	return p.ring.at(s.mem, r, p.ring.len(r)-p.lag(w.lane, r)-int(r[w.off]))
}

// leave takes the oldest event out of a span.
func (s *Set) leave(p *population, w *span, r []uint64) {
	if len(w.accs) > 0 {
		rec := s.oldest(p, w, r)
		for j := range w.accs {
			a := &w.accs[j]
			s.exit(r, a, p.value(rec, a.input))
		}
	}
	r[w.off]--
	if r[w.off] == 0 {
		s.clear(r, w.accs)
	}
}

// move brings a state to a later time, so that at its clock every window of
// time holds what it should.
func (s *Set) move(r []uint64, now uint64) {
	r[clock] = now
	for i := range s.pops {
		s.advance(&s.pops[i], r, now)
	}
}

// advance brings a population to a time: events enter delayed lanes and leave
// windows of time.
func (s *Set) advance(p *population, r []uint64, now uint64) {
	for i := laneSettle + 1; i < len(p.lanes); i++ {
		s.advanceLane(p, i, r, now)
	}
	for i := range p.spans {
		s.expire(p, &p.spans[i], r, now)
	}
	for i := range p.extremes {
		if e := &p.extremes[i]; !e.ordinal {
			e.evict(s, r, before(now, p.lanes[e.lane].delay))
		}
	}
	for i := range p.distinct {
		if d := &p.distinct[i]; !d.ordinal && len(d.spans) > 0 {
			d.evict(s, r, before(now, p.lanes[d.lane].delay))
		}
	}
	for i := range p.buckets {
		s.turn(p, &p.buckets[i], r, now)
	}
}

// advanceLane lets in the events that have become old enough for a lane.
func (s *Set) advanceLane(p *population, lane int, r []uint64, now uint64) {
	l := &p.lanes[lane]
	if l.delay == 0 {
		return
	}
	until := before(now, l.delay)
	for n := p.ring.len(r); r[l.lag] > 0; {
		rec := p.ring.at(s.mem, r, n-int(r[l.lag]))
		if rec[0] > until {
			return
		}
		r[l.lag]--
		for i := range s.late {
			s.late[i] = p.value(rec, i)
		}
		s.admit(p, lane, r, rec[0], s.late)
	}
}

// expire takes the events out of a span that are older than its duration.
func (s *Set) expire(p *population, w *span, r []uint64, now uint64) {
	if w.dur == 0 {
		return
	}
	from := before(before(now, p.lanes[w.lane].delay), w.dur)
	for r[w.off] > 0 && s.oldest(p, w, r)[0] < from {
		s.leave(p, w, r)
	}
}

// trim drops the events from the ring that no window holds or waits for.
func (s *Set) trim(p *population, r []uint64) {
	if p.ring.stride == 0 {
		return
	}
	need := 0
	for i := range p.spans {
		w := &p.spans[i]
		need = max(need, p.lag(w.lane, r)+int(r[w.off]))
	}
	for i := range p.lanes {
		need = max(need, p.lag(i, r))
	}
	for n := p.ring.len(r); n > need; n-- {
		s.dropOldest(p, r)
	}
}

func (s *Set) dropOldest(p *population, r []uint64) {
	for _, c := range p.cols {
		if isSymbol(c.kind) {
			s.release(c.kind, p.ring.at(s.mem, r, 0)[c.off])
		}
	}
	p.ring.popFront(s.mem, r)
}

// crowd makes place in a full ring: its oldest event leaves every window, or
// never enters those that it waited for.
func (s *Set) crowd(p *population, r []uint64) {
	s.Capped++
	n := p.ring.len(r)
	for i := range p.spans {
		w := &p.spans[i]
		if r[w.off] > 0 && n == p.lag(w.lane, r)+int(r[w.off]) {
			s.leave(p, w, r)
		}
	}
	for i := range p.lanes {
		if l := &p.lanes[i]; l.delay > 0 && int(r[l.lag]) == n {
			r[l.lag]--
		}
	}
	s.dropOldest(p, r)
}

func (p *population) drop(s *Set, r []uint64) {
	if p.ring.stride > 0 {
		for range p.ring.len(r) {
			s.dropOldest(p, r)
		}
		p.ring.free(s.mem, r)
	}
	for i := range p.spans {
		s.clear(r, p.spans[i].accs)
	}
	for i := range p.extremes {
		p.extremes[i].clear(s, r)
	}
	for i := range p.recents {
		if l := &p.recents[i]; l.val >= 0 {
			s.release(l.kind, r[l.val])
		}
	}
	for i := range p.distinct {
		p.distinct[i].clear(s, r)
	}
	for i := range p.buckets {
		s.clear(r, p.buckets[i].accs)
	}
}

func (p *population) bytes(s *Set, r []uint64) int64 {
	n := int64(0)
	if p.ring.stride > 0 {
		n += p.ring.bytes(s.mem, r)
	}
	for i := range p.spans {
		n += s.accBytes(r, p.spans[i].accs)
	}
	for i := range p.extremes {
		n += p.extremes[i].q.bytes(s.mem, r)
	}
	for i := range p.distinct {
		n += p.distinct[i].bytes(s, r)
	}
	for i := range p.buckets {
		n += s.accBytes(r, p.buckets[i].accs)
	}
	return n
}
