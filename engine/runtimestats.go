package engine

import (
	"context"
	"time"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/journal"
	"github.com/weir-cep/weir/internal/lookup"
)

// RuntimeStats is how a runtime is doing. Counts are since the process began,
// where nothing else is said.
type RuntimeStats struct {
	At       time.Time
	Started  time.Time
	Restarts uint64 // of the state, after trouble with the disk
	Trouble  string // why nothing can be taken in, "" if it can

	Rules    []RuleStats // by name; Keys is not counted
	Statuses map[string]string
	Sources  []SourceStats
	Groups   []GroupStats
	Alerts   []AlertStats
	Engine   Stats // without Rules
	KeyCount int   // keys with state, in all key spaces

	Queue      QueueStats
	Journal    journal.Stats
	Checkpoint Checkpoint    // the last one; At is 0 if there is none
	Interval   time.Duration // between checkpoints
	Skipped    uint64        // checkpoints left out because the one before was still being written
	StateBytes int64         // of memory: keys, windows, runs
	StateLimit int64         // 0: none
	DiskBytes  int64         // of the newest checkpoint
	Recovery   Recovery
	Lookups    []lookup.Stats
	Head       uint64 // sequence number of the last alert
}

// SourceStats is how a source is doing.
type SourceStats struct {
	Name, Kind string
	Rejected   map[string]uint64 // by reason
	Skipped    uint64            // of types that no rule names
	Late       uint64
	Errors     uint64
	Error      string // why it does not work now, "" if it does
	Since      time.Time
	Ended      bool
	Partitions []PartitionStats
}

// PartitionStats is how a partition is doing.
type PartitionStats struct {
	PartitionInfo
	Label   string // what the source calls it
	Records uint64
	Lag     int64 // records that wait at the source, negative: unknown
	Arrived time.Time
	Held    bool // it waits for others of its group
}

// AlertStats counts alerts.
type AlertStats struct {
	Rule     string
	Severity cep.Severity
	Status   string
	Count    uint64
}

// QueueStats is what has been taken in and not worked off.
type QueueStats struct {
	Entries     int
	Used, Limit int64         // bytes
	Full        string        // why nothing is taken in, "" if it is
	Waited      time.Duration // that sources have waited for room, in total
}

// Stats tells how the runtime is doing. It asks the coordinator between two
// records and does not count keys one by one.
func (r *Runtime) Stats(ctx context.Context) (RuntimeStats, error) {
	st := RuntimeStats{At: r.cfg.Now(), Started: r.started, Restarts: r.restarts.Load(), Recovery: r.recovery, StateLimit: r.cfg.StateLimit, Interval: r.cfg.Interval, Head: r.cfg.Sink.Head()}
	n, err := r.current()
	if err != nil {
		st.Trouble = err.Error()
		return st, err
	}
	var counts counters
	var infos []PartitionInfo
	err = n.ask(ctx, func() {
		counts = n.counts.clone()
		st.Checkpoint, st.Skipped = n.last, n.skipped
		if n.e == nil {
			return
		}
		st.Engine = n.e.totals()
		st.Rules, st.Engine.Rules = st.Engine.Rules, nil
		st.KeyCount, st.StateBytes = n.e.keyCount(), n.e.liveBytes()
		infos = n.e.Partitions()
		st.Groups = n.e.Groups()
	})
	if err != nil {
		st.Trouble = err.Error()
		return st, err
	}
	for k, c := range counts.alerts {
		st.Alerts = append(st.Alerts, AlertStats{k.Rule, k.Severity, k.Status, c})
	}
	st.Queue.Entries = len(n.queue)
	st.Queue.Used, st.Queue.Limit, st.Queue.Full, st.Queue.Waited = n.room.state()
	if n.j != nil {
		st.Journal = n.j.Stats()
		st.DiskBytes = n.store.Bytes()
	}
	st.Lookups = r.watch.stats()
	st.Sources = r.sourceStats(n, &counts, infos)
	if w := n.wire.Load(); w != nil {
		st.Statuses = map[string]string{}
		for _, rule := range w.prog.Rules {
			st.Statuses[rule.Name] = statusName(rule.Status)
		}
	}
	return st, nil
}

func statusName(s dsl.Status) string {
	switch s {
	case dsl.Shadow:
		return "shadow"
	case dsl.Off:
		return "off"
	}
	return "live"
}

// sourceStats tells of the sources of the running rules.
func (r *Runtime) sourceStats(n *node, counts *counters, infos []PartitionInfo) (list []SourceStats) {
	w := n.wire.Load()
	if w == nil {
		return nil
	}
	for _, f := range w.feeds {
		s := SourceStats{Name: f.name, Kind: f.kind, Rejected: counts.rejected[f.id], Skipped: counts.skipped[f.id], Late: counts.late[f.id]}
		r.sources.stats(&s)
		for _, info := range infos {
			if info.Source != f.id {
				continue
			}
			stream := streamID(info.Source, info.Partition)
			p := PartitionStats{PartitionInfo: info, Records: counts.records[stream], Lag: -1, Held: n.room.holds(stream)}
			n.mu.Lock()
			live := n.live[stream]
			n.mu.Unlock()
			if live != nil {
				live.mu.Lock()
				p.Label, p.Lag, p.Arrived = live.name, live.lag, live.arrived
				live.mu.Unlock()
			}
			s.Partitions = append(s.Partitions, p)
		}
		list = append(list, s)
	}
	return list
}

// stats tells how a source is running.
func (s *sourceSet) stats(out *SourceStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Errors = s.past[out.Name]
	run := s.all[out.Name]
	if run == nil {
		return
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	out.Errors += run.fails
	out.Ended = run.ended
	if run.err != nil {
		out.Error, out.Since = run.err.Error(), run.since
	}
}

// holds says that a partition has to wait for others.
func (r *room) holds(stream uint32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ahead[stream]
}
