package expr

import (
	"slices"
	"unicode/utf8"
)

// automaton finds which of many literals occur in a text, in one pass (Aho and
// Corasick, "Efficient string matching", 1975). Its states are rows of a dense
// table over the bytes that occur in the literals; all other bytes are one
// class.
type automaton struct {
	class [256]uint16
	width int
	next  []int32   // state*width + class
	found [][]int32 // per state: the literals that end there
}

func newAutomaton(literals []string) *automaton {
	a := &automaton{width: 1}
	for _, lit := range literals {
		for i := range len(lit) {
			if b := lit[i]; a.class[b] == 0 {
				a.class[b] = uint16(a.width)
				a.width++
			}
		}
	}
	a.add()
	for i, lit := range literals {
		s := int32(0)
		for k := range len(lit) {
			at := int(s)*a.width + int(a.class[lit[k]])
			if a.next[at] == 0 {
				n := a.add()
				a.next[at] = n
			}
			s = a.next[at]
		}
		a.found[s] = append(a.found[s], int32(i))
	}
	a.link()
	return a
}

func (a *automaton) add() int32 {
	a.next = append(a.next, make([]int32, a.width)...)
	a.found = append(a.found, nil)
	return int32(len(a.found) - 1)
}

// link turns the trie into an automaton: breadth first, a missing edge goes
// where the longest proper suffix goes.
func (a *automaton) link() {
	fail := make([]int32, len(a.found))
	var queue []int32
	for c := range a.width {
		if s := a.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		a.found[s] = append(a.found[s], a.found[fail[s]]...)
		for c := range a.width {
			at, back := int(s)*a.width+c, a.next[int(fail[s])*a.width+c]
			if t := a.next[at]; t != 0 {
				fail[t] = back
				queue = append(queue, t)
			} else {
				a.next[at] = back
			}
		}
	}
	for i := range a.found {
		slices.Sort(a.found[i])
		a.found[i] = slices.Compact(a.found[i])
	}
}

// any says whether test holds for a literal that occurs in s.
func (a *automaton) any(s string, fold bool, test func(literal int32) bool) bool {
	state := int32(0)
	for i := 0; i < len(s); {
		b := s[i]
		if fold && b >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			i += n
			if r == utf8.RuneError {
				for _, b := range []byte(s[i-n : i]) {
					if a.hit(&state, b, test) {
						return true
					}
				}
				continue
			}
			var buf [utf8.UTFMax]byte
			for _, b := range buf[:utf8.EncodeRune(buf[:], foldRune(r))] {
				if a.hit(&state, b, test) {
					return true
				}
			}
			continue
		}
		if fold {
			b = lowerByte(b)
		}
		if a.hit(&state, b, test) {
			return true
		}
		i++
	}
	return false
}

func (a *automaton) hit(state *int32, b byte, test func(int32) bool) bool {
	*state = a.next[int(*state)*a.width+int(a.class[b])]
	for _, lit := range a.found[*state] {
		if test(lit) {
			return true
		}
	}
	return false
}
