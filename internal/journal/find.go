package journal

import (
	"errors"
	"io"
	"slices"
	"sort"
	"sync"
)

// Bounds of the records that Find keeps unpacked.
const (
	cacheRecords = 64
	cacheBytes   = 32 << 20
)

// cache is the records that were found last, the latest at the end.
type cache struct {
	mu    sync.Mutex
	recs  []Record
	bytes int
	epoch uint64 // counts drops: a record read before one is not put in behind it
}

func (c *cache) get(stream uint32, row uint64) (Record, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.recs) - 1; i >= 0; i-- {
		if r := c.recs[i]; r.holds(stream, row) {
			c.recs = append(slices.Delete(c.recs, i, i+1), r)
			return r, true
		}
	}
	return Record{}, false
}

func (c *cache) put(r Record, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch || slices.ContainsFunc(c.recs, func(o Record) bool { return o.Pos == r.Pos }) {
		return
	}
	c.recs = append(c.recs, r)
	c.bytes += len(r.Data) + len(r.Meta)
	for len(c.recs) > 1 && (len(c.recs) > cacheRecords || c.bytes > cacheBytes) {
		c.bytes -= len(c.recs[0].Data) + len(c.recs[0].Meta)
		c.recs = slices.Delete(c.recs, 0, 1)
	}
}

// drop forgets everything.
func (c *cache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recs, c.bytes = nil, 0
	c.epoch++
}

func (c *cache) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// Find returns the record that holds a row of a stream. Its Meta and Data are
// shared: they must not be changed. ErrGone says that retention has removed it,
// or may have; ErrNone that it was never there.
func (j *Journal) Find(stream uint32, row uint64) (Record, error) {
	if r, ok := j.cache.get(stream, row); ok {
		return r, nil
	}
	for {
		epoch := j.cache.now()
		s, limit, err := j.holder(stream, row)
		if err != nil {
			return Record{}, err
		}
		r, err := j.findIn(s, limit, stream, row)
		switch {
		case err == nil:
			j.cache.put(r, epoch)
			return r, nil
		case err == ErrNone:
			return Record{}, err
		}
		if err = j.settle(s, err); err != errReplaced {
			return Record{}, err
		}
	}
}

// holder is the segment that holds a row, and where it ends.
func (j *Journal) holder(stream uint32, row uint64) (*segment, int64, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	spans := j.rows[stream]
	i := sort.Search(len(spans), func(i int) bool { return spans[i].first > row })
	if i == 0 {
		if j.first() > 1 {
			return nil, 0, ErrGone
		}
		return nil, 0, ErrNone
	}
	if row > spans[i-1].last {
		return nil, 0, ErrNone
	}
	s := j.segmentOf(spans[i-1].seq)
	if s == nil {
		return nil, 0, ErrGone
	}
	return s, s.sum.end, nil
}

// findIn reads a segment from the index's mark on until it meets the row.
func (j *Journal) findIn(s *segment, limit int64, stream uint32, row uint64) (Record, error) {
	at, err := j.place(s, func(x *index) (place, bool) { return x.find(stream, row) })
	if err != nil {
		return Record{}, err
	}
	f, err := j.fs.Open(s.name)
	if err != nil {
		return Record{}, err
	}
	defer f.Close()
	sc := &scanner{f: f, name: s.name, salt: s.salt, off: at.off, limit: limit, want: at.pos, heads: true}
	defer sc.free()
	for {
		fr, _, err := sc.next()
		switch {
		case errors.Is(err, io.EOF):
			return Record{}, ErrNone
		case err != nil:
			return Record{}, err
		case fr.rec.Stream != stream:
			continue
		case fr.rec.First > row:
			return Record{}, ErrNone
		case !fr.rec.holds(stream, row):
			continue
		}
		body, err := sc.content(fr)
		if err != nil {
			return Record{}, err
		}
		var r Record
		if !fr.decode(body, &r) {
			return Record{}, &CorruptError{s.name, fr.off, "the content of the record does not unpack"}
		}
		return r, nil
	}
}
