//go:build unix

package app

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	killCount = flag.Int("kill.count", 12, "times that a server under load is killed")
	killSeed  = flag.Uint64("kill.seed", 0, "seed of TestKilledServer; 0: another one each time")
)

// TestKilledServer: a server that takes in events over HTTP and from Kafka, all
// the time, and is killed again and again, also while it recovers, ends with
// the alerts that weir run finds in the same events, each under one number, and
// has every event that it acknowledged.
//
// The comparison is sound since no two events have the same time, none is late,
// and an alert's id is made from the ids of its events: what is found does not
// depend on how the sources interleave.
func TestKilledServer(t *testing.T) {
	inFolder(t)
	seed := *killSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d (-kill.seed=%[1]d)", seed)
	l := newTraffic(t, seed)
	l.bus = sharedKafka(t)
	write(t, "r.cep", loadRules+l.sources())
	args := []string{"r.cep", "--checkpoint-interval", "200ms", "--shards", "2", "--log-level", "warn"}

	p := serve(t, "state", args...)
	l.begin(p)
	early, between := 0, 0
	var read int64
	var restarts time.Duration
	for range *killCount {
		p.after(time.Duration(rng.IntN(1200)) * time.Millisecond)
		p.stop(syscall.SIGKILL)
		acked := l.acked.Load()
		bury(l.bus)
		for rng.IntN(8) == 0 { // and once more while it recovers
			early++
			start(t, "state", args...).after(time.Duration(rng.IntN(300)) * time.Millisecond).stop(syscall.SIGKILL)
			bury(l.bus)
		}
		began := time.Now()
		p = serve(t, "state", args...)
		restarts += time.Since(began)
		l.turnTo(p)
		if missing := p.metric("weir_recovery_alerts_missing"); missing != "0" {
			t.Fatalf("%s alerts of the log were not found again\n%s", missing, p.errs)
		}
		c := p.counts()
		if c.posted-c.duplicates < acked {
			t.Fatalf("%d events were acknowledged before the kill; %d are there, %d of them twice", acked, c.posted, c.duplicates)
		}
		if c.read > read {
			between++
		}
		read = c.read
	}
	if l.bus != nil && 2*between < *killCount {
		t.Errorf("Kafka was read between %d of %d kills only", between, *killCount)
	}
	l.end()
	l.check(p)
	c := p.counts()
	t.Logf("%d kills and %d more while it recovered, %v a restart; %d events over HTTP, %d from Kafka (read between %d kills), %d came twice; %d alerts",
		*killCount, early, (restarts / time.Duration(max(1, *killCount))).Round(time.Millisecond), l.posted, l.produced, between, c.duplicates, l.alerts)
	if code := p.stop(syscall.SIGTERM); code != exitOK {
		t.Fatalf("exit code %d:\n%s", code, p.errs)
	}
	if code, out, errs := weir(t, "state", "verify", "state"); code != exitOK {
		t.Error(out, errs)
	}
}

func bury(b bus) {
	if b != nil {
		b.bury()
	}
}

// counts are events as the server counts them.
type counts struct{ posted, read, duplicates, late, rejected int64 }

func (p *process) counts() (c counts) {
	p.t.Helper()
	var pipeline struct {
		Sources []struct {
			Kind       string
			Late       int64
			Rejected   map[string]int64
			Partitions []struct{ Events int64 }
		}
	}
	// First the duplicates: what comes between the two questions is then counted
	// once too often, never too seldom.
	if _, err := fmt.Sscan(p.metric("weir_events_duplicate_total"), &c.duplicates); err != nil {
		p.t.Fatal(err)
	}
	p.get("/api/v1/pipeline", &pipeline)
	for _, s := range pipeline.Sources {
		for _, part := range s.Partitions {
			if s.Kind == "http" {
				c.posted += part.Events
			} else {
				c.read += part.Events
			}
		}
		c.late += s.Late
		for _, n := range s.Rejected {
			c.rejected += n
		}
	}
	return c
}

// after lets a process run on for a moment.
func (p *process) after(d time.Duration) *process {
	p.t.Helper()
	select {
	case code := <-p.exit:
		p.t.Fatalf("weir ended with %d:\n%s", code, p.errs)
	case <-time.After(d):
	}
	return p
}

// found is an alert without what may differ between two runs of the same
// events: its number and life, where its events came from, and the version of a rule
// whose list comes from elsewhere.
func found(a map[string]any) map[string]any {
	for name, v := range a {
		switch name {
		case "seq", "state", "logged", "source", "partition", "position", "version":
			delete(a, name)
			continue
		}
		strip(v)
	}
	return a
}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		found(v)
	case []any:
		for _, e := range v {
			strip(e)
		}
	}
}

// reference are the alerts that weir run finds in a file of events.
func reference(t *testing.T, rules, events string) map[string]string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "alerts")
	write(t, "same.cep", rules)
	if code, _, errs := weir(t, "run", "same.cep", "--events", events, "--out", out); code != exitOK {
		t.Fatal(errs)
	}
	want := map[string]string{}
	for line := range strings.Lines(read(t, out)) {
		id, text := readAlert(t, []byte(line))
		want[id] = text
	}
	return want
}
