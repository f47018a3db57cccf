package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
)

// generation reads the partitions of one generation of the group until it ends.
// An error is one of a partition's loop; the end of a generation is none.
func (s *source) generation(ctx context.Context, gen *kgo.Generation, c *cluster, in engine.Intake) error {
	assigned := gen.Assignments[s.topic]
	s.log.Info("partitions assigned", "group", s.group, "generation", gen.ID, "partitions", ids(assigned))
	g := &generation{s: s, gen: gen, commits: map[int]int64{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var loops sync.WaitGroup
	for _, a := range assigned {
		loops.Add(1)
		gen.Start(func(over context.Context) {
			defer loops.Done()
			stop := context.AfterFunc(over, cancel)
			defer stop()
			if err := s.partition(ctx, a, c, in, g); err != nil && ctx.Err() == nil {
				g.fail(fmt.Errorf("topic %s, partition %d: %w", s.topic, a.ID, err))
			}
			cancel()
		})
	}
	done := make(chan struct{})
	gen.Start(func(over context.Context) {
		defer close(done)
		stop := context.AfterFunc(over, cancel)
		defer stop()
		g.commitLoop(ctx)
		// What is on its way is still this member's.
		loops.Wait()
		g.commit()
	})
	<-done
	return g.err()
}

func ids(list []kgo.PartitionAssignment) (out []int) {
	for _, a := range list {
		out = append(out, a.ID)
	}
	return out
}

// generation is one generation of the group.
type generation struct {
	s   *source
	gen *kgo.Generation

	mu      sync.Mutex
	errs    []error
	commits map[int]int64 // by partition, the offset behind what is in the journal, not committed yet
}

func (g *generation) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.errs = append(g.errs, err)
}

func (g *generation) err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return errors.Join(g.errs...)
}

// done notes that everything before an offset is in the journal.
func (g *generation) done(partition int, next int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commits[partition] = max(g.commits[partition], next)
}

// commitLoop commits now and then until ctx ends.
func (g *generation) commitLoop(ctx context.Context) {
	tick := time.NewTicker(g.s.times.commit)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			g.commit()
		case <-ctx.Done():
			return
		}
	}
}

// commit tells the group how far this member is. That it fails is no error:
// the cursor in the journal is what counts here.
func (g *generation) commit() {
	g.mu.Lock()
	offsets := g.commits
	g.commits = map[int]int64{}
	g.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := g.gen.CommitOffsets(map[string]map[int]int64{g.s.topic: offsets}); err != nil {
		g.s.log.Debug("offsets were not committed", "error", err)
		for p, next := range offsets {
			g.done(p, next)
		}
	}
}

// takeUp takes a partition up when nothing of it is on its way any more.
func (s *source) takeUp(ctx context.Context, in engine.Intake, id int) (engine.Partition, *flight.Flight, error) {
	s.mu.Lock()
	before := s.flights[id]
	s.mu.Unlock()
	if before != nil {
		_ = before.Wait(ctx) // what was refused is read again
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	p, err := in.Partition(fmt.Sprintf("%s/%d", s.topic, id), id)
	if err != nil {
		return nil, nil, err
	}
	f := flight.New(p)
	s.mu.Lock()
	s.flights[id] = f
	s.mu.Unlock()
	return p, f, nil
}
