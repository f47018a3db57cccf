package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
)

// The rules and features that deployments choose from, and two that see to it
// that rows of both types are read at any time. $T is the time from
// which on they see events: a rule that was deployed when the watermark was
// there gives the alerts of one that has been there from the beginning and
// looks at nothing before.
const deployHead = `
event A { id id  time at late 20s  id: string  at: timestamp(unix_s)  u: string  v: string?  n: int }
event B { id id  time at late 20s  id: string  at: timestamp(unix_s)  w: string  u: string  n: int }
rule za { by u on A when n > 100 alert {} }
rule zb { by u on B when n > 100 alert {} }
`

type part struct {
	name  string
	needs []string // other parts
	text  string
}

var deployParts = []part{
	{"by_v", nil, `feature by_v on A where n > 1 and at >= $T by v { c = count() over last 1m  s = sum(n) over previous 1m  top = max(n) over last 30s  ds = distinct(u) over last 2m }`},
	{"by_u", nil, `feature by_u on A where at >= $T by u { c = count() over previous 2m  l = last(v) over previous 2m }`},
	{"bursts", []string{"burst"}, `feature bursts on Burst where at >= $T by user { c = count() over last 2m }`},
	{"burst", []string{"by_v", "by_u"}, `rule burst { by u from A where at >= $T on A where n > 0 when newly count() over last 30s >= 3 suppress for 20s
  alert as Burst { severity if(by_v.c > 3, high, low)  message "{u} {count() over last 30s} {by_v.s} {by_u.l}"  user = u  vs = distinct(v) over last 30s } }`},
	{"seen", []string{"by_u"}, `rule seen { by u from A where at >= $T on A when count() per (u, v) over previous 40s == 0 and by_u.c >= 1 suppress for 10s per (u, v_) unless n == 5 alert { message "{u} {n}"  v_ = v } }`},
	{"seq", []string{"by_v", "by_u"}, `rule seq { by u from A where at >= $T from B where at >= $T
  pattern { a: at least 2 A where n >= 2  then no B where n == 0  then b: B where n > a.first.n } within 40s
  alert { score b.n  message "{a.count} {a.last.v} {by_v['v1'].c} {by_u.c}" } on timeout alert { message "late {a.count}" } }`},
	{"quiet", []string{"by_v", "by_u"}, `rule quiet { by u from A where at >= $T pattern { a: A where n == 3  then no A within 15s }
  alert as Quiet { severity info  message "{u} {by_u.c} {by_v['v2'].c} {by_v['v1'].ds}"  user = u } }`},
	{"pair", nil, `rule pair { by k from B where at >= $T match each limit 3 pattern { x: B by w  then any y: B by u where n != x.n } within 30s alert { message "{k} {x.n} {y.n}" } }`},
	{"held", nil, `rule held { by u from A where at >= $T on r: A when n >= 2 for 10s gap 8s keep 5s alert { message "{u} {r.n} {r.v} {count() over last 20s} {sum(n) per (u, v) over last 30s}" } }`},
	{"waves", []string{"burst"}, `rule waves { global from Burst where at >= $T on Burst when count() over last 1m >= 2 alert as Wave { message "{count() over last 1m} {distinct(user) over last 1m}" } }`},
	{"then_quiet", []string{"burst", "quiet"}, `rule then_quiet { by u from Burst where at >= $T from Quiet where at >= $T from B where at >= $T
  pattern { b: Burst by user  then q: Quiet by user  then any_b: B by u } within 2m alert { message "{u} {b.vs}" } }`},
	{"after_wave", []string{"waves", "burst"}, `rule after_wave { global from Wave where at >= $T from Burst where at >= $T pattern { w: Wave  then no Burst within 20s } alert { message "calm" } }`},
	{"often", []string{"bursts"}, `rule often { by u from A where at >= $T on A when bursts[u].c >= 1 suppress for 5s alert { message "{bursts[u].c}" } }`},
	{"c1", nil, `rule c1 { by u from A where at >= $T on A when count() over last 20s >= 2 alert { message "{count() over last 20s}" } }`},
	{"c2", nil, `rule c2 { by u from A where at >= $T on A when count() over last 40s >= 3 and sum(n) over previous 30s > 4 suppress for 10s alert { message "{sum(n) over previous 30s}" } }`},
	{"c3", nil, `rule c3 { by u from A where at >= $T on A when newly distinct(v) over last 30s >= 2 alert { message "{distinct(v) over last 30s} {last(v) over previous 10s}" } }`},
	{"c4", []string{"by_v"}, `rule c4 { by u from A where at >= $T on A when count() over last 20s >= 3 alert { message "{last(v) over last 1m} {by_v['v2'].c}" } }`},
	{"c7", nil, `rule c7 { by u from A where at >= $T on A when count() per (u, v) over previous 30s == 0 alert { message "{count() over last 40s}" } }`},
	{"c8", nil, `rule c8 { by u from A where at >= $T on A when newly count() per (u, v) over last 30s >= 2 alert { message "{sum(n) per (u, v) over last 30s}" } }`},
	{"c9", nil, `rule c9 { by u from A where at >= $T on A when n > 1 and count() over previous 60s unless fired < 3 alert { message "{count() over last 20s}" } }`},
	{"b1", []string{"burst"}, `rule b1 { by user from Burst where at >= $T on Burst when count() over last 2m >= 2 alert { message "{count() over last 2m}" } }`},
	{"b2", []string{"burst", "bursts"}, `rule b2 { by user from Burst where at >= $T on Burst when newly sum(vs) over last 2m > 2 alert { message "{sum(vs) over last 2m} {bursts.c}" } }`},
}

// burst2 raises the events of burst too, on a higher level: whoever reads them
// moves up while it is there.
const burst2 = "burst2"

func init() {
	deployParts = append(deployParts,
		part{"chain", []string{"burst", "by_v", "by_u"}, `rule chain { by user from Burst where at >= $T on Burst when by_v['v1'].c >= 1 alert { message "{by_v['v1'].ds} {by_u[user].c} {by_u[user].l}" } }`},
		part{"spy", []string{"by_u"}, `rule spy { by v from A where at >= $T on A when by_u['u1'].c >= 2 suppress for 7s alert { message "{by_u['u2'].c} {by_u['u3'].l}" } }`},
		part{burst2, []string{"quiet", "burst"}, `rule burst2 { by u from Quiet where at >= $T and at < $E on Quiet when count() over last 1m >= 1 alert as Burst { message "again"  user = user  vs = count() over last 1m } }`})
}

// begin and finish are times before and behind all events.
const (
	begin  = int64(1_700_000_000) * cep.Second
	finish = int64(1_900_000_000) * cep.Second
)

func partNamed(name string) *part {
	return &deployParts[slices.IndexFunc(deployParts, func(p part) bool { return p.name == name })]
}

// with adds what the parts need.
func with(names map[string]bool) map[string]bool {
	all := map[string]bool{}
	var add func(string)
	add = func(name string) {
		if !all[name] {
			all[name] = true
			for _, n := range partNamed(name).needs {
				add(n)
			}
		}
	}
	for name := range names {
		add(name)
	}
	return all
}

// ruleText spells parts, each from its time on; burst2 until a time. Rules have
// numbers in their titles: one with another number has changed.
func ruleText(from map[string]int64, until int64, titles map[string]int) string {
	text := deployHead
	spell := func(at int64) string {
		return fmt.Sprintf("time(%q)", time.Unix(0, at).UTC().Format(time.RFC3339Nano))
	}
	for _, p := range deployParts {
		if at, ok := from[p.name]; ok {
			text += strings.NewReplacer("$T", spell(at), "$E", spell(until), "rule "+p.name, fmt.Sprintf("rule %s \"%d\"", p.name, titles[p.name])).Replace(p.text) + "\n"
		}
	}
	return text
}

// pipeline is an engine on whose way programs are deployed, and which may be
// saved and restored.
type pipeline struct {
	t     testing.TB
	e     *Engine
	prog  *dsl.Program
	cfg   Config
	parts [][]string // lines by partition
	fed   []int
	out   []string
	text  *course // finds the text of events
	apart bool    // the inputs are partitions of sources of their own, each of one type
}

// input declares the i-th input.
func (c *pipeline) input(i int) Input {
	if !c.apart {
		return Input{Partition: uint32(i), Find: c.text.find}
	}
	return Input{Source: uint32(i), Types: types(c.prog, string(rune('A'+i))), Find: c.text.find}
}

// of is the input that a row came from.
func (c *pipeline) of(ref cep.Ref) int { return int(ref.Source() + ref.Partition()) }

// batch decodes some rows of an input, all that are events.
func (c *pipeline) batch(prog *dsl.Program, i, from, n int) *cep.Batch {
	b, _ := decodeSome(c.t, prog, c.parts[i][from:from+n], 0, 0)
	in := c.input(i)
	b.Rebase(in.Source, in.Partition, uint64(from))
	return b
}

func newPipeline(t testing.TB, prog *dsl.Program, cfg Config, events []string) *pipeline {
	c := &pipeline{t: t, prog: prog, fed: make([]int, len(events)), apart: cfg.Apart}
	c.text = &course{t: t, saved: &savedState{}, derived: map[cep.Ref]string{}, recall: newRecall(nil)}
	for i, ev := range events {
		c.parts = append(c.parts, lines(ev))
		cfg.Inputs = append(cfg.Inputs, c.input(i))
	}
	c.text.text = func(ref cep.Ref) string { return c.parts[c.of(ref)][ref.Position()] }
	cfg.Deploys = true
	cfg.Emit = c.emit
	c.cfg = cfg
	var err error
	if c.e, err = New(prog, cfg); err != nil {
		t.Fatal(err)
	}
	c.text.use(c.e)
	return c
}

// restore saves the engine and goes on with what is restored of it.
func (c *pipeline) restore() {
	c.text.prog, c.text.cfg, c.text.e = c.prog, c.cfg, c.e
	for i := range c.cfg.Inputs {
		c.cfg.Inputs[i] = c.input(i)
	}
	c.text.snapshot(false)
	c.text.store()
	c.e.Close()
	e, err := Restore(c.prog, c.cfg, c.text.saved.meta, c.text.saved.pages)
	if err != nil {
		c.t.Fatal(err)
	}
	if d := c.text.saved.differs(imageOf(e)); d != "" {
		c.t.Fatalf("what was restored is not what was saved: %s", d)
	}
	for i := range c.parts {
		in := c.input(i)
		if from, waits := c.text.saved.oldest[inputKey(in.Source, in.Partition)]; waits {
			for at := int(from); at < c.fed[i]; at += 3 {
				e.rewind(e.prep.prepare(c.batch(c.prog, i, at, min(3, c.fed[i]-at))))
			}
		}
	}
	if err := e.rewound(); err != nil {
		c.t.Fatal(err)
	}
	c.e = e
	c.text.use(e)
}

func (c *pipeline) emit(alerts []*cep.Alert) error {
	for _, a := range alerts {
		c.out = append(c.out, string(a.AppendJSON(nil)))
	}
	return nil
}

// feed feeds up to so many rows of a partition, and ends it behind its last.
func (c *pipeline) feed(i, rows int) {
	p := c.parts[i]
	n := min(rows, len(p)-c.fed[i])
	if n > 0 {
		if err := c.e.Feed(c.batch(c.prog, i, c.fed[i], n)); err != nil {
			c.t.Fatal(err)
		}
	}
	if c.fed[i] += n; n > 0 && c.fed[i] == len(p) {
		in := c.input(i)
		if err := c.e.Finish(in.Source, in.Partition); err != nil {
			c.t.Fatal(err)
		}
	}
}

// deploy deploys a program and returns what became of its rules.
func (c *pipeline) deploy(prog *dsl.Program, d Deployment) map[string]CarriedHow {
	d.Redecode = func(b *cep.Batch) (*cep.Batch, error) {
		first, last := b.Rows[0].Ref, b.Rows[len(b.Rows)-1].Ref
		from := int(first.Position())
		return c.batch(prog, c.of(first), from, int(last.Position())+1-from), nil
	}
	carried, err := c.e.Deploy(prog, d)
	if err != nil {
		c.t.Fatal(err)
	}
	c.prog = prog
	how := map[string]CarriedHow{}
	for _, r := range carried {
		how[r.Rule] = r.What
	}
	return how
}

func (c *pipeline) end() []string {
	if err := c.e.End(EveryDeadline); err != nil {
		c.t.Fatal(err)
	}
	return c.out
}

var versions = regexp.MustCompile(`\\?"version\\?":\\?"[0-9a-f]+\\?",?`)

// ofRule are the alerts of a rule between two times, without what says which
// form of it they are of.
func ofRule(t testing.TB, alerts []string, rule string, from, to int64) (list []string) {
	for _, text := range alerts {
		var a struct {
			Rule string `json:"rule"`
			At   string `json:"at"`
		}
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, a.At)
		if err != nil {
			t.Fatal(err)
		}
		if a.Rule == rule && at.UnixNano() >= from && at.UnixNano() < to {
			list = append(list, versions.ReplaceAllString(text, ""))
		}
	}
	return list
}

// stay is a time for which a part was there, with what it and what it reads saw,
// from when on, and what had been reset by then.
type stay struct {
	from, to int64
	reads    map[string]int64
	lineages map[string]uint32
}

// with2 adds burst2's stay to what a part reads, if it was there at that time.
func (s stay) with2(twice []stay) stay {
	if len(twice) == 0 || s.reads["burst"] == 0 {
		return s
	}
	for name, at := range twice[0].reads {
		if mine, ok := s.reads[name]; ok && mine != at {
			return s // another time
		}
	}
	all := stay{s.from, s.to, maps.Clone(s.reads), maps.Clone(s.lineages)}
	maps.Copy(all.reads, twice[0].reads)
	for name, n := range twice[0].lineages {
		all.lineages[name] = max(n, all.lineages[name])
	}
	return all
}

// Programs are deployed at random places of random streams. Whatever happens to
// others, every rule gives the alerts of one that has been there by itself, from
// where the watermark was when it came to where it was when it went, with the
// features and rules that it reads; byte for byte, but for its version. On the
// way the engine is saved and restored, and rules change without a change of what
// they find.
func TestRandomDeployments(t *testing.T) {
	var names, rules []string
	for _, p := range deployParts {
		if names = append(names, p.name); strings.HasPrefix(p.text, "rule") { // a feature is there while it is read
			rules = append(rules, p.name)
		}
	}
	total, deployed := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, true)
		slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
		s := &script{}
		s.take(evs, rapid.IntRange(1, 2).Draw(rt, "partitions"))
		now := with(drawParts(rt, rules))
		since := map[string]int64{} // of what is there
		for name := range now {
			since[name] = begin
		}
		set := func() map[string]int64 {
			from := map[string]int64{}
			for name := range now {
				from[name] = begin
			}
			return from
		}
		titles := map[string]int{}
		c := newPipeline(t, compile(t, ruleText(set(), finish, titles)), Config{Shards: rapid.IntRange(1, 4).Draw(rt, "shards")}, s.events)
		rows := rapid.IntRange(1, 8).Draw(rt, "rows")
		stays := map[string][]stay{}
		went := map[string]uint32{}
		leave := func(name string, at int64) {
			st := stay{since[name], at, map[string]int64{}, map[string]uint32{}}
			for n := range with(map[string]bool{name: true}) {
				st.reads[n], st.lineages[n] = since[n], went[n]
			}
			stays[name] = append(stays[name], st)
		}
		for open := true; open; {
			open = false
			for i := range c.parts {
				c.feed(i, rows)
				open = open || c.fed[i] < len(c.parts[i])
			}
			if open && rapid.IntRange(0, 9).Draw(rt, "restore") == 0 {
				c.restore()
			}
			if !open || rapid.IntRange(0, 5).Draw(rt, "deploy") > 0 {
				continue
			}
			deployed++
			next := with(drawParts(rt, rules))
			if went[burst2] > 0 {
				delete(next, burst2) // it comes once
			}
			w := max(c.e.Watermark(0), begin)
			for _, name := range names {
				if now[name] && !next[name] {
					leave(name, w)
				}
			}
			for _, name := range names {
				if now[name] && !next[name] {
					went[name]++
				}
				if next[name] && !now[name] {
					since[name] = w
				}
			}
			was := now
			now = next
			changed := map[string]bool{}
			for _, name := range rules {
				if changed[name] = rapid.IntRange(0, 3).Draw(rt, "change") == 0; changed[name] {
					titles[name]++
				}
			}
			for rule, how := range c.deploy(compile(t, ruleText(set(), finish, titles)), Deployment{}) {
				both := rule == "za" || rule == "zb"
				want := map[[2]bool]CarriedHow{{true, true}: CarriedUnchanged, {false, true}: CarriedNew, {true, false}: CarriedRemoved}[[2]bool{both || was[rule], both || next[rule]}]
				if want == CarriedUnchanged && changed[rule] {
					want = CarriedKept
				}
				if how != want {
					rt.Fatalf("rule %s: %s, want %s", rule, how, want)
				}
			}
		}
		for name := range now {
			leave(name, maxTime)
		}
		got := c.end()
		total += len(got)
		for _, name := range rules {
			for _, st := range stays[name] {
				want := ofRule(t, alone(t, st.with2(stays[burst2]), stays[burst2], s.events), name, st.from, st.to)
				if mine := ofRule(t, got, name, st.from, st.to); !slices.Equal(mine, want) {
					rt.Fatalf("rule %s from %d to %d: %s\nevents:\n%s", name, st.from/cep.Second, st.to/cep.Second,
						firstDifference(strings.Join(mine, "\n"), strings.Join(want, "\n")), strings.Join(s.events, "--\n"))
				}
			}
		}
	})
	if total < 100 || deployed < 50 {
		t.Errorf("%d alerts, %d deployments: the test shows little", total, deployed)
	}
}

// drawParts chooses some parts.
func drawParts(rt *rapid.T, rules []string) map[string]bool {
	chosen := map[string]bool{}
	for range rapid.IntRange(1, 6).Draw(rt, "parts") {
		chosen[rapid.SampledFrom(rules).Draw(rt, "part")] = true
	}
	return chosen
}

// alone are the alerts of a part with what it reads, each from its time on, by
// an engine that never deploys.
func alone(t testing.TB, st stay, twice []stay, events []string) []string {
	table := newIDs()
	table.lineages = maps.Clone(st.lineages)
	until := finish
	if len(twice) > 0 {
		until = min(until, twice[0].to)
	}
	c := newPipeline(t, compile(t, ruleText(st.reads, until, nil)), Config{ids: table}, events)
	for i := range c.parts {
		c.feed(i, len(c.parts[i]))
	}
	return c.end()
}
