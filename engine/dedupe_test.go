package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/zeebo/xxh3"
)

// The table against a map that forgets nothing.
func TestDedupe(t *testing.T) {
	const limit = 1000
	rng := rand.New(rand.NewPCG(5, 6))
	d := newDedupe(limit)
	seen := map[uint64]int64{}
	greatest := int64(minTime)
	for i := range int64(200_000) {
		at := i/2 + rng.Int64N(300) - rng.Int64N(1500)
		id := uint64(rng.IntN(30_000)) + 1
		greatest = max(greatest, at)
		d.greatest = greatest
		old, came := seen[id]
		want := came && old >= greatest-limit
		if got := d.see(xxh3.Uint128{Lo: id * 0x9e3779b97f4a7c15, Hi: id}, at); got != want {
			t.Fatalf("row %d, id %d at %d: duplicate %v, want %v (came at %d, greatest %d)", i, id, at, got, want, old, greatest)
		}
		if !came || at > old {
			seen[id] = at
		} else if !want {
			seen[id] = at
		}
	}
	if len(d.table) > 1<<15 {
		t.Errorf("%d places for about 2,000 recent ids", len(d.table))
	}
}
