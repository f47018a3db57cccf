package gen

import "github.com/weir-cep/weir/internal/xmath"

// random is a splitmix64 generator: small enough for one in every actor, so
// that what one does never changes what another does.
type random struct{ state uint64 }

func seeded(seed, stream uint64) random {
	r := random{seed}
	r.state = r.next() ^ stream*0xD1342543DE82EF95
	r.next()
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9E3779B97F4A7C15
	z := r.state
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below returns 0 ≤ n < limit; its bias is below 2^-32 for the limits used here.
func (r *random) below(limit int) int { return int((r.next() >> 32) * uint64(limit) >> 32) }

// between returns low ≤ n ≤ high.
func (r *random) between(low, high int64) int64 {
	return low + int64(r.next()%uint64(high-low+1))
}

// unit returns 0 < x < 1.
func (r *random) unit() float64 { return (float64(r.next()>>12) + 0.5) / (1 << 52) }

func (r *random) chance(p float64) bool { return r.unit() < p }

// wait returns an exponential waiting time with the given mean, in ns, of whole
// milliseconds and at least one.
func (r *random) wait(mean float64) int64 {
	return max(1, int64(-mean*xmath.Log(r.unit())/1e6)) * 1e6
}

// normal returns a value around 0 with deviation 1: a sum of twelve, good
// enough to about three deviations.
func (r *random) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += r.unit()
	}
	return sum
}

// cents returns a log-normal amount with the given median, in cents.
func (r *random) cents(median, spread float64) int64 {
	return max(50, int64(median*100*xmath.Exp(float64(spread*r.normal()))))
}

// pick draws an index by weights.
func (r *random) pick(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := r.below(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}
