package engine

import (
	"reflect"
	"strings"
	"testing"
)

// sids lists what a plan gave sids to.
func sids(p *plan) map[uint32]string {
	all := map[uint32]string{}
	for _, w := range p.worlds {
		for _, f := range w.features {
			all[f.sid] += w.name + " feature " + f.ir.Name
		}
		for _, r := range w.rules {
			all[r.sid] += "rule " + r.ir.Name
		}
		for _, q := range w.pools {
			all[q.sid] += w.name + " pool of " + q.rules[0].ir.Name
		}
		for i := range w.spaces {
			all[w.spaces[i].sid] += w.name + " space " + w.spaces[i].id
		}
	}
	return all
}

// The table says all that makes a plan the same again: sids, pools, rooms.
func TestIDsMakeTheSamePlan(t *testing.T) {
	for name, text := range map[string]string{"rich": richRules, "pools": richRules[:strings.Index(richRules, "feature")] + strings.Join(poolRules, "\n")} {
		prog := compile(t, text)
		p, err := newPlan(prog, &Config{Shards: 2})
		if err != nil {
			t.Fatal(err)
		}
		want := sids(p)
		owners := 0
		for _, w := range p.worlds {
			owners += len(w.features) + len(w.rules) + len(w.pools) + len(w.spaces)
		}
		if len(want) != owners || want[0] != "" {
			t.Fatalf("%s: %d sids for %d owners", name, len(want), owners)
		}
		saved := p.ids.encode([]byte("head"))
		read, rest, err := decodeIDs(append(saved[4:], "tail"...))
		if err != nil || string(rest) != "tail" {
			t.Fatalf("%s: %v, rest %q", name, err, rest)
		}
		if !reflect.DeepEqual(read, p.ids) {
			t.Errorf("%s: read\n%+v\nwant\n%+v", name, read, p.ids)
		}
		for n := range len(saved) - 4 {
			if _, _, err := decodeIDs(saved[4 : 4+n]); err == nil {
				t.Fatalf("%s: the first %d bytes read as a whole table", name, n)
			}
		}
		again, err := newPlan(compile(t, text), &Config{Shards: 2, ids: read})
		if err != nil {
			t.Fatal(err)
		}
		if got := sids(again); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: sids\n%v\nwant\n%v", name, got, want)
		}
		for i, w := range p.worlds {
			for j, q := range w.pools {
				got := again.worlds[i].pools[j]
				if !reflect.DeepEqual(got.specs, q.specs) || len(got.rules) != len(q.rules) || len(got.inputs) != len(q.inputs) {
					t.Errorf("%s: pool %d of %s has other windows", name, j, w.name)
				}
			}
		}
	}
}

// A form of a rule with another layout does not go on with the state.
func TestIDsRefuseAnotherLayout(t *testing.T) {
	rules := func(span, need string) string {
		return `event A { id id  time at  id: string  at: timestamp(unix_s)  k: string  n: int }
rule r "r" { by k  on A  when count() over last ` + span + ` >= ` + need + `  alert {} }`
	}
	p, err := newPlan(compile(t, rules("1m", "3")), &Config{Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newPlan(compile(t, rules("1m", "4")), &Config{Shards: 1, ids: p.ids}); err != nil {
		t.Errorf("another threshold: %v", err)
	}
	if _, err := newPlan(compile(t, rules("2m", "3")), &Config{Shards: 1, ids: p.ids}); err == nil || !strings.Contains(err.Error(), "rule r") {
		t.Errorf("another window: %v", err)
	}
	feature := func(span string) string {
		return rules("1m", "3") + "\nfeature f on A by k { c = count() over last " + span + " }\nrule s { by k on A when f.c > 3 alert {} }"
	}
	if p, err = newPlan(compile(t, feature("1m")), &Config{Shards: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := newPlan(compile(t, feature("2m")), &Config{Shards: 1, ids: p.ids}); err == nil || !strings.Contains(err.Error(), "feature f") {
		t.Errorf("another window of a feature: %v", err)
	}
}
