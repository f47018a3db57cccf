package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-cep/weir/cep"
)

// clock is a test's time: a runtime's Now, and the ticker that it looks around
// by.
type clock struct {
	ns    atomic.Int64
	ticks chan time.Time
}

func newClock() *clock {
	c := &clock{ticks: make(chan time.Time)}
	c.ns.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time                   { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) every(time.Duration) ticker       { return c }
func (c *clock) C() <-chan time.Time              { return c.ticks }
func (c *clock) Stop()                            {}
func (c *clock) pass(d time.Duration)             { c.ns.Add(int64(d)); c.ticks <- c.now() }
func (c *clock) stamp(ahead time.Duration) string { return c.now().Add(ahead).Format(time.RFC3339Nano) }

const memoryRules = `
event Auth { card: string  amount: int  at: timestamp  time at late 1s }
rule probe "A card is probed" {
    by card
    pattern { a: Auth where amount < 5  then b: Auth where amount > 100 } within 10m
    alert { severity high  message "{card}" }
}
`

// auths are events of cards from, from+1, … to-1.
func auths(c *clock, from, to, amount int) []byte {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"type":"Auth","card":"card number %08d","amount":%d,"at":%q}`+"\n", i, amount, c.stamp(0))
	}
	return []byte(b.String())
}

var timesKeys = flag.Int("engine.keys", 3, "how many times the keys that fit into the memory limit come")

const memoryLimit = 4 << 20

// fullRuntime is one with a small limit, and what it has told.
func fullRuntime(t *testing.T) (*Runtime, *clock, func() int) {
	t.Helper()
	c := newClock()
	var alerts atomic.Int64
	r, err := Open(context.Background(), RuntimeConfig{StateLimit: memoryLimit, Now: c.now, every: c.every,
		Sink: SinkFunc(func(*cep.Alert) { alerts.Add(1) }), Limits: Limits{Evidence: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := r.Deploy(context.Background(), RuleText("memory.cep", memoryRules), Keep); err != nil {
		t.Fatal(err)
	}
	return r, c, func() int { return int(alerts.Load()) }
}

// statsOf returns a runtime's stats.
func statsOf(t *testing.T, r *Runtime) RuntimeStats {
	t.Helper()
	st, err := r.Stats(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// postUntil posts until it is taken or refused for good: full says that nothing
// is taken in any more.
func postUntil(t *testing.T, r *Runtime, lines []byte) (full string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		_, err := r.Ingest(context.Background(), "", lines)
		var busy *ErrBusy
		switch {
		case err == nil:
			return ""
		case !errors.As(err, &busy):
			t.Fatal(err)
		case busy.RetryAfter <= 0:
			t.Fatalf("%+v does not say when to come again", busy)
		case strings.HasPrefix(busy.Why, "The memory for matching is full"):
			return busy.Why
		case time.Now().After(end):
			t.Fatal(busy.Why)
		}
		time.Sleep(time.Millisecond) // between tries, as a client would
	}
}

const memoryBatch = 200

// TestMemoryLimit: ten times the keys that there is room for. What does not fit
// is refused with a sentence, what was taken is all worked off, and it goes on
// when wall time has freed keys.
func TestMemoryLimit(t *testing.T) {
	r, c, alerts := fullRuntime(t)
	sentence := regexp.MustCompile(`^The memory for matching is full: \d+ KiB of 4096 KiB, most of it for rule probe with \d+ keys of \d+ bytes each\. Shorten its windows, use fewer keys, or raise the limit\.$`)
	taken, refusals, most := 0, 0, int64(0)
	fits := 0
	for next := 0; fits == 0 || next < *timesKeys*fits; {
		c.ns.Add(int64(time.Millisecond))
		full := postUntil(t, r, auths(c, next, next+memoryBatch, 1))
		st := statsOf(t, r)
		most = max(most, st.StateBytes)
		if full == "" {
			next += memoryBatch
			taken += memoryBatch
			continue
		}
		refusals++
		if !sentence.MatchString(full) {
			t.Fatal(full)
		}
		if h := st.Health(); h.Ready || h.Sentence != st.Queue.Full || !sentence.MatchString(h.Sentence) {
			t.Fatalf("%+v", h)
		}
		if fits == 0 {
			fits = taken
		}
		for range 14 { // nobody gets in: the source is silent, and time passes
			c.pass(time.Minute)
		}
		deadline := time.Now().Add(2 * time.Minute)
		for st := statsOf(t, r); st.Queue.Full != ""; st = statsOf(t, r) {
			if time.Now().After(deadline) {
				t.Fatalf("time has passed and nothing became free: %d bytes, %d keys, %+v %+v", st.StateBytes, st.KeyCount, st.Engine.Memory, st.Rules)
			}
			c.ns.Add(int64(lookEvery))
			time.Sleep(time.Millisecond)
		}
	}
	if refusals < *timesKeys/2 || fits < 1000 {
		t.Errorf("%d refusals, %d keys fit", refusals, fits)
	}
	if most > memoryLimit*3/2 {
		t.Errorf("%d bytes of state, the limit is %d", most, memoryLimit)
	}
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	st := statsOf(t, r)
	if st.Engine.Events != uint64(taken) || st.Engine.Late != 0 || len(st.Sources[0].Rejected) != 0 {
		t.Errorf("%d events were taken: %+v %+v", taken, st.Engine, st.Sources)
	}
	if alerts() != 0 {
		t.Errorf("%d alerts of nothing", alerts())
	}
	t.Logf("%d keys fit into %d KiB; %d were taken with %d pauses, at most %d KiB", fits, memoryLimit>>10, taken, refusals, most>>10)
}

// TestMemoryLimitLosesNothing: what was taken in before it became tight makes
// its alerts while it is tight, record by record.
func TestMemoryLimitLosesNothing(t *testing.T) {
	r, c, alerts := fullRuntime(t)
	next := 0
	slow := func() bool {
		n := r.node.Load()
		n.room.mu.Lock()
		defer n.room.mu.Unlock()
		return n.room.slow
	}
	for !slow() {
		if full := postUntil(t, r, auths(c, next, next+memoryBatch, 1)); full != "" {
			t.Fatalf("full before slow: %s", full)
		}
		next += memoryBatch
		c.ns.Add(int64(2 * time.Second)) // beyond the lateness, far below the window
		c.ns.Add(-int64(2*time.Second - 20*time.Millisecond))
		if next > 1<<20 {
			t.Fatal("it never gets tight")
		}
	}
	for from := 0; from < next; from += 4 * memoryBatch {
		c.ns.Add(int64(time.Millisecond))
		if full := postUntil(t, r, auths(c, from, min(from+4*memoryBatch, next), 500)); full != "" {
			t.Fatal(full)
		}
	}
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if alerts() != next {
		t.Errorf("%d alerts of %d cards", alerts(), next)
	}
}

// TestMemoryIsFreedByTrickledEvents: what is let in while it is tight moves the
// time on, and that makes room.
func TestMemoryIsFreedByTrickledEvents(t *testing.T) {
	r, c, _ := fullRuntime(t)
	tight := ""
	for next := 0; tight == ""; next += memoryBatch {
		_, err := r.Ingest(context.Background(), "", auths(c, next, next+memoryBatch, 1))
		var busy *ErrBusy
		switch {
		case errors.As(err, &busy):
			tight = busy.Why
		case err != nil:
			t.Fatal(err)
		}
		c.ns.Add(int64(20 * time.Millisecond))
	}
	if !strings.HasPrefix(tight, "the memory for matching is full: events are taken in slowly") {
		t.Fatal(tight)
	}
	c.ns.Add(int64(20 * time.Minute))
	if full := postUntil(t, r, auths(c, 0, 1, 1)); full != "" {
		t.Fatal(full)
	}
	deadline := time.Now().Add(30 * time.Second)
	for st := statsOf(t, r); st.StateBytes > memoryLimit/2 || st.KeyCount > 1; st = statsOf(t, r) {
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes of %d keys stay", st.StateBytes, st.KeyCount)
		}
		c.ns.Add(int64(lookEvery))
		if full := postUntil(t, r, auths(c, 0, 1, 1)); full != "" {
			t.Fatal(full)
		}
	}
}
