package nfa

import "github.com/weir-cep/weir/internal/slab"

// view is one run's bindings as an expr.Bound. A machine has one and points it
// at the run under test. Counts and last events cost a hop per step; the first
// read of any other event unrolls the chain once for that run.
type view struct {
	*chains
	head   slab.Handle
	frees  uint64 // chains.frees when head was set
	loaded bool
	byStep [][]slab.Handle // records by binding, in order; valid if loaded
	read   int             // events unrolled so far
}

func newView(c *chains, bindings int) view {
	return view{chains: c, byStep: make([][]slab.Handle, bindings)}
}

// on points the view at a chain.
func (v *view) on(head slab.Handle) *view {
	if head != v.head || v.frees != v.chains.frees {
		v.head, v.frees, v.loaded = head, v.chains.frees, false
	}
	return v
}

// Count implements expr.Bound.
func (v *view) Count(step int) int { return v.count(v.head, step) }

// Record implements expr.Bound.
func (v *view) Record(step, i int) []uint64 {
	n := v.find(v.head, step)
	if i < 0 || i == int(uint32(v.mem.Words(n)[1]))-1 {
		return v.mem.Words(v.chains.record(n))[recordWords:]
	}
	v.load()
	return v.mem.Words(v.byStep[step][i])[recordWords:]
}

func (v *view) load() {
	if v.loaded {
		return
	}
	for i := range v.byStep {
		n := v.count(v.head, i)
		if cap(v.byStep[i]) < n {
			v.byStep[i] = make([]slab.Handle, n, 2*n)
		}
		v.byStep[i] = v.byStep[i][:n]
		v.read += n
	}
	for h := v.head; h != 0; {
		w := v.mem.Words(h)
		v.byStep[uint32(w[2])][uint32(w[1])-1] = slab.Handle(uint32(w[0]))
		h = slab.Handle(w[0] >> 32)
	}
	v.loaded = true
}
