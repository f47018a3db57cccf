package engine

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTimersComeInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	tm := newTimers()
	live := map[uint32]int64{}
	now := int64(0)
	for range 2000 {
		for range rng.IntN(20) {
			at := now + rng.Int64N(1000)
			id := tm.set(at, 1, 2)
			if _, used := live[id]; used {
				t.Fatalf("timer %d given out twice", id)
			}
			live[id] = at
		}
		for id := range live {
			if rng.IntN(10) == 0 {
				tm.kill(id)
				delete(live, id)
			}
		}
		now += rng.Int64N(300)
		var want, got []int64
		for id, at := range live {
			if at < now {
				want = append(want, at)
				delete(live, id)
			}
		}
		slices.Sort(want)
		for {
			x, ok := tm.next(now)
			if !ok {
				break
			}
			got = append(got, x.at)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("before %d: got %v, want %v", now, got, want)
		}
	}
}
