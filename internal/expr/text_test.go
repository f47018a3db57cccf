package expr

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

func TestTextOperators(t *testing.T) {
	for _, tt := range []struct {
		op         dsl.Op
		s, pattern string
		want       bool
	}{
		{dsl.OpContains, "declined", "cli", true}, {dsl.OpContains, "declined", "CLI", false}, {dsl.OpContains, "", "", true}, {dsl.OpContains, "a", "", true},
		{dsl.OpStarts, "declined", "dec", true}, {dsl.OpStarts, "dec", "declined", false}, {dsl.OpStarts, "x", "", true},
		{dsl.OpEnds, "mail.ru", ".ru", true}, {dsl.OpEnds, "ru", ".ru", false}, {dsl.OpEnds, "x", "", true},
		{dsl.OpLike, "mail.ru", "*.ru", true}, {dsl.OpLike, "mail.RU", "*.ru", false}, {dsl.OpLike, "mail.ru.org", "*.ru", false}, {dsl.OpLike, "", "*", true}, {dsl.OpLike, "", "", true}, {dsl.OpLike, "a", "", false},
		{dsl.OpLike, "abc", "a?c", true}, {dsl.OpLike, "aüc", "a?c", true}, {dsl.OpLike, "ac", "a?c", false}, {dsl.OpLike, "abbc", "a?c", false}, {dsl.OpLike, "a.c", "a.c", true}, {dsl.OpLike, "abc", "a.c", false},
		{dsl.OpLike, "xaaab", "*aab", true}, {dsl.OpLike, "aab", "a*ab", true}, {dsl.OpLike, "ab", "ab*ab", false}, {dsl.OpLike, "abab", "ab*ab", true}, {dsl.OpLike, "one two three", "one*t?o*ee", true},
		{dsl.OpLike, "line\nbreak", "line*break", true}, {dsl.OpLike, "ü", "?", true}, {dsl.OpLike, "\xff", "?", true}, {dsl.OpLike, "\xff", "\xff", true}, {dsl.OpLike, "\xfe", "\xff", false}, {dsl.OpLike, "ab", "??", true}, {dsl.OpLike, "ab", "*?", true}, {dsl.OpLike, "", "*?", false},
		{dsl.OpLike, "aXbXc", "a*?X?c", false}, {dsl.OpLike, "aXbXdc", "a*X?c", true},
		{dsl.OpILike, "MAIL.Ru", "*.RU", true}, {dsl.OpILike, "GRÖSSE", "größe", false}, {dsl.OpILike, "GRÖẞE", "größe", true}, {dsl.OpILike, "ΣΑΣ", "σας", true}, {dsl.OpILike, "\u212a", "k", true}, {dsl.OpILike, "K", "\u212a", true}, {dsl.OpILike, "x-ENC-y", "*-enc*", true}, {dsl.OpILike, "powershell -Enc", "*-ENC", true}, {dsl.OpILike, "ab", "A?", true}, {dsl.OpILike, "aß", "A?", true},
		{dsl.OpMatches, "order 66", `\d+`, true}, {dsl.OpMatches, "order", `^\d`, false}, {dsl.OpMatches, "abc", "b", true}, {dsl.OpMatches, "ABC", "(?i)b", true},
	} {
		if strings.ContainsAny(tt.s, " \n") {
			continue // rows of batchOf can't hold it; below
		}
		f := frameOf(batchOf("s=" + tt.s + " tags=nothing|" + tt.s))
		p := NewParam(cep.Str(tt.pattern))
		f.Lookups = &Lookups{Params: []*Param{p}, Lists: []*List{NewList(stringT, []cep.Value{cep.Str("§none§"), cep.Str(tt.pattern)})}}
		rights := map[string]*dsl.Expr{
			"const": str(tt.pattern), "consts": constList("§none§", tt.pattern), "many": constList("§1", "§2", "§3", "§4", tt.pattern, "§5"),
			"param": {Op: dsl.OpParam, Param: &dsl.ParamIR{}, Type: stringT}, "list": {Op: dsl.OpList, List: &dsl.ListIR{}, Type: listT(stringT)},
		}
		if tt.op <= dsl.OpEnds {
			rights["value"] = hide(str(tt.pattern))
			rights["values"] = op(dsl.OpListLit, listT(stringT), hide(str("§none§")), hide(str(tt.pattern)))
		}
		for name, right := range rights {
			if got := holds(t, &Compiler{}, f, cond(tt.op, fld("s"), right)); got != tt.want {
				t.Errorf("%q %s: %v, want %v (%s)", tt.s, cond(tt.op, str("s"), str(tt.pattern)), got, tt.want, name)
			}
			wantAny := tt.want || oneTest(tt.op, "nothing", tt.pattern)
			if got := holds(t, &Compiler{}, f, cond(tt.op, fld("tags"), right)); got != wantAny {
				t.Errorf("any of a list, %q %s: %v, want %v (%s)", tt.s, cond(tt.op, str("s"), str(tt.pattern)), got, wantAny, name)
			}
		}
		if m := newMatcher(textOpOf(tt.op), []string{tt.pattern}); m.match(tt.s) != tt.want {
			t.Errorf("%q %v %q", tt.s, tt.op, tt.pattern)
		}
	}
	missing := frameOf(batchOf(""))
	for o := dsl.OpContains; o <= dsl.OpMatches; o++ {
		for _, left := range []string{"s", "tags"} {
			if holds(t, &Compiler{}, missing, cond(o, fld(left), str(""))) {
				t.Errorf("%v holds for a missing %s", o, left)
			}
		}
		if newMatcher(textOpOf(o), nil).match("") {
			t.Errorf("%v holds for no patterns", o)
		}
	}
}

func oneTest(o dsl.Op, s, pattern string) bool {
	return newMatcher(textOpOf(o), []string{pattern}).match(s)
}

func constList(texts ...string) *dsl.Expr {
	v := cep.Value{Type: listT(stringT)}
	for _, s := range texts {
		v.List = append(v.List, cep.Str(s))
	}
	return &dsl.Expr{Op: dsl.OpConst, Type: v.Type, Const: v}
}

func TestLikeWithBlanks(t *testing.T) {
	for pattern, want := range map[string]bool{"one*t?o*ee": true, "*two*": true, "one two three": true, "one?two?three": true, "two*": false, "*\ntwo*": false} {
		if got := newGlob(pattern, false).match("one two three"); got != want {
			t.Errorf("like %q: %v", pattern, got)
		}
	}
	if !newGlob("line*break", false).match("line\nbreak") {
		t.Error("a star does not take a line break")
	}
}

// Globs against regular expressions, on random patterns and texts.
func TestGlobsAgreeWithRegexps(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	pick := func(from []string, n int) string {
		var b strings.Builder
		for range r.IntN(n + 1) {
			b.WriteString(from[r.IntN(len(from))])
		}
		return b.String()
	}
	for range 10_000 {
		pattern, s := pick([]string{"a", "B", "ü", "*", "?", "k"}, 7), pick([]string{"a", "b", "A", "Ü", "ü", "\u212a", "K"}, 9)
		for _, fold := range []bool{false, true} {
			flags := "(?s)"
			if fold {
				flags = "(?si)"
			}
			re := regexp.MustCompile(flags + `\A(?:` + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + `)\z`)
			if got, want := newGlob(pattern, fold).match(s), re.MatchString(s); got != want {
				t.Fatalf("%q like %q, fold %v: %v, want %v", s, pattern, fold, got, want)
			}
		}
	}
}

// Many patterns at once against one by one.
func TestManyPatternsAgreeWithSingles(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	word := func(n int) string {
		b := make([]byte, r.IntN(n+1))
		for i := range b {
			b[i] = "abAB*?\xc3\xbc"[r.IntN(8)]
		}
		return string(b)
	}
	for range 3_000 {
		patterns := make([]string, r.IntN(12))
		for i := range patterns {
			patterns[i] = word(5)
		}
		s := word(12)
		for o := opContains; o < opMatches; o++ {
			want := false
			for _, p := range patterns {
				want = want || newMatcher(o, []string{p}).match(s)
			}
			if got := newMatcher(o, patterns).match(s); got != want {
				t.Fatalf("operator %d, %q against %q: %v, want %v", o, s, patterns, got, want)
			}
		}
	}
}

func TestRegexpLists(t *testing.T) {
	m := newMatcher(opMatches, []string{"^a", "(?i)B$", "c|d"})
	for s, want := range map[string]bool{"ax": true, "xb": true, "xd": true, "x": false, "xA": false} {
		if m.match(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
	for _, patterns := range [][]string{{"("}, {"a(", "b)"}} {
		if newMatcher(opMatches, patterns).bad == nil {
			t.Errorf("%q compile", patterns)
		}
	}
	// A pattern from outside that is wrong makes the condition fail.
	f := frameOf(batchOf("s=a"))
	f.Lookups = &Lookups{Lists: []*List{NewList(stringT, []cep.Value{cep.Str("(")})}}
	e := cond(dsl.OpNot, cond(dsl.OpMatches, fld("s"), &dsl.Expr{Op: dsl.OpList, List: &dsl.ListIR{}, Type: listT(stringT)}))
	if holds(t, &Compiler{}, f, e) || f.Failures != 2 {
		t.Errorf("%d failures", f.Failures)
	}
}
