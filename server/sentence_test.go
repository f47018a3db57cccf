package server

import (
	"testing"
	"time"
)

func TestSentence(t *testing.T) {
	at := func(clock string) int64 {
		v, err := time.Parse(time.TimeOnly, clock)
		if err != nil {
			t.Fatal(err)
		}
		return time.Date(2026, 1, 31, v.Hour(), v.Minute(), v.Second(), 0, time.UTC).UnixNano()
	}
	well := func() *Stats {
		return &Stats{Now: at("10:06:12"), Started: at("09:00:00"), Deploy: DeployStats{ReloadOK: true}, State: StateStats{Dir: "weir-data"},
			Rules: []RuleStats{{Name: "a", Waits: []string{"txns"}, Bytes: 3 << 30, Keys: 1 << 20}, {Name: "b", Waits: []string{"txns", "x"}}, {Name: "c", Waits: []string{"txns"}}, {Name: "d"}},
			Sources: []SourceStats{{Name: "txns", Watermark: at("10:06:06"), Delay: 6 * 1e9, Partitions: []PartitionStats{
				{Number: 1, Seen: at("10:06:12")}, {Number: 2, Seen: at("10:06:11"), Holds: true}}}}}
	}
	for _, c := range []struct {
		name   string
		change func(*Stats)
		want   string
	}{
		{"well", func(*Stats) {}, "Everything is flowing: 4 rules, 1 source, watermark 6s behind."},
		{"held", func(st *Stats) {
			st.Sources[0].Partitions[1].Seen, st.Sources[0].Watermark = at("10:02:00"), at("10:02:00")
		}, "Alerts of 3 rules wait: partition 2 of source txns has had no event for 4m12s and holds the watermark at 10:02:00Z."},
		{"held from the start", func(st *Stats) {
			st.Sources[0].Partitions[1] = PartitionStats{Number: 2, Name: "eu", Holds: true}
			st.Sources[0].Watermark = 0
		}, "Alerts of 3 rules wait: partition 2 (eu) of source txns has had no event yet and holds the watermark."},
		{"idle holds nothing", func(st *Stats) {
			st.Sources[0].Partitions[1].Seen, st.Sources[0].Partitions[1].Idle = at("10:02:00"), true
		}, "Everything is flowing: 4 rules, 1 source, watermark 6s behind."},
		{"stalled", func(st *Stats) {
			st.Journal.Stalled, st.Journal.StalledSince = "no space left on device", at("10:06:00")
		},
			"Nothing has been taken in for 12s: the journal can't be written (no space left on device); make room on the disk of weir-data, and Weir goes on by itself."},
		{"not reproduced", func(st *Stats) { st.Recover.Missing = 1 },
			"1 alert of the log did not come again when the journal was replayed at the start: please report this, with the state directory."},
		{"down", func(st *Stats) {
			st.Sources[0].Error, st.Sources[0].Retry = "connection refused", at("10:06:42")
			st.Sources = append(st.Sources, SourceStats{Name: "x", Error: "no"})
		}, "Source txns does not run (connection refused), and so do not x; the next try is in 30s."},
		{"full", func(st *Stats) { st.State.Limit, st.State.Bytes = 3<<30, 3<<30 },
			"Events are taken in slowly or refused: the state is 3072 MiB, its limit 3072 MiB; rule a holds 3072 MiB, 3072 bytes a key; raise --state-limit, or shorten the rule's windows."},
		{"behind", func(st *Stats) { st.Queue.Bytes, st.Queue.BytesMax = 20<<20, 20<<20 },
			"Events come faster than the rules work them off: 20 MiB wait, and the sources are held back."},
		{"reload", func(st *Stats) {
			st.Deploy.ReloadOK, st.Deploy.ReloadAt, st.Deploy.ReloadText = false, 1, "a.cep:3: E105: no such field"
		},
			"The rule files were changed and are not in force, because a.cep:3: E105: no such field; those from before run on."},
		{"checkpoint", func(st *Stats) { st.State.Checkpoint.Error = "read-only file system" },
			"The last checkpoint failed (read-only file system); nothing is lost, but a restart takes longer."},
		{"another check", func(st *Stats) { st.Health.Checks = []Check{{Name: "disk", Text: "3 MiB left."}} }, "disk: 3 MiB left."},
	} {
		st := well()
		c.change(st)
		if got := Sentence(st); got != c.want {
			t.Errorf("%s:\n%s\nnot\n%s", c.name, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{"0s": -1, "5.2s": 5234 * time.Millisecond, "4m12s": 252 * time.Second, "4m10s": 250 * time.Second,
		"4m": 4 * time.Minute, "1h": time.Hour, "1h10m": 70 * time.Minute, "3d4h": 76*time.Hour + time.Minute, "10s": 10 * time.Second} {
		if got := span(int64(d)); got != want {
			t.Errorf("%v is %s, not %s", d, got, want)
		}
	}
}
