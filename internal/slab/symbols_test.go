package slab

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestSymbolsAgainstMap(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 4))
		s := NewSymbols()
		refs := map[string]int{}
		syms := map[string]Symbol{}
		for range 30_000 {
			text := fmt.Sprint(r.IntN(2000))
			if r.IntN(100) == 0 {
				text = ""
			}
			sym, ok := s.Find(text)
			if text == "" {
				if sym != 0 || !ok || s.Intern("") != 0 || s.Str(0) != "" {
					t.Fatal("the empty string is symbol 0")
				}
				s.Retain(0)
				s.Release(0)
				continue
			}
			if ok != (refs[text] > 0) || ok && sym != syms[text] {
				t.Fatalf("Find(%q) = %d, %v", text, sym, ok)
			}
			switch k := r.IntN(5); {
			case k < 2:
				syms[text] = s.Intern(text)
				refs[text]++
			case ok && k == 2:
				s.Retain(sym)
				refs[text]++
			case ok:
				if s.Str(sym) != text {
					t.Fatalf("Str(%d) = %q, want %q", sym, s.Str(sym), text)
				}
				s.Release(sym)
				if refs[text]--; refs[text] == 0 {
					delete(refs, text)
				}
			}
			if s.Len() != len(refs) {
				t.Fatalf("Len %d, want %d", s.Len(), len(refs))
			}
		}
	}
}

func TestSymbolsSteadyAllocs(t *testing.T) {
	s := NewSymbols()
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("merchant-%d", i)
		s.Intern(names[i])
	}
	i, bytes := 0, 0
	n := testing.AllocsPerRun(3000, func() {
		sym := s.Intern(names[i%1000])
		bytes += len(s.Str(sym))
		s.Release(sym)
		s.Release(sym)
		s.Intern(names[i%1000])
		i++
	})
	if n != 0 || bytes == 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkSymbolsIntern(b *testing.B) {
	s := NewSymbols()
	names := make([]string, 1<<14)
	for i := range names {
		names[i] = fmt.Sprintf("merchant-%d", i)
		s.Intern(names[i])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Release(s.Intern(names[i&(1<<14-1)]))
		i++
	}
}
