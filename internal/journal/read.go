package journal

import (
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Reader reads durable records in order. It serves one goroutine.
type Reader struct {
	j   *Journal
	pos Position // of the next record
	seg *segment // that is open
	in  *segment // that was opened, or was to be
	f   vfs.File
	sc  scanner
	err error
}

// Read returns a reader that begins at a position. Close it.
func (j *Journal) Read(from Position) *Reader { return &Reader{j: j, pos: max(from, 1)} }

// Next reads the next record into r. The memory of r.Meta and r.Data is used
// again if it has room; a zero Record gets memory of its own.
//
// At the end of what is durable it returns io.EOF and may be called again
// later; ErrGone if retention has removed the record, *CorruptError if it is
// damaged.
func (r *Reader) Next(rec *Record) error {
	if r.err != nil {
		return r.err
	}
	for {
		err := r.next(rec)
		if err == nil || err == io.EOF {
			return err
		}
		err = r.j.settle(r.in, err)
		r.close()
		if err != errReplaced {
			r.err = err
			return err
		}
	}
}

// errReplaced says that Erase has put another file in the place of the one that
// was being opened.
var errReplaced = errors.New("the segment was replaced")

// settle explains an error met in a segment that may be out of the journal by
// now.
func (j *Journal) settle(s *segment, err error) error {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if s == nil {
		return err
	}
	switch j.segmentOf(s.seq) {
	case s:
		return err
	case nil:
		return ErrGone
	}
	return errReplaced
}

// Close gives the reader's file back.
func (r *Reader) Close() error {
	r.close()
	r.sc.free()
	r.err = ErrClosed
	return nil
}

func (r *Reader) close() {
	if r.f != nil {
		r.f.Close()
		r.f = nil
	}
	r.seg = nil
}

func (r *Reader) next(rec *Record) error {
	for {
		if r.seg == nil {
			if err := r.enter(); err != nil {
				return err
			}
		}
		f, body, err := r.sc.next()
		switch {
		case err == io.EOF:
			if err := r.more(); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		case f.rec.Pos < r.pos:
			continue // the index is sparse
		}
		if !f.decode(body, rec) {
			return &CorruptError{r.seg.name, f.off, "the content of the record does not unpack"}
		}
		r.pos++
		return nil
	}
}

// enter opens the segment that holds the next record.
func (r *Reader) enter() error {
	j := r.j
	r.in = nil
	j.mu.RLock()
	end, first, s := j.end(), j.first(), j.segmentAt(r.pos)
	var limit int64
	if s != nil {
		limit = s.sum.end
	}
	j.mu.RUnlock()
	switch {
	case r.pos < first:
		return ErrGone
	case r.pos >= end || s == nil:
		return io.EOF
	}
	r.in = s
	at := place{s.first, headerSize}
	if r.pos != s.first {
		var err error
		if at, err = j.place(s, func(x *index) (place, bool) { return x.seek(r.pos) }); err != nil {
			return err
		}
	}
	f, err := j.fs.Open(s.name)
	if err != nil {
		return err
	}
	r.seg, r.f = s, f
	r.sc = scanner{f: f, name: s.name, salt: s.salt, off: at.off, limit: limit, want: at.pos, buf: r.sc.buf[:0]}
	return nil
}

// more is called at the end of what was durable of the segment: by now there
// may be more of it, or another one.
func (r *Reader) more() error {
	j := r.j
	j.mu.RLock()
	limit, next, newest := r.seg.sum.end, r.seg.sum.next, j.last()
	j.mu.RUnlock()
	switch {
	case r.pos < next && limit > r.sc.limit:
		r.sc.limit = limit
		return nil
	case r.pos < next:
		return &CorruptError{r.seg.name, r.sc.off, "records are missing at the end of the segment"}
	case newest == r.seg:
		return io.EOF
	}
	r.close()
	return nil
}

// place asks the index of a segment, which is loaded if it has to be.
func (j *Journal) place(s *segment, ask func(*index) (place, bool)) (place, error) {
	j.mu.Lock()
	j.asked++
	s.used = j.asked
	if s.idx != nil {
		p, ok := ask(s.idx)
		j.mu.Unlock()
		return p, none(ok)
	}
	j.mu.Unlock()
	x, err := loadIndex(j.fs, s)
	if err != nil {
		again := &segment{header: s.header, name: s.name}
		if err := j.rebuild(again, s.sum.end); err != nil {
			return place{}, err
		}
		x = again.idx
	}
	p, ok := ask(x)
	j.keep(s, x)
	return p, none(ok)
}

func none(ok bool) error {
	if ok {
		return nil
	}
	return ErrNone
}

// indexBytes bounds the indexes of sealed segments that stay in memory.
var indexBytes = 32 << 20 // changed by tests

// keep holds an index in memory.
func (j *Journal) keep(s *segment, x *index) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.idx = x
	j.evict(s)
}

// evict drops the indexes that were not asked for longest, while there are too
// many; not those of the newest segment and of one other.
func (j *Journal) evict(but *segment) {
	for {
		var oldest *segment
		total := 0
		for _, s := range j.segs[:len(j.segs)-1] {
			if s.idx == nil {
				continue
			}
			total += s.idx.bytes()
			if s != but && (oldest == nil || s.used < oldest.used) {
				oldest = s
			}
		}
		if total <= indexBytes || oldest == nil {
			return
		}
		oldest.idx = nil
	}
}
