package redis

import (
	"context"
	"slices"
	"time"
)

// ownPending takes up what was delivered to this member before and not
// acknowledged.
func (r *reader) ownPending(ctx context.Context) error {
	for from := (id{}); ; {
		list, err := r.readGroup(ctx, r.cur.Consumer, from.String(), 0)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := r.deliver(ctx, list); err != nil {
			return err
		}
		from = list[len(list)-1].id
	}
}

// recall reads what the group has had and the journal has not, although nobody
// has it pending: after an older state was restored, those entries have been
// acknowledged. It reads the stream itself, and only if this is the group's one
// member; with others nobody can say who has had which.
func (r *reader) recall(ctx context.Context) error {
	if !r.known {
		return nil
	}
	alone, delivered, err := r.delivered(ctx)
	if err != nil || !alone || delivered.compare(r.cur.Last) <= 0 {
		return err
	}
	if err := r.trimmed(ctx); err != nil {
		return err
	}
	for {
		v, err := r.client.Do(ctx, "XRANGE", r.s.stream, "("+r.cur.Last.String(), delivered.String(), "COUNT", r.s.count).Result()
		if err != nil {
			return r.s.explain("read", err)
		}
		list, err := entries(v)
		if err != nil {
			return r.s.explain("read", err)
		}
		if len(list) == 0 {
			return nil
		}
		if err := r.deliver(ctx, list); err != nil {
			return err
		}
	}
}

// delivered returns the newest entry that the group has had, and whether this
// is its one member.
func (r *reader) delivered(ctx context.Context) (alone bool, last id, err error) {
	consumers, err := r.client.XInfoConsumers(ctx, r.s.stream, r.s.group).Result()
	if err != nil {
		return false, id{}, r.s.explain("ask for the group's members", err)
	}
	for _, c := range consumers {
		if c.Name != r.cur.Consumer && c.Name != r.claimer() {
			return false, id{}, nil
		}
	}
	groups, err := r.client.XInfoGroups(ctx, r.s.stream).Result()
	if err != nil {
		return false, id{}, r.s.explain("ask for the group", err)
	}
	for _, g := range groups {
		if g.Name == r.s.group {
			last, err = parseID(g.LastDeliveredID)
		}
	}
	return true, last, err
}

// trimmed makes dead letters of pending entries that the stream does not have
// any more, which recall cannot see.
func (r *reader) trimmed(ctx context.Context) error {
	for from := r.cur.Last; ; {
		list, err := r.readGroup(ctx, r.cur.Consumer, from.String(), 0)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if e := &list[i]; e.fields == nil {
				_, reason := e.appendEvent(nil, "")
				r.part.Reject(e.id.String(), reason, nil)
				r.acks.add([]id{e.id})
			}
		}
		from = list[len(list)-1].id
	}
}

// claimer is the name under which entries of dead members are claimed.
func (r *reader) claimer() string { return r.cur.Consumer + ":claimed" }

// claimedPending takes up what was claimed before and not acknowledged.
func (r *reader) claimedPending(ctx context.Context) error {
	for from := (id{}); ; {
		list, err := r.readGroup(ctx, r.claimer(), from.String(), 0)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		from = list[len(list)-1].id
		if err := r.takeClaimed(ctx, list); err != nil {
			return err
		}
	}
}

// claim claims the entries of dead members and takes them up.
func (r *reader) claim(ctx context.Context) error {
	consumers, err := r.client.XInfoConsumers(ctx, r.s.stream, r.s.group).Result()
	if err != nil {
		return r.s.explain("ask for the group's members", err)
	}
	for _, c := range consumers {
		if c.Pending == 0 || c.Idle < r.s.times.silent || c.Name == r.cur.Consumer || c.Name == r.claimer() {
			continue
		}
		r.s.log.Warn("a member of the group is silent; its entries are claimed", "member", c.Name, "silent", c.Idle, "entries", c.Pending)
		if err := r.claimFrom(ctx, c.Name); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) claimFrom(ctx context.Context, member string) error {
	silent := r.s.times.silent.Milliseconds()
	for {
		v, err := r.client.Do(ctx, "XPENDING", r.s.stream, r.s.group, "IDLE", silent, "-", "+", r.s.count, member).Result()
		if err != nil {
			return r.s.explain("ask for pending entries", err)
		}
		ids, err := pendingIDs(v)
		if err != nil {
			return r.s.explain("ask for pending entries", err)
		}
		if len(ids) == 0 {
			return nil
		}
		args := append([]any{"XCLAIM", r.s.stream, r.s.group, r.claimer(), silent}, ids...)
		v, err = r.client.Do(ctx, args...).Result()
		if err != nil {
			return r.s.explain("claim entries", err)
		}
		list, err := entries(v)
		if err != nil {
			return r.s.explain("claim entries", err)
		}
		if gone := len(ids) - len(list); gone > 0 {
			r.s.log.Warn("pending entries were removed from the stream before they were read, or another member was quicker", "member", member, "entries", gone)
		}
		if err := r.takeClaimed(ctx, list); err != nil {
			return err
		}
	}
}

// pendingIDs reads the answer to XPENDING.
func pendingIDs(v any) ([]any, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errAnswer
	}
	var ids []any
	for _, v := range list {
		row, ok := v.([]any)
		if !ok || len(row) < 1 {
			return nil, errAnswer
		}
		ids = append(ids, row[0])
	}
	return ids, nil
}

// takeClaimed hands over claimed entries and waits until they are acknowledged:
// the cursor holds one such list at a time.
func (r *reader) takeClaimed(ctx context.Context, list []entry) error {
	var fresh []entry
	var acks []id
	for _, e := range list {
		if slices.Contains(r.cur.Claimed, e.id) {
			acks = append(acks, e.id)
		} else {
			fresh = append(fresh, e)
		}
	}
	if err := r.acks.now(ctx, acks); err != nil {
		return err
	}
	for chunk := range slices.Chunk(fresh, 100) {
		ids := idsOf(chunk)
		r.cur.Claimed = ids
		if err := r.put(ctx, chunk, func(id) {}); err != nil {
			return err
		}
		if err := r.flight.Wait(ctx); err != nil {
			return err
		}
		if err := r.acks.now(ctx, ids); err != nil {
			return err
		}
		r.cur.Claimed = nil
	}
	return nil
}

// keepAlive lets the group see that this member lives: Redis 7.0 does not count
// a wait for new entries that brings none, and while the journal is full nothing
// is asked for. It returns what ends it.
func (r *reader) keepAlive(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(r.s.times.silent / 6)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				// Nothing was delivered behind an id as great as this; asking counts.
				const none = "18446744073709551614-0"
				_, _ = r.readGroup(ctx, r.cur.Consumer, none, 0)
				_, _ = r.readGroup(ctx, r.claimer(), none, 0)
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
