package expr

import (
	"fmt"
	"strings"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Cond is a compiled condition. A missing bool counts as false.
type Cond func(*Frame) bool

// fn is a compiled value; ok is false where it is missing or cannot be computed.
type fn[T any] func(*Frame) (v T, ok bool)

// Compiler compiles expressions of one rule or feature. It is cheap and not
// safe for concurrent use; what it returns is.
type Compiler struct {
	Layout Layout
	// Schema is the type of the current event. With it, required fields are
	// read without asking whether they are present; nil is always right.
	Schema *cep.Schema
	// Zone is the file's time zone, for calendar functions; nil is UTC.
	Zone *time.Location

	fails   bool // the expression being compiled may set Frame.Failed
	borrows bool // it may borrow from Frame.scratch
}

// On returns a compiler like c whose current event is of the schema.
func (c Compiler) On(schema *cep.Schema) *Compiler {
	c.Schema = schema
	return &c
}

// Cond compiles a whole condition: one that cannot be computed is false and
// counts in Frame.Failures. A nil expression always holds.
func (c *Compiler) Cond(e *dsl.Expr) (cond Cond, err error) {
	if e == nil {
		return always, nil
	}
	defer c.door(e, &err)
	inner := c.cond(fold(e, c))
	if !c.fails && !c.borrows {
		return inner, nil
	}
	return func(f *Frame) bool {
		h := f.begin()
		ok := inner(f)
		return f.end(h) && ok
	}, nil
}

// hold is what a whole expression found when it began.
type hold struct {
	text, words int
	failed      bool
}

func (f *Frame) begin() hold {
	h := hold{len(f.scratch.text), len(f.scratch.words), f.Failed}
	f.Failed = false
	return h
}

// end gives back the scratch and says whether the expression could be
// computed. An outer expression's own failure stays noted.
func (f *Frame) end(h hold) bool {
	f.scratch.text = f.scratch.text[:h.text]
	f.scratch.words = f.scratch.words[:h.words]
	ok := !f.Failed
	if !ok {
		f.Failures++
	}
	f.Failed = h.failed
	return ok
}

// Word compiles a value for windows and counters: one word, ok false if it is
// missing or cannot be computed. Strings, and ips, points and lists in their
// byte form, are interned: the caller owns one reference (see Interned).
// Equal values have equal words.
func (c *Compiler) Word(e *dsl.Expr) (w func(*Frame) (cep.Word, bool), err error) {
	defer c.door(e, &err)
	inner := c.word(fold(e, c))
	if !c.fails && !c.borrows {
		return inner, nil
	}
	return func(f *Frame) (cep.Word, bool) {
		h := f.begin()
		w, ok := inner(f)
		return w, f.end(h) && ok
	}, nil
}

// Interned says whether words of the type are symbols.
func Interned(t cep.Type) bool {
	switch t.Kind {
	case cep.KindString, cep.KindIP, cep.KindPoint, cep.KindList:
		return true
	}
	return false
}

func (c *Compiler) word(e *dsl.Expr) func(*Frame) (cep.Word, bool) {
	switch familyOf(e.Type.Kind) {
	case counts:
		v := c.ints(e)
		return func(f *Frame) (cep.Word, bool) { n, ok := v(f); return cep.Word(n), ok }
	case numbers:
		v := c.nums(e)
		return func(f *Frame) (cep.Word, bool) { n, ok := v(f); return cep.NumberWord(n + 0), ok } // -0 + 0 is 0
	case texts:
		v := c.strs(e)
		return func(f *Frame) (cep.Word, bool) {
			s, ok := v(f)
			if !ok {
				return 0, false
			}
			return cep.Word(f.Syms.Intern(s)), true
		}
	case wides:
		v, kind := c.wides(e), e.Type.Kind
		return func(f *Frame) (cep.Word, bool) {
			w, ok := v(f)
			if !ok {
				return 0, false
			}
			b := WideBytes(w, kind)
			return cep.Word(f.Syms.Intern(view(b[:]))), true
		}
	default:
		v := c.list(e)
		return func(f *Frame) (cep.Word, bool) {
			n, ok := v.n(f)
			if !ok {
				return 0, false
			}
			return cep.Word(f.Syms.Intern(v.encode(f, n))), true
		}
	}
}

// Value compiles a value for alerts and explanations. It sets the whole of
// *out, which shares no memory with the batch; a value that cannot be computed
// is missing and counts in Frame.Failures.
func (c *Compiler) Value(e *dsl.Expr) (v func(*Frame, *cep.Value), err error) {
	defer c.door(e, &err)
	e = fold(e, c)
	inner, t := c.value(e), e.Type
	return func(f *Frame, out *cep.Value) {
		*out = cep.Value{Type: t}
		h := f.begin()
		ok := inner(f, out)
		if !f.end(h) || !ok {
			*out = cep.Value{Type: t, Missing: true}
		}
	}, nil
}

func (c *Compiler) value(e *dsl.Expr) func(*Frame, *cep.Value) bool {
	switch familyOf(e.Type.Kind) {
	case counts:
		v := c.ints(e)
		return func(f *Frame, out *cep.Value) bool { n, ok := v(f); out.Word = cep.Word(n); return ok }
	case numbers:
		v := c.nums(e)
		return func(f *Frame, out *cep.Value) bool { n, ok := v(f); out.Word = cep.NumberWord(n + 0); return ok }
	case texts:
		v := c.strs(e)
		return func(f *Frame, out *cep.Value) bool { s, ok := v(f); out.Text = strings.Clone(s); return ok }
	case wides:
		v := c.wides(e)
		return func(f *Frame, out *cep.Value) (ok bool) { out.Wide, ok = v(f); return ok }
	default:
		v, elem := c.list(e), *e.Type.Elem
		return func(f *Frame, out *cep.Value) bool {
			n, ok := v.n(f)
			for i := range n {
				if el, ok := v.value(f, i, elem); ok {
					out.List = append(out.List, el)
				}
			}
			return ok
		}
	}
}

// family is how values of a kind are carried between closures.
type family uint8

const (
	counts  family = iota // int64
	numbers               // float64
	texts                 // string
	wides                 // cep.Wide
	lists
)

func familyOf(k cep.Kind) family {
	switch k {
	case cep.KindNumber:
		return numbers
	case cep.KindString:
		return texts
	case cep.KindIP, cep.KindPoint:
		return wides
	case cep.KindList:
		return lists
	}
	return counts
}

// compileError travels by panic from where an expression cannot be compiled
// to the exported door. It means that the checker let something through.
type compileError struct {
	e    *dsl.Expr
	what string
}

func (e *compileError) Error() string { return fmt.Sprintf("compile %q: %s", e.e, e.what) }

func bad(e *dsl.Expr, format string, args ...any) {
	panic(&compileError{e, fmt.Sprintf(format, args...)})
}

// door is deferred by the exported methods.
func (c *Compiler) door(e *dsl.Expr, err *error) {
	if r := recover(); r != nil {
		ce, ok := r.(*compileError)
		if !ok {
			panic(r)
		}
		*err = ce
	}
	c.fails, c.borrows = false, false
}

func always(*Frame) bool { return true }
func never(*Frame) bool  { return false }
