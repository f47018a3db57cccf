package engine

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/weir-cep/weir/cep"
	"github.com/weir-cep/weir/dsl"
	"github.com/weir-cep/weir/internal/decode"
	"github.com/weir-cep/weir/internal/evidence"
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
// none is held up by another.
func Run(ctx context.Context, prog *dsl.Program, cfg RunConfig) (Summary, error) {
	r := &runner{cfg: &cfg, prog: prog}
	defer r.close()
	if err := r.open(ctx); err != nil {
		return Summary{}, err
	}
	err := r.loop(ctx)
	if err == nil {
		err = r.e.End(cfg.Drain)
	}
	r.e.steps.close()
	r.sum.Stats = r.e.Stats()
	r.report()
	return r.sum, err
}

// runner reads several files into one engine.
type runner struct {
	cfg    *RunConfig
	prog   *dsl.Program
	e      *Engine
	files  []*feeder
	stop   context.CancelFunc
	work   chan *job
	going  sync.WaitGroup // readers and decoders
	store  *evidence.Store
	recall *recall
	texts  chan []byte    // memory of chunks that nobody needs any more
	idle   chan *prepared // batches that nobody needs any more
	sum    Summary
	fed    int // rows accepted since the last step
}

// feeder is one file being read.
type feeder struct {
	index   int
	in      *decode.Input
	part    *partition
	queue   chan *job // in file order
	decoder *decode.Decoder
	log     *evidence.Log
	records uint64 // of the chunks taken up so far: the next chunk's base
	cur     *prepared
	id      uint32 // of cur in the order
	at      int    // next row of cur
}

// job is a chunk on its way through a decoder.
type job struct {
	of    *feeder
	chunk decode.Chunk
	err   error // the file cannot be read further
	out   *prepared
	res   decode.Result
	done  chan struct{}
}

const (
	depth     = 4  // chunks of a file that are decoded ahead
	spareText = 64 // chunks whose memory is kept for others
)

func (r *runner) open(ctx context.Context) (err error) {
	cfg := r.cfg
	if len(cfg.Files) == 0 {
		return fmt.Errorf("run: no event files")
	}
	schemas := Reads(r.prog)
	if len(schemas) == 0 {
		return fmt.Errorf("run: no rule reads any event type")
	}
	ctx, r.stop = context.WithCancel(ctx)
	r.store = evidence.New(evidence.Options{Dir: cfg.TempDir})
	r.recall = newRecall(r.store)
	r.texts, r.idle = make(chan []byte, spareText), make(chan *prepared, spareText)
	chunks := make([]*decode.Chunks, len(cfg.Files))
	cfg.Inputs = nil
	for i := range cfg.Files {
		f := &cfg.Files[i]
		fd := &feeder{index: i, queue: make(chan *job, depth)}
		if fd.in, err = decode.Open(f.Path); err != nil {
			return fmt.Errorf("open events: %w", err)
		}
		r.files = append(r.files, fd)
		if chunks[i], fd.decoder, err = r.decoder(f, fd.in, schemas); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		cfg.Inputs = append(cfg.Inputs, r.input(f, fd, chunks[i]))
	}
	if r.e, err = New(r.prog, cfg.Config); err != nil {
		return err
	}
	r.recall.derived(r.e, r.lost)
	r.e.giveBack = func(p *prepared) { lend(r.idle, p) }
	r.e.steps.book.recycle = func(text []byte) { lend(r.texts, text) }
	workers := cfg.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	r.work = make(chan *job, workers)
	for range workers {
		r.going.Go(func() { r.decode(ctx) })
	}
	for i, fd := range r.files {
		fd.part = r.e.parts[i]
		read := func() { r.read(ctx, fd, chunks[i]) }
		if fd.in.Path == decode.StandardInput {
			go read() // may sit in a read that nothing ends
		} else {
			r.going.Go(read)
		}
	}
	return nil
}

// decoder makes what cuts and decodes a file.
func (r *runner) decoder(f *File, in io.Reader, schemas []*cep.Schema) (*decode.Chunks, *decode.Decoder, error) {
	dc := decode.Config{Format: f.Format, Schemas: schemas, Single: f.Type, TypeField: f.TypeField, Delimiter: f.Delimiter, Zone: r.prog.Zone}
	if f.Type != nil {
		dc.Schemas = []*cep.Schema{f.Type}
	}
	need := Need(r.prog)
	for _, s := range dc.Schemas {
		for i, other := range r.prog.Schemas {
			if s == other {
				dc.Need = append(dc.Need, need[i])
			}
		}
	}
	chunks := decode.NewChunks(in, dc)
	header, err := chunks.Header()
	if err == decode.ErrNoHeader {
		header, err = []string{""}, nil // an empty file has no events
	}
	if err != nil {
		return nil, nil, err
	}
	dc.Header = header
	d, err := decode.New(dc)
	return chunks, d, err
}

// lend puts something up for reuse, unless there is enough of it.
func lend[T any](pool chan T, x T) {
	select {
	case pool <- x:
	default:
	}
}

// borrow takes something from a pool; the zero value if it is empty.
func borrow[T any](pool chan T) (x T) {
	select {
	case x = <-pool:
	default:
	}
	return x
}

// input declares a file to the engine.
func (r *runner) input(f *File, fd *feeder, chunks *decode.Chunks) Input {
	in := Input{Partition: uint32(fd.index)}
	if f.Type != nil {
		in.Types = []*cep.Schema{f.Type}
	}
	dc := chunks.Config()
	if f.Format == decode.CSV {
		dc.Header, _ = chunks.Header()
		in.JSON = func(dst, raw []byte) []byte { return csvJSON(dst, dc.Header, raw, dc.Delimiter) }
	}
	fd.log = r.store.Open(0, in.Partition, evidence.Input{File: fd.in.File(), Config: dc})
	in.Find = r.recall.find
	return in
}

// csvJSON writes a CSV record as an object of strings.
func csvJSON(dst []byte, header []string, raw []byte, delimiter byte) []byte {
	cells, err := decode.Cells(nil, raw, delimiter)
	if err != nil {
		return cep.AppendJSONString(dst, string(raw))
	}
	dst = append(dst, '{')
	for i, cell := range cells {
		if i == len(header) {
			break
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(cep.AppendJSONString(dst, header[i]), ':')
		dst = cep.AppendJSONString(dst, cell)
	}
	return append(dst, '}')
}

// read cuts a file into chunks and hands them to the decoders, in order.
func (r *runner) read(ctx context.Context, fd *feeder, chunks *decode.Chunks) {
	defer close(fd.queue)
	for {
		chunk, err := chunks.Next(borrow(r.texts))
		if err == io.EOF || err == decode.ErrNoHeader {
			return
		}
		j := &job{of: fd, chunk: chunk, err: err, done: make(chan struct{})}
		if err != nil {
			close(j.done)
		}
		select {
		case fd.queue <- j:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case r.work <- j:
		case <-ctx.Done():
			return
		}
	}
}

// decode is a worker: it turns chunks into prepared batches.
func (r *runner) decode(ctx context.Context) {
	prep := r.e.plan.newPreparer()
	decoders := make([]*decode.Decoder, len(r.files))
	for {
		select {
		case j := <-r.work:
			d := decoders[j.of.index]
			if d == nil {
				d = j.of.decoder.Clone()
				decoders[j.of.index] = d
			}
			if j.out = borrow(r.idle); j.out == nil {
				j.out = &prepared{batch: &cep.Batch{}, lent: true}
			}
			d.Decode(j.chunk.Data, j.out.batch, &j.res)
			prep.fill(j.out)
			close(j.done)
		case <-ctx.Done():
			return
		}
	}
}

// loop feeds the engine until all files have ended.
func (r *runner) loop(ctx context.Context) error {
	for {
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
	select {
	case j, ok := <-fd.queue:
		if !ok {
			return false, ctx.Err()
		}
		select {
		case <-j.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if j.err != nil {
			return false, j.err
		}
		r.take(fd, j)
		return true, nil
	case <-ctx.Done():
		return false, ctx.Err()
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
	fd.id = r.e.hold(j.out)
}

// lost notes that events cannot be kept for alerts any more; the run goes on.
func (r *runner) lost(err error) {
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
	r.e.accept(fd.cur, fd.id, fd.at, to)
	r.fed += to - fd.at
	fd.at = to
	if to == len(rows) {
		r.e.order.settle(fd.id)
		fd.cur = nil
	}
	if r.fed < stepRows && to < len(rows) {
		return r.e.err
	}
	r.fed = 0
	err := r.e.advance(lowest(r.e.parts))
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
	if r.store != nil {
		r.store.Close()
	}
	for _, fd := range r.files {
		fd.in.Close()
	}
}
