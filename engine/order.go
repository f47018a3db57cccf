package engine

import (
	"slices"

	"github.com/weir-cep/weir/cep"
)

// item is a row that waits for its turn. Items order as (at, ref), which is
// (at, source name, partition, position).
type item struct {
	at    int64
	ref   cep.Ref
	batch uint32 // in holdings.list
	row   uint32 // in the batch's Rows
}

func (a *item) less(b *item) bool {
	return a.at < b.at || a.at == b.at && a.ref < b.ref
}

func compareItems(a, b item) int {
	if a.less(&b) {
		return -1
	}
	if b.less(&a) {
		return 1
	}
	return 0
}

// order holds accepted rows until the watermark has passed them and then hands
// them out in total order.
//
// What comes in between two releases is sorted into a run; a release merges
// the runs through a heap of their heads. Input that is nearly in order makes
// runs that hardly overlap, so that a row is copied and compared once or
// twice; in any other input it costs the logarithm of the number of
// overlapping runs. (A ring of time buckets is cheaper still where rows are
// dense and evenly spread, but its bucket width has to be guessed, and one row
// far in the future or an uneven stream defeats the guess.)
type order struct {
	held    *holdings
	open    []item // accepted since the last release
	runs    []run  // heap by head
	spare   [][]item
	waiting int // rows in runs and open
}

type run struct {
	items []item // sorted, not empty
	next  int
	noted bool // its rows are in their batches' kept
}

func (r *run) head() *item { return &r.items[r.next] }

// holdings are the batches of which rows wait or are being worked off, of all
// groups. What is in it is a function of the rows that wait, so that a restart
// finds the same; its size decides when rows are released before their time.
type holdings struct {
	list    []held
	unused  []uint32 // free places in list
	waiting int      // rows that wait, of all groups
	bytes   int64    // of the batches
	// free takes a batch of which no row is left; nil: the collector does.
	free func(*prepared)
}

// held is a batch with rows that have not been handed out and processed.
type held struct {
	batch *prepared
	rows  int        // and 1 until it is settled
	size  int64      // bytes
	part  *partition // nil: alerts as events
	kept  []byte     // which rows wait, as a snapshot writes it; nil: none was taken since they came
}

// hold registers a batch until settle is called and every row that was added
// of it is done.
func (o *holdings) hold(b *prepared, part *partition) uint32 {
	h := held{batch: b, rows: 1, size: b.size(), part: part}
	o.bytes += h.size
	if n := len(o.unused); n > 0 {
		i := o.unused[n-1]
		o.unused = o.unused[:n-1]
		o.list[i] = h
		return i
	}
	o.list = append(o.list, h)
	return uint32(len(o.list) - 1)
}

// settle says that no more rows of the batch will be added.
func (o *holdings) settle(batch uint32) { o.drop(batch, 1) }

func (o *holdings) drop(batch uint32, rows int) {
	h := &o.list[batch]
	if h.rows -= rows; h.rows == 0 {
		p := h.batch
		o.bytes -= h.size
		*h = held{}
		o.unused = append(o.unused, batch)
		if o.free != nil {
			o.free(p)
		}
	}
}

// size is the memory of a batch's content, bytes. It depends on nothing else,
// not on what the memory was before.
func (p *prepared) size() int64 {
	b := p.batch
	n := int64(len(b.Bytes)) + 32*int64(len(b.Rows)) + 16*int64(len(b.Wide)) + 8*int64(len(b.Elems)+len(b.Raw))
	for i := range b.Tables {
		for j := range b.Tables[i].Cols {
			n += 8 * int64(len(b.Tables[i].Cols[j].Words))
		}
	}
	return n
}

// forget lets go of a row that waited and is in no order any more.
func (o *holdings) forget(it item) {
	o.waiting--
	if part := o.list[it.batch].part; part != nil {
		part.waiting--
	}
	o.drop(it.batch, 1)
}

// add accepts a row.
func (o *order) add(it item) {
	h := &o.held.list[it.batch]
	h.rows++
	if h.part != nil {
		h.part.waiting++
	}
	o.held.waiting++
	o.put(it)
}

// put takes in a row that waits already.
func (o *order) put(it item) {
	o.open = append(o.open, it)
	o.waiting++
}

// empty takes all rows out, in no order; they still wait.
func (o *order) empty() (items []item) {
	for i := range o.runs {
		items = append(items, o.runs[i].items[o.runs[i].next:]...)
	}
	items = append(items, o.open...)
	o.runs, o.open, o.waiting = nil, nil, 0
	return items
}

// seal makes a run of what was accepted since the last release.
func (o *order) seal() {
	if len(o.open) == 0 {
		return
	}
	if !slices.IsSortedFunc(o.open, compareItems) {
		slices.SortFunc(o.open, compareItems)
	}
	o.push(run{items: o.open})
	o.open = nil
	if n := len(o.spare); n > 0 {
		o.open, o.spare = o.spare[n-1][:0], o.spare[:n-1]
	}
}

// release appends to dst, in order, the rows with at < w, but stops at the
// first change of at behind limit rows: rows of one time are never torn apart.
// more tells that it stopped so.
func (o *order) release(dst []item, w int64, limit int) (out []item, more bool) {
	for len(o.runs) > 0 {
		r := &o.runs[0]
		it := r.head()
		if it.at >= w {
			break
		}
		if n := len(dst); n >= limit && it.at != dst[n-1].at {
			return dst, true
		}
		dst = append(dst, *it)
		r.next++
		// The same run often has the next rows too.
		if second := o.second(); second != nil {
			for r.next < len(r.items) && len(dst) < limit && r.head().at < w && r.head().less(second) {
				dst = append(dst, *r.head())
				r.next++
			}
		} else {
			for r.next < len(r.items) && len(dst) < limit && r.head().at < w {
				dst = append(dst, *r.head())
				r.next++
			}
		}
		if r.next == len(r.items) {
			o.spare = append(o.spare, r.items)
			last := len(o.runs) - 1
			o.runs[0] = o.runs[last]
			o.runs[last] = run{}
			o.runs = o.runs[:last]
		}
		o.down(0)
	}
	return dst, false
}

// oldest is the least time of a row that waits, maxTime if none does.
func (o *order) oldest() int64 {
	at := int64(maxTime)
	if len(o.runs) > 0 {
		at = o.runs[0].head().at
	}
	for i := range o.open {
		at = min(at, o.open[i].at)
	}
	return at
}

// done lets go of the batches of rows that have been processed.
func (o *order) done(rows []item) {
	o.waiting -= len(rows)
	o.held.waiting -= len(rows)
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[j].batch == rows[i].batch {
			j++
		}
		if part := o.held.list[rows[i].batch].part; part != nil {
			part.waiting -= j - i
		}
		o.held.drop(rows[i].batch, j-i)
		i = j
	}
}

// second is the smaller of the heads behind the first run's, nil if it is alone.
func (o *order) second() *item {
	switch len(o.runs) {
	case 1:
		return nil
	case 2:
		return o.runs[1].head()
	}
	a, b := o.runs[1].head(), o.runs[2].head()
	if b.less(a) {
		return b
	}
	return a
}

func (o *order) push(r run) {
	o.runs = append(o.runs, r)
	i := len(o.runs) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !o.runs[i].head().less(o.runs[p].head()) {
			break
		}
		o.runs[i], o.runs[p] = o.runs[p], o.runs[i]
		i = p
	}
}

func (o *order) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(o.runs) {
			return
		}
		if c+1 < len(o.runs) && o.runs[c+1].head().less(o.runs[c].head()) {
			c++
		}
		if !o.runs[c].head().less(o.runs[i].head()) {
			return
		}
		o.runs[i], o.runs[c] = o.runs[c], o.runs[i]
		i = c
	}
}
