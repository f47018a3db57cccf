package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// record is an entry of a journal as the engine sees it.
type record struct {
	kind      byte // 'r' rows, 'o' open, 'i' idle, 'e' end, 't' tick, 'd' deploy
	source    uint32
	partition uint32
	lines     []string
	time      int64 // seconds: of arrival, or that have passed; 0 or 1: which program
}

func (r *record) String() string {
	return fmt.Sprintf("%c %d/%d %d %s", r.kind, r.source, r.partition, r.time, strings.Join(r.lines, " "))
}

// twinRules are richRules twice, over types of their own, and in a part of
// them in arrival order: two groups that have nothing in common.
func twinRules() string {
	twin := richRules
	for _, name := range []string{"A", "B", "Burst", "Quiet", "Wave"} {
		for _, after := range []string{" ", "\n"} {
			for _, before := range []string{"event ", "on ", " no ", ": ", " as ", "as ", "2 "} {
				twin = strings.ReplaceAll(twin, before+name+after, before+name+"2"+after)
			}
		}
	}
	for _, name := range []string{"by_v", "by_u"} {
		twin = strings.ReplaceAll(twin, name, name+"2")
	}
	twin = strings.ReplaceAll(twin, "\nrule ", "\nrule twin_")
	return richRules + twin + `
source a of A from kafka { topic: "a", order: arrival }
source b of B from kafka { topic: "b" }
source a2 of A2 from kafka { topic: "a", order: arrival }
source b2 of B2 from kafka { topic: "b" }
`
}

// bridge joins the groups of the twins.
const bridge = `
rule bridge "Bridge" { by u  pattern { x: B by u  then y: B2 by u where n > x.n } within 30s  alert as Bridged { message "{u} {x.n} {y.n}"  user = u } }
rule beyond "Over the bridge" { by u  pattern { b: Bridged by user  then q: Quiet by user } within 1m  alert { message "{u}" } }
`

var twinSources = []string{"A", "B", "A2", "B2"}

// drawer draws records: partitions that come, bring rows in some disorder,
// some too late and some too far ahead, fall silent, end, and time that passes.
type drawer struct {
	int   func(label string, from, to int) int
	at    int64
	id    int
	parts int
	open  [][2]uint32
	joins bool // deployments join the groups and part them again
}

func (j *drawer) draw(n int) (list []record) {
	j.at = 1_767_225_600
	for range n {
		switch k := j.int("kind", 0, 19); {
		case len(j.open) == 0 || k == 0 && len(j.open) < 8:
			s := uint32(j.int("source", 0, 3))
			p := uint32(j.parts)
			j.parts++
			j.open = append(j.open, [2]uint32{s, p})
			list = append(list, record{kind: 'o', source: s, partition: p})
		case k == 1:
			list = append(list, record{kind: 't', time: int64(j.int("elapsed", 1, 40))})
		case k <= 4:
			p := j.open[j.int("partition", 0, len(j.open)-1)]
			list = append(list, record{kind: 'i', source: p[0], partition: p[1]})
		case k == 6 && j.joins:
			list = append(list, record{kind: 'd', time: int64(j.int("program", 0, 1))})
		case k == 5:
			i := j.int("partition", 0, len(j.open)-1)
			p := j.open[i]
			list = append(list, record{kind: 'e', source: p[0], partition: p[1]})
			if j.int("again", 0, 1) == 0 {
				list = append(list, record{kind: 'o', source: p[0], partition: p[1]})
			} else {
				j.open = append(j.open[:i:i], j.open[i+1:]...)
			}
		default:
			p := j.open[j.int("partition", 0, len(j.open)-1)]
			list = append(list, j.rows(p[0], p[1]))
		}
	}
	return list
}

func (j *drawer) rows(source, partition uint32) record {
	r := record{kind: 'r', source: source, partition: partition}
	typ := twinSources[source]
	for range j.int("rows", 1, 12) {
		j.at += int64(j.int("step", 0, 3))
		at := j.at - int64(j.int("delay", 0, 8))
		switch j.int("odd", 0, 20) {
		case 0:
			at -= int64(j.int("late", 0, 60))
		case 1:
			at += int64(j.int("ahead", 0, 200))
		}
		if j.id++; j.int("twice", 0, 15) == 0 {
			j.id--
		}
		u, n := j.int("u", 1, 3), j.int("n", 0, 5)
		if typ[0] == 'A' {
			v := []string{`"v1"`, `"v2"`, "null"}[j.int("v", 0, 2)]
			r.lines = append(r.lines, fmt.Sprintf(`{"type":"%s","id":"a%d","at":%d,"u":"u%d","v":%s,"n":%d}`, typ, j.id, at, u, v, n))
		} else {
			r.lines = append(r.lines, fmt.Sprintf(`{"type":"%s","id":"b%d","at":%d,"w":"u%d","u":"u%d","n":%d}`, typ, j.id, at, j.int("w", 1, 2), u, n))
		}
	}
	r.time = j.at
	return r
}

// replay is how records are worked off.
type replay struct {
	shards, step int
	apart        bool
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
	p.must(p.e.End(ToLastEvent))
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

// The journal's promise: the same records give the same run, byte for byte,
// whatever the shards, the size of a step, and where the rows of a record are
// cut into batches; with partitions of two groups that come, fall silent and
// end, time that passes, late rows, duplicates, and rules of both orders.
func TestRandomReplays(t *testing.T) {
	prog := compile(t, twinRules())
	var alerts, late, ahead int
	rapid.Check(t, func(rt *rapid.T) {
		j := drawer{int: func(label string, from, to int) int { return rapid.IntRange(from, to).Draw(rt, label) }}
		list := j.draw(rapid.IntRange(1, 60).Draw(rt, "records"))
		apart := rapid.IntRange(0, 3).Draw(rt, "apart") > 0
		want, aside := replay{shards: 1, apart: apart}.run(t, list, prog)
		alerts += strings.Count(want, "\n")
		late += strings.Count(aside, "late ")
		ahead += strings.Count(aside, "ahead ")
		again := replay{shards: rapid.IntRange(1, 4).Draw(rt, "shards"), step: rapid.IntRange(1, 40).Draw(rt, "step rows"), apart: apart,
			cut: func(left int) int { return rapid.IntRange(1, left).Draw(rt, "cut") }}
		got, other := again.run(t, list, prog)
		if got != want || other != aside {
			for i := range list {
				rt.Log(list[i].String())
			}
			rt.Fatalf("%d shards, steps of %d\n%s\n%s", again.shards, again.step, firstDifference(got, want), firstDifference(other, aside))
		}
	})
	t.Logf("%d alerts, %d late rows, %d rows ahead", alerts, late, ahead)
	if alerts == 0 || late == 0 || ahead == 0 {
		t.Error("the journals have little in them")
	}
}

// The same with deployments that join the groups and part them: nobody's time
// goes back, and nothing depends on the cuts.
func TestRandomReplaysOverJoins(t *testing.T) {
	progs := []*dsl.Program{compile(t, twinRules()), compile(t, twinRules()+bridge)}
	joined := 0
	rapid.Check(t, func(rt *rapid.T) {
		j := drawer{joins: true, int: func(label string, from, to int) int { return rapid.IntRange(from, to).Draw(rt, label) }}
		list := j.draw(rapid.IntRange(1, 60).Draw(rt, "records"))
		want, aside := replay{shards: 1, apart: true}.run(t, list, progs...)
		joined += strings.Count(want, `"rule":"bridge"`)
		again := replay{shards: rapid.IntRange(1, 4).Draw(rt, "shards"), step: rapid.IntRange(1, 40).Draw(rt, "step rows"), apart: true,
			cut: func(left int) int { return rapid.IntRange(1, left).Draw(rt, "cut") }}
		got, other := again.run(t, list, progs...)
		if got != want || other != aside {
			for i := range list {
				rt.Log(list[i].String())
			}
			rt.Fatalf("%d shards, steps of %d\n%s\n%s", again.shards, again.step, firstDifference(got, want), firstDifference(other, aside))
		}
	})
	if joined == 0 {
		t.Error("the joined groups found nothing")
	}
}

// A run that is saved and starts again anywhere is the run that was not: with
// groups, silence, deployments, and rows that were released early because too
// many waited.
func TestRandomRestarts(t *testing.T) {
	progs := []*dsl.Program{compile(t, twinRules()), compile(t, twinRules()+bridge)}
	early, restarts := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		j := drawer{joins: rapid.Bool().Draw(rt, "deployments"), int: func(label string, from, to int) int { return rapid.IntRange(from, to).Draw(rt, label) }}
		list := j.draw(rapid.IntRange(1, 60).Draw(rt, "records"))
		r := replay{shards: rapid.IntRange(1, 3).Draw(rt, "shards"), apart: true}
		if rapid.Bool().Draw(rt, "crowded") {
			r.limits = Limits{Waiting: rapid.IntRange(3, 30).Draw(rt, "waiting"), Early: true}
		}
		use := progs
		if !j.joins {
			use = progs[:1]
		}
		want, aside := r.run(t, list, use...)
		if !strings.Contains(aside, " early 0 ") {
			early++
		}
		r.when = func() (save, crash bool) {
			n := rapid.IntRange(0, 9).Draw(rt, "restart")
			return n <= 2 || n == 9, n >= 8
		}
		r.restarts = &restarts
		got, other := r.run(t, list, use...)
		if got != want || other != aside {
			for i := range list {
				rt.Log(list[i].String())
			}
			rt.Fatalf("%s\n%s", firstDifference(got, want), firstDifference(other, aside))
		}
	})
	t.Logf("%d restarts", restarts)
	if early == 0 || restarts == 0 {
		t.Error("no rows were released early, or nothing started again")
	}
}

// A graph of three levels whose steps are one row never stalls, however the
// shards are scheduled.
func TestStepsOfOneRowNeverStall(t *testing.T) {
	prog := compile(t, twinRules())
	for range 4 {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 1))
		j := drawer{int: func(_ string, from, to int) int { return from + rng.IntN(to-from+1) }}
		list := j.draw(120)
		done := make(chan string, 1)
		go func() {
			alerts, _ := replay{shards: 4, step: 1, apart: true, cut: func(int) int { return 1 }}.run(t, list, prog)
			done <- alerts
		}()
		select {
		case alerts := <-done:
			if want, _ := (replay{shards: 1, apart: true}).run(t, list, prog); alerts != want {
				t.Errorf("seed %d: %s", seed, firstDifference(alerts, want))
			}
		case <-time.After(time.Minute):
			t.Fatalf("seed %d: it stands still", seed)
		}
	}
}

// The order in which partitions come does not matter as long as nothing is late
// and nothing is alike: alerts are the same, in time order also in their order.
func TestArrivalOfPartitionsDoesNotMatter(t *testing.T) {
	prog := compile(t, richRules)
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, false)
		lines := make([][]string, 2)
		for _, e := range evs {
			lines[e.part] = append(lines[e.part], e.line)
		}
		run := func(first func(a, b int) bool) string {
			b := seat(t, prog, Config{Inputs: []Input{{}, {Partition: 1}}})
			left := [2][]string{lines[0], lines[1]}
			for len(left[0])+len(left[1]) > 0 {
				p := 0
				if len(left[0]) == 0 || len(left[1]) > 0 && !first(len(left[0]), len(left[1])) {
					p = 1
				}
				b.feed(0, uint32(p), left[p][0])
				left[p] = left[p][1:]
			}
			b.must(b.e.End(ToLastEvent))
			if s := b.e.Stats(); s.Late > 0 {
				t.Fatalf("%d late", s.Late)
			}
			return b.out.String()
		}
		want := run(func(int, int) bool { return true })
		if got := run(func(int, int) bool { return rapid.Bool().Draw(rt, "first") }); got != want {
			rt.Fatal(firstDifference(got, want))
		}
	})
}
