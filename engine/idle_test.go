package engine

import (
	"strings"
	"testing"

	"github.com/weir-cep/weir/cep"
)

const heartbeatRules = `
event Beat { time at late 5s  at: timestamp(unix_s)  k: string }
event Door { time at          at: timestamp(unix_s)  k: string }
rule lost "Heartbeat lost" {
  by k
  pattern { a: Beat  then no Beat within 60s }
  alert { message "lost {k}" }
}
rule opened "Opened" { by k  on Door  when true  alert { message "door {k}" } }
`

// The only gateway is dead: nothing comes any more, and the passing of time
// raises the alert.
func TestTicksRaiseAbsence(t *testing.T) {
	prog := compile(t, heartbeatRules)
	b := seat(t, prog, Config{Apart: true, Sources: noSources, Inputs: []Input{
		{Source: 0, Types: types(prog, "Beat"), Name: "beats"}, {Source: 0, Partition: 1, Types: types(prog, "Beat"), Name: "beats"},
		{Source: 1, Types: types(prog, "Door"), Name: "doors"},
	}})
	tick := func(seconds int64) { b.must(b.e.Tick(seconds * cep.Second)) }
	tick(1000) // nothing has begun
	if w := b.e.Watermark(0); w != minTime {
		t.Fatalf("time passes before it has begun: %d", w)
	}
	b.feed(0, 0, ev("Beat", 100, "g"))
	b.feed(1, 0, ev("Door", 100, "d"))
	tick(1000) // partition 1 may still bring something
	b.says("")
	b.must(b.e.Idle(0, 1))
	tick(1000) // partition 0 too
	b.says("")
	b.must(b.e.Idle(0, 0)) // now all are silent, at 95
	for range 65 {
		tick(1)
	}
	b.says("") // 160 is the deadline: it has to be passed
	b.must(b.e.Tick(1))
	b.says("lost g")
	if w := b.e.Watermark(0); w != 160*cep.Second+1 {
		t.Errorf("watermark %d", w)
	}
	// The doors' source is active, and time stands still there.
	if w := b.e.Watermark(1); w != 100*cep.Second {
		t.Errorf("watermark of the doors %d", w)
	}
	// It comes back: what the time that passed has decided stands.
	b.feed(0, 1, ev("Beat", 130, "g"), ev("Beat", 161, "g"))
	b.says("late 100000000000 below 160000000001, greatest 130000000000")
	tick(1000)
	b.says("")
	b.must(b.e.Finish(0, 1)) // an ended one does not hold time either
	tick(60)
	b.says("")
	tick(1)
	b.says("lost g")
	tick(-5)
	tick(0)
	if w := b.e.Watermark(0); w != 221*cep.Second+1 {
		t.Errorf("watermark %d", w)
	}
}

// Who is unknown is an error, who is idle already is not.
func TestIdleTwice(t *testing.T) {
	prog := compile(t, heartbeatRules)
	b := seat(t, prog, Config{})
	b.feed(0, 0, ev("Door", 100, "d"))
	for range 2 {
		b.must(b.e.Idle(0, 0))
	}
	for range 2 {
		b.must(b.e.Finish(0, 0))
	}
	b.must(b.e.Idle(0, 0))
	if err := b.e.Idle(0, 5); err == nil || !strings.Contains(err.Error(), "partition 5") {
		t.Errorf("idle of nobody: %v", err)
	}
}

// A row too far ahead of its arrival is set aside: it does not make the others
// late, and does not make duplicates forgotten.
func TestMaxAhead(t *testing.T) {
	prog := compile(t, `
event A { id id  time at late 5s  id: string  at: timestamp(unix_s)  k: string }
source as of A from kafka { topic: "a", order: arrival }
rule time "t" { by k  pattern { a: A  then no A within 3s } alert { message "quiet {k}" } }
rule now "n" { by k  on A  when true  alert { message "{k}" } }`)
	row := func(at int, id string) string {
		return strings.Replace(ev("A", at, id), `{`, `{"id":"`+id+`",`, 1)
	}
	b := seat(t, prog, Config{Arrival: true, Inputs: []Input{{MaxAhead: 3600 * cep.Second, Dedupe: 60 * cep.Second}}})
	feed := func(arrived int64, lines ...string) { b.must(b.e.FeedAt(b.batch(0, 0, lines...), arrived*cep.Second)) }
	feed(1000, row(1000, "a"), row(4601, "far"), row(996, "b"), row(1001, "a"), row(4600, "c"))
	b.says("ahead 1 above 4600000000000; a; b; c; quiet b; quiet a")
	feed(1001, row(4601, "far"))
	b.says("far")
	if s := b.e.Stats(); s.Ahead != 1 || s.Duplicates != 1 || s.Late != 0 || s.Events != 6 {
		t.Errorf("stats %+v", s)
	}
	// Without a time of arrival nothing is ahead.
	b.feed(0, 0, row(1_000_000, "way off"))
	b.says("way off; quiet c; quiet far")
}

// Each source remembers ids for as long as it says.
func TestDedupeOfASource(t *testing.T) {
	prog := compile(t, `
event A { id id  time at late 1h  id: string  at: timestamp(unix_s)  k: string }
rule a "a" { by k  on A  when true  alert { message "{k}" } }`)
	b := seat(t, prog, Config{Dedupe: 100 * cep.Second, Inputs: []Input{
		{Source: 0}, {Source: 1, Dedupe: 10 * cep.Second}, {Source: 2, Dedupe: -1}}})
	for source := range uint32(3) {
		for _, at := range []int{1000, 1050, 1000, 1050} {
			b.feed(source, 0, strings.Replace(ev("A", at, "x"), `{`, `{"id":"`+[]string{"one", "two"}[at%100/50]+`",`, 1))
		}
	}
	if s := b.e.Stats(); s.Duplicates != 2+1 {
		t.Errorf("%d duplicates", s.Duplicates)
	}
}
