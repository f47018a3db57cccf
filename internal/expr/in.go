package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/slab"
)

// in compiles membership: false where the element is missing or the list is.
// Constant and declared lists are hashed; words among few are a bitmap.
func (c *Compiler) in(e *dsl.Expr) Cond {
	of, in := e.Args[0], e.Args[1]
	if in.Type.Kind != cep.KindList {
		bad(e, "%s is not a list", in.Type)
	}
	fam := familyOf(of.Type.Kind)
	if fam != familyOf(in.Type.Elem.Kind) {
		bad(e, "%s is never in a %s", of.Type, in.Type)
	}
	if in.Op == dsl.OpConst {
		if cond := c.inFew(of, in.Const.List); cond != nil {
			return cond
		}
	}
	if set := c.fixedSet(in); set != nil {
		return c.inSet(of, set)
	}
	if in.Op == dsl.OpBoundList && fam == texts {
		return c.inBoundTexts(of, in)
	}
	l := c.list(in)
	switch fam {
	case counts:
		return contains(c.ints(of), l.n, l.ints)
	case numbers:
		return contains(c.nums(of), l.n, l.nums)
	case texts:
		return contains(c.strs(of), l.n, l.strs)
	}
	wide := c.wides(of)
	if of.Type.Kind != cep.KindPoint {
		return contains(wide, l.n, l.wides)
	}
	return contains(
		func(f *Frame) (cep.Wide, bool) { w, ok := wide(f); return plusZero(w), ok }, l.n,
		func(f *Frame, i int) (cep.Wide, bool) { w, ok := l.wides(f, i); return plusZero(w), ok })
}

func contains[T comparable](of fn[T], n func(*Frame) (int, bool), at func(*Frame, int) (T, bool)) Cond {
	return func(f *Frame) bool {
		v, ok := of(f)
		if !ok {
			return false
		}
		count, _ := n(f)
		for i := range count {
			if el, ok := at(f, i); ok && el == v {
				return true
			}
		}
		return false
	}
}

// fixedSet returns how to find the hashed form of a constant list, a declared
// list or a param; nil for a list that depends on events.
func (c *Compiler) fixedSet(in *dsl.Expr) func(*Frame) *List {
	switch in.Op {
	case dsl.OpConst:
		l := NewList(*in.Type.Elem, in.Const.List)
		return func(*Frame) *List { return l }
	case dsl.OpList:
		i := in.List.Index
		return func(f *Frame) *List { return f.Lookups.Lists[i] }
	case dsl.OpParam:
		i := in.Param.Index
		return func(f *Frame) *List { return f.Lookups.Params[i].List }
	}
	return nil
}

func (c *Compiler) inSet(of *dsl.Expr, set func(*Frame) *List) Cond {
	switch familyOf(of.Type.Kind) {
	case texts:
		v := c.strs(of)
		return func(f *Frame) bool { s, ok := v(f); return ok && set(f).HasText(s) }
	case wides:
		v := c.wides(of)
		if of.Type.Kind == cep.KindPoint {
			return func(f *Frame) bool { w, ok := v(f); return ok && set(f).HasWide(plusZero(w)) }
		}
		return func(f *Frame) bool { w, ok := v(f); return ok && set(f).HasIP(w) }
	case numbers:
		v := c.nums(of)
		return func(f *Frame) bool { n, ok := v(f); return ok && set(f).HasWord(cep.NumberWord(n+0)) }
	}
	v := c.ints(of)
	return func(f *Frame) bool { n, ok := v(f); return ok && set(f).HasWord(cep.Word(n)) }
}

// inFew compiles the lists for which hashing is the slower way: small counts,
// which are bits of a word, and one to four strings; nil for others.
func (c *Compiler) inFew(of *dsl.Expr, values []cep.Value) Cond {
	switch familyOf(of.Type.Kind) {
	case counts:
		var set uint64
		for _, v := range values {
			if v.Word > 63 {
				return nil
			}
			set |= 1 << v.Word
		}
		v := c.ints(of)
		return func(f *Frame) bool { n, ok := v(f); return ok && uint64(n) < 64 && set>>uint64(n)&1 == 1 }
	case texts:
		if len(values) == 0 || len(values) > 4 {
			return nil
		}
		var few [4]string
		for i := range few {
			few[i] = values[min(i, len(values)-1)].Text
		}
		v := c.strs(of)
		return func(f *Frame) bool {
			s, ok := v(f)
			return ok && (s == few[0] || s == few[1] || s == few[2] || s == few[3])
		}
	}
	return nil
}

// inBoundTexts looks for a string among the strings that a step has bound. A
// string that is no symbol is in no record; one that is is compared by number.
func (c *Compiler) inBoundTexts(of, in *dsl.Expr) Cond {
	v, s, step := c.strs(of), c.capture(in), in.Step
	return func(f *Frame) bool {
		text, ok := v(f)
		if !ok || f.Bound == nil {
			return false
		}
		sym, ok := f.Syms.Find(text)
		if !ok {
			return false
		}
		for i := range f.Bound.Count(step) {
			if rec := f.Bound.Record(step, i); rec[s.at]&s.bit != 0 && slab.Symbol(rec[s.off]) == sym {
				return true
			}
		}
		return false
	}
}

// inNet compiles "ip in networks". The networks are constant strings, a
// declared list or a param; a single constant string is a list of one.
func (c *Compiler) inNet(e *dsl.Expr) Cond {
	v, in := c.wides(e.Args[0]), e.Args[1]
	if in.Op == dsl.OpConst {
		values := in.Const.List
		if in.Type.Kind == cep.KindString {
			values = []cep.Value{in.Const}
		}
		nets, err := NewNets(values)
		if err != nil {
			bad(e, "%s", err)
		}
		if len(nets) == 1 {
			lo, hi := nets[0].lo, nets[0].hi
			return func(f *Frame) bool { w, ok := v(f); return ok && cmpWide(lo, w) <= 0 && cmpWide(w, hi) <= 0 }
		}
		return func(f *Frame) bool { w, ok := v(f); return ok && nets.Has(w) }
	}
	if set := c.fixedSet(in); set != nil && in.Type.Kind == cep.KindList {
		c.fails = true
		return func(f *Frame) bool {
			w, ok := v(f)
			if !ok {
				return false
			}
			l := set(f)
			if l.noNets {
				f.fail()
			}
			return l.HasIP(w)
		}
	}
	return c.inNetOf(v, in)
}

// inNetOf tests against networks that are known only when they are read: a
// param, or strings of events. Text that is no network fails.
func (c *Compiler) inNetOf(ip fn[cep.Wide], in *dsl.Expr) Cond {
	c.fails = true
	test := func(f *Frame, w cep.Wide, text string) bool {
		r, ok := readNet(text)
		if !ok {
			f.fail()
			return false
		}
		return cmpWide(r.lo, w) <= 0 && cmpWide(w, r.hi) <= 0
	}
	if in.Type.Kind == cep.KindString {
		net := c.strs(in)
		return func(f *Frame) bool {
			w, ok := ip(f)
			if !ok {
				return false
			}
			text, ok := net(f)
			return ok && test(f, w, text)
		}
	}
	l := c.list(in)
	if l.strs == nil {
		bad(in, "not networks")
	}
	return func(f *Frame) bool {
		w, ok := ip(f)
		if !ok {
			return false
		}
		n, _ := l.n(f)
		for i := range n {
			if text, ok := l.strs(f, i); ok && test(f, w, text) {
				return true
			}
		}
		return false
	}
}
