package expr

import (
	"slices"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// maxTell is up to how many distinct values a comparison with a constant keeps
// apart by looking at each; beyond, sorting all is the faster way.
const maxTell = 32

// distinctWithin compiles "distinct(step.f) lies in the span" for small spans:
// it stops at the value that decides, which with the usual "at least five" is
// soon. ok is false where the span is not small.
func (c *Compiler) distinctWithin(of *dsl.Expr, s span) (Cond, bool) {
	limit := s.hi
	if s.hi == maxInt {
		limit = s.lo - 1 // at least lo: one below is as far as one must count to say no
	}
	if limit < 0 || limit >= maxTell {
		return nil, false
	}
	g, enough := c.gatherer(of), int(limit)+1
	return func(f *Frame) bool {
		n := int64(g.tell(f, enough))
		return (n >= s.lo && n <= s.hi) != s.not
	}, true
}

// tell counts distinct values, but only to enough.
func (g *gatherer) tell(f *Frame, enough int) int {
	if f.Bound == nil || enough == 0 {
		return 0
	}
	var seen [maxTell]cep.Wide
	n := 0
	wide := g.kind == cep.KindIP || g.kind == cep.KindPoint
next:
	for i := range f.Bound.Count(g.step) {
		rec := f.Bound.Record(g.step, i)
		if rec[g.at]&g.bit == 0 {
			continue
		}
		v := cep.Wide{plainZero(rec[g.off], g.kind)}
		if wide {
			v[1] = rec[g.off+1]
		}
		if g.kind == cep.KindPoint {
			v = plusZero(v)
		}
		for k := range n {
			if seen[k] == v {
				continue next
			}
		}
		seen[n] = v
		if n++; n == enough {
			return n
		}
	}
	return n
}

// distinct counts different values. Symbols are different where strings are.
func distinct(words []uint64, kind cep.Kind) int64 {
	if kind == cep.KindIP || kind == cep.KindPoint {
		return distinctWide(words, kind)
	}
	if kind == cep.KindNumber {
		for i := range words {
			words[i] = plainZero(words[i], kind)
		}
	}
	slices.Sort(words)
	return int64(len(slices.Compact(words)))
}

func distinctWide(words []uint64, kind cep.Kind) int64 {
	n := len(words) / 2
	at := func(i int) cep.Wide {
		w := cep.Wide{words[2*i], words[2*i+1]}
		if kind == cep.KindPoint {
			w = plusZero(w)
		}
		return w
	}
	set := func(i int, w cep.Wide) { words[2*i], words[2*i+1] = w[0], w[1] }
	// A heap sort, for the library's sort moves single words.
	down := func(i, n int) {
		w := at(i)
		for {
			child := 2*i + 1
			if child >= n {
				break
			}
			if child+1 < n && cmpWide(at(child+1), at(child)) > 0 {
				child++
			}
			if cmpWide(at(child), w) <= 0 {
				break
			}
			set(i, at(child))
			i = child
		}
		set(i, w)
	}
	for i := n/2 - 1; i >= 0; i-- {
		down(i, n)
	}
	for i := n - 1; i > 0; i-- {
		top, end := at(0), at(i)
		set(0, end)
		set(i, top)
		down(0, i)
	}
	var count int64
	for i := range n {
		if i == 0 || at(i) != at(i-1) {
			count++
		}
	}
	return count
}
