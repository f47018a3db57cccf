package engine

import (
	"fmt"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// ProgramLookups are the values that the program itself gives: params at their
// defaults, inline lists, tables and outside lists empty.
func ProgramLookups(prog *dsl.Program) (*expr.Lookups, error) {
	l := &expr.Lookups{Version: 1}
	for _, p := range prog.Params {
		l.Params = append(l.Params, expr.NewParam(p.Default))
	}
	nets := netLists(prog)
	for _, ir := range prog.Lists {
		list, err := newList(ir.Elem, ir.Values, nets[ir])
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", ir.Name, err)
		}
		l.Lists = append(l.Lists, list)
	}
	for _, t := range prog.Tables {
		l.Tables = append(l.Tables, expr.NewTable(t.Key, t.Cols))
	}
	return l, nil
}

// NewList builds the values of one of the program's lists.
func NewList(prog *dsl.Program, ir *dsl.ListIR, values []cep.Value) (*expr.List, error) {
	return newList(ir.Elem, values, netLists(prog)[ir])
}

func newList(elem cep.Type, values []cep.Value, nets bool) (*expr.List, error) {
	if nets {
		return expr.NewNetList(elem, values)
	}
	return expr.NewList(elem, values), nil
}

// netLists are the lists that some rule or feature looks ips up in.
func netLists(prog *dsl.Program) map[*dsl.ListIR]bool {
	nets := map[*dsl.ListIR]bool{}
	mark := func(e *dsl.Expr) {
		expr.Walk(e, func(e *dsl.Expr) bool {
			if e.Op == dsl.OpInNet && e.Args[1].Op == dsl.OpList {
				nets[e.Args[1].List] = true
			}
			return true
		})
	}
	for _, r := range prog.Rules {
		for _, f := range r.From {
			mark(f.Where)
		}
		for _, e := range conditions(r) {
			mark(e)
		}
		for _, e := range finals(r) {
			mark(e)
		}
	}
	for _, f := range prog.Features {
		mark(f.Where)
		for _, a := range f.Aggs {
			mark(a.Arg)
			mark(a.Cond)
		}
	}
	return nets
}
