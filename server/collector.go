package server

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// maxPartitions is how many partitions of a source have series of their own;
// those behind are one together, called "other".
const maxPartitions = 256

// collector turns Stats into metrics. Its labels are names of rule files
// (sources, rules) and words of this program; never a key or a value.
type collector struct {
	rt   Runtime
	desc map[string]*prometheus.Desc
	all  []*prometheus.Desc
}

// families are the runtime's metrics.
var families = []struct {
	name, help string
	labels     []string
}{
	{"weir_source_events_total", "Events that a source brought, rejected records not counted.", []string{"source", "partition"}},
	{"weir_source_lag_events", "Records that wait at the source.", []string{"source", "partition"}},
	{"weir_source_errors_total", "Failures of a source, after each of which it is tried again.", []string{"source", "reason"}},
	{"weir_source_up", "Whether a source runs.", []string{"source"}},
	{"weir_events_late_total", "Events that came behind the watermark.", []string{"source"}},
	{"weir_events_rejected_total", "Records that did not become events.", []string{"source", "reason"}},
	{"weir_events_skipped_total", "Records of types that no rule names.", []string{"source"}},
	{"weir_events_duplicate_total", "Events that had come before.", []string{"source"}},
	{"weir_events_ahead_total", "Events that lay too far ahead of their arrival.", []string{"source"}},
	{"weir_watermark_timestamp_seconds", "Event time up to which everything has come.", []string{"source", "partition"}},
	{"weir_watermark_delay_seconds", "How far the watermark that a source's rules wait for is behind the clock.", []string{"source"}},
	{"weir_partition_idle", "Whether a partition is not waited for.", []string{"source", "partition"}},
	{"weir_rule_matches_total", "Matches, suppressed ones included.", []string{"rule"}},
	{"weir_rule_alerts_total", "Alerts of a rule.", []string{"rule", "status"}},
	{"weir_rule_key_missing_total", "Events left out because a part of a rule's key is missing.", []string{"rule"}},
	{"weir_rule_eval_errors_total", "Conditions and values that could not be computed.", []string{"rule"}},
	{"weir_rule_runs_capped_total", "Open starts dropped at the limit per key.", []string{"rule"}},
	{"weir_rule_tests_skipped_total", "Tests left out because an event's budget was spent.", []string{"rule"}},
	{"weir_rule_keys", "Keys that a rule remembers something of.", []string{"rule"}},
	{"weir_rule_state_bytes", "Memory of a rule's state.", []string{"rule"}},
	{"weir_alerts_suppressed_total", "Matches that raised no alert of their own.", []string{"reason"}},
	{"weir_alerts_total", "Alerts appended to the log.", nil},
	{"weir_keys_active", "Keys with state, summed over the rules.", nil},
	{"weir_queue_records", "Records of the journal that wait for the rules.", nil},
	{"weir_queue_bytes", "Bytes that wait for the rules.", nil},
	{"weir_queue_limit_bytes", "Bytes that may wait before the sources are held back.", nil},
	{"weir_waiting_rows", "Events that wait for the watermark.", nil},
	{"weir_waiting_limit_rows", "Events that may wait for the watermark.", nil},
	{"weir_backpressure_seconds_total", "Time that a stage waited for the one behind it.", []string{"stage"}},
	{"weir_requests_refused_total", "Requests with events that were answered with busy.", nil},
	{"weir_journal_records_total", "Records written to the journal.", nil},
	{"weir_journal_written_bytes_total", "Bytes written to the journal.", nil},
	{"weir_journal_bytes", "Bytes that the journal holds.", nil},
	{"weir_journal_segments", "Files of the journal.", nil},
	{"weir_journal_stalled", "Whether the journal can't be written.", nil},
	{"weir_journal_oldest_timestamp_seconds", "Arrival of the oldest record of the journal.", nil},
	{"weir_journal_sync_duration_seconds", "Time of a group commit of the journal.", nil},
	{"weir_state_bytes", "Memory of all that the rules remember.", nil},
	{"weir_state_limit_bytes", "Memory that it may take; 0: no limit.", nil},
	{"weir_state_part_bytes", "Memory of a part of the state.", []string{"part"}},
	{"weir_state_disk_free_bytes", "Room on the disk of the state directory.", nil},
	{"weir_checkpoint_duration_seconds", "Time until a checkpoint was on disk.", nil},
	{"weir_checkpoint_pause_seconds", "Time that the rules stood still for a checkpoint.", nil},
	{"weir_checkpoints_total", "Checkpoints.", nil},
	{"weir_checkpoint_failures_total", "Checkpoints that failed.", nil},
	{"weir_checkpoint_last_success_timestamp_seconds", "When the last checkpoint was complete.", nil},
	{"weir_checkpoint_bytes", "Bytes of the last checkpoint.", nil},
	{"weir_checkpoint_position", "Position in the journal of the last checkpoint.", nil},
	{"weir_event_to_alert_seconds", "Time from the arrival of the event that completed an alert to the alert's place in the log.", nil},
	{"weir_event_time_to_alert_seconds", "Time from the time of that event, as it says itself, to the alert's place in the log.", nil},
	{"weir_config_last_reload_successful", "Whether the last change of the rule files is in force.", nil},
	{"weir_config_last_reload_timestamp_seconds", "When the rule files were last taken up.", nil},
	{"weir_config_hash", "The first 48 bits of the hash of the rule files in force.", nil},
	{"weir_recovery_duration_seconds", "Time of the start's recovery.", nil},
	{"weir_recovery_records", "Records of the journal that were worked off again at the start.", nil},
	{"weir_recovery_alerts_reproduced", "Alerts of the log that came again at the start.", nil},
	{"weir_recovery_alerts_missing", "Alerts of the log that did not come again at the start: 0, or something is broken.", nil},
	{"weir_healthy", "Whether a check of readiness is passed.", []string{"check"}},
	{"weir_start_timestamp_seconds", "When the server started.", nil},
}

func newCollector(rt Runtime) *collector {
	c := &collector{rt: rt, desc: map[string]*prometheus.Desc{}}
	for _, f := range families {
		d := prometheus.NewDesc(f.name, f.help, f.labels, nil)
		c.desc[f.name], c.all = d, append(c.all, d)
	}
	return c
}

// Describe is the registry's.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.all {
		ch <- d
	}
}

// Collect is the registry's.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	st := c.rt.Stats()
	o := output{c, ch}
	for i := range st.Sources {
		o.source(&st.Sources[i])
	}
	o.rules(st)
	o.queue(&st.Queue)
	o.journal(&st.Journal)
	o.state(&st.State)
	o.process(st)
}

// output sends metrics by name.
type output struct {
	c  *collector
	ch chan<- prometheus.Metric
}

func (o output) gauge(name string, v float64, labels ...string) {
	o.ch <- prometheus.MustNewConstMetric(o.c.desc[name], prometheus.GaugeValue, v, labels...)
}

func (o output) count(name string, v uint64, labels ...string) {
	o.ch <- prometheus.MustNewConstMetric(o.c.desc[name], prometheus.CounterValue, float64(v), labels...)
}

// time sends a time, unless there is none.
func (o output) time(name string, ns int64, labels ...string) {
	if ns != 0 {
		o.gauge(name, float64(ns)/1e9, labels...)
	}
}

func (o output) flag(name string, is bool, labels ...string) {
	v := 0.0
	if is {
		v = 1
	}
	o.gauge(name, v, labels...)
}

func (o output) histogram(name string, h *Histogram) {
	buckets, n := make(map[float64]uint64, len(h.Bounds)), uint64(0)
	for i, bound := range h.Bounds {
		if i < len(h.Counts) {
			n += h.Counts[i]
		}
		buckets[bound] = n
	}
	o.ch <- prometheus.MustNewConstHistogram(o.c.desc[name], h.Total(), h.Sum, buckets)
}

func (o output) source(s *SourceStats) {
	o.flag("weir_source_up", s.Error == "", s.Name)
	for _, e := range s.Errors {
		o.count("weir_source_errors_total", e.Count, s.Name, e.Reason)
	}
	for _, r := range s.Rejected {
		o.count("weir_events_rejected_total", r.Count, s.Name, r.Reason)
	}
	o.count("weir_events_late_total", s.Late, s.Name)
	o.count("weir_events_skipped_total", s.Skipped, s.Name)
	o.count("weir_events_duplicate_total", s.Duplicates, s.Name)
	o.count("weir_events_ahead_total", s.Ahead, s.Name)
	if s.Watermark != 0 {
		o.gauge("weir_watermark_delay_seconds", float64(s.Delay)/1e9, s.Name)
	}
	for i := range s.Partitions[:min(len(s.Partitions), maxPartitions)] {
		p := &s.Partitions[i]
		o.partition(s.Name, strconv.FormatUint(uint64(p.Number), 10), p)
	}
	if len(s.Partitions) > maxPartitions {
		o.partition(s.Name, "other", together(s.Partitions[maxPartitions:]))
	}
}

func (o output) partition(source, name string, p *PartitionStats) {
	o.count("weir_source_events_total", p.Events, source, name)
	if p.Lag >= 0 {
		o.gauge("weir_source_lag_events", float64(p.Lag), source, name)
	}
	o.time("weir_watermark_timestamp_seconds", p.Watermark, source, name)
	o.flag("weir_partition_idle", p.Idle, source, name)
}

// together sums partitions: the lag that is known, the least watermark, idle if
// all are.
func together(ps []PartitionStats) *PartitionStats {
	sum := PartitionStats{Lag: -1, Idle: true}
	for i := range ps {
		p := &ps[i]
		sum.Events += p.Events
		if p.Lag >= 0 {
			sum.Lag = max(sum.Lag, 0) + p.Lag
		}
		if sum.Watermark == 0 || p.Watermark != 0 && p.Watermark < sum.Watermark {
			sum.Watermark = p.Watermark
		}
		sum.Idle = sum.Idle && p.Idle
	}
	return &sum
}

func (o output) rules(st *Stats) {
	var suppressed uint64
	keys := 0
	for i := range st.Rules {
		r := &st.Rules[i]
		o.count("weir_rule_matches_total", r.Matches, r.Name)
		o.count("weir_rule_alerts_total", r.Alerts, r.Name, r.Status)
		o.count("weir_rule_key_missing_total", r.KeyMissing, r.Name)
		o.count("weir_rule_eval_errors_total", r.EvalErrors, r.Name)
		o.count("weir_rule_runs_capped_total", r.Capped, r.Name)
		o.count("weir_rule_tests_skipped_total", r.Budget, r.Name)
		o.gauge("weir_rule_keys", float64(r.Keys), r.Name)
		o.gauge("weir_rule_state_bytes", float64(r.Bytes), r.Name)
		suppressed += r.Suppressed
		keys += r.Keys
	}
	o.count("weir_alerts_suppressed_total", suppressed, "dedup")
	o.count("weir_alerts_total", st.Alerts)
	o.gauge("weir_keys_active", float64(max(st.State.Keys, keys)))
}

func (o output) queue(q *QueueStats) {
	o.gauge("weir_queue_records", float64(q.Records))
	o.gauge("weir_queue_bytes", float64(q.Bytes))
	o.gauge("weir_queue_limit_bytes", float64(q.BytesMax))
	o.gauge("weir_waiting_rows", float64(q.Rows))
	o.gauge("weir_waiting_limit_rows", float64(q.RowsMax))
	o.count("weir_requests_refused_total", q.Refused)
	for _, b := range q.Blocked {
		o.ch <- prometheus.MustNewConstMetric(o.c.desc["weir_backpressure_seconds_total"], prometheus.CounterValue, float64(b.Nanos)/1e9, b.Stage)
	}
}

func (o output) journal(j *JournalStats) {
	o.count("weir_journal_records_total", j.Records)
	o.count("weir_journal_written_bytes_total", j.Bytes)
	o.gauge("weir_journal_bytes", float64(j.Disk))
	o.gauge("weir_journal_segments", float64(j.Segments))
	o.flag("weir_journal_stalled", j.Stalled != "")
	o.time("weir_journal_oldest_timestamp_seconds", j.Oldest)
	o.histogram("weir_journal_sync_duration_seconds", &j.Sync)
}

func (o output) state(s *StateStats) {
	o.gauge("weir_state_bytes", float64(s.Bytes))
	o.gauge("weir_state_limit_bytes", float64(s.Limit))
	for _, p := range s.Parts {
		o.gauge("weir_state_part_bytes", float64(p.Bytes), p.Part)
	}
	if s.DiskFree >= 0 {
		o.gauge("weir_state_disk_free_bytes", float64(s.DiskFree))
	}
	c := &s.Checkpoint
	o.count("weir_checkpoints_total", c.Count)
	o.count("weir_checkpoint_failures_total", c.Failed)
	o.time("weir_checkpoint_last_success_timestamp_seconds", c.Last)
	o.gauge("weir_checkpoint_bytes", float64(c.Bytes))
	o.gauge("weir_checkpoint_position", float64(c.Position))
	o.histogram("weir_checkpoint_duration_seconds", &c.Duration)
	o.histogram("weir_checkpoint_pause_seconds", &c.Pause)
}

func (o output) process(st *Stats) {
	o.histogram("weir_event_to_alert_seconds", &st.EventToAlert)
	o.histogram("weir_event_time_to_alert_seconds", &st.EventToAlertAge)
	o.flag("weir_config_last_reload_successful", st.Deploy.ReloadOK)
	o.time("weir_config_last_reload_timestamp_seconds", st.Deploy.ReloadAt)
	o.gauge("weir_config_hash", hashNumber(st.Deploy.Hash))
	o.gauge("weir_recovery_duration_seconds", float64(st.Recover.Took)/1e9)
	o.gauge("weir_recovery_records", float64(st.Recover.Records))
	o.gauge("weir_recovery_alerts_reproduced", float64(st.Recover.Reproduced))
	o.gauge("weir_recovery_alerts_missing", float64(st.Recover.Missing))
	o.time("weir_start_timestamp_seconds", st.Started)
	for _, c := range st.Health.Checks {
		o.flag("weir_healthy", c.OK, c.Name)
	}
}

// hashNumber is as much of a hash as a float holds exactly.
func hashNumber(hex string) float64 {
	n, err := strconv.ParseUint(hex[:min(len(hex), 12)], 16, 64)
	if err != nil {
		return 0
	}
	return float64(n)
}
