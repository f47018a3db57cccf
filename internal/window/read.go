package window

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// Read returns aggregate i of the state h (0: no state) at a time: that of the
// state's current event if it has one, else the given one, and at least the
// latest that the state has seen. ok is false for a missing value. The word
// of a string, ip or point is a symbol that the state holds a reference to.
func (s *Set) Read(h slab.Handle, at int64, i int) (w cep.Word, ok bool) {
	sp, rd := &s.specs[i], &s.reads[i]
	if h == 0 {
		return 0, sp.Fn == dsl.AggCount || sp.Fn == dsl.AggSum || sp.Fn == dsl.AggDistinct
	}
	r := s.mem.Words(h)
	p := &s.pops[rd.pop]
	current := s.open && s.cur == h
	now := r[clock]
	if t := stamp(at); t > now && !current {
		now = t
		s.mem.Touch(h)
		s.move(r, now)
	}
	// Windows that leave out fired events have not got the current one yet;
	// those that count it must be read with it.
	with := current && p.unless && sp.Window.Kind != dsl.WindowPrevious
	v := view{now: now, with: with}
	if p.count >= 0 {
		v.ord = r[p.count]
		if current && !p.unless && sp.Window.Kind == dsl.WindowPrevious {
			v.ord--
		}
	}
	switch rd.from {
	case fromCount:
		n := v.ord
		if with {
			n++
		}
		return min(n, uint64(sp.Window.N)), true
	case fromSpan:
		return s.readSpan(p, sp, rd, r, v, current)
	case fromExtreme:
		return s.readExtreme(p, rd, r, v)
	case fromRecent:
		return s.readRecent(p, sp, rd, r, v)
	case fromDistinct:
		return s.readDistinct(p, rd, r, v)
	}
	return s.readBucket(p, sp, rd, r, v, current)
}

// view is as of when a window is read.
type view struct {
	now  uint64
	ord  uint64 // number of the population's latest event
	with bool   // the current event counts too, though it has not entered
}

// from returns the lower bound of a window of time or, if ordinal, of events.
func (v view) from(p *population, lane int, ordinal bool, width uint64) uint64 {
	if !ordinal {
		return before(before(v.now, p.lanes[lane].delay), width)
	}
	if v.with {
		return before(v.ord+1, width)
	}
	return before(v.ord, width)
}

// compared returns the value that zscore measures.
func (s *Set) compared(sp *Spec, current bool) Arg {
	if sp.Fn == dsl.AggZscore && (current || s.shown) {
		return s.args[sp.Input]
	}
	return Arg{}
}

func (s *Set) readSpan(p *population, sp *Spec, rd *read, r []uint64, v view, current bool) (cep.Word, bool) {
	w := &p.spans[rd.i]
	if rd.acc < 0 {
		n := r[w.off]
		if v.with {
			n++
		}
		return n, true
	}
	a := &w.accs[rd.acc]
	x := s.compared(sp, current)
	if !v.with {
		return s.fromAcc(sp, r, a, r[w.off], x)
	}
	// Sums are exact, so the current event can go in, and out again.
	n := r[w.off] + 1
	var oldest Arg
	full := w.n > 0 && n > uint64(w.n)
	if full {
		oldest = p.value(s.oldest(p, w, r), w.accs[rd.acc].input)
		s.exit(r, a, oldest)
		n--
	}
	s.enter(r, a, s.args[a.input])
	res, ok := s.fromAcc(sp, r, a, n, x)
	s.exit(r, a, s.args[a.input])
	if full {
		s.enter(r, a, oldest)
	}
	return res, ok
}

func (s *Set) readExtreme(p *population, rd *read, r []uint64, v view) (cep.Word, bool) {
	e := &p.extremes[rd.i]
	w, ok := e.read(s, r, v.from(p, e.lane, e.ordinal, rd.width))
	if v.with {
		return e.with(s, w, ok, s.args[e.input])
	}
	return w, ok
}

func (s *Set) readRecent(p *population, sp *Spec, rd *read, r []uint64, v view) (cep.Word, bool) {
	l := &p.recents[rd.i]
	ordinal := sp.Window.N > 0
	off := l.at
	if ordinal {
		off = l.ord
	}
	ok := r[off] != 0 && r[off] >= v.from(p, l.lane, ordinal, rd.width)
	val := uint64(0)
	if l.val >= 0 {
		val = r[l.val]
	}
	if v.with {
		if l.input < 0 {
			ok = true
		} else if x := s.args[l.input]; x.Ok && (!l.truth || x.Word == 1) {
			ok, val = true, x.Word
		}
	}
	if sp.Fn == dsl.AggCount {
		if ok {
			return 1, true
		}
		return 0, true
	}
	return val, ok
}

func (s *Set) readDistinct(p *population, rd *read, r []uint64, v view) (cep.Word, bool) {
	d := &p.distinct[rd.i]
	ref := v.ord
	if !d.ordinal {
		ref = before(v.now, p.lanes[d.lane].delay)
	}
	from := uint64(0)
	if len(d.spans) > 0 {
		from = before(ref, rd.width)
	}
	n := d.count(s, r, rd.win, from)
	if !v.with {
		return n, true
	}
	if now := v.from(p, d.lane, d.ordinal, rd.width); d.ordinal && now > from {
		// The oldest event makes place for the current one.
		if d.oldestAt(s, r, rd.win, from) {
			n--
		}
		from = now
	}
	if x := s.args[d.input]; x.Ok {
		if seen := d.lastSeen(s, r, x.Word); seen == 0 || seen < from {
			n++
		}
	}
	return n, true
}

func (s *Set) readBucket(p *population, sp *Spec, rd *read, r []uint64, v view, current bool) (cep.Word, bool) {
	b := &p.buckets[rd.i]
	n := r[b.off]
	if v.with {
		n++
	}
	if rd.acc < 0 {
		return n, true
	}
	a := &b.accs[rd.acc]
	x := s.compared(sp, current)
	if !v.with {
		return s.fromAcc(sp, r, a, n, x)
	}
	cur := s.args[a.input]
	if !cur.Ok || a.truth && cur.Word == 0 {
		return s.fromAcc(sp, r, a, n, x)
	}
	s.sums(r, a, cur.Word, false)
	w, ok := s.fromAcc(sp, r, a, n, x)
	alone := a.cnt >= 0 && r[a.cnt] == 1
	s.sums(r, a, cur.Word, true)
	switch sp.Fn {
	case dsl.AggMin:
		if alone || s.less(a.kind, cur.Word, w) {
			w = cur.Word
		}
	case dsl.AggMax:
		if alone || s.less(a.kind, w, cur.Word) {
			w = cur.Word
		}
	case dsl.AggFirst:
		if alone {
			w = cur.Word
		}
	case dsl.AggLast:
		w = cur.Word
	}
	return w, ok
}
