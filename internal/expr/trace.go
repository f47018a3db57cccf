package expr

import (
	"strings"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Trace says why a condition does not hold, in the words of the rule: the
// terms that are false, each with the values that make it so:
//
//	amount > 10 * 20.00 USD: amount = 15.00 USD; country != small.last.country: …
//
// On a side of a comparison that reads neither the current event nor the run,
// params, features and windows stand as the values that they have now. A
// condition that holds gives "". Trace compiles as it goes: it is for
// explanations, not for the way of an event.
func (c *Compiler) Trace(e *dsl.Expr, f *Frame) string {
	t := tracer{c, f}
	var out []string
	for _, term := range Terms(e) {
		is, err := c.Cond(term)
		if err != nil {
			out = append(out, err.Error())
			continue
		}
		before := f.Failures
		if is(f) {
			continue
		}
		text := t.atom(term)
		if f.Failures != before {
			text += " (it can't be computed: a division by zero, an overflow or a failed conversion)"
		}
		f.Failures = before // looking is not an evaluation
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

type tracer struct {
	c *Compiler
	f *Frame
}

// atom renders one term and the values in it.
func (t *tracer) atom(e *dsl.Expr) string {
	var told []*dsl.Expr
	shown := t.shown(e, &told)
	text := shown.String()
	var values []string
	seen := map[string]bool{}
	for _, leaf := range told {
		name := leaf.String()
		if !seen[name] {
			seen[name] = true
			values = append(values, name+" = "+t.valueOf(leaf))
		}
	}
	if len(values) == 0 {
		return text
	}
	return text + ": " + strings.Join(values, ", ")
}

// shown is the form in which a term is printed; the leaves whose values are to
// be told beside it are added to told.
func (t *tracer) shown(e *dsl.Expr, told *[]*dsl.Expr) *dsl.Expr {
	if len(e.Args) == 2 && comparison(e.Op) && readsEvent(e) {
		out := *e
		out.Args = make([]*dsl.Expr, 2)
		for i, side := range e.Args {
			if readsEvent(side) {
				t.leaves(side, told)
				out.Args[i] = side
			} else {
				out.Args[i] = t.filled(side)
			}
		}
		return &out
	}
	t.leaves(e, told)
	return e
}

func comparison(op dsl.Op) bool { return op >= dsl.OpEq && op <= dsl.OpGe }

func readsEvent(e *dsl.Expr) bool { return ReadsField(e) || ReadsBound(e) }

// changing says that an expression is one whose value is to be told as a
// whole: it differs from event to event, or from one version of the lookups to
// the next.
func changing(e *dsl.Expr) bool {
	switch e.Op {
	case dsl.OpField, dsl.OpKey, dsl.OpParam, dsl.OpBound, dsl.OpBoundList, dsl.OpBoundCount, dsl.OpBoundAgg,
		dsl.OpMatchStart, dsl.OpMatchEnd, dsl.OpAgg, dsl.OpFeature, dsl.OpTableCell:
		return true
	}
	return false
}

func (t *tracer) leaves(e *dsl.Expr, told *[]*dsl.Expr) {
	Walk(e, func(e *dsl.Expr) bool {
		if changing(e) {
			*told = append(*told, e)
		}
		return true
	})
}

// filled is e with the values of its leaves in their places; "x else y" is the
// one that counts.
func (t *tracer) filled(e *dsl.Expr) *dsl.Expr {
	if changing(e) || e.Op == dsl.OpElse {
		return &dsl.Expr{Op: dsl.OpConst, Type: e.Type, Const: t.value(e)}
	}
	out := *e
	out.Args = make([]*dsl.Expr, len(e.Args))
	for i, a := range e.Args {
		out.Args[i] = t.filled(a)
	}
	return &out
}

func (t *tracer) value(e *dsl.Expr) cep.Value {
	v, err := t.c.Value(e)
	if err != nil {
		return cep.Missing(e.Type)
	}
	var out cep.Value
	v(t.f, &out)
	return out
}

// maxShown is how many elements of a list are printed.
const maxShown = 5

func (t *tracer) valueOf(e *dsl.Expr) string {
	v := t.value(e)
	more := ""
	if len(v.List) > maxShown {
		v.List, more = v.List[:maxShown], ", …"
	}
	text := string(dsl.AppendValue(nil, v))
	if more != "" {
		text = strings.TrimSuffix(text, "]") + more + "]"
	}
	return text
}
