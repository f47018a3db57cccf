package engine

import (
	"slices"
	"sync"
	"time"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/slab"
)

// Snapshot is what an engine has to remember, as it was at one moment: what had
// changed since the one before it, and all that is small. A store that takes in
// every snapshot in turn has the whole state; Restore makes an engine of it.
//
// What is not in it comes back from elsewhere: timers are set anew from the
// states, indexes are made anew from the records, and rows that wait for their
// watermark are read again from the input and handed to rewind.
type Snapshot struct {
	Layout    string   // see Layout
	Meta      []byte   // all but the pages
	GoneUnits []uint64 // of which nothing but what Wait returns is left
	Full      bool     // Wait returns all pages that there are
	FullTo    uint64   // or those of all units below it, because nearly all have changed
	// Oldest is the position of the oldest row that waits, by source<<32 |
	// partition. It may be older than that; it is never younger.
	Oldest map[uint64]uint64

	Took time.Duration // how long the engine stood still for the moment
	// Known when Wait has returned:
	Bytes   int64         // of pages and Meta
	Longest time.Duration // how long the engine was kept waiting at once while pages were copied

	from  *Engine
	mem   *slab.Copies
	lent  int64 // bytes of mem
	pages []checkpoint.Page
	held  []unit // whose pages are being copied
	at    int    // the first of them that may not be complete
	ids   []savedIDs
	done  bool // the engine has nothing to do with it any more
}

// savedIDs are pages of ids to be written.
type savedIDs struct {
	unit   uint64
	number uint32
	page   *idPage
}

// snapState is what an engine remembers of its snapshots.
type snapState struct {
	// mu is held by whoever works with the shards' arenas: the shards during a
	// level of a step, and Wait while it copies some pages. Between the two a page that is
	// about to change is copied first (slab.Arena.Hold).
	mu    sync.Mutex
	now   *Snapshot              // whose pages are not all copied
	units map[uint64]*slab.Arena // by number, of the last one; nil: there was none
	ids   map[uint32]*dedupe     // by source, of the last one
	plan  *plan                  // under which the rows that wait were noted
	pool  copyPool
}

// fullShare is the share of the shards' pages, in eighths, from which on all of
// them are copied: a store has less to do with that than with overwriting
// nearly everything. (Ids are not: most of them came long ago.)
const fullShare = 7

// Snapshot takes the state as it is now: what has changed since the last
// snapshot; full: everything. It is called between feeds, and the engine goes on
// at once: the pages are copied while it does, by Wait. The first snapshot is
// always full. Where one could not be stored, the next must be full. It panics
// if the engine has failed: what it holds is half of something.
func (e *Engine) Snapshot(full bool) *Snapshot {
	if e.err != nil {
		panic("engine: snapshot of an engine that has failed: " + e.err.Error())
	}
	if e.back != nil {
		panic("engine: snapshot of an engine whose waiting rows have not come back (rewound)")
	}
	start := time.Now()
	e.snap.mu.Lock()
	defer e.snap.mu.Unlock()
	e.snap.finish()
	e.purgeAll()
	s := &Snapshot{Layout: Layout(), from: e, mem: e.snap.pool.take()}
	s.Full = full || e.snap.units == nil
	if !s.Full && e.mostChanged() {
		s.FullTo = unitIDs
	}
	s.hold(e)
	s.holdIDs(e)
	slices.Sort(s.GoneUnits)
	s.Meta, s.Oldest = e.encodeMeta()
	s.lent = s.mem.Bytes()
	e.snap.pool.lend(s.lent)
	e.snap.now = s
	s.Took = time.Since(start)
	return s
}

// mostChanged says that nearly all pages have changed.
func (e *Engine) mostChanged() bool {
	dirty, all := 0, 0
	for _, sh := range e.steps.shards {
		sh.units(func(u unit) {
			d, a := u.mem.Changes()
			dirty, all = dirty+d, all+a
		})
	}
	const few = 256 // pages for which it does not matter
	return all > few && dirty*8 >= all*fullShare
}

// hold begins to copy the shards' pages.
func (s *Snapshot) hold(e *Engine) {
	before := e.snap.units
	if s.Full || s.FullTo > 0 {
		before = nil
	}
	e.snap.units = map[uint64]*slab.Arena{}
	for _, sh := range e.steps.shards {
		sh.units(func(u unit) {
			e.snap.units[u.id] = u.mem
			was := before[u.id]
			if was != nil && was != u.mem { // another arena has the number now
				s.GoneUnits = append(s.GoneUnits, u.id)
			}
			u.mem.Hold(was != u.mem, func(n uint32) {
				s.pages = append(s.pages, checkpoint.Page{Unit: u.id, Number: n})
			}, s.mem.Take)
			s.held = append(s.held, u)
		})
	}
	for id := range before {
		if e.snap.units[id] == nil {
			s.GoneUnits = append(s.GoneUnits, id)
		}
	}
}

// holdIDs takes the ids that have come to the tables of duplicates. From the
// first snapshot on the tables note what comes.
func (s *Snapshot) holdIDs(e *Engine) {
	before := e.snap.ids
	if s.Full {
		before = nil
	}
	e.snap.ids = map[uint32]*dedupe{}
	for source, d := range e.dedupes {
		id := idsUnit(source)
		e.snap.ids[source] = d
		if d.log == nil || s.Full {
			d.record()
		}
		if before[source] != nil && before[source] != d {
			s.GoneUnits = append(s.GoneUnits, id)
		}
		d.log.save(d.old(), func(n uint32, p *idPage) {
			s.ids = append(s.ids, savedIDs{id, n, p})
		}, func(n uint32) {
			s.pages = append(s.pages, checkpoint.Page{Unit: id, Number: n})
		})
	}
	for source := range before {
		if e.snap.ids[source] == nil {
			s.GoneUnits = append(s.GoneUnits, idsUnit(source))
		}
	}
}

func idsUnit(source uint32) uint64 { return unitIDs | uint64(source)<<unitSIDShift }

// How much is copied at once, while the engine has to wait.
const (
	portion     = 256 << 10            // bytes, then a look at the clock
	portionTime = 2 * time.Millisecond // after which the engine has its turn
)

// Fill makes a commit of the snapshot, all but its place in the input and the
// blobs. It waits as Wait does.
func (s *Snapshot) Fill(c *checkpoint.Commit) {
	c.Layout, c.Meta, c.GoneUnits, c.Full, c.FullTo, c.Pages = s.Layout, s.Meta, s.GoneUnits, s.Full, s.FullTo, s.Wait()
}

// Wait copies what is left to copy and returns all pages: those that have
// changed, and with no data those that are gone. It is called from another
// goroutine than the engine's, which goes on between portions. The pages are
// good until Release.
func (s *Snapshot) Wait() []checkpoint.Page {
	for s.some() {
	}
	for i := range s.ids {
		x := &s.ids[i]
		s.pages = append(s.pages, checkpoint.Page{Unit: x.unit, Number: x.number, Data: x.page.appendIDs(s.mem.Take(x.page.n * idBytes)[:0])})
	}
	s.ids = nil
	s.Bytes = int64(len(s.Meta))
	for i := range s.pages {
		s.Bytes += int64(len(s.pages[i].Data))
	}
	return s.pages
}

// some copies for a while; more: it is not all.
func (s *Snapshot) some() (more bool) {
	s.from.snap.mu.Lock()
	defer s.from.snap.mu.Unlock()
	start := time.Now()
	for more = true; more && time.Since(start) < portionTime; {
		more = s.drain(portion)
	}
	s.Longest = max(s.Longest, time.Since(start))
	return more
}

// finish copies all that is left of the snapshot in progress.
func (t *snapState) finish() {
	if t.now != nil {
		for t.now.drain(portion) {
		}
	}
}

// drain copies about n bytes; more: it is not all.
func (s *Snapshot) drain(n int) (more bool) {
	for ; s.at < len(s.held); s.at++ {
		for {
			copied := s.held[s.at].mem.Drain(n)
			if copied == 0 {
				break
			}
			if n -= copied; n <= 0 {
				return true
			}
		}
	}
	if s.done {
		return false
	}
	s.done = true
	for _, u := range s.held {
		u.mem.Held(func(n uint32, data []byte) {
			s.pages = append(s.pages, checkpoint.Page{Unit: u.id, Number: n, Data: data})
		})
	}
	s.held, s.at = nil, 0
	s.from.snap.now = nil
	return false
}

// Release gives the memory of the pages back for the next snapshot. The pages
// must not be used any more. It may be called from any goroutine, instead of
// Wait too: what is not stored.
func (s *Snapshot) Release() {
	t := &s.from.snap
	t.mu.Lock()
	if t.now == s {
		t.finish()
	}
	t.mu.Unlock()
	if s.mem != nil {
		t.pool.giveBack(s.mem, s.lent)
		s.mem, s.pages = nil, nil
	}
}

// copyPool keeps memory for copies of pages.
type copyPool struct {
	mu   sync.Mutex
	idle []*slab.Copies
	lent int64 // bytes
}

func (p *copyPool) take() *slab.Copies {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return &slab.Copies{}
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return c
}

// lend counts memory that has been taken.
func (p *copyPool) lend(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent += bytes
}

func (p *copyPool) giveBack(c *slab.Copies, lent int64) {
	c.Reset()
	c.Trim()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
	p.lent -= lent
}

// bytes is the memory that copies take or that waits for the next ones.
func (p *copyPool) bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.lent
	for _, c := range p.idle {
		n += c.Bytes()
	}
	return n
}

// Purging says that states of rules that are gone are still being forgotten,
// bit by bit. A snapshot finishes that first, which may take long.
func (e *Engine) Purging() bool { return len(e.dying) > 0 }
