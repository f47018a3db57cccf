package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// fold replaces the parts of an expression that are constant by their values,
// without changing e. A part that cannot be computed stays as it is, so that
// it fails where it stands.
func fold(e *dsl.Expr, c *Compiler) *dsl.Expr {
	if len(e.Args) == 0 && e.Op != dsl.OpListLit {
		return e
	}
	out, constant := e, true
	for i, a := range e.Args {
		b := fold(a, c)
		if b != a {
			if out == e {
				cp := *e
				cp.Args = append([]*dsl.Expr(nil), e.Args...)
				out = &cp
			}
			out.Args[i] = b
		}
		constant = constant && b.Op == dsl.OpConst
	}
	if !constant || !pure(e.Op) {
		return out
	}
	fails, borrows := c.fails, c.borrows
	value, f := c.value(out), Frame{}
	c.fails, c.borrows = fails, borrows
	v := cep.Value{Type: e.Type}
	v.Missing = !value(&f, &v)
	if f.Failed {
		return out
	}
	return &dsl.Expr{Op: dsl.OpConst, Type: e.Type, Const: v, Span: e.Span}
}

// pure says that an operation depends on its operands alone. OpToNumber is left
// where it stands: money times an int must not lose what a float can't hold.
func pure(op dsl.Op) bool {
	switch op {
	case dsl.OpTableHas, dsl.OpTableCell, dsl.OpBoundAgg, dsl.OpToNumber:
		return false
	}
	return op >= dsl.OpAnd
}
