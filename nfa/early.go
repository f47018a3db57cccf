package nfa

import (
	"math/bits"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/expr"
)

// A predicate may read the rule's key and features beside the event. What it
// asks of the event alone can be judged long before, by anybody and for many
// events at once; the rest only where the key's state is at hand, and only if
// it still matters. EarlyBits and LateBits are the halves of Bits.

// EarlyBits evaluates what the unary predicates ask of the frame's event
// alone. It needs no key, windows or features in the frame, and the set may
// hold more than Bits' does.
func (p *Prog) EarlyBits(f *expr.Frame, schema *cep.Schema, routes uint64) uint64 {
	var set uint64
	for i := range p.types {
		t := &p.types[i]
		if t.schema != schema {
			continue
		}
		for _, n := range t.preds {
			if d := &p.Preds[n]; n < 64 && routes>>d.Route&1 != 0 && (d.Early == nil || d.Early(f)) {
				set |= 1 << n
			}
		}
		break
	}
	return set
}

// LateBits takes those out of EarlyBits' set that Bits would not have set.
func (p *Prog) LateBits(f *expr.Frame, set uint64) uint64 {
	for late := set & p.lateBits; late != 0; late &= late - 1 {
		n := bits.TrailingZeros64(late)
		if !p.Preds[n].Late(f) {
			set &^= 1 << n
		}
	}
	return set
}

// split compiles the halves of a predicate.
func (c *compiler) split(d *Pred, n int, e *dsl.Expr) {
	var early, late []*dsl.Expr
	for _, t := range terms(e) {
		if expr.ReadsFeature(t) || expr.ReadsKey(t) {
			late = append(late, t)
		} else {
			early = append(early, t)
		}
	}
	if x := and(early); x != nil {
		d.Early = c.cond(c.schema(d.Route), x)
	}
	if x := and(late); x != nil {
		d.Late = c.cond(c.schema(d.Route), x)
		if n < 64 {
			c.lateBits |= 1 << n
		}
	}
}
