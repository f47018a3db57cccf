package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

var variants = flag.Int("engine.variants", 24, "runs of the same events that are taken in otherwise")

// arrival is an event's line and its time.
type arrival struct {
	at   time.Time
	line string
}

// timedEvents are events for chainRules, no two at one time. Some come twice.
func timedEvents(rng *rand.Rand, n int) (list []arrival) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		at = at.Add(time.Duration(1+rng.IntN(1500)) * time.Millisecond)
		if i%250 == 249 {
			at = at.Add(25 * time.Minute) // users fall silent
		}
		user, ip, stamp := rng.IntN(12), rng.IntN(5), at.Format(time.RFC3339Nano)
		line := fmt.Sprintf(`{"type":"Login","user":"u%d","ip":"10.0.0.%d","ok":%t,"at":%q,"id":"e%d"}`, user, ip, rng.IntN(3) > 0, stamp, i)
		if rng.IntN(3) == 0 {
			line = fmt.Sprintf(`{"type":"Pay","user":"u%d","ip":"10.0.0.%d","amount":"%d.00 USD","at":%q,"id":"e%d"}`, user, ip, rng.IntN(300), stamp, i)
		}
		for range 1 + rng.IntN(10)/9 {
			list = append(list, arrival{at, line})
		}
	}
	return list
}

// shuffled is another order of arrival in which no event is later than its type
// allows: each is held up for less than that.
func shuffled(rng *rand.Rand, list []arrival) []arrival {
	type held struct {
		arrival
		until time.Time
	}
	all := make([]held, len(list))
	for i, a := range list {
		all[i] = held{a, a.at.Add(time.Duration(rng.IntN(1990)) * time.Millisecond)}
	}
	slices.SortStableFunc(all, func(a, b held) int { return a.until.Compare(b.until) })
	out := make([]arrival, len(all))
	for i := range all {
		out[i] = all[i].arrival
	}
	return out
}

// variant is one way to take the same events in.
type variant struct {
	shuffle bool
	shards  int
	chunk   int // events at most
	breaks  int // a checkpoint or a restart every so many chunks, about; 0: none
}

// alertsOf takes events in and returns the alerts without their numbers, sorted.
func (v variant) alertsOf(t *testing.T, rng *rand.Rand, list []arrival) []string {
	t.Helper()
	ctx := context.Background()
	if v.shuffle {
		list = shuffled(rng, list)
	}
	h := &host{t: t, fs: vfs.NewMem(), cfg: RuntimeConfig{Shards: v.shards}}
	h.open()
	if _, err := h.r.Deploy(ctx, RuleText("chain.cep", chainRules), Keep); err != nil {
		t.Fatal(err)
	}
	for len(list) > 0 {
		n := min(1+rng.IntN(v.chunk), len(list))
		var b bytes.Buffer
		for _, a := range list[:n] {
			b.WriteString(a.line + "\n")
		}
		h.ingest(b.Bytes())
		list = list[n:]
		if v.breaks == 0 || rng.IntN(v.breaks) > 0 {
			continue
		}
		if rng.IntN(2) == 0 {
			if _, err := h.r.Checkpoint(ctx); err != nil {
				t.Fatal(err)
			}
			continue
		}
		h.close()
		h.open()
		if m := h.r.recovery.Missing; m != 0 {
			t.Fatalf("%d alerts are missing after a restart", m)
		}
	}
	if err := h.r.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	st, err := h.r.Stats(ctx)
	if err != nil || st.Engine.Late != 0 {
		t.Fatalf("%d events are late, %v", st.Engine.Late, err)
	}
	var out []string
	for line := range strings.Lines(h.all()) {
		out = append(out, unnumbered(t, line))
	}
	h.close()
	slices.Sort(out)
	return out
}

// unnumbered is an alert's line without its number.
func unnumbered(t *testing.T, line string) string {
	t.Helper()
	var a map[string]any
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		t.Fatal(err)
	}
	delete(a, "seq")
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestMetamorphic: the order of arrival within the lateness, the number of
// shards, the size of what comes at once, and checkpoints and restarts in
// between change no alert.
func TestMetamorphic(t *testing.T) {
	for ran := 0; ran < *variants; {
		seed := uint64(ran + 1)
		list := timedEvents(rand.New(rand.NewPCG(seed, 11)), 800)
		want := variant{shards: 1, chunk: 100}.alertsOf(t, rand.New(rand.NewPCG(seed, 12)), list)
		kinds := map[string]int{}
		for _, line := range want {
			for _, rule := range []string{"takeover", "spree", "quiet"} {
				if strings.Contains(line, `"rule":"`+rule+`"`) {
					kinds[rule]++
				}
			}
		}
		if len(kinds) != 3 {
			t.Fatalf("seed %d: the alerts are %v", seed, kinds)
		}
		rng := rand.New(rand.NewPCG(seed, 13))
		for range 12 {
			v := variant{shuffle: rng.IntN(4) > 0, shards: 1 + rng.IntN(4), chunk: []int{1, 7, 60, 500}[rng.IntN(4)]}
			if rng.IntN(3) > 0 {
				v.breaks = max(2, 60/v.chunk)
			}
			got := v.alertsOf(t, rng, list)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, %+v: %d alerts, not %d\n%s", seed, v, len(got), len(want), difference(got, want))
			}
			ran++
		}
	}
}

// difference is the first alert that one list has and the other has not.
func difference(got, want []string) string {
	for _, line := range want {
		if !slices.Contains(got, line) {
			return "missing: " + line
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			return "too much: " + line
		}
	}
	return "one is there twice"
}
