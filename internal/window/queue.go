package window

import "github.com/weir-cep/weir/internal/slab"

// queue is a double-ended queue of records of a fixed number of words in slab
// slots. Its header is two words of the state's root:
//
//	[0] handle<<32 | number of records
//	[1] first<<32 | capacity<<16 | front
//
// A queue may have place for a few records in the root, behind its header; as
// long as they do, it is a ring there and handle is 0. A key with few events
// then costs no slot and no cache miss beyond its root.
//
// A small queue is a ring in one slot of capacity records, front its first. One
// that outgrows a page is a chain of page-sized chunks (capacity 0): handle is
// a ring of chunk handles, first the index of the first of them, and front the
// record in that chunk. So a long queue grows and shrinks a page at a time, no
// push moves more than a page, and only the pages at its ends change.
type queue struct {
	off    int // of the header in the root
	stride int // words of a record
	per    int // records of a page
	inRoot int // records that have place behind the header
}

const headerWords = 2

func newQueue(off, stride, inRoot int) queue {
	return queue{off: off, stride: stride, per: slab.PageWords / stride, inRoot: inRoot}
}

func (q *queue) len(r []uint64) int { return int(uint32(r[q.off])) }

func (q *queue) front(r []uint64) int    { return int(r[q.off+1] & 0xffff) }
func (q *queue) capacity(r []uint64) int { return int(r[q.off+1] >> 16 & 0xffff) }
func (q *queue) first(r []uint64) int    { return int(r[q.off+1] >> 32) }
func (q *queue) handle(r []uint64) slab.Handle {
	return slab.Handle(r[q.off] >> 32)
}

func (q *queue) set(r []uint64, h slab.Handle, n, first, capacity, front int) {
	r[q.off] = uint64(h)<<32 | uint64(n)
	r[q.off+1] = uint64(first)<<32 | uint64(capacity)<<16 | uint64(front)
}

// at returns record i, counted from the front.
func (q *queue) at(mem *slab.Arena, r []uint64, i int) []uint64 {
	pos := q.front(r) + i
	if c := q.capacity(r); c != 0 {
		if pos >= c {
			pos -= c
		}
		pos *= q.stride
		if h := q.handle(r); h != 0 {
			return mem.Words(h)[pos : pos+q.stride]
		}
		pos += q.off + headerWords
		return r[pos : pos+q.stride]
	}
	k := int(uint32(pos) / uint32(q.per))
	pos = (pos - k*q.per) * q.stride
	return mem.Words(q.chunk(mem, r, k))[pos : pos+q.stride]
}

// chunk returns the handle of chunk k.
func (q *queue) chunk(mem *slab.Arena, r []uint64, k int) slab.Handle {
	dir := mem.Words(q.handle(r))
	k += q.first(r)
	if k >= 2*len(dir) {
		k -= 2 * len(dir)
	}
	return slab.Handle(dir[k>>1] >> (k & 1 * 32))
}

func (q *queue) setChunk(mem *slab.Arena, r []uint64, k int, h slab.Handle) {
	dir := mem.Words(q.handle(r))
	mem.Touch(q.handle(r))
	k += q.first(r)
	if k >= 2*len(dir) {
		k -= 2 * len(dir)
	}
	shift := k & 1 * 32
	dir[k>>1] = dir[k>>1]&^(0xffffffff<<shift) | uint64(h)<<shift
}

// push appends a record and returns it for the caller to fill. Its words are
// not zeroed.
func (q *queue) push(mem *slab.Arena, r []uint64) []uint64 {
	n := q.len(r)
	if c := q.capacity(r); n == c && (c != 0 || q.handle(r) == 0) {
		q.grow(mem, r)
	}
	if q.capacity(r) == 0 && (q.front(r)+n)%q.per == 0 {
		q.addChunk(mem, r, (q.front(r)+n)/q.per)
	}
	r[q.off]++
	rec := q.at(mem, r, n)
	if c := q.capacity(r); c != 0 {
		if h := q.handle(r); h != 0 {
			mem.Touch(h)
		}
	} else {
		mem.Touch(q.chunk(mem, r, (q.front(r)+n)/q.per))
	}
	return rec
}

// grow moves a ring to a larger slot, or turns a ring of a page into a chunk.
func (q *queue) grow(mem *slab.Arena, r []uint64) {
	n := q.len(r)
	if q.capacity(r) == 0 && q.handle(r) == 0 && q.inRoot > 0 { // the first record
		q.set(r, 0, 0, 0, q.inRoot, 0)
		return
	}
	want := n + n/2 + 1
	if n < q.per {
		q.resize(mem, r, min(want, q.per))
		return
	}
	q.resize(mem, r, q.per)
	dir := mem.Alloc(2)
	page := q.handle(r)
	q.set(r, dir, n, 0, 0, 0)
	q.setChunk(mem, r, 0, page)
}

// resize moves the records, at most a page of them, to a ring of a fitting
// slot, or back into the root.
func (q *queue) resize(mem *slab.Arena, r []uint64, records int) {
	n := q.len(r)
	h, size := slab.Handle(0), q.inRoot
	w := r[q.off+headerWords:]
	if records > q.inRoot {
		h = mem.Alloc(records * q.stride)
		w = mem.Words(h)
		size = min(len(w)/q.stride, q.per)
	}
	for i := range n {
		copy(w[i*q.stride:(i+1)*q.stride], q.at(mem, r, i))
	}
	q.free(mem, r)
	q.set(r, h, n, 0, size, 0)
}

func (q *queue) addChunk(mem *slab.Arena, r []uint64, k int) {
	old := q.handle(r)
	if dir := mem.Words(old); k == 2*len(dir) {
		h := mem.Alloc(2 * len(dir))
		w := mem.Words(h)
		for i := range k {
			c := q.chunk(mem, r, i)
			w[i>>1] |= uint64(c) << (i & 1 * 32)
		}
		mem.Free(old)
		q.set(r, h, q.len(r), 0, 0, q.front(r))
	}
	q.setChunk(mem, r, k, mem.Alloc(q.per*q.stride))
}

// popFront removes the first record.
func (q *queue) popFront(mem *slab.Arena, r []uint64) {
	front, n := q.front(r)+1, q.len(r)-1
	c := q.capacity(r)
	switch {
	case n == 0:
		q.empty(mem, r)
		return
	case c != 0:
		if front == c {
			front = 0
		}
		q.set(r, q.handle(r), n, 0, c, front)
		if n*4 <= c && c*q.stride > 16 {
			q.resize(mem, r, n*2)
		}
		return
	}
	first := q.first(r)
	if front == q.per {
		mem.Free(q.chunk(mem, r, 0))
		front = 0
		if first++; first == 2*len(mem.Words(q.handle(r))) {
			first = 0
		}
	}
	q.set(r, q.handle(r), n, first, 0, front)
	q.settle(mem, r)
}

// popBack removes the last record.
func (q *queue) popBack(mem *slab.Arena, r []uint64) {
	n := q.len(r) - 1
	if n == 0 {
		q.empty(mem, r)
		return
	}
	if q.capacity(r) == 0 && (q.front(r)+n)%q.per == 0 {
		mem.Free(q.chunk(mem, r, (q.front(r)+n)/q.per))
	}
	r[q.off]--
	if q.capacity(r) == 0 {
		q.settle(mem, r)
	}
}

// settle turns a chain that has become short into a ring again.
func (q *queue) settle(mem *slab.Arena, r []uint64) {
	if n := q.len(r); n*4 <= q.per {
		q.resize(mem, r, n*2)
	}
}

// empty keeps a small slot for the next record, unless there is place in the
// root, and gives back everything else.
func (q *queue) empty(mem *slab.Arena, r []uint64) {
	if c := q.capacity(r); c != 0 && c*q.stride <= 8 && q.inRoot == 0 {
		q.set(r, q.handle(r), 0, 0, c, 0)
		return
	}
	q.free(mem, r)
}

// free gives back all memory.
func (q *queue) free(mem *slab.Arena, r []uint64) {
	h := q.handle(r)
	if h != 0 && q.capacity(r) == 0 {
		n := q.len(r)
		for k := range (q.front(r) + n + q.per - 1) / q.per {
			mem.Free(q.chunk(mem, r, k))
		}
	}
	mem.Free(h)
	q.set(r, 0, 0, 0, 0, 0)
}

// bytes returns the memory of the queue's slots.
func (q *queue) bytes(mem *slab.Arena, r []uint64) int64 {
	h := q.handle(r)
	if h == 0 {
		return 0
	}
	n := int64(len(mem.Words(h)))
	if q.capacity(r) == 0 {
		for k := range (q.front(r) + q.len(r) + q.per - 1) / q.per {
			n += int64(len(mem.Words(q.chunk(mem, r, k))))
		}
	}
	return n * 8
}
