package engine

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/journal"
)

// livePart is a partition that takes in what its source reads.
type livePart struct {
	n      *node
	feed   atomic.Pointer[feed] // of the running program
	stream uint32
	name   string

	mu      sync.Mutex
	next    uint64          // position of the next record
	kept    uint64          // of the one behind what is in the journal
	cursor  []byte          // of the last chunk that is in the journal
	last    *journal.Ticket // of the last chunk
	way     int             // chunks that are not settled
	landed  chan struct{}   // closed when none is on its way; nil: nobody waits
	reads   bool            // a source reads it, and reads what was refused again
	alive   func()          // told when the source brings something or says that it waits
	broken  error           // why no chunk can follow until the source begins again
	arrived time.Time       // of the last row
	busy    int             // Puts in progress
	lag     int64           // records that wait at the source, negative: unknown
	idle    bool
	ended   bool
}

// intake is a source's way into the runtime.
type intake struct {
	n     *node
	feed  *feed
	alive func() // told that the source works
}

// Partition implements Intake.
func (in *intake) Partition(name string, id int) (Partition, error) {
	p, err := in.n.partition(in.feed, name, id)
	if err != nil {
		return nil, err
	}
	if err := p.takeUp(in.alive); err != nil {
		return nil, err
	}
	return p, nil
}

// takeUp lets a source begin behind what is in the journal. It waits for what
// is on its way: the cursor stands behind that, or it is read again.
func (p *livePart) takeUp(alive func()) error {
	for {
		p.mu.Lock()
		if p.way == 0 {
			p.reads, p.alive, p.next, p.last, p.broken = true, alive, p.kept, nil, nil
			p.mu.Unlock()
			return nil
		}
		if p.landed == nil {
			p.landed = make(chan struct{})
		}
		landed := p.landed
		p.mu.Unlock()
		select {
		case <-landed:
		case <-p.n.failed:
			return fmt.Errorf("%w: %w", ErrStalled, p.n.failure)
		case <-p.n.done:
			return ErrClosed
		}
	}
}

// partition finds or makes a partition.
func (n *node) partition(f *feed, name string, id int) (*livePart, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.live {
		if sourceOf(p.stream) == f.id && (p.name == name || id >= 0 && partitionOf(p.stream) == uint32(id)) {
			p.feed.Store(f)
			return p, nil
		}
	}
	if id < 0 {
		for id = 0; n.live[streamID(f.id, uint32(id))] != nil; id++ {
		}
	}
	if id >= cep.MaxPartitions {
		return nil, fmt.Errorf("source %s: partition %q would be number %d, a source can have %d", f.name, name, id, cep.MaxPartitions)
	}
	p := &livePart{n: n, stream: streamID(f.id, uint32(id)), name: name, arrived: n.now(), lag: -1}
	p.feed.Store(f)
	open := openRecord{Source: f.name, ID: f.id, Name: name, Partition: uint32(id)}
	if err := n.append(&inbound{rec: journal.Record{Kind: recOpen, Stream: journal.NoStream, Data: encodeJSON(open)}}); err != nil {
		return nil, err
	}
	n.live[p.stream] = p
	return p, nil
}

// Cursor implements Partition.
func (p *livePart) Cursor() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cursor
}

// Put implements Partition.
func (p *livePart) Put(ctx context.Context, c Chunk) error {
	p.mu.Lock()
	p.busy++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.busy--
		p.mu.Unlock()
	}()
	size := entryBytes(&c)
	if err := p.n.room.wait(ctx, p, size); err != nil {
		return err
	}
	en, err := p.entry(c, size)
	if err == nil {
		err = p.send(en, c.First)
	}
	if err != nil {
		p.n.room.free(size)
	}
	return err
}

// entry makes a record of a chunk.
func (p *livePart) entry(c Chunk, size int64) (*inbound, error) {
	en := &inbound{part: p, tell: c.Durable, bytes: size, meta: rowsMeta{Cursor: c.Cursor, Header: c.Header, Gaps: c.Gaps}}
	count := countRecords(&p.feed.Load().config, c.Data)
	en.rec = journal.Record{Kind: recRows, Stream: p.stream, Count: en.meta.span(count), Data: c.Data, Meta: en.meta.encode()}
	return en, nil
}

// send gives a record of rows its place and puts it on its way.
func (p *livePart) send(en *inbound, first int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && p.reads {
		select {
		case <-p.last.Done():
			if _, err := p.last.Result(); err != nil {
				p.broken = err
			}
		default:
		}
	}
	if p.broken != nil {
		return fmt.Errorf("%w: an earlier chunk is lost: %w", ErrStalled, p.broken)
	}
	en.rec.First = p.next
	if first >= 0 {
		if uint64(first) < p.next {
			return fmt.Errorf("source %s, partition %s: position %d comes behind %d", p.feed.Load().name, p.name, first, p.next)
		}
		en.rec.First = uint64(first)
	}
	if en.rec.First+en.rec.Count > cep.MaxPosition {
		return fmt.Errorf("source %s, partition %s: position %d is beyond what can be counted", p.feed.Load().name, p.name, en.rec.First)
	}
	p.n.mu.Lock()
	err := p.n.append(en)
	p.n.mu.Unlock()
	if err != nil {
		return err
	}
	p.next = en.rec.First + en.rec.Count
	p.way++
	if p.alive != nil {
		p.alive()
	}
	p.last, p.arrived, p.idle, p.ended = en.ticket, p.n.now(), false, false
	return nil
}

// settled notes what became of a chunk.
func (p *livePart) settled(en *inbound, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.way--; p.way == 0 && p.landed != nil {
		close(p.landed)
		p.landed = nil
	}
	if err != nil {
		if p.reads { // what is posted is answered for by itself
			p.broken = err
		}
		return
	}
	p.kept = en.rec.First + en.rec.Count
	if en.meta.Cursor != nil {
		p.cursor = en.meta.Cursor
	}
}

// Lag implements Partition.
func (p *livePart) Lag(records int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lag = records
	if p.alive != nil {
		p.alive()
	}
}

// Reject implements Partition.
func (p *livePart) Reject(position, reason string, raw []byte) {
	p.mu.Lock()
	next := p.next
	p.mu.Unlock()
	p.n.reject(p, next, position, reason, raw)
}

// End implements Partition.
func (p *livePart) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.n.mu.Lock()
	err := p.n.append(&inbound{rec: journal.Record{Kind: recEnd, Stream: journal.NoStream, Data: encodeJSON(p.ref())}})
	p.n.mu.Unlock()
	p.ended = err == nil
}

func (p *livePart) ref() openRecord {
	return openRecord{Source: p.feed.Load().name, ID: sourceOf(p.stream), Name: p.name, Partition: partitionOf(p.stream)}
}

func entryBytes(c *Chunk) int64 { return int64(len(c.Data)+len(c.Cursor)) + entryOverhead }

// entryOverhead is what a record takes beside its text, about.
const entryOverhead = 1 << 10

// room bounds what is taken in and not worked off yet, and holds up partitions
// that are ahead of the others while too much waits for those.
type room struct {
	mu     sync.Mutex
	change *sync.Cond
	limit  int64
	used   int64
	ahead  map[uint32]bool // streams that have to wait
	full   string          // why nothing at all is taken in; "": it is
	slow   bool            // one record a while is
	last   time.Time       // when something was taken in
	closed bool
	waited time.Duration // in total
}

func newRoom(limit int64) *room {
	r := &room{limit: limit, ahead: map[uint32]bool{}}
	r.change = sync.NewCond(&r.mu)
	return r
}

// fits says that so many bytes of a partition can come in. One record always
// can where nothing waits.
func (r *room) fits(stream uint32, size int64) bool {
	return r.full == "" && !r.ahead[stream] && (r.used == 0 || r.used+size <= r.limit) &&
		(!r.slow || time.Since(r.last) >= trickleEvery)
}

// wait takes room when there is some.
func (r *room) wait(ctx context.Context, p *livePart, size int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fits(p.stream, size) && !r.closed {
		r.take(size)
		return nil
	}
	start := time.Now()
	stop := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.change.Broadcast()
	})
	defer stop()
	for !r.closed && ctx.Err() == nil && !r.fits(p.stream, size) {
		if r.slow {
			time.AfterFunc(trickleEvery, r.change.Broadcast)
		}
		r.change.Wait()
	}
	r.waited += time.Since(start)
	if r.closed {
		return ErrClosed
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.take(size)
	return nil
}

func (r *room) take(size int64) {
	r.used += size
	r.last = time.Now()
}

// try takes room if there is some at once; busy says why not.
func (r *room) try(stream uint32, size int64) (busy string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return "", ErrClosed
	case r.full != "":
		return r.full, nil
	case r.ahead[stream]:
		return "this source is ahead of another one that its rules read too, and too many events wait for that", nil
	case !r.fits(stream, size) && r.slow:
		return "the memory for matching is full: events are taken in slowly until keys whose time has run out have made room", nil
	case !r.fits(stream, size):
		return "events come faster than they are worked off", nil
	}
	r.take(size)
	return "", nil
}

func (r *room) free(size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= size
	r.change.Broadcast()
}

// hold sets who has to wait.
func (r *room) hold(ahead map[uint32]bool, full string, slow bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead, r.full, r.slow = ahead, full, slow
	r.change.Broadcast()
}

func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.change.Broadcast()
}

// state is how full the room is.
func (r *room) state() (used, limit int64, full string, waited time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used, r.limit, r.full, r.waited
}
