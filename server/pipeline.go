package server

import "net/http"

// getPipeline says how events flow: what each source has brought and what it
// waits for, how much is queued, and what the journal holds.
func (s *Server) getPipeline(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyQuery(r); err != nil {
		return err
	}
	st := s.rt.Stats()
	writeJSON(w, http.StatusOK, pipelineOf(st, s.sentence(st)))
	return nil
}

type pipeline struct {
	Health  string           `json:"health"`
	Now     stamp            `json:"now"`
	Started stamp            `json:"started"`
	Sources []pipelineSource `json:"sources"`
	Queue   pipelineQueue    `json:"queue"`
	Journal pipelineLog      `json:"journal"`
	Recover pipelineReplay   `json:"recovery"`
}

type pipelineSource struct {
	Name       string           `json:"name"`
	Kind       string           `json:"kind"`
	Types      []string         `json:"types"`
	Error      string           `json:"error,omitempty"`
	Retry      stamp            `json:"retry,omitempty"`
	Watermark  stamp            `json:"watermark"`
	Behind     seconds          `json:"watermark_behind_seconds"`
	Group      int              `json:"group"`
	Late       uint64           `json:"late"`
	Rejected   map[string]int64 `json:"rejected"`
	Skipped    uint64           `json:"skipped"`
	Duplicates uint64           `json:"duplicates"`
	Ahead      uint64           `json:"too_far_ahead"`
	Partitions []partition      `json:"partitions"`
}

type partition struct {
	Partition uint32 `json:"partition"`
	Name      string `json:"name"`
	Events    uint64 `json:"events"`
	Late      uint64 `json:"late"`
	Lag       *int64 `json:"lag"` // null: unknown
	Newest    stamp  `json:"newest_event"`
	Watermark stamp  `json:"watermark"`
	Seen      stamp  `json:"last_arrival"`
	Idle      bool   `json:"idle"`
	Ended     bool   `json:"ended"`
	Holds     bool   `json:"holds_watermark"`
}

type pipelineQueue struct {
	Records      int64              `json:"records"`
	RecordsMax   int64              `json:"records_max"`
	Bytes        int64              `json:"bytes"`
	BytesMax     int64              `json:"bytes_max"`
	Rows         int64              `json:"rows_waiting_for_watermark"`
	RowsMax      int64              `json:"rows_waiting_max"`
	Backpressure map[string]seconds `json:"backpressure_seconds"`
	Refused      uint64             `json:"refused_requests"`
}

type pipelineLog struct {
	Records uint64 `json:"records"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	Oldest  stamp  `json:"oldest"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
	Stalled string `json:"stalled,omitempty"`
	Since   stamp  `json:"stalled_since,omitempty"`
}

type pipelineReplay struct {
	Seconds    seconds `json:"seconds"`
	Records    uint64  `json:"records"`
	Reproduced uint64  `json:"alerts_reproduced"`
	Missing    uint64  `json:"alerts_missing"`
}

func pipelineOf(st *Stats, sentence string) *pipeline {
	q, j := &st.Queue, &st.Journal
	out := &pipeline{Health: sentence, Now: stamp(st.Now), Started: stamp(st.Started), Sources: []pipelineSource{},
		Queue:   pipelineQueue{q.Records, q.RecordsMax, q.Bytes, q.BytesMax, q.Rows, q.RowsMax, map[string]seconds{}, q.Refused},
		Journal: pipelineLog{j.Records, j.First, j.Last, stamp(j.Oldest), j.Segments, j.Disk, j.Stalled, stamp(j.StalledSince)},
		Recover: pipelineReplay{seconds(st.Recover.Took), st.Recover.Records, st.Recover.Reproduced, st.Recover.Missing}}
	for _, b := range q.Blocked {
		out.Queue.Backpressure[b.Stage] = seconds(b.Nanos)
	}
	for i := range st.Sources {
		out.Sources = append(out.Sources, sourceOf(&st.Sources[i]))
	}
	return out
}

func sourceOf(src *SourceStats) pipelineSource {
	out := pipelineSource{Name: src.Name, Kind: src.Kind, Types: src.Types, Error: src.Error, Retry: stamp(src.Retry), Watermark: stamp(src.Watermark),
		Behind: seconds(src.Delay), Group: src.Group, Late: src.Late, Rejected: map[string]int64{}, Skipped: src.Skipped,
		Duplicates: src.Duplicates, Ahead: src.Ahead, Partitions: []partition{}}
	for _, c := range src.Rejected {
		out.Rejected[c.Reason] = int64(c.Count)
	}
	for i := range src.Partitions {
		p := &src.Partitions[i]
		row := partition{p.Number, p.Name, p.Events, p.Late, nil, stamp(p.Greatest), stamp(p.Watermark), stamp(p.Seen), p.Idle, p.Ended, p.Holds}
		if p.Lag >= 0 {
			row.Lag = &p.Lag
		}
		out.Partitions = append(out.Partitions, row)
	}
	return out
}
