package server

import (
	"cmp"
	"net/http"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/engine"
)

var pipelineRoutes = []route{
	{"GET", "/api/v1/pipeline", RoleViewer, "sources, watermarks, queues, the journal", (*Server).getPipeline},
	{"GET", "/api/v1/limits", RoleViewer, "what a client can ask for", (*Server).getLimits},
}

// getPipeline says how events flow: what each source has brought and what it
// waits for, how much is queued, and what the journal holds.
func (s *Server) getPipeline(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	st, _ := s.rt.Stats(r.Context()) // an error is part of the health
	out := pipelineOf(&st, s.health(&st))
	for _, d := range s.sinks() {
		out.Sinks = append(out.Sinks, pipelineSink{d.Sink, d.Kind, d.Cursor, d.Lag, d.Sent, d.Retries, d.Refused, d.Lost, d.Err, stampOf(d.Failing), stampOf(d.Oldest)})
	}
	for _, d := range s.webhooks() {
		out.Sinks = append(out.Sinks, pipelineSink{d.Sink, "webhook", d.Cursor, d.Lag + uint64(d.Pending), d.Delivered, d.Failed, d.Dead, d.Lost, cmp.Or(d.Disabled, d.Err), stampOf(d.Failing), stampOf(d.Oldest)})
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

type pipeline struct {
	Health  engine.Health    `json:"health"`
	Now     stamp            `json:"now"`
	Started stamp            `json:"started"`
	Sources []pipelineSource `json:"sources"`
	Groups  []pipelineGroup  `json:"groups"`
	Late    []pipelineLate   `json:"lateness"`
	Queue   pipelineQueue    `json:"queue"`
	Journal pipelineJournal  `json:"journal"`
	Lookups []pipelineLookup `json:"lists_and_tables"`
	Sinks   []pipelineSink   `json:"sinks"`
	Recover pipelineRecovery `json:"recovery"`
}

type pipelineSource struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Error      string            `json:"error,omitempty"`
	Since      stamp             `json:"error_since,omitempty"`
	Errors     uint64            `json:"errors"`
	Ended      bool              `json:"ended"`
	Late       uint64            `json:"late"`
	Rejected   map[string]uint64 `json:"rejected"`
	Skipped    uint64            `json:"skipped"`
	Partitions []pipelinePart    `json:"partitions"`
}

type pipelinePart struct {
	Partition uint32 `json:"partition"`
	Label     string `json:"label,omitempty"`
	Group     int    `json:"group"`
	Events    uint64 `json:"events"`
	Late      uint64 `json:"late"`
	Waiting   int    `json:"waiting"`
	Lag       *int64 `json:"lag"` // null: unknown
	Newest    stamp  `json:"newest_event"`
	Watermark stamp  `json:"watermark"`
	Arrived   stamp  `json:"last_arrival"`
	Idle      bool   `json:"idle"`
	Ended     bool   `json:"ended"`
	Holds     bool   `json:"holds_watermark"`
	Held      bool   `json:"waits_for_others"`
}

type pipelineGroup struct {
	Watermark stamp    `json:"watermark"`
	Sources   []string `json:"sources"`
	Rules     []string `json:"rules"`
}

// pipelineLate is how far the events of a type came behind the newest of their
// partition: how many by less than a duration, the last of them and what was
// too late.
type pipelineLate struct {
	Type      string            `json:"type"`
	Late      uint64            `json:"late"`
	Longest   string            `json:"longest"`
	Suggested string            `json:"suggested_late"` // the "late" under which none would have been
	Behind    map[string]uint64 `json:"behind"`
}

func lateOf(l *engine.TypeLag) pipelineLate {
	out := pipelineLate{Type: l.Type.Name, Late: l.Late, Longest: durationOf(l.Longest), Suggested: durationOf(l.Suggest()), Behind: map[string]uint64{}}
	for i, n := range l.Counts {
		if n > 0 && i < 62 {
			out.Behind[time.Duration(int64(2)<<i).String()] = n
		}
	}
	return out
}

func durationOf(ns int64) string { return string(cep.AppendDuration(nil, ns)) }

type pipelineQueue struct {
	Records int     `json:"records"`
	Bytes   int64   `json:"bytes"`
	Limit   int64   `json:"limit_bytes"`
	Full    string  `json:"full,omitempty"`
	Waited  seconds `json:"backpressure_seconds"`
}

type pipelineJournal struct {
	Records uint64 `json:"records"`
	First   uint64 `json:"first"`
	End     uint64 `json:"end"`
	Oldest  stamp  `json:"oldest"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	Stalled string `json:"stalled,omitempty"`
	Since   stamp  `json:"stalled_since,omitempty"`
}

type pipelineLookup struct {
	Name    string `json:"name"`
	From    string `json:"from"`
	Origin  string `json:"origin"`
	Rows    int    `json:"rows"`
	Fetched stamp  `json:"fetched"`
	Changed stamp  `json:"changed"`
	Error   string `json:"error,omitempty"`
}

type pipelineSink struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Cursor  uint64 `json:"cursor"`
	Behind  uint64 `json:"behind"`
	Sent    uint64 `json:"sent"`
	Retries uint64 `json:"retries"`
	Refused uint64 `json:"refused"`
	Lost    uint64 `json:"lost"`
	Error   string `json:"error,omitempty"`
	Since   stamp  `json:"error_since,omitempty"`
	Oldest  stamp  `json:"oldest"`
}

type pipelineRecovery struct {
	Seconds    seconds `json:"seconds"`
	Records    uint64  `json:"records"`
	Rows       uint64  `json:"rows"`
	Reproduced uint64  `json:"alerts_reproduced"`
	Missing    uint64  `json:"alerts_missing"`
}

func pipelineOf(st *engine.RuntimeStats, h engine.Health) *pipeline {
	q, j, r := &st.Queue, &st.Journal, &st.Recovery
	out := &pipeline{Health: h, Now: stampOf(st.At), Started: stampOf(st.Started),
		Sources: []pipelineSource{}, Groups: []pipelineGroup{}, Lookups: []pipelineLookup{}, Sinks: []pipelineSink{}, Late: []pipelineLate{},
		Queue:   pipelineQueue{q.Entries, q.Used, q.Limit, q.Full, seconds(q.Waited)},
		Journal: pipelineJournal{j.Records, uint64(j.First), uint64(j.End), stamp(j.FirstTime), j.Segments, j.Bytes, j.Stalled, stampOf(j.StalledFrom)},
		Recover: pipelineRecovery{seconds(r.Took), r.Records, r.Rows, r.Reproduced, r.Missing}}
	for i := range st.Sources {
		out.Sources = append(out.Sources, sourceOf(&st.Sources[i]))
	}
	for i := range st.Groups {
		g := &st.Groups[i]
		out.Groups = append(out.Groups, pipelineGroup{stamp(g.Watermark), orEmpty(g.Sources), orEmpty(g.Rules)})
	}
	for i := range st.Engine.Lags {
		out.Late = append(out.Late, lateOf(&st.Engine.Lags[i]))
	}
	for i := range st.Lookups {
		l := &st.Lookups[i]
		out.Lookups = append(out.Lookups, pipelineLookup{l.Name, l.From, l.Origin, l.Rows, stampOf(l.Fetched), stampOf(l.Changed), l.Failing})
	}
	return out
}

func sourceOf(src *engine.SourceStats) pipelineSource {
	out := pipelineSource{src.Name, src.Kind, src.Error, stampOf(src.Since), src.Errors, src.Ended, src.Late, map[string]uint64{}, src.Skipped, []pipelinePart{}}
	for reason, n := range src.Rejected {
		out.Rejected[reason] = n
	}
	for i := range src.Partitions {
		p := &src.Partitions[i]
		row := pipelinePart{p.Partition, p.Label, p.Group, p.Rows, p.PartitionInfo.Late, p.Waiting, nil, stamp(p.Greatest), stamp(p.Watermark),
			stampOf(p.Arrived), p.Idle, p.Ended, p.Holds, p.Held}
		if p.Lag >= 0 {
			row.Lag = &p.Lag
		}
		out.Partitions = append(out.Partitions, row)
	}
	return out
}

// orEmpty is a list that stands in JSON as [] and not as null.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
