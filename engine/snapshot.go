package engine

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/slab"
)

// Snapshot is a copy of what an engine has to remember: what has changed since
// the one before it, and all that is small. A store that takes in every snapshot
// in turn has the whole state; Restore makes an engine of it.
//
// What is not in it comes back from elsewhere: timers are set anew from the
// states, indexes are made anew from the records, and rows that wait for their
// watermark are read again from the input and handed to rewind.
type Snapshot struct {
	Layout    string            // see Layout
	Meta      []byte            // all but the pages
	Pages     []checkpoint.Page // changed, and gone ones
	GoneUnits []uint64          // of which nothing but what is in Pages is left
	Full      bool              // Pages are all that there are, whether asked for or not
	// Oldest is the position of the oldest row that waits, by source<<32 |
	// partition. It may be older than that; it is never younger.
	Oldest map[uint64]uint64

	Bytes int64         // of Pages and Meta
	Took  time.Duration // how long the engine stood still

	from *Engine
	mem  []*slab.Copies
}

// snapState is what an engine remembers of its last snapshot.
type snapState struct {
	units map[uint64]*slab.Arena // by number; nil: there was none
	ids   map[uint32]*dedupe     // by source
	plan  *plan                  // under which the rows that wait were noted
	pool  *copyPool
}

// fullShare is the share of pages, in eighths, from which on all are copied: a
// store has less to do with a full snapshot than with one that overwrites
// nearly everything.
const fullShare = 7

// Snapshot copies what has changed since the last one; full: everything. It is
// called between feeds, and the engine may go on at once. The first one is
// always full. Where a snapshot could not be stored, the next one must be full.
// It panics if the engine has failed: what it holds is half of something.
func (e *Engine) Snapshot(full bool) *Snapshot {
	if e.err != nil {
		panic("engine: snapshot of an engine that has failed: " + e.err.Error())
	}
	start := time.Now()
	e.purgeAll()
	s := &Snapshot{Layout: Layout(), from: e, Full: full || e.snap.units == nil || e.mostChanged()}
	before := e.snap
	if s.Full {
		before.units, before.ids = nil, nil
	}
	e.snap.units, e.snap.ids = map[uint64]*slab.Arena{}, map[uint32]*dedupe{}
	s.copyShards(e, before.units)
	s.copyIDs(e, before.ids)
	for id := range before.units {
		if e.snap.units[id] == nil {
			s.GoneUnits = append(s.GoneUnits, id)
		}
	}
	for source := range before.ids {
		if e.snap.ids[source] == nil {
			s.GoneUnits = append(s.GoneUnits, idsUnit(source))
		}
	}
	slices.Sort(s.GoneUnits)
	s.Meta, s.Oldest = e.encodeMeta()
	s.Bytes = int64(len(s.Meta))
	for i := range s.Pages {
		s.Bytes += int64(len(s.Pages[i].Data))
	}
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

// shardCopy is what one shard brings to a snapshot.
type shardCopy struct {
	pages []checkpoint.Page
	gone  []uint64
	units map[uint64]*slab.Arena
	mem   *slab.Copies
}

// copyShards copies the shards side by side. before are the units of the last
// snapshot, nil if all pages are wanted.
func (s *Snapshot) copyShards(e *Engine, before map[uint64]*slab.Arena) {
	copies := make([]shardCopy, len(e.steps.shards))
	var wait sync.WaitGroup
	for i, sh := range e.steps.shards {
		c := &copies[i]
		c.mem = e.snap.pool.take()
		if i == len(copies)-1 {
			c.copy(sh, before)
			continue
		}
		wait.Go(func() { c.copy(sh, before) })
	}
	wait.Wait()
	n := 0
	for i := range copies {
		n += len(copies[i].pages)
	}
	s.Pages = make([]checkpoint.Page, 0, n)
	for i := range copies {
		c := &copies[i]
		s.Pages, s.GoneUnits, s.mem = append(s.Pages, c.pages...), append(s.GoneUnits, c.gone...), append(s.mem, c.mem)
		maps.Copy(e.snap.units, c.units)
	}
}

func (c *shardCopy) copy(sh *shard, before map[uint64]*slab.Arena) {
	c.units = map[uint64]*slab.Arena{}
	sh.units(func(u unit) {
		c.units[u.id] = u.mem
		take := func(n uint32, h slab.Header, words []uint64) {
			p := checkpoint.Page{Unit: u.id, Number: n}
			if words != nil {
				p.Data = slab.AppendPage(c.mem.Take(slab.SavedBytes(words))[:0], h, words)
			}
			c.pages = append(c.pages, p)
		}
		switch was := before[u.id]; {
		case was == u.mem:
			u.mem.Dirty(take)
		case before == nil:
			u.mem.Pages(take)
		default: // another arena has the number now, or none had it before
			if was != nil {
				c.gone = append(c.gone, u.id)
			}
			u.mem.Pages(take)
		}
	})
}

// Release gives the memory of the pages back for the next snapshot. The pages
// must not be used any more. It may be called from any goroutine.
func (s *Snapshot) Release() {
	s.from.snap.pool.giveBack(s.mem)
	s.mem, s.Pages = nil, nil
}

// copyPool keeps memory for copies of pages.
type copyPool struct {
	mu   sync.Mutex
	idle []*slab.Copies
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

func (p *copyPool) giveBack(list []*slab.Copies) {
	for _, c := range list {
		c.Reset()
		c.Trim()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, list...)
}

func (p *copyPool) bytes() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		n += c.Bytes()
	}
	return n
}

// copyIDs copies the ids that have come to the tables of duplicates. From the
// first snapshot on the tables note what comes.
func (s *Snapshot) copyIDs(e *Engine, before map[uint32]*dedupe) {
	for source, d := range e.dedupes {
		id := idsUnit(source)
		e.snap.ids[source] = d
		if d.log == nil || s.Full {
			d.record()
		}
		if !s.Full && before[source] != nil && before[source] != d {
			s.GoneUnits = append(s.GoneUnits, id)
		}
		d.log.save(d.old(), func(n uint32, p *idPage) {
			s.Pages = append(s.Pages, checkpoint.Page{Unit: id, Number: n, Data: p.appendIDs(s.mem[0].Take(p.n * idBytes)[:0])})
		}, func(n uint32) {
			s.Pages = append(s.Pages, checkpoint.Page{Unit: id, Number: n})
		})
	}
}

func idsUnit(source uint32) uint64 { return unitIDs | uint64(source)<<unitSIDShift }
