package expr

import (
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// textTest compiles the string operators. The left side is a string, or a list
// of strings of which any may fit; the right side a pattern or a list of them,
// of which any may.
func (c *Compiler) textTest(e *dsl.Expr) Cond {
	left, right := e.Args[0], e.Args[1]
	if right.Op == dsl.OpConst {
		m := newMatcher(textOpOf(e.Op), constTexts(e, right.Const))
		if m.bad != nil {
			bad(e, "%s", m.bad)
		}
		return c.anyText(left, func(_ *Frame, s string) bool { return m.match(s) }, m.match)
	}
	if of := c.patterns(textOpOf(e.Op), right); of != nil {
		c.fails = true // a list from outside may hold what is no regular expression
		return c.anyText(left, func(f *Frame, s string) bool {
			m := of(f)
			if m.bad != nil {
				f.fail()
			}
			return m.match(s)
		}, nil)
	}
	return c.anyText(left, c.freeTest(e, right), nil)
}

// anyText applies a test to a string or to any of a list's. plain is the same
// test where it needs no frame.
func (c *Compiler) anyText(left *dsl.Expr, test func(*Frame, string) bool, plain func(string) bool) Cond {
	if left.Type.Kind == cep.KindString {
		v := c.strs(left)
		if plain != nil {
			return func(f *Frame) bool { s, ok := v(f); return ok && plain(s) }
		}
		return func(f *Frame) bool { s, ok := v(f); return ok && test(f, s) }
	}
	l := c.list(left)
	if l.strs == nil {
		bad(left, "%s is not text", left.Type)
	}
	return func(f *Frame) bool {
		n, _ := l.n(f)
		for i := range n {
			if s, ok := l.strs(f, i); ok && test(f, s) {
				return true
			}
		}
		return false
	}
}

func constTexts(e *dsl.Expr, v cep.Value) []string {
	if v.Missing {
		return nil
	}
	if v.Type.Kind == cep.KindString {
		return []string{v.Text}
	}
	return textsOf(v.List)
}

func textsOf(vs []cep.Value) []string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = v.Text
	}
	return out
}

// patterns returns how to find the compiled patterns of a declared list or a
// param; nil for other right sides.
func (c *Compiler) patterns(op textOp, right *dsl.Expr) func(*Frame) *matcher {
	switch right.Op {
	case dsl.OpList:
		i := right.List.Index
		return func(f *Frame) *matcher {
			l := f.Lookups.Lists[i]
			if m := l.patterns[op].Load(); m != nil {
				return m
			}
			m := newMatcher(op, textsOf(l.values))
			l.patterns[op].Store(m)
			return m
		}
	case dsl.OpParam:
		i := right.Param.Index
		return func(f *Frame) *matcher {
			p := f.Lookups.Params[i]
			if m := p.patterns[op].Load(); m != nil {
				return m
			}
			texts := []string{p.Value.Text}
			if p.Value.Type.Kind == cep.KindList {
				texts = textsOf(p.Value.List)
			}
			m := newMatcher(op, texts)
			p.patterns[op].Store(m)
			return m
		}
	}
	return nil
}

// freeTest tests against strings that are known only when they are read.
func (c *Compiler) freeTest(e, right *dsl.Expr) func(*Frame, string) bool {
	var test func(s, pattern string) bool
	switch textOpOf(e.Op) {
	case opContains:
		test = strings.Contains
	case opStarts:
		test = strings.HasPrefix
	case opEnds:
		test = strings.HasSuffix
	default:
		bad(e, "the pattern must be constant, a list or a param")
	}
	if right.Type.Kind == cep.KindString {
		p := c.strs(right)
		return func(f *Frame, s string) bool { pattern, ok := p(f); return ok && test(s, pattern) }
	}
	l := c.list(right)
	if l.strs == nil {
		bad(right, "%s is not text", right.Type)
	}
	return func(f *Frame, s string) bool {
		n, _ := l.n(f)
		for i := range n {
			if pattern, ok := l.strs(f, i); ok && test(s, pattern) {
				return true
			}
		}
		return false
	}
}
