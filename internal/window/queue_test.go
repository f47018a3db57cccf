package window

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weir-cep/weir/internal/slab"
)

// A queue holds what was pushed, in the root, in a slot or in a chain of pages,
// and gives all memory back.
func TestQueue(t *testing.T) {
	for _, stride := range []int{1, 2, 3} {
		for _, inRoot := range []int{0, 1, 2, 5} {
			testQueue(t, stride, inRoot)
		}
	}
}

func testQueue(t *testing.T, stride, inRoot int) {
	t.Helper()
	mem := slab.NewArena()
	q := newQueue(1, stride, inRoot)
	r := make([]uint64, 1+headerWords+inRoot*stride+1)
	r[0], r[len(r)-1] = 7, 7 // the neighbours
	rng := rand.New(rand.NewPCG(uint64(stride), uint64(inRoot)))
	var want []uint64
	next := uint64(0)
	for round := range 60 {
		size := rng.IntN([...]int{3, 12, 40, 3 * slab.PageWords}[round%4])
		for len(want) != size {
			switch {
			case len(want) < size || rng.IntN(4) == 0:
				next++
				rec := q.push(mem, r)
				for i := range rec {
					rec[i] = next + uint64(i)
				}
				want = append(want, next)
			case rng.IntN(3) == 0:
				q.popBack(mem, r)
				want = want[:len(want)-1]
			default:
				q.popFront(mem, r)
				want = want[1:]
			}
			for _, i := range []int{0, len(want) / 2, len(want) - 1} {
				if len(want) > 0 && q.at(mem, r, i)[stride-1] != want[i]+uint64(stride-1) {
					t.Fatalf("stride %d, %d in the root: record %d of %d is %d", stride, inRoot, i, len(want), q.at(mem, r, i))
				}
			}
		}
		got := make([]uint64, q.len(r))
		for i := range got {
			got[i] = q.at(mem, r, i)[0]
		}
		if !slices.Equal(got, want) || r[0] != 7 || r[len(r)-1] != 7 {
			t.Fatalf("stride %d, %d in the root: holds %d records, want %d", stride, inRoot, len(got), len(want))
		}
		if slots, _ := mem.Live(); len(want) == 0 && inRoot > 0 && slots != 0 {
			t.Fatalf("stride %d, %d in the root: %d records take %d slots", stride, inRoot, len(want), slots)
		}
	}
	q.free(mem, r)
	if slots, _ := mem.Live(); slots != 0 || q.len(r) != 0 {
		t.Fatalf("stride %d, %d in the root: %d slots left", stride, inRoot, slots)
	}
}
