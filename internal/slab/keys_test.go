package slab

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestKeysAgainstMap(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 2))
		k := NewKeys()
		slots := map[string]uint32{}
		values := map[string]uint64{}
		space := 1 + r.IntN(30_000)
		key := func() []byte {
			n := r.IntN(space)
			b := fmt.Appendf(nil, "%d", n)
			switch n % 50 {
			case 0:
				b = append(b, make([]byte, n%5000)...)
			case 1:
				return nil
			}
			return b
		}
		for step := range 60_000 {
			b := key()
			h := Hash(b)
			slot, ok := k.Find(h, b)
			want, known := slots[string(b)]
			if ok != known || ok && slot != want {
				t.Fatalf("seed %d: Find(%.20q) = %d %v, want %d %v", seed, b, slot, ok, want, known)
			}
			remove := r.IntN(100) < 20+60*(step/20_000%2)
			switch {
			case ok && remove:
				k.Remove(slot)
				delete(slots, string(b))
				delete(values, string(b))
			case ok:
				if *k.Value(slot) != values[string(b)] || string(k.Key(slot)) != string(b) {
					t.Fatalf("seed %d: wrong value or key in slot %d", seed, slot)
				}
				values[string(b)]++
				*k.Value(slot)++
			default:
				slot = k.Add(h, b)
				if slot == 0 || *k.Value(slot) != 0 {
					t.Fatalf("new slot %d has value %d", slot, *k.Value(slot))
				}
				slots[string(b)] = slot
				values[string(b)] = uint64(step)
				*k.Value(slot) = uint64(step)
			}
			if k.Len() != len(slots) {
				t.Fatalf("Len %d, want %d", k.Len(), len(slots))
			}
		}
		for s, slot := range slots {
			if got, ok := k.Find(Hash([]byte(s)), []byte(s)); !ok || got != slot || *k.Value(slot) != values[s] {
				t.Fatalf("seed %d: lost %.20q", seed, s)
			}
		}
	}
}

// Keys whose hashes collide in the 32 bits that the index keeps.
func TestKeysCollide(t *testing.T) {
	k := NewKeys()
	slots := map[string]uint32{}
	for i := range 3000 {
		b := fmt.Appendf(nil, "k%d", i)
		slots[string(b)] = k.Add(uint64(i%3)<<32, b)
	}
	for i := range 3000 {
		b := fmt.Appendf(nil, "k%d", i)
		if s, ok := k.Find(uint64(i%3)<<32, b); !ok || s != slots[string(b)] {
			t.Fatalf("lost %s", b)
		}
	}
}

func TestSweepVisitsEachOnce(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 3))
		k := NewKeys()
		live := map[uint32]bool{}
		add := func(n int) {
			for range n {
				b := make([]byte, r.IntN(40))
				for i := range b {
					b[i] = byte(r.Uint32())
				}
				if _, ok := k.Find(Hash(b), b); !ok {
					live[k.Add(Hash(b), b)] = true
				}
			}
		}
		add(r.IntN(3000))
		// One circle in pieces reaches every key once.
		seen := map[uint32]int{}
		from := uint32(0)
		for left := k.Len(); left > 0; {
			n := 1 + r.IntN(100)
			before := len(seen)
			from = k.Sweep(from, min(n, left), func(s uint32) { seen[s]++ })
			if len(seen)-before != min(n, left) {
				t.Fatalf("Sweep visited %d keys, want %d", len(seen)-before, min(n, left))
			}
			left -= min(n, left)
		}
		for s := range live {
			if seen[s] != 1 {
				t.Fatalf("slot %d visited %d times", s, seen[s])
			}
		}
		// From anywhere, more than there are: each once, removing some.
		visits := map[uint32]int{}
		k.Sweep(r.Uint32()%100_000, 10_000, func(s uint32) {
			visits[s]++
			if r.IntN(3) > 0 {
				k.Remove(s)
				delete(live, s)
			}
		})
		if len(visits) != len(seen) || k.Len() != len(live) {
			t.Fatalf("visited %d of %d; %d keys left, want %d", len(visits), len(seen), k.Len(), len(live))
		}
		add(500)
		n := 0
		k.Sweep(from, 1<<30, func(s uint32) {
			n++
			if !live[s] {
				t.Fatalf("visited a removed slot %d", s)
			}
		})
		if n != k.Len() {
			t.Fatalf("visited %d of %d", n, k.Len())
		}
	}
	if next := NewKeys().Sweep(77, 5, func(uint32) { t.Fatal("visited nothing") }); next > PageWords {
		t.Fatalf("next %d", next)
	}
}

func TestKeysBytesPerKey(t *testing.T) {
	k := NewKeys()
	const n = 200_000
	var b [10]byte
	for i := range n {
		copy(b[:], fmt.Sprintf("c%09d", i))
		k.Add(Hash(b[:]), b[:])
	}
	if per := float64(k.Bytes()) / n; per > 40+10 {
		t.Fatalf("%.1f bytes a key of 10 bytes", per)
	}
}

func TestKeysSteadyAllocs(t *testing.T) {
	k := NewKeys()
	var b [8]byte
	for i := range uint64(10_000) {
		binary.LittleEndian.PutUint64(b[:], i)
		k.Add(Hash(b[:]), b[:])
	}
	i := uint64(0)
	n := testing.AllocsPerRun(5000, func() {
		binary.LittleEndian.PutUint64(b[:], i)
		h := Hash(b[:])
		s, _ := k.Find(h, b[:])
		*k.Value(s)++
		k.Remove(s)
		k.Add(h, b[:])
		i++
	})
	if n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkKeysFind(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			k := NewKeys()
			keys := make([][16]byte, n)
			for i := range keys {
				copy(keys[i][:], fmt.Sprintf("card%012d", i))
				k.Add(Hash(keys[i][:]), keys[i][:])
			}
			r := rand.New(rand.NewPCG(1, 1))
			order := make([]uint32, 1<<16)
			for i := range order {
				order[i] = uint32(r.IntN(n))
			}
			b.ReportMetric(float64(k.Bytes())/float64(n), "B/key")
			i := 0
			for b.Loop() {
				key := keys[order[i&(1<<16-1)]][:]
				s, ok := k.Find(Hash(key), key)
				if !ok {
					b.Fatal("lost")
				}
				*k.Value(s)++
				i++
			}
		})
	}
}

// BenchmarkKeysAdd prints the longest single Add while a million keys enter.
func BenchmarkKeysAdd(b *testing.B) {
	b.ReportAllocs()
	k := NewKeys()
	var key [12]byte
	i := uint64(0)
	for b.Loop() {
		binary.LittleEndian.PutUint64(key[:], i)
		k.Add(Hash(key[:]), key[:])
		i++
	}
}
