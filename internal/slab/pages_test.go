package slab

import (
	"bytes"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// image is a saved arena: its pages by number.
type image map[uint32][]byte

// update takes the arena's changes up.
func (m image) update(a *Arena) {
	a.Dirty(func(n uint32, h Header, words []uint64) {
		if words == nil {
			delete(m, n)
			return
		}
		m[n] = AppendPage(nil, h, words)
	})
}

func imageOf(a *Arena) image {
	m := image{}
	a.Pages(func(n uint32, h Header, words []uint64) { m[n] = AppendPage(nil, h, words) })
	return m
}

func (m image) load(t *testing.T) *Arena {
	a := NewArena()
	var order []uint32
	for n := range m {
		order = append(order, n)
	}
	slices.Sort(order)
	for _, n := range order {
		if err := a.Load(n, m[n]); err != nil {
			t.Fatal(err)
		}
	}
	a.Loaded()
	return a
}

func (m image) differs(other image) string {
	if len(m) != len(other) {
		return fmt.Sprintf("%d pages, not %d", len(m), len(other))
	}
	for n := range m {
		if !bytes.Equal(m[n], other[n]) {
			return fmt.Sprintf("page %d differs", n)
		}
	}
	return ""
}

// An arena that is saved by its changes, loaded, and used on, several times
// over, holds what it should, and its changes make its whole image each time.
func TestPagesFollowAnArena(t *testing.T) {
	sizes := []int{1, 2, 3, 6, 9, 60, 700, 1361, 4096, 4097, 9000}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 7))
		a := NewArena()
		saved := image{}
		model := map[Handle][]uint64{}
		var handles []Handle
		for round := range 12 {
			grow := 30 + r.IntN(50)
			for range 400 {
				if r.IntN(100) < grow || len(handles) == 0 {
					h := a.Alloc(sizes[r.IntN(len(sizes))])
					w := a.Words(h)
					for i := range w {
						if w[i] != 0 {
							t.Fatalf("seed %d: word %d of a new slot is not zero", seed, i)
						}
						if r.IntN(4) > 0 {
							w[i] = r.Uint64()
						}
					}
					a.Touch(h)
					if model[h] != nil {
						t.Fatalf("seed %d: handle %x given twice", seed, h)
					}
					model[h] = slices.Clone(w)
					handles = append(handles, h)
					continue
				}
				i := r.IntN(len(handles))
				h := handles[i]
				if !slices.Equal(a.Words(h), model[h]) {
					t.Fatalf("seed %d, round %d: slot %x has changed", seed, round, h)
				}
				a.Free(h)
				delete(model, h)
				handles[i] = handles[len(handles)-1]
				handles = handles[:len(handles)-1]
			}
			dirty, all := a.Changes()
			saved.update(a)
			if d, _ := a.Changes(); d != 0 || dirty == 0 || all != len(saved) {
				t.Fatalf("seed %d: %d pages dirty, %d then, %d of %d in use", seed, dirty, d, all, len(saved))
			}
			if d := saved.differs(imageOf(a)); d != "" {
				t.Fatalf("seed %d, round %d: the changes do not make the image: %s", seed, round, d)
			}
			if r.IntN(2) == 0 {
				continue
			}
			b := saved.load(t)
			slots, live := a.Live()
			if s, l := b.Live(); s != slots || l != live {
				t.Fatalf("seed %d: %d slots of %d bytes, not %d of %d", seed, s, l, slots, live)
			}
			if d := saved.differs(imageOf(b)); d != "" {
				t.Fatalf("seed %d: loading changes the image: %s", seed, d)
			}
			a = b
		}
		for _, h := range handles {
			a.Free(h)
		}
		if saved.update(a); len(saved) != 0 {
			t.Fatalf("seed %d: %d pages left of an empty arena", seed, len(saved))
		}
	}
}

func TestKeysReindex(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, width := range []int{1, 3} {
		k := NewWideKeys(width)
		want := map[string]uint32{}
		for range 20_000 {
			b := fmt.Appendf(nil, "%d", r.IntN(6000))
			if r.IntN(50) == 0 {
				b = append(b, make([]byte, r.IntN(40_000))...)
			}
			if slot, ok := k.Find(Hash(b), b); ok {
				k.Remove(slot)
				delete(want, string(b))
				continue
			}
			slot := k.Add(Hash(b), b)
			k.Values(slot)[width-1] = uint64(slot) * 3
			want[string(b)] = slot
		}
		loaded := NewWideKeys(width)
		for n, data := range imageOf(k.Arena()) {
			if err := loaded.Arena().Load(n, data); err != nil {
				t.Fatal(err)
			}
		}
		loaded.Arena().Loaded()
		if err := loaded.Reindex(); err != nil {
			t.Fatal(err)
		}
		if loaded.Len() != len(want) {
			t.Fatalf("%d keys, want %d", loaded.Len(), len(want))
		}
		for key, slot := range want {
			got, ok := loaded.Find(Hash([]byte(key)), []byte(key))
			if !ok || got != slot || loaded.Values(slot)[width-1] != uint64(slot)*3 {
				t.Fatalf("key %.20q: slot %d %v, want %d", key, got, ok, slot)
			}
		}
		// A table of another width does not read it.
		other := NewWideKeys(width + 1)
		for n, data := range imageOf(k.Arena()) {
			if err := other.Arena().Load(n, data); err != nil {
				t.Fatal(err)
			}
		}
		other.Arena().Loaded()
		if err := other.Reindex(); err == nil {
			t.Errorf("keys of width %d read as such of width %d", width, width+1)
		}
	}
}

func TestSymbolsReindex(t *testing.T) {
	s := NewSymbols()
	a := s.Intern("a")
	b := s.Intern("bb")
	s.Retain(a)
	loaded := NewSymbols()
	for n, data := range imageOf(s.Arena()) {
		if err := loaded.Arena().Load(n, data); err != nil {
			t.Fatal(err)
		}
	}
	loaded.Arena().Loaded()
	if err := loaded.Reindex(); err != nil {
		t.Fatal(err)
	}
	if loaded.Str(a) != "a" || loaded.Intern("bb") != b {
		t.Fatal("symbols have changed their numbers")
	}
	loaded.Release(a)
	if loaded.Str(a) != "a" {
		t.Fatal("a reference was lost")
	}
	loaded.Release(a)
	if _, ok := loaded.Find("a"); ok {
		t.Fatal("a reference too many")
	}
}

// What no arena writes is refused, not believed.
func TestLoadRefuses(t *testing.T) {
	a := NewArena()
	x, y := a.Alloc(4), a.Alloc(4)
	a.Alloc(4)
	a.Free(x)
	a.Free(y)
	good := imageOf(a)[1]
	change := func(at int, b byte) []byte {
		d := bytes.Clone(good)
		d[at] = b
		return d
	}
	for name, data := range map[string][]byte{
		"cut off":               good[:10],
		"too short":             good[:len(good)-8],
		"no class":              change(0, 5),
		"no size":               change(0, 0),
		"none live":             change(4, 0),
		"too many live":         change(4, 4),
		"chain to nowhere":      change(6, 3),
		"chain too short":       change(6, 0),
		"fresh beyond":          change(8, 200),
		"a chain in a circle":   change(16+32, 5),
		"a chain past the page": change(16+32+7, 9),
	} {
		if err := NewArena().Load(1, data); err == nil {
			t.Errorf("%s: loaded", name)
		} else if !strings.Contains(err.Error(), "page 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []uint32{0, MaxPages} {
		if err := NewArena().Load(n, good); err == nil {
			t.Errorf("page %d loaded", n)
		}
	}
	b := NewArena()
	if err := b.Load(1, good); err != nil {
		t.Fatal(err)
	}
	if err := b.Load(1, good); err == nil {
		t.Error("a page loaded twice")
	}
}

// The form of a page on disk does not change with the processor.
func TestPageBytes(t *testing.T) {
	got := AppendPage(nil, Header{Size: 3, Live: 1, Free: 4, Fresh: 6}, []uint64{1, 2, 3, 0, 0, 0x0102030405060708})
	want := "03000000 0100 0400 0600 0000 06000000 0100000000000000 0200000000000000 0300000000000000 0000000000000000 0000000000000000 0807060504030201"
	if x := fmt.Sprintf("%x", got); x != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%s", x)
	}
	if len(got) != SavedBytes(make([]uint64, 6)) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestCopies(t *testing.T) {
	var c Copies
	for range 3 {
		var all [][]byte
		for i := range 300 {
			b := c.Take(40_000)
			if len(b) != 40_000 || cap(b) != 40_000 {
				t.Fatalf("%d bytes, capacity %d", len(b), cap(b))
			}
			b[0], b[39_999] = byte(i), byte(i)
			all = append(all, b)
		}
		for i, b := range all {
			if b[0] != byte(i) || b[39_999] != byte(i) {
				t.Fatalf("copy %d was overwritten", i)
			}
		}
		c.Reset()
	}
	if b := c.Take(5 << 20); len(b) != 5<<20 {
		t.Fatal("a large one is too short")
	}
	if c.Bytes() != 3*copiesChunk {
		t.Fatalf("%d bytes kept", c.Bytes())
	}
	c.Trim()
	for range 3 {
		c.Reset()
		c.Take(1)
		c.Trim()
	}
	if c.Bytes() != copiesChunk {
		t.Fatalf("%d bytes kept after Trim", c.Bytes())
	}
}

func BenchmarkReindex(b *testing.B) {
	k := NewKeys()
	for i := range 1_000_000 {
		key := fmt.Appendf(nil, "account-%08d", i)
		k.Add(Hash(key), key)
	}
	b.ReportMetric(float64(k.Arena().Bytes())/1e6, "MB")
	for b.Loop() {
		other := &Keys{index: newTable(), mem: k.mem, width: k.width}
		if err := other.Reindex(); err != nil || other.n != k.n {
			b.Fatal(err)
		}
	}
}

// held takes an arena's copies up, as a store does.
func (m image) held(a *Arena) {
	a.Held(func(n uint32, data []byte) { m[n] = bytes.Clone(data) })
}

// While an arena is used on, its copies become what it was when they were
// begun, whatever changes in between.
func TestHoldIsTheMoment(t *testing.T) {
	sizes := []int{1, 2, 3, 6, 9, 60, 700, 1361, 4096, 4097, 9000}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 17))
		a := NewArena()
		saved := image{}
		var handles []Handle
		use := func(n, grow int) {
			for range n {
				switch k := r.IntN(100); {
				case k < grow || len(handles) == 0:
					h := a.Alloc(sizes[r.IntN(len(sizes))])
					for i, w := range a.Words(h) {
						if w != 0 {
							t.Fatalf("seed %d: word %d of a new slot is not zero", seed, i)
						}
					}
					a.Words(h)[0] = r.Uint64()
					handles = append(handles, h)
				case k < 80:
					h := handles[r.IntN(len(handles))]
					a.Touch(h)
					w := a.Words(h)
					w[r.IntN(len(w))] = r.Uint64()
				case k < 85:
					a.Ready(handles[r.IntN(len(handles))])
				default:
					i := r.IntN(len(handles))
					a.Free(handles[i])
					handles[i] = handles[len(handles)-1]
					handles = handles[:len(handles)-1]
				}
			}
		}
		var mem Copies
		for round := range 15 {
			use(150, 20+r.IntN(60))
			all := r.IntN(4) == 0
			want := imageOf(a)
			if all {
				clear(saved)
			}
			a.Hold(all, func(n uint32) { delete(saved, n) }, mem.Take)
			if dirty, _ := a.Changes(); dirty != 0 {
				t.Fatalf("%d pages dirty behind Hold", dirty)
			}
			for range r.IntN(6) {
				use(40, 20+r.IntN(60))
				a.Drain(1 + r.IntN(200_000))
			}
			if r.IntN(10) == 0 { // given up: the next one has to be full
				use(30, 50)
				clear(saved)
				want = imageOf(a)
				a.Hold(true, func(n uint32) { t.Fatal("gone") }, mem.Take)
			}
			for a.Drain(100_000) > 0 {
				use(10, 50)
			}
			saved.held(a)
			mem.Reset()
			if d := saved.differs(want); d != "" {
				t.Fatalf("seed %d, round %d: %s", seed, round, d)
			}
		}
	}
}

// A change costs the copying of a piece of the page.
func TestHoldCopiesPieces(t *testing.T) {
	a := NewArena()
	var hs []Handle
	for range PageWords / 8 {
		h := a.Alloc(8)
		a.Words(h)[0] = 1
		hs = append(hs, h)
	}
	var mem Copies
	a.Hold(true, nil, mem.Take)
	a.Touch(hs[100])
	if n := pieces - bits.OnesCount64(a.holds[0].left); n != 1 {
		t.Fatalf("%d pieces copied for a slot of 8 words", n)
	}
	if a.Drain(1) == 0 || a.Drain(1) != 0 {
		t.Fatal("a page is not drained at once")
	}
	n := testing.AllocsPerRun(100, func() {
		mem.Reset()
		a.Hold(true, nil, mem.Take)
		for _, h := range hs {
			a.Touch(h)
		}
		a.Drain(1 << 20)
		a.Held(func(uint32, []byte) {})
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
