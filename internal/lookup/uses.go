package lookup

import (
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// uses are the lists and tables that something reads, and the lists in which
// ips are looked up as in networks.
type uses struct {
	lists, nets map[*dsl.ListIR]bool
	tables      map[*dsl.TableIR]bool
}

func usesOf(prog *dsl.Program) uses {
	u := uses{map[*dsl.ListIR]bool{}, map[*dsl.ListIR]bool{}, map[*dsl.TableIR]bool{}}
	for _, l := range prog.Lists {
		if l.Elem.Kind == cep.KindIP {
			u.nets[l] = true
		}
	}
	for _, r := range prog.Rules {
		expr.OfRule(r, u.mark)
	}
	for _, f := range prog.Features {
		u.mark(f.Where)
		for _, a := range f.Aggs {
			u.mark(a.Arg)
			u.mark(a.Cond)
		}
		for _, it := range f.Items {
			u.mark(it.Expr)
		}
	}
	return u
}

func (u *uses) mark(e *dsl.Expr) {
	expr.Walk(e, func(e *dsl.Expr) bool {
		if e.List != nil {
			u.lists[e.List] = true
		}
		if e.Table != nil {
			u.tables[e.Table] = true
		}
		if e.Op == dsl.OpInNet && e.Args[1].Op == dsl.OpList {
			u.nets[e.Args[1].List] = true
		}
		return true
	})
}
