package window

import "github.com/weir-cep/weir/internal/slab"

// Reach reads what the next event of a state will read first, the oldest event
// of each window of time, and changes nothing. Whoever has several states
// before it can so let their cache misses overlap; the result is to be summed
// up into something the compiler cannot leave out.
func (s *Set) Reach(h slab.Handle) (sum uint64) {
	r := s.mem.Words(h)
	for i := range s.pops {
		p := &s.pops[i]
		for j := range p.spans {
			if w := &p.spans[j]; w.dur > 0 && r[w.off] > 0 {
				sum += s.oldest(p, w, r)[0]
			}
		}
	}
	return sum
}
