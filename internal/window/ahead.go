package window

import "github.com/weir-cep/weir/internal/slab"

// Ahead brings near what the next event of a state will look at first, without
// waiting for it: the oldest event of each window of time, the place of the
// next one, and distinct values. Whoever has several states before it can so
// let their cache misses overlap. It changes nothing.
func (s *Set) Ahead(h slab.Handle) {
	r := s.mem.Words(h)
	for i := range s.pops {
		p := &s.pops[i]
		if p.ring.stride > 0 && p.ring.handle(r) != 0 {
			for j := range p.spans {
				if w := &p.spans[j]; w.dur > 0 && r[w.off] > 0 {
					slab.Prefetch(&s.oldest(p, w, r)[0])
				}
			}
			if n := p.ring.len(r); n > 0 {
				slab.Prefetch(&p.ring.at(s.mem, r, n-1)[0])
			}
		}
		for j := range p.distinct {
			if v := p.distinct[j].slot(r); v != 0 {
				s.mem.Ahead(slab.Handle(v))
			}
		}
	}
}
