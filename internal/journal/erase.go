package journal

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Erased is what Erase did.
type Erased struct {
	Records       int    // that were changed
	Segments      int    // that were written anew
	Before, After int64  // bytes of those
	Beyond        uint64 // records that were not looked at: recovery needs them as they are
}

// Erase hands every durable record that recovery does not need to edit, which
// may change Meta and Data, in place too, and says whether it did. Segments with
// a changed record are written anew and take the place of the old ones at once,
// also in a crash; one after the other, so that an error leaves those before it
// erased. A reader that is inside a segment may still read the old one.
func (j *Journal) Erase(edit func(*Record) (changed bool, err error)) (Erased, error) {
	j.maintain.Lock()
	defer j.maintain.Unlock()
	var out Erased
	if err := j.removeDoomed(); err != nil {
		return out, fmt.Errorf("erase from the journal: %w", err)
	}
	j.mu.RLock()
	need := max(j.need, 1)
	roll := len(j.segs) > 0 && !j.last().empty() && j.last().first < need
	j.mu.RUnlock()
	if roll {
		if err := j.roll(); err != nil {
			return out, fmt.Errorf("erase from the journal: %w", err)
		}
	}
	j.mu.RLock()
	segs := append([]*segment(nil), j.segs...)
	out.Beyond = uint64(j.end() - min(need, j.end()))
	j.mu.RUnlock()
	for i, s := range segs {
		if i == len(segs)-1 || s.first >= need {
			break
		}
		e := eraser{j: j, old: s, need: need, edit: edit}
		if err := e.run(&out); err != nil {
			return out, fmt.Errorf("erase from the journal: %w", err)
		}
	}
	return out, nil
}

// roll makes the writer begin a new segment.
func (j *Journal) roll() error {
	done := make(chan error, 1)
	q := &j.queue
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	q.rolls = append(q.rolls, done)
	q.mu.Unlock()
	q.work.Signal()
	return <-done
}

// eraser writes one segment anew.
type eraser struct {
	j    *Journal
	old  *segment
	need Position
	edit func(*Record) (bool, error)

	f    vfs.File // nil: nothing has changed yet
	name string
	s    *segment
	buf  []byte
	off  int64
}

func (e *eraser) run(out *Erased) (err error) {
	in, err := e.j.fs.Open(e.old.name)
	if err != nil {
		return err
	}
	defer in.Close()
	changed, err := e.pass(in)
	if err == nil && changed > 0 {
		err = e.replace()
	}
	if e.f != nil {
		e.f.Close()
		if err != nil {
			e.j.fs.Remove(e.name)
		}
	}
	if err != nil || changed == 0 {
		return err
	}
	out.Records += changed
	out.Segments++
	out.Before += e.old.sum.end
	out.After += e.s.sum.end
	return nil
}

// pass reads the old segment and, from the first change on, writes the new one.
func (e *eraser) pass(in vfs.File) (changed int, err error) {
	sc := e.scan(in, e.old.sum.end)
	var rec Record
	for {
		f, b, err := sc.next()
		switch {
		case err == io.EOF:
			return changed, nil
		case err != nil:
			return 0, err
		}
		var did bool
		if f.rec.Pos < e.need {
			if !f.decode(b, &rec) {
				return 0, &CorruptError{e.old.name, f.off, "the content of the record does not unpack"}
			}
			if did, err = e.edit(&rec); err != nil {
				return 0, err
			}
		}
		switch {
		case did:
			changed++
			err = e.change(in, f, &rec)
		case e.f != nil:
			err = e.write(*f, b)
		}
		if err != nil {
			return 0, err
		}
	}
}

func (e *eraser) scan(in vfs.File, limit int64) *scanner {
	return &scanner{f: in, name: e.old.name, salt: e.old.salt, off: headerSize, limit: limit, want: e.old.first}
}

// change writes a record as edit left it.
func (e *eraser) change(in vfs.File, f *frame, rec *Record) error {
	got, want := *rec, f.rec
	got.Meta, got.Data = nil, nil
	if got.Pos != want.Pos || got.Kind != want.Kind || got.Stream != want.Stream ||
		got.First != want.First || got.Count != want.Count || got.Time != want.Time {
		return errors.New("only Meta and Data of a record can be changed")
	}
	if len(rec.Data) > MaxData || len(rec.Meta) > MaxMeta {
		return ErrTooLarge
	}
	if e.f == nil {
		if err := e.create(in, f.off); err != nil {
			return err
		}
	}
	b := encode(rec)
	defer release(b.buf)
	return e.write(b.f, b.buf)
}

// create begins the new file with the frames that stand before the first
// change.
func (e *eraser) create(in vfs.File, to int64) (err error) {
	e.name = e.old.name + unfinished
	e.s = &segment{header: e.old.header, name: e.old.name, idx: &index{}}
	e.s.salt, e.s.flags = newSalt(), flagRewritten
	e.s.sum = summary{next: e.s.first, end: headerSize}
	e.j.fs.Remove(e.name) // of an attempt that failed
	if e.f, err = e.j.fs.OpenReadWrite(e.name, vfs.WriteCategoryUnspecified); err != nil {
		return err
	}
	e.off = headerSize
	e.buf = make([]byte, headerSize, writeBytes) // the header is written when the end is known
	sc := e.scan(in, to)
	for {
		f, b, err := sc.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = e.write(*f, b)
		}
		if err != nil {
			return err
		}
	}
}

// write appends a frame to the new file.
func (e *eraser) write(f frame, b []byte) error {
	f.off, f.durable = e.off, headerSize
	e.buf = append(f.put(e.buf, e.s.salt), b...)
	e.off = f.end()
	e.s.note(&f)
	if len(e.buf) < writeBytes {
		return nil
	}
	return e.flush()
}

func (e *eraser) flush() error {
	_, err := e.f.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

// replace completes the new file and puts it in the place of the old one.
func (e *eraser) replace() error {
	j, s := e.j, e.s
	if s.sum.next != e.old.sum.next {
		return &CorruptError{e.old.name, e.old.sum.end, "records are missing at the end of the segment"}
	}
	s.sum.end, s.header.end = e.off, e.off
	if err := e.flush(); err != nil {
		return err
	}
	if _, err := e.f.WriteAt(s.header.put(nil), 0); err != nil {
		return err
	}
	if err := e.f.Sync(); err != nil {
		return err
	}
	if err := e.swap(); err != nil {
		return err
	}
	j.cache.drop()
	if err := j.saveIndex(s); err != nil {
		j.fs.Remove(indexName(s.name)) // it does not fit any more, and would be built again anyway
	}
	j.keep(s, s.idx)
	return j.syncDir()
}

// swap renames the new file and takes it up, so that nobody sees the one
// without the other.
func (e *eraser) swap() error {
	j := e.j
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.fs.Rename(e.name, e.old.name); err != nil {
		return err
	}
	for i := range j.segs {
		if j.segs[i] == e.old {
			j.segs[i] = e.s
		}
	}
	j.bytes += e.s.sum.end - e.old.sum.end
	return nil
}
