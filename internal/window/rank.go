package window

import (
	"math"
	"sort"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// Percentile and median keep the values of their window sorted in one slot and
// insert and remove by binary search and a move, so an event costs O(log N)
// comparisons and a move of at most N words (N is at most MaxRank). The root
// has one word: handle<<32 | number of values.

func (s *Set) rankIn(p *uint64, v uint64) {
	n := int(uint32(*p))
	h := slab.Handle(*p >> 32)
	if h == 0 || n == len(s.mem.Words(h)) {
		h = s.mem.Grow(h, n+n/2+1)
	}
	w := s.mem.Words(h)[:n+1]
	s.mem.Touch(h)
	i := sort.Search(n, func(i int) bool { return w[i] > v })
	copy(w[i+1:], w[i:n])
	w[i] = v
	*p = uint64(h)<<32 | uint64(n+1)
}

func (s *Set) rankOut(p *uint64, v uint64) {
	n := int(uint32(*p))
	h := slab.Handle(*p >> 32)
	w := s.mem.Words(h)[:n]
	s.mem.Touch(h)
	i := sort.Search(n, func(i int) bool { return w[i] >= v })
	copy(w[i:], w[i+1:])
	*p--
}

// nth returns the i-th smallest value, from 0.
func (s *Set) nth(p uint64, i uint64) uint64 {
	return s.mem.Words(slab.Handle(p >> 32))[i]
}

// nearestRank returns the rank of a percentile among n values, from 1: the
// least rank that at least p percent of the values do not exceed. p counts in
// millionths of a percent, so that 99.9 is exactly that.
func nearestRank(p float64, n uint64) uint64 {
	millionths := uint64(math.Round(p * 1e6))
	return max(1, (millionths*n+1e8-1)/1e8)
}

// median returns the mean of the middle two values, or the middle one.
func (s *Set) median(sp *Spec, p uint64, kind cep.Kind, n uint64) (cep.Word, bool) {
	a := unordered(kind, s.nth(p, (n-1)/2))
	b := unordered(kind, s.nth(p, n/2))
	if kind == cep.KindNumber {
		x, y := cep.Number(a), cep.Number(b)
		if m := (x + y) / 2; !math.IsInf(m, 0) {
			return cep.NumberWord(m), true
		}
		return cep.NumberWord(x/2 + y/2), true
	}
	sum := s.buf[:2]
	clear(sum)
	addInt(sum, int64(a), false)
	addInt(sum, int64(b), false)
	if sp.Out == cep.KindNumber {
		return s.number(average(loadInt(sum, s.buf2[:]), 2))
	}
	return uint64(quotient(sum, 2)), true
}

// ordered maps a word to one that orders as unsigned, unordered maps it back.
func ordered(kind cep.Kind, w uint64) uint64 {
	if kind == cep.KindNumber && w>>63 == 1 {
		return ^w
	}
	return w ^ 1<<63
}

func unordered(kind cep.Kind, w uint64) uint64 {
	if kind == cep.KindNumber && w>>63 == 0 {
		return ^w
	}
	return w ^ 1<<63
}

// needsRank reports whether a function reads the sorted values.
func needsRank(fn dsl.AggFn) bool { return fn == dsl.AggPercentile || fn == dsl.AggMedian }
