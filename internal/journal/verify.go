package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Verify reads everything and reports what is damaged: file, offset and why.
// An error says that it could not read on. Appends go on meanwhile.
func (j *Journal) Verify(report func(file string, offset int64, why string)) error {
	j.mu.RLock()
	var seqs []uint64
	for _, s := range j.segs {
		seqs = append(seqs, s.seq)
	}
	j.mu.RUnlock()
	for _, seq := range seqs {
		if err := j.verifyOne(seq, report); err != nil {
			return fmt.Errorf("verify the journal: %w", err)
		}
	}
	return nil
}

// verifyOne reads one segment, which neither Clean nor Erase touches meanwhile.
func (j *Journal) verifyOne(seq uint64, report func(file string, offset int64, why string)) error {
	j.maintain.Lock()
	defer j.maintain.Unlock()
	j.mu.RLock()
	s := j.segmentOf(seq)
	if s == nil { // retention was faster
		j.mu.RUnlock()
		return nil
	}
	v := verifier{fs: j.fs, sealed: s != j.last()}
	end := s.sum.end
	j.mu.RUnlock()
	_, err := v.segment(s, end)
	for _, d := range v.found {
		report(d.File, d.Offset, d.Why)
	}
	return err
}

// Verify does the same to a directory that no journal has open, also to one that
// Open refuses. It changes nothing.
func Verify(fs vfs.FS, dir string, report func(file string, offset int64, why string)) error {
	c, err := readChain(fs, dir)
	if err != nil {
		return fmt.Errorf("verify the journal: %w", err)
	}
	for _, fault := range c.faults {
		var damage *CorruptError
		if !errors.As(fault, &damage) {
			return fmt.Errorf("verify the journal: %w", fault)
		}
		report(damage.File, damage.Offset, damage.Why)
	}
	var before Position // behind the segment before, 0: unknown
	for i, s := range c.segs {
		v := verifier{fs: fs, sealed: c.ends[i] >= 0}
		end := c.ends[i]
		if !v.sealed {
			if end, err = v.lastEnd(s, c.sizes[i]); err != nil {
				return fmt.Errorf("verify the journal: %w", err)
			}
		}
		next, err := v.segment(s, end)
		if err != nil {
			return fmt.Errorf("verify the journal: %w", err)
		}
		for _, d := range v.found {
			report(d.File, d.Offset, d.Why)
		}
		if before != 0 && before != s.first && len(c.faults) == 0 {
			report(s.name, 0, fmt.Sprintf("the segment begins with record %d, the one before ends behind record %d", s.first, before-1))
		}
		if before = next; len(v.found) > 0 {
			before = 0
		}
	}
	return nil
}

// verifier collects what is wrong with one segment.
type verifier struct {
	fs     vfs.FS
	sealed bool
	found  []CorruptError
}

func (v *verifier) bad(file string, offset int64, why string) {
	v.found = append(v.found, CorruptError{file, offset, why})
}

// lastEnd is where a segment ends that nothing follows: a torn tail is not
// damage.
func (v *verifier) lastEnd(s *segment, size int64) (int64, error) {
	f, err := v.fs.Open(s.name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sc := &scanner{f: f, name: s.name, salt: s.salt, off: headerSize, limit: size, want: s.first}
	for {
		_, _, err := sc.next()
		var damage *CorruptError
		switch {
		case err == nil:
			continue
		case err == io.EOF:
			return size, nil
		case !errors.As(err, &damage):
			return 0, err
		}
		// What a later write declared durable belongs to the segment.
		end := sc.off
		_, _, err = searchFrame(f, s.salt, sc.off, size, func(fr *frame) bool {
			end = max(end, fr.durable)
			return false
		})
		return end, err
	}
}

// segment reads a segment up to its end and compares its index. It returns the
// position behind the last record that it met.
func (v *verifier) segment(s *segment, end int64) (Position, error) {
	h, size, err := readHeader(v.fs, s.name)
	switch {
	case err != nil && !isFault(err):
		return 0, err
	case err != nil || h != s.header:
		v.bad(s.name, 0, "the header of the segment is not the one it was opened with")
		return 0, nil
	case size < end:
		v.bad(s.name, size, fmt.Sprintf("the file is shorter than the %d bytes that were written", end))
		end = size
	}
	f, err := v.fs.Open(s.name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	again := &segment{header: s.header, name: s.name, idx: &index{}}
	again.sum = summary{next: s.first, end: end}
	if err = v.frames(f, again, end); err == nil && v.sealed && len(v.found) == 0 {
		err = v.index(again)
	}
	return again.sum.next, err
}

// frames reads all records and goes on behind damage.
func (v *verifier) frames(f vfs.File, s *segment, end int64) error {
	sc := &scanner{f: f, name: s.name, salt: s.salt, off: headerSize, limit: end, want: s.first}
	var rec Record
	for {
		fr, b, err := sc.next()
		var damage *CorruptError
		switch {
		case err == nil:
			if !fr.decode(b, &rec) {
				v.bad(s.name, fr.off, fmt.Sprintf("the content of record %d does not unpack", fr.rec.Pos))
			}
			s.note(fr)
			continue
		case err == io.EOF:
			return nil
		case !errors.As(err, &damage):
			return err
		}
		v.bad(damage.File, damage.Offset, damage.Why)
		next, found, err := searchFrame(f, s.salt, sc.off+1, end, func(n *frame) bool { return n.end() <= end && n.rec.Pos >= sc.want })
		if err != nil || !found {
			return err
		}
		sc.off, sc.want = next.off, next.rec.Pos
	}
}

// index compares the index file with what the segment holds. There need not be
// one: it is built again.
func (v *verifier) index(s *segment) error {
	name := indexName(s.name)
	f, err := v.fs.Open(name)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	got := make([]byte, min(info.Size(), math.MaxInt32))
	n, err := readAt(f, got, 0)
	if err != nil {
		return err
	}
	got = got[:n]
	want := encodeIndex(s, s.idx)
	if bytes.Equal(got, want) {
		return nil
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	v.bad(name, int64(at), "the index does not fit its segment; it holds no data and is built again when it is needed")
	return nil
}
