package server

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/weir-cep/weir/alerts"
	"github.com/weir-cep/weir/alerts/feed"
	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// full has a value in every field that is shown.
func full(partitions int) engine.RuntimeStats {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	st := engine.RuntimeStats{At: now, Started: now.Add(-time.Hour), Interval: 5 * time.Second, KeyCount: 3, StateBytes: 1, StateLimit: 2, DiskBytes: 7, Head: 5, Restarts: 1,
		Rules:    []engine.RuleStats{{Name: "r", Matches: 3, Alerts: 2, Suppressed: 1, Bytes: 1000}},
		Statuses: map[string]string{"r": "live"},
		Alerts:   []engine.AlertStats{{Rule: "r", Severity: cep.High, Status: "live", Count: 2}},
		Queue:    engine.QueueStats{Entries: 1, Used: 3, Limit: 4, Waited: 7 * time.Second},
		Journal:  journal.Stats{Records: 1, Stored: 2, First: 3, End: 4, FirstTime: now.UnixNano(), Segments: 6, Bytes: 7},
		Checkpoint: engine.Checkpoint{Position: 4, At: now.UnixNano(), Took: time.Second, Pause: 2 * time.Millisecond,
			Bytes: 6, Pages: 5},
		Recovery: engine.Recovery{Took: time.Second, Records: 2, Reproduced: 3},
		Lookups:  []lookup.Stats{{Name: "bad_cards", From: "file", Origin: "cards.txt", Rows: 3, Fetched: now.Add(-time.Minute), Errors: 2}}}
	lag := engine.TypeLag{Type: &cep.Schema{Name: "Auth"}}
	lag.Late, lag.Longest, lag.Counts[30] = 1, int64(1500*time.Millisecond), 4
	st.Engine.Lags = []engine.TypeLag{lag}
	st.Engine.Duplicates, st.Engine.Ahead, st.Engine.Memory.Dedupe = 8, 9, 4
	g := engine.GroupStats{Watermark: now.Add(-5 * time.Second).UnixNano(), Waiting: 6}
	g.Sources, g.Rules = []string{"txns"}, []string{"r"}
	st.Groups = []engine.GroupStats{g}
	src := engine.SourceStats{Name: "txns", Kind: "kafka", Late: 1, Skipped: 2, Errors: 1, Rejected: map[string]uint64{"bad_json": 2}}
	for i := range partitions {
		p := engine.PartitionStats{Label: "eu", Records: 1, Lag: 2, Arrived: now}
		p.Partition, p.Rows, p.Greatest, p.Watermark, p.Holds = uint32(i), 1, now.UnixNano(), now.UnixNano()-int64(i), true
		src.Partitions = append(src.Partitions, p)
	}
	st.Sources = []engine.SourceStats{src}
	return st
}

var sinkStats = sink.Stats{Sink: "out", Kind: "kafka", Cursor: 3, Lag: 2, Sent: 4, Batches: 2, Retries: 3, Refused: 1,
	Err: "connection refused", Failing: time.Date(2026, 1, 31, 11, 59, 0, 0, time.UTC), Oldest: time.Date(2026, 1, 31, 11, 59, 30, 0, time.UTC)}

func TestMetrics(t *testing.T) {
	rt := &fakeRuntime{stats: full(2), rules: engine.RuleText("r.cep", "event E { time at  at: timestamp }\n")}
	f := NewFigures()
	log := newLog(t)
	if _, err := log.Silence(alerts.Silence{Rule: "r", Reason: "x", By: "jd", Ends: time.Now().Add(time.Hour).UnixNano()}); err != nil {
		t.Fatal(err)
	}
	found(t, log, "r", cep.High)
	live := feed.New(log, feed.Limits{}, nil)
	t.Cleanup(live.Close)
	session, err := live.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	s := New(Config{Runtime: rt, Alerts: log, Feed: live, Webhooks: &fakeWebhooks{}, Figures: f, Build: Build{"v1", "abc", "go1"},
		Operator: Operator{Sinks: func() []sink.Stats { return []sink.Stats{sinkStats} }, Reload: func() Reload { return Reload{At: 1e9} }, Disk: func() (int64, bool) { return 5 << 30, true }}})
	f.Synced(3*time.Millisecond, 1, 1)
	f.Saved(engine.Checkpoint{Took: 60 * time.Millisecond, Pause: time.Millisecond})
	f.Found(time.Now().Add(-2*time.Second).UnixNano(), []*cep.Alert{{At: time.Now().Add(-7 * time.Second).UnixNano(), Rule: "r"}, {At: time.Now().Add(time.Hour).UnixNano()}})
	ask(t, s.Handler(), "GET", "/livez", "")
	problems, err := testutil.GatherAndLint(s.metrics.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	got := expect(t, ask(t, s.Handler(), "GET", "/metrics", ""), 200)
	for _, want := range []string{
		`weir_source_events_total{partition="1",source="txns"} 1`, `weir_source_lag_events{partition="0",source="txns"} 2`,
		`weir_source_errors_total{reason="read",source="txns"} 1`, `weir_events_rejected_total{reason="bad_json",source="txns"} 2`,
		`weir_events_late_total{source="txns"} 1`, `weir_watermark_delay_seconds{source="txns"} 5`, `weir_partition_idle{partition="0",source="txns"} 0`,
		`weir_watermark_timestamp_seconds{partition="0",source="txns"} 1.7698608e+09`,
		`weir_rule_matches_total{rule="r"} 3`, `weir_alerts_total{rule="r",severity="high",state="live"} 2`, `weir_keys_active 3`,
		`weir_alerts_suppressed_total{reason="dedup"} 1`, `weir_backpressure_seconds_total{stage="intake"} 7`,
		`weir_checkpoint_duration_seconds_bucket{le="0.1"} 1`, `weir_checkpoint_last_success_timestamp_seconds 1.7698608e+09`,
		`weir_journal_sync_duration_seconds_count 1`, `weir_event_to_alert_seconds_count{since="event"} 2`, `weir_event_to_alert_seconds_bucket{since="event",le="5"} 1`,
		`weir_event_to_alert_seconds_bucket{since="arrival",le="1"} 0`,
		`weir_state_bytes 1`, `weir_state_disk_free_bytes 5.36870912e+09`, `weir_waiting_rows 6`, `weir_rules{status="live"} 1`,
		`weir_build_info{commit="abc",goversion="go1",version="v1"} 1`, `weir_config_last_reload_successful 1`, `weir_lookup_age_seconds{name="bad_cards"} 60`,
		`weir_delivery_attempts_total{endpoint="out",outcome="failed"} 3`, `weir_delivery_queue_depth{endpoint="out"} 2`, `weir_delivery_oldest_seconds{endpoint="out"} 30`,
		`weir_delivery_attempts_total{endpoint="cases",outcome="failed"} 4`, `weir_delivery_attempts_total{endpoint="cases",outcome="taken"} 9`, `weir_delivery_queue_depth{endpoint="cases"} 5`,
		`weir_delivery_dead_total{endpoint="cases"} 6`, `weir_delivery_disabled{endpoint="cases"} 1`, `weir_delivery_oldest_seconds{endpoint="cases"} 10`, `weir_delivery_dropped_total{endpoint="cases"} 8`, `weir_delivery_summaries_total{endpoint="cases"} 1`,
		`weir_stream_clients 1`, `weir_stream_frames_total 0`, `weir_stream_gaps_total 0`, `weir_alerts_suppressed_total{reason="silence"} 1`, `weir_alerts_silences 1`,
		`weir_alert_log_stalled 0`, `weir_recovery_alerts_missing 0`, `weir_healthy{check="journal"} 1`, `weir_ready 1`, `weir_http_requests_total{code="200",route="/livez"} 1`,
		"go_goroutines", "process_start_time_seconds",
	} {
		if !strings.Contains(got, want+"\n") && !strings.Contains(got, want+" ") {
			t.Errorf("%q is missing", want)
		}
	}
	for _, f := range families {
		if !strings.Contains(got, "# TYPE "+f.name+" ") {
			t.Errorf("%s has no value", f.name)
		}
	}
	rt.trouble = errors.New("no disk")
	rt.stats.Trouble = "no disk"
	got = expect(t, ask(t, s.Handler(), "GET", "/metrics", ""), 200, "weir_ready 0", `weir_healthy{check="state"} 0`)
	if strings.Contains(got, "weir_source_events_total{") {
		t.Error("figures are shown that nobody knows")
	}
}

// Nothing that events or clients bring makes series.
func TestCardinality(t *testing.T) {
	series := func(rt *fakeRuntime, requests int) int {
		s := New(Config{Runtime: rt, Alerts: newLog(t)})
		for i := range requests {
			ask(t, s.Handler(), "GET", fmt.Sprintf("/api/v1/alerts?key=%d", i), "")
			ask(t, s.Handler(), "GET", fmt.Sprintf("/path/%d", i), "")
			ask(t, s.Handler(), "POST", fmt.Sprintf("/api/v1/events?source=s%d", i), "{}")
		}
		n, err := testutil.GatherAndCount(s.metrics.registry)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	few := &fakeRuntime{stats: full(maxPartitions + 1)}
	many := &fakeRuntime{stats: full(4096)}
	many.stats.KeyCount, many.stats.Head = 1e6, 1e6
	if a, b := series(few, 1), series(many, 200); a != b {
		t.Errorf("%d series became %d", a, b)
	}
}

// Every metric that the pages name is there.
func TestDocumentedMetrics(t *testing.T) {
	rt := &fakeRuntime{stats: full(1), rules: engine.RuleText("r.cep", "event E { time at  at: timestamp }\n")}
	log := newLog(t)
	live := feed.New(log, feed.Limits{}, nil)
	t.Cleanup(live.Close)
	s := New(Config{Runtime: rt, Alerts: log, Feed: live, Webhooks: &fakeWebhooks{}, Operator: Operator{Sinks: func() []sink.Stats { return []sink.Stats{sinkStats} }, Disk: func() (int64, bool) { return 1, true }}})
	got := expect(t, ask(t, s.Handler(), "GET", "/metrics", ""), 200)
	page, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`(weir_[a-z_]+)").FindAllStringSubmatch(string(page), -1)
	if len(names) < 15 {
		t.Errorf("only %d metrics are named", len(names))
	}
	for _, m := range names {
		if m[1] != "weir_" && !strings.Contains(got, "# TYPE "+m[1]+" ") {
			t.Errorf("there is no metric %s", m[1])
		}
	}
}
