package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// full has a value in every field that becomes a metric.
func full(partitions int) Stats {
	hist := func() Histogram { return Histogram{Bounds: []float64{.01, .1}, Counts: []uint64{1, 2, 3}, Sum: 4} }
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC).UnixNano()
	st := Stats{Now: now, Started: now - int64(time.Hour), Alerts: 5, EventToAlert: hist(), EventToAlertAge: hist(),
		Health:  Health{Checks: []Check{{Name: "state", OK: true, Text: "open"}}},
		Rules:   []RuleStats{{Name: "r", Status: "live", Matches: 3, Alerts: 2, Suppressed: 1, Keys: 10, Bytes: 1000}},
		Queue:   QueueStats{Records: 1, RecordsMax: 2, Bytes: 3, BytesMax: 4, Rows: 5, RowsMax: 6, Blocked: []StageSeconds{{"intake", 7e9}}, Refused: 8},
		Journal: JournalStats{Records: 1, Bytes: 2, First: 3, Last: 4, Oldest: now, Segments: 6, Disk: 7, Sync: hist()},
		State: StateStats{Dir: "weir-data", Bytes: 1, Limit: 2, Keys: 3, Parts: []PartBytes{{"keys", 4}}, DiskFree: 5,
			Checkpoint: CheckpointStats{Count: 1, Failed: 2, Last: now, Position: 4, Pages: 5, Bytes: 6, Duration: hist(), Pause: hist()}},
		Deploy:  DeployStats{Hash: "0123456789abcdef", At: now, ReloadOK: true, ReloadAt: now},
		Recover: RecoverStats{Took: 1e9, Records: 2, Reproduced: 3}}
	src := SourceStats{Name: "txns", Kind: "kafka", Watermark: now - 5e9, Delay: 5e9, Late: 1, Skipped: 2, Duplicates: 3, Ahead: 4,
		Errors: []ReasonCount{{"run", 1}}, Rejected: []ReasonCount{{"bad_json", 2}}}
	for i := range partitions {
		src.Partitions = append(src.Partitions, PartitionStats{Number: uint32(i), Events: 1, Lag: 2, Watermark: now - int64(i), Seen: now})
	}
	st.Sources = []SourceStats{src}
	return st
}

func TestMetrics(t *testing.T) {
	rt := &fakeRuntime{stats: full(2)}
	s := New(Config{Runtime: rt, Build: Build{"v1", "abc", "go1"}})
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
		`weir_source_errors_total{reason="run",source="txns"} 1`, `weir_events_rejected_total{reason="bad_json",source="txns"} 2`,
		`weir_events_late_total{source="txns"} 1`, `weir_watermark_delay_seconds{source="txns"} 5`, `weir_partition_idle{partition="0",source="txns"} 0`,
		`weir_watermark_timestamp_seconds{partition="0",source="txns"} 1.7698608e+09`,
		`weir_rule_matches_total{rule="r"} 3`, `weir_rule_alerts_total{rule="r",status="live"} 2`, `weir_alerts_total 5`, `weir_keys_active 10`,
		`weir_alerts_suppressed_total{reason="dedup"} 1`, `weir_backpressure_seconds_total{stage="intake"} 7`,
		`weir_checkpoint_duration_seconds_bucket{le="0.1"} 3`, `weir_checkpoint_duration_seconds_count 6`, `weir_checkpoint_last_success_timestamp_seconds 1.7698608e+09`,
		`weir_state_bytes 1`, `weir_state_disk_free_bytes 5`, `weir_event_to_alert_seconds_sum 4`,
		`weir_build_info{commit="abc",goversion="go1",version="v1"} 1`, `weir_config_last_reload_successful 1`, `weir_config_hash 1.250999896491e+12`,
		`weir_recovery_alerts_missing 0`, `weir_healthy{check="state"} 1`, `weir_http_requests_total{code="200",route="/livez"} 1`,
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
	many.stats.Rules[0].Keys, many.stats.State.Keys, many.stats.Alerts = 1e6, 1e6, 1e6
	if a, b := series(few, 1), series(many, 200); a != b {
		t.Errorf("%d series became %d", a, b)
	}
}
