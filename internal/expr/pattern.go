package expr

import (
	"regexp"
	"slices"
	"strings"

	"github.com/weir-cep/weir/dsl"
)

// textOp numbers the string operators.
type textOp uint8

const (
	opContains textOp = iota
	opStarts
	opEnds
	opLike
	opILike
	opMatches
	textOps
)

func textOpOf(op dsl.Op) textOp { return textOp(op - dsl.OpContains) }

// few is up to how many patterns are tried one by one.
const few = 3

// matcher tests a text against the patterns of a string operator: any of them.
type matcher struct {
	match func(string) bool
	bad   error // a pattern is no regular expression
}

func newMatcher(op textOp, patterns []string) *matcher {
	switch op {
	case opContains:
		return &matcher{match: containsAny(patterns)}
	case opStarts:
		return &matcher{match: startsAny(patterns)}
	case opEnds:
		return &matcher{match: endsAny(patterns)}
	case opLike, opILike:
		return &matcher{match: likeAny(patterns, op == opILike)}
	}
	return matchesAny(patterns)
}

func no(string) bool  { return false }
func yes(string) bool { return true }

func containsAny(patterns []string) func(string) bool {
	switch {
	case len(patterns) == 0:
		return no
	case slices.Contains(patterns, ""):
		return yes
	case len(patterns) == 1:
		p := patterns[0]
		return func(s string) bool { return strings.Contains(s, p) }
	case len(patterns) <= few:
		return func(s string) bool {
			for _, p := range patterns {
				if strings.Contains(s, p) {
					return true
				}
			}
			return false
		}
	}
	a := newAutomaton(patterns)
	return func(s string) bool { return a.any(s, false, func(int32) bool { return true }) }
}

// byLength groups patterns by length, shortest first, so that a text needs one
// look-up for each length.
type byLength struct {
	n   int
	set map[string]struct{}
}

func groupByLength(patterns []string) []byLength {
	var groups []byLength
	for _, p := range patterns {
		i, ok := slices.BinarySearchFunc(groups, len(p), func(g byLength, n int) int { return g.n - n })
		if !ok {
			groups = slices.Insert(groups, i, byLength{len(p), map[string]struct{}{}})
		}
		groups[i].set[p] = struct{}{}
	}
	return groups
}

func startsAny(patterns []string) func(string) bool {
	if len(patterns) == 1 {
		p := patterns[0]
		return func(s string) bool { return strings.HasPrefix(s, p) }
	}
	groups := groupByLength(patterns)
	return func(s string) bool {
		for _, g := range groups {
			if g.n > len(s) {
				return false
			}
			if _, ok := g.set[s[:g.n]]; ok {
				return true
			}
		}
		return false
	}
}

func endsAny(patterns []string) func(string) bool {
	if len(patterns) == 1 {
		p := patterns[0]
		return func(s string) bool { return strings.HasSuffix(s, p) }
	}
	groups := groupByLength(patterns)
	return func(s string) bool {
		for _, g := range groups {
			if g.n > len(s) {
				return false
			}
			if _, ok := g.set[s[len(s)-g.n:]]; ok {
				return true
			}
		}
		return false
	}
}

// likeAny tests globs. Of many, only those are tried whose longest literal
// occurs in the text, and those that have none.
func likeAny(patterns []string, fold bool) func(string) bool {
	globs := make([]*glob, len(patterns))
	for i, p := range patterns {
		globs[i] = newGlob(p, fold)
	}
	if len(globs) == 1 {
		return globs[0].match
	}
	var plain, rest []*glob
	var literals []string
	for _, g := range globs {
		if lit := g.literal(); lit != "" && len(globs) > few {
			rest = append(rest, g)
			literals = append(literals, lit)
		} else {
			plain = append(plain, g)
		}
	}
	var a *automaton
	if len(rest) > 0 {
		a = newAutomaton(literals)
	}
	return func(s string) bool {
		for _, g := range plain {
			if g.match(s) {
				return true
			}
		}
		return a != nil && a.any(s, fold, func(i int32) bool { return rest[i].match(s) })
	}
}

// matchesAny tests regular expressions as one: a list is an alternation.
func matchesAny(patterns []string) *matcher {
	if len(patterns) == 0 {
		return &matcher{match: no}
	}
	text := patterns[0]
	if len(patterns) > 1 {
		parts := make([]string, len(patterns))
		for i, p := range patterns {
			if _, err := regexp.Compile(p); err != nil { // so that no pattern leans on another's parentheses
				return &matcher{match: no, bad: err}
			}
			parts[i] = "(?:" + p + ")"
		}
		text = strings.Join(parts, "|")
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return &matcher{match: no, bad: err}
	}
	if lit, whole := re.LiteralPrefix(); whole {
		return &matcher{match: containsAny([]string{lit})}
	}
	return &matcher{match: re.MatchString}
}
