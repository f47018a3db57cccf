package server

import (
	"time"

	"github.com/weir-cep/weir/alerts/sink"
	"github.com/weir-cep/weir/alerts/sink/webhook"
)

// outlets sends how alerts leave: by lanes and by webhooks, which share their
// families. A name is one sink's of the rule files, whatever its kind.
func (o output) outlets(now time.Time) {
	for _, d := range o.c.s.sinks() {
		o.sink(&d, now)
	}
	for _, d := range o.c.s.webhooks() {
		o.webhook(&d, now)
	}
}

func (o output) sink(d *sink.Stats, now time.Time) {
	o.count("weir_delivery_attempts_total", d.Batches, d.Sink, "taken")
	o.count("weir_delivery_attempts_total", d.Retries, d.Sink, "failed")
	o.count("weir_delivery_alerts_total", d.Sent, d.Sink)
	o.count("weir_delivery_dead_total", d.Refused, d.Sink)
	o.count("weir_delivery_lost_total", d.Lost, d.Sink)
	o.gauge("weir_delivery_queue_depth", float64(d.Lag), d.Sink)
	o.gauge("weir_delivery_oldest_seconds", age(d.Oldest, now), d.Sink)
}

func (o output) webhook(d *webhook.Stats, now time.Time) {
	o.count("weir_delivery_attempts_total", d.Delivered, d.Sink, "taken")
	o.count("weir_delivery_attempts_total", d.Failed, d.Sink, "failed")
	o.count("weir_delivery_alerts_total", d.Delivered, d.Sink)
	o.count("weir_delivery_dead_total", d.Dead, d.Sink)
	o.count("weir_delivery_lost_total", d.Lost, d.Sink)
	o.count("weir_delivery_dropped_total", d.Dropped, d.Sink)
	o.count("weir_delivery_summaries_total", d.Gathered, d.Sink)
	o.gauge("weir_delivery_queue_depth", float64(d.Lag)+float64(d.Pending), d.Sink)
	o.gauge("weir_delivery_oldest_seconds", age(d.Oldest, now), d.Sink)
	o.flag("weir_delivery_disabled", d.Disabled != "", d.Sink)
}

// age is how long ago something was, s; 0 if there is nothing.
func age(at, now time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(now.Sub(at).Seconds(), 0)
}

// feed sends how the live feed does.
func (o output) feed() {
	if o.c.s.feed == nil {
		return
	}
	st := o.c.s.feed.Stats()
	o.gauge("weir_stream_clients", float64(st.Clients))
	o.count("weir_stream_frames_total", st.Frames)
	o.count("weir_stream_bytes_total", st.Bytes)
	o.count("weir_stream_gaps_total", st.Gaps)
}
