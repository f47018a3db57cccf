package engine

import (
	"math/rand/v2"
	"testing"
)

// A space gives back what was put, whatever the number of owners per key.
func TestSpace(t *testing.T) {
	for _, room := range []int{0, 1, 2, 3, maxRoom, maxRoom + 1} {
		testSpace(t, newSpace(room))
	}
}

func testSpace(t *testing.T, s *space) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	type place struct{ key, owner uint32 }
	want := map[place]uint32{}
	var keys []uint32
	for i := range 20 {
		b := []byte{byte(i)}
		keys = append(keys, s.keys.Add(uint64(i)<<40, b))
	}
	for i := range 50_000 {
		owners := 40
		if i/1000%2 == 0 {
			owners = 4 // so that lists shrink again
		}
		p := place{keys[rng.IntN(len(keys))], uint32(rng.IntN(owners))}
		h := uint32(rng.IntN(3)) // 0 removes, one time in three
		s.put(p.key, p.owner, h)
		if h == 0 {
			delete(want, p)
		} else {
			want[p] = h
		}
		q := place{keys[rng.IntN(len(keys))], uint32(rng.IntN(owners))}
		if got := s.get(q.key, q.owner); got != want[q] {
			t.Fatalf("get(%v) = %d, want %d", q, got, want[q])
		}
	}
	for _, k := range keys {
		n, last := 0, -1
		s.each(k, func(owner, h uint32) {
			if int(owner) <= last || want[place{k, owner}] != h {
				t.Fatalf("each: owner %d after %d has %d, want %d", owner, last, h, want[place{k, owner}])
			}
			n, last = n+1, int(owner)
		})
		for p := range want {
			if p.key == k {
				n--
			}
		}
		if n != 0 {
			t.Fatalf("key %d: %d entries too many", k, n)
		}
		s.each(k, func(owner, h uint32) { s.put(k, owner, 0) })
		if !s.empty(k) {
			t.Fatal("a key whose states are all gone is not empty")
		}
	}
	if slots, _ := s.mem.Live(); slots != 0 {
		t.Errorf("%d lists are left of no states", slots)
	}
}
