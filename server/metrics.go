package server

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures for Prometheus: the runtime's, read when they are
// asked for, and the server's own.
type metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	panics   prometheus.Counter
	refused  prometheus.Counter
	denied   *prometheus.CounterVec
}

func newMetrics(s *Server, f *Figures) *metrics {
	m := &metrics{
		registry: prometheus.NewPedanticRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_http_requests_total", Help: "Requests by route and status."}, []string{"route", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "weir_http_request_duration_seconds", Help: "Time that requests took, waiting for alerts included.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60}}, []string{"route"}),
		panics:  prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_http_panics_total", Help: "Requests that ran into a fault of the server."}),
		denied:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "weir_http_denied_total", Help: "Requests that were refused: without a credential, with a wrong one, without the role, or of another origin."}, []string{"why"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "weir_http_busy_total", Help: "Requests that were answered with 429."}),
	}
	polls := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "weir_alert_polls", Help: "Requests that wait for alerts."},
		func() float64 { return float64(s.polls.now()) })
	bodies := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "weir_http_body_bytes", Help: "Bytes of the bodies that are being taken in."},
		func() float64 { return float64(s.bodies.now()) })
	logins := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "weir_http_sessions", Help: "Browsers that are logged in."},
		func() float64 { return float64(s.sessions.len()) })
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "weir_build_info", Help: "What the program is made of; always 1.",
		ConstLabels: prometheus.Labels{"version": s.build.Version, "commit": s.build.Commit, "goversion": s.build.Go}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.panics, m.refused, m.denied, polls, bodies, logins, build, newCollector(s),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(f.collectors()...)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// request counts a request. Its route is the pattern and never the path, so
// that nobody can make series.
func (m *metrics) request(pattern string, code int, took time.Duration) {
	route := "none"
	if _, path, ok := strings.Cut(pattern, " "); ok {
		route = strings.TrimSuffix(path, "{$}")
	}
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
	if code == http.StatusTooManyRequests {
		m.refused.Inc()
	}
}

func (s *Server) getMetrics(w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler.ServeHTTP(w, r)
	return nil
}

// Registry is where further parts of the program register their figures.
func (s *Server) Registry() prometheus.Registerer { return s.metrics.registry }
