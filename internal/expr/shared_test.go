package expr

import (
	"sync"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// Shards share closures and lookups, each with a frame of its own; the race
// detector watches.
func TestShardsShareClosures(t *testing.T) {
	lookups := &Lookups{Lists: []*List{NewList(stringT, constList("x*", "ab?", "q", "r", "s").Const.List)}, Params: []*Param{NewParam(cep.Str("b"))}}
	list := &dsl.Expr{Op: dsl.OpList, List: &dsl.ListIR{}, Type: listT(stringT)}
	param := &dsl.Expr{Op: dsl.OpParam, Param: &dsl.ParamIR{}, Type: stringT}
	e := cond(dsl.OpAnd, cond(dsl.OpLike, fld("s"), list), cond(dsl.OpMatches, fld("s"), param), cond(dsl.OpEq, fnCall(t, "upper", fld("s")), str("ABC")),
		cond(dsl.OpGt, fnCall(t, "similar", fld("s"), hide(str("abd"))), number("0.5")))
	is, err := (&Compiler{Schema: schema}).Cond(e)
	if err != nil {
		t.Fatal(err)
	}
	var shards sync.WaitGroup
	for range 4 {
		shards.Go(func() {
			f := frameOf(batchOf(full, "s=abx"))
			f.Lookups = lookups
			for i := range 200 {
				if got := is(f.at(i & 1)); got != (i&1 == 0) {
					t.Errorf("row %d is %v", i&1, got)
				}
			}
		})
	}
	shards.Wait()
}
