package engine

import (
	"slices"
	"sync"

	"github.com/weir-cep/weir/cep"
)

// stepper runs supersteps: every shard works through the rows of a step for
// one level, what they found is put in order and becomes rows of the next
// level, and at last all alerts go out in order. A step ends between two
// times, so nothing of a later step can come before anything of an earlier
// one, and where steps are cut changes nothing.
type stepper struct {
	plan    *plan
	cfg     *Config
	shards  []*shard
	derived *deriver
	book    *evidenceBook
	found   []*found
	both    *arrivals // of a group with rules in arrival order
	alerts  []*cep.Alert
	stats   *Stats
	arenas  *sync.Mutex // held while shards work, see snapState
	batches []held
	hands   []*hand
	wait    sync.WaitGroup // for the shards' part of a level
	going   sync.WaitGroup // the hands
}

// hand is the goroutine of a shard beside the first, which works in the
// coordinator's own.
type hand struct{ work chan work }

type work struct {
	world int
	rows  []item
	until int64
}

func newStepper(p *plan, cfg *Config, stats *Stats) (*stepper, error) {
	s := &stepper{plan: p, cfg: cfg, stats: stats, book: newEvidenceBook(cfg)}
	s.derived = newDeriver(p)
	for i := range cfg.Shards {
		sh, err := newShard(p, cfg, i)
		if err != nil {
			return nil, err
		}
		s.shards = append(s.shards, sh)
	}
	for _, sh := range s.shards[1:] {
		h := &hand{work: make(chan work)}
		s.hands = append(s.hands, h)
		s.going.Go(func() { s.serve(sh, h) })
	}
	return s, nil
}

func (s *stepper) serve(sh *shard, h *hand) {
	for w := range h.work {
		sh.stages[w.world].run(w.rows, s.batch, w.until)
		s.wait.Done()
	}
}

// close ends the shards' goroutines.
func (s *stepper) close() {
	for _, h := range s.hands {
		close(h.work)
	}
	s.hands = nil
	s.going.Wait()
}

// batch returns a batch of the step by an item's number.
func (s *stepper) batch(n uint32) *prepared {
	if n >= derivedBatch {
		return s.derived.batches[n-derivedBatch]
	}
	return s.batches[n].batch
}

// begin collects what a feed finds until deliver is called, for a group with
// rules in arrival order. With nil every step delivers.
func (s *stepper) begin(a *arrivals) { s.both, s.found = a, s.found[:0] }

// run works through rows of a group, which are all that wait there with at <
// until, and through its deadlines before until.
func (s *stepper) run(g *group, batches []held, rows []item, until int64) error {
	s.batches = batches
	if s.both == nil {
		s.found = s.found[:0]
	}
	from := len(s.found)
	s.derived.begin()
	for _, w := range g.plan.timeWorlds() {
		s.level(w, s.derived.merge(w, rows), until)
	}
	s.arenas.Lock()
	for _, sh := range s.shards {
		sh.sweep(g.index, until)
	}
	s.arenas.Unlock()
	if s.both == nil {
		return s.deliver()
	}
	for _, f := range s.found[from:] {
		f.pos = s.both.passed(f.alert.At)
	}
	return nil
}

// level runs one world on every shard and gathers what it found.
func (s *stepper) level(w *world, rows []item, until int64) {
	if len(rows) == 0 && !s.due(w, until) {
		return
	}
	s.arenas.Lock()
	s.wait.Add(len(s.hands))
	for _, h := range s.hands {
		h.work <- work{w.index, rows, until}
	}
	s.shards[0].stages[w.index].run(rows, s.batch, until)
	s.wait.Wait()
	s.arenas.Unlock()
	from := len(s.found)
	for _, sh := range s.shards {
		s.found = append(s.found, sh.found...)
		clear(sh.found)
		sh.found, sh.number = sh.found[:0], 0
	}
	if p := s.derived.add(w, s.found[from:]); p != nil {
		s.book.keep(p)
		s.book.done(p.page)
		p.page = nil
	}
}

// due says that some deadline of a world before until may be waiting.
func (s *stepper) due(w *world, until int64) bool {
	for _, sh := range s.shards {
		if sh.stages[w.index].timers.due(until) {
			return true
		}
	}
	return false
}

// deliver sends what was found out in its order.
func (s *stepper) deliver() error {
	if len(s.found) == 0 {
		return nil
	}
	slices.SortFunc(s.found, (*found).order)
	s.alerts = s.alerts[:0]
	for _, f := range s.found {
		s.book.fill(f)
		s.alerts = append(s.alerts, f.alert)
	}
	clear(s.found)
	s.stats.Alerts += uint64(len(s.alerts))
	if s.cfg.Emit == nil {
		return nil
	}
	return s.cfg.Emit(s.alerts)
}
