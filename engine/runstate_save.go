package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/evidence"
)

// keeper writes the checkpoints of a run, one at a time, while it goes on.
type keeper struct {
	cfg    *RunState
	job    []Term
	store  *checkpoint.Store
	was    *savedRun // what the run goes on from; nil: it begins
	last   time.Time // of the last checkpoint
	whole  bool      // what the store holds is not known: the next checkpoint is all there is
	going  *runCheckpoint
	blocks map[logKey]int // of the logs' indexes, that the store may hold
	broken error          // what is needed to go on after a crash could not be kept
}

// logKey is whose evidence a log is.
type logKey struct{ source, partition uint32 }

// runCheckpoint is a checkpoint that is being written.
type runCheckpoint struct {
	commit *checkpoint.Commit
	snap   *Snapshot
	syncs  []func() error // of what it counts on
	done   chan struct{}
	failed error // the run cannot go on
	lost   error // the store did not take it in
}

// savedRun is the run's own part of a checkpoint.
type savedRun struct {
	Version  int                `json:"version"`
	Job      []Term             `json:"job"`
	Finished bool               `json:"finished"`
	Events   uint64             `json:"events"`
	Alerts   uint64             `json:"alerts"`
	Records  uint64             `json:"records"`
	Skipped  uint64             `json:"skipped"`
	Unknown  []decode.TypeCount `json:"unknown"`
	Rejected map[string]uint64  `json:"rejected"` // by reason
	Warnings []string           `json:"warnings"`
	Files    []savedFile        `json:"files"`
	Logs     []savedLog         `json:"logs"`
	Note     []byte             `json:"note"`

	at time.Time // of the checkpoint
}

// savedFile is how far a file was worked off.
type savedFile struct {
	Begun   bool   `json:"begun"` // a chunk was taken up
	From    placed `json:"from"`  // the chunk to read from: rows of it may wait, or it is the last
	Last    placed `json:"last"`  // the last chunk that was taken up
	Records uint64 `json:"records"`
	Rows    int    `json:"rows"` // of these, that became rows
	At      int    `json:"at"`   // of these, that were fed
}

// placed is where a chunk stands.
type placed struct {
	Offset int64  `json:"offset"` // in the file, unpacked
	Base   uint64 `json:"base"`   // records before it
}

type savedLog struct {
	Source    uint32 `json:"source"`
	Partition uint32 `json:"partition"`
	evidence.Saved
}

// The blobs of a run's checkpoint.
const (
	blobRun    = "run"   // savedRun
	blobIndex  = "index" // of an index of events, "index/SOURCE/PARTITION/BLOCK"
	runVersion = 1
)

func indexBlob(k logKey, block int) string {
	return fmt.Sprintf("%s/%d/%d/%06d", blobIndex, k.source, k.partition, block)
}

// took notes a chunk that was taken up, before its records count.
func (fd *feeder) took(j *job) {
	fd.taken = append(fd.taken, placed{j.chunk.Offset, fd.records})
	fd.rows, fd.last = len(j.out.batch.Rows), j.res.Records
}

// keep takes a checkpoint if one is due. It is called where the engine and
// the files agree: between two feeds.
func (r *runner) keep() error {
	k := r.kept
	if k == nil {
		return nil
	}
	if k.broken != nil {
		return k.broken
	}
	if c := k.going; c != nil {
		select {
		case <-c.done:
			if err := r.settle(); err != nil {
				return err
			}
		default:
		}
	}
	due, err := k.due()
	if err == nil && due {
		err = r.settle()
	}
	if err != nil || !due {
		return err
	}
	return r.checkpoint()
}

// due says that it is time for a checkpoint, and none is on its way.
func (k *keeper) due() (bool, error) {
	if k.cfg.step != nil {
		return k.cfg.step(k.going != nil)
	}
	interval := k.cfg.Interval
	if interval == 0 {
		interval = DefaultRunInterval
	}
	return k.going == nil && time.Since(k.last) >= interval, nil
}

// checkpoint copies what a checkpoint needs and has it written.
func (r *runner) checkpoint() error {
	k := r.kept
	note, sync, err := k.cfg.Mark()
	if err != nil {
		return err
	}
	snap := r.e.Snapshot(k.whole)
	c := &runCheckpoint{snap: snap, done: make(chan struct{}), syncs: []func() error{sync}}
	c.commit = &checkpoint.Commit{Position: r.sum.Records, Blobs: map[string][]byte{}}
	saved := r.saved(note)
	for i, fd := range r.files {
		oldest, waits := snap.Oldest[inputKey(0, uint32(i))]
		saved.Files = append(saved.Files, fd.saved(oldest, waits))
	}
	for key, log := range r.logs() {
		s := savedLog{Source: key.source, Partition: key.partition}
		var sync func() error
		s.Saved, sync = log.Save(k.whole)
		saved.Logs, c.syncs = append(saved.Logs, s), append(c.syncs, sync)
		k.index(c.commit, key, &s.Saved)
	}
	c.commit.Blobs[blobRun] = encodeJSON(saved)
	k.whole, k.going, k.last = false, c, time.Now()
	go c.write(k.store)
	return nil
}

// index puts the changed blocks of a log's index into a checkpoint.
func (k *keeper) index(c *checkpoint.Commit, key logKey, s *evidence.Saved) {
	for n, block := range s.Blocks {
		c.Blobs[indexBlob(key, n)] = block
	}
	n := evidence.Blocks(s.Entries)
	for gone := n; gone < k.blocks[key]; gone++ {
		c.Blobs[indexBlob(key, gone)] = nil
	}
	k.blocks[key] = n
}

// logs are the logs of events that another run cannot make anew.
func (r *runner) logs() map[logKey]*evidence.Log {
	list := map[logKey]*evidence.Log{}
	for i, fd := range r.files {
		if fd.in.File() != nil {
			list[logKey{0, uint32(i)}] = fd.log
		}
	}
	for tier, log := range r.recall.tiers {
		list[logKey{derivedSource, tier}] = log
	}
	return list
}

// saved is the run's part without files and logs.
func (r *runner) saved(note []byte) *savedRun {
	s := &savedRun{Version: runVersion, Job: r.kept.job, Events: r.e.stats.Events, Alerts: r.e.stats.Alerts, Records: r.sum.Records,
		Skipped: r.sum.Skipped, Unknown: r.sum.Unknown, Rejected: map[string]uint64{}, Warnings: r.sum.Warnings, Note: note}
	r.sum.Rejected.Each(func(reason decode.Reason, n uint64) { s.Rejected[reason.String()] = n })
	return s
}

// saved is how far the file is; oldest is the position from which on rows of
// it wait.
func (fd *feeder) saved(oldest uint64, waits bool) savedFile {
	n := len(fd.taken)
	if n == 0 {
		return savedFile{}
	}
	from := n - 1
	for waits && from > 0 && fd.taken[from].Base > oldest {
		from--
	}
	fd.taken = append(fd.taken[:0], fd.taken[from:]...)
	s := savedFile{Begun: true, From: fd.taken[0], Last: fd.taken[len(fd.taken)-1], Records: fd.last, Rows: fd.rows, At: fd.rows}
	if fd.cur != nil {
		s.At = fd.at
	}
	return s
}

// write makes what a checkpoint counts on durable, and then the checkpoint.
func (c *runCheckpoint) write(store *checkpoint.Store) {
	defer close(c.done)
	if c.snap != nil {
		c.snap.Fill(c.commit)
	}
	for _, sync := range c.syncs {
		if c.failed = sync(); c.failed != nil {
			return
		}
	}
	_, c.lost = store.Commit(c.commit)
}

// settle takes note of what has become of the checkpoint on its way; it waits
// for it.
func (r *runner) settle() error {
	k := r.kept
	c := k.going
	if c == nil {
		return nil
	}
	<-c.done
	k.going = nil
	if c.snap != nil {
		c.snap.Release()
	}
	if c.failed != nil {
		return c.failed
	}
	if c.lost != nil {
		k.whole = true
		k.warn(fmt.Errorf("a checkpoint could not be written, and the run goes on without: %w", c.lost))
		return nil
	}
	for _, log := range r.logs() {
		log.Settle()
	}
	return nil
}

func (k *keeper) warn(err error) {
	if k.cfg.Warn != nil {
		k.cfg.Warn(err)
	}
}

// leave ends a run that is kept; err is what its loop has ended with. One that
// has come to its end is noted as finished, one that was told to stop can be
// taken up where it is.
func (r *runner) leave(ctx context.Context, err error) error {
	k := r.kept
	if k == nil {
		return err
	}
	if err == nil {
		err = k.broken
	}
	if serr := r.settle(); err == nil {
		err = serr
	}
	switch {
	case err == nil:
		return r.finish()
	case ctx.Err() != nil && errors.Is(err, ctx.Err()) && r.e.err == nil && k.broken == nil && r.e.back == nil:
		if serr := errors.Join(r.checkpoint(), r.settle()); serr != nil {
			return errors.Join(err, serr)
		}
	}
	return err
}

// finish notes that the run has come to its end. Nothing of what it took to get
// there is needed any more.
func (r *runner) finish() error {
	k := r.kept
	note, sync, err := k.cfg.Mark()
	if err == nil {
		err = sync()
	}
	if err != nil {
		return err
	}
	saved := r.saved(note)
	saved.Finished = true
	c := &checkpoint.Commit{Position: r.sum.Records, Layout: Layout(), Full: true, Blobs: map[string][]byte{blobRun: encodeJSON(saved)}}
	for key, n := range k.blocks {
		for block := range n {
			c.Blobs[indexBlob(key, block)] = nil
		}
	}
	if _, err := k.store.Commit(c); err != nil {
		k.warn(fmt.Errorf("the run has come to its end, and that could not be noted: %w", err))
		return nil
	}
	k.store.DropKept()
	opt := r.evidence()
	if err := opt.FS.RemoveAll(opt.Kept); err != nil {
		k.warn(err) // it takes room and does no harm
	}
	return nil
}

func (k *keeper) close() {
	if c := k.going; c != nil {
		<-c.done
	}
	if k.store != nil {
		if err := k.store.Close(); err != nil {
			k.warn(err)
		}
	}
}

// decodeRun reads the run's part of a checkpoint.
func decodeRun(text []byte) (*savedRun, error) {
	var only struct {
		Version int `json:"version"`
	}
	err := json.Unmarshal(text, &only)
	if err == nil && only.Version > runVersion {
		return nil, &checkpoint.VersionError{File: "the run's part of the state", Found: only.Version, Known: runVersion}
	}
	s := &savedRun{}
	if err == nil {
		err = json.Unmarshal(text, s)
	}
	if err != nil {
		return nil, damaged("the run's part of the state: %v", err)
	}
	return s, nil
}
