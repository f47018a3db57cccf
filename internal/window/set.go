package window

import (
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// Limits of a state.
const (
	// MaxEvents is the most events that one window of one key holds. Beyond it
	// the oldest go, and Capped counts them.
	MaxEvents = 1 << 22
	// MaxRank is the most events of a percentile or median.
	MaxRank = 1 << 14
	// maxInputs is the most distinct arguments of a set.
	maxInputs = 32
)

// Set keeps the aggregates of one owner over one stream, for any number of
// keys. A shard owns its own; it is not safe for concurrent use.
type Set struct {
	// Failed is set when a result does not fit its type (a sum beyond int64, an
	// infinite number); the result then reads as missing. Whoever reads clears it.
	Failed bool
	// Capped counts the events that left a window because it was full.
	Capped uint64
	// Limit is the most events that a window of a key holds, MaxEvents if not
	// lowered before the first Add.
	Limit int

	specs   []Spec
	inputs  []input
	symbols []int // the inputs that are symbols
	reads   []read
	pops    []population
	root    int // words of a state's root
	idle    uint64
	units   uint8 // calendar units in use, by bit
	always  bool  // a state never empties by itself

	mem  *slab.Arena
	syms *slab.Symbols
	cal  *calendar

	// The current event.
	open  bool // between Add and Settle
	shown bool // args are those of Show
	cur   slab.Handle
	args  []Arg

	late    []Arg // of an event that enters a delayed window
	buf     [maxLimbs]uint64
	buf2    [maxLimbs]uint64
	scratch [3 * maxLimbs]uint64
}

type input struct {
	kind     cep.Kind
	optional bool
}

// clock is the place of the latest time seen in every root. All times in a
// state are biased (see stamp).
const clock = 0

// stamp returns a time as a word that orders as unsigned; 0 stands for never.
func stamp(at int64) uint64 { return uint64(at) ^ 1<<63 }

// before returns ref less span, at least 0: the lower bound of a window.
func before(ref, span uint64) uint64 {
	if span > ref {
		return 0
	}
	return ref - span
}

// New compiles aggregates that share stream and key. Calendar windows go by
// zone; states live in mem; strings are symbols of syms. It reports a spec that
// is senseless or beyond the limits.
func New(specs []Spec, zone *time.Location, mem *slab.Arena, syms *slab.Symbols) (*Set, error) {
	s := &Set{Limit: MaxEvents, specs: specs, mem: mem, syms: syms, cal: newCalendar(zone), root: clock + 1}
	return s, s.plan()
}

// Add makes an event the current one of the state h (0: a new state) and
// returns the state. args are the values of the set's inputs. An event that is
// still current is settled first, as one that did not fire.
func (s *Set) Add(h slab.Handle, at int64, args []Arg) slab.Handle {
	if s.open {
		s.Settle(false)
	}
	if h == 0 {
		h = s.mem.Alloc(s.root)
	}
	s.mem.Touch(h)
	r := s.mem.Words(h)
	now := max(stamp(at), r[clock])
	if now > r[clock] {
		s.move(r, now)
	}
	s.keepArgs(args)
	for i := range s.pops {
		p := &s.pops[i]
		s.trim(p, r)
		if p.unless {
			continue
		}
		if p.count >= 0 {
			r[p.count]++
		}
		if p.early {
			s.push(p, r, now)
		}
		if p.lanes[laneAdd].used {
			s.admit(p, laneAdd, r, now, s.args)
		}
	}
	s.cur, s.open, s.shown = h, true, false
	s.holdArgs(true)
	return h
}

// holdArgs takes or gives back references to the current event's symbols, so
// that they outlive the caller's.
func (s *Set) holdArgs(hold bool) {
	for _, i := range s.symbols {
		switch a := s.args[i]; {
		case !a.Ok:
		case hold:
			s.syms.Retain(slab.Symbol(a.Word))
		default:
			s.syms.Release(slab.Symbol(a.Word))
		}
	}
}

// Settle says that nothing reads the current event as current any more, and
// whether the rule fired on it. Without a current event it does nothing.
func (s *Set) Settle(fired bool) {
	if !s.open {
		return
	}
	s.settle(fired)
	s.holdArgs(false)
}

func (s *Set) settle(fired bool) {
	s.open = false
	r := s.mem.Words(s.cur)
	now := r[clock]
	for i := range s.pops {
		p := &s.pops[i]
		if p.unless && fired {
			continue
		}
		if p.unless && p.count >= 0 {
			r[p.count]++
		}
		if !p.early && p.ring.stride > 0 {
			s.push(p, r, now)
		}
		if p.lanes[laneSettle].used {
			s.admit(p, laneSettle, r, now, s.args)
		}
	}
}

// Show gives the inputs of the event that zscore compares with its window
// where no event is current, as at a deadline. It holds until the next Add; the
// event that was current, if any, is settled as one that did not fire.
func (s *Set) Show(args []Arg) {
	s.Settle(false)
	s.keepArgs(args)
	s.shown = true
}

func (s *Set) keepArgs(args []Arg) {
	for i := range s.args {
		s.args[i] = args[i]
		in := &s.inputs[i]
		if !in.optional {
			s.args[i].Ok = true
		}
		if in.kind == cep.KindNumber && args[i].Word == 1<<63 {
			s.args[i].Word = 0 // -0 is 0
		}
	}
}

// Idle returns the time after which the state holds no event, so that it may
// be dropped: a missing state reads the same. ok is false if that time never
// comes, as with `all time` and windows of N events.
func (s *Set) Idle(h slab.Handle) (at int64, ok bool) {
	if s.always {
		return 0, false
	}
	last := s.mem.Words(h)[clock]
	end := last + s.idle
	if end < last {
		return 0, false
	}
	at = int64(end ^ 1<<63)
	for u := dsl.Hour; u <= dsl.Month; u++ {
		if s.units>>u&1 == 1 {
			_, until := s.cal.period(u, int64(last^1<<63))
			at = max(at, until-1)
		}
	}
	return at, true
}

// Drop frees the state and releases its symbols. Dropping 0 does nothing.
func (s *Set) Drop(h slab.Handle) {
	if h == 0 {
		return
	}
	if s.open && s.cur == h {
		s.open = false
		s.holdArgs(false)
	}
	s.mem.Touch(h)
	r := s.mem.Words(h)
	for i := range s.pops {
		s.pops[i].drop(s, r)
	}
	s.mem.Free(h)
}

// Bytes returns the memory of the state's slots.
func (s *Set) Bytes(h slab.Handle) int64 {
	r := s.mem.Words(h)
	n := int64(len(r)) * 8
	for i := range s.pops {
		n += s.pops[i].bytes(s, r)
	}
	return n
}

func (s *Set) retain(kind cep.Kind, w uint64) {
	if isSymbol(kind) {
		s.syms.Retain(slab.Symbol(w))
	}
}

func (s *Set) release(kind cep.Kind, w uint64) {
	if isSymbol(kind) {
		s.syms.Release(slab.Symbol(w))
	}
}

// less orders two words of a kind.
func (s *Set) less(kind cep.Kind, a, b uint64) bool {
	switch kind {
	case cep.KindNumber:
		return cep.Number(a) < cep.Number(b)
	case cep.KindString:
		return s.syms.Str(slab.Symbol(a)) < s.syms.Str(slab.Symbol(b))
	}
	return int64(a) < int64(b)
}
