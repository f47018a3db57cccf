package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/weir-cep/weir/engine"
	"github.com/weir-cep/weir/engine/source/flight"
	"github.com/weir-cep/weir/internal/decode"
)

// reader reads the stream during one Run.
type reader struct {
	s      *source
	client *goredis.Client
	part   engine.Partition
	flight *flight.Flight
	acks   *acker
	cur    cursor // behind what was handed over
	known  bool   // the journal holds a cursor
	again  int    // entries that were delivered anew and are in the journal
}

func (r *reader) run(ctx context.Context) error {
	r.acks = newAcker(r)
	defer r.acks.stop()
	defer r.land(ctx)
	if err := r.recall(ctx); err != nil {
		return err
	}
	if err := r.ownPending(ctx); err != nil {
		return err
	}
	if err := r.claimedPending(ctx); err != nil {
		return err
	}
	stop := r.keepAlive(ctx)
	defer stop()
	var lagAt, claimAt time.Time
	for {
		if err := r.flight.Err(); err != nil {
			return err
		}
		if err := r.acks.err(); err != nil {
			return err
		}
		if time.Since(claimAt) >= r.s.times.claim {
			if err := r.claim(ctx); err != nil {
				return err
			}
			claimAt = time.Now()
		}
		if time.Since(lagAt) >= r.s.times.lag {
			if err := r.lag(ctx); err != nil {
				return err
			}
			lagAt = time.Now()
		}
		list, err := r.readGroup(ctx, r.cur.Consumer, ">", r.s.times.block)
		if err != nil {
			return err
		}
		if err := r.deliver(ctx, list); err != nil {
			return err
		}
	}
}

// land waits a while for what is on its way, so that it is acknowledged.
func (r *reader) land(ctx context.Context) {
	landing, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.s.times.landing)
	defer cancel()
	_ = r.flight.Wait(landing)
}

// readGroup reads entries for a consumer: new ones for ">", else those behind
// an id that were delivered to it before. A block of 0 does not wait.
func (r *reader) readGroup(ctx context.Context, consumer, from string, block time.Duration) ([]entry, error) {
	args := []any{"XREADGROUP", "GROUP", r.s.group, consumer, "COUNT", r.s.count}
	if block > 0 {
		args = append(args, "BLOCK", block.Milliseconds())
	}
	v, err := r.client.Do(ctx, append(args, "STREAMS", r.s.stream, from)...).Result()
	if errors.Is(err, goredis.Nil) {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, r.s.explain("read", err)
	}
	streams, ok := v.([]any)
	if !ok || len(streams) != 1 {
		return nil, r.s.explain("read", errAnswer)
	}
	pair, ok := streams[0].([]any)
	if !ok || len(pair) != 2 {
		return nil, r.s.explain("read", errAnswer)
	}
	list, err := entries(pair[1])
	if err != nil {
		return nil, r.s.explain("read", err)
	}
	return list, nil
}

// deliver hands over entries that were delivered to this member. Those that
// are in the journal are only acknowledged.
func (r *reader) deliver(ctx context.Context, list []entry) error {
	n := 0
	for n < len(list) && r.isKnown(list[n].id) {
		n++
	}
	if n > 0 {
		r.acks.add(idsOf(list[:n]))
		r.again += n
	}
	if r.again > 0 && n < len(list) {
		r.s.log.Info("entries were delivered again that are in the journal; they were passed over", "entries", r.again)
		r.again = 0
	}
	return r.put(ctx, list[n:], func(last id) { r.cur.Last, r.known = last, true })
}

func (r *reader) isKnown(i id) bool { return r.known && i.compare(r.cur.Last) <= 0 }

func idsOf(list []entry) []id {
	out := make([]id, len(list))
	for i := range list {
		out[i] = list[i].id
	}
	return out
}

// put hands entries over as chunks. moved is told the last entry of each chunk
// before its cursor is written.
func (r *reader) put(ctx context.Context, list []entry, moved func(last id)) error {
	for len(list) > 0 {
		var data []byte
		n := 0
		for n < len(list) && len(data) < decode.ChunkSize {
			e := &list[n]
			n++
			var reason string
			if data, reason = e.appendEvent(data, r.s.field); reason != "" {
				r.part.Reject(e.id.String(), reason, e.text())
			}
		}
		ids := idsOf(list[:n])
		list = list[n:]
		moved(ids[len(ids)-1])
		if len(data) == 0 { // nothing but dead letters
			r.acks.add(ids)
			continue
		}
		c := engine.Chunk{Data: data[:len(data):len(data)], First: -1, Cursor: r.cur.encode(), Durable: func(err error) {
			if err == nil {
				r.acks.add(ids)
			}
		}}
		if err := r.flight.Put(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// lag tells how many entries the group has not read.
func (r *reader) lag(ctx context.Context) error {
	groups, err := r.client.XInfoGroups(ctx, r.s.stream).Result()
	if err != nil {
		return r.s.explain("ask for the lag", err)
	}
	for _, g := range groups {
		if g.Name == r.s.group {
			r.part.Lag(g.Lag) // Redis says -1 where it does not know
		}
	}
	return nil
}
