package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/internal/checkpoint"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/evidence"
)

// keptEvents is the folder of the text of alerts that are events.
const keptEvents = "events"

// evidence says where the text of events is put that cannot be read again.
func (r *runner) evidence() evidence.Options {
	o := evidence.Options{Dir: r.cfg.TempDir}
	if s := r.cfg.State; s != nil {
		o.FS = s.fs()
		o.Kept = o.FS.PathJoin(s.Dir, keptEvents)
	}
	return o
}

func (s *RunState) fs() vfs.FS {
	if s.FS == nil {
		return vfs.Default
	}
	return s.FS
}

// engine makes the engine: a new one, or the one of the last checkpoint.
func (r *runner) engine() (err error) {
	if r.cfg.State == nil {
		r.e, err = New(r.prog, r.cfg.Config)
		return err
	}
	k := &keeper{cfg: r.cfg.State, blocks: map[logKey]int{}, whole: true}
	if k.cfg.Mark == nil || k.cfg.Begin == nil {
		return errors.New("run: a state without Mark and Begin")
	}
	r.kept = k
	if k.job, err = r.job(); err != nil {
		return err
	}
	opt := r.evidence()
	if err := opt.FS.MkdirAll(opt.Kept, 0o755); err != nil {
		return err
	}
	var lost []checkpoint.Lost
	o := checkpoint.Options{FS: opt.FS, Dir: k.cfg.Dir, Keep: 1, KeepEvery: time.Minute, Logger: slog.New(slog.DiscardHandler)}
	if k.store, lost, err = checkpoint.Recover(o, r.restore); err != nil {
		return err
	}
	for _, l := range lost {
		k.warn(fmt.Errorf("the newest checkpoint cannot be used, the one before it is: %w", l.Err))
	}
	k.last = time.Now()
	if k.was != nil {
		err = r.resume()
	} else if r.e, err = New(r.prog, r.cfg.Config); err == nil {
		err = k.cfg.Begin(nil)
	}
	if err == nil {
		err = r.store.Clean()
	}
	return err
}

// restore takes over what a checkpoint holds, if there is one.
func (r *runner) restore(s *checkpoint.Store) error {
	k := r.kept
	m, has := s.Latest()
	if !has {
		return nil
	}
	text, ok, err := s.Blob(blobRun)
	if err != nil {
		return err
	}
	if !ok {
		return damaged("the run's part of the state is missing")
	}
	saved, err := decodeRun(text)
	if err != nil {
		return err
	}
	if d := differences(saved.Job, k.job); len(d) > 0 {
		return &OtherRunError{Differs: d, Finished: saved.Finished}
	}
	saved.at = m.At()
	if !saved.Finished {
		if len(saved.Files) != len(r.files) {
			return damaged("%d files, and there are %d", len(saved.Files), len(r.files))
		}
		if err := r.restoreLogs(s, saved.Logs); err != nil {
			return err
		}
		if r.e, err = Restore(r.prog, r.cfg.Config, m.Meta, s.Pages); err != nil {
			return err
		}
	}
	k.was = saved
	return nil
}

// restoreLogs takes over where events stand.
func (r *runner) restoreLogs(s *checkpoint.Store, list []savedLog) error {
	clear(r.recall.tiers)
	for i := range list {
		key := logKey{list[i].Source, list[i].Partition}
		log := r.log(key)
		if log == nil {
			return damaged("events of input %d/%d, which is not there", key.source, key.partition)
		}
		err := log.Restore(list[i].Saved, func(block int) ([]byte, error) {
			text, _, err := s.Blob(indexBlob(key, block))
			return text, err
		})
		if errors.Is(err, evidence.ErrDamaged) {
			err = damaged("%v", err)
		}
		if err != nil {
			return err
		}
		r.kept.blocks[key] = evidence.Blocks(list[i].Entries)
	}
	return nil
}

// log is the log of a saved one; nil: there can be none.
func (r *runner) log(key logKey) *evidence.Log {
	switch {
	case key.source == derivedSource:
		return r.recall.tier(key.partition)
	case key.source == 0 && int(key.partition) < len(r.files):
		return r.files[key.partition].log
	}
	return nil
}

// resume tells of the checkpoint, takes over what was counted, and sets the
// files to where they were.
func (r *runner) resume() error {
	k, was := r.kept, r.kept.was
	told := &Resumed{Note: was.Note, At: was.at, Finished: was.Finished, Events: was.Events, Alerts: was.Alerts}
	if r.e != nil {
		told.Shards = r.e.plan.shards
	}
	if err := k.cfg.Begin(told); err != nil {
		return err
	}
	if was.Finished {
		return ErrFinished
	}
	k.whole = false
	r.sum = Summary{Records: was.Records, Skipped: was.Skipped, Unknown: was.Unknown, Warnings: was.Warnings}
	for i := range r.sum.Rejected {
		r.sum.Rejected[i] = was.Rejected[decode.Reason(i).String()]
	}
	for i, fd := range r.files {
		fd.back = &was.Files[i]
	}
	return nil
}

// skip passes over what comes before the chunks that are needed, where it does
// not have to be unpacked.
func (fd *feeder) skip(chunks *decode.Chunks) error {
	if fd.back == nil || !fd.back.Begun || fd.in.File() == nil {
		return nil
	}
	return fd.gone(chunks.SkipTo(fd.back.From.Offset))
}

// skim notes where the events of a packed file's chunk stand that is not
// needed any more itself; needed: it is.
func (fd *feeder) skim(chunk decode.Chunk) (needed bool, err error) {
	if fd.back == nil || fd.in.File() != nil {
		return true, nil
	}
	from := fd.back.From
	if chunk.Offset < from.Offset {
		n, err := fd.log.Skim(chunk, fd.skimmed)
		fd.skimmed += n
		return false, err
	}
	if chunk.Offset == from.Offset && fd.skimmed != from.Base {
		return true, fd.changed()
	}
	return true, nil
}

// gone makes the end of a file an error: more was read of it before.
func (fd *feeder) gone(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF || err == decode.ErrNoHeader {
		return fd.changed()
	}
	return err
}

func (fd *feeder) changed() error {
	return fmt.Errorf("%s is not what it was when the run began", fd.in.Path)
}

// rewind reads the chunks again of which rows waited at the checkpoint, and
// takes up those that were being fed.
func (r *runner) rewind(ctx context.Context) error {
	if r.kept == nil || r.kept.was == nil {
		return nil
	}
	for _, fd := range r.files {
		if err := r.rewindFile(ctx, fd); err != nil {
			return err
		}
	}
	return r.e.rewound()
}

func (r *runner) rewindFile(ctx context.Context, fd *feeder) error {
	back := fd.back
	if !back.Begun {
		return nil
	}
	fd.records = back.From.Base
	for first := true; ; first = false {
		j, err := r.next(ctx, fd)
		if err != nil {
			return err
		}
		if j == nil {
			return fd.changed()
		}
		here := placed{j.chunk.Offset, fd.records}
		last := here.Offset >= back.Last.Offset
		if first && here != back.From || last && !back.is(here, j) {
			return fd.changed()
		}
		j.out.batch.Rebase(0, uint32(fd.index), fd.records)
		if fd.in.File() == nil {
			if err := fd.log.Add(j.out.batch, j.chunk); err != nil {
				return err
			}
		}
		fd.took(j)
		fd.records += j.res.Records
		if last && back.At < back.Rows {
			r.takeUp(fd, j, here.Base)
		}
		r.e.rewind(j.out)
		if last {
			return nil
		}
	}
}

// is says that a chunk is the last that was taken up.
func (s *savedFile) is(here placed, j *job) bool {
	return here == s.Last && j.res.Records == s.Records && len(j.out.batch.Rows) == s.Rows
}

// takeUp makes a chunk that was fed in part the one that is fed. What counts
// of it has been counted.
func (r *runner) takeUp(fd *feeder, j *job, base uint64) {
	p := &prepared{batch: &cep.Batch{}}
	var res decode.Result
	fd.decoder.Clone().Decode(slices.Grow(slices.Clone(j.chunk.Data), len(j.chunk.Data)/8), p.batch, &res)
	p.batch.Rebase(0, uint32(fd.index), base)
	r.e.prep.fill(p)
	r.e.steps.book.keep(p)
	fd.cur, fd.at, fd.id = p, fd.back.At, r.e.held.hold(p, fd.part)
}
