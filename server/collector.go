package server

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-cep/weir/engine"
)

const (
	// maxPartitions is how many partitions of a source have series of their
	// own; those behind are one together, called "other".
	maxPartitions = 256
	// scrapeWait bounds how long a scrape waits for the coordinator.
	scrapeWait = 5 * time.Second
)

// collector turns the runtime's stats into metrics.
type collector struct {
	s    *Server
	desc map[string]*prometheus.Desc
	all  []*prometheus.Desc
}

func newCollector(s *Server) *collector {
	c := &collector{s: s, desc: map[string]*prometheus.Desc{}}
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

// Collect is the registry's. Where the runtime can't be asked there are only
// the figures that say so.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWait)
	defer cancel()
	st, err := c.s.rt.Stats(ctx)
	o := output{c, ch}
	o.process(&st)
	if err != nil {
		return
	}
	behind := delays(&st)
	for i := range st.Sources {
		o.source(&st.Sources[i], behind)
	}
	o.rules(&st)
	o.journal(&st)
	o.state(&st)
	for i := range st.Engine.Lags {
		l := &st.Engine.Lags[i]
		o.gauge("weir_lateness_longest_seconds", float64(l.Longest)/1e9, l.Type.Name)
		o.gauge("weir_lateness_suggested_seconds", float64(l.Suggest())/1e9, l.Type.Name)
	}
	for i := range st.Lookups {
		l := &st.Lookups[i]
		if !l.Fetched.IsZero() {
			o.gauge("weir_lookup_age_seconds", st.At.Sub(l.Fetched).Seconds(), l.Name)
		}
		o.count("weir_lookup_errors_total", l.Errors, l.Name)
		o.gauge("weir_lookup_rows", float64(l.Rows), l.Name)
	}
}

// delays are how far the watermarks that sources' rules wait for are behind, ns
// by source.
func delays(st *engine.RuntimeStats) map[string]int64 {
	behind := map[string]int64{}
	for i := range st.Groups {
		g := &st.Groups[i]
		if g.Watermark == math.MinInt64 {
			continue
		}
		for _, name := range g.Sources {
			behind[name] = max(behind[name], st.At.UnixNano()-g.Watermark)
		}
	}
	return behind
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
	if ns != 0 && ns != math.MinInt64 {
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

func (o output) source(s *engine.SourceStats, behind map[string]int64) {
	o.flag("weir_source_up", s.Error == "", s.Name)
	o.count("weir_source_errors_total", s.Errors, s.Name, "read")
	for reason, n := range s.Rejected {
		o.count("weir_events_rejected_total", n, s.Name, reason)
	}
	o.count("weir_events_late_total", s.Late, s.Name)
	o.count("weir_events_skipped_total", s.Skipped, s.Name)
	if d, ok := behind[s.Name]; ok {
		o.gauge("weir_watermark_delay_seconds", float64(d)/1e9, s.Name)
	}
	for i := range s.Partitions[:min(len(s.Partitions), maxPartitions)] {
		p := &s.Partitions[i]
		o.partition(s.Name, strconv.FormatUint(uint64(p.Partition), 10), p)
	}
	if len(s.Partitions) > maxPartitions {
		o.partition(s.Name, "other", together(s.Partitions[maxPartitions:]))
	}
}

func (o output) partition(source, name string, p *engine.PartitionStats) {
	o.count("weir_source_events_total", p.Rows, source, name)
	if p.Lag >= 0 {
		o.gauge("weir_source_lag_events", float64(p.Lag), source, name)
	}
	o.time("weir_watermark_timestamp_seconds", p.Watermark, source, name)
	o.flag("weir_partition_idle", p.Idle, source, name)
	o.flag("weir_partition_holds_watermark", p.Holds, source, name)
}

// together sums partitions: the lag that is known, the least watermark, idle if
// all are.
func together(ps []engine.PartitionStats) *engine.PartitionStats {
	sum := engine.PartitionStats{Lag: -1}
	sum.Idle, sum.Watermark = true, math.MaxInt64
	for i := range ps {
		p := &ps[i]
		sum.Rows += p.Rows
		if p.Lag >= 0 {
			sum.Lag = max(sum.Lag, 0) + p.Lag
		}
		sum.Watermark = min(sum.Watermark, p.Watermark)
		sum.Idle, sum.Holds = sum.Idle && p.Idle, sum.Holds || p.Holds
	}
	return &sum
}

func (o output) rules(st *engine.RuntimeStats) {
	var suppressed uint64
	for i := range st.Rules {
		r := &st.Rules[i]
		o.count("weir_rule_matches_total", r.Matches, r.Name)
		o.count("weir_rule_key_missing_total", r.KeyMissing, r.Name)
		o.count("weir_rule_eval_errors_total", r.EvalErrors, r.Name)
		o.count("weir_rule_runs_capped_total", r.Capped, r.Name)
		o.count("weir_rule_tests_skipped_total", r.Budget, r.Name)
		o.gauge("weir_rule_state_bytes", float64(r.Bytes), r.Name)
		suppressed += r.Suppressed
	}
	o.count("weir_alerts_suppressed_total", suppressed, "dedup")
	for _, a := range st.Alerts {
		o.count("weir_alerts_total", a.Count, a.Rule, a.Severity.String(), a.Status)
	}
	status := map[string]int{"live": 0, "shadow": 0}
	for _, s := range st.Statuses {
		status[s]++
	}
	for s, n := range status {
		o.gauge("weir_rules", float64(n), s)
	}
	o.gauge("weir_alert_log_head", float64(st.Head))
	o.gauge("weir_keys_active", float64(st.KeyCount))
	o.count("weir_events_duplicate_total", st.Engine.Duplicates)
	o.count("weir_events_ahead_total", st.Engine.Ahead)
	o.count("weir_events_early_total", st.Engine.Early)
	waiting := 0
	for i := range st.Groups {
		waiting += st.Groups[i].Waiting
	}
	o.gauge("weir_waiting_rows", float64(waiting))
}

func (o output) journal(st *engine.RuntimeStats) {
	q, j := &st.Queue, &st.Journal
	o.gauge("weir_queue_records", float64(q.Entries))
	o.gauge("weir_queue_bytes", float64(q.Used))
	o.gauge("weir_queue_limit_bytes", float64(q.Limit))
	o.ch <- prometheus.MustNewConstMetric(o.c.desc["weir_backpressure_seconds_total"], prometheus.CounterValue, q.Waited.Seconds(), "intake")
	o.count("weir_journal_records_total", j.Records)
	o.count("weir_journal_written_bytes_total", j.Stored)
	o.gauge("weir_journal_bytes", float64(j.Bytes))
	o.gauge("weir_journal_segments", float64(j.Segments))
	o.flag("weir_journal_stalled", j.Stalled != "")
	o.time("weir_journal_oldest_timestamp_seconds", j.FirstTime)
}

func (o output) state(st *engine.RuntimeStats) {
	o.gauge("weir_state_bytes", float64(st.StateBytes))
	o.gauge("weir_state_limit_bytes", float64(st.StateLimit))
	for _, p := range parts(&st.Engine.Memory) {
		o.gauge("weir_state_part_bytes", float64(p.bytes), p.name)
	}
	o.gauge("weir_state_disk_bytes", float64(st.DiskBytes))
	c := &st.Checkpoint
	o.time("weir_checkpoint_last_success_timestamp_seconds", c.At)
	o.gauge("weir_checkpoint_written_bytes", float64(c.Bytes))
	o.gauge("weir_checkpoint_position", float64(c.Position))
	o.count("weir_checkpoint_skipped_total", st.Skipped)
	r := &st.Recovery
	o.gauge("weir_recovery_duration_seconds", r.Took.Seconds())
	o.gauge("weir_recovery_records", float64(r.Records))
	o.gauge("weir_recovery_alerts_reproduced", float64(r.Reproduced))
	o.gauge("weir_recovery_alerts_missing", float64(r.Missing))
}

// process sends what is known whether the state is open or not.
func (o output) process(st *engine.RuntimeStats) {
	o.gauge("weir_start_timestamp_seconds", float64(st.Started.UnixNano())/1e9)
	o.count("weir_state_restarts_total", st.Restarts)
	if free, ok := o.c.s.disk(); ok {
		o.gauge("weir_state_disk_free_bytes", float64(free))
	}
	if o.c.s.alerts != nil {
		l := o.c.s.alerts.Stats()
		o.flag("weir_alert_log_stalled", l.Stalled != "")
		o.count("weir_alerts_suppressed_total", l.Silenced, "silence")
		o.gauge("weir_alerts_silences", float64(l.Silences))
	}
	o.outlets(st.At)
	o.feed()
	reload := o.c.s.reload()
	o.flag("weir_config_last_reload_successful", reload.Error == "")
	o.time("weir_config_last_reload_timestamp_seconds", reload.At)
	if set, _, ok := o.c.s.rt.Rules(); ok {
		o.gauge("weir_config_hash", float64(set.Hash()>>16))
	}
	h := o.c.s.health(st)
	for _, c := range h.Checks {
		o.flag("weir_healthy", c.OK, c.Name)
	}
	o.flag("weir_ready", h.Ready)
}
