package engine

import (
	"fmt"
	"testing"

	"github.com/weir-cep/weir/cep"
)

const sweepRules = `
event A { id id  time at  id: string  at: timestamp(unix_s)  k: string  m: string  n: int }
feature f on A by m { c = count() over last 1m  l = last(k) over last 1m }
rule window "w" { by k  on A  when count() over last 1m > 5  suppress for 1m  alert { message "{f.l}" } }
rule by_m "p" { by k  on A  when newly count() per (k, m) over previous 1m == 5  alert { message "" } }
rule seq "s" { by k  pattern { a: A where n == 1  then b: A where n == 2 and f.c > 0 } within 1m  alert { message "{a.m}" } }
rule absent "n" { by k  pattern { a: A where n == 1  then no A where n == 1 within 30s }  alert { message "{a.m}" } }
rule held "h" { by k  on r: A  when n == 1 for 10s gap 20s keep 5s  alert { message "{r.m}" } }
rule each "e" { by k  pattern { a: A where n == 1  then any b: A where n == 0 } within 30s  match each  alert { message "{a.m}" } }
`

// Keys that are through leave nothing behind: no key, no state, no string.
func TestFinishedKeysAreForgotten(t *testing.T) {
	prog := compile(t, sweepRules)
	for _, shards := range []int{1, 3} {
		e, err := New(prog, Config{Shards: shards, Dedupe: -1})
		if err != nil {
			t.Fatal(err)
		}
		at, n := int64(1_767_225_600), 0
		feed := func(keys, rows int) {
			var text []string
			for i := range rows {
				text = append(text, fmt.Sprintf(`{"type":"A","id":"%d","at":%d,"k":"key%d","m":"m%d","n":%d}`, n, at+int64(i/50), n%keys, n%(keys/2), i%3))
				n++
			}
			if err := e.Feed(decodeLines(t, prog, text, 0, uint64(n))); err != nil {
				t.Fatal(err)
			}
		}
		feed(2000, 6000)
		full := e.Stats()
		if full.Alerts == 0 || full.Rules[0].Keys < 100 {
			t.Fatalf("the rules had nothing to do: %+v", full)
		}
		for range 300 {
			at += 3600
			feed(20, 40)
		}
		left, strings := 0, 0
		for _, sh := range e.steps.shards {
			strings += sh.syms.Len()
			for _, st := range sh.stages {
				for _, sp := range st.spaces {
					left += sp.keys.Len()
				}
				for _, ps := range st.pools {
					if ps.keys != nil {
						left += ps.keys.Len()
					}
				}
				for i := range st.rules {
					for _, g := range st.rules[i].groups {
						if g.keys != nil {
							left += g.keys.Len()
						}
					}
					if k := st.rules[i].supp.keys; k != nil {
						left += k.Len()
					}
				}
			}
		}
		if left > 100 || strings > 100 {
			t.Errorf("%d shards: %d keys and %d strings are left, of some 20 keys that are alive", shards, left, strings)
		}
		if err := e.End(EveryDeadline); err != nil {
			t.Fatal(err)
		}
	}
}

// Keys that come once do not pile up, however many they are.
func TestKeysThatComeOnceDoNotPileUp(t *testing.T) {
	prog := compile(t, `
event A { id id  time at  id: string  at: timestamp(unix_s)  k: string }
rule once "o" { by k  on A  when count() over last 10s > 1 and count() per (k, id) over last 10s > 1  alert {} }`)
	e, err := New(prog, Config{Dedupe: -1})
	if err != nil {
		t.Fatal(err)
	}
	for step := range 60 {
		var text []string
		for i := range 1000 {
			n := step*1000 + i
			text = append(text, fmt.Sprintf(`{"type":"A","id":"%d","at":%d,"k":"key%d"}`, n, 1_767_225_600+n/100, n))
		}
		if err := e.Feed(decodeLines(t, prog, text, 0, uint64(step*1000))); err != nil {
			t.Fatal(err)
		}
	}
	st := e.steps.shards[0].stages[0]
	for _, keys := range []int{st.spaces[0].keys.Len(), st.pools[1].keys.Len()} {
		if keys > 10_000 { // 1,000 are alive
			t.Errorf("%d keys are kept of 60,000 of which each came once", keys)
		}
	}
}

// An alert names all its events and carries the data of the first and last ten.
func TestLongMatchCarriesSomeData(t *testing.T) {
	prog := compile(t, `
event A { id id  time at  id: string  at: timestamp(unix_s)  k: string }
rule many "m" { by k  pattern { a: at least 25 A }  alert { message "{a.count}" } }`)
	var got *cep.Alert
	e, err := New(prog, Config{Emit: func(alerts []*cep.Alert) error { got = alerts[0]; return nil }})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for i := range 25 {
		text = append(text, fmt.Sprintf(`{"type":"A","id":"a%d","at":%d,"k":"x"}`, i, i))
	}
	if err := e.Feed(decodeLines(t, prog, text, 0, 0)); err != nil {
		t.Fatal(err)
	}
	if err := e.End(ToLastEvent); err != nil || got == nil {
		t.Fatal(err, got)
	}
	for i, ev := range got.Events {
		if ev.ID != fmt.Sprint("a", i) || (ev.Data != nil) != (i < 10 || i >= 15) {
			t.Errorf("event %d: id %s, %d bytes of data", i, ev.ID, len(ev.Data))
		}
	}
	if len(got.Events) != 25 {
		t.Errorf("%d events", len(got.Events))
	}
}
