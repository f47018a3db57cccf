package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	kgo "github.com/segmentio/kafka-go"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
)

// loop reads one partition.
type loop struct {
	s      *source
	c      *cluster
	g      *generation
	id     int
	part   engine.Partition
	flight *flight.Flight
	log    *slog.Logger

	next   int64 // the offset to read next
	cursor bool  // the journal holds one
	unpack unpacker
	chunk  chunker
	req    *fetchRequest
}

// partition reads a partition until ctx ends. It returns when nothing of it is
// on its way any more, or after a while.
func (s *source) partition(ctx context.Context, a kgo.PartitionAssignment, c *cluster, in engine.Intake, g *generation) error {
	p, f, err := s.takeUp(ctx, in, a.ID)
	if err != nil {
		return err
	}
	l := &loop{s: s, c: c, g: g, id: a.ID, part: p, flight: f, log: s.log.With("partition", a.ID)}
	defer l.unpack.close()
	if err := l.begin(ctx, a.Offset); err != nil {
		return err
	}
	err = l.run(ctx)
	landing, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.times.landing)
	defer cancel()
	_ = l.flight.Wait(landing)
	return err
}

// begin finds the offset to begin with: behind the cursor, else the group's,
// else from the option from.
func (l *loop) begin(ctx context.Context, committed int64) error {
	c, ok, err := decodeCursor(l.part.Cursor(), l.s.topic)
	if err != nil {
		return err
	}
	if ok {
		if l.next, l.cursor = c.Next, true; committed > c.Next {
			l.log.Warn("the group was further than the journal: another member has read these, or an older state was restored; they are read again",
				"committed", committed, "journal", c.Next)
		}
		return nil
	}
	if committed >= 0 {
		l.next = committed
		return nil
	}
	oldest, end, err := l.c.span(ctx, l.s.topic, l.id)
	l.next = l.from(oldest, end)
	return err
}

func (l *loop) from(oldest, end int64) int64 {
	if l.s.latest {
		return end
	}
	return oldest
}

// run fetches until ctx ends. Fetches that fail are tried again for a while: a
// partition that changes its leader is no error.
func (l *loop) run(ctx context.Context) error {
	var failing time.Time
	pause := 50 * time.Millisecond
	for {
		a, err := l.fetch(ctx)
		if err == nil {
			err = l.take(ctx, a)
			if err != nil {
				return err
			}
			failing, pause = time.Time{}, 50*time.Millisecond
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, kgo.OffsetOutOfRange) {
			if err := l.outOfRange(ctx); err != nil {
				return err
			}
			continue
		}
		if failing.IsZero() {
			failing = time.Now()
		}
		if time.Since(failing) >= l.s.times.patience || !passing(err) {
			return l.c.explain(fmt.Sprintf("fetch from offset %d", l.next), err)
		}
		l.log.Debug("a fetch failed; it is tried again", "offset", l.next, "error", err)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-l.flight.Failed():
			return l.flight.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, time.Second)
	}
}

// passing says whether a failure may pass by itself soon.
func passing(err error) bool {
	var code kgo.Error
	return !errors.As(err, &code) || code.Temporary() || code == kgo.UnknownTopicOrPartition
}

// fetch asks for more.
func (l *loop) fetch(ctx context.Context) (*fetchAnswer, error) {
	if err := l.flight.Err(); err != nil {
		return nil, err
	}
	if l.req == nil {
		l.req = &fetchRequest{topic: l.s.topic, partition: int32(l.id), maxBytes: l.s.fetchBytes, minBytes: 1,
			maxWait: int32(l.s.times.maxWait / time.Millisecond)}
	}
	req := l.req
	req.offset = l.next
	call, cancel := context.WithTimeout(ctx, l.s.times.maxWait+l.s.times.slack)
	defer cancel()
	m, err := l.c.transport.RoundTrip(call, l.c.addr, req)
	if err != nil {
		l.req = nil // the connection may still be reading into it
		return nil, err
	}
	a := m.(*fetchAnswer)
	if a.errorCode != 0 {
		return nil, kgo.Error(a.errorCode)
	}
	return a, nil
}

// take hands over the records of an answer.
func (l *loop) take(ctx context.Context, a *fetchAnswer) error {
	f := newFilter(a.aborted)
	rest := a.records
	for len(rest) > 0 {
		b, n, err := nextBatch(rest)
		if err == errPartial {
			if len(rest) == len(a.records) {
				return fmt.Errorf("the broker sends %d bytes at offset %d and no whole batch", len(rest), l.next)
			}
			break
		}
		if err != nil {
			return err
		}
		rest = rest[n:]
		if !f.drops(&b) {
			if err := l.records(ctx, &b); err != nil {
				return err
			}
		}
		l.next = max(l.next, b.last+1)
	}
	if l.chunk.count > 0 {
		if err := l.put(ctx); err != nil {
			return err
		}
	} else if l.flight.Idle() {
		l.g.done(l.id, l.next) // past markers and empty records
	}
	l.part.Lag(max(0, a.high-l.next))
	return nil
}

// records adds the records of a batch to the chunk.
func (l *loop) records(ctx context.Context, b *batch) error {
	body, err := l.unpack.unpack(b)
	if err != nil {
		return err
	}
	for range b.count {
		r, n, err := nextRecord(body, b.base)
		if err != nil {
			return fmt.Errorf("the batch at offset %d is damaged: %w", b.base, err)
		}
		body = body[n:]
		if r.offset < l.next {
			continue // before the one that was asked for
		}
		if empty(r.value) {
			l.part.Reject(strconv.FormatInt(r.offset, 10), "the record has no value (it deletes its key)", r.key)
			continue
		}
		l.chunk.add(&r)
		if l.chunk.full() {
			l.next = r.offset + 1
			if err := l.put(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// put hands the chunk over. Once it is in the journal its offsets are the
// group's.
func (l *loop) put(ctx context.Context) error {
	next := l.next
	c := l.chunk.take()
	c.Cursor = cursor{cursorVersion, l.s.topic, next}.encode()
	c.Durable = func(err error) {
		if err == nil {
			l.g.done(l.id, next)
		}
	}
	l.cursor = true
	return l.flight.Put(ctx, c)
}

// outOfRange decides what happens when the broker does not have the offset. A
// source that has read before refuses to go on: its state would lack the
// records in between and nobody would know.
func (l *loop) outOfRange(ctx context.Context) error {
	oldest, end, err := l.c.span(ctx, l.s.topic, l.id)
	if err != nil {
		return err
	}
	if oldest <= l.next && l.next <= end {
		return nil // it has come back
	}
	const way = "To go on without them, give the source another name in the rule file: it then begins by its option from"
	if l.cursor && l.next < oldest {
		return fmt.Errorf("offsets %d to %d are lost: they were not read yet, and the broker has removed them (its oldest is %d; see the topic's retention). %s",
			l.next, oldest-1, oldest, way)
	}
	if l.cursor {
		return fmt.Errorf("offset %d is to be read next, but the partition ends at %d: the topic was made anew, or the broker has lost records. %s",
			l.next, end, way)
	}
	l.log.Warn("the group's offset is gone from the broker; reading begins by the option from", "offset", l.next, "oldest", oldest, "end", end)
	l.next = l.from(oldest, end)
	return nil
}
