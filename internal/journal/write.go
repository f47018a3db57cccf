package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writeBytes is about how much is written with one call.
const writeBytes = 1 << 20

// writer is what only the writer's goroutine touches: the file that grows.
type writer struct {
	f       vfs.File // nil: the next group begins a new segment
	seg     *segment
	off     int64 // behind what was written; seg.sum.end is behind what is durable
	seq     uint64
	pos     Position // of the next record
	buf     []byte
	frames  []frame // of the group
	started time.Time
}

// write is the writer's goroutine: it makes one group after the other durable.
func (j *Journal) write() {
	defer close(j.stopped)
	for {
		g, roll := j.queue.take()
		switch {
		case roll != nil:
			roll <- j.begin()
		case g == nil:
			j.leave()
			return
		default:
			j.commit(g)
		}
	}
}

// commit makes a group durable or fails it.
func (j *Journal) commit(g *group) {
	start := time.Now()
	if err := j.try(g); err != nil {
		if j.stalled() == nil {
			j.log.Error("the journal cannot be written: nothing is taken in until it can", slog.Any("error", err))
		}
		j.abandon()
		j.queue.finish(g, fmt.Errorf("%w: %w", ErrStalled, err))
		return
	}
	stalled := j.stalled()
	size := j.publish(g)
	n := len(g.bodies)
	j.queue.finish(g, nil)
	if stalled != nil {
		j.log.Info("the journal can be written again")
	}
	if j.opt.Synced != nil {
		j.opt.Synced(time.Since(start), n, size)
	}
	if j.queue.idle() {
		j.mark()
	}
}

func (j *Journal) stalled() error {
	j.queue.mu.Lock()
	defer j.queue.mu.Unlock()
	return j.queue.stalled
}

// try writes and syncs a group.
func (j *Journal) try(g *group) error {
	w := &j.out
	if w.f == nil || w.off >= j.opt.Segment || j.old() {
		if err := j.begin(); err != nil {
			return err
		}
	}
	g.first = w.pos
	durable := w.seg.sum.end
	w.buf, w.frames = w.buf[:0], w.frames[:0]
	for i := range g.bodies {
		f := g.bodies[i].f
		f.rec.Pos = g.first + Position(i)
		f.off, f.durable = w.off+int64(len(w.buf)), durable
		w.buf = append(f.put(w.buf, w.seg.salt), g.bodies[i].buf...)
		w.frames = append(w.frames, f)
		if len(w.buf) >= writeBytes {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.f.SyncData(); err != nil {
		return fmt.Errorf("sync %s: %w", w.seg.name, err)
	}
	return nil
}

// flush writes what is in the buffer.
func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	n, err := w.f.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = errors.New("short write")
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", w.seg.name, err)
	}
	w.off += int64(n)
	w.buf = w.buf[:0]
	if cap(w.buf) > 2*groupBytes { // one large record
		w.buf = nil
	}
	return nil
}

// publish makes a durable group visible to readers.
func (j *Journal) publish(g *group) (size int64) {
	w := &j.out
	w.pos = g.first + Position(len(w.frames))
	j.mu.Lock()
	defer j.mu.Unlock()
	size = w.off - w.seg.sum.end
	for i := range w.frames {
		f := &w.frames[i]
		j.note(w.seg, f)
		j.done.raw += uint64(f.raw) + uint64(f.meta)
	}
	w.seg.sum.end = w.off
	w.seg.sum.next = w.pos
	j.bytes += size
	j.done.groups++
	j.done.records += uint64(len(w.frames))
	j.done.stored += uint64(size)
	return size
}

// note takes a record of the newest segment up into what is known of it.
func (j *Journal) note(s *segment, f *frame) {
	fresh := s.note(f)
	if f.rec.Stream == NoStream || f.rec.Count == 0 {
		return
	}
	list := j.rows[f.rec.Stream]
	if fresh {
		list = append(list, span{seq: s.seq, first: f.rec.First, last: f.rec.First})
		j.rows[f.rec.Stream] = list
	}
	at := &list[len(list)-1]
	at.last = max(at.last, f.rec.First+(f.rec.Count-1))
}

// begin makes a new segment behind what is durable. Its header is durable, and
// so is its name, before it holds a record: a header that cannot be read and
// has something behind it is damage.
func (j *Journal) begin() error {
	w := &j.out
	h := header{seq: w.seq, first: w.pos, salt: newSalt(), created: j.opt.Now().UnixNano()}
	w.seq++ // also if it fails: a name is used once
	before := j.lastSegment()
	switch {
	case before == nil:
	case before.empty(): // of a failed attempt, or opened and not used: it falls away
		h.prev, h.prevEnd = before.prev, before.prevEnd
	default:
		h.prev, h.prevEnd = before.seq, before.sum.end
	}
	s := &segment{header: h, name: j.path(segmentName(h.seq)), idx: &index{}}
	s.sum = summary{next: h.first, end: headerSize}
	f, err := j.create(s)
	if err != nil {
		return err
	}
	if w.f != nil {
		w.f.Close() // all of it that counts is durable
	}
	w.f, w.seg, w.off, w.started = f, s, headerSize, j.opt.Now()
	if before != nil && !before.empty() {
		if err := j.saveIndex(before); err != nil {
			j.log.Warn("the index of a segment was not written; it is built again when it is asked",
				slog.String("segment", before.name), slog.Any("error", err))
		}
	}
	j.mu.Lock()
	if before != nil && before.empty() {
		j.segs = j.segs[:len(j.segs)-1]
		j.bytes -= before.sum.end
	}
	j.segs = append(j.segs, s)
	j.bytes += headerSize
	j.evict(s)
	j.mu.Unlock()
	if before != nil && before.empty() {
		j.fs.Remove(before.name) // or Open does: it is in nobody's chain
	}
	return nil
}

func (j *Journal) lastSegment() *segment {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.last()
}

// create makes the file of a segment with its header.
func (j *Journal) create(s *segment) (f vfs.File, err error) {
	// Not Create: a file of it cannot be written at an offset, see blank.
	f, err = j.fs.OpenReadWrite(s.name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", s.name, err)
	}
	if _, err = f.Write(s.put(nil)); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = j.syncDir()
	}
	if err != nil {
		f.Close()
		j.fs.Remove(s.name) // at best; without a record it does no harm
		return nil, fmt.Errorf("create %s: %w", s.name, err)
	}
	return f, nil
}

// old says that the newest segment has grown so long that retention by age
// would keep too much with it.
func (j *Journal) old() bool {
	w := &j.out
	return j.opt.KeepAge > 0 && w.seg.sum.next > w.seg.first &&
		j.opt.Now().Sub(w.started) >= max(j.opt.KeepAge/8, time.Second)
}

// mark says on disk that all before it is durable, for the case that nothing
// follows that could say so: then damage to the last group is told from a torn
// one. The mark itself need not be durable.
func (j *Journal) mark() {
	w := &j.out
	if w.f == nil {
		return
	}
	f := frame{off: w.off, durable: w.seg.sum.end}
	f.rec.Pos = w.pos
	w.buf = f.put(w.buf[:0], w.seg.salt)
	if err := w.flush(); err != nil {
		j.abandon() // what follows would stand behind a torn mark
	}
}

// abandon gives the newest segment up after a failed write: the next group
// begins a new one, whose header cuts the tail off. Until then the tail is
// blanked as well as the disk allows, so that it is not taken for records if
// the process ends first.
func (j *Journal) abandon() {
	w := &j.out
	w.buf = w.buf[:0]
	if w.f == nil {
		return
	}
	if _, err := w.f.WriteAt(make([]byte, frameSize), w.seg.sum.end); err == nil {
		w.f.SyncData()
	}
	w.f.Close()
	w.f = nil
}

// leave closes the newest segment.
func (j *Journal) leave() {
	w := &j.out
	if w.f == nil {
		return
	}
	w.f.SyncData() // the mark; records are durable already
	w.f.Close()
	w.f = nil
}
