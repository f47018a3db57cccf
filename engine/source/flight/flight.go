package flight

import (
	"context"
	"sync"

	"github.com/weir-cep/weir/engine"
)

// Flight is what is on its way of one partition.
type Flight struct {
	part   engine.Partition
	failed chan struct{} // closed once a chunk was refused

	mu    sync.Mutex
	n     int   // chunks on their way
	err   error // why the first one was refused
	empty chan struct{}
}

// New follows a partition that nothing is on its way to.
func New(p engine.Partition) *Flight {
	return &Flight{part: p, failed: make(chan struct{})}
}

// Put hands a chunk over and returns when it is on its way. It returns an
// error, and the chunk does not go, if an earlier one was refused or ctx ends.
func (f *Flight) Put(ctx context.Context, c engine.Chunk) error {
	f.mu.Lock()
	err := f.err
	if err == nil {
		f.n++
	}
	f.mu.Unlock()
	if err != nil {
		return err
	}
	durable := c.Durable
	c.Durable = func(err error) {
		// The source's own part comes first: when Wait returns, it is done.
		if durable != nil {
			durable(err)
		}
		f.land(err)
	}
	if err := f.part.Put(ctx, c); err != nil {
		f.land(err)
		return err
	}
	return nil
}

// land notes what became of a chunk.
func (f *Flight) land(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n--
	if err != nil && f.err == nil {
		f.err = err
		close(f.failed)
	}
	if f.n == 0 && f.empty != nil {
		close(f.empty)
		f.empty = nil
	}
}

// Failed is closed once a chunk was refused.
func (f *Flight) Failed() <-chan struct{} { return f.failed }

// Err returns why a chunk was refused, nil if none was.
func (f *Flight) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Wait waits until nothing is on its way and returns why a chunk was refused.
// The partition's cursor then stands behind all that were not.
func (f *Flight) Wait(ctx context.Context) error {
	f.mu.Lock()
	if f.n == 0 {
		defer f.mu.Unlock()
		return f.err
	}
	if f.empty == nil {
		f.empty = make(chan struct{})
	}
	empty := f.empty
	f.mu.Unlock()
	select {
	case <-empty:
		return f.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Idle says whether nothing is on its way and nothing was refused.
func (f *Flight) Idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.n == 0 && f.err == nil
}
