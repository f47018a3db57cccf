package nfa

import (
	"cmp"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/slab"
)

// A run's bindings are a chain of nodes from the newest back to the oldest.
// Forks share their past, so nodes are counted and never change. The event
// itself is a record, one per (event, binding), that all nodes share which bind
// it: a thousand runs that absorb one event copy its fields once.
//
//	node    w0  previous node <<32 | record
//	        w1  references    <<32 | how many events of its binding up to here
//	        w2  jump          <<32 | binding
//	record  w0  sequence number <<24 | references
//	        w1  time   w2  cep.Ref   w3  hash of the event's reference
//	        w4… captured fields, by the layout of its binding
//
// jump is the newest node of another binding, so that the last event of a step
// is found in as many hops as steps lie behind it, not events.
const (
	nodeWords   = 3
	recordWords = 4 // without the captured fields
	seqShift    = 24
	refMask     = 1<<seqShift - 1
)

// chains allocates, shares and frees chains.
type chains struct {
	prog  *Prog
	mem   *slab.Arena
	syms  *slab.Symbols
	frees uint64 // nodes freed so far: a handle read before may name another node now
}

func (c *chains) prev(n slab.Handle) slab.Handle   { return slab.Handle(c.mem.Words(n)[0] >> 32) }
func (c *chains) record(n slab.Handle) slab.Handle { return slab.Handle(uint32(c.mem.Words(n)[0])) }
func (c *chains) binding(n slab.Handle) int        { return int(uint32(c.mem.Words(n)[2])) }

// newRecord returns a record of the current event with one reference, the
// caller's; captures are still to be filled in.
func (c *chains) newRecord(binding int, seq uint64, at int64, ref cep.Ref, id uint64) slab.Handle {
	h := c.mem.Alloc(recordWords + c.prog.Layout.Captures[binding].Words())
	w := c.mem.Words(h)
	w[0] = seq<<seqShift | 1
	w[1], w[2], w[3] = uint64(at), uint64(ref), id
	return h
}

// push returns a new head that binds rec behind head. It takes over the
// caller's reference to head and adds one to rec.
func (c *chains) push(head slab.Handle, binding int, rec slab.Handle) slab.Handle {
	c.mem.Touch(rec)
	c.mem.Words(rec)[0]++
	n, jump := uint64(1), head
	if head != 0 {
		w := c.mem.Words(head)
		if int(uint32(w[2])) == binding {
			n = uint64(uint32(w[1])) + 1
			jump = slab.Handle(w[2] >> 32)
		} else if last := c.find(head, binding); last != 0 {
			n = uint64(uint32(c.mem.Words(last)[1])) + 1
		}
	}
	h := c.mem.Alloc(nodeWords)
	w := c.mem.Words(h)
	w[0] = uint64(head)<<32 | uint64(rec)
	w[1] = 1<<32 | n
	w[2] = uint64(jump)<<32 | uint64(binding)
	return h
}

// find returns the newest node of the binding, 0 if there is none.
func (c *chains) find(head slab.Handle, binding int) slab.Handle {
	for head != 0 {
		w := c.mem.Words(head)
		if int(uint32(w[2])) == binding {
			return head
		}
		head = slab.Handle(w[2] >> 32)
	}
	return 0
}

// count is how many events of the binding the chain holds.
func (c *chains) count(head slab.Handle, binding int) int {
	if n := c.find(head, binding); n != 0 {
		return int(uint32(c.mem.Words(n)[1]))
	}
	return 0
}

func (c *chains) retain(head slab.Handle) {
	if head != 0 {
		c.mem.Touch(head)
		c.mem.Words(head)[1] += 1 << 32
	}
}

// release gives a reference to head back and frees what nobody holds any more.
func (c *chains) release(head slab.Handle) {
	for head != 0 {
		c.mem.Touch(head)
		w := c.mem.Words(head)
		w[1] -= 1 << 32
		if w[1]>>32 != 0 {
			return
		}
		prev, rec, b := slab.Handle(w[0]>>32), slab.Handle(uint32(w[0])), int(uint32(w[2]))
		c.mem.Free(head)
		c.frees++
		c.releaseRecord(b, rec)
		head = prev
	}
}

func (c *chains) releaseRecord(binding int, rec slab.Handle) {
	c.mem.Touch(rec)
	w := c.mem.Words(rec)
	w[0]--
	if w[0]&refMask != 0 {
		return
	}
	c.prog.Layout.Captures[binding].Release(w[recordWords:], c.syms)
	c.mem.Free(rec)
}

// oldest returns the first node of the chain.
func (c *chains) oldest(head slab.Handle) slab.Handle {
	for {
		p := c.prev(head)
		if p == 0 {
			return head
		}
		head = p
	}
}

func (c *chains) seqOf(rec slab.Handle) uint64 { return c.mem.Words(rec)[0] >> seqShift }
func (c *chains) timeOf(rec slab.Handle) int64 { return int64(c.mem.Words(rec)[1]) }

// same says whether two chains bind the same events to the same steps.
func (c *chains) same(a, b slab.Handle) bool {
	for a != b {
		if a == 0 || b == 0 {
			return false
		}
		x, y := c.mem.Words(a), c.mem.Words(b)
		if uint32(x[0]) != uint32(y[0]) || uint32(x[2]) != uint32(y[2]) {
			return false
		}
		a, b = slab.Handle(x[0]>>32), slab.Handle(y[0]>>32)
	}
	return true
}

// hash is the same for chains that bind the same events to the same steps, in
// every process.
func (c *chains) hash(head slab.Handle) uint64 {
	h := uint64(14695981039346656037)
	for head != 0 {
		w := c.mem.Words(head)
		h = (h ^ c.seqOf(slab.Handle(uint32(w[0])))) * 1099511628211
		h = (h ^ uint64(uint32(w[2]))) * 1099511628211
		head = slab.Handle(w[0] >> 32)
	}
	return h ^ h>>29
}

// compare orders chains of one length by their events and the steps that took
// them, from the oldest on.
func (c *chains) compare(a, b slab.Handle) int {
	order := 0 // of the oldest difference so far
	for a != b {
		x, y := c.mem.Words(a), c.mem.Words(b)
		d := cmp.Or(cmp.Compare(c.seqOf(slab.Handle(uint32(x[0]))), c.seqOf(slab.Handle(uint32(y[0])))), cmp.Compare(uint32(x[2]), uint32(y[2])))
		if d != 0 {
			order = d
		}
		a, b = slab.Handle(x[0]>>32), slab.Handle(y[0]>>32)
		if a == 0 || b == 0 {
			break
		}
	}
	return order
}
