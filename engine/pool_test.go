package engine

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-cep/weir/dsl"
)

// poolRules read windows over the same events under the same key, or nearly.
var poolRules = []string{
	`rule c1 { by u on A when count() over last 20s >= 2 alert { message "{count() over last 20s}" } }`,
	`rule c2 { by u on A when count() over last 40s >= 3 and sum(n) over previous 30s > 4 suppress for 10s alert { message "{sum(n) over previous 30s}" } }`,
	`rule c3 { by u on A when newly distinct(v) over last 30s >= 2 alert { message "{distinct(v) over last 30s} {last(v) over previous 10s}" } }`,
	`rule c4 { by u on A where n > 0 when newly sum(n) over last 20s > 3 alert { message "{sum(n) over last 20s}" } }`,
	`rule c5 { by u on A where n > 0 when avg(n) over last 3 events > 2.0 alert { message "{max(n) over last 15s}" } }`,
	`rule c6 { by u from A where n < 5 on A when count() over last 40s >= 2 alert {} }`,
	`rule c7 { by u on A when count() per (u, v) over previous 30s == 0 alert { message "{count() over last 40s}" } }`,
	`rule c8 { by u on A when newly count() per (u, v) over last 30s >= 2 alert { message "{sum(n) per (u, v) over last 30s}" } }`,
	`rule c9 { by u on A when n > 1 and count() over previous 60s unless fired < 3 alert { message "{count() over last 20s}" } }`,
	`rule d1 { by u on A when count() over last 20s >= 2 for 10s gap 8s alert { message "{count() over last 20s}" } }`,
	`rule d2 { by u on B when count() over last 30s >= 2 alert { message "{u} {count() over last 30s}" } }`,
	`rule d3 { by u on B when newly sum(n) over last 30s > 5 alert { message "{u} {sum(n) over last 30s}" } }`,
	`rule d4 { by v on A when count() over last 20s >= 2 alert { message "{v}" } }`,
	`rule d5 { global on A when count() over last 10s >= 4 alert {} }`,
	`rule d6 { global on A when count() over last 10s >= 3 alert {} }`,
}

// Rules give the same alerts whether they share windows with others or run alone.
func TestPooledRulesAreAsAlone(t *testing.T) {
	head := richRules[:strings.Index(richRules, "feature")]
	alone := make([]*dsl.Program, len(poolRules))
	for i, r := range poolRules {
		alone[i] = compile(t, head+r)
	}
	all := compile(t, head+strings.Join(poolRules, "\n"))
	p, err := newPlan(all, &Config{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for _, q := range p.worlds[0].pools {
		shared += len(q.rules) - 1
	}
	if shared < 6 {
		t.Errorf("%d rules share the windows of another: the test shows little", shared)
	}
	total := 0
	rapid.Check(t, func(rt *rapid.T) {
		evs := randomStream(rt, true)
		shards, rows := rapid.IntRange(1, 3).Draw(rt, "shards"), rapid.IntRange(1, 30).Draw(rt, "rows")
		run := func(prog *dsl.Program) []string {
			s := &script{prog: prog, drain: EveryDeadline} // a rule alone sees only its types end
			s.take(evs, 1)
			return lines(s.run(t, shards, rows))
		}
		var want []string
		for _, prog := range alone {
			want = append(want, run(prog)...)
		}
		got := run(all)
		slices.Sort(want)
		slices.Sort(got)
		total += len(got)
		if !slices.Equal(got, want) {
			rt.Fatal(firstDifference(strings.Join(got, "\n"), strings.Join(want, "\n")))
		}
	})
	if total == 0 {
		t.Error("no alerts: the test shows nothing")
	}
}
