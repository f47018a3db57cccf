package expr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// built ends a string that was appended to the scratch text from mark on.
func (f *Frame) built(mark int) string { return view(f.scratch.text[mark:]) }

func lower(c *Compiler, e *dsl.Expr) fn[string] {
	return mapped(c, e, unicode.ToLower, func(b byte) bool { return 'A' <= b && b <= 'Z' })
}

func upper(c *Compiler, e *dsl.Expr) fn[string] {
	return mapped(c, e, unicode.ToUpper, func(b byte) bool { return 'a' <= b && b <= 'z' })
}

// mapped maps every character; a text of ASCII without one to change is
// returned as it is.
func mapped(c *Compiler, e *dsl.Expr, to func(rune) rune, changes func(byte) bool) fn[string] {
	a := c.strs(e.Args[0])
	c.borrows = true
	return func(f *Frame) (string, bool) {
		s, ok := a(f)
		if !ok {
			return "", false
		}
		i := 0
		for i < len(s) && s[i] < utf8.RuneSelf && !changes(s[i]) {
			i++
		}
		if i == len(s) {
			return s, true
		}
		mark := len(f.scratch.text)
		f.scratch.text = append(f.scratch.text, s[:i]...)
		for i < len(s) {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError {
				f.scratch.text = append(f.scratch.text, s[i:i+n]...)
			} else {
				f.scratch.text = utf8.AppendRune(f.scratch.text, to(r))
			}
			i += n
		}
		return f.built(mark), true
	}
}

func trim(c *Compiler, e *dsl.Expr) fn[string] {
	a := c.strs(e.Args[0])
	return func(f *Frame) (string, bool) { s, ok := a(f); return strings.TrimSpace(s), ok }
}

// length counts the characters of a text or the elements of a list.
func length(c *Compiler, e *dsl.Expr) fn[int64] {
	if arg := e.Args[0]; arg.Type.Kind == cep.KindList {
		l := c.list(arg)
		return func(f *Frame) (int64, bool) { n, ok := l.n(f); return int64(n), ok }
	}
	a := c.strs(e.Args[0])
	return func(f *Frame) (int64, bool) { s, ok := a(f); return int64(utf8.RuneCountInString(s)), ok }
}

// replace leaves a text alone where there is nothing to look for.
func replace(c *Compiler, e *dsl.Expr) fn[string] {
	a, b, d := c.strs(e.Args[0]), c.strs(e.Args[1]), c.strs(e.Args[2])
	c.borrows = true
	return func(f *Frame) (string, bool) {
		s, ok1 := a(f)
		old, ok2 := b(f)
		with, ok3 := d(f)
		if !ok1 || !ok2 || !ok3 {
			return "", false
		}
		if old == "" || !strings.Contains(s, old) {
			return s, true
		}
		mark := len(f.scratch.text)
		for {
			i := strings.Index(s, old)
			if i < 0 {
				break
			}
			f.scratch.text = append(append(f.scratch.text, s[:i]...), with...)
			s = s[i+len(old):]
		}
		f.scratch.text = append(f.scratch.text, s...)
		return f.built(mark), true
	}
}

// split is the list of the pieces between separators. An empty separator fails.
func split(c *Compiler, e *dsl.Expr) *list {
	a, by := c.strs(e.Args[0]), c.strs(e.Args[1])
	c.fails = true
	operands := func(f *Frame) (s, sep string, ok bool) {
		s, ok1 := a(f)
		sep, ok2 := by(f)
		if ok1 && ok2 && sep == "" {
			f.fail()
			return "", "", false
		}
		return s, sep, ok1 && ok2
	}
	return &list{
		elem: cep.KindString,
		n: func(f *Frame) (int, bool) {
			s, sep, ok := operands(f)
			if !ok {
				return 0, false
			}
			return strings.Count(s, sep) + 1, true
		},
		strs: func(f *Frame, i int) (string, bool) {
			s, sep, _ := operands(f)
			return nthPiece(s, sep, i)
		},
	}
}

// nthPiece is the i-th piece of s, from 0.
func nthPiece(s, sep string, i int) (string, bool) {
	for ; i > 0; i-- {
		_, rest, ok := strings.Cut(s, sep)
		if !ok {
			return "", false
		}
		s = rest
	}
	s, _, _ = strings.Cut(s, sep)
	return s, true
}

// part is the n-th piece, from 1, or from the end if n is negative.
func part(c *Compiler, e *dsl.Expr) fn[string] {
	a, by, at := c.strs(e.Args[0]), c.strs(e.Args[1]), c.ints(e.Args[2])
	c.fails = true
	return func(f *Frame) (string, bool) {
		s, ok1 := a(f)
		sep, ok2 := by(f)
		n, ok3 := at(f)
		if !ok1 || !ok2 || !ok3 {
			return "", false
		}
		if sep == "" {
			f.fail()
			return "", false
		}
		count := int64(strings.Count(s, sep) + 1)
		if n < 0 {
			n += count + 1
		}
		if n < 1 || n > count {
			return "", false
		}
		return nthPiece(s, sep, int(n-1))
	}
}

func left(c *Compiler, e *dsl.Expr) fn[string] {
	a, count := c.strs(e.Args[0]), c.ints(e.Args[1])
	return func(f *Frame) (string, bool) {
		s, ok1 := a(f)
		n, ok2 := count(f)
		at := 0
		for ; n > 0 && at < len(s); n-- {
			at += runeLen(s[at:])
		}
		return s[:at], ok1 && ok2
	}
}

func right(c *Compiler, e *dsl.Expr) fn[string] {
	a, count := c.strs(e.Args[0]), c.ints(e.Args[1])
	return func(f *Frame) (string, bool) {
		s, ok1 := a(f)
		n, ok2 := count(f)
		at := len(s)
		for ; n > 0 && at > 0; n-- {
			_, w := utf8.DecodeLastRuneInString(s[:at])
			at -= w
		}
		return s[at:], ok1 && ok2
	}
}

// similar is 1 minus the edit distance over the longer length, in characters.
func similar(c *Compiler, e *dsl.Expr) fn[float64] {
	a, b := c.strs(e.Args[0]), c.strs(e.Args[1])
	c.borrows = true
	return func(f *Frame) (float64, bool) {
		s, ok1 := a(f)
		t, ok2 := b(f)
		if !ok1 || !ok2 {
			return 0, false
		}
		m, n := utf8.RuneCountInString(s), utf8.RuneCountInString(t)
		if s == t {
			return 1, true
		}
		return 1 - float64(f.distance(s, t, n))/float64(max(m, n)), true
	}
}

// distance is the edit distance of s and t, which has n characters: the rows
// of the usual table, one kept at a time.
func (f *Frame) distance(s, t string, n int) uint64 {
	mark := len(f.scratch.words)
	for j := range n + 1 {
		f.scratch.words = append(f.scratch.words, uint64(j))
	}
	row := f.scratch.words[mark:]
	for _, r := range s {
		diagonal := row[0]
		row[0]++
		j := 1
		for _, u := range t {
			cost := diagonal
			if r != u {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
			j++
		}
	}
	d := row[n]
	f.scratch.words = f.scratch.words[:mark]
	return d
}
