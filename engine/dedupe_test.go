package engine

import (
	"maps"
	"math/rand/v2"
	"slices"
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

// idPages is what snapshots of a table have written.
type idPages map[uint32][]byte

// take snapshots the table's log and returns the bytes written.
func (m idPages) take(d *dedupe) (bytes int) {
	put := map[uint32]bool{}
	d.log.save(d.old(), func(n uint32, p *idPage) {
		m[n] = p.appendIDs(nil)
		bytes += len(m[n])
		put[n] = true
	}, func(n uint32) {
		if delete(m, n); put[n] {
			panic("a page is saved and gone at once")
		}
	})
	return bytes
}

// load makes the table anew.
func (m idPages) load(t *testing.T, of *dedupe) *dedupe {
	d := newDedupe(of.limit)
	d.greatest, d.floor, d.log = of.greatest, of.floor, newIDLog()
	for _, n := range slices.Sorted(maps.Keys(m)) {
		if err := d.load(n, m[n]); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// A table that is saved by what has come since, and made anew, knows the same
// ids, and a snapshot costs what came, not what is known.
func TestDedupeSaved(t *testing.T) {
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 8))
		a := newDedupe(1000)
		b := newDedupe(1000)
		saved := idPages{}
		top := int64(0)
		for round := range 60 {
			news := 0
			step := []int64{2, 2, 2, 8}[rng.IntN(4)] // at times so fast that what came last is too old
			for range rng.IntN(6000) {
				top += rng.Int64N(step)
				at := top + rng.Int64N(50) - rng.Int64N(400)
				if rng.IntN(50) == 0 {
					at = top - rng.Int64N(3000)
				}
				n := uint64(rng.IntN(20_000)) + 1
				id := xxh3.Uint128{Lo: n * 0x9e3779b97f4a7c15, Hi: n}
				x, y := a.duplicate(id, at), b.duplicate(id, at)
				if x != y {
					t.Fatalf("seed %d, round %d: id %d at %d is a duplicate: %v, of the table that was saved: %v", seed, round, n, at, x, y)
				}
				news++
			}
			if round == 3 {
				b.record()
				saved.take(b)
			}
			if round <= 3 {
				continue
			}
			if rng.IntN(8) == 0 {
				limit := 500 + rng.Int64N(1500)
				a.setLimit(limit)
				b.setLimit(limit)
			}
			if n := saved.take(b); n > (news+2*idsPerPage)*idBytes {
				t.Fatalf("%d bytes written for %d ids", n, news)
			}
			if rng.IntN(3) == 0 {
				b = saved.load(t, b)
			}
		}
		if n := len(saved) * idsPerPage; n > 40*idsPerPage {
			t.Errorf("%d ids stay saved", n)
		}
		if a.duplicate(xxh3.Uint128{Lo: 1, Hi: 1}, top+100_000); len(saved) > 1 {
			b.duplicate(xxh3.Uint128{Lo: 1, Hi: 1}, top+100_000)
			if saved.take(b); len(saved) != 1 {
				t.Errorf("%d pages stay when all are too old", len(saved))
			}
		}
	}
}

func TestDedupeLoadRefuses(t *testing.T) {
	for _, n := range []int{0, 1, idBytes + 1, (idsPerPage + 1) * idBytes} {
		d := newDedupe(10)
		d.log = newIDLog()
		if err := d.load(1, make([]byte, n)); err == nil {
			t.Errorf("%d bytes taken in", n)
		}
	}
}
