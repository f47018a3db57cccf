package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// glob is a compiled "like" or "ilike" pattern: literal pieces between stars.
// The first piece stands at the beginning of the text and the last at its end;
// the ones between are searched from left to right, which finds a match if
// there is one. In a piece "?" stands for any one character.
type glob struct {
	pieces []piece
	fold   bool
}

type piece struct {
	text  string // with a "?" as it is
	marks bool   // has a "?"
}

func newGlob(pattern string, fold bool) *glob {
	if fold {
		pattern = foldText(pattern)
	}
	g := &glob{fold: fold}
	for _, p := range strings.Split(pattern, "*") {
		g.pieces = append(g.pieces, piece{p, strings.Contains(p, "?")})
	}
	return g
}

// match says whether the whole of s fits the pattern.
func (g *glob) match(s string) bool {
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	n, ok := g.prefix(first, s)
	if !ok {
		return false
	}
	if len(g.pieces) == 1 {
		return n == len(s)
	}
	s = s[n:]
	for _, p := range g.pieces[1 : len(g.pieces)-1] {
		if s, ok = g.cut(p, s); !ok {
			return false
		}
	}
	return g.suffix(last, s)
}

// prefix matches a piece at the beginning of s and returns how many bytes of
// s it took.
func (g *glob) prefix(p piece, s string) (n int, ok bool) {
	if !p.marks && !g.fold {
		return len(p.text), strings.HasPrefix(s, p.text)
	}
	for i := 0; i < len(p.text); {
		if n == len(s) {
			return 0, false
		}
		want, have := p.text[i], s[n]
		if want < utf8.RuneSelf && have < utf8.RuneSelf {
			if want != '?' && want != have && !(g.fold && want == lowerByte(have)) {
				return 0, false
			}
			i++
			n++
			continue
		}
		r, size := utf8.DecodeRuneInString(p.text[i:])
		t, width := utf8.DecodeRuneInString(s[n:])
		if r != '?' && r != t && !(g.fold && r == foldRune(t)) {
			return 0, false
		}
		if r == utf8.RuneError && t == utf8.RuneError && p.text[i:i+size] != s[n:n+width] {
			return 0, false
		}
		i += size
		n += width
	}
	return n, true
}

// cut finds the first place of a piece in s and returns what is behind it.
func (g *glob) cut(p piece, s string) (rest string, ok bool) {
	if !p.marks && !g.fold {
		i := strings.Index(s, p.text)
		if i < 0 {
			return "", false
		}
		return s[i+len(p.text):], true
	}
	for {
		if n, ok := g.prefix(p, s); ok {
			return s[n:], true
		}
		if s == "" {
			return "", false
		}
		s = s[runeLen(s):]
	}
}

// suffix matches a piece at the end of s: at the character that leaves as many
// as the piece has.
func (g *glob) suffix(p piece, s string) bool {
	if !p.marks && !g.fold {
		return strings.HasSuffix(s, p.text)
	}
	at := len(s)
	for range utf8.RuneCountInString(p.text) {
		if at == 0 {
			return false
		}
		_, n := utf8.DecodeLastRuneInString(s[:at])
		at -= n
	}
	n, ok := g.prefix(p, s[at:])
	return ok && n == len(s)-at
}

// literal is the longest run of characters that every match contains, as it
// is written (folded where the pattern is).
func (g *glob) literal() string {
	best := ""
	for _, p := range g.pieces {
		for part := range strings.SplitSeq(p.text, "?") {
			if len(part) > len(best) {
				best = part
			}
		}
	}
	return best
}

func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// foldRune maps all characters that differ by case alone to one of them: to
// the lower-case letter in ASCII, else to the smallest (so the Kelvin sign is
// a k).
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return rune(lowerByte(byte(r)))
	}
	least := r
	for s := unicode.SimpleFold(r); s != r; s = unicode.SimpleFold(s) {
		least = min(least, s)
	}
	if least < utf8.RuneSelf {
		return rune(lowerByte(byte(least)))
	}
	return least
}

func foldText(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError {
			b.WriteString(s[i : i+n])
		} else {
			b.WriteRune(foldRune(r))
		}
		i += n
	}
	return b.String()
}
