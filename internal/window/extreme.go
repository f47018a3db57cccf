package window

import (
	"sort"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// extreme answers min or max over sliding windows from a monotone deque: a
// value is kept only while no later one is as good, so the best of a window is
// the first record that lies in it. One deque serves all windows of its input;
// a shorter window begins further back in it. For first() no value is ever
// beaten, and the deque holds them all.
//
// (The ascending minima of Richard Harter, 2001; also Lemire, Streaming
// maximum-minimum filter, Nordic J. Computing 13(4), 2006.)
type extreme struct {
	lane    int
	fn      dsl.AggFn // min, max or first
	input   int
	kind    cep.Kind
	ordinal bool   // the windows count events, not time
	keep    uint64 // length of the longest window: a duration, or events less one
	q       queue  // of (stamp or ordinal, value)
}

// see enters a value.
func (e *extreme) see(s *Set, r []uint64, at, ord uint64, v Arg) {
	if e.ordinal {
		at = ord
		e.evict(s, r, ord)
	}
	if !v.Ok {
		return
	}
	for n := e.q.len(r); n > 0 && e.beats(s, v.Word, e.q.at(s.mem, r, n-1)[1]); n-- {
		s.release(e.kind, e.q.at(s.mem, r, n-1)[1])
		e.q.popBack(s.mem, r)
	}
	if e.q.len(r) >= s.Limit {
		s.Capped++
		e.pop(s, r)
	}
	rec := e.q.push(s.mem, r)
	rec[0], rec[1] = at, v.Word
	s.retain(e.kind, v.Word)
}

// beats reports whether a new value makes an older one useless.
func (e *extreme) beats(s *Set, v, old uint64) bool {
	switch e.fn {
	case dsl.AggMin:
		return !s.less(e.kind, old, v)
	case dsl.AggMax:
		return !s.less(e.kind, v, old)
	}
	return false
}

// evict drops what the longest window no longer holds at ref.
func (e *extreme) evict(s *Set, r []uint64, ref uint64) {
	from := before(ref, e.keep)
	for e.q.len(r) > 0 && e.q.at(s.mem, r, 0)[0] < from {
		e.pop(s, r)
	}
}

func (e *extreme) pop(s *Set, r []uint64) {
	s.release(e.kind, e.q.at(s.mem, r, 0)[1])
	e.q.popFront(s.mem, r)
}

// read returns the best value at or after from.
func (e *extreme) read(s *Set, r []uint64, from uint64) (cep.Word, bool) {
	n := e.q.len(r)
	if n == 0 {
		return 0, false
	}
	i := 0
	if e.q.at(s.mem, r, 0)[0] < from {
		i = sort.Search(n, func(i int) bool { return e.q.at(s.mem, r, i)[0] >= from })
		if i == n {
			return 0, false
		}
	}
	return e.q.at(s.mem, r, i)[1], true
}

// with returns the better of a result and the current event's value.
func (e *extreme) with(s *Set, w cep.Word, ok bool, v Arg) (cep.Word, bool) {
	if !v.Ok || ok && !e.beats(s, v.Word, w) {
		return w, ok
	}
	return v.Word, true
}

func (e *extreme) clear(s *Set, r []uint64) {
	if isSymbol(e.kind) {
		for e.q.len(r) > 0 {
			e.pop(s, r)
		}
	}
	e.q.free(s.mem, r)
}

// recent answers last() and the counts that are only asked whether they are
// zero: it remembers the latest value and when it came, whatever the length of
// the windows. Any window that holds an event holds the latest.
type recent struct {
	lane  int
	input int // -1: any event
	kind  cep.Kind
	truth bool // only events for which the condition holds
	at    int  // root places, -1 if not needed: its stamp (0: none),
	ord   int  // its ordinal,
	val   int  // its value
}

func (l *recent) see(s *Set, r []uint64, at, ord uint64, args []Arg) {
	var v Arg
	if l.input >= 0 {
		if v = args[l.input]; !v.Ok || l.truth && v.Word == 0 {
			return
		}
	}
	if l.at >= 0 {
		r[l.at] = at
	}
	if l.ord >= 0 {
		r[l.ord] = ord
	}
	if l.val >= 0 {
		s.replace(&r[l.val], l.kind, v.Word)
	}
}
