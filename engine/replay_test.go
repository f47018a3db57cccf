package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

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
	calm  bool // nothing is late or ahead, no partition falls silent or ends, and no time passes alone
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
		case k >= 1 && k <= 5 && j.calm:
			p := j.open[j.int("partition", 0, len(j.open)-1)]
			list = append(list, j.rows(p[0], p[1]))
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
		at := j.at - int64(j.int("delay", 0, 4))
		switch j.int("odd", 0, 20) {
		case 0:
			if !j.calm {
				at -= int64(j.int("late", 0, 60))
			}
		case 1:
			if !j.calm {
				at += int64(j.int("ahead", 0, 200))
			}
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

// Whether groups wait for each other or not changes the order of the alerts of
// several, and nothing else.
func TestApartChangesTheOrderOnly(t *testing.T) {
	prog := compile(t, twinRules())
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		j := drawer{calm: true, int: func(label string, from, to int) int { return rapid.IntRange(from, to).Draw(rt, label) }}
		list := j.draw(rapid.IntRange(1, 60).Draw(rt, "records"))
		for i, rec := range list { // partitions that come later would be asked for less
			if rec.kind == 'o' {
				list = slices.Insert(slices.Delete(list, i, i+1), 0, rec)
			}
		}
		apart, _ := replay{shards: 1, apart: true, drain: EveryDeadline}.run(t, list, prog)
		one, _ := replay{shards: 1, drain: EveryDeadline}.run(t, list, prog)
		found += strings.Count(one, "\n")
		if inOrder(apart) != inOrder(one) {
			rt.Fatal(firstDifference(inOrder(apart), inOrder(one)))
		}
		for _, r := range prog.Rules {
			of := func(text string) (lines []string) {
				for _, l := range strings.Split(text, "\n") {
					if strings.Contains(l, `"rule":"`+r.Name+`","version"`) {
						lines = append(lines, l)
					}
				}
				return lines
			}
			if a, b := of(apart), of(one); !r.Arrival && !slices.Equal(a, b) {
				rt.Fatalf("rule %s has another order", r.Name)
			}
		}
	})
	if found == 0 {
		t.Error("no alerts")
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
