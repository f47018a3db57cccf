package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// feedKeys feeds so many rows over keys and texts of their own.
func feedKeys(t *testing.T, c *pipeline, from, n int) {
	var text []string
	for i := from; i < from+n; i++ {
		text = append(text, fmt.Sprintf(`{"type":"A","id":"%d","at":%d,"k":"key%d","m":"text%d","n":%d}`, i, 1_767_225_600+i/1000, i, i, i%3))
	}
	if err := c.e.Feed(decodeLines(t, c.prog, text, 0, uint64(from))); err != nil {
		t.Fatal(err)
	}
}

// What belonged to rules and features that are gone is forgotten within some
// steps: keys, states, strings, timers, numbers.
func TestWhatIsGoneIsForgotten(t *testing.T) {
	all := compile(t, sweepRules)
	few := compile(t, sweepRules[:strings.Index(sweepRules, "feature")]+`
rule window "w" { by k  on A  when count() over last 1m > 5  suppress for 1m  alert { message "" } }`)
	for _, shards := range []int{1, 3} {
		c := newPipeline(t, all, Config{Shards: shards, Dedupe: -1}, []string{""})
		const keys = 20_000
		feedKeys(t, c, 0, keys)
		feedKeys(t, c, keys, 1)
		c.deploy(few, Deployment{})
		if len(c.e.dying) == 0 || c.e.dyingBytes() == 0 {
			t.Fatal("nothing is left to forget")
		}
		for i := 1; len(c.e.dying) > 0; i++ {
			if i > keys/purgeKeys*10 {
				t.Fatalf("%d shards: not done after %d steps: %v", shards, i, c.e.dying)
			}
			feedKeys(t, c, keys+i*1000, 1)
		}
		strings, left := 0, 0
		for _, sh := range c.e.steps.shards {
			strings += sh.syms.Len()
			for _, st := range sh.stages {
				for _, sp := range st.spaces {
					sp.keys.Sweep(0, sp.keys.Len(), func(slot uint32) {
						sp.each(slot, func(owner, _ uint32) {
							if !st.has(owner >> kindBits) {
								left++
							}
						})
					})
				}
				for id := range st.timers.slots {
					if st.timers.slots[id].live {
						left++
					}
				}
			}
		}
		if strings > 0 || left > 0 || c.e.dyingBytes() > 0 {
			t.Errorf("%d shards: %d strings and %d entries and timers are left", shards, strings, left)
		}
		sids := map[uint32]bool{}
		for _, sid := range c.e.plan.ids.free {
			if sids[sid] {
				t.Fatalf("sid %d is free twice", sid)
			}
			sids[sid] = true
		}
		for _, r := range c.e.plan.ids.rules {
			sids[r.sid] = true
		}
		for _, sid := range c.e.plan.ids.features {
			sids[sid] = true
		}
		for _, sp := range c.e.plan.ids.spaces {
			sids[sp.sid] = true
		}
		for sid := range c.e.plan.ids.pools {
			sids[sid] = true
		}
		if len(sids) != int(c.e.plan.ids.next)-1 {
			t.Errorf("%d shards: %d sids were given out, %d are known", shards, c.e.plan.ids.next-1, len(sids))
		}
	}
}

// Rule sets that come and go for ever need no more and more memory or numbers.
func TestDeploymentsDoNotPileUp(t *testing.T) {
	one, other := compile(t, sweepRules), compile(t, strings.ReplaceAll(sweepRules, "1m", "2m"))
	c := newPipeline(t, one, Config{Dedupe: -1}, []string{""})
	for i := range 40 {
		feedKeys(t, c, i*10_000, 500)
		if i%2 == 0 {
			c.deploy(other, Deployment{})
		} else {
			c.deploy(one, Deployment{})
		}
	}
	if n := c.e.plan.ids.next; n > 100 {
		t.Errorf("%d sids for rule sets of some ten owners", n)
	}
}

// Adding, changing and removing a rule touches no page of the others and looks
// at no key, however many there are. Only what comes to another level is moved.
func TestDeploymentLooksAtNoKey(t *testing.T) {
	head := sweepRules[:strings.Index(sweepRules, "feature")]
	base := sweepRules
	c := newPipeline(t, compile(t, base), Config{Dedupe: -1}, []string{""})
	feedKeys(t, c, 0, 5000)
	feedKeys(t, c, 10_000, 1)
	c.text.saved.take(c.e.Snapshot(true)) // from here on pages tell whether they are touched
	for _, text := range []string{
		base + `rule more "m" { by k on A when newly count() over last 5m > 3 and f.c > 1 alert {} }`,
		strings.Replace(base, "> 5", "> 6", 1),
		strings.Replace(base, "within 1m", "within 2m", 1),
		base,
		head + `rule window "w" { by k  on A  when count() over last 1m > 5  suppress for 1m  alert { message "" } }`,
	} {
		c.deploy(compile(t, text), Deployment{})
		for _, sh := range c.e.steps.shards {
			sh.units(func(u unit) {
				if dirty, _ := u.mem.Changes(); dirty > 0 {
					t.Errorf("%s: %d pages are touched", u.of, dirty)
				}
			})
		}
		if c.e.looked != 0 {
			t.Errorf("%d keys were looked at", c.e.looked)
		}
	}
	levels := head + `
rule first "f" { by k on A where n == 1 when true alert as First { message "" who = m } }
rule other "o" { by k on A where n == 2 when true alert as Other { message "" what = m } }
rule second "s" { by who on First when newly count() over last 1m > 1 alert {} }
`
	again := `rule again "a" { by k on Other when newly count() over last 1m > 5 alert as First { message "" who = what } }
`
	stays := `rule stays "s" { by what on Other when newly count() over last 1m > 1 alert {} }
`
	for _, x := range []struct {
		before, after string
		looked        uint64
	}{
		{levels, levels + again, 0},                    // the level goes up as a whole
		{levels + stays, levels + stays + again, 1000}, // one of its rules does
		{levels + stays + again, levels + stays, 1000},
	} {
		c = newPipeline(t, compile(t, x.before), Config{Dedupe: -1}, []string{""})
		feedKeys(t, c, 0, 3000)
		feedKeys(t, c, 10_000, 1)
		c.deploy(compile(t, x.after), Deployment{})
		if c.e.looked != x.looked {
			t.Errorf("%d keys were looked at, want %d", c.e.looked, x.looked)
		}
	}
}

// Rules in arrival order see rows as they come; others that come and go leave
// them, and those in time order, as they are.
func TestRandomDeploymentsInArrivalOrder(t *testing.T) {
	head := `
event A { id id  time at late 20s  id: string  at: timestamp(unix_s)  u: string  v: string?  n: int }
event B { id id  time at late 20s  id: string  at: timestamp(unix_s)  w: string  u: string  n: int }
source fast of A, B from kafka { topic: "a", order: arrival }
feature per_u on A by u { c = count() over last 1m  l = last(v) over last 1m }
rule two { by u on A when count() over last 1m >= 2 suppress for 15s alert as Two { message "{u} {n} {count() over last 1m} {per_u.c}"  who = u } }
rule rising { by u pattern { a: A  then b: A where n > a.n } within 20s alert { message "{u} {a.n} {b.n} {a.v}" } }
rule many { global on Two when distinct(who) over last 5m >= 2 alert { message "{distinct(who) over last 5m}" } }
rule quiet { by u pattern { a: A  then no A within 15s } alert { message "{u} quiet after {a.n}" } }
rule calm { by user pattern { t: Two by who  then no A by u within 30s } alert { message "{user} calm" } }
`
	extras := []string{
		`rule x1 { by u on A when newly count() over last 40s >= 2 alert { message "{u} {sum(n) over last 40s}" } }`,
		`rule x2 { by k pattern { x: B by w  then y: B by u where n != x.n } within 30s alert { message "{k} {x.n} {y.n}" } }`,
		`rule x3 { by v on A when count() over last 30s >= 2 suppress for 10s alert { message "{v}" } }`,
		`rule y1 { by u pattern { b: B  then no B within 5s } alert { message "{b.n}" } }`,
		`rule y2 { by who on Two when newly count() over last 2m >= 2 alert as More { message "{who}" } }`,
	}
	const arriving = 3 // the first of them are alike wherever they begin
	total := 0
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, true)
		slices.SortStableFunc(evs, func(a, b randomEvent) int { return int(a.at + a.delay - b.at - b.delay) })
		s := &script{}
		s.take(evs, 1)
		cfg := Config{Arrival: true, Shards: rapid.IntRange(1, 3).Draw(rt, "shards")}
		whole := newPipeline(t, compile(t, head), cfg, s.events)
		whole.feed(0, len(evs))
		want := whole.end()
		c := newPipeline(t, compile(t, head), cfg, s.events)
		now := map[int]bool{}
		since := map[int]int{}
		begun := map[int]int{} // alerts before
		check := func(x int) {
			alone := newPipeline(t, compile(t, head+extras[x]), Config{Arrival: true, ids: &ids{next: 1, lineages: c.e.plan.ids.lineages}}, s.events)
			alone.fed[0] = since[x]
			alone.feed(0, c.fed[0]-since[x])
			name := fmt.Sprintf("x%d", x+1)
			got := ofRule(t, c.out[begun[x]:], name, begin, maxTime)
			if want := ofRule(t, alone.out, name, begin, maxTime); !slices.Equal(got, want) {
				rt.Fatalf("rule %s over rows %d to %d: %s", name, since[x], c.fed[0], firstDifference(strings.Join(got, "\n"), strings.Join(want, "\n")))
			}
		}
		for c.fed[0] < len(evs) {
			if c.feed(0, rapid.IntRange(1, 6).Draw(rt, "rows")); c.fed[0] == len(evs) || rapid.IntRange(0, 2).Draw(rt, "deploy") > 0 {
				continue
			}
			text, next := head, map[int]bool{}
			for x := range extras {
				if next[x] = rapid.IntRange(0, 2).Draw(rt, "extra") == 0; next[x] {
					text += extras[x] + "\n"
				}
			}
			for x := range arriving {
				if now[x] && !next[x] {
					check(x)
				}
				if !now[x] && next[x] {
					since[x], begun[x] = c.fed[0], len(c.out)
				}
			}
			now = maps.Clone(next)
			c.deploy(compile(t, text), Deployment{})
			if rapid.IntRange(0, 3).Draw(rt, "restore") == 0 {
				c.restore()
			}
		}
		got := c.end()
		total += len(got)
		for _, name := range []string{"two", "rising", "many", "quiet", "calm"} {
			if g, w := ofRule(t, got, name, begin, maxTime), ofRule(t, want, name, begin, maxTime); !slices.Equal(g, w) {
				rt.Fatalf("rule %s: %s", name, firstDifference(strings.Join(g, "\n"), strings.Join(w, "\n")))
			}
		}
	})
	if total < 100 {
		t.Errorf("%d alerts: the test shows little", total)
	}
}

// Rules of sources that do not wait for each other are as they are, whatever
// rules come that join their groups and go again.
func TestRandomDeploymentsThatJoinGroups(t *testing.T) {
	head := `
event A { id id  time at late 20s  id: string  at: timestamp(unix_s)  u: string  v: string?  n: int }
event B { id id  time at late 20s  id: string  at: timestamp(unix_s)  w: string  u: string  n: int }
feature a_u on A by u { c = count() over last 1m  l = last(v) over last 1m }
feature b_u on B by u { c = count() over last 1m  d = distinct(w) over last 1m }
rule a1 { by u on A when newly count() over last 30s >= 2 alert as Many { message "{u} {n} {a_u.l}"  who = u } }
rule a2 { by u pattern { a: A where n > 1  then no A within 15s } alert { message "{u} {a.v}" } }
rule a3 { by who on Many when count() over last 1m >= 2 suppress for 30s alert { message "{who} {count() over last 1m}" } }
rule b1 { by u on B when newly count() over last 30s >= 2 alert { message "{u} {n} {b_u.c} {b_u['u2'].d}" } }
rule b2 { by k pattern { x: B by w  then y: B by u where n != x.n } within 30s on timeout alert { message "late {x.n}" } alert { message "{k} {x.n} {y.n}" } }
rule b3 { by u on r: B when n >= 2 for 10s gap 8s keep 5s alert { message "{r.n} {r.w} {count() over last 20s}" } }
`
	joins := []string{
		`rule aa { by u pattern { a: A  then b: B } within 20s alert { message "{a.n} {b.n}" } }`,
		`rule zz { by who on Many when b_u[who].c > 0 alert { message "{b_u[who].d}" } }`,
		`rule m { by u on B when newly sum(n) over last 1m > 3 alert as Many { message "" who = u } }`,
	}
	base := []string{"a1", "a2", "b1", "b2", "b3"}
	total := 0
	rapid.Check(t, func(rt *rapid.T) {
		s := &script{events: make([]string, 2)}
		for _, ev := range randomStream(rt, true) {
			i := strings.Index("AB", ev.line[9:10])
			s.events[i] += ev.line + "\n"
		}
		cfg := Config{Apart: true, Sources: noSources, Shards: rapid.IntRange(1, 3).Draw(rt, "shards")}
		whole := newPipeline(t, compile(t, head), cfg, s.events)
		for i := range whole.parts {
			whole.feed(i, len(whole.parts[i]))
		}
		want := whole.end()
		total += len(want)
		c := newPipeline(t, compile(t, head), cfg, s.events)
		for c.fed[0] < len(c.parts[0]) || c.fed[1] < len(c.parts[1]) {
			c.feed(rapid.IntRange(0, 1).Draw(rt, "source"), rapid.IntRange(1, 6).Draw(rt, "rows"))
			both := true // a source that has not begun is not waited for by those that it joins
			for i := range c.parts {
				both = both && (c.fed[i] > 0 || len(c.parts[i]) == 0)
			}
			if both && rapid.IntRange(0, 3).Draw(rt, "deploy") == 0 {
				text := head
				for x := range joins {
					if rapid.IntRange(0, 2).Draw(rt, "join") == 0 {
						text += joins[x] + "\n"
					}
				}
				c.deploy(compile(t, text), Deployment{})
			}
			if rapid.IntRange(0, 5).Draw(rt, "restore") == 0 {
				c.restore()
			}
		}
		got := c.end()
		for _, name := range base {
			if g, w := ofRule(t, got, name, begin, maxTime), ofRule(t, want, name, begin, maxTime); !slices.Equal(g, w) {
				rt.Fatalf("rule %s: %s", name, firstDifference(strings.Join(g, "\n"), strings.Join(w, "\n")))
			}
		}
	})
	if total < 100 {
		t.Errorf("%d alerts: the test shows little", total)
	}
}

// An enum may grow while states hold its words; one that loses words makes
// them begin anew.
func TestEnumsGrow(t *testing.T) {
	rules := func(words string) string {
		return `enum Kind { ` + words + ` }
event A { id id  time at  id: string  at: timestamp(unix_s)  u: string  k: Kind  n: int }
feature f on A by u { l = last(k) over last 1h }
rule r { by u on A where n == 9 when true alert { message "{f.l}" } }
rule s { by k pattern { a: at least 2 A where n == 1  then b: A where n == 2 } alert { message "{k} {a.count}" } }
rule p { by u pattern { a: A where n == 1  then b: A where n == 2 } alert { message "{a.k}" } }`
	}
	events := []string{a(1, `"n":1,"k":"two"`), a(2, `"n":1,"k":"two"`), a(3, `"n":0,"k":"one"`), a(4, `"n":2,"k":"two"`), a(5, `"n":9,"k":"one"`)}
	for words, want := range map[string]map[string]CarriedHow{
		"one, two":        {"r": CarriedUnchanged, "s": CarriedUnchanged, "p": CarriedUnchanged},
		"one, two, three": {"r": CarriedKept, "s": CarriedKept, "p": CarriedKept},
		"two, one":        {"r": CarriedKept, "s": CarriedReset, "p": CarriedReset},
	} {
		how, out := deployBehind(t, rules("one, two"), rules(words), Deployment{}, 3, events)
		if !maps.Equal(how, want) {
			t.Errorf("enum %s: %v, want %v", words, how, want)
		}
		text := strings.Join(messages(out), ",")
		if kept := want["p"] != CarriedReset; kept && text != "two,two 2,one" || !kept && text != "one" {
			t.Errorf("enum %s: alerts %s", words, text)
		}
	}
}
