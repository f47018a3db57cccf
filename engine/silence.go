package engine

import (
	"context"
	"time"

	"github.com/weir-cep/weir/internal/journal"
)

// A partition that is silent for the source's "idle" leaves the watermark, so
// that the others do not wait for it; while every partition of a group is
// silent, the wall time that passes moves its watermark on, so that what does
// not happen is noticed. Both are records of the journal: in a replay nobody
// looks at a clock.

// silenceEvery is how often partitions are looked at, and wall time is counted.
const silenceEvery = time.Second

// silence watches the partitions until ctx ends.
func (n *node) silence(ctx context.Context) {
	n.mu.Lock()
	n.ticked = n.now() // what passed while nothing ran does not count: its events are still to come
	n.mu.Unlock()
	t := n.cfg.every(silenceEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C():
			n.lookAround()
		case <-ctx.Done():
			return
		}
	}
}

// lookAround records which partitions have fallen silent, and the time.
func (n *node) lookAround() {
	n.mu.Lock()
	parts := make([]*livePart, 0, len(n.live))
	for _, p := range n.live {
		parts = append(parts, p)
	}
	n.mu.Unlock()
	now := n.now()
	var silent []*livePart
	quiet := false
	for _, p := range parts {
		p.mu.Lock()
		switch {
		case p.idle || p.ended:
			quiet = true
		case p.busy == 0 && p.lag <= 0 && p.feed.Load().idle > 0 && now.Sub(p.arrived) >= p.feed.Load().idle:
			silent = append(silent, p)
		}
		p.mu.Unlock()
	}
	if !quiet && len(silent) == 0 {
		n.mu.Lock()
		n.ticked = now
		n.mu.Unlock()
		return
	}
	// The time up to here is that of the partitions that were silent already.
	n.tick(now, quiet)
	for _, p := range silent {
		n.idle(p, now)
	}
}

// tick records the wall time since the last one.
func (n *node) tick(now time.Time, worth bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	elapsed := now.Sub(n.ticked)
	n.ticked = now
	if !worth || elapsed <= 0 {
		return
	}
	_ = n.append(&inbound{rec: journal.Record{Kind: recTick, Stream: journal.NoStream, Data: encodeJSON(tickRecord{int64(elapsed)})}}) // the disk's trouble is seen by all who append
}

// idle records that a partition is silent, unless a row has come since.
func (n *node) idle(p *livePart, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy > 0 || now.Sub(p.arrived) < p.feed.Load().idle {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.append(&inbound{rec: journal.Record{Kind: recIdle, Stream: journal.NoStream, Data: encodeJSON(p.ref())}}) == nil {
		p.idle = true
	}
}
