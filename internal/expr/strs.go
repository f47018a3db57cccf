package expr

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// strs compiles a string. It points into the batch, the symbols, a lookup or
// the frame's scratch, and is valid until the whole expression is done.
func (c *Compiler) strs(e *dsl.Expr) fn[string] {
	if e.Type.Kind != cep.KindString {
		bad(e, "%s is not a string", e.Type)
	}
	if v := c.strLeaf(e); v != nil {
		return v
	}
	switch e.Op {
	case dsl.OpElse:
		return orElse(c.strs(e.Args[0]), c.strs(e.Args[1]))
	case dsl.OpBoundAgg:
		return c.strFold(e)
	case dsl.OpCall:
		if e.Func.Name == "if" {
			return choose(c.cond(e.Args[0]), c.strs(e.Args[1]), c.strs(e.Args[2]))
		}
		return c.strCall(e)
	}
	bad(e, "no such string")
	return nil
}

// wides compiles an ip or a point.
func (c *Compiler) wides(e *dsl.Expr) fn[cep.Wide] {
	if !e.Type.Wide() {
		bad(e, "%s is neither an ip nor a point", e.Type)
	}
	if v := c.wideLeaf(e); v != nil {
		return v
	}
	switch e.Op {
	case dsl.OpElse:
		return orElse(c.wides(e.Args[0]), c.wides(e.Args[1]))
	case dsl.OpBoundAgg:
		return c.wideFold(e)
	case dsl.OpCall:
		if e.Func.Name == "if" {
			return choose(c.cond(e.Args[0]), c.wides(e.Args[1]), c.wides(e.Args[2]))
		}
		return c.wideCall(e)
	}
	bad(e, "no such %s", e.Type)
	return nil
}
