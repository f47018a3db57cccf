package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/journal"
)

// The blobs of a checkpoint beside the engine's pages.
const (
	blobRules   = "rules"   // the deployed rule set
	blobLookups = "lookups" // lists and tables from outside
	blobNode    = "node"    // savedNode
)

// savedNode is what the node itself keeps in a checkpoint.
type savedNode struct {
	Registry *registry `json:"registry"`
	Seq      uint64    `json:"seq"` // of the last alert before the checkpoint
	Shards   int       `json:"shards"`
	Lookups  uint64    `json:"lookups"` // version of the lists and tables before those of the blob
}

// saving is a checkpoint on its way to the disk.
type saving struct {
	commit *checkpoint.Commit
	snap   *Snapshot     // whose pages the commit has
	pause  time.Duration // that the engine stood still
	start  time.Time
	wrote  checkpoint.Written
	err    error
	done   chan struct{}
	reply  []chan checkpointed
}

type checkpointed struct {
	c   Checkpoint
	err error
}

// maxPostponed is how many checkpoints in a row are left out while states of
// rules that are gone are being forgotten.
const maxPostponed = 6

// saved is closed when the checkpoint in progress is on the disk.
func (n *node) saved() <-chan struct{} {
	if n.saving == nil {
		return nil
	}
	return n.saving.done
}

// checkpoint copies what has changed and has it written. One at a time: while
// one is being written another is not begun, unless somebody waits for it.
func (n *node) checkpoint(reply chan checkpointed) {
	if n.store == nil || n.e == nil {
		if reply != nil {
			reply <- checkpointed{err: errors.New("nothing is kept, or nothing is deployed yet: there is nothing to check")}
		}
		return
	}
	if n.saving != nil {
		if reply == nil {
			n.skipped++
			return
		}
		<-n.saving.done
		n.finish()
	}
	// A snapshot ends the forgetting of rules that are gone, at once; a little
	// later it is done by the way.
	if reply == nil && n.e.Purging() && n.postponed < maxPostponed {
		n.postponed++
		n.skipped++
		return
	}
	n.postponed = 0
	s := n.copyState()
	if reply != nil {
		s.reply = append(s.reply, reply)
	}
	n.saving = s
	go n.write(s)
}

// copyState takes the engine's changed pages, and what the node knows.
func (n *node) copyState() *saving {
	start := time.Now()
	snap := n.e.Snapshot(n.whole)
	s := &saving{start: start, done: make(chan struct{}), snap: snap}
	s.commit = &checkpoint.Commit{Position: uint64(n.pos), Need: uint64(n.needed(snap)), Blobs: map[string][]byte{}}
	s.commit.Blobs[blobNode] = encodeJSON(savedNode{Registry: n.reg, Seq: n.sink.Head(), Shards: n.cfg.Shards, Lookups: n.version - 1})
	if n.dirty[blobRules] || n.whole {
		s.commit.Blobs[blobRules] = encodeJSON(n.wire.Load().rules)
	}
	if n.dirty[blobLookups] || n.whole {
		s.commit.Blobs[blobLookups] = encodeJSON(n.texts)
	}
	clear(n.dirty)
	n.whole = false
	s.pause = time.Since(start)
	return s
}

// needed is the first record of the journal that recovering from a snapshot
// takes: that of the oldest row that still waits, or the next one.
func (n *node) needed(snap *Snapshot) journal.Position {
	need := n.pos + 1
	for key, position := range snap.Oldest {
		rec, err := n.j.Find(streamID(uint32(key>>32), uint32(key)), position)
		if err != nil { // it is in the journal: what cannot be read now may be read then
			n.log.Error("a waiting row is not found in the journal", "error", err)
			continue
		}
		need = min(need, rec.Pos)
	}
	return need
}

// write puts a checkpoint on the disk.
func (n *node) write(s *saving) {
	defer close(s.done)
	defer s.snap.Release()
	s.snap.Fill(s.commit)
	if s.err = n.sink.Sync(); s.err != nil {
		s.err = fmt.Errorf("make alerts durable: %w", s.err)
		return
	}
	if s.wrote, s.err = n.store.Commit(s.commit); s.err != nil {
		s.err = fmt.Errorf("write the checkpoint: %w", s.err)
	}
}

// finish takes note of a checkpoint that has been written.
func (n *node) finish() {
	s := n.saving
	n.saving = nil
	took := time.Since(s.start)
	if s.err == nil {
		n.going.Go(n.clean)
		n.last = Checkpoint{Position: s.commit.Position, At: s.start.UnixNano(), Took: took, Pause: s.pause, Bytes: s.wrote.Bytes, Pages: s.wrote.Pages}
		n.cfg.observe(n.last)
	} else {
		n.log.Error("a checkpoint failed", "error", s.err)
	}
	for _, r := range s.reply {
		r <- checkpointed{n.last, s.err}
	}
	if s.err != nil {
		n.fail(s.err)
	}
}

// clean lets retention have what no checkpoint needs any more.
func (n *node) clean() {
	need, err := n.store.Need()
	if err != nil {
		n.log.Warn("what the checkpoints need of the journal cannot be read", "error", err)
		return
	}
	n.j.Need(journal.Position(need))
	if _, err := n.j.Clean(); err != nil {
		n.log.Warn("old records of the journal cannot be removed", "error", err)
	}
}

// lastCheckpoint writes a checkpoint and waits for it, when nothing runs any
// more.
func (n *node) lastCheckpoint() error {
	if n.saving != nil {
		<-n.saving.done
		n.finish()
	}
	if n.failure != nil {
		return n.failure
	}
	s := n.copyState()
	n.write(s)
	n.saving = s
	n.finish()
	return s.err
}

// checkpointNow has a checkpoint written and waits for it.
func (n *node) checkpointNow(ctx context.Context) (Checkpoint, error) {
	reply := make(chan checkpointed, 1)
	if err := n.ask(ctx, func() { n.checkpoint(reply) }); err != nil {
		return Checkpoint{}, err
	}
	select {
	case c := <-reply:
		return c.c, c.err
	case <-n.failed:
		return Checkpoint{}, n.failure
	case <-ctx.Done():
		return Checkpoint{}, ctx.Err()
	}
}

// Checkpoint is a state that was saved.
type Checkpoint struct {
	Position uint64        `json:"position"` // of the journal
	At       int64         `json:"at"`       // ns, when it was taken
	Took     time.Duration `json:"took"`
	Pause    time.Duration `json:"pause"` // that nothing was matched
	Bytes    int64         `json:"bytes"` // written
	Pages    int           `json:"pages"`
}

// loadBlob reads one of the checkpoint's blobs.
func loadBlob(s *checkpoint.Store, name string, v any) (bool, error) {
	b, ok, err := s.Blob(name)
	if err != nil || !ok {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("the checkpoint's %s cannot be read: %w", name, err)
	}
	return true, nil
}
