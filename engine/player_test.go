package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// replay is how records are worked off.
type replay struct {
	shards, step int
	apart        bool
	drain        Drain
	limits       Limits
	cut          func(left int) int        // how many of the rows left are the next batch; nil: all
	when         func() (save, crash bool) // asked before every record; nil: neither
	restarts     *int                      // counts them
}

// player works records off.
type player struct {
	replay
	*table
	cfg    Config
	latest map[string]int64 // by rule, time of its last alert
	aside  strings.Builder
	fed    []fedBatch
	saved  savedState
	recall *recall
	texts  map[cep.Ref][]byte // of alerts as events
}

// fedBatch is a batch as it was fed.
type fedBatch struct {
	key      uint64 // of the partition
	from, to int    // positions
}

// point is where a run was saved.
type point struct {
	record, fed, out, aside int
	prog                    *dsl.Program
	latest                  map[string]int64
	inputs                  []Input
	lines                   map[uint64]int
}

// run works records off and returns the alerts, and what was set aside.
func (r replay) run(t testing.TB, list []record, progs ...*dsl.Program) (alerts, aside string) {
	p := &player{replay: r, latest: map[string]int64{}, recall: newRecall(nil), texts: map[cep.Ref][]byte{}}
	p.cfg = Config{Shards: r.shards, Arrival: true, Apart: r.apart, Deploys: len(progs) > 1, Limits: r.limits, Inputs: []Input{}}
	p.table = seat(t, progs[0], p.cfg)
	p.adopt(p.e)
	var last *point
	for i := 0; i < len(list); i++ {
		if r.when != nil {
			save, crash := r.when()
			if crash && last != nil {
				p.restart(last)
				i = last.record
			}
			if save {
				last = p.save(i)
			}
		}
		p.work(&list[i], progs)
		p.check(i)
	}
	for _, info := range p.e.Partitions() {
		fmt.Fprintf(&p.aside, "%+v\n", info)
	}
	p.must(p.e.End(p.drain))
	s := p.e.Stats()
	fmt.Fprintf(&p.aside, "events %d duplicates %d late %d ahead %d early %d alerts %d lags", s.Events, s.Duplicates, s.Late, s.Ahead, s.Early, s.Alerts)
	for _, l := range s.Lags {
		fmt.Fprintf(&p.aside, " %s %v", l.Type.Name, l.Lag)
	}
	if h := &p.e.held; h.waiting != 0 || h.bytes != 0 || len(h.unused) != len(h.list) {
		t.Fatalf("%d rows and %d bytes are left", h.waiting, h.bytes)
	}
	// Alerts that are too late as events come behind the rows of their feed.
	return p.out.String(), inOrder(p.aside.String())
}

// adopt has an engine tell the player what it finds.
func (p *player) adopt(e *Engine) {
	p.e = e
	if p.step > 0 {
		e.stride = p.step
	}
	emit := func(alerts []*cep.Alert) error {
		for _, a := range alerts {
			i := slices.IndexFunc(e.plan.rules, func(r *rule) bool { return r.ir.Name == a.Rule })
			if !e.plan.rules[i].world.arrival && a.At < p.latest[a.Rule] {
				p.t.Fatalf("rule %s goes back from %d to %d", a.Rule, p.latest[a.Rule], a.At)
			}
			p.latest[a.Rule] = a.At
			p.out.Write(append(a.AppendJSON(nil), '\n'))
		}
		return nil
	}
	e.cfg.Emit = emit
	e.cfg.Late = func(l LateRow) {
		fmt.Fprintf(&p.aside, "late %x %d %d\n", l.Batch.Rows[l.Index].Ref, l.Watermark, l.Greatest)
	}
	e.cfg.Ahead = func(a AheadRow) { fmt.Fprintf(&p.aside, "ahead %x %d\n", a.Batch.Rows[a.Index].Ref, a.Limit) }
	e.steps.derived.spool = func(b *cep.Batch, _ int) {
		for i := range b.Rows {
			p.texts[b.Rows[i].Ref] = slices.Clone(b.RawText(i))
		}
	}
	for tier := range uint32(10) {
		e.steps.book.inputs[inputKey(derivedSource, tier)] = Input{Find: p.find}
	}
}

// find is where the journal and the alert log would be asked.
func (p *player) find(s *cep.Schema, ref cep.Ref) (id string, data []byte) {
	if data = p.texts[ref]; ref.Source() != derivedSource {
		data = []byte(p.lines[inputKey(ref.Source(), ref.Partition())][ref.Position()])
	}
	if s.ID >= 0 {
		id = p.recall.reader(s).read(data)
	}
	return id, data
}

func (p *player) work(rec *record, progs []*dsl.Program) {
	switch rec.kind {
	case 'o':
		p.must(p.e.AddInput(Input{Source: rec.source, Partition: rec.partition, Types: types(p.prog, twinSources[rec.source]),
			Name: fmt.Sprint("s", rec.source), MaxAhead: 120 * cep.Second, Dedupe: 30 * cep.Second, Find: p.find}))
	case 'i':
		p.must(p.e.Idle(rec.source, rec.partition))
	case 'e':
		p.must(p.e.Finish(rec.source, rec.partition))
	case 'd':
		p.deploy(progs[rec.time], nil, Keep)
	case 't':
		p.must(p.e.Tick(rec.time * cep.Second))
	case 'r':
		for left := rec.lines; len(left) > 0; {
			n := len(left)
			if p.cut != nil {
				n = p.cut(n)
			}
			key := inputKey(rec.source, rec.partition)
			from := len(p.lines[key])
			p.fed = append(p.fed, fedBatch{key, from, from + n})
			p.must(p.e.FeedAt(p.batch(rec.source, rec.partition, left[:n]...), rec.time*cep.Second))
			left = left[n:]
		}
	}
}

// check says that nothing below a group's watermark can still come out.
func (p *player) check(record int) {
	for _, g := range p.e.groups {
		for _, part := range g.parts {
			if part.active() && part.bound() < g.w {
				p.t.Fatalf("record %d: partition %d/%d takes rows from %d on, its group is at %d", record, part.source, part.id, part.bound(), g.w)
			}
		}
		if at := g.order.oldest(); at < g.w {
			p.t.Fatalf("record %d: a row of %d waits in a group that is at %d", record, at, g.w)
		}
	}
}

// save takes a snapshot before a record.
func (p *player) save(record int) *point {
	pt := &point{record: record, fed: len(p.fed), out: p.out.Len(), aside: p.aside.Len(), prog: p.prog,
		latest: maps.Clone(p.latest), inputs: slices.Clone(p.e.cfg.Inputs), lines: map[uint64]int{}}
	for key, l := range p.lines {
		pt.lines[key] = len(l)
	}
	p.saved.take(p.e.Snapshot(p.saved.units == nil))
	return pt
}

// restart drops the engine and goes on from where it was saved, in another
// process so to speak: what has come out since has to come out again.
func (p *player) restart(pt *point) {
	*p.restarts++
	p.e.Close()
	cfg := p.cfg
	cfg.Inputs = pt.inputs
	e, err := Restore(pt.prog, cfg, p.saved.meta, p.saved.pages)
	p.must(err)
	p.prog, p.latest = pt.prog, maps.Clone(pt.latest)
	p.adopt(e)
	for key, n := range pt.lines {
		p.lines[key] = p.lines[key][:n]
	}
	for key := range p.lines {
		if _, ok := pt.lines[key]; !ok {
			delete(p.lines, key)
		}
	}
	for _, f := range p.fed[:pt.fed] {
		if oldest, waits := p.saved.oldest[f.key]; waits && f.to > int(oldest) {
			b := decodeLines(p.t, p.prog, p.lines[f.key][f.from:f.to], 0, 0)
			b.Rebase(uint32(f.key>>32), uint32(f.key), uint64(f.from))
			e.rewind(e.prep.prepare(b))
		}
	}
	p.must(e.rewound())
	p.fed = p.fed[:pt.fed]
	cutTo(&p.out, pt.out)
	cutTo(&p.aside, pt.aside)
}

func cutTo(b *strings.Builder, n int) {
	s := b.String()[:n]
	b.Reset()
	b.WriteString(s)
}
