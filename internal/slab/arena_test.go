package slab

import (
	"math/rand/v2"
	"runtime"
	"testing"
)

func TestClasses(t *testing.T) {
	for w := 1; w <= PageWords; w++ {
		c := classOf(w)
		if int(classSizes[c]) < w || c > 0 && int(classSizes[c-1]) >= w {
			t.Fatalf("classOf(%d) = %d (%d words)", w, c, classSizes[c])
		}
	}
	if len(classSizes) != numClasses {
		t.Fatal("numClasses is wrong")
	}
}

// A slot of the model: what the arena must hold under a handle.
type slot struct {
	words []uint64
	asked int
}

func TestArenaAgainstModel(t *testing.T) {
	sizes := []int{0, 1, 2, 3, 5, 7, 9, 16, 20, 60, 100, 200, 700, 1100, 1361, 3000, 4096, 4097, 9000}
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		a := NewArena()
		model := map[Handle]*slot{}
		var handles []Handle
		fill := func(h Handle, asked int) {
			w := a.Words(h)
			if len(w) < asked {
				t.Fatalf("asked for %d words, got %d", asked, len(w))
			}
			for i := range w {
				w[i] = r.Uint64()
			}
			model[h] = &slot{append([]uint64(nil), w...), asked}
		}
		check := func(h Handle) {
			for i, w := range a.Words(h) {
				if w != model[h].words[i] {
					t.Fatalf("seed %d: word %d of %x was overwritten", seed, i, h)
				}
			}
		}
		grow := 60
		for step := range 2000 {
			if step%500 == 0 {
				grow = 100 - grow
			}
			switch k := r.IntN(100); {
			case k < grow || len(handles) == 0:
				n := sizes[r.IntN(len(sizes))]
				h := a.Alloc(n)
				if h == 0 || model[h] != nil {
					t.Fatalf("handle %x given twice", h)
				}
				for i, w := range a.Words(h) {
					if w != 0 {
						t.Fatalf("seed %d: word %d of a new slot is not zero", seed, i)
					}
				}
				handles = append(handles, h)
				fill(h, n)
			case k < 95:
				i := r.IntN(len(handles))
				h := handles[i]
				check(h)
				a.Free(h)
				delete(model, h)
				handles[i] = handles[len(handles)-1]
				handles = handles[:len(handles)-1]
			default:
				i := r.IntN(len(handles))
				h := handles[i]
				old := model[h].words
				n := sizes[r.IntN(len(sizes))]
				g := a.Grow(h, n)
				for j, w := range a.Words(g) {
					want := uint64(0)
					if j < len(old) {
						want = old[j]
					}
					if w != want {
						t.Fatalf("seed %d: Grow lost word %d", seed, j)
					}
				}
				delete(model, h)
				handles[i] = g
				fill(g, n)
			}
		}
		var bytes int64
		for _, h := range handles {
			check(h)
			bytes += int64(len(a.Words(h))) * 8
		}
		if slots, live := a.Live(); slots != len(handles) || live != bytes {
			t.Fatalf("Live counts %d slots, %d bytes, not %d, %d", slots, live, len(handles), bytes)
		}
		for _, h := range handles {
			a.Free(h)
		}
		if slots, live := a.Live(); slots != 0 || live != 0 {
			t.Fatalf("%d slots, %d bytes left", slots, live)
		}
		if a.Bytes() > int64(spareMin+numClasses)*PageWords*8*5/4 {
			t.Fatalf("an empty arena keeps %d bytes", a.Bytes())
		}
	}
}

func TestArenaReusesPagesAcrossClasses(t *testing.T) {
	a := NewArena()
	var hs []Handle
	for range 16 * PageWords / 4 {
		hs = append(hs, a.Alloc(4))
	}
	before := a.Bytes()
	for _, h := range hs {
		a.Free(h)
	}
	for range 14 * PageWords / 16 {
		a.Alloc(16)
	}
	if a.Bytes() > before {
		t.Fatalf("%d bytes after reuse, %d before", a.Bytes(), before)
	}
}

func TestArenaReturnsMemory(t *testing.T) {
	a := NewArena()
	var hs []Handle
	for range 300 * PageWords / 8 {
		hs = append(hs, a.Alloc(8))
	}
	for _, h := range hs {
		a.Words(h)[7] = 1
	}
	for _, h := range hs {
		a.Free(h)
	}
	if runtime.GOOS == "linux" && a.Bytes() > 60*PageWords*8 {
		t.Fatalf("%d bytes kept of %d pages", a.Bytes(), 300)
	}
	for range 280 * PageWords / 8 {
		for i, w := range a.Words(a.Alloc(8)) {
			if w != 0 {
				t.Fatalf("word %d of a slot in a page used before is not zero", i)
			}
		}
	}
	if h := a.Alloc(5000); len(a.Words(h)) < 5000 {
		t.Fatal("a large slot is too short")
	} else {
		a.Free(h)
	}
}

func TestArenaDirty(t *testing.T) {
	a := NewArena()
	h := a.Alloc(4)
	big := a.Alloc(5000)
	count := func() (n int) {
		a.Dirty(func(page uint32, h Header, words []uint64) { n++ })
		return n
	}
	if n := count(); n != 2 {
		t.Fatalf("%d pages dirty, want 2", n)
	}
	if n := count(); n != 0 {
		t.Fatalf("%d pages dirty after a visit", n)
	}
	a.Words(h)[0] = 1
	a.Touch(h)
	if n := count(); n != 1 {
		t.Fatalf("%d pages dirty after Touch", n)
	}
	a.Free(big)
	a.Dirty(func(page uint32, h Header, words []uint64) {
		if page != uint32(big>>pageBits) || words != nil {
			t.Fatalf("page %d with %d words reported for a freed large slot", page, len(words))
		}
	})
}

func TestArenaDoubleFreePanics(t *testing.T) {
	a := NewArena()
	h := a.Alloc(1)
	a.Free(h)
	a.Free(0)
	defer func() {
		if recover() == nil {
			t.Fatal("freeing twice did not panic")
		}
	}()
	a.Free(h)
}

func TestArenaSteadyAllocs(t *testing.T) {
	a := NewArena()
	for range 5000 {
		a.Alloc(7)
	}
	n := testing.AllocsPerRun(1000, func() {
		h := a.Alloc(8)
		a.Words(h)[7]++
		g := a.Alloc(5)
		a.Touch(g)
		g = a.Grow(g, 8)
		a.Free(h)
		a.Free(g)
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkArenaWords(b *testing.B) {
	a := NewArena()
	hs := make([]Handle, 1<<16)
	for i := range hs {
		hs[i] = a.Alloc(4)
	}
	i := 0
	for b.Loop() {
		a.Words(hs[i&(1<<16-1)])[1]++
		i++
	}
}

func BenchmarkArenaAllocFree(b *testing.B) {
	a := NewArena()
	b.ReportAllocs()
	for b.Loop() {
		a.Free(a.Alloc(6))
	}
}
