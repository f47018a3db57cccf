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
	fed    int     // rows accepted since the last step
	kept   *keeper // nil: nothing is kept for another run
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

	// Of a run that is kept.
	taken []placed   // the chunks taken up of which rows may wait, and the last in any case
	last  uint64     // records of the last
	rows  int        // of these, that became rows
	back  *savedFile // where the run before came to; nil: nowhere
	// skimmed is how many records were passed over.
	skimmed uint64
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
	r.store = evidence.New(r.evidence())
	r.recall = newRecall(r.store)
	r.recall.kept = cfg.State != nil
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
	if err := r.engine(); err != nil {
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
		fd.part = r.e.inputs[inputKey(0, uint32(i))]
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
	dc := decode.Config{Format: f.Format, Schemas: schemas, Single: f.Type, TypeField: f.TypeField, Delimiter: f.Delimiter, Zone: r.prog.Zone, Chunk: r.cfg.chunk}
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
	err := fd.skip(chunks)
	for {
		var chunk decode.Chunk
		if err == nil {
			chunk, err = chunks.Next(borrow(r.texts))
		}
		if err == io.EOF || err == decode.ErrNoHeader {
			return
		}
		if err == nil {
			needed := true
			if needed, err = fd.skim(chunk); !needed && err == nil {
				lend(r.texts, chunk.Data)
				if ctx.Err() != nil {
					return
				}
				continue
			}
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
