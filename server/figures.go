package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
)

// Figures are times that are observed as they happen: of group commits,
// checkpoints and alerts. They exist before the runtime that is observed.
type Figures struct {
	sync, saved, pause prometheus.Histogram
	saves              prometheus.Counter
	alert              *prometheus.HistogramVec
	arrived, happened  prometheus.Observer // of alert
}

// NewFigures makes them.
func NewFigures() *Figures {
	histogram := func(name, help string, buckets ...float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	}
	f := &Figures{
		sync:  histogram("weir_journal_sync_duration_seconds", "Time of a group commit of the journal.", .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5),
		saved: histogram("weir_checkpoint_duration_seconds", "Time from the cut of a checkpoint until it was on disk.", .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30),
		pause: histogram("weir_checkpoint_pause_seconds", "Time that nothing was matched while a checkpoint was cut.", .0005, .001, .0025, .005, .01, .02, .05, .1, .25, 1),
		alert: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "weir_event_to_alert_seconds",
			Help:    "Time from what completed an alert to the alert's place in the log: since its arrival, or since the time that it says itself.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 3600}}, []string{"since"}),
		saves: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_checkpoints_total", Help: "Checkpoints."}),
	}
	f.arrived, f.happened = f.alert.WithLabelValues("arrival"), f.alert.WithLabelValues("event")
	return f
}

func (f *Figures) collectors() []prometheus.Collector {
	return []prometheus.Collector{f.sync, f.saved, f.pause, f.alert, f.saves}
}

// Synced observes a group commit of the journal.
func (f *Figures) Synced(took time.Duration, _ int, _ int64) { f.sync.Observe(took.Seconds()) }

// Saved observes a checkpoint.
func (f *Figures) Saved(c engine.Checkpoint) {
	f.saves.Inc()
	f.saved.Observe(c.Took.Seconds())
	f.pause.Observe(c.Pause.Seconds())
}

// Found observes alerts that were committed, and when what completed them
// arrived, ns.
func (f *Figures) Found(arrived int64, alerts []*cep.Alert) {
	now := time.Now().UnixNano()
	since := func(at int64) float64 { return float64(max(now-at, 0)) / 1e9 } // an event may be of tomorrow, by its own clock
	for _, a := range alerts {
		f.arrived.Observe(since(arrived))
		f.happened.Observe(since(a.At))
	}
}
