package engine

import (
	"context"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
)

// File is an event file of a run. It is a partition of source 0, numbered by
// its place among the files.
type File struct {
	Path      string        // "-" is standard input
	Type      *cep.Schema   // of all its events; nil: each says its own
	TypeField string        // where an event's type stands; "" is "type"
	Format    decode.Format // of the text
	Delimiter byte          // of CSV; 0 is ','
}

// RunConfig says how files are run. Inputs of the Config are set by Run.
type RunConfig struct {
	Config
	Files   []File
	Drain   Drain
	Workers int    // goroutines that decode; 0: one per processor
	TempDir string // for the text of events that cannot be read again; "" is the system's

	// Dead takes the records that did not become events, in input order;
	// base is the position of the chunk's first record. The letters are not to
	// be kept.
	Dead func(file int, base uint64, letters []decode.DeadLetter)

	// Progress is told now and then how far the run is.
	Progress func(Progress)

	// State keeps what it takes to go on after a crash; nil: nothing is kept.
	State *RunState

	chunk int // bytes that are decoded at once; 0: decode.ChunkSize
}

// Progress is how far a run is. Bytes are those of the files, as they are
// packed; Size is -1 if a file's is not known.
type Progress struct {
	Events     uint64
	Read, Size int64
}

// Summary is what a run did.
type Summary struct {
	Stats
	Records  uint64 // lines and rows read
	Rejected decode.Counts
	Skipped  uint64             // records of types that no rule names
	Unknown  []decode.TypeCount // some of those types
	Warnings []string
}

// Run reads files to their end and runs a program over their events. The files
// are read side by side, always the one whose watermark is lowest, so that
// none is held up by another. With a State, a run that was broken off goes on
// behind its last checkpoint, and one that came to its end is ErrFinished.
func Run(ctx context.Context, prog *dsl.Program, cfg RunConfig) (Summary, error) {
	r := &runner{cfg: &cfg, prog: prog}
	defer r.close()
	if err := r.open(ctx); err != nil {
		return Summary{}, err
	}
	err := r.rewind(ctx)
	if err == nil {
		err = r.loop(ctx)
	}
	if err == nil {
		err = r.e.End(cfg.Drain)
	}
	err = r.leave(ctx, err)
	r.e.Close()
	r.sum.Stats = r.e.Stats()
	r.report()
	return r.sum, err
}

// loop feeds the engine until all files have ended.
func (r *runner) loop(ctx context.Context) error {
	for {
		if err := r.keep(); err != nil {
			return err
		}
		fd, second := r.lowest()
		if fd == nil {
			return nil
		}
		if fd.cur == nil {
			more, err := r.pull(ctx, fd)
			if err != nil {
				return err
			}
			if !more {
				if err := r.e.Finish(0, uint32(fd.index)); err != nil {
					return err
				}
			}
			continue
		}
		if err := r.feed(fd, second); err != nil {
			return err
		}
	}
}

// lowest returns the file whose watermark is lowest, of several the first, and
// the watermark up to which it stays so; nil if all have ended.
func (r *runner) lowest() (fd *feeder, until int64) {
	for _, f := range r.files {
		if !f.part.ended && (fd == nil || f.part.w() < fd.part.w()) {
			fd = f
		}
	}
	until = maxTime
	for i, f := range r.files {
		if f.part.ended || f == fd {
			continue
		}
		w := f.part.w()
		if i < fd.index {
			w-- // at the same watermark it would be f's turn
		}
		until = min(until, w)
	}
	return fd, until
}

// pull takes up the file's next chunk; false: there is none.
func (r *runner) pull(ctx context.Context, fd *feeder) (bool, error) {
	j, err := r.next(ctx, fd)
	if j != nil {
		r.take(fd, j)
	}
	return j != nil, err
}

// next returns the file's next chunk, decoded; nil: there is none.
func (r *runner) next(ctx context.Context, fd *feeder) (*job, error) {
	select {
	case j, ok := <-fd.queue:
		if !ok {
			return nil, ctx.Err()
		}
		select {
		case <-j.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if j.err != nil {
			return nil, j.err
		}
		return j, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take gives a chunk's rows their place and counts its other records.
func (r *runner) take(fd *feeder, j *job) {
	j.out.batch.Rebase(0, uint32(fd.index), fd.records)
	if len(j.res.Dead) > 0 {
		r.sum.Rejected.Add(j.res.Dead)
		if r.cfg.Dead != nil {
			r.cfg.Dead(fd.index, fd.records, j.res.Dead)
		}
	}
	r.sum.Records += j.res.Records
	r.sum.Skipped += j.res.Skipped
	r.unknown(j.res.Unknown)
	if r.kept != nil {
		fd.took(j)
	}
	fd.records += j.res.Records
	if len(j.out.batch.Rows) == 0 {
		lend(r.texts, j.out.batch.Bytes)
		lend(r.idle, j.out)
		return
	}
	if err := fd.log.Add(j.out.batch, j.chunk); err != nil {
		r.lost(err)
	}
	fd.cur, fd.at = j.out, 0
	fd.id = r.e.hold(j.out, fd.part)
}

// lost notes that events cannot be kept for alerts any more. The run goes on,
// unless it can be taken up when they can be kept again.
func (r *runner) lost(err error) {
	if r.kept != nil {
		r.kept.broken = err
		return
	}
	r.sum.Warnings = append(r.sum.Warnings, "alerts will lack old events: "+err.Error())
}

func (r *runner) unknown(list []decode.TypeCount) {
next:
	for _, u := range list {
		for i := range r.sum.Unknown {
			if r.sum.Unknown[i].Type == u.Type {
				r.sum.Unknown[i].Count += u.Count
				continue next
			}
		}
		if len(r.sum.Unknown) < decode.MaxUnknown {
			r.sum.Unknown = append(r.sum.Unknown, u)
		}
	}
}

// feed accepts the rows of a file up to where another file's watermark becomes
// the lowest. Which row follows which depends on the rows alone, not on how
// they were cut into chunks.
func (r *runner) feed(fd *feeder, until int64) error {
	rows := fd.cur.batch.Rows
	to := len(rows)
	if until != maxTime {
		top := fd.part.max
		for i := fd.at; i < to; i++ {
			if top = max(top, rows[i].At); before(top, fd.part.late) > until {
				to = i + 1
			}
		}
	}
	r.e.accept(fd.cur, fd.id, fd.part, fd.at, to, maxTime)
	r.fed += to - fd.at
	fd.at = to
	if to == len(rows) {
		r.e.held.settle(fd.id)
		fd.cur = nil
	}
	if r.fed < stepRows && to < len(rows) {
		return r.e.err
	}
	r.fed = 0
	err := r.e.advance(fd.part.group, fd.part.group.target())
	r.report()
	return err
}

// report tells the progress.
func (r *runner) report() {
	if r.cfg.Progress == nil {
		return
	}
	p := Progress{Events: r.e.stats.Events}
	for _, fd := range r.files {
		read, size := fd.in.Progress()
		p.Read += read
		if size < 0 || p.Size < 0 {
			p.Size = -1
		} else {
			p.Size += size
		}
	}
	r.cfg.Progress(p)
}

func (r *runner) close() {
	if r.stop != nil {
		r.stop()
		r.going.Wait()
	}
	if r.kept != nil {
		r.kept.close()
	}
	if r.store != nil {
		r.store.Close()
	}
	for _, fd := range r.files {
		fd.in.Close()
	}
}
