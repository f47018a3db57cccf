package journal

import (
	"fmt"
	"sync"
	"time"
)

// Limits of what waits to be written.
const (
	groupBytes   = 4 << 20  // of bodies, at which a group is full
	groupRecords = 8192     // at which a group is full
	queueBytes   = 64 << 20 // of buffers, at which Append waits
)

// Ticket stands for a record that was handed over.
type Ticket struct {
	g *group
	n int // of the record in its group
}

// Done is closed when it is decided what becomes of the record.
func (t *Ticket) Done() <-chan struct{} { return t.g.done }

// Result waits for Done. The record is durable at the position, or the error
// says why it is not in the journal: it wraps ErrStalled or ErrClosed.
//
// If the process dies before a stall is over, a record that failed may be found
// after all: nobody can tell it from one that was under way.
func (t *Ticket) Result() (Position, error) {
	<-t.g.done
	if t.g.err != nil {
		return 0, t.g.err
	}
	return t.g.first + Position(t.n), nil
}

// group is the records that become durable with one sync, or fail together.
type group struct {
	done   chan struct{}
	bodies []body
	bytes  int   // of the bodies
	room   int64 // of their buffers
	first  Position
	err    error
}

// queue is what waits for the writer.
type queue struct {
	mu     sync.Mutex
	work   sync.Cond // the writer has something to do
	space  sync.Cond // an appender that waited can go on
	groups []*group  // the last one may still collect
	spare  [][]body  // of groups that are through
	bytes  int64     // of the buffers of all groups, the one being written too
	count  int       // records in groups
	closed bool
	rolls  []chan error // who waits for a new segment

	stalled error // nil: the disk takes what is written
	since   time.Time
	probe   time.Time     // not before this one tries again
	probing bool          // one is under way
	every   time.Duration // between two probes
}

// Append hands a record over. Meta and Data must not change until the ticket is
// done. Records of one caller get ascending positions; those of concurrent
// callers in any order.
//
// It waits while more than 64 MiB are queued. When the disk refuses it answers
// ErrStalled at once, but lets one record through every 250 ms to see whether
// it still does.
func (j *Journal) Append(r Record) (*Ticket, error) {
	switch {
	case r.Kind == 0:
		return nil, ErrReserved
	case len(r.Data) > MaxData || len(r.Meta) > MaxMeta:
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(r.Data)+len(r.Meta), MaxData)
	}
	q := &j.queue
	q.mu.Lock()
	err := q.refused(time.Now())
	q.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if r.Time == 0 {
		r.Time = j.opt.Now().UnixNano()
	}
	b := encode(&r) // outside of the lock: it is most of the work
	t, err := q.put(b)
	if err != nil {
		release(b.buf)
	}
	return t, err
}

// refused says why nothing can be queued.
func (q *queue) refused(now time.Time) error {
	switch {
	case q.closed:
		return ErrClosed
	case q.stalled != nil && (q.probing || now.Before(q.probe)):
		return q.stalled
	}
	return nil
}

// put queues a body.
func (q *queue) put(b body) (*Ticket, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes >= queueBytes && !q.closed && q.stalled == nil {
		q.space.Wait()
	}
	if err := q.refused(time.Now()); err != nil {
		return nil, err
	}
	q.probing = q.stalled != nil
	g := q.open()
	g.bodies = append(g.bodies, b)
	g.bytes += len(b.buf)
	g.room += int64(cap(b.buf))
	q.bytes += int64(cap(b.buf))
	q.count++
	q.work.Signal()
	return &Ticket{g, len(g.bodies) - 1}, nil
}

// open is the group that collects.
func (q *queue) open() *group {
	if n := len(q.groups); n > 0 {
		if g := q.groups[n-1]; g.bytes < groupBytes && len(g.bodies) < groupRecords {
			return g
		}
	}
	g := &group{done: make(chan struct{})}
	if n := len(q.spare); n > 0 {
		g.bodies, q.spare = q.spare[n-1][:0], q.spare[:n-1]
	}
	q.groups = append(q.groups, g)
	return g
}

// take waits for work: a group, or somebody who wants a new segment. Neither:
// the journal is closed and everything was written.
func (q *queue) take() (g *group, roll chan error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.groups) == 0 && len(q.rolls) == 0 && !q.closed {
		q.work.Wait()
	}
	if len(q.rolls) > 0 {
		roll, q.rolls = q.rolls[0], q.rolls[1:]
		return nil, roll
	}
	if len(q.groups) > 0 {
		g = q.groups[0]
		q.groups = append(q.groups[:0], q.groups[1:]...)
		q.count -= len(g.bodies)
	}
	return g, nil
}

// idle says that nothing waits to be written.
func (q *queue) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.groups) == 0
}

// finish ends a group. An error fails all that waits, too: what was appended
// after a record that failed must not be there without it.
func (q *queue) finish(g *group, err error) {
	q.mu.Lock()
	over := []*group{g}
	if err != nil {
		over = append(over, q.groups...)
		q.groups, q.count = nil, 0
		if q.stalled == nil {
			q.since = time.Now()
		}
		q.probe = time.Now().Add(q.every)
	}
	q.stalled, q.probing = err, false
	for _, g := range over {
		q.bytes -= g.room
		for i := range g.bodies {
			release(g.bodies[i].buf)
			g.bodies[i] = body{}
		}
		if len(q.spare) < 4 {
			q.spare = append(q.spare, g.bodies)
		}
		g.bodies, g.err = nil, err
	}
	q.mu.Unlock()
	q.space.Broadcast()
	for _, g := range over {
		close(g.done)
	}
}
